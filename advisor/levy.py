"""A levy: the attempts of a store raised on a cluster, each host's by one task, and what the cluster answers to them.

Hosts have nothing to do with one another, so a task reads the parts that hold its host, in log order, a row group at a
time (advisor.attempt.attempts_of_host). The store has to be a folder that all machines share, or a URL. The frame that
comes out is Spark's, in no order; a simulation collects from it only its counts (advisor.census).
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from advisor.attempt import SCHEMA, attempts_of_host, merged
from advisor.depot import located
from advisor.greylist import replay
from advisor.muster import of_postfix
from advisor.postgrey import Options, Whitelists
from advisor.record import COLUMNS
from advisor.row import Ours
from advisor.store import batches, parts

_PLAIN = pa.schema([pa.field(field.name, field.type) for field in SCHEMA])

_PACKED = pa.ipc.IpcWriteOptions(compression="zstd")

Chosen = tuple[Options, Whitelists]
"""How postgrey is set."""


def raised(session: Any, store: Path, ours: Ours | None = None, syslog_name: str | None = None) -> Any:  # noqa: ANN401 - Spark's
    """Join all events of a store to attempts: a Spark frame (columns of advisor.attempt.SCHEMA), a task for each host.

    It is computed anew whenever it is asked, unless it is persisted. `ours` is what the configuration calls its own,
    `syslog_name` asks about one Postfix of several. AdvisorError where there is no store, or one of a local form.
    """
    from pyspark.sql.pandas.types import from_arrow_schema  # noqa: PLC0415 - an extra: most sites have no Spark

    target = located(store)
    place = store.absolute() if isinstance(target, Path) else store
    hosts = sorted({host for part in parts(target) for host in part.hosts})
    own = ours or Ours()

    def joined(numbers: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for number in (number for batch in numbers for number in batch.column("id").to_pylist()):
            for found in attempts_of_host(_events(place, hosts[number], syslog_name), own):
                yield pa.RecordBatch.from_arrays(found.columns, schema=_PLAIN)

    spread = session.range(0, len(hosts), 1, max(len(hosts), 1))
    return spread.mapInArrow(joined, from_arrow_schema(_PLAIN))


def _events(store: Path, host: str, syslog_name: str | None) -> Iterator[pa.RecordBatch]:
    """The events of one host, in a task; of one Postfix, and of what is no Postfix."""
    target = located(store)
    found = [part for part in parts(target) if host in part.hosts]
    for batch in batches(target, COLUMNS, found):
        chosen = batch.filter(pc.equal(batch.column("host"), host))
        yield chosen if syslog_name is None else chosen.filter(of_postfix(chosen.column("syslog_name"), syslog_name))


def within(frame: Any, since: datetime | None, until: datetime | None) -> Any:  # noqa: ANN401 - a Spark frame
    """Keep the attempts from a moment on and before another."""
    from pyspark.sql.functions import col, lit  # noqa: PLC0415 - as above

    kept = frame if since is None else frame.filter(col("time") >= lit(since))
    return kept if until is None else kept.filter(col("time") < lit(until))


def collected(frame: Any, store: Path) -> pa.Table:  # noqa: ANN401 - a Spark frame
    """Bring the attempts of `raised`, or some of them, here in log order: all of these have to fit into memory."""
    return pa.Table.from_batches(gathered(frame, store), SCHEMA)


def gathered(frame: Any, store: Path) -> Iterator[pa.RecordBatch]:  # noqa: ANN401 - a Spark frame
    """Bring the attempts of `raised`, or some of them, here in log order, some ten thousand at a time.

    They come packed, a host after the other, and wait so for their turn: 120 bytes each, as in advisor.pile.
    """
    # What toArrow() brings at once must not be more than spark.driver.maxResultSize.
    rows = frame.mapInArrow(_packed, "attempts binary").toLocalIterator()
    found = (pa.ipc.open_stream(bytes(row.attempts)).read_all() for row in rows)
    batches = (batch for table in found for batch in table.select(SCHEMA.names).cast(SCHEMA).to_batches())
    sources = dict.fromkeys(part.source for part in parts(located(store)))
    # Twice, for merged() leaves a single one as it is, which is in log order elsewhere.
    yield from merged([batches, []], sources)


def _packed(found: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Each batch as one value, in a task."""
    for batch in found:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema, options=_PACKED) as stream:
            stream.write_batch(batch)
        yield pa.RecordBatch.from_pydict({"attempts": [bytes(sink.getvalue())]})


def greylisted(frame: Any, store: Path, chosen: Chosen, zone: tzinfo) -> Any:  # noqa: ANN401 - a Spark frame
    """Fill in `greylist_answer`: what postgrey would have answered, replayed for each host by itself.

    A task for each client network would do for five weeks; then postgrey drops what is old, and when it does that is
    told by all questions of its host.
    """
    sources = dict.fromkeys(part.source for part in parts(located(store)))
    options, whitelists = chosen

    def answered(found: pa.Table) -> pa.Table:
        ordered = pa.Table.from_batches(merged([found.select(SCHEMA.names).cast(SCHEMA).to_batches(), []], sources))
        answer = replay(ordered, options, whitelists, zone)["answer"]
        return ordered.set_column(SCHEMA.get_field_index("greylist_answer"), "greylist_answer", answer).cast(_PLAIN)

    return frame.groupBy("host").applyInArrow(answered, frame.schema)
