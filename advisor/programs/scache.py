"""scache(8): the cache of outbound connections."""

from advisor.family import family

PROGRAMS = ("scache",)
POSTFIX = True

FAMILIES = (
    family(
        "statistics",
        "statistics: domain lookup hits=0 miss=1 success=0%",
        r"statistics: (?P<text>.+)",
    ),
)
