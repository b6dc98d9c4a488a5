"""A footprint: what a history shows of one client address, HELO name, sender or recipient.

Of all attempts from outside, refused ones too: what a key would let through is more than what it is made for.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from advisor.evidence import sentence, verdict
from advisor.hostname import sender_domain
from advisor.reasons import BY_NAME
from advisor.restriction import REFUSES
from advisor.standing import OF_CONTENT, Docket, Standing

COLUMNS = (
    "origin", "action", "message", "time", "client_address", "client_network", "client_name", "helo_name",
    "helo_basis", "sender", "sender_kind", "recipient", "recipient_ours", "reasons",
)  # fmt: skip
"""What is read of a frame of advisor.simulation.answers with `reasons`, beside its answers."""

_Row = dict[str, Any]


@dataclass
class Footprint:
    """What a history shows of one value.

    `attempts`, `messages`, `first_seen`, `last_seen`, `senders`, `evidence` and `restrictions` are about the wanted
    mail that a restriction asked about would turn away. `unwanted` counts all attempts that evidence calls so,
    `forgiven` those of them that a client sent which is wanted by all of its mail: they keep it from no address key,
    but from all that would hold more than itself. The rest is of all attempts.
    """

    value: str
    attempts: int = 0
    messages: set[Any] = field(default_factory=set)
    first_seen: datetime | None = None
    last_seen: datetime | None = None
    senders: Counter[str] = field(default_factory=Counter)
    evidence: Counter[str] = field(default_factory=Counter)
    restrictions: set[str] = field(default_factory=set)
    seen: int = 0
    unwanted: int = 0
    forgiven: int = 0
    clients: set[str] = field(default_factory=set)
    networks: set[str] = field(default_factory=set)
    names: set[str | None] = field(default_factory=set)
    helos: set[str] = field(default_factory=set)

    @property
    def wanted(self) -> bool:
        """Whether it would lose wanted mail, and nothing speaks against it that is not forgiven."""
        return self.attempts > 0 and self.unwanted == self.forgiven

    @property
    def client_name(self) -> str | None:
        """The verified name that it always had; None where it had none, or several."""
        name = next(iter(self.names)) if len(self.names) == 1 else None
        return None if name == "unknown" else name

    @property
    def domains(self) -> frozenset[str]:
        """The domains of its senders."""
        return frozenset(sender_domain(sender) for sender in self.senders) - {""}

    def _see(self, row: _Row, judged: "_Judged") -> None:
        self.seen += 1
        self.unwanted += judged.unwanted
        for found, value in ((self.clients, row["client_address"]), (self.networks, row["client_network"])):
            if value is not None:
                found.add(value)
        if row["client_name"] is not None:
            self.names.add(row["client_name"].lower())
        if row["helo_name"] and row["helo_basis"] != "inferred":
            self.helos.add(row["helo_name"])
        if not judged.restrictions:
            return
        self.attempts += 1
        self.messages.add(row["message"])
        if row["time"] is not None:
            self.first_seen = min(self.first_seen or row["time"], row["time"])
            self.last_seen = max(self.last_seen or row["time"], row["time"])
        if row["sender"]:
            self.senders[row["sender"]] += 1
        self.evidence[sentence(row["reasons"])] += 1
        self.restrictions.update(judged.restrictions)


@dataclass(frozen=True)
class _Judged:
    """What evidence says of an attempt: `restrictions` are those that turn it away although it is wanted.

    `forgiven`: it is unwanted, and its client is not.
    """

    restrictions: tuple[str, ...]
    unwanted: bool
    forgiven: bool


@dataclass(frozen=True)
class Footprints:
    """The footprints of a history, and what tells whether a key is safe.

    `spoiled` are the verified names of unwanted clients and the domains above these; `domains` those of ours;
    `sender_domains` those of all senders; `neighbours` the clients by network.
    """

    clients: dict[str, Footprint]
    helos: dict[str, Footprint]
    senders: dict[str, Footprint]
    recipients: dict[str, Footprint]
    spoiled: frozenset[str]
    domains: frozenset[str]
    sender_domains: frozenset[str]
    neighbours: dict[str, list[Footprint]]


def footprints(frame: pa.Table, asked: Sequence[str], domains: Iterable[str] = ()) -> Footprints:
    """Gather them from a frame of advisor.simulation.answers with `reasons`; `asked` names its restrictions in order.

    `domains` are those this server is the final destination of.
    """
    answers = [f"answer_{number}" for number in range(len(asked))]
    ours = {domain.lower() for domain in domains if "." in domain}
    sending: set[str] = set()
    gathered: dict[str, dict[str, Footprint]] = {"client": {}, "helo": {}, "sender": {}, "recipient": {}}
    outside = frame.select([*COLUMNS, *answers]).filter(pc.field("origin") == "outside")
    rows = (row for batch in outside.to_batches(max_chunksize=65_536) for row in batch.to_pylist())
    for row, ways in zip(rows, _ways(outside, asked), strict=True):
        judged = _judge(row, asked, answers, ways)
        if row["action"] == "accept" and row["recipient"]:
            # Relay control lets the world write to our domains only.
            ours.add(sender_domain(row["recipient"]))
        if row["sender"]:
            sending.add(sender_domain(row["sender"]))
        for kind, value in _values(row):
            found = gathered[kind].get(value) or gathered[kind].setdefault(value, Footprint(value))
            found._see(row, judged)
            found.forgiven += judged.forgiven and kind == "client"
    neighbours: dict[str, list[Footprint]] = defaultdict(list)
    for found in gathered["client"].values():
        for network in found.networks:
            neighbours[network].append(found)
    return Footprints(
        clients=gathered["client"],
        helos=gathered["helo"],
        senders=gathered["sender"],
        recipients=gathered["recipient"],
        spoiled=frozenset(name for found in gathered["client"].values() if found.unwanted for name in _above(found)),
        domains=frozenset(ours - {""}),
        sender_domains=frozenset(sending - {""}),
        neighbours=dict(neighbours),
    )


def _values(row: _Row) -> Iterable[tuple[str, str]]:
    """What an attempt is about; an inferred HELO was said in another visit, and rewriting hides a sender."""
    if row["client_address"] is not None:
        yield "client", row["client_address"]
    if row["helo_name"] and row["helo_basis"] != "inferred":
        yield "helo", row["helo_name"].lower()
    if row["sender"] and row["sender_kind"] == "domain":
        yield "sender", row["sender"].lower()
    if row["recipient"] and row["recipient_ours"] and row["action"] == "accept":
        yield "recipient", row["recipient"].lower()


def _judge(row: _Row, asked: Sequence[str], answers: Sequence[str], ways: Sequence[int]) -> _Judged:
    lost = (name for name, answer, way in zip(asked, answers, ways, strict=True) if row[answer] in REFUSES and way == 1)
    return _Judged(tuple(lost), bool({-1, _FORGIVEN} & {*ways}), _FORGIVEN in ways and -1 not in ways)


_FORGIVEN = -2
"""Unwanted mail of a wanted client."""


def _ways(outside: pa.Table, asked: Sequence[str]) -> Iterable[tuple[int, ...]]:
    """For each attempt what is known of it, as far as it may testify on each restriction: 1 wanted, -1 unwanted, 0.

    Of an accepted one all mail of its client tells (advisor.standing), of a refused one its own reasons.
    """
    docket, accepted = Docket(outside), pc.equal(outside["action"], "accept").to_numpy()
    numbers = {address: number for number, address in enumerate(docket.addresses)}
    clients = np.array([numbers.get(address, -1) for address in outside["client_address"].to_pylist()], dtype=np.int64)
    reasons = outside["reasons"].to_pylist()
    spam = np.array([_of_content(each) for each in reasons], dtype=np.bool_)
    # Whoever is let in brings what a filter calls spam as well, whatever that may testify on a restriction.
    spammer = np.append(Standing.on(docket, "").client, 0)[clients] != 1
    found = {}
    for name in dict.fromkeys(asked):
        ways = {each: verdict(each, name) for each in dict.fromkeys(reasons)}
        column = np.array([0 if ways[each] is None else 1 if ways[each] else -1 for each in reasons], dtype=np.int64)
        standing = Standing.on(docket, name)
        column[accepted] = standing.row
        wanted = np.append(standing.client, 0)[clients] == 1
        # What refused mail was nobody has read: there its content speaks only where a filter did.
        column[(column == -1) & wanted & (accepted | ~spam)] = _FORGIVEN
        column[spam & spammer] = -1
        found[name] = column.tolist()
    return zip(*(found[name] for name in asked), strict=True)


@lru_cache(maxsize=100_000)
def _of_content(reasons: str) -> bool:
    """Whether something is against the message itself, not only against who sends it; a label outranks it."""
    named = [name for name in reasons.split(";") if name]
    return not OF_CONTENT.isdisjoint(named) and not any(BY_NAME[name].decisive for name in named)


def _above(found: Footprint) -> Iterable[str]:
    """Its verified names and the domains above them."""
    for name in found.names - {None, "unknown"}:
        labels = (name or "").split(".")
        yield from (".".join(labels[place:]) for place in range(len(labels)))
