"""anvil(8): connection counts and rates."""

from advisor.family import LIBRARY, family

PROGRAMS = ("anvil",)
POSTFIX = True

FAMILIES = (
    family(
        "statistics",
        "statistics: max connection rate 1/60s for (smtp:203.0.113.10) at Nov 22 11:53:25",
        r"statistics: (?P<text>max (?:cache size \d+|(?:connection count \d+|[a-z]+ rate \d+/\d+s) for \(.+\)) "
        r"at [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d)",
    ),
    LIBRARY,
)
