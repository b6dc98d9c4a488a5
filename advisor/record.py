"""A record: an event as the correlation reads it, one Python value with a name for each column that it needs."""

from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache, partial
from itertools import repeat
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

MOST = 1_000
"""How often one line stands for itself at most; a syslog daemon says so every few minutes at least."""


@lru_cache(maxsize=1_000)
def instance_of(syslog_name: str | None) -> str:
    """The instance of Postfix of a name: `postfix` of `postfix/submission`, `postfix-in` of `postfix-in`."""
    return (syslog_name or "").partition("/")[0]


_SLICE = 8_192
"""Rows that become Python values at a time: each is 33 of them."""


class Record(NamedTuple):
    """The columns of an event (advisor.event.SCHEMA) that tell who is spoken of; `time` is in microseconds, UTC."""

    kind: str
    source: str
    offset: int
    time: int
    host: str
    syslog_name: str | None
    program: str
    pid: int | None
    queue_id: str | None
    stage: str | None
    action: str | None
    client_name: str | None
    client_address: str | None
    client_port: int | None
    reverse_client_name: str | None
    helo_name: str | None
    helo_sent: bool | None
    sender: str | None
    recipient: str | None
    orig_recipient: str | None
    sasl_username: str | None
    proto: str | None
    reply: str | None
    dsn: str | None
    text: str | None
    restriction: str | None
    list: str | None
    status: str | None
    result: str | None
    reason: str | None
    domain: str | None
    commands: str | None

    @property
    def place(self) -> str:
        """Where the line stands: a name for what begins with it."""
        return f"{self.source}:{self.offset}"

    @property
    def instance(self) -> str:
        """The instance of Postfix that wrote the line; '' where it names none."""
        return instance_of(self.syslog_name)


COLUMNS = (*Record._fields, "repeated")
"""The columns of an event that are read here; events may have others."""


def records(batches: Iterable[pa.RecordBatch], kinds: Collection[str]) -> Iterator[Record]:
    """The events of these kinds, in their order; one that came several times, as often, within reason.

    A line without a readable time is of no kind, so none is lost.
    """
    wanted = pa.array(sorted(kinds), pa.string())
    for batch in batches:
        right = pc.is_in(batch.column("kind"), value_set=wanted)
        chosen = batch.select(COLUMNS)
        chosen = chosen if right.true_count == len(right) else chosen.filter(right)
        for start in range(0, chosen.num_rows, _SLICE):
            yield from _records(chosen.slice(start, _SLICE))


def _records(chosen: pa.RecordBatch) -> Iterator[Record]:
    columns = [_values(chosen.column(name)) for name in Record._fields]
    # As Record._make() does, but without a call of Python for each of them.
    found = map(partial(tuple.__new__, Record), zip(*columns, strict=True))
    often = chosen.column("repeated")
    if pc.max(often).as_py() in (None, 1):
        yield from found
    else:
        for record, times in zip(found, often.to_pylist(), strict=True):
            yield from repeat(record, min(times, MOST))


def _values(column: pa.Array) -> list[Any]:
    """A column as Python values; numpy is five times as fast as Arrow's to_pylist(), but has no missing numbers."""
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us", "UTC")).cast(pa.int64())
    if pa.types.is_string(column.type) or not column.null_count:
        values: list[Any] = column.to_numpy(zero_copy_only=False).tolist()
    else:
        values = column.to_pylist()
    return values
