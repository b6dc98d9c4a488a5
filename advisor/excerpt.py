"""An excerpt: of the events of a store those, and of each kind those columns, that advice is made of.

Most events are read when attempts are joined, and by nobody afterwards. So a cluster, or a process that reads part by
part, need not keep them all: what is left is a fraction of a history.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from advisor.cluster import each
from advisor.depot import located
from advisor.event import SCHEMA
from advisor.muster import of_postfix
from advisor.part import Part, stream
from advisor.reason import CLIENT_LISTS
from advisor.store import parts

_HANDED = (
    *("host", "program", "queue_id", "message_id", "sender", "recipient", "result", "domain", "relay", "text"),
    "reason",
)
"""What advisor.handover reads of an event, beside its time."""

COLUMNS = (
    *("time", "kind", *_HANDED),
    *("client_name", "client_address", "action", "restriction", "list", "status", "delay", "repeated", "commands"),
)
"""What advice reads of events. An excerpt has no other columns: who asks for one gets an error, and no wrong number."""

_LEFT_OUT = frozenset(
    {
        *("queued", "client", "removed", "tls", "lost_connection", "statistics", "notification", "pipelining"),
        *("proxied", "dkim", "dkim_client", "dkim_note", "dkim_signed", "spf_refusal", "filter_step", "bad_command"),
        *("screen_connect", "screen_disconnect"),
    }
)
"""Kinds that only the joining of attempts reads, or nobody."""

_SOME: dict[str, tuple[str, ...]] = {
    "connect": ("program", "client_name"),
    "disconnect": ("commands",),
    "pickup": (),
    "hostname_warning": ("reason",),
    "login_failed": ("client_address", "repeated"),
    "spf": ("result", "reason"),
    "dmarc": ("result",),
    "delivery": ("status", "recipient", "relay"),
    "verdict": ("action", "client_address", "restriction", "list", "text", "result"),
    "listed": ("client_address", "action", "list", "result", "text"),
    "screen_pass": ("client_address",),
    "screen_rank": ("client_address",),
    "pregreet": ("client_address",),
    "greylist": ("host", "client_address", "sender", "recipient", "action", "reason", "delay"),
    "filtered": _HANDED,
}
"""Of frequent kinds what is read beside the time. Of a kind that is not named here all COLUMNS are kept."""

_CALLED = ("time", "kind", "host", "queue_id", "message_id")
_SENT = ("kind", "status", "recipient", "relay")
_SCHEMA = pa.schema([SCHEMA.field(name) for name in COLUMNS])
_PACKED = pa.ipc.IpcWriteOptions(compression="zstd")


class Period(NamedTuple):
    """From a moment on, and before another; None: no bound."""

    since: datetime | None = None
    until: datetime | None = None

    def of(self, events: pa.Table) -> pa.Table:
        """The events of the period."""
        moment = pa.timestamp("us", "UTC")
        if self.since is not None:
            events = events.filter(pc.field("time") >= pa.scalar(self.since, moment))
        return events if self.until is None else events.filter(pc.field("time") < pa.scalar(self.until, moment))


def read(
    store: Path,
    period: Period | None = None,
    syslog_name: str | None = None,
    session: Any = None,  # noqa: ANN401 - PySpark may be missing
) -> pa.Table:
    """Read what advice on a period needs of all events of a store (COLUMNS; each kind in log order, not one by one).

    Rows without a kind say where the period begins and ends on each host. With a `session` of Spark its cluster reads,
    a part a task. `syslog_name` asks about one Postfix of several. AdvisorError for a part that cannot be read.
    """
    target, when = located(store), period or Period()
    place = target.absolute() if isinstance(target, Path) else store
    found = parts(target)

    def taken(work: Callable[[Iterable[pa.RecordBatch]], Iterable[pa.Table]], columns: Sequence[str]) -> list[pa.Table]:
        def of_part(part: Part) -> Iterator[bytes]:
            return (_packed(piece) for piece in work(_events(place, part, columns, syslog_name)) if piece.num_rows)

        packed = (
            (piece for part in found for piece in of_part(part))
            if session is None
            else (piece for _, piece in each(session, of_part, found))
        )
        return [pa.ipc.open_stream(piece).read_all() for piece in packed]

    pieces = taken(lambda events: excerpt(events, when), COLUMNS)
    called = pa.chunked_array(
        [chunk for piece in pieces if "message_id" in piece.column_names for chunk in piece["message_id"].chunks],
        pa.string(),
    )
    # A Message-ID that no helper names is never looked for.
    names = called.unique().drop_null()
    if len(names):
        pieces += taken(lambda events: _calling(events, names), _CALLED)
    return bound(pieces)


def excerpt(events: Iterable[pa.RecordBatch], period: Period) -> Iterator[pa.Table]:
    """Take what advice on a period reads, but for Message-IDs, from batches of events that have COLUMNS.

    The pieces have some of COLUMNS each.
    """
    sent: list[pa.Table] = []
    for batch in events:
        table = pa.Table.from_batches([batch])
        yield _edges(period.of(table))
        kinds = {kind for kind in pc.unique(table["kind"]).to_pylist() if kind} - _LEFT_OUT - {"message_id"}
        others = pa.array(sorted(kinds - _SOME.keys()), pa.string())
        yield table.select(COLUMNS).filter(pc.field("kind").isin(others))
        for kind in sorted(kinds & _SOME.keys()):
            found = _read(kind, table.filter(pc.field("kind") == kind)).select(["time", "kind", *_SOME[kind]])
            if kind == "delivery":
                sent.append(found)
            else:
                yield found
    yield from _pairs(sent)


def bound(pieces: Iterable[pa.Table]) -> pa.Table:
    """Put pieces together to one table of COLUMNS; what a piece has not is null, and takes no memory."""
    sent: list[pa.Table] = []
    rest: list[pa.Table] = []
    for piece in pieces:
        (sent if piece.column_names == ["time", *_SENT] else rest).append(piece)
    whole = (*rest, *_pairs(sent))
    return pa.Table.from_batches([_widened(batch) for piece in whole for batch in piece.to_batches()], _SCHEMA)


def _events(store: Path, part: Part, columns: Sequence[str], syslog_name: str | None) -> Iterator[pa.RecordBatch]:
    """The events of one part; of one Postfix, and of what is no Postfix."""
    for batch in stream(located(store) / part.name, part.end, (*columns, "syslog_name")):
        yield batch if syslog_name is None else batch.filter(of_postfix(batch.column("syslog_name"), syslog_name))


def _edges(events: pa.Table) -> pa.Table:
    """The first and the last moment of each host, in rows that say nothing else."""
    times = events.group_by("host", use_threads=False).aggregate([("time", "min"), ("time", "max")])
    return pa.concat_tables(pa.table({"time": times[name], "host": times["host"]}) for name in ("time_min", "time_max"))


def _read(kind: str, events: pa.Table) -> pa.Table:
    """The events of one kind that anybody asks for."""
    if kind == "delivery":
        # advisor.correspondence: a relay that has an address.
        return events.filter((pc.field("status") == "sent") & pc.match_substring(pc.field("relay"), "["))
    if kind == "verdict":
        return events.filter(pc.field("list").is_valid() | pc.field("restriction").isin([*CLIENT_LISTS]))
    if kind == "filtered":
        # advisor.content_filter: what shows its tests.
        return events.filter(pc.match_substring(pc.field("reason"), "Tests: ["))
    return events


def _calling(events: Iterable[pa.RecordBatch], names: pa.Array) -> Iterator[pa.Table]:
    """The events that say which message has one of these Message-IDs."""
    for batch in events:
        table = pa.Table.from_batches([batch]).select(_CALLED)
        yield table.filter((pc.field("kind") == "message_id") & pc.field("message_id").isin(names))


def _pairs(sent: Sequence[pa.Table]) -> Iterator[pa.Table]:
    """Where mail was taken for whom: each pair once, at its first time."""
    if sent:
        found = pa.concat_tables(sent).group_by([*_SENT], use_threads=False).aggregate([("time", "min")])
        yield found.rename_columns([*_SENT, "time"]).select(["time", *_SENT])


def _packed(piece: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, piece.schema, options=_PACKED) as written:
        written.write_table(piece.combine_chunks())
    return bytes(sink.getvalue())


def _widened(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The same with all COLUMNS; what is null is the same memory each time."""
    size = 1 << max(batch.num_rows - 1, 0).bit_length()
    own = set(batch.schema.names)
    columns = [
        batch.column(field.name) if field.name in own else _nulls(field.type, size).slice(0, batch.num_rows)
        for field in _SCHEMA
    ]
    return pa.RecordBatch.from_arrays(columns, schema=_SCHEMA)


@lru_cache
def _nulls(kind: pa.DataType, size: int) -> pa.Array:
    return pa.nulls(size, kind)
