"""The harm a restriction would have done, and its use: its answers to accepted mail, set against the evidence."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from advisor.evidence import sentence, verdict
from advisor.recommendation import Host, Tally
from advisor.restriction import REFUSES, Asked

HOSTS = 12
"""Hosts named in a recommendation; the wanted ones first. How many more there are is said beside them."""

_COLUMNS = [
    "message",
    "client_address",
    "client_name",
    "reverse_client_name",
    "helo_name",
    "sender",
    "time",
    "action",
    "restriction",
    "warned",
    "reasons",
]


@dataclass(frozen=True)
class Harm:
    """What a restriction would have done to accepted attempts from outside, and what it did to the refused ones.

    `stopped`, `hurt` and `undecided` are those it turns away, by evidence; `no_evidence` those it cannot judge.
    `wanted_judged` and `unwanted_judged` are those it could judge. `refused` is what it refused in this log.
    """

    asked: Asked
    accepted: Tally
    wanted: Tally
    unwanted: Tally
    undecided_all: Tally
    wanted_judged: Tally
    unwanted_judged: Tally
    stopped: Tally
    hurt: Tally
    undecided: Tally
    no_evidence: Tally
    refused: Tally
    warned: int
    basis: dict[str, int]
    hosts: tuple[Host, ...] = ()
    hosts_more: int = 0
    refused_hosts: tuple[Host, ...] = ()


@dataclass
class _Count:
    """A tally in the making."""

    attempts: int = 0
    messages: set[Any] = field(default_factory=set)
    clients: set[Any] = field(default_factory=set)

    def add(self, row: dict[str, Any]) -> None:
        self.attempts += 1
        self.messages.add(row["message"])
        self.clients.add(row["client_address"])

    def tally(self) -> Tally:
        return Tally(self.attempts, len(self.messages), len(self.clients))


def measure(frame: pa.Table, outside: pa.Table | None, asked: Asked, number: int) -> Harm:
    """Count the answers of restriction `number` in a frame of advisor.simulation.answers, with `reasons`.

    `outside` is the same attempts again where the refused ones and the hosts are wanted too; None counts only.
    """
    counts = {name: _Count() for name in Harm.__dataclass_fields__ if Harm.__dataclass_fields__[name].type is Tally}
    names = [*_COLUMNS, f"answer_{number}", f"basis_{number}"]
    by_client: dict[str, list[dict[str, Any]]] = {}
    refused_by_client: dict[str, list[dict[str, Any]]] = {}
    basis: dict[str, int] = {}
    warned = 0
    own = asked.restriction.name
    classes = {reasons: verdict(reasons, own) for reasons in pc.unique(frame["reasons"]).to_pylist()}
    for row in _rows(frame, names):
        way, answer = classes[row["reasons"]], row[f"answer_{number}"]
        warned += f";{own} " in (row["warned"] or "")
        if row["action"] != "accept":
            if row["restriction"] == own:
                counts["refused"].add(row)
                refused_by_client.setdefault(row["client_address"], []).append(row)
            continue
        basis_word = row[f"basis_{number}"] or "no evidence"
        basis[basis_word] = basis.get(basis_word, 0) + 1
        turned = answer in REFUSES
        # What the same client showed another time may accuse; it is not enough to call a restriction harmless.
        judged = turned or (answer is not None and basis_word != "inferred")
        for name in _belongs(way, judged=judged, turned=turned):
            counts[name].add(row)
        if turned:
            by_client.setdefault(row["client_address"], []).append(row)
    hosts: list[Host] = []
    refused_hosts: list[Host] = []
    if outside is not None:
        hosts = _hosts(by_client, own)
        refused_hosts = [host for host in _hosts(refused_by_client, own) if host.wanted]
    return Harm(
        asked=asked,
        **{name: count.tally() for name, count in counts.items()},
        warned=warned,
        basis=dict(sorted(basis.items())),
        hosts=tuple(hosts[:HOSTS]),
        hosts_more=max(0, len(hosts) - HOSTS),
        refused_hosts=tuple(refused_hosts[:HOSTS]),
    )


def _rows(frame: pa.Table, names: list[str]) -> Iterable[dict[str, Any]]:
    for batch in frame.select(names).to_batches(max_chunksize=65_536):
        yield from batch.to_pylist()


def _belongs(way: bool | None, *, judged: bool, turned: bool) -> list[str]:  # noqa: FBT001 - a three-valued verdict
    """The tallies that an accepted attempt belongs into."""
    names = ["accepted", {True: "wanted", False: "unwanted", None: "undecided_all"}[way]]
    if not judged:
        names.append("no_evidence")
    elif way is not None:
        names.append("wanted_judged" if way else "unwanted_judged")
    if turned:
        names.append({True: "hurt", False: "stopped", None: "undecided"}[way])
    return names


def _hosts(by_client: dict[str, list[dict[str, Any]]], restriction: str) -> list[Host]:
    """The clients turned away, those whose mail is wanted first, then the undecided, each by attempts."""
    hosts = [_host(address, rows, restriction) for address, rows in by_client.items() if address is not None]
    order = {True: 0, None: 1, False: 2}
    hosts.sort(key=lambda host: (order[host.wanted], -host.attempts, host.client_address))
    return hosts


def _host(address: str, rows: list[dict[str, Any]], restriction: str) -> Host:
    ways = {verdict(row["reasons"], restriction) for row in rows}
    wanted = True if True in ways and False not in ways else False if ways == {False} else None
    times = [row["time"] for row in rows if row["time"] is not None]
    telling = next((row for row in rows if verdict(row["reasons"], restriction) is wanted), rows[-1])
    senders = list(dict.fromkeys(row["sender"] for row in rows if row["sender"]))
    return Host(
        client_address=address,
        client_name=rows[-1]["client_name"],
        reverse_client_name=rows[-1]["reverse_client_name"],
        helo_name=next((row["helo_name"] for row in reversed(rows) if row["helo_name"]), None),
        wanted=wanted,
        evidence=sentence(telling["reasons"]),
        attempts=len(rows),
        messages=len({row["message"] for row in rows}),
        first_seen=min(times),
        last_seen=max(times),
        senders=tuple(senders[:3]),
    )


@dataclass(frozen=True)
class Gain:
    """Which accepted attempts a restriction turns away, and which of those are unwanted or undecided, row by row."""

    turned: npt.NDArray[np.bool_]
    unwanted: npt.NDArray[np.bool_]
    undecided: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, accepted: pa.Table, asked: Asked, number: int) -> "Gain":
        """Read the answers of restriction `number` and the evidence that may testify on it."""
        answer = accepted[f"answer_{number}"]
        turned = pc.fill_null(pc.is_in(answer, pa.array(sorted(REFUSES))), fill_value=False).to_numpy()
        reasons = pc.dictionary_encode(accepted["reasons"].combine_chunks())
        ways = [verdict(name, asked.restriction.name) for name in reasons.dictionary.to_pylist()]
        codes = reasons.indices.to_numpy()
        unwanted = np.array([way is False for way in ways], dtype=bool)[codes]
        undecided = np.array([way is None for way in ways], dtype=bool)[codes]
        return cls(turned, turned & unwanted, turned & undecided)

    def key(self, rows: npt.NDArray[np.bool_]) -> tuple[int, int]:
        """What sorts first: most unwanted stopped among these rows, then most undecided."""
        return -int((self.unwanted & rows).sum()), -int((self.undecided & rows).sum())

    def tally(self, accepted: pa.Table, rows: npt.NDArray[np.bool_]) -> Tally:
        """The unwanted attempts it stops among these rows."""
        stopped = accepted.select(["message", "client_address"]).filter(pa.array(self.unwanted & rows))
        return Tally(
            stopped.num_rows,
            pc.count_distinct(stopped["message"]).as_py(),
            pc.count_distinct(stopped["client_address"]).as_py(),
        )
