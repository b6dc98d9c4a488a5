"""postfix-script: start, stop and reload as the administrator typed them."""

from advisor.family import family

PROGRAMS = ("postfix-script", "postfix")
POSTFIX = True

FAMILIES = (
    family(
        "notice",
        "starting the Postfix mail system",
        r"(?P<text>(?:starting|stopping|refreshing|aborting) the Postfix mail system|"
        r"waiting for the Postfix mail system to terminate|"
        r"the Postfix mail system is (?:not running|running: PID: +\d+))",
    ),
)
