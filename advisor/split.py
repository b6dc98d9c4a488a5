"""A split: what one task of a cluster reads of a log, and what it gives back.

A plain log is first laid out by one task, which finds the line ends where its parts end and the year that each of them
begins in; then each part is a task. What is packed can only be read from its beginning on, so one task reads it whole.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from advisor.draft import Draft
from advisor.errors import AdvisorError
from advisor.ingestion import Calendar
from advisor.log import Block, Log
from advisor.part import Origin, Place
from advisor.range import ENDLESS, Range, cut, shares
from advisor.recognition import begins_as, is_plain
from advisor.temporary import ENDING, Temporary, Written


class Split(NamedTuple):
    """Lines of a log, by its path, that become one part; `place` is None for a whole log that nobody has looked into.

    `store` is the folder that the parts are made in, or None: then they are sent back.
    """

    path: str
    origin: Origin
    place: Place | None
    stop: int
    calendar: Calendar
    full: int
    store: str | None


class Made(NamedTuple):
    """A part that has no name yet; `data` is its file where that is not in the store's folder."""

    written: Written
    data: bytes | None


class Pending(NamedTuple):
    """Half a line stands at the end of a log, and waits for the rest."""


Result = Split | Made | Pending | AdvisorError


def read(split: Split) -> Iterator[Result]:
    """Do one task: make parts, or lay out a plain log into splits."""
    try:
        with Log(Path(split.path)) as log:
            if not begins_as(log, split.origin.first_line):
                yield AdvisorError(split.path, "is another log where the cluster reads it", "share the same folder")
            elif split.place is not None:
                yield from _read_range(split, log, split.place)
            elif is_plain(log):
                yield from _lay_out(split, log)
            else:
                yield from _read_packed(split, log)
            if log.fault is not None:
                yield log.fault
    except AdvisorError as error:
        yield error


def _lay_out(split: Split, log: Log) -> Iterator[Result]:
    """Cut a plain log into ranges as the local ingestion does; its last lines tell the year (Calendar.start)."""
    draft = Draft(split.origin, split.calendar.start(log), split.calendar.zone)
    end, size = 0, log.size()
    for share in shares(draft, log, size, split.full):
        share.close()
        end = share.stop
        yield split._replace(place=share.place, stop=end)
    if end < size:
        yield Pending()


def _read_range(split: Split, log: Log, place: Place) -> Iterator[Made]:
    """Make the part that a range is to become, as advisor.temporary.write does."""
    found = Range(split.origin, place, split.stop, split.calendar.zone, os.getpid(), log.descriptor(), of_log=True)
    try:
        draft = Draft(split.origin, place, split.calendar.zone)
        yield from _parts(split, draft, cut(found.pieces(), place.offset, place.offset), ENDLESS)
    finally:
        found.close()


def _read_packed(split: Split, log: Log) -> Iterator[Made | Pending]:
    """Make all parts of a log that can only be read from its beginning on; half a line at its end is left out."""
    draft, pending = Draft(split.origin, split.calendar.start(log), split.calendar.zone), False

    def whole() -> Iterator[Block]:
        nonlocal pending
        for block in cut(log.pieces(), 0, 0, split.full):
            if block.terminated:
                yield block
            else:
                pending = log.fault is None

    yield from _parts(split, draft, whole(), split.full)
    if pending:
        yield Pending()


def _parts(split: Split, draft: Draft, blocks: Iterator[Block], full: int) -> Iterator[Made]:
    """Write blocks, cut for parts of `full` bytes, from where a draft begins on."""
    while True:
        with _folder(split) as folder, _Apart(folder, draft.name) as file:
            for block in blocks:
                file.write([draft.add(block)])
                if draft.size >= full:
                    break
            if not draft.fresh.lines:
                return
            part = draft.part()
            written = Written(file.close(part), part, draft.fresh, draft.holds_postfix)
            yield Made(written, None if split.store else written.temporary.read_bytes())
        if draft.size < full:
            return
        draft = Draft(draft.origin, draft.place, draft.zone)


@contextmanager
def _folder(split: Split) -> Iterator[Path]:
    """Where parts are made: in the store, or in a folder that goes when they were sent back."""
    if split.store is not None:
        yield Path(split.store)
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


class _Apart(Temporary):
    """A temporary file that no other process of the cluster makes: process ids repeat between machines."""

    def __init__(self, store: Path, name: str) -> None:
        super().__init__(store, name)
        self.path = store / f".{name}.{uuid4().hex}{ENDING}"
