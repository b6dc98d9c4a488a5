"""trivial-rewrite(8): says little unless a table is missing."""

from advisor.family import family

PROGRAMS = ("trivial-rewrite",)
POSTFIX = True

FAMILIES = (
    family(
        "notice",
        "table hash:/etc/postfix/transport(0,lock|fold_fix) has changed -- restarting",
        r"(?P<text>table \S+ has changed -- restarting|using backwards-compatible default setting .+)",
    ),
)
