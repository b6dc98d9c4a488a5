"""A visitor: a client from outside and its story in short, for those that a reader should look at first."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from advisor.evidence import verdict
from advisor.reasons import BY_NAME

BUSIEST, UNWANTED = 10, 10
"""Visitors told: those with most attempts, and those with most accepted attempts that are unwanted."""
LAST = 3
"""Attempts told of each: the last ones."""

_COLUMNS = (
    "time", "client_name", "reverse_client_name", "helo_name", "sender", "recipient", "action", "reply", "text",
    "restriction", "reasons",
)  # fmt: skip


@dataclass(frozen=True)
class Try:
    """One attempt: when, from whom to whom, as logged, and what it was answered: `action`, code and words."""

    time: datetime | None
    sender: str | None
    recipient: str | None
    action: str
    reply: str | None
    text: str | None


@dataclass(frozen=True)
class Visitor:
    """A client: its names as last logged, its attempts by what became of them, and what is known of it.

    `wanted` and `unwanted` are those of the accepted ones by all evidence. `evidence` are the reasons in words and how
    many accepted attempts each speaks of, `refused_by` the restrictions and how many attempts each turned away.
    `senders` are up to three, the most frequent first; `last` are the last attempts in log order.
    """

    client_address: str
    client_name: str | None
    reverse_client_name: str | None
    helo_name: str | None
    attempts: int
    accepted: int
    rejected: int
    deferred: int
    wanted: int
    unwanted: int
    first_seen: datetime | None
    last_seen: datetime | None
    evidence: tuple[tuple[str, int], ...] = ()
    refused_by: tuple[tuple[str, int], ...] = ()
    senders: tuple[str, ...] = ()
    last: tuple[Try, ...] = ()


def visitors(outside: pa.Table) -> tuple[Visitor, ...]:
    """Tell of the clients with most attempts, and of those with most unwanted mail that is accepted.

    `outside` are attempts from outside in log order (advisor.attempt.SCHEMA) with `reasons`. The one with most attempts
    comes first.
    """
    encoded = pc.dictionary_encode(outside["client_address"].combine_chunks())
    addresses = encoded.dictionary.to_pylist()
    client = pc.fill_null(encoded.indices.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)
    known = client >= 0
    attempts = np.bincount(client[known], minlength=len(addresses))
    spam = np.bincount(client[known & _unwanted(outside)], minlength=len(addresses))
    chosen = {*_most(attempts, addresses, BUSIEST), *_most(spam, addresses, UNWANTED)}
    rows = {one: (client == one).nonzero()[0] for one in chosen}
    order = sorted(chosen, key=lambda one: (-attempts[one], addresses[one]))
    return tuple(_visitor(addresses[one], outside.select([*_COLUMNS]).take(pa.array(rows[one]))) for one in order)


def _unwanted(outside: pa.Table) -> npt.NDArray[np.bool_]:
    bad = [text for text in pc.unique(outside["reasons"]).to_pylist() if text and verdict(text) is False]
    accepted = pc.equal(outside["action"], "accept")
    found = pc.and_(accepted, pc.is_in(outside["reasons"], pa.array(bad, pa.string())))
    flags: npt.NDArray[np.bool_] = pc.fill_null(found, fill_value=False).to_numpy().astype(np.bool_)
    return flags


def _most(counts: npt.NDArray[np.int64], addresses: list[str], number: int) -> Iterable[int]:
    """The clients with the highest counts above zero; among equals the order of their addresses decides."""
    if not len(counts):
        return []
    least = np.partition(counts, -min(number, len(counts)))[-min(number, len(counts))]
    near = np.nonzero(counts >= max(least, 1))[0].tolist()
    return sorted(near, key=lambda one: (-counts[one], addresses[one]))[:number]


def _visitor(address: str, rows: pa.Table) -> Visitor:
    accepted = rows.filter(pc.field("action") == "accept")
    times = pc.min_max(rows["time"]).as_py()
    actions, ways, reasons = counted(rows["action"]), Counter[bool | None](), Counter[str]()
    for found, number in counted(accepted["reasons"]).items():
        ways[verdict(found or "")] += number
        reasons.update(dict.fromkeys(filter(None, (found or "").split(";")), number))
    refused = counted(rows.filter(pc.field("action") != "accept")["restriction"])
    return Visitor(
        client_address=address,
        client_name=_last(rows, "client_name"),
        reverse_client_name=_last(rows, "reverse_client_name"),
        helo_name=_last(rows, "helo_name"),
        attempts=rows.num_rows,
        accepted=actions["accept"],
        rejected=actions["reject"],
        deferred=actions["defer"],
        wanted=ways[True],
        unwanted=ways[False],
        first_seen=times["min"],
        last_seen=times["max"],
        evidence=tuple((BY_NAME[name].says, number) for name, number in reasons.most_common()),
        refused_by=tuple((name or "other", number) for name, number in refused.most_common(4)),
        senders=tuple(name for name, _ in counted(rows["sender"]).most_common(4) if name is not None)[:3],
        last=tuple(_try(row) for row in rows.slice(max(0, rows.num_rows - LAST)).to_pylist()),
    )


def counted(column: pa.ChunkedArray) -> Counter[Any]:
    """How often each value occurs, in the order in which they first do."""
    return Counter({each["values"]: each["counts"] for each in pc.value_counts(column).to_pylist()})


def _last(rows: pa.Table, column: str) -> str | None:
    """The last one that was logged."""
    found = rows[column].drop_null()
    name: str | None = found[len(found) - 1].as_py() if len(found) else None
    return name


def _try(row: dict[str, Any]) -> Try:
    return Try(*(row[name] for name in ("time", "sender", "recipient", "action", "reply", "text")))
