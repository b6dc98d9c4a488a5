"""An ingestion: adds to a store the lines of logs that it does not hold yet."""

import hashlib
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, tzinfo
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from advisor import journal, worker
from advisor.depot import Depot, spool
from advisor.draft import Draft
from advisor.errors import AdvisorError
from advisor.event import VERSION, Coverage
from advisor.lease import hand_over, writing
from advisor.lock import PATIENCE
from advisor.log import Block, Log, Survey, UnreadableError
from advisor.part import Bookmark, Origin, Part, Place, load
from advisor.range import ENDLESS, Range, cut, ranges, shares
from advisor.recognition import begin, is_plain, is_source, rivals, steady
from advisor.source import expand, is_journal
from advisor.store import names, parts
from advisor.temporary import Written, append, clear, publish, write
from advisor.worker import Progress, Work

PART = 32 << 20
"""Bytes of a log after which a part is full; one that is not is rewritten as its log grows."""


@dataclass(frozen=True)
class Ingested:
    """What an ingest did: the lines it added, how many files it read and how many of them it knew already.

    `pending` are the files whose last line has no newline yet: that line is left for the next run.
    """

    coverage: Coverage
    files: int
    known: int
    pending: tuple[str, ...]
    bad: tuple[AdvisorError, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Calendar:
    """What dates the lines of a log that has no years."""

    zone: tzinfo
    today: date
    year: int | None

    def start(self, log: Log) -> Place:
        """Say when a log begins."""
        return Place(0, (log.first_year(self.year, self.today), None))


def ingest(  # noqa: PLR0913 - what dates the lines is three, and who waits may look on
    paths: Sequence[str | Path],
    store: Path,
    *,
    year: int | None = None,
    zone: tzinfo,
    today: date,
    progress: Progress | None = None,
) -> Ingested:
    """Add the lines of logs that the store does not hold yet; `year` is that of each log's last line."""
    names = [path for path in paths if not is_journal(path)]
    files = expand(names)
    with writing(store, PATIENCE) as target:
        run = Run(target, Calendar(zone, today, year), Work.of(files, progress))
        run.read(files)
        if len(names) < len(paths):
            run.read_journal()
    return run.ingested(len(files) + (len(names) < len(paths)))


@dataclass
class _Reading:
    """What is known of a log that is being read: its name, and whether any line of it was Postfix's."""

    name: str
    whole: bool
    lines: int = 0
    holds_postfix: bool = False
    died: bool = False


class Run:
    """An ingest at work, under the store's lock: the parts there are, and the counts of what it did."""

    def __init__(self, store: Path | Depot, calendar: Calendar, work: Work) -> None:
        """Look at what the store holds, and clear away what dead processes left in it."""
        self.store = store
        self.calendar = calendar
        self.work = work
        self.parts = {part.name: part for part in parts(store)}
        self.coverage = Coverage()
        self.known = 0
        self.pending: list[str] = []
        self.bad: list[AdvisorError] = []
        self.notes: list[str] = []
        self._readings: dict[str, list[_Reading]] = {}
        self._flying: set[str] = set()
        clear(spool(store))

    def read(self, paths: Iterable[Path]) -> None:
        """Add what is new in some files; one that cannot be read does not stop the others."""
        self._work(found for path in paths for found in self._plan(path))

    def read_log(self, log: Log) -> str | None:
        """Add what is new in a log that is open, and tell the name of its source; None where it has no whole line."""
        found: list[str | None] = []

        def plan() -> Iterator[Range | None]:
            found.append((yield from self._read(log)))

        self._work(plan())
        return found[0]

    def read_journal(self) -> None:
        """Add what is new in this machine's journal: what comes after the last entry that the store has the cursor of.

        Lines that were stored after that are left out by their length; they were read, but the rest of them was not.
        """
        source, zone = journal.identity(), self.calendar.zone
        held = sorted((part for part in self.parts.values() if part.source == source), key=lambda part: part.end)
        place = held[-1].place if held else Place(0, (self.calendar.today.year, None))
        cursor, begin = place.bookmarks[-1] if place.bookmarks else (None, 0)
        with closing(journal.collect(cursor)) as new, Log(new.path) as log:
            end = begin + sum(map(len, log.pieces()))
            if end <= place.offset:
                self.known += 1
                return
            marks = (*place.bookmarks, Bookmark(new.cursor, end)) if new.cursor else place.bookmarks
            origin = Origin(source, source, journal.NAME)
            draft, resumed = Draft(origin, place._replace(bookmarks=marks), zone), None
            if held and held[-1].size < PART and held[-1].parser == VERSION:
                draft, resumed = Draft.resume(origin, held[-1], zone), held[-1]
                draft.bookmarks = marks
                # The bytes may be gone from the journal; what they were is in the digest.
                draft.hash(resumed.sha256.encode())
            blocks = cut(log.pieces(place.offset - begin), place.offset, draft.start, PART)
            self._readings.setdefault(source, []).append(_Reading(log.name, whole=not held))
            for written in append(self.store, draft, resumed, self.work.counted(blocks), PART):
                self._take(written)

    def knows(self, path: Path) -> bool:
        """Tell whether the store holds a log that begins as this one does."""
        try:
            with Log(path) as log:
                first = log.first_line()
        except UnreadableError:
            return False
        return first is not None and bool(rivals(self.parts.values(), hashlib.sha256(first[0]).hexdigest()))

    def ingested(self, files: int) -> Ingested:
        """Say what was done."""
        readings = [reading for held in self._readings.values() for reading in held]
        notes = [
            foreign(each.name, each.lines) for each in readings if each.whole and each.lines and not each.holds_postfix
        ]
        bad = [worker.died(each.name) for each in readings if each.died]
        return Ingested(self.coverage, files, self.known, tuple(self.pending), (*self.bad, *bad), (*self.notes, *notes))

    def _work(self, plan: Iterable[Range | None]) -> None:
        with closing(worker.each(partial(write, spool(self.store)), plan, warm=self.work.large)) as results:
            for found, written in results:
                if written is None:
                    self._readings[found.origin.source][-1].died = True
                elif isinstance(written, AdvisorError):
                    self.bad.append(written)
                else:
                    self._take(written)
                self.work.add(found.stop - found.place.offset)

    def _take(self, written: Written) -> None:
        """Give a part its name and count what it adds."""
        if isinstance(self.store, Path):
            publish(written.temporary, written.part)
        else:
            hand_over(self.store, written.temporary, written.part)
        self.parts[written.part.name] = written.part
        self.coverage += written.fresh
        reading = self._readings[written.part.source][-1]
        reading.lines += written.fresh.lines
        reading.holds_postfix |= written.holds_postfix

    def _plan(self, path: Path) -> Iterator[Range | None]:
        """Read a file here, or lay it out for the workers: None where those must be done before it goes on."""
        try:
            with Log(path) as log:
                yield from self._read(log)
                if log.fault is not None:
                    self.bad.append(log.fault)
        except UnreadableError as error:
            self.bad.append(error)

    def _read(self, log: Log) -> Generator[Range | None, None, str | None]:
        first = log.first_line()
        if first is None:
            if log.fault is None:
                self.notes.append(empty(log))
            return None
        line, terminated = first
        if not terminated:
            self.pending.append(log.name)
            return None
        first_line = hashlib.sha256(line).hexdigest()
        if first_line in self._flying:
            yield None
            self._flying.clear()
        self._flying.add(first_line)
        known = rivals(self.parts.values(), first_line)
        # What is like nothing that we know need not be read once more to compare it.
        bounds = {(part.start, part.end) for held in known.values() for part in held}
        survey = log.survey(bounds) if known else Survey(0, pending=False, digests={})
        alike = (name for name, held in known.items() if is_source(log, held, survey, self._load))
        source = next(alike, None)
        origin = Origin(source or self._free_name(first_line), first_line, Path(log.name).name)
        self._readings.setdefault(origin.source, []).append(_Reading(log.name, whole=source is None))
        if source is None:
            yield from self._add(log, origin, _Gap(None, 0, ENDLESS))
        else:
            yield from self._extend(log, origin, known[source], survey)
        return origin.source

    def _load(self, part: Part) -> tuple[pa.Table, tzinfo]:
        return load(self.store / part.name)[1], self.calendar.zone

    def _free_name(self, first_line: str) -> str:
        taken = {part.source for part in self.parts.values()}
        return next(name for name in names(first_line) if name not in taken)

    def _extend(self, log: Log, origin: Origin, held: list[Part], survey: Survey) -> Iterator[Range]:
        """Add what a known source does not hold yet: its new end, and ranges whose parts were lost."""
        gaps = []
        before, at = None, 0
        for part in held:
            gaps.append(_Gap(before, at, min(part.start, survey.length)))
            before, at = part, part.end
        gaps.append(_Gap(before, at, survey.length))
        gaps = [gap for gap in gaps if gap.start < gap.stop]
        self.work.add(survey.length - sum(gap.stop - gap.start for gap in gaps))
        for gap in gaps:
            yield from self._add(log, origin, gap)
        if not gaps:
            self.known += 1
        if survey.pending and at <= survey.length:
            self.pending.append(log.name)

    def _add(self, log: Log, origin: Origin, gap: "_Gap") -> Iterator[Range]:
        """Write the whole lines of a range, part after part, or lay them out for the workers."""
        zone, resumed = self.calendar.zone, None
        if gap.before is None:
            draft = Draft(origin, self.calendar.start(log), zone)
        else:
            draft, resumed = begin(log, origin, gap.before, zone, PART)
        blocks = cut(log.pieces(draft.end, gap.stop), draft.end, draft.start, PART)
        blocks = self._whole(log, steady(log, origin, blocks))
        if not self.work.large or resumed:
            for written in append(self.store, draft, resumed, self.work.counted(blocks), PART):
                self._take(written)
                if self.work.large:
                    draft = Draft(origin, written.part.place, zone)
                    break
            else:
                return
        if not is_plain(log):
            yield from ranges(draft, blocks, PART, log.dates)
            return
        end, stop = draft.end, min(gap.stop, log.size())
        for share in shares(draft, log, stop, PART):
            end = share.stop
            yield share
        if end < stop:
            self.pending.append(log.name)

    def _whole(self, log: Log, blocks: Iterable[Block]) -> Iterator[Block]:
        """Leave out half a line at the end: the rest of it may yet come, or never came."""
        for block in blocks:
            if block.terminated:
                yield block
            elif log.fault is None:
                self.pending.append(log.name)


class _Gap(NamedTuple):
    """A range of a source that the store does not hold, and the part that ends where it starts."""

    before: Part | None
    start: int
    stop: int


def empty(log: Log) -> str:
    """Note that a log holds nothing."""
    return f"{log.name}: empty, just rotated?"


def foreign(name: str, lines: int) -> str:
    """Note that a log is of something else."""
    return f"{name}: no Postfix line among {lines:,}"
