"""An SPF check: what SPF says of one identity, and the recorded answers of the DNS that it says so from."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from advisor.response import FOUND, NO_DATA, NO_SUCH_NAME, TEMPORARY, Response, canonical

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


@dataclass(frozen=True)
class Memory:
    """Asks, and keeps what advisor.spf_query found out on the way: for as long as `ask` gives the same answers."""

    ask: Ask
    ways: dict[tuple[str, int, int, bool], Any] = field(default_factory=dict)

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
