"""A column: Arrow arrays of Python's and numpy's values.

pyarrow.array() does this, too, but imports pandas to see whether it was given one of its own; that takes longer than
reading 100,000 lines.
"""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Mask = npt.NDArray[np.bool_]

_KEPT = 1 << 16
_WIDTHS: dict[pa.DataType, np.dtype[Any]] = {
    pa.int32(): np.dtype(np.int32),
    pa.int64(): np.dtype(np.int64),
    pa.float64(): np.dtype(np.float64),
    pa.timestamp("us", "UTC"): np.dtype(np.int64),
}


def of_numbers(values: npt.NDArray[Any], kind: pa.DataType, known: Mask | None = None) -> pa.Array:
    """Numbers, of the width of their Arrow type; null where they are not known."""
    values = np.ascontiguousarray(values)
    validity, missing = (None, 0) if known is None else _validity(known)
    return pa.Array.from_buffers(kind, len(values), [validity, pa.py_buffer(values)], missing)


def _validity(known: Mask) -> tuple[pa.Buffer | None, int]:
    """What Arrow keeps beside the values of an array, and how many of them are null."""
    missing = len(known) - int(np.count_nonzero(known))
    return bits(known) if missing else None, missing


def bits(mask: Mask) -> pa.Buffer:
    """A mask as Arrow keeps it, eight to a byte."""
    return pa.py_buffer(np.packbits(mask, bitorder="little"))


def _known(values: Sequence[Any]) -> Mask:
    return np.array([value is not None for value in values], np.bool_)


def of_texts(values: Sequence[str | None]) -> pa.StringArray:
    """Texts; null for None."""
    try:
        joined = "".join(cast("Sequence[str]", values))
    except TypeError:  # a None among them
        joined = "\x80"
    if joined.isascii():
        offsets = np.zeros(len(values) + 1, np.int32)
        np.cumsum(np.fromiter(map(len, cast("Sequence[str]", values)), np.int32, len(values)), out=offsets[1:])
        return pa.StringArray.from_buffers(len(values), pa.py_buffer(offsets), pa.py_buffer(joined.encode()))
    encoded = [b"" if value is None else value.encode() for value in values]
    offsets = np.zeros(len(encoded) + 1, np.int32)
    np.cumsum([len(text) for text in encoded], out=offsets[1:])
    buffers = pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded))
    return pa.StringArray.from_buffers(len(encoded), *buffers, *_validity(_known(values)))


def of_values(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Python values of a column of events; null for None."""
    if pa.types.is_string(kind):
        return of_texts(values)
    known = _known(values)
    plain = [0 if value is None else value for value in values]
    if pa.types.is_boolean(kind):
        validity, missing = _validity(known)
        return pa.Array.from_buffers(kind, len(plain), [validity, bits(np.array(plain, np.bool_))], missing)
    return of_numbers(np.array(plain, _WIDTHS[kind]), kind, known)


class Words:
    """Different words, or None for a null, of which a column holds but the numbers."""

    def __init__(self, words: Sequence[str | None]) -> None:
        """Take the words in the order of their numbers."""
        self._known = _known(words)
        self._whole = bool(self._known.all())
        # No null among the words: Arrow could not make one list of the words of two tables.
        self._texts = of_texts(["" if word is None else word for word in words])

    def at(self, codes: npt.NDArray[Any]) -> pa.DictionaryArray:
        """The words with these numbers."""
        indices = of_numbers(codes.astype(np.int32), pa.int32(), None if self._whole else self._known[codes])
        return pa.DictionaryArray.from_arrays(indices, self._texts, safe=False)


def of_word(word: str, count: int) -> pa.DictionaryArray:
    """The same word for each row, which is not kept."""
    return pa.DictionaryArray.from_arrays(same(0, pa.int32(), count), of_texts([word]), safe=False)


Value = str | bool | int | None
"""What one cell of a table of events may hold."""

_SAME: dict[tuple[Value, int], pa.Array] = {}


def same(value: Value, kind: pa.DataType, count: int) -> pa.Array:
    """The same value for each row, cut off an array that is kept."""
    # Types are asked for by their identity: to hash one takes as long as to cut the array.
    found = _SAME.get((value, id(kind)))
    if found is None or len(found) < count:
        found = _SAME[value, id(kind)] = _repeat(value, kind, max(_KEPT, 1 << count.bit_length()))
    return found.slice(0, count)


def _repeat(value: Value, kind: pa.DataType, count: int) -> pa.Array:
    if value is None:
        return pa.nulls(count, kind)
    if pa.types.is_dictionary(kind):
        return Words([str(value)]).at(np.zeros(count, np.int32))
    return of_values([value] * count, kind)


def numbers(array: pa.Array) -> npt.NDArray[Any]:
    """The values of an array of numbers without nulls."""
    kind = _WIDTHS[array.type]
    found: npt.NDArray[Any] = np.frombuffer(array.buffers()[1], kind, len(array), array.offset * kind.itemsize)
    return found


def mask(array: pa.BooleanArray) -> Mask:
    """The values of an array of truths without nulls."""
    if not len(array):
        return np.zeros(0, np.bool_)
    bytes_ = np.frombuffer(array.buffers()[1], np.uint8)
    return np.unpackbits(bytes_, bitorder="little")[array.offset : array.offset + len(array)].view(np.bool_)
