"""master(8): when Postfix started, stopped, and what it could not run."""

from advisor.family import LIBRARY, family

PROGRAMS = ("master",)
POSTFIX = True

FAMILIES = (
    family(
        "started",
        "daemon started -- version 3.7.11, configuration /etc/postfix",
        r"daemon started -- version (?P<result>[^,]+), configuration (?P<text>.+)",
    ),
    family(
        "notice",
        "terminating on signal 15",
        r"(?P<text>terminating on signal \d+|reload -- version \S+, configuration \S+|reload configuration \S+|"
        r"rotating .+|process .+|master exit time has arrived|ignoring status update from child pid .+)",
    ),
    LIBRARY,
)
