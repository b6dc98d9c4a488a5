"""A register: the attempts of one host, as Arrow from when they are known, and what only all of them together tell.

The walk through the events ends one visit after the other. Three things wait until the log is over: which recipients
are copies that nobody asked for (advisor.bcc), which messages came back (advisor.retry), and which HELO a client sends
at all times (advisor.habit). Each looks only at the rows that it may change, which numbers beside the rows tell.
"""

from array import array
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from advisor.bcc import Copies
from advisor.correlation import KINDS, Correlation
from advisor.habit import INFERRED, Habits
from advisor.hostname import helo_syntax
from advisor.message import LOST
from advisor.pile import SLICE, Numbers, Pile
from advisor.recipient import recipients
from advisor.record import records
from advisor.retry import Tries, first_tries, recipient_number, request_of
from advisor.row import SCHEMA, Completion, Ours
from advisor.session import Row, Session

_FULL = 8_192
"""Rows that are kept as Python values at most, besides those of one visit."""

_LATE = 2 * LOST
"""Behind the newest attempt; what was removed from the queue, or never received, is known before."""

_RETRIED = ("time", "recipient", "action")
_SHOWN = (*("host", "syslog_name", "client_address", "client_name", "session", "helo_name", "helo_sent", "helo_basis"),)

Flags = npt.NDArray[np.bool_]


class _Traces:
    """Numbers beside the rows: equal where the rows may have to do with one another, and most likely only there."""

    def __init__(self) -> None:
        self.message = array("q")
        self.request = array("q")
        self.client = array("q")
        self.deferred = array("b")
        self.shows = array("b")
        self.lacks = array("b")

    def add(self, row: Row) -> None:
        """Take in a row."""
        self.message.append(hash(row["message"]))
        self.request.append(hash(request_of(row)))
        self.client.append(hash(Habits.client(row)))
        self.deferred.append(row["action"] == "defer")
        self.shows.append(bool(row.get("helo_name")))
        self.lacks.append(Habits.lacks(row))

    def retried(self, kept: Flags) -> Flags:
        """Find the rows of all messages that ask for what was asked for several times, and deferred once at least."""
        deferred = np.asarray(self.deferred, np.bool_) & kept
        message, request = np.asarray(self.message), np.asarray(self.request)
        again = kept & np.isin(request, request[deferred])
        values, counts = np.unique(request[again], return_counts=True)
        again &= np.isin(request, values[counts > 1])
        return kept & np.isin(message, message[again])

    def habitual(self, kept: Flags) -> Flags:
        """Find the rows of the clients of which some rows show a HELO, and some lack one."""
        client = np.asarray(self.client)
        shows, lacks = (np.asarray(flags, np.bool_) & kept for flags in (self.shows, self.lacks))
        return kept & np.isin(client, np.intersect1d(client[shows], client[lacks]))


class _Amended:
    """New values of a column for some rows."""

    def __init__(self, rows: int, numbers: Numbers, values: pa.Array) -> None:
        self._at = np.full(rows, -1, np.int32)
        self._at[numbers] = np.arange(len(numbers))
        self._values = values

    def column(self, numbers: Numbers, column: pa.Array) -> pa.Array:
        """Give the column of these rows with the new values in it."""
        at = self._at[numbers]
        changed = at >= 0
        if not changed.any():
            return column
        return pc.replace_with_mask(column, pa.array(changed), self._values.take(pa.array(at[changed])))

    def flags(self, numbers: Numbers) -> Flags:
        """Tell which of these rows have a new value."""
        found: Flags = self._at[numbers] >= 0
        return found


class Register:
    """Takes the events of one host in log order, and gives back its attempts (columns of SCHEMA) in log order.

    What it holds is the open sessions, the messages still in the queue, the attempts as a Pile, and some 50 bytes for
    each. An attempt whose message was long in the queue is `late`: those are kept apart, so that the others are nearly
    in log order.
    """

    def __init__(self, ours: Ours) -> None:
        """Begin empty; `ours` is what the configuration calls its own."""
        self._completion = Completion(ours)
        self._correlation = Correlation()
        self._copies = Copies()
        self._traces = _Traces()
        self._pile = Pile(SCHEMA)
        self._rows: dict[bool, list[tuple[int, Row]]] = {False: [], True: []}
        self._entries = array("q")
        self._newest = 0
        self._ranks: dict[str, int] = {}

    def add(self, events: pa.RecordBatch) -> None:
        """Read events, as many as there are at a time."""
        for source in pc.unique(events.column("source")).to_pylist():
            self._ranks.setdefault(source, len(self._ranks))
        for session in self._correlation.take(records([events], KINDS)):
            self._enter(session)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Give all attempts, once there are no more events."""
        for session in self._correlation.rest():
            self._enter(session)
        for late in self._rows:
            self._flush(late=late)
        kept = np.isin(np.asarray(self._entries), [*self._copies.found()], invert=True)
        order = self._pile.log_order(self._ranks)
        order = order[kept[order]]
        names = self._named(order[self._traces.retried(kept)[order]])
        helos = self._inferred(order[self._traces.habitual(kept)[order]])
        for numbers, batch in self._pile.hand_out(order):
            yield _amended(batch, numbers, names, helos)

    def _enter(self, session: Session) -> None:
        found = recipients(session, self._copies)
        if not found:
            return
        self._newest = max(self._newest, *(row["time"] for row in found))
        for number, row in enumerate(found, self._copies.passed):
            row["message"] = row.get("message") or f"{row['source']}:{row['offset']}"
            self._completion.complete(row)
            self._rows[self._newest - row["time"] > _LATE].append((number, row))
        self._copies.passed += len(found)
        for late, rows in self._rows.items():
            if len(rows) >= _FULL:
                self._flush(late=late)

    def _flush(self, *, late: bool) -> None:
        for number, row in self._rows[late]:
            self._entries.append(number)
            self._traces.add(row)
        rows = [row for _, row in self._rows[late]]
        if rows:
            self._pile.add(pa.RecordBatch.from_pylist(rows, schema=SCHEMA))
        self._rows[late] = []

    def _named(self, numbers: Numbers) -> _Amended:
        """Name the messages that came back, by the first of their attempts."""
        first = first_tries(self._tries(numbers))
        renamed = np.flatnonzero(
            np.asarray(self._traces.message)[numbers] != np.asarray(self._traces.message)[numbers][first]
        )
        origins, places = np.unique(first[renamed], return_inverse=True)
        names = [self._pile.take(some, ("message",)).column("message") for some in _slices(numbers[origins])]
        chosen = pa.chunked_array(names, pa.string()).take(pa.array(places.reshape(-1))).combine_chunks()
        return _Amended(len(self._pile), numbers[renamed], chosen)

    def _tries(self, numbers: Numbers) -> Tries:
        """These rows as advisor.retry sees them."""
        recipients, times, actions = array("q"), [np.zeros(0, np.int64)], [np.zeros(0, np.bool_)]
        for some in _slices(numbers):
            batch = self._pile.take(some, _RETRIED)
            recipients.extend(map(recipient_number, batch.column("recipient").to_pylist()))
            times.append(batch.column("time").cast(pa.int64()).to_numpy())
            actions.append(pc.equal(batch.column("action"), "accept").to_numpy(zero_copy_only=False))
        traces = self._traces
        return Tries(
            np.asarray(traces.message)[numbers],
            np.asarray(traces.request)[numbers],
            np.asarray(recipients),
            np.concatenate(times),
            np.concatenate(actions),
            np.asarray(traces.deferred, np.bool_)[numbers],
        )

    def _inferred(self, numbers: Numbers) -> _Amended:
        """Infer the HELO of those who always say the same."""
        habits = Habits()
        for some in _slices(numbers):
            for row in _rows(self._pile.take(some, _SHOWN)):
                habits.see(row)
        lacking, names = array("q"), list[str]()
        for some in _slices(numbers):
            for number, row in zip(some.tolist(), _rows(self._pile.take(some, _SHOWN)), strict=True):
                name = habits.inferred(row)
                if name is not None:
                    lacking.append(number)
                    names.append(name)
        return _Amended(len(self._pile), np.asarray(lacking), pa.array(names, pa.string()))


def _slices(numbers: Numbers) -> Iterator[Numbers]:
    for start in range(0, len(numbers), SLICE):
        yield numbers[start : start + SLICE]


def _rows(batch: pa.RecordBatch) -> list[Row]:
    """Some columns as Python values, as recipients() gives them."""
    columns: Mapping[str, list[Any]] = {
        name: (column.cast(pa.int64()) if name == "time" else column).to_pylist()
        for name, column in zip(batch.schema.names, batch.columns, strict=True)
    }
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _amended(batch: pa.RecordBatch, numbers: Numbers, names: _Amended, helos: _Amended) -> pa.RecordBatch:
    """Put in what all attempts together told."""
    columns = dict(zip(batch.schema.names, batch.columns, strict=True))
    columns["message"] = names.column(numbers, columns["message"])
    changed = helos.flags(numbers)
    if changed.any():
        columns["helo_name"] = helos.column(numbers, columns["helo_name"])
        said = columns["helo_name"].filter(pa.array(changed)).to_pylist()
        for name, values in (
            ("helo_basis", [INFERRED] * len(said)),
            ("helo_syntax", [helo_syntax(one) for one in said]),
        ):
            columns[name] = pc.replace_with_mask(columns[name], pa.array(changed), pa.array(values, pa.string()))
    return pa.RecordBatch.from_arrays([*columns.values()], schema=SCHEMA)
