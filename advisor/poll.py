"""A poll: accepted attempts counted by what all restrictions answer to them, by day and by client, for the board."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from advisor.board import Board, Client, Combination, Knob
from advisor.restriction import Asked

NAMED = 300
"""Clients that are named, those with most attempts that some restriction turns away first; the others are counted."""

_QUARTER = 900_000_000
"""Microseconds of a quarter of an hour."""
LETTERS = {"reject": "R", "defer": "D", "defer_if_permit": "F", None: "?"}
"""An answer as a letter; `-` is no objection, whatever permits included: these restrictions do not."""
WAYS = {1: "w", -1: "u", 0: "."}
"""Wanted, unwanted or undecided, as far as the evidence may testify on a restriction."""


def poll(accepted: pa.Table, asked: Sequence[Asked], knobs: Sequence[Knob], zone: tzinfo) -> Board:
    """Count accepted attempts: a frame of advisor.simulation.answers. `asked` are in smtpd's order.

    The columns used: time, client_address, client_name, answer_N and way_N: what is known of the attempt as far as it
    may testify on restriction N (1 wanted, -1 unwanted, 0 undecided).
    """
    own = [f"{kind}_{number}" for kind in ("answer", "way") for number in range(len(asked))]
    frame = accepted.select([*own, "client_address", "client_name"])
    frame = frame.append_column("quarter", quarter(accepted["time"]))
    numbers: dict[Combination, int] = {}
    known: dict[tuple[Any, ...], int] = {}

    def number(answers: tuple[Any, ...]) -> int:
        if answers not in known:
            known[answers] = numbers.setdefault(_combination(answers, asked), len(numbers))
        return known[answers]

    days: Counter[tuple[int, str]] = Counter()
    for *answers, moment, attempts in rows_counted(frame, [*own, "quarter"]):
        days[number(tuple(answers)), day(moment, zone)] += attempts
    clients: defaultdict[tuple[str, str], Counter[int]] = defaultdict(Counter)
    for *answers, address, name, attempts in rows_counted(frame, [*own, "client_address", "client_name"]):
        clients[address or "", name or "unknown"][number(tuple(answers))] += attempts
    dates = sorted({day for _, day in days})
    found = tuple(numbers)
    return Board(
        knobs=tuple(knobs),
        combinations=found,
        dates=tuple(dates),
        days=tuple(sorted((one, dates.index(day), attempts) for (one, day), attempts in days.items())),
        clients=tuple(_named(clients, found)),
        groups=_groups(clients),
    )


def rows_counted(frame: pa.Table, columns: list[str]) -> Iterator[tuple[Any, ...]]:
    """The distinct values of some columns, and how many rows have them."""
    found = frame.group_by(columns).aggregate([([], "count_all")])
    return zip(*(found[name].to_pylist() for name in (*columns, "count_all")), strict=True)


def quarter(times: pa.ChunkedArray) -> pa.ChunkedArray:
    """The quarter of an hour that each moment is of, numbered from 1970 by UTC; every zone's days begin with one."""
    return pc.divide(times.cast(pa.timestamp("us", "UTC")).cast(pa.int64()), _QUARTER)


def day(moment: int | None, zone: tzinfo) -> str:
    """The day in this zone that a quarter of an hour is of; '' of none."""
    if moment is None:
        return ""
    return datetime.fromtimestamp(moment * _QUARTER / 1_000_000, zone).date().isoformat()


def _groups(clients: Mapping[tuple[str, str], Counter[int]]) -> tuple[tuple[tuple[int, ...], int], ...]:
    """How many clients show which combinations; a client that changed its name is one."""
    shown: defaultdict[str, set[int]] = defaultdict(set)
    for (address, _), counts in clients.items():
        shown[address] |= {*counts}
    return tuple(sorted(Counter(tuple(sorted(numbers)) for numbers in shown.values()).items()))


def _combination(key: tuple[Any, ...], asked: Sequence[Asked]) -> Combination:
    answers, ways = key[: len(asked)], key[len(asked) :]
    return Combination("".join(LETTERS.get(answer, "-") for answer in answers), "".join(WAYS[way] for way in ways))


def _named(clients: Mapping[tuple[str, str], Counter[int]], found: Sequence[Combination]) -> Iterator[Client]:
    """The clients that some restriction turns away, those with most such attempts first."""
    turning = {number for number, each in enumerate(found) if set(each.letters) & set("RDF")}
    weights = {
        client: sum(attempts for number, attempts in counts.items() if number in turning)
        for client, counts in clients.items()
    }
    order = sorted((client for client in clients if weights[client]), key=lambda one: (-weights[one], one))
    for address, name in order[:NAMED]:
        yield Client(address, name, tuple(sorted(clients[address, name].items())))
