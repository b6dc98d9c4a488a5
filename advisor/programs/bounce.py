"""bounce(8): the notifications that Postfix writes itself."""

from advisor.family import LIBRARY, QUEUE_ID, family

PROGRAMS = ("bounce", "defer", "trace")
POSTFIX = True

FAMILIES = (
    family(
        "notification",
        "4F1D61C0: sender non-delivery notification: 53A1B1C2",
        rf"{QUEUE_ID}: (?P<text>(?:sender|postmaster) (?:non-delivery|delay|delivery status) notification): "
        r"(?P<relay>\w+)",
    ),
    family(
        "notice",
        "4F1D61C0: undeliverable postmaster notification discarded",
        rf"{QUEUE_ID}: (?P<text>undeliverable postmaster notification discarded|"
        r"no trace file -- not sending a notification|"
        r"not sending trace/success notification for (?:single|double)-bounce message)",
    ),
    LIBRARY,
)
