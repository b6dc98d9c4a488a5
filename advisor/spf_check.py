"""An SPF check: what SPF says of one identity, and the recorded answers of the DNS that it says so from."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address
from socket import AF_INET, AF_INET6, inet_pton
from typing import Any

from advisor.response import FOUND, NO_DATA, NO_SUCH_NAME, TEMPORARY, Response, Responses, canonical

Ask = Callable[[str, str], Response | None]
"""Gives the answer to a question, by name and type; None where nobody has asked it."""

BROKE_OFF = "broke_off"
"""No result of RFC 7208: pyspf raised what policyd-spf then answers `dunno` to."""

VOID_LIMIT = 2
"""Lookups without an answer that RFC 7208, section 4.6.4, allows."""


@dataclass(frozen=True)
class Check:
    """What SPF says of one identity.

    `result` is a word of RFC 7208 (pass, fail, softfail, neutral, none, permerror, temperror), BROKE_OFF, or None where
    a question was never asked; `records` are the TXT records of the identity's own domain.
    """

    result: str | None
    records: tuple[str, ...] = ()


@dataclass
class Memory:
    """Asks, and keeps what was found out on the way: for as long as `ask` gives the same answers.

    `ways` are those of advisor.spf_query; `last` is what advisor.spf_policy was asked and said the last time.
    """

    ask: Ask
    ways: dict[tuple[str, int, int, bool], Any] = field(default_factory=dict)
    last: tuple[tuple[Any, ...], Any] | None = None

    def __call__(self, name: str, kind: str) -> Response | None:
        """The answer to a question, as `ask` gives it."""
        return self.ask(name, kind)


@dataclass
class Recorded:
    """Asks, and remembers what was missing, how old the oldest answer is, and whether one was a temporary failure.

    `lenient` takes a temporary failure for no records, as pyspf does above py3dns, unless it is a time-out.
    """

    ask: Ask
    lenient: bool = False
    oldest: datetime | None = None
    missing: tuple[tuple[str, str], ...] = ()
    failed: bool = False

    def find(self, name: str, kind: str) -> Response | None:
        """The answer to a question; None where nobody has asked it."""
        found = self.ask(canonical(name), kind)
        if found is None:
            self.missing = (*self.missing, (canonical(name), kind))
            return None
        if self.oldest is None or found.asked_at < self.oldest:
            self.oldest = found.asked_at
        self.failed = self.failed or found.status == TEMPORARY
        return found

    def take(self, other: "Recorded") -> None:
        """Take in what another one has remembered, as if it had been asked here."""
        self.missing = (*self.missing, *other.missing)
        if other.oldest is not None and (self.oldest is None or other.oldest < self.oldest):
            self.oldest = other.oldest
        self.failed = self.failed or other.failed


def without_record(sender: str, recorded: Recorded) -> Check | None:
    """What SPF says of most senders, without asking pyspf: nobody asked for a record, or there is none.

    None where there may be one, and where the name or the answer is out of the ordinary.
    """
    domain = canonical(sender.partition("@")[2] or sender)
    if not all(0 < len(label) < 64 for label in domain.split(".")):
        return None
    response = recorded.find(domain, "TXT")
    if response is None:
        return Check(None)
    if response.status not in (FOUND, NO_DATA, NO_SUCH_NAME):
        return None
    may_be = any(text[:6].lower() == "v=spf1" for text in response.values)
    return None if may_be else Check("none", response.values)


@lru_cache(maxsize=100_000)
def number_of(text: str) -> tuple[int, int] | None:
    """The version and the number of an IP address; None for a text that is none."""
    try:
        if ":" not in text:
            return 4, int.from_bytes(inet_pton(AF_INET, text))
        if "%" not in text:
            return 6, int.from_bytes(inet_pton(AF_INET6, text))
        return 6, int(ip_address(text))
    except (OSError, ValueError):
        return None


@lru_cache(maxsize=1_000)
def _spans(networks: str) -> tuple[tuple[int, int, int], ...]:
    """The version, the first and the last address of each network, up to the first that is none."""
    found: list[tuple[int, int, int]] = []
    for text in networks.split(",") if networks else ():
        try:
            try:
                network: IPv4Network | IPv6Network = IPv4Network(text)
            except ValueError:
                network = IPv6Network(text)
        except ValueError:
            break
        found.append((network.version, int(network[0]), int(network[-1])))
    return tuple(found)


def in_networks(client: str, networks: str) -> bool:
    """Whether an address is in one of these networks, up to the first that is none: there policyd-spf gives up."""
    number = number_of(client)
    if number is None:
        return False
    own, value = number
    return any(own == version and first <= value <= last for version, first, last in _spans(networks))


def local_part_counts(dns: Responses) -> bool:
    """Whether some record asks for what stands before a sender's domain by a macro: %{l}, %{s}."""
    if ("spf local part",) not in dns.derived:
        texts = (text.lower() for response in dns if response.type == "TXT" for text in response.values)
        records = (text for text in texts if text.startswith("v=spf1"))
        dns.derived["spf local part",] = any("%{l" in record or "%{s" in record for record in records)
    found: bool = dns.derived["spf local part",]
    return found
