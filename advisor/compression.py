"""A file's content in plain: uncompressed, a journal's entries as lines; known by its first bytes, not by its name."""

import bz2
import gzip
import lzma
import os
import re
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import BinaryIO, Protocol

import pyarrow as pa

from advisor import journal

FAULTS = (OSError, EOFError, zlib.error, lzma.LZMAError)
"""What reading raises where a file is damaged or cut off."""

_CHUNK = 1 << 18
# A frame, or one to be skipped, with which pzstd begins.
_ZSTD = re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18")


class TruncatedError(OSError):
    """A file that became shorter than what was read of it: another log begins there, or soon will."""


class _Stream(Protocol):
    """What is left to be read of an uncompressed content; a fault is raised after all that could be read."""

    def read1(self, size: int, /) -> bytes:
        """Read at most `size` bytes; nothing at the end."""


class _Zstd:
    """The content of zstd frames; Python itself has that from 3.14 on only.

    Arrow's reader drops what it has already when it meets a fault: then we go back, and on byte by byte.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._at = 0
        self._careful = False
        self._stream = self._open()

    def _open(self) -> pa.NativeFile:
        self._file.seek(0)
        # Arrow closes what it has been given.
        return pa.CompressedInputStream(pa.PythonFile(os.fdopen(os.dup(self._file.fileno()), "rb"), "r"), "zstd")

    def read1(self, size: int, /) -> bytes:
        try:
            piece: bytes = self._stream.read(1 if self._careful else size)
        except OSError as error:
            if self._careful:
                raise (EOFError if "Truncated" in str(error) else OSError)(*error.args) from None
            self._careful, left = True, self._at
            self._stream = self._open()
            while left:
                left -= len(self._stream.read(min(left, _CHUNK)))
            return self.read1(size)
        self._at += len(piece)
        return piece


def pieces(file: BinaryIO, start: int, size: int) -> Iterator[bytes]:
    """Read the plain content from `start` on, in pieces of about `size` bytes.

    One of FAULTS is raised where no more can be read, after all that could.
    """
    stream = _unpacked(file)
    if stream is not None:
        chunks = _chunks(stream, min(size, _CHUNK))
    elif _is_journal(file):
        chunks = _plain(file, 0, _CHUNK)
    else:
        yield from _plain(file, start, size)
        return
    first = next(chunks, b"")
    content = chain([first], chunks)
    yield from _regrouped(journal.lines(content) if first.startswith(journal.MAGIC) else content, start, size)


def is_plain(file: BinaryIO) -> bool:
    """Tell whether a file is what it says: neither packed nor a journal."""
    return _unpacked(file) is None and not _is_journal(file)


def _is_journal(file: BinaryIO) -> bool:
    return os.pread(file.fileno(), len(journal.MAGIC), 0) == journal.MAGIC


def _plain(file: BinaryIO, start: int, size: int) -> Iterator[bytes]:
    """Read a file that is what it says; wherever another reader of the same file is, and up to where it ends now."""
    at = start
    while piece := os.pread(file.fileno(), size, at):
        at += len(piece)
        yield piece
    if start < at and os.fstat(file.fileno()).st_size < at:
        raise TruncatedError


def _chunks(stream: _Stream, size: int) -> Iterator[bytes]:
    """Read a stream to its end; its first chunk is long enough to know a journal by."""
    chunk = b""
    try:
        # Not read(): it would drop what it has already when it meets the fault.
        while more := stream.read1(size):
            chunk += more
            if len(chunk) >= len(journal.MAGIC):
                yield chunk
                chunk = b""
    except FAULTS:
        if chunk:
            yield chunk
        raise
    if chunk:
        yield chunk


def _regrouped(chunks: Iterable[bytes], start: int, size: int) -> Iterator[bytes]:
    held: list[bytes] = []
    amount, skip = 0, start
    try:
        for chunk in chunks:
            held.append(chunk[skip:])
            amount += len(held[-1])
            skip = max(0, skip - len(chunk))
            if amount >= size:
                yield b"".join(held)
                held, amount = [], 0
    except FAULTS:
        if amount:
            yield b"".join(held)
        raise
    if amount:
        yield b"".join(held)


def _unpacked(file: BinaryIO) -> _Stream | None:
    """Open the file uncompressed, from its beginning; None where it is not compressed."""
    file.seek(0)
    magic = file.read(6)
    file.seek(0)
    if magic.startswith(b"\x1f\x8b\x08"):
        return gzip.GzipFile(fileobj=file)
    if magic.startswith(b"BZh"):
        return bz2.BZ2File(file)
    if magic.startswith(b"\xfd7zXZ\x00"):
        return lzma.LZMAFile(file)
    if _ZSTD.match(magic):
        return _Zstd(file)
    return None
