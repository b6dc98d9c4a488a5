"""A log, open: its plain content in whole lines with their offsets, and the year of its first line.

Offsets count the bytes of the uncompressed content, so a log keeps them when it is compressed.
"""

import codecs
import hashlib
import os
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple, Self

from advisor import compression, rotation, spool
from advisor.errors import AdvisorError
from advisor.line import Clock, decode, read

BLOCK = 8 << 20
"""Bytes of a block of lines: the smallest at which parsing does not get slower (measured 8 to 32 MiB)."""

HEAD = 1 << 16
"""Bytes at a file's beginning by which a log is told from an image."""

_TEXT = bytes({*range(0x20, 0x7F), *b"\t\n\r\f\b\x1b"})


class UnreadableError(AdvisorError):
    """A file that is not a log we can read, or not to its end; the others of a run go on."""


def changed(name: str) -> UnreadableError:
    """Say of a log that it was truncated or written anew."""
    return UnreadableError(name, "changed while it was being read", "ingest it again")


class Survey(NamedTuple):
    """One pass over a log: where its last whole line ends, whether half a line follows, the sha256 of some ranges."""

    length: int
    pending: bool
    digests: dict[tuple[int, int], str]


@dataclass(frozen=True)
class Block:
    """Whole lines of a log, or its last line without a newline; `offset` is where they start."""

    offset: int
    data: bytes
    terminated: bool = True

    @property
    def end(self) -> int:
        """Where the next line starts."""
        return self.offset + len(self.data)

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Each line without its newline, and where it starts."""
        lines = self.data.split(b"\n")
        if self.terminated:
            lines.pop()
        at = self.offset
        for line in lines:
            yield at, line
            at += len(line) + 1


class Log:
    """A log, open: read from wherever asked as often as needed, even when its name has gone to another file meanwhile.

    A fault on the way (a cut off .gz, a bad sector) ends the content there and is kept in `fault`.
    """

    def __init__(self, path: Path) -> None:
        """Open it; UnreadableError where there is nothing that could be a log."""
        self.path = path
        self.name = spool.name(path) or str(path)
        self.fault: UnreadableError | None = None
        self.dates: tuple[rotation.Change, ...] | None = None
        try:
            self._file: BinaryIO = path.open("rb", buffering=0)
        except OSError as error:
            raise self._unreadable(error) from None
        try:
            self._head = self._sniff()
        except (OSError, UnreadableError) as error:
            self._file.close()
            raise error if isinstance(error, UnreadableError) else self._unreadable(error) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def pieces(self, start: int = 0, stop: int = sys.maxsize, size: int = BLOCK) -> Iterator[bytes]:
        """Read the uncompressed bytes of a range, as far as they can be read."""
        left = stop - start
        try:
            for piece in compression.pieces(self._file, start, min(size, max(left, 1))):
                if left <= 0:
                    return
                yield piece[:left]
                left -= len(piece)
        except compression.FAULTS as error:
            self.fault = self._unreadable(error)

    def blocks(self, start: int = 0, stop: int = sys.maxsize, size: int = BLOCK) -> Iterator[Block]:
        """Read the lines of a range that starts where a line does; half a line at its end is a block of its own.

        Where the log ends in a fault, the half line before it is dropped: it is not what was logged.
        """
        rest: list[bytes | memoryview] = []
        for piece in self.pieces(start, stop, size):
            cut = piece.rfind(b"\n") + 1
            if cut:
                # A view is no copy, and the joined block is one already.
                block = Block(start, b"".join([*rest, memoryview(piece)[:cut]]))
                rest = []
                start = block.end
                yield block
            if cut < len(piece):
                rest.append(memoryview(piece)[cut:])
        if rest and self.fault is None:
            yield Block(start, b"".join(rest), terminated=False)

    def descriptor(self) -> int:
        """One more descriptor of the file, which stays when this log is closed."""
        return os.dup(self._file.fileno())

    def line_end(self, start: int, stop: int) -> int:
        """Where in a range of a plain file the first line ends; -1 where none does."""
        for piece in self.pieces(start, stop, HEAD):
            if end := piece.find(b"\n") + 1:
                return start + end
            start += len(piece)
        return -1

    def last_line_end(self, start: int, stop: int) -> int:
        """Where in a range of a plain file the last whole line ends; `start` where none does."""
        while start < stop:
            begin = max(start, stop - HEAD)
            if end := b"".join(self.pieces(begin, stop)).rfind(b"\n") + 1:
                return begin + end
            stop = begin
        return start

    def size(self) -> int:
        """How long a plain file is now."""
        return os.fstat(self._file.fileno()).st_size

    def first_line(self) -> tuple[bytes, bool] | None:
        """Read the first line, and whether its newline is there already; None for an empty log."""
        for block in self.blocks(size=HEAD):
            return block.data.split(b"\n", 1)[0], block.terminated
        return None

    def survey(self, ranges: Collection[tuple[int, int]]) -> Survey:
        """Read it all once; a range that whole lines do not fill has no digest."""
        hashes = {bounds: hashlib.sha256() for bounds in ranges}
        at = length = 0
        for piece in self.pieces():
            view = memoryview(piece)
            for (start, stop), digest in hashes.items():
                digest.update(view[max(start - at, 0) : max(stop - at, 0)])
            length = at + cut if (cut := piece.rfind(b"\n") + 1) else length
            at += len(piece)
        digests = {bounds: digest.hexdigest() for bounds, digest in hashes.items() if bounds[1] <= length}
        return Survey(length, at > length and self.fault is None, digests)

    def first_year(self, year: int | None, today: date) -> int:
        """Tell the year of the first line, `year` being the last one's if that is known: see rotation."""
        found = rotation.year_of(self._look(), self._anchor(today), year)
        if found is None:
            raise AdvisorError(self.name, f"its last line cannot be of {year}", "give --year the year of its last line")
        return found

    def known_dates(self) -> tuple[rotation.Change, ...]:
        """The lines before which the date changes, looked for where nobody did so before."""
        if self.dates is None:
            for _ in self._look():
                pass
        return self.dates or ()

    def _look(self) -> Iterator[rotation.Change]:
        """Find the lines where the date changes; `dates` keeps them once all are found."""
        seen = []
        for change in rotation.changes_in(self._lines()):
            seen.append(change)
            yield change
        self.dates = tuple(seen)

    def _lines(self) -> Iterator[tuple[bytes, int]]:
        """Read all lines: blocks, and how many bytes of each are whole lines.

        Of a plain file a block is what was read, without a copy, and the line that it breaks off in begins the next.
        """
        at = 0
        while compression.is_plain(self._file) and (piece := next(self.pieces(at), b"")):
            whole = piece.rfind(b"\n") + 1
            if not whole:
                break
            yield piece, whole
            at += whole
        yield from ((block.data, len(block.data)) for block in self.blocks(at))

    def first_time(self) -> float:
        """Tell about when it begins, to put logs in order: in microseconds since 1970, by the file if no line says."""
        modified = self._modified()
        year = rotation.first_year([self._head], rotation.date_in_name(self.path.name) or modified.date())
        clock = Clock(year or modified.year, UTC)
        for text in filter(None, map(decode, self._head.split(b"\n"))):
            found = rotation.find_stamp(text)
            if found is not None and (time := clock.complete(found)) is not None:
                return time
        return modified.timestamp() * 1e6

    def _anchor(self, today: date) -> date:
        """Tell the date that the last line cannot be later than."""
        if self.name == "-":
            return today
        return rotation.date_in_name(self.path.name) or self._modified().date()

    def _modified(self) -> datetime:
        return datetime.fromtimestamp(os.fstat(self._file.fileno()).st_mtime, UTC)

    def _sniff(self) -> bytes:
        """Read its beginning, after the NULs that a crash may have left; UnreadableError where that is no log."""
        head = b""
        for head in self.pieces(stop=BLOCK, size=HEAD):
            if head.strip(b"\0"):
                break
        if self.fault is not None and not head:
            raise self.fault
        if head.startswith(b"LPKSHHRH"):
            todo = f"journalctl --file {self.name} -o export | advisor report -"
            raise UnreadableError(self.name, "is a journal in binary", todo)
        if head[257:262] == b"ustar":
            raise UnreadableError(self.name, "is a tar archive", f"tar -xOf {self.name} | advisor report -")
        if not _looks_like_text(head) and not _has_header(head):
            raise UnreadableError(self.name, "is not a log: binary data", "name the log itself")
        return head

    def _unreadable(self, error: Exception) -> UnreadableError:
        if isinstance(error, compression.TruncatedError):
            return UnreadableError(self.name, "became shorter while it was being read", "read it again")
        if isinstance(error, OSError) and error.strerror:
            return UnreadableError(self.name, f"cannot be read: {error.strerror}", "check its name and who may read it")
        cause = "cut off" if isinstance(error, EOFError) else f"damaged ({error})"
        return UnreadableError(
            self.name, f"cannot be read to its end: {cause}", "get it whole; what could be read was used"
        )


def _looks_like_text(head: bytes) -> bool:
    """Tell whether nearly all bytes are those of a text: ASCII, UTF-8, or some letters of another encoding."""
    odd = head.translate(None, _TEXT)
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        pass
    else:
        odd = odd.translate(None, bytes(range(0x80, 0x100)))
    return b"\0" not in odd and len(odd) <= len(head) * 0.3


def _has_header(head: bytes) -> bool:
    clock = Clock(2000, UTC)
    return any(read(text, clock) for text in filter(None, map(decode, head.split(b"\n"))))
