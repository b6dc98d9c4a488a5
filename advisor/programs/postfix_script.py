"""postfix-script: start, stop and reload as the administrator typed them."""

from advisor.family import family

PROGRAMS = ("postfix-script", "postfix")
POSTFIX = True

FAMILIES = (
    family(
        "notice",
        "starting the Postfix mail system",
        r"(?P<text>(?:starting|stopping|refreshing|aborting|waiting for|the Postfix mail system|flushing).*)",
    ),
)
