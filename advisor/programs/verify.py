"""verify(8) and tlsmgr(8): their caches, cleaned up."""

from advisor.family import LIBRARY, family

PROGRAMS = ("verify", "tlsmgr")
POSTFIX = True

FAMILIES = (
    family(
        "notice",
        "exiting to reopen external entropy source /dev/urandom",
        r"(?P<text>(?:exiting to reopen external entropy source |cannot read from entropy device |"
        r"lost connection to EGD server ).*)",
    ),
    LIBRARY,
)
