"""A part of the store: the events of one range of one log, and the metadata that say which range of which log it is."""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, tzinfo
from pathlib import Path
from typing import Any, NamedTuple, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from advisor import programs
from advisor.errors import AdvisorError
from advisor.event import SCHEMA, VERSION, Coverage
from advisor.line import Clock
from advisor.source import Block

TEMPORARY = ".tmp"
"""How the name of a part ends that is still being written."""

_KEY = "advisor."

Moment = tuple[int, str | None]
"""Where a Clock stands: its year, and the date of the last line."""


class Origin(NamedTuple):
    """Where events are from: the source's name in the store, the sha256 of its first line, the log's file name."""

    source: str
    first_line: str
    log: str


@dataclass(frozen=True)
class Part:
    """What a part's metadata say: each field is a key of the Parquet file, after `advisor.`, with its value as JSON."""

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

    @property
    def name(self) -> str:
        """The file's name."""
        return f"{self.source}-{self.start:020d}.parquet"

    @property
    def size(self) -> int:
        """Bytes of the log that it holds."""
        return self.end - self.start


def clock(moment: Moment, zone: tzinfo) -> Clock:
    """Make a clock that goes on from a moment."""
    year, last = moment
    return Clock(year, zone, date.fromisoformat(last) if last else None)


def moment(clock: Clock) -> Moment:
    """Tell where a clock stands."""
    return clock.year, clock.last.isoformat() if clock.last else None


class Draft:
    """A part being made: blocks go in, events and their account come out."""

    def __init__(self, origin: Origin, clock: Clock, start: int = 0, first_time: int | None = None) -> None:
        """Begin at an offset, with the clock there and the time of the source's first event if that lies before."""
        self.origin = origin
        self.clock = clock
        self.start = self.end = start
        self.first_time = first_time
        self.coverage = Coverage()
        self.fresh = Coverage()
        self.holds_postfix = False
        self._clock_before = moment(clock)
        self._digest = hashlib.sha256()
        self._tables: list[pa.Table] = []

    @classmethod
    def resume(cls, origin: Origin, part: Part, events: pa.Table, zone: tzinfo) -> Self:
        """Go on with a part that is not full; its bytes have to be hashed before any is added."""
        draft = cls(origin, clock(part.clock_after, zone), part.start, part.first_time)
        draft.end = part.end
        draft.coverage = Coverage.from_dict(part.coverage)
        draft._clock_before = part.clock_before
        draft._tables = [events]
        return draft

    @property
    def size(self) -> int:
        """Bytes of the log so far."""
        return self.end - self.start

    def hash(self, data: bytes) -> str:
        """Count bytes to the digest, and give it."""
        self._digest.update(data)
        return self._digest.hexdigest()

    def add(self, block: Block) -> None:
        """Read the lines of a block."""
        parsed = programs.parse(block.lines(), self.clock, self.origin.source)
        self.hash(block.data)
        self.end = block.end
        self._tables.append(parsed.events)
        self.coverage += parsed.coverage
        self.fresh += parsed.coverage
        if self.first_time is None:
            times = _microseconds(parsed.events)
            self.first_time = times[0].as_py() if len(times) else None
        postfix = pc.any(pc.starts_with(parsed.events["syslog_name"], programs.SYSLOG_NAME))
        self.holds_postfix = self.holds_postfix or bool(postfix.as_py())

    def following(self) -> "Draft":
        """Begin the part that comes after this one."""
        draft = Draft(self.origin, self.clock, self.end, self.first_time)
        draft.holds_postfix = self.holds_postfix
        return draft

    def events(self) -> pa.Table:
        """All events so far."""
        return pa.concat_tables([SCHEMA.empty_table(), *self._tables])

    def part(self) -> Part:
        """Say what this part holds."""
        events = self.events()
        bounds = pc.min_max(_microseconds(events)).as_py()
        return Part(
            schema=VERSION,
            parser=VERSION,
            **self.origin._asdict(),
            start=self.start,
            end=self.end,
            sha256=self.hash(b""),
            clock_before=self._clock_before,
            clock_after=moment(self.clock),
            # dataclasses.asdict() would count the pairs of a Counter instead of copying it.
            coverage={**self.coverage.as_dict(), "ignored_by_program": dict(self.coverage.ignored_by_program)},
            first_time=self.first_time,
            hosts=sorted(pc.unique(events["host"].drop_null()).to_pylist()),
            times=None if bounds["min"] is None else (bounds["min"], bounds["max"]),
        )


def _microseconds(events: pa.Table) -> pa.ChunkedArray:
    return events["time"].cast(pa.int64()).drop_null()


def save(store: Path, draft: Draft) -> Part:
    """Write a part so that after a crash at any moment the store holds the old one or the new one, whole."""
    part = draft.part()
    metadata = {_KEY + key: json.dumps(value) for key, value in asdict(part).items()}
    temporary = store / f".{part.name}{TEMPORARY}"
    try:
        with temporary.open("wb") as file:
            events = draft.events().replace_schema_metadata(metadata)
            pq.write_table(events, file, compression="zstd", compression_level=1)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(store / part.name)
        _sync(store)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        what = f"cannot be written: {error.strerror or error}"
        raise AdvisorError(str(store), what, "make room or choose another --store; what was ingested stays") from None
    return part


def _sync(folder: Path) -> None:
    """Make a renaming last."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def describe(path: Path) -> Part:
    """Read a part's metadata."""
    return _open(path, None)[0]


def load(path: Path, columns: Sequence[str] = SCHEMA.names) -> tuple[Part, pa.Table]:
    """Read a part, both from one file though it may be rewritten meanwhile: its metadata and these columns."""
    return _open(path, list(columns))


def _open(path: Path, columns: list[str] | None) -> tuple[Part, pa.Table]:
    try:
        with pq.ParquetFile(path) as file:
            part = _parse(file.metadata.metadata, path)
            if columns is None:
                return part, None
            wanted = pa.schema([SCHEMA.field(name) for name in columns])
            return part, file.read(columns).select(columns).cast(wanted)
    except (OSError, ValueError, KeyError, TypeError) as error:
        what = f"is not a part of a store ({error.__class__.__name__}: {error})"
        raise AdvisorError(str(path), what, "move it away and ingest its log again") from None


def _parse(metadata: dict[bytes, bytes], path: Path) -> Part:
    schema = json.loads(metadata[f"{_KEY}schema".encode()])
    if schema > VERSION:
        what = f"was written by a newer advisor (schema {schema}; this one knows {VERSION})"
        raise AdvisorError(str(path), what, "update advisor, or choose another --store")
    part = Part(**{field.name: json.loads(metadata[(_KEY + field.name).encode()]) for field in fields(Part)})
    if part.name != path.name:
        raise ValueError(f"it calls itself {part.name}")
    return part
