"""A follower: keeps adding a log to a store while it grows, and finds the log again when it was rotated.

Nothing is remembered but what the store says itself: which log this is and where we are in it are found out anew,
by content, whenever something is not as it was left.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from advisor import ingestion, rotation
from advisor.errors import AdvisorError
from advisor.ingestion import Calendar, Run
from advisor.lock import BusyError, locked
from advisor.log import Log, UnreadableError
from advisor.part import Origin, Part, describe
from advisor.range import cut
from advisor.recognition import begin, begins_as, steady
from advisor.temporary import UnwritableError, append, publish
from advisor.worker import Work

PAUSE = 2.0
"""Seconds between two writes at least; twice that when the part is nearly full, for it is written anew each time."""

AGAIN = 10.0
"""Seconds until a disk that was full is tried again."""

PATIENCE = 60.0
"""Seconds for which another ingest may keep us waiting before that is worth a word."""

_CHECKED = 1 << 16
"""Bytes before our place in the log that tell whether it is still the same log."""

_SLACK = int(rotation.SLACK.total_seconds() * 1e6)

Mark = tuple[int, int, int, int]
"""What changes when a file does: its device, inode, size and time of change."""


class _Tail(NamedTuple):
    """A log that is open, which file it is, the last part that the store holds of it, and the bytes before its end."""

    log: Log
    file: tuple[int, int]
    part: Part
    checked: bytes

    @property
    def position(self) -> int:
        """Where the next line begins."""
        return self.part.end


class Follower:
    """A log that is followed; each step looks at it once, and does what there is to do."""

    def __init__(
        self, path: Path, folder: Path, calendar: Calendar, say: Callable[[str], None], alive: Callable[[], None]
    ) -> None:
        """Follow a log into the store in a folder.

        `say` is told what the user should know, and `alive` is called at least once for each block that is read.
        """
        self.path = path
        self.folder = folder
        self._calendar = calendar
        self._say = say
        self._alive = alive
        self._open = ExitStack()
        self._tail: _Tail | None = None
        self._quiet = False
        self._unsettled: Mark | None = None
        self._missing = False
        self._seen: set[Mark] = set()
        self._noticed: set[Mark] = set()
        self._due = 0.0
        self._again = 0.0
        self._trouble: tuple[AdvisorError, float, bool] | None = None

    def step(self, now: float, *, last: bool = False) -> None:
        """Look at the log; `now` is in seconds of a clock that never runs backwards.

        The last step waits for nothing.
        """
        if now < self._again and not last:
            return
        if last:
            self._due = now
        try:
            self._adopt_siblings()
            if self._tail is None or not self._read_on(self._tail, now):
                self._attach()
        except (UnwritableError, BusyError) as error:
            self._wait(error, now)
        else:
            if self._trouble is not None and self._trouble[2]:
                self._say(f"{self.folder}: can be written again; nothing was lost")
            self._trouble = None

    def close(self) -> None:
        """Let go of the log."""
        self._open.close()
        self._tail, self._quiet = None, False

    def _wait(self, error: AdvisorError, now: float) -> None:
        """Try again later, and say so once; that another ingest is at work only if it takes long."""
        since, said = (self._trouble[1], self._trouble[2]) if self._trouble else (now, False)
        if isinstance(error, UnwritableError):
            self._again = now + AGAIN
        if not said and (isinstance(error, UnwritableError) or now - since >= PATIENCE):
            self._say(f"{error}; waiting, and trying again")
            said = True
        self._trouble = error, since, said

    def _run(self, calendar: Calendar) -> Run:
        return Run(self.folder, calendar, Work(progress=lambda *_: self._alive()))

    def _read_on(self, tail: _Tail, now: float) -> bool:
        """Add what is new in the log that is open; False if there may be another one to open."""
        if _checked(tail.log, tail.part) != tail.checked or not begins_as(tail.log, tail.part.first_line):
            # Truncated, perhaps written anew: what was not read is in a copy, or gone.
            self.close()
            return False
        found = mark(self.path)
        moved = found is not None and found[:2] != tail.file
        # What comes after we looked makes it another mark.
        read = {found for found in self._siblings() if found[:2] == tail.file} if moved else set()
        new = any(b"\n" in piece for piece in tail.log.pieces(tail.position))
        if tail.log.fault is not None:
            self.close()
            return False
        if new and (moved or now >= self._due):
            part = self._save(tail)
            if part is None:
                self.close()
                return False
            self._due = now + PAUSE * (1 + min(1, part.size / ingestion.PART))
        if moved and not new and self._quiet:
            self._seen |= read
            self.close()
            return False
        self._quiet = moved and not new
        return True

    def _save(self, tail: _Tail) -> Part | None:
        """Write the new lines, and say which part is the last; None if the store or the log are not as we left them."""
        part = tail.part
        with locked(self.folder, 0):
            if not self._is_last(part):
                return None
            origin = Origin(part.source, part.first_line, self.path.name)
            try:
                draft, resumed = begin(tail.log, origin, part, self._calendar.zone, ingestion.PART)
                blocks = cut(tail.log.pieces(draft.end), draft.end, draft.start, ingestion.PART)
                whole = (block for block in steady(tail.log, origin, blocks) if block.terminated)
                for written in append(self.folder, draft, resumed, whole, ingestion.PART):
                    publish(written.temporary, written.part)
                    part = written.part
                    self._tail = _Tail(tail.log, tail.file, part, _checked(tail.log, part))
                    self._alive()
            except UnreadableError:
                return None
        return part

    def _is_last(self, part: Part) -> bool:
        """Tell whether a part is still as it was, and the last of its source that goes on from it."""
        path = self.folder / part.name
        if not path.exists():
            return False
        found = describe(path)
        return (found.end, found.sha256) == (part.end, part.sha256) and not (self.folder / part.following).exists()

    def _attach(self) -> None:
        """Open the log, add what it holds, and find our place in it; what cannot be is tried when the file changes."""
        found = mark(self.path)
        if found is None:
            if not self._missing:
                self._say(f"{self.path}: is not there, or not for us to see; waiting for it")
            self._missing = True
            return
        self._missing = False
        if found == self._unsettled:
            return
        try:
            log = self._open.enter_context(Log(self.path))
            part = self._last_part(log)
        except UnreadableError as error:
            self._say(str(error))
            part = None
        except AdvisorError:
            self.close()
            raise
        self._unsettled = found if part is None else None
        after = mark(self.path)
        if part is None or after is None or after[:2] != found[:2]:
            self.close()
        else:
            self._tail = _Tail(log, found[:2], part, _checked(log, part))

    def _last_part(self, log: Log) -> Part | None:
        """Add what a log holds, and find the part at its end; None where it is but the beginning of what is known."""
        with locked(self.folder, 0):
            run = self._run(self._calendar)
            source = run.read_log(log)
            self._tell(run)
            if log.fault is not None:
                raise log.fault
            held = [part for part in run.parts.values() if part.source == source]
            if not held:
                return None
            # The year was that of the log as it was when we began.
            self._calendar = replace(self._calendar, year=None)
            part = max(held, key=lambda part: part.end)
            length = sum(map(len, log.pieces(part.start, part.end)))
            return part if length == part.size else None

    def _adopt_siblings(self) -> None:
        """Add the files of the log's rotated set that may hold lines which nobody has read yet.

        Only those that stay as they are from one step to the next: one that is being packed is not whole.
        """
        found = self._siblings()
        ours = self._tail.file if self._tail else None
        unread = {its: path for its, path in found.items() if its not in self._seen and its[:2] != ours}
        still = {its: path for its, path in unread.items() if its in self._noticed}
        if still:
            with locked(self.folder, 0):
                run = self._run(replace(self._calendar, year=None))
                run.read(path for its, path in still.items() if self._may_hold_news(run, its, path))
                self._tell(run)
        self._seen = (self._seen & found.keys()) | still.keys()
        self._noticed = set(unread)

    def _may_hold_news(self, run: Run, its: Mark, path: Path) -> bool:
        """Tell whether a file was written after the last line that we have of the set, or is known to the store.

        Where the store has none, each may hold news.
        """
        held = [part for part in run.parts.values() if rotation.is_rotated(part.log, self.path.name)]
        last = max((part.times[1] for part in held if part.times), default=0)
        return its[3] // 1000 + _SLACK >= last or run.knows(path)

    def _siblings(self) -> dict[Mark, Path]:
        """Find the files of the rotated set, the log itself left out."""
        try:
            names = [path for path in self.path.parent.iterdir() if rotation.is_rotated(path.name, self.path.name)]
        except OSError as error:
            folder = str(self.path.parent)
            raise AdvisorError(folder, f"cannot be read: {error.strerror}", "check who may read it") from None
        marked = {path: mark(path) for path in names if path.name != self.path.name}
        return {found: path for path, found in marked.items() if found is not None}

    def _tell(self, run: Run) -> None:
        for error in run.bad:
            self._say(str(error))


def mark(path: Path) -> Mark | None:
    """Tell what changes when a file does; None where there is none that we may see."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _checked(log: Log, part: Part) -> bytes:
    return b"".join(log.pieces(max(part.start, part.end - _CHECKED), part.end))
