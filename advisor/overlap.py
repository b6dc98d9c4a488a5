"""An overlap: which clients several DNS lists name, so that nobody asks three lists for what one of them knows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from advisor.restriction import REFUSES, Asked

SETS = 12
"""Sets of lists that are told by name, those with most clients first; the others are counted together."""

# ... blocked using blocked.dnsbl.test; Error: open resolver; https://example.test/returnc/pub
ERROR_ANSWER = r"(?i)blocked using .*(error: open resolver|/returnc/|127\.255\.255\.)"
# 127.255.255.254: a list's error, which says nothing of the client (Spamhaus, SURBL and others)
_ERROR_VALUE = r"^127\.(255\.255\.[0-9]+|0\.0\.1)$"

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class ListNamed:
    """One list: the clients that it names, those that none above it names, and those that no other list names.

    `known` are the clients of which its answer is known, that it does not name them included; None where the log holds
    hits alone.
    """

    name: str
    clients: int
    adds: int
    alone: int
    known: int | None


@dataclass(frozen=True)
class Overlap:
    """Lists in the order in which each adds most clients to those above it; `clients` are those that any list names.

    `together` are sets of lists and how many clients exactly these name; `others` are clients of further sets.
    """

    clients: int
    lists: tuple[ListNamed, ...]
    together: tuple[tuple[tuple[str, ...], int], ...]
    others: int = 0


def overlap(frame: pa.Table, asked: Sequence[Asked], events: pa.Table) -> Overlap | None:
    """Count clients by the lists that name them; None where no list named any.

    `frame` is one of advisor.simulation.answers: it holds what was logged and looked up for each `reject_rbl_client`
    of `asked`. `events` add the lists that smtpd, warn_if_reject, postscreen and dnsblog name (columns kind, list,
    client_address, text, result). An error in an answer's place is no hit.
    """
    hits = _hits(events)
    chunks = [*frame["client_address"].chunks, *hits["client_address"].chunks]
    # A client whose address was not logged may be any of the others.
    addresses = pc.drop_null(pc.unique(pa.chunked_array(chunks, pa.string())))
    names, known = _named(hits, addresses), dict[str, int]()
    clients = pc.index_in(frame["client_address"], addresses)
    for number, one in enumerate(asked):
        if one.restriction.name != "reject_rbl_client":
            continue
        zone = one.argument.partition("=")[0]
        answer = frame[f"answer_{number}"]
        found = _flags(clients.filter(pc.is_in(answer, pa.array(sorted(REFUSES)))), len(addresses))
        names[zone] = names.get(zone, np.zeros(len(addresses), dtype=np.bool_)) | found
        known[zone] = int((_flags(clients.filter(pc.is_valid(answer)), len(addresses)) | names[zone]).sum())
    names = {name: found for name, found in names.items() if found.any()}
    if not names:
        return None
    return _counted(names, known)


def _hits(events: pa.Table) -> pa.Table:
    """What a list's name stands beside: refusals, warnings and dnsblog's answers, but errors."""
    found = events.filter(pc.field("list").is_valid() & pc.field("client_address").is_valid())
    found = found.filter(pc.field("kind").isin(["verdict", "listed"]))
    wrong = pc.or_(
        pc.match_substring_regex(pc.fill_null(found["text"], ""), ERROR_ANSWER),
        pc.match_substring_regex(pc.fill_null(found["result"], ""), _ERROR_VALUE),
    )
    return found.filter(pc.invert(wrong)).select(["list", "client_address"])


def _named(hits: pa.Table, addresses: pa.Array) -> dict[str, Flags]:
    clients = pc.index_in(hits["client_address"], addresses)
    zones = sorted(pc.unique(hits["list"]).to_pylist())
    return {zone: _flags(clients.filter(pc.equal(hits["list"], zone)), len(addresses)) for zone in zones}


def _flags(numbers: pa.ChunkedArray, length: int) -> Flags:
    found = np.zeros(length, dtype=np.bool_)
    found[pc.drop_null(numbers).to_numpy()] = True
    return found


def _counted(names: dict[str, Flags], known: dict[str, int]) -> Overlap:
    matrix = np.stack([*names.values()])
    any_, by = matrix.any(axis=0), matrix.sum(axis=0)
    left, lists, covered = dict(names), [], np.zeros_like(any_)
    while left:
        name = min(left, key=lambda each: (-int((left[each] & ~covered).sum()), each))
        found = left.pop(name)
        adds, alone = int((found & ~covered).sum()), int((found & (by == 1)).sum())
        lists.append(ListNamed(name, int(found.sum()), adds, alone, known.get(name)))
        covered |= found
    # In the order of the lists, so that a set is spelled one way.
    order = [each.name for each in lists]
    rows = np.stack([names[name] for name in order], axis=1)[any_]
    sets, counts = np.unique(rows, axis=0, return_counts=True)
    most = sorted(zip(sets.tolist(), counts.tolist(), strict=True), key=lambda each: (-each[1], each[0]))
    spelled = tuple(
        (tuple(name for name, on in zip(order, row, strict=True) if on), number) for row, number in most[:SETS]
    )
    return Overlap(int(any_.sum()), tuple(lists), spelled, sum(number for _, number in most[SETS:]))
