"""A history: all events of some logs or of a store, the account of their lines, and what is to be said about them."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from advisor import worker
from advisor.depot import Depot, located
from advisor.draft import Draft
from advisor.errors import AdvisorError
from advisor.event import ENCODED, SCHEMA, Coverage
from advisor.ingestion import PART, Calendar, empty, foreign
from advisor.log import Block, Log, UnreadableError
from advisor.part import Origin, Part, in_log_order
from advisor.range import Range, cut, ranges
from advisor.source import distinct, expand
from advisor.store import account, batches, in_order, names, parts
from advisor.worker import Progress, Work, died

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CUSTOMARY = timedelta(minutes=1)


@dataclass(frozen=True)
class History:
    """All events that there are, in log order, the account of all lines, and what there is to say about the logs.

    `read` gives the events, or is them: those of a store are read when somebody asks for them.
    """

    read: pa.Table | Callable[[], pa.Table]
    coverage: Coverage
    notes: tuple[str, ...] = ()
    bad: tuple[AdvisorError, ...] = ()
    writers: frozenset[str] = frozenset()

    @cached_property
    def events(self) -> pa.Table:
        """All events (columns of advisor.event.SCHEMA); AdvisorError for a part that cannot be read."""
        return self.read if isinstance(self.read, pa.Table) else self.read()

    @property
    def hosts(self) -> frozenset[str]:
        """The hosts that wrote them; those of the parts of a store, so that no event need be read for that."""
        return self.writers or frozenset(pc.unique(self.events["host"]).to_pylist()) - {None}


class Source(NamedTuple):
    """One log: its name in the store, its last file's name, the hosts and the time it covers."""

    source: str
    log: str
    hosts: tuple[str, ...]
    first: datetime | None
    last: datetime | None
    lines: int


def sources(store: Path | Depot) -> list[Source]:
    """List the logs of a store, in log order."""
    return _sources(parts(store))


def _sources(found: Sequence[Part]) -> list[Source]:
    by_source: dict[str, list[Part]] = {}
    for part in found:
        by_source.setdefault(part.source, []).append(part)
    return [
        Source(
            source,
            held[-1].log,
            tuple(sorted({host for part in held for host in part.hosts})),
            min((_EPOCH + timedelta(microseconds=part.times[0]) for part in held if part.times), default=None),
            max((_EPOCH + timedelta(microseconds=part.times[1]) for part in held if part.times), default=None),
            account(held).lines,
        )
        for source, held in by_source.items()
    ]


def overlaps(found: Sequence[Source]) -> list[str]:
    """Say which logs hold the same hours of one host: if one is a copy or a part of another, lines count twice."""
    pairs: dict[tuple[Source, Source], list[str]] = {}
    furthest: dict[str, tuple[datetime, Source]] = {}
    spans = [(each.first, each.last, each) for each in found if each.first is not None and each.last is not None]
    # Of two that begin together the longer comes first, so that the other is part of it.
    for first, last, source in sorted(spans, key=lambda span: (span[0], _EPOCH - span[1])):
        for host in source.hosts:
            end, other = furthest.get(host, (first, None))
            # A line or two out of order where a log was rotated is no overlap.
            if other is not None and (min(last, end) - first > _CUSTOMARY or first < last <= end):
                pairs.setdefault((other, source), []).append(host)
            if other is None or end < last:
                furthest[host] = last, source
    return [_sentence(one, other, hosts) for (one, other), hosts in pairs.items()]


def _sentence(one: Source, other: Source, hosts: list[str]) -> str:
    assert one.last is not None
    assert other.last is not None
    names = ", ".join(hosts[:3]) + (f" and {len(hosts) - 3:,} other hosts" if len(hosts) > 3 else "")
    return (
        f"{one.log} ({one.source}) and {other.log} ({other.source}) both hold lines of {names} "
        f"from {other.first:%Y-%m-%d %H:%M:%S} to {min(one.last, other.last):%Y-%m-%d %H:%M:%S} UTC: "
        "if one is a copy or a part of the other, these lines count twice"
    )


def open_store(store: Path | Depot) -> History:
    """Read a store as a whole."""
    target = located(store)
    found = parts(target)
    return History(
        lambda: pa.Table.from_batches(batches(target, found=found), SCHEMA),
        account(found),
        (*overlaps(_sources(found)), *_deleted(found)),
        writers=frozenset(host for part in found for host in part.hosts),
    )


def _deleted(found: Sequence[Part]) -> Iterator[str]:
    """Say since when the events are there, where older ones were deleted."""
    if moments := [part.pruned for part in found if part.pruned is not None]:
        since = _EPOCH + timedelta(microseconds=max(moments))
        yield f"events before {since:%Y-%m-%d %H:%M} UTC were deleted (advisor prune); the lines are still counted"


def parse_files(
    paths: Sequence[str | Path],
    *,
    year: int | None = None,
    zone: tzinfo,
    today: date,
    progress: Progress | None = None,
) -> History:
    """Read logs without a store, their unterminated last lines included; `year` is that of each log's last line."""
    files, notes, faults = distinct(expand(paths))
    reading = _Reading(Calendar(zone, today, year), Work.of(files, progress))
    reading.notes += notes
    reading.bad += faults
    with closing(
        worker.each(parse, (found for path in files for found in reading.plan(path)), warm=reading.work.large)
    ) as results:
        for found, parsed in results:
            reading.take(found.origin.source, parsed)
            reading.work.add(found.stop - found.place.offset)
    return reading.history()


class Piece(NamedTuple):
    """What became of a range of a log: what a part of a store would say of it, and the events, which have ENCODED."""

    part: Part
    events: pa.Buffer
    holds_postfix: bool


def parse(found: Range) -> Piece:
    """Read a range, in a worker."""
    start = found.place.offset
    return _read(Draft(found.origin, found.place, found.zone), cut(found.pieces(), start, start))


def _read(draft: Draft, blocks: Iterable[Block]) -> Piece:
    sink = pa.BufferOutputStream()
    # Packed, for it goes through a pipe and is there two or three times over on its way.
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.ipc.new_stream(sink, ENCODED, options=options) as stream:
        for block in blocks:
            stream.write_table(in_log_order(draft.add(block)).unify_dictionaries())
    return Piece(draft.part(), sink.getvalue(), draft.holds_postfix)


class _Reading:
    """Logs being read, and what was found in them so far."""

    def __init__(self, calendar: Calendar, work: Work) -> None:
        self.calendar = calendar
        self.work = work
        self.notes: list[str] = []
        self.bad: list[AdvisorError] = []
        self._found: list[tuple[Part, pa.Table]] = []
        self._names: dict[str, str] = {}
        self._postfix: set[str] = set()

    def plan(self, path: Path) -> Iterator[Range]:
        """Read a log here, or lay it out for the workers."""
        try:
            with Log(path) as log:
                yield from self._plan(log)
                if log.fault is not None:
                    self.bad.append(log.fault)
        except UnreadableError as error:
            self.bad.append(error)

    def _plan(self, log: Log) -> Iterator[Range]:
        first = log.first_line()
        if first is None:
            self.notes += [empty(log)] if log.fault is None else []
            return
        first_line = hashlib.sha256(first[0]).hexdigest()
        source = next(name for name in names(first_line) if name not in self._names)
        self._names[source] = log.name
        origin = Origin(source, first_line, Path(log.name).name)
        draft = Draft(origin, self.calendar.start(log), self.calendar.zone)
        # Where the log ends in a fault, the half line before it is not what was logged.
        blocks = (block for block in cut(log.pieces(), 0, 0, PART) if block.terminated or log.fault is None)
        if self.work.large:
            yield from ranges(draft, blocks, PART, log.dates)
        else:
            self.take(source, _read(draft, self.work.counted(blocks)))

    def take(self, source: str, piece: Piece | None) -> None:
        """Keep what became of a range; None where the process that read it died."""
        if piece is None:
            self.bad.append(died(self._names[source]))
            return
        with pa.ipc.open_stream(piece.events) as stream:
            self._found.append((piece.part, stream.read_all().cast(SCHEMA)))
        if piece.holds_postfix:
            self._postfix.add(source)

    def history(self) -> History:
        """Join it all."""
        events = {part.name: table for part, table in self._found}
        found = in_order([part for part, _ in self._found])
        lines = {part.source: 0 for part in found}
        for part in found:
            lines[part.source] += part.coverage["lines"]
        notes = [foreign(self._names[source], lines[source]) for source in lines if source not in self._postfix]
        table = pa.concat_tables([SCHEMA.empty_table(), *(events[part.name] for part in found)])
        return History(table, account(found), (*self.notes, *notes, *overlaps(_sources(found))), tuple(self.bad))
