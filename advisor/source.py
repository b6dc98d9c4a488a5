"""Where lines come from: files, folders and standard input, plain or compressed, in whole lines with their offsets.

Offsets count the bytes of the uncompressed content, so a log keeps them when it is compressed.
"""

import codecs
import hashlib
import os
import re
import shutil
import stat
import sys
import tempfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple, Self

from advisor import compression, rotation
from advisor.errors import AdvisorError
from advisor.line import Clock, decode, read

BLOCK = 8 << 20
"""Bytes of a block of lines: the smallest at which parsing does not get slower (measured 8 to 32 MiB)."""

HEAD = 1 << 16
"""Bytes at a file's beginning by which a log is told from an image."""

_NOT_LOGS = (".md", ".py", ".cf", ".json", ".parquet", ".html", ".ipynb", ".txt", ".events")
_SPOOLED = re.compile(r"/proc/\d+/fd/\d+")
_TEXT = bytes({*range(0x20, 0x7F), *b"\t\n\r\f\b\x1b"})


class UnreadableError(AdvisorError):
    """A file that is not a log we can read, or not to its end; the others of a run go on."""


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
        self.name = "-" if _SPOOLED.fullmatch(str(path)) else str(path)
        self.fault: UnreadableError | None = None
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
        rest: list[bytes] = []
        for piece in self.pieces(start, stop, size):
            cut = piece.rfind(b"\n") + 1
            if cut:
                block = Block(start, b"".join([*rest, piece[:cut]]))
                rest = []
                start = block.end
                yield block
            if cut < len(piece):
                rest.append(piece[cut:])
        if rest and self.fault is None:
            yield Block(start, b"".join(rest), terminated=False)

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
        found = rotation.first_year((block.data for block in self.blocks()), self._anchor(today), year)
        if found is None:
            raise AdvisorError(self.name, f"its last line cannot be of {year}", "give --year the year of its last line")
        return found

    def first_time(self) -> float:
        """Tell about when it begins, to put logs in order: in microseconds since 1970, by the file if no line says."""
        modified = self._modified()
        year = rotation.first_year([self._head], rotation.date_in_name(self.path.name) or modified.date())
        clock = Clock(year or modified.year, UTC)
        for text in filter(None, map(decode, self._head.split(b"\n"))):
            if stamp := clock.stamp(text):
                return stamp[0]
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
        if self._file.read(4) == compression.ZSTD:
            raise UnreadableError(self.name, "zstd is not read yet", f"zstdcat {self.name} | advisor report -")
        head = b""
        for head in self.pieces(stop=BLOCK, size=HEAD):
            if head.strip(b"\0"):
                break
        if self.fault is not None and not head:
            raise self.fault
        if head[257:262] == b"ustar":
            raise UnreadableError(self.name, "is a tar archive", f"tar -xOf {self.name} | advisor report -")
        if not _looks_like_text(head) and not _has_header(head):
            raise UnreadableError(self.name, "is not a log: binary data", "name the log itself")
        return head

    def _unreadable(self, error: Exception) -> UnreadableError:
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


def expand(paths: Sequence[str | Path]) -> list[Path]:
    """Find the files that paths, globs, folders and `-` (standard input) stand for, those that begin earlier first."""
    found = dict.fromkeys(file for path in paths for file in _files(str(path)))
    return sorted(found, key=_age) if len(found) > 1 else list(found)


def _age(path: Path) -> tuple[float, str]:
    try:
        with Log(path) as log:
            return log.first_time(), str(path)
    except UnreadableError:
        return 0, str(path)


def _files(path: str) -> list[Path]:
    """Find the files that one path, glob or folder stands for, at least one."""
    if not path:
        raise AdvisorError("''", "is no file name", "name a log, a folder of logs, or - for standard input")
    if path == "-":
        return [_spool(sys.stdin.buffer)]
    try:
        mode = Path(path).stat().st_mode
    except (OSError, ValueError) as error:
        if found := _glob(path):
            return found
        what = "matches no file" if set(path) & set("*?[") else f"cannot be read: {getattr(error, 'strerror', error)}"
        raise AdvisorError(path, what, "name a log, a folder of logs, or - for standard input") from None
    if stat.S_ISDIR(mode):
        return _folder(Path(path))
    if stat.S_ISREG(mode):
        return [Path(path)]
    try:
        with Path(path).open("rb") as pipe:
            return [_spool(pipe)]
    except OSError as error:
        raise AdvisorError(path, f"cannot be read: {error.strerror}", "name a log, or a folder of logs") from None


def _glob(pattern: str) -> list[Path]:
    """Find the files that a shell would have found."""
    path = Path(pattern)
    try:
        found = [file for file in Path(path.anchor).glob(str(path.relative_to(path.anchor))) if file.is_file()]
    except (OSError, ValueError, NotImplementedError):
        return []
    return sorted(file for file in found if path.name.startswith(".") or not file.name.startswith("."))


def _folder(folder: Path) -> list[Path]:
    """Find the logs in a folder: by their names, or else everything that is not known to be something else."""
    try:
        files = sorted(file for file in folder.iterdir() if not file.name.startswith(".") and file.is_file())
    except OSError as error:
        raise AdvisorError(str(folder), f"cannot be read: {error.strerror}", "check who may read it") from None
    files = [file for file in files if file.suffix not in _NOT_LOGS]
    named = [file for file in files if "mail" in file.name or "postfix" in file.name]
    if not files:
        raise AdvisorError(str(folder), "holds no log", "name the log itself, or the folder it is in")
    return named or files


def _spool(stream: BinaryIO) -> Path:
    """Keep what can be read only once in a file without a name, for as long as this process lives."""
    try:
        with tempfile.TemporaryFile() as file:
            shutil.copyfileobj(stream, file)
            file.flush()
            kept = os.dup(file.fileno())
    except OSError as error:
        what = f"cannot be kept in {tempfile.gettempdir()}: {error.strerror}"
        raise AdvisorError("-", what, "set TMPDIR to a folder with space") from None
    return Path(f"/proc/{os.getpid()}/fd/{kept}")


class Distinct(NamedTuple):
    """The logs that hold something of their own, a note for each that was left out, and the faults of those."""

    kept: list[Path]
    notes: list[str]
    faults: list[AdvisorError]


def distinct(files: Sequence[Path]) -> Distinct:
    """Drop the files whose content another has or begins with (copies, older copies), with a note of each."""
    kept: list[Path] = []
    notes: list[str] = []
    faults: list[AdvisorError] = []
    first_lines: dict[Path, bytes] = {}
    for path in files:
        line = first_lines[path] = _first_line(path)
        for rival in [other for other in kept if line and first_lines[other] == line]:
            if (found := _redundant(path, rival)) is not None:
                shorter, note, fault = found
                if fault is None:
                    notes.append(note)
                else:
                    faults.append(fault)
                if shorter == rival:
                    kept[kept.index(rival)] = path
                break
        else:
            kept.append(path)
    return Distinct(kept, notes, faults)


def _first_line(path: Path) -> bytes:
    """Read the first line; empty for a log that has none or cannot be read, which is like no other."""
    try:
        with Log(path) as log:
            return (log.first_line() or (b"", False))[0]
    except UnreadableError:
        return b""


def _redundant(one: Path, other: Path) -> tuple[Path, str, AdvisorError | None] | None:
    """Name the one with which the other begins (`one`, if they are the same) and say so; None where they differ."""
    with Log(one) as first, Log(other) as second:
        left, right = first.pieces(), second.pieces()
        a = b = b""
        while (a := a or next(left, b"")) and (b := b or next(right, b"")):
            size = min(len(a), len(b))
            if a[:size] != b[:size]:
                return None
            a, b = a[size:], b[size:]
        shorter, longer = (second, first) if a else (first, second)
        return shorter.path, f"{shorter.name}: left out, {longer.name} holds the same lines", shorter.fault
