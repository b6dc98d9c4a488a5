"""Events as Parquet: a folder of parts, each of which says itself which bytes of which log it holds.

There is no ledger. A part is named after its source and where it starts in that source's uncompressed bytes; its
metadata hold where it ends and the digest of that range, so a log is known again by its content under any name.
"""

import fcntl
import hashlib
import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, tzinfo
from itertools import count
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from advisor.errors import AdvisorError
from advisor.event import SCHEMA, VERSION, Coverage
from advisor.line import Clock
from advisor.part import TEMPORARY, Draft, Origin, Part, clock, describe, load, save
from advisor.source import BLOCK, Log, Survey, UnreadableError, expand

PART = 32 << 20
"""Bytes of a log after which a part is full; one that is not is rewritten as its log grows."""

PATIENCE = 5.0
"""Seconds that an ingest waits for another one to finish."""

_NAME = re.compile(r"[0-9a-f]{16}(\.\d+)?-\d{20}\.parquet")
_ENDLESS = sys.maxsize


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

    def start(self, log: Log) -> Clock:
        """Make the clock for a log's first line."""
        return Clock(log.first_year(self.year, self.today), self.zone)


def ingest(paths: Sequence[str | Path], store: Path, *, year: int | None = None, zone: tzinfo, today: date) -> Ingested:
    """Add the lines of logs that the store does not hold yet; `year` is that of each log's last line."""
    files = expand(paths)
    with _locked(store):
        run = _Run(store, Calendar(zone, today, year))
        for path in files:
            run.read(path)
    known = run.known
    return Ingested(run.coverage, len(files), known, tuple(run.pending), tuple(run.bad), tuple(run.notes))


@contextmanager
def _locked(store: Path) -> Iterator[None]:
    """Keep other ingests out; a process that dies lets go of it by dying."""
    try:
        store.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (store / ".lock").open("ab")
    except OSError as error:
        what = "is a file" if store.is_file() else f"cannot be written: {error.strerror}"
        raise AdvisorError(str(store), what, "choose another --store, a folder that you may write to") from None
    with lock:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise AdvisorError(str(store), "another ingest is at work", "wait until it is done") from None
            time.sleep(0.05)
        yield


class _Run:
    """One ingest at work: the parts there are, and the counts of what it did."""

    def __init__(self, store: Path, calendar: Calendar) -> None:
        self.store = store
        self.calendar = calendar
        self.parts = {part.name: part for part in parts(store)}
        self.coverage = Coverage()
        self.known = 0
        self.pending: list[str] = []
        self.bad: list[AdvisorError] = []
        self.notes: list[str] = []
        for stale in store.glob(f".*{TEMPORARY}"):
            stale.unlink(missing_ok=True)

    def read(self, path: Path) -> None:
        """Add what is new in a file."""
        try:
            with Log(path) as log:
                self._read(log)
                if log.fault is not None:
                    self.bad.append(log.fault)
        except UnreadableError as error:
            self.bad.append(error)

    def _read(self, log: Log) -> None:
        first = log.first_line()
        if first is None:
            if log.fault is None:
                self.notes.append(empty(log))
            return
        line, terminated = first
        if not terminated:
            self.pending.append(log.name)
            return
        first_line = hashlib.sha256(line).hexdigest()
        rivals = self._rivals(first_line)
        # What is like nothing that we know need not be read once more to compare it.
        ranges = {(part.start, part.end) for held in rivals.values() for part in held}
        survey = log.survey(ranges) if rivals else Survey(0, pending=False, digests={})
        source = next((name for name, held in rivals.items() if self._is(log, held, survey)), None)
        origin = Origin(source or self._free_name(first_line), first_line, Path(log.name).name)
        if source is None:
            self._add(log, origin, _Gap(None, 0, _ENDLESS))
        else:
            self._extend(log, origin, rivals[source], survey)

    def _rivals(self, first_line: str) -> dict[str, list[Part]]:
        """Find the sources with this first line, each with its parts in order."""
        found: dict[str, list[Part]] = {}
        for part in sorted(self.parts.values(), key=lambda part: (len(part.source), part.source, part.start)):
            if part.first_line == first_line:
                found.setdefault(part.source, []).append(part)
        return found

    def _free_name(self, first_line: str) -> str:
        taken = {part.source for part in self.parts.values()}
        return next(name for name in names(first_line) if name not in taken)

    def _is(self, log: Log, held: list[Part], survey: Survey) -> bool:
        """Tell whether a log is this source: the same, grown longer, or an older copy."""
        for part in held:
            if part.end <= survey.length:
                if survey.digests[part.start, part.end] != part.sha256:
                    return False
            elif part.start < survey.length and not self._begins(log, part, survey.length):
                return False
        return held[0].start < survey.length

    def _begins(self, log: Log, part: Part, length: int) -> bool:
        """Tell whether a log that ends within a part says the same as that part's beginning."""
        origin = Origin(part.source, part.first_line, Path(log.name).name)
        draft = Draft(origin, clock(part.clock_before, self.calendar.zone), part.start)
        for block in log.blocks(part.start, length):
            draft.add(block)
        _, events = load(self.store / part.name)
        return bool(draft.events().equals(events.filter(pc.less(events["offset"], length))))

    def _extend(self, log: Log, origin: Origin, held: list[Part], survey: Survey) -> None:
        """Add what a known source does not hold yet: its new end, and ranges whose parts were lost."""
        gaps = []
        before, at = None, 0
        for part in held:
            gaps.append(_Gap(before, at, min(part.start, survey.length)))
            before, at = part, part.end
        gaps.append(_Gap(before, at, survey.length))
        gaps = [gap for gap in gaps if gap.start < gap.stop]
        for gap in gaps:
            self._add(log, origin, gap)
        if not gaps:
            self.known += 1
        if survey.pending and at <= survey.length:
            self.pending.append(log.name)

    def _add(self, log: Log, origin: Origin, gap: "_Gap") -> None:
        """Write the whole lines of a range, part after part."""
        draft = self._draft(log, origin, gap)
        lines = self.coverage.lines
        for block in log.blocks(draft.end, gap.stop, min(BLOCK, PART)):
            if not block.terminated:
                self.pending.append(log.name)
                break
            draft.add(block)
            if draft.size >= PART:
                self._save(draft)
                draft = draft.following()
        if draft.fresh.lines:
            self._save(draft)
        if gap.stop == _ENDLESS and not draft.holds_postfix:
            self.notes.append(foreign(log, self.coverage.lines - lines))

    def _draft(self, log: Log, origin: Origin, gap: "_Gap") -> Draft:
        """Begin a part, or go on with the one before if that is not full."""
        before, zone = gap.before, self.calendar.zone
        if before is None:
            return Draft(origin, self.calendar.start(log))
        if before.size >= PART or before.parser != VERSION:
            return Draft(origin, clock(before.clock_after, zone), before.end, before.first_time)
        draft = Draft.resume(origin, *load(self.store / before.name), zone)
        digest = ""
        for piece in log.pieces(before.start, before.end):
            digest = draft.hash(piece)
        if digest != before.sha256:
            raise UnreadableError(log.name, "changed while it was being read", "ingest it again")
        return draft

    def _save(self, draft: Draft) -> None:
        part = save(self.store, draft)
        self.parts[part.name] = part
        self.coverage += draft.fresh


class _Gap(NamedTuple):
    """A range of a source that the store does not hold, and the part that ends where it starts."""

    before: Part | None
    start: int
    stop: int


def names(first_line: str) -> Iterator[str]:
    """Name the sources that begin with this line: the first, the second, ..."""
    yield first_line[:16]
    yield from (f"{first_line[:16]}.{number}" for number in count(1))


def empty(log: Log) -> str:
    """Note that a log holds nothing."""
    return f"{log.name}: empty, just rotated?"


def foreign(log: Log, lines: int) -> str:
    """Note that a log is of something else."""
    return f"{log.name}: no Postfix line among {lines:,}"


def parts(store: Path) -> list[Part]:
    """Describe the parts of a store, in log order."""
    try:
        found = [describe(path) for path in store.iterdir() if _NAME.fullmatch(path.name)]
    except OSError as error:
        what = f"is not a store: {error.strerror}"
        raise AdvisorError(str(store), what, "advisor ingest FILE... makes one") from None
    return in_order(found)


def in_order(found: Sequence[Part]) -> list[Part]:
    """Sort by the first time of the source, the source, and the offset; sources without any time come last."""
    first_times: dict[str, int] = {}
    for part in sorted(found, key=lambda part: part.start):
        if part.first_time is not None:
            first_times.setdefault(part.source, part.first_time)
    return sorted(found, key=lambda part: (first_times.get(part.source, _ENDLESS), part.source, part.start))


def batches(store: Path, columns: Sequence[str] = SCHEMA.names) -> Iterator[pa.RecordBatch]:
    """Read all events in log order, a part at a time."""
    for part in parts(store):
        yield from load(store / part.name, columns)[1].to_batches()


def read(store: Path, columns: Sequence[str] = SCHEMA.names) -> pa.Table:
    """Read all events in log order."""
    return pa.Table.from_batches(batches(store, columns), pa.schema([SCHEMA.field(name) for name in columns]))


def coverage(store: Path) -> Coverage:
    """Account for all lines ever ingested."""
    return account(parts(store))


def account(found: Sequence[Part]) -> Coverage:
    """Account for all lines of some parts."""
    return sum((Coverage.from_dict(part.coverage) for part in found), Coverage())
