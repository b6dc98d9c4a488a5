"""Who comes to a mail server: a few hosts often, most of them once or never.

Everything about a host follows from its rank, so that it is the same each time it comes; 1 in 12 has an IPv6 address.
"""

from functools import cache
from typing import NamedTuple

SERVERS, BOTS = 30_000, 60_000
"""How many there are: mail servers, and hosts that should not send mail; fewer than there are addresses."""

_IPV6 = 12

# fmt: off
WORDS = (
    "alpha", "bravo", "delta", "echo", "golf", "hotel", "india", "juliet", "kilo", "lima", "mike", "oscar", "papa",
    "romeo", "sierra", "tango", "bakery", "dentist", "garden", "harbour", "library", "market", "museum", "orchard",
    "printing", "school", "shop", "travel", "union", "weather",
)
# fmt: on
_PROVIDERS = (
    ("mail-{word:.2}{small}-x10{small:02x}.google.example", "gmail.example"),
    ("mail-{word:.4}eur05on2{small:03}.outbound.protection.outlook.example", "{word}{big}.example"),
    ("a{small}-{big}.smtp-out.eu-west-1.amazonses.example", "eu-west-1.amazonses.example"),
    ("o{small}.ptr{big}.mail.sendgrid.example", "em{big}.{word}.example"),
    ("mout-{word:.2}{small}.kundenserver.example", "{word}{big}.example"),
    ("mail.{word}-{other}{big}.example", "{word}-{other}{big}.example"),
    ("mx{small}.{word}-{big}.example", "{word}-{big}.example"),
)
_POOLS = (
    "host-{dashed}.dynamic.broadband.{word}-isp.example",
    "static.{dashed}.clients.{word}hosting.example",
    "vmi{big}{small}.{word}vps.example",
)


class Host(NamedTuple):
    """Who connects; `domain` is whose mail it brings."""

    name: str
    address: str
    helo: str
    domain: str

    def __str__(self) -> str:
        return f"{self.name}[{self.address}]"


def _address(rank: int, net: int) -> str:
    number = rank * 40503 & 0xFFFF
    if rank % _IPV6 == 5:
        return f"2001:db8:{number:x}:{net:x}::{rank % 97 + 1:x}"
    return f"198.{net}.{number >> 8}.{number & 0xFF}"


def numbers_of(rank: int) -> dict[str, str | int]:
    """Choose what names are made of: two words, a number below 91 and one of up to four digits."""
    mixed = rank * 2654435761 >> 7
    word, other = WORDS[mixed % len(WORDS)], WORDS[mixed // 7 % len(WORDS)]
    return {"word": word, "other": other, "small": mixed // 31 % 90 + 1, "big": mixed // 2791 % 9000 + 100}


@cache
def server(rank: int) -> Host:
    """A mail server: its name resolves both ways, and its HELO is its name."""
    name, domain = (form.format(**numbers_of(rank)) for form in _PROVIDERS[rank % len(_PROVIDERS)])
    return Host(name, _address(rank, 18), name, domain)


@cache
def bot(rank: int) -> Host:
    """A host that should not send mail; two in three have no name that resolves."""
    address, numbers = _address(rank, 19), numbers_of(rank)
    dashed = address.replace(".", "-").replace(":", "-")
    pool = _POOLS[rank // 3 % len(_POOLS)].format(dashed=dashed, **numbers)
    literal = f"[{'IPv6:' if ':' in address else ''}{address}]"
    helo = ("ylmf-pc", "localhost", literal, pool, pool, "{word}{small}.example".format(**numbers))[rank % 6]
    return Host("unknown" if rank % 3 else pool, address, helo, "{word}{big}.example".format(**numbers))
