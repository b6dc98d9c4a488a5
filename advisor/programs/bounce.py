"""bounce(8): the notifications that Postfix writes itself."""

from advisor.family import QUEUE_ID, family

PROGRAMS = ("bounce", "defer", "trace")
POSTFIX = True

FAMILIES = (
    family(
        "notification",
        "4F1D61C0: sender non-delivery notification: 53A1B1C2",
        rf"{QUEUE_ID}: (?P<text>(?:sender|postmaster) [\w-]+(?: \w+)? notification): (?P<relay>\w+)",
    ),
)
