"""pickup(8): mail that was handed in on this machine."""

from advisor.family import ANY, LIBRARY, MAILBOX, QUEUE_ID, family

PROGRAMS = ("pickup",)
POSTFIX = True

FAMILIES = (
    family(
        "pickup",
        "4F1D61C0: uid=0 from=<root> orig_id=3A2B1C",
        rf"{QUEUE_ID}: uid=\d+ from=<(?P<sender>{MAILBOX}|{ANY})>(?: orig_id=\w+)?",
    ),
    LIBRARY,
)
