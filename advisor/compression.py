"""A compressed file, known by its first bytes and not by its name."""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Iterator
from typing import BinaryIO

FAULTS = (OSError, EOFError, zlib.error, lzma.LZMAError)
"""What reading raises where a file is damaged or cut off."""

ZSTD = b"\x28\xb5\x2f\xfd"
"""How a file begins that Python before 3.14 cannot uncompress."""

_CHUNK = 1 << 18


def pieces(file: BinaryIO, start: int, size: int) -> Iterator[bytes]:
    """Read the uncompressed content from `start` on, in pieces of about `size` bytes.

    One of FAULTS is raised where no more can be read, after all that could.
    """
    stream = _unpacked(file)
    if stream is None:
        file.seek(start)
        while piece := file.read(size):
            yield piece
        return
    held: list[bytes] = []
    amount, skip, fault = 0, start, None
    while True:
        try:
            # Not read(): it would drop what it has already when it meets the fault.
            chunk = stream.read1(min(size, _CHUNK))
        except FAULTS as error:
            chunk, fault = b"", error
        held.append(chunk[skip:])
        amount += len(held[-1])
        skip = max(0, skip - len(chunk))
        if amount and (amount >= size or not chunk):
            yield b"".join(held)
            held, amount = [], 0
        if not chunk:
            break
    if fault is not None:
        raise fault


def _unpacked(file: BinaryIO) -> gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile | None:
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
    return None
