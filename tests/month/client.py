"""A client: who it is, whether its mail is wanted, and what of that a mail server can see."""

from dataclasses import dataclass

from tests.month.listing import Span
from tests.month.sender import Sender

FQDN, SINGLE, LITERAL, INVALID = "fqdn", "single", "literal", "invalid"
"""The syntax of a HELO: a name with a domain, without one, an address in brackets, none of them."""


@dataclass(frozen=True)
class Helo:
    """What a client calls itself, and whether the DNS knows that name."""

    name: str
    form: str = FQDN
    found: bool = True


@dataclass(frozen=True)
class Client:
    """One address.

    `name` is its PTR name, '' for none; `forward` whether that leads back. `daily` is the chance of mail on a day from
    `first` to `last`. `others` are domains that it sends for beside `sender`. `spam` is the share of a wanted client's
    mail that nobody wants, `missed` the share of its unwanted mail that the content filter passes, `accused` that of
    its wanted mail that the filter takes for spam. `people` are its sender addresses, `contacts` how many of us it
    writes to, `lists` who names it.
    """

    kind: str
    wanted: bool
    address: str
    name: str
    forward: bool
    helo: Helo
    sender: Sender
    spf: str
    signs: bool
    daily: float
    first: int = 0
    last: int = 27
    others: tuple[Sender, ...] = ()
    written_to: bool = False
    spam: float = 0.0
    missed: float = 0.0
    accused: float = 0.0
    people: int = 2
    contacts: int = 3
    office: bool = False
    tls: bool = True
    lists: tuple[Span, ...] = ()

    @property
    def resolved(self) -> str:
        """What smtpd calls it: its name, if that leads back."""
        return self.name if self.name and self.forward else "unknown"

    def listed(self, zone: str, day: int) -> bool:
        """Whether a list names it on a day."""
        return any(span.zone == zone and span.first <= day <= span.last for span in self.lists)
