"""A draft: a part being made. Blocks of a log go in, the events of each come out, and at the end what the part says."""

import hashlib
from collections.abc import Iterable
from datetime import tzinfo
from typing import Self

import pyarrow as pa
import pyarrow.compute as pc

from advisor.event import ENCODED, SCHEMA, VERSION, Coverage
from advisor.log import Block
from advisor.parser import Parser
from advisor.part import Origin, Part, Place, clock, in_log_order, moment
from advisor.programs import SYSLOG_NAME


class Draft:
    """A part being made; the account of its lines, and all else that its metadata will say."""

    def __init__(self, origin: Origin, start: Place, zone: tzinfo) -> None:
        """Begin where the part before ends, or a log begins."""
        self.origin = origin
        self.end = start.offset
        self.first_time = start.first_time
        self.bookmarks = start.bookmarks
        self.coverage = Coverage()
        self.fresh = Coverage()
        self.holds_postfix = False
        self.pruned: int | None = None
        self._start = start
        self.zone = zone
        self._parser = Parser(clock(start.moment, zone), origin.source, start.previous)
        self._digest = hashlib.sha256()
        self._hosts: set[str] = set()
        self._times: tuple[int, int] | None = None

    @classmethod
    def resume(cls, origin: Origin, part: Part, zone: tzinfo) -> Self:
        """Go on with a part that is not full; its bytes have to be hashed before any is added."""
        draft = cls(origin, part.place, zone)
        draft._start = Place(part.start, part.clock_before, "", part.first_time)
        draft.coverage = Coverage.from_dict(part.coverage)
        draft.pruned = part.pruned
        draft._hosts = set(part.hosts)
        draft._times = part.times and (part.times[0], part.times[1])
        return draft

    @property
    def start(self) -> int:
        """Where in the log it begins."""
        return self._start.offset

    @property
    def name(self) -> str:
        """The file's name."""
        return f"{self.origin.source}-{self.start:020d}.parquet"

    @property
    def size(self) -> int:
        """Bytes of the log so far."""
        return self.end - self.start

    @property
    def place(self) -> Place:
        """Where the next part begins."""
        return Place(self.end, moment(self._parser.clock), self._parser.previous, self.first_time, self.bookmarks)

    def hash(self, data: bytes) -> str:
        """Count bytes to the digest, and give it."""
        self._digest.update(data)
        return self._digest.hexdigest()

    def add(self, block: Block) -> pa.Table:
        """Read the lines of a block; their events have ENCODED."""
        parsed = self._parser.read(block.data, block.offset)
        events = parsed.events.cast(ENCODED)
        self._digest.update(block.data)
        self.end = block.end
        self.coverage += parsed.coverage
        self.fresh += parsed.coverage
        bounds = pc.min_max(events["time"].cast(pa.int64())).as_py()
        if bounds["min"] is not None:
            before = self._times or (bounds["min"], bounds["max"])
            self._times = min(before[0], bounds["min"]), max(before[1], bounds["max"])
            self.first_time = first_time(events) if self.first_time is None else self.first_time
        self._hosts |= _words(events["host"])
        self.holds_postfix |= any(name.startswith(SYSLOG_NAME) for name in _words(events["syslog_name"]))
        return events

    def part(self) -> Part:
        """Say what this part holds."""
        reached = [mark for mark in self.bookmarks if mark.offset <= self.end]
        cursor, cursor_end = reached[-1] if reached else (None, None)
        return Part(
            schema=VERSION,
            parser=VERSION,
            **self.origin._asdict(),
            start=self.start,
            end=self.end,
            sha256=self.hash(b""),
            clock_before=self._start.moment,
            clock_after=moment(self._parser.clock),
            # dataclasses.asdict() would count the pairs of a Counter instead of copying it.
            coverage=self.coverage.as_dict(),
            first_time=self.first_time,
            hosts=sorted(self._hosts),
            times=self._times,
            previous=self._parser.previous,
            cursor=cursor,
            cursor_end=cursor_end,
            pruned=self.pruned,
        )


def first_time(events: pa.Table) -> int | None:
    """Tell the time, in microseconds since 1970, of the first line of some events of a source that has one."""
    timed = events.select(["offset", "time"]).filter(events["time"].is_valid())
    if not timed.num_rows:
        return None
    first = pc.index(timed["offset"], pc.min(timed["offset"])).as_py()
    return int(timed["time"].cast(pa.int64())[first].as_py())


def decoded(tables: Iterable[pa.Table]) -> pa.Table:
    """Join events that have ENCODED to one table of SCHEMA, in the order of the log."""
    return pa.concat_tables([SCHEMA.empty_table(), *(in_log_order(table).cast(SCHEMA) for table in tables)])


def _words(column: pa.ChunkedArray) -> set[str]:
    """The different words of a column of numbered words."""
    return {word for chunk in column.chunks for word in pc.unique(chunk).dictionary_decode().to_pylist()} - {None}
