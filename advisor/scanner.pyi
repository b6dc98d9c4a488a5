"""What is frequent in a block of lines, found in one pass over its bytes (scanner.c). Positions are 64-bit integers."""

import numpy as np
import numpy.typing as npt

_Positions = npt.NDArray[np.int64]
_Mask = npt.NDArray[np.bool_]
_Numbers = npt.NDArray[np.int32]

GAPS: int
"""How many fields a template may have."""

def lines(data: bytes, length: int, start: _Positions, end: _Positions, plain: _Mask, long: int, /) -> int: ...
def runs(data: bytes, prefix: int, /) -> list[int]: ...
def headings(
    data: bytes,
    start: _Positions,
    end: _Positions,
    layout: tuple[int, int, int, int],
    more: tuple[bytes, bytes],
    found: tuple[_Mask, _Positions, _Mask, _Positions, _Positions, _Positions],
    /,
) -> tuple[list[str], list[int], list[int]]: ...
def match(
    data: bytes,
    text: _Positions,
    end: _Positions,
    rows: _Positions,
    templates: tuple[_Numbers, _Numbers, bytes],
    found: _Numbers,
    spans: _Numbers,
    /,
) -> int: ...
def spread(
    found: _Numbers,
    spans: _Numbers,
    rows: _Positions,
    text: _Positions,
    counts: _Positions,
    out_rows: _Positions,
    out_spans: _Positions,
    /,
) -> None: ...
def encode(data: bytes, begin: _Positions, end: _Positions, codes: _Numbers, /) -> list[str]: ...
def gather(data: bytes, begin: _Positions, end: _Positions, offsets: _Numbers, /) -> bytes: ...
def next_mark(data: bytes, at: _Positions, limit: _Positions, found: _Positions, bracket: bool, /) -> None: ...
def says(data: bytes, at: _Positions, literal: bytes, found: _Mask, /) -> None: ...
def numbers(data: bytes, begin: _Positions, end: _Positions, values: _Positions, fit: _Mask, /) -> None: ...
def ipv4(data: bytes, begin: _Positions, end: _Positions, fit: _Mask, /) -> None: ...
