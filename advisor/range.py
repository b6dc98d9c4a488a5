"""A range: the bytes of a log that make one part, and what a process needs to read them apart from those before."""

import hashlib
import os
import sys
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, tzinfo
from io import FileIO
from typing import NamedTuple

from advisor import rotation
from advisor.draft import Draft, first_time
from advisor.line import Clock, decode
from advisor.log import BLOCK, HEAD, Block, Log, changed
from advisor.parser import Parser
from advisor.part import Origin, Place, clock, moment
from advisor.programs import NO_HEADER, HeaderReader, is_repetition, remark

ENDLESS = sys.maxsize

# Bytes before a part's end among which there is a line that is no repetition of another.
_TAIL = 1 << 20

# Of a line of which only the header's form matters.
_ANY_YEAR = 2000


class Range(NamedTuple):
    """Whole lines of a log from a place to `stop`, in a file that this process has open so that others can read it.

    That is the log itself, or a file without a name in which they are laid out. The last line may lack its newline.
    """

    origin: Origin
    place: Place
    stop: int
    zone: tzinfo
    process: int
    descriptor: int
    of_log: bool = False

    def pieces(self) -> Iterator[bytes]:
        """Read its bytes, in this process or in another; UnreadableError where the log was written anew meanwhile."""
        with open(f"/proc/{self.process}/fd/{self.descriptor}", "rb", buffering=0) as file:  # noqa: PTH123 - as below
            at = base = self.place.offset if self.of_log else 0
            stop = base + self.stop - self.place.offset
            while at < stop and (piece := os.pread(file.fileno(), min(BLOCK, stop - at), at)):
                at += len(piece)
                yield piece
            # What begins as it did has not been written anew before it was read.
            if at < stop or (self.of_log and not self._is_same(file)):
                raise changed(self.origin.log)

    def _is_same(self, log: FileIO) -> bool:
        """Tell whether a log still begins with the line that it began with."""
        log.seek(0)
        line = b""
        while (end := line.find(b"\n")) < 0 and (more := log.read(HEAD)):
            line += more
        return hashlib.sha256(line[:end] if end >= 0 else line).hexdigest() == self.origin.first_line

    def close(self) -> None:
        """Give up the file."""
        os.close(self.descriptor)


def cut(pieces: Iterable[bytes], start: int, begin: int, full: int = ENDLESS) -> Iterator[Block]:
    """Join what is read of a log from `start` on, within a part that begins at `begin`, to blocks of whole lines.

    A part ends at the first line end at or after `full` bytes of it, a block at the first one at or after BLOCK bytes
    of it or where the part ends: the same, whoever reads the log, in whatever pieces. What is behind the last line
    end is a block of its own.
    """
    rest: list[bytes | memoryview] = []
    at = start
    goal = min(start + BLOCK, begin + full)
    for piece in pieces:
        done = 0
        while end := piece.find(b"\n", max(done, goal - 1 - at)) + 1:
            # A view is no copy, and the joined block is one already.
            block = Block(start, b"".join([*rest, memoryview(piece)[done:end]]))
            rest, done, start = [], end, block.end
            begin = start if start - begin >= full else begin
            goal = min(start + BLOCK, begin + full)
            yield block
        if done < len(piece):
            rest.append(memoryview(piece)[done:])
        at += len(piece)
    whole = b"".join(rest)
    end = whole.rfind(b"\n") + 1
    if end:
        yield Block(start, whole[:end])
    if end < len(whole):
        yield Block(start + end, whole[end:], terminated=False)


def ranges(
    draft: Draft, blocks: Iterable[Block], full: int, known: Sequence[rotation.Change] | None = None
) -> Iterator[Range]:
    """Lay out blocks, cut for parts of `full` bytes, from where a draft begins on; one range becomes one part.

    `known` are the log's lines where the date changes, if somebody has looked for them already. The draft itself
    remains as it is. Whoever takes a range closes it.
    """
    place, dates = draft.place, clock(draft.place.moment, draft.zone)
    began: int | None = place.first_time
    laid: Range | None = None
    try:
        for block in blocks:
            if block.offset == draft.end and began is None:
                began = _first_time(block, draft)
            laid = laid or _lay(draft, place)
            laid = _filled(laid, block)
            for change in rotation.changes([block.data]) if known is None else _within(known, block.offset, block.end):
                dates.stamp(change.text)
            if laid.stop - place.offset >= full:
                place = Place(laid.stop, moment(dates), _previous(block), began)
                whole, laid = laid, None
                yield whole
        if laid is not None:
            whole, laid = laid, None
            yield whole
    finally:
        if laid is not None:
            laid.close()


def shares(draft: Draft, log: Log, stop: int, full: int) -> Iterator[Range]:
    """Cut a plain log, up to `stop` or its last line's end, into ranges as ranges() does; others read it themselves.

    Here it is read only where its parts end, once the date of each line is known.
    """
    place, dates, known = draft.place, clock(draft.place.moment, draft.zone), log.known_dates()
    began: int | None = place.first_time
    at = draft.end
    if began is None:
        began = _first_time(_block(log, at, min(at + BLOCK, stop)), draft)
    while at < stop:
        end = log.line_end(at + full - 1, stop) if at + full <= stop else -1
        end = end if end >= 0 else log.last_line_end(at, stop)
        if end <= at:
            return
        yield Range(draft.origin, place, end, draft.zone, os.getpid(), log.descriptor(), of_log=True)
        for change in _within(known, at, end):
            dates.stamp(change.text)
        last = _block(log, log.last_line_end(at, max(at, end - _TAIL)), end)
        place, at = Place(end, moment(dates), _previous(last), began), end


def _block(log: Log, start: int, stop: int) -> Block:
    """Read some of a log."""
    return Block(start, b"".join(log.pieces(start, stop)))


def _within(known: Sequence[rotation.Change], start: int, stop: int) -> Iterable[rotation.Change]:
    """The changes among these that are in a range."""
    first, beyond = (bisect_left(known, at, key=lambda change: change.offset) for at in (start, stop))
    return known[first:beyond]


def _lay(draft: Draft, place: Place) -> Range:
    """Begin a range."""
    return Range(draft.origin, place, place.offset, draft.zone, os.getpid(), os.memfd_create("advisor"))


def _filled(range_: Range, block: Block) -> Range:
    """Add a block to a range."""
    view = memoryview(block.data)
    while view:
        view = view[os.write(range_.descriptor, view) :]
    return range_._replace(stop=block.end)


def _first_time(block: Block, draft: Draft) -> int | None:
    """Find the time of the first event of a log in its first block; a range is not worth more."""
    for size in (HEAD, len(block.data)):
        head = block.data[:size].rpartition(b"\n")[0] + b"\n"
        events = Parser(clock(draft.place.moment, draft.zone), draft.origin.source).read(head).events
        if (found := first_time(events)) is not None:
            return found
    return None


def _previous(block: Block) -> str:
    """Find what the first line of the next part would repeat if it is a `last message repeated`."""
    reader = HeaderReader(Clock(_ANY_YEAR, UTC))
    end = len(block.data)
    while end > 0:
        begin = block.data.rfind(b"\n", 0, end - 1) + 1
        raw = block.data[begin:end].removesuffix(b"\n")
        text = decode(raw)
        head = NO_HEADER if text is None else reader.read(text)[0]
        if not (is_repetition(head) or remark(raw, text, head)):
            return text or ""
        end = begin
    return ""
