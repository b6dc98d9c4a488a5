"""scache(8): the cache of outbound connections."""

from advisor.family import LIBRARY, family

PROGRAMS = ("scache",)
POSTFIX = True

FAMILIES = (
    family(
        "statistics",
        "statistics: domain lookup hits=0 miss=1 success=0%",
        r"statistics: (?P<text>start interval [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|"
        r"(?:domain|address) lookup hits=\d+ miss=\d+ success=\d+%|"
        r"max simultaneous domains=\d+ addresses=\d+ connection=\d+)",
    ),
    LIBRARY,
)
