"""A part of the store: the events of one range of one log, and the metadata that say which range of which log it is."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import MISSING, asdict, dataclass, fields
from datetime import date, tzinfo
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from advisor.depot import Object
from advisor.errors import AdvisorError
from advisor.event import SCHEMA, VERSION
from advisor.line import Clock

_KEY = "advisor."

Moment = tuple[int, str | None]
"""Where a Clock stands: its year, and the date of the last line."""


class Origin(NamedTuple):
    """Where events are from: the source's name in the store, the sha256 of its first line, the log's file name."""

    source: str
    first_line: str
    log: str


class Bookmark(NamedTuple):
    """An entry of a journal: its cursor, and the offset where its line ends."""

    cursor: str
    offset: int


class Place(NamedTuple):
    """A line end of a log, and what the lines after it need to know of those before it.

    `moment` is where the clock stands, `previous` the line that a `last message repeated` would repeat, `first_time`
    the time of the source's first event (microseconds since 1970), if that lies before. `bookmarks` are the entries
    of a journal whose cursor is known, in order.
    """

    offset: int
    moment: Moment
    previous: str = ""
    first_time: int | None = None
    bookmarks: tuple[Bookmark, ...] = ()


@dataclass(frozen=True)
class Part:
    """What a part's metadata say: each field is a key of the Parquet file, after `advisor.`, with its value as JSON.

    The fields with a default came later: parts without them are read as if they had it. `pruned` is the moment before
    which events were deleted, in microseconds since 1970; `coverage` still counts their lines.
    """

    schema: int
    parser: int
    source: str
    first_line: str
    log: str
    start: int
    end: int
    sha256: str
    clock_before: Moment
    clock_after: Moment
    coverage: dict[str, Any]
    first_time: int | None
    hosts: list[str]
    times: tuple[int, int] | None
    previous: str = ""
    cursor: str | None = None
    cursor_end: int | None = None
    pruned: int | None = None

    @property
    def name(self) -> str:
        """The file's name."""
        return f"{self.source}-{self.start:020d}.parquet"

    @property
    def following(self) -> str:
        """The name of the file of the next part."""
        return f"{self.source}-{self.end:020d}.parquet"

    @property
    def size(self) -> int:
        """Bytes of the log that it holds."""
        return self.end - self.start

    @property
    def place(self) -> Place:
        """Where the next part begins."""
        bookmarks = self.cursor and self.cursor_end is not None and (Bookmark(self.cursor, self.cursor_end),)
        return Place(self.end, self.clock_after, self.previous, self.first_time, bookmarks or ())

    def metadata(self) -> dict[str, str]:
        """The same as keys and values of a Parquet file."""
        return {_KEY + key: json.dumps(value) for key, value in asdict(self).items()}


def clock(moment: Moment, zone: tzinfo) -> Clock:
    """Make a clock that goes on from a moment."""
    year, last = moment
    return Clock(year, zone, date.fromisoformat(last) if last else None)


def moment(clock: Clock) -> Moment:
    """Tell where a clock stands."""
    return clock.year, clock.last.isoformat() if clock.last else None


def describe(path: Path | Object) -> Part:
    """Read a part's metadata."""
    with _opened(path) as (part, _):
        return part


def load(path: Path | Object, columns: Sequence[str] = SCHEMA.names) -> tuple[Part, pa.Table]:
    """Read a part, both from one file though it may be rewritten meanwhile: its metadata and these columns."""
    with _opened(path) as (part, file):
        wanted = pa.schema([SCHEMA.field(name) for name in columns])
        found = in_log_order(file.read([*{"offset", *columns}])).select(list(columns))
        return part, found.cast(wanted)


def stream(path: Path | Object, end: int, columns: Sequence[str] = SCHEMA.names) -> Iterator[pa.RecordBatch]:
    """Read these columns of a part in log order, a row group at a time, which holds whole blocks of the log.

    The part may be rewritten meanwhile, and be longer; what begins at `end` or later is left out.
    """
    wanted = pa.schema([SCHEMA.field(name) for name in columns])
    with _opened(path) as (_, file):
        turns = [range(number, number + 1) for number in range(file.num_row_groups)]
        for turn in turns if _in_turn(file.metadata) else [range(file.num_row_groups)]:
            found = in_log_order(file.read_row_groups([*turn], [*{"offset", *columns}]))
            found = found.filter(pc.less(found["offset"], end)).select(list(columns))
            yield from found.cast(wanted).to_batches()


def _in_turn(metadata: pq.FileMetaData) -> bool:
    """Tell whether each row group begins behind the one before, by what the file says of its offsets."""
    column = SCHEMA.get_field_index("offset")
    bounds = [metadata.row_group(number).column(column).statistics for number in range(metadata.num_row_groups)]
    known = all(each is not None and each.has_min_max for each in bounds)
    return known and all(before.max < after.min for before, after in pairwise(bounds))


def in_log_order(events: pa.Table) -> pa.Table:
    """Put events of one source in the order of their lines: a parser gives them template by template."""
    offsets = events["offset"].to_numpy()
    if (offsets[1:] > offsets[:-1]).all():
        return events
    return events.take(pc.sort_indices(events["offset"]))


def unpruned(events: pa.Table, before: int) -> pa.Table:
    """Keep the events from a moment on (microseconds since 1970); those without a time go with the older ones."""
    return events.filter(pc.greater_equal(events["time"].cast(pa.int64()), before))


def groups(path: Path | Object, part: Part) -> Iterator[pa.Table]:
    """Read the row groups of a part, one by one; `part` is what it is known to be."""
    with _opened(path) as (found, file):
        if (found.end, found.sha256) != (part.end, part.sha256):
            raise AdvisorError(str(path), "was changed by another ingest", "ingest again")
        for number in range(file.num_row_groups):
            yield file.read_row_group(number).cast(SCHEMA)


@contextmanager
def _opened(path: Path | Object) -> Iterator[tuple[Part, pq.ParquetFile]]:
    try:
        with nullcontext(path) if isinstance(path, Path) else path.open() as source, pq.ParquetFile(source) as file:
            yield _parse(file.metadata.metadata, path), file
    except (OSError, ValueError, KeyError, TypeError) as error:
        what = f"is not a part of a store ({error.__class__.__name__}: {error})"
        raise AdvisorError(str(path), what, "move it away and ingest its log again") from None


def _parse(metadata: dict[bytes, bytes], path: Path | Object) -> Part:
    schema = json.loads(metadata[f"{_KEY}schema".encode()])
    if schema > VERSION:
        what = f"was written by a newer advisor (schema {schema}; this one knows {VERSION})"
        raise AdvisorError(str(path), what, "update advisor, or choose another --store")
    found = {}
    for field in fields(Part):
        key = (_KEY + field.name).encode()
        if field.default is MISSING or key in metadata:
            found[field.name] = json.loads(metadata[key])
    part = Part(**found)
    if part.name != path.name:
        raise ValueError(f"it calls itself {part.name}")
    return part
