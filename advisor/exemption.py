"""An exemption: one entry of a map, with the reason, the evidence and the time above it; and the map made of them.

Nothing that the log says becomes more than a comment, unless advisor.key took it for a key.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from textwrap import wrap

from advisor.footprint import Footprint, Footprints
from advisor.key import address_key
from advisor.reasons import BY_NAME, REASONS
from advisor.recommendation import Host
from advisor.standing import STEADY, WEAK

FILE = "/etc/postfix/client_access"
"""Where the map of allowed clients stands, without its type."""
_FIRM = frozenset(found.says for found in REASONS if found.wanted and found.name not in WEAK)
_MARKED = BY_NAME["infected"].says
_WIDTH = 78
_CUT = 60
_NAMED = 3


@dataclass(frozen=True)
class Exemption:
    """A key, what it is made for, and what speaks for it; `warning` says who else may use it.

    `attempts` and `messages` are the wanted ones that would be turned away, `clients` those that send them.
    """

    key: str
    evidence: str
    attempts: int
    messages: int
    first_seen: datetime | None
    last_seen: datetime | None
    clients: tuple[str, ...]
    names: tuple[str, ...]
    senders: tuple[str, ...]
    restrictions: tuple[str, ...]
    warning: str = ""

    @property
    def comments(self) -> tuple[str, ...]:
        """What stands above the entry."""
        who = ", ".join(clean(text) for text in _some((*self.names, *self.clients)))
        when = ""
        if self.first_seen and self.last_seen:
            first, last = f"{self.first_seen:%Y-%m-%d}", f"{self.last_seen:%Y-%m-%d}"
            when = f" on {first}" if first == last else f", {first} to {last}"
        senders = f"; from {', '.join(clean(text) for text in _some(self.senders))}" if self.senders else ""
        several = "attempt" if self.attempts == 1 else "attempts"
        said = [f"{who}: {clean(self.evidence)}; {self.attempts} {several}{when}{senders}"]
        said.append(f"else turned away by: {', '.join(self.restrictions)}")
        return comment(*said, *([f"WARNING: {self.warning}"] if self.warning else []))


@dataclass(frozen=True)
class Map:
    """A kind of map: its name on the command line, where it stands, and how its file is written.

    `exempts` are the restrictions that it can excuse from, `asked` those that are asked where none is named; empty
    `exempts` stand for all of smtpd's lists. `keys` chooses the entries, `written` spells them, `head` says where the
    file belongs ({type} stands for default_database_type). `existing` is the syntax in which a file of it is read
    (advisor.existing).
    """

    name: str
    path: str
    asked: tuple[str, ...]
    exempts: tuple[str, ...]
    head: tuple[str, ...]
    keys: Callable[[Footprints], list[Exemption]]
    written: Callable[[Sequence[Exemption]], tuple[str, ...]]
    existing: str


def exemption(key: str, members: Sequence[Footprint], warning: str = "") -> Exemption:
    """The entry that a key makes for some footprints."""
    evidence: Counter[str] = Counter()
    senders: Counter[str] = Counter()
    for found in members:
        evidence.update(found.evidence)
        senders.update(found.senders)
    times = [time for found in members for time in (found.first_seen, found.last_seen) if time is not None]
    return Exemption(
        key=key,
        evidence=evidence.most_common(1)[0][0] if evidence else "",
        attempts=sum(found.attempts for found in members),
        messages=len(set().union(*(found.messages for found in members))),
        first_seen=min(times, default=None),
        last_seen=max(times, default=None),
        clients=tuple(sorted(set().union(*(found.clients for found in members)))),
        names=tuple(sorted({name for found in members for name in found.names if name and name != "unknown"})),
        senders=tuple(sender for sender, _ in senders.most_common()),
        restrictions=tuple(sorted(set().union(*(found.restrictions for found in members)))),
        warning=warning,
    )


def valued(value: str) -> Callable[[Sequence[Exemption]], tuple[str, ...]]:
    """Writes each entry as its key and a value, the comments above it."""

    def written(entries: Sequence[Exemption]) -> tuple[str, ...]:
        return tuple(line for entry in entries for line in (*entry.comments, f"{entry.key} {value}".rstrip()))

    return written


def comment(*texts: str) -> tuple[str, ...]:
    """Comment lines of at most 78 characters, each beginning with '#', so that no program takes one for an entry."""
    return tuple(
        line
        for text in texts
        for line in wrap(text, _WIDTH, initial_indent="# ", subsequent_indent="#   ", break_on_hyphens=False)
    )


def clean(text: str, longest: int = _CUT) -> str:
    """Text from the log for a comment: printable ASCII without quotes or backslashes, at most so many characters.

    access(5): a comment line begins with '#', and a line that begins with a blank continues the one before; so a line
    break in it would end the comment and begin an entry.
    """
    return "".join(letter for letter in text if letter.isascii() and letter.isprintable() and letter not in "\"'`\\")[
        :longest
    ]


def _some(texts: Sequence[str]) -> list[str]:
    """The first few, and how many more there are."""
    more = len(texts) - _NAMED
    return [*texts[:_NAMED], *([f"and {more} more"] if more > 0 else [])]


def lines(hosts: Sequence[Host]) -> tuple[str, ...]:
    """One entry for each wanted host, the reason and the last time it was seen as a comment above it."""
    found = []
    for host in wanted(hosts):
        senders = ", ".join(clean(sender) for sender in host.senders)
        found.append(
            f"# {clean(host.evidence)}; {host.attempts} accepted, last on {host.last_seen:%Y-%m-%d}"
            + (f"; {senders}" if senders else "")
        )
        found.append(f"{ip_address(host.client_address)} OK")
    return tuple(found)


def lasting(evidence: Iterable[str], first: datetime | None, last: datetime | None) -> bool:
    """Whether a client that is wanted so far may be let in for good.

    A filter misses some spam: a client with the marks of an infected machine, for which only such reasons speak as spam
    has, too, must have come for STEADY days, since bots last no week. `evidence` are sentences of
    advisor.evidence.sentence.
    """
    said = {words.partition(" (not counted")[0] for sentence in evidence for words in sentence.split("; ")}
    if said & _FIRM or _MARKED not in said:
        return True
    return first is not None and last is not None and last - first >= timedelta(days=STEADY)


def wanted(hosts: Iterable[Host]) -> list[Host]:
    """The hosts to let in: evidence calls them wanted, and they last. Each address once, in order of address."""
    by_address = {
        host.client_address: host
        for host in hosts
        if host.wanted
        and address_key(host.client_address)
        and lasting([host.evidence], host.first_seen, host.last_seen)
    }
    return sorted(
        by_address.values(), key=lambda host: (ip_address(host.client_address).version, ip_address(host.client_address))
    )
