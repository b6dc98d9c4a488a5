"""DNS blocklists: whom each of them names, and from which day to which.

Three have names that the advisor knows and believes, so that what they say is evidence; nothing here is said of them.
No list publishes how much it catches or whom it names wrongly, so the shares are assumed, in the order that comparisons
of public lists agree on: the large combined list catches most, the trap lists less, and lists of whole networks hit
many bystanders.
"""

import random
from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple

_ALIKE = 0.7
"""Lists see the same spam: how much of whether one names a client is the same for all (a correlation; assumed)."""
_NORMAL = NormalDist()


class Span(NamedTuple):
    """The days on which a list names a client."""

    zone: str
    first: int
    last: int


@dataclass(frozen=True)
class Zone:
    """A list: the shares of clients of each kind that it names; `days` is how long it names a wanted one."""

    name: str
    shares: dict[str, float]
    days: int = 28


ZONES = (
    # A large combined list with one of dial-up networks, where some small firms have their servers.
    Zone(
        "zen.spamhaus.org",
        {"botnet": 0.85, "dictionary": 0.8, "snowshoe": 0.55, "hijacked": 0.1, "small_firm": 0.05, "monitor": 0.05},
    ),
    # Users' reports: quick, short, and now and then a newsletter or a large provider.
    Zone(
        "bl.spamcop.net",
        {
            "botnet": 0.45,
            "dictionary": 0.4,
            "snowshoe": 0.45,
            "hijacked": 0.35,
            "newsletter": 0.05,
            "pool": 0.03,
            "mailing_list": 0.02,
        },
        days=3,
    ),
    # Spam traps: sees what bots send, and next to nobody who is wanted.
    Zone("psbl.surriel.com", {"botnet": 0.5, "dictionary": 0.25, "snowshoe": 0.1, "pool": 0.004}),
    # Whole networks, for their worst machine.
    Zone(
        "networks.example",
        {
            "botnet": 0.6,
            "dictionary": 0.6,
            "snowshoe": 0.7,
            "hijacked": 0.3,
            "correspondent": 0.05,
            "small_firm": 0.2,
            "pool": 0.2,
            "newsletter": 0.15,
            "forwarder": 0.1,
            "login_code": 0.1,
        },
    ),
    # Nobody has looked after this one for years.
    Zone("stale.example", {"botnet": 0.01, "snowshoe": 0.005, "correspondent": 0.002}),
)
DOMAINS = "domains.example"
"""The list of domains; the shares that it names stand with the senders (tests.month.sender)."""


def spans(rng: random.Random, kind: str, *, wanted: bool) -> tuple[Span, ...]:
    """Which lists name a client of a kind, and when; an unwanted one is named as long as it comes."""
    known = rng.gauss(0, 1)
    found = []
    for zone in ZONES:
        drawn = _ALIKE * known + (1 - _ALIKE**2) ** 0.5 * rng.gauss(0, 1)
        # Of short listings there are more than there are at one time.
        share = zone.shares.get(kind, 0.0)
        if share and _NORMAL.cdf(drawn) < share:
            first = rng.randrange(28) if wanted and zone.days < 28 else 0
            found.append(Span(zone.name, first, first + zone.days - 1 if wanted else 27))
    return tuple(found)
