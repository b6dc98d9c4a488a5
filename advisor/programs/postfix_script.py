"""postfix-script: start, stop and reload as the administrator typed them."""

from advisor.family import LIBRARY, family

# postlog(1) writes for postfix-script under a name of its own where there is no syslog, as in a container.
PROGRAMS = ("postfix-script", "postfix", "postlog")
POSTFIX = True

FAMILIES = (
    family(
        "notice",
        "starting the Postfix mail system",
        r"(?P<text>(?:starting|stopping|refreshing|aborting) the Postfix mail system|"
        r"waiting for the Postfix mail system to terminate|"
        r"the Postfix mail system is (?:not running|running: PID: +\d+)|"
        # postfix.c, since Postfix 3.0.
        r"Postfix is using backwards-compatible default settings|See https?://www\.postfix\.org/\S+ for details|"
        r"To disable backwards compatibility use .+)",
    ),
    LIBRARY,
)
