"""verify(8) and tlsmgr(8): their caches, cleaned up."""

from advisor.family import family

PROGRAMS = ("verify", "tlsmgr")
POSTFIX = True

FAMILIES = (
    family(
        "notice",
        "cache btree:/var/lib/postfix/verify_cache full cleanup: retained=3 dropped=0 entries",
        r"(?P<text>cache \S+ (?:full|partial) cleanup: retained=\d+ dropped=\d+ entries)",
    ),
)
