"""postsuper(1): what the administrator did to messages in the queue."""

from advisor.family import LIBRARY, QUEUE_ID, family

PROGRAMS = ("postsuper",)
POSTFIX = True

FAMILIES = (
    family("removed", "4F1D61C0: removed", rf"{QUEUE_ID}: removed"),
    family(
        "notice",
        "4F1D61C0: placed on hold",
        rf"{QUEUE_ID}: (?P<text>placed on hold|released from hold|requeued|expired)|"
        r"(?P<reason>(?:Deleted|Requeued|Placed on hold|Released from hold|Force-expired|Expired|"
        r"Renamed to match inode number): \d+ messages?)",
    ),
    LIBRARY,
)
