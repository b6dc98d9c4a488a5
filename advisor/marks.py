"""The marks of a block of lines: where its lines, spaces and brackets are. Everything here is positions in the block.

The compiled scanner (scanner.c) looks for them where it is asked to. Where it could not be built numpy finds all of
them in one pass over the bytes, and a line's words and brackets are then counted instead of searched for: the third
space of each of 50,000 lines is one look into a table.
"""

from functools import cached_property, lru_cache
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from advisor.column import Mask, numbers, of_numbers, of_texts
from advisor.line import LONG


def _load() -> ModuleType | None:
    try:
        return import_module("advisor.scanner")
    except ImportError:  # no compiler when it was installed
        return None


scanner = _load()
"""The compiled scanner; None where it could not be built."""

Positions = npt.NDArray[np.int64]

WORD = 8
"""Bytes that are compared at a time."""

ROOM = 256
"""Bytes behind a block that may be looked at, for what is compared with a line's last bytes."""

_NEWLINE, _SPACE, _DELETE = ord("\n"), ord(" "), 0x7F
_PIECE = 1 << 18
_FEW = 8
BRACKETS = frozenset(b'<>[]"')
# 1 for a mark, 0 for any other byte. What is neither ASCII nor printable counts as a bracket: no template expects it,
# so that such a line is left to the patterns.
_MARKS = bytes(byte in BRACKETS or not _SPACE < byte < _DELETE for byte in range(256))
_HIGH = np.uint64(0x8080808080808080)
_ZEROS = np.uint64(int.from_bytes(b"0" * WORD, "little"))
_MORE_THAN_9 = np.uint64(0x7676767676767676)
_DOTS = np.uint64(int.from_bytes(b"." * WORD, "little"))
# By the number of bytes used of a word, and eight more: the bytes that are not.
_FREE = np.array(
    [((1 << 64) - 1) & ~((1 << (8 * min(max(used - WORD, 0), WORD))) - 1) for used in range(4 * WORD)], np.uint64
)


def _last_dots() -> npt.NDArray[np.int8]:
    """By the places of the dots in an IPv4 address, as bits: where the last one is; far away if they are no such."""
    found = np.full(1 << (2 * WORD), 100, np.int8)
    for first in (1, 2, 3):
        for second in (2, 3, 4):
            for third in (2, 3, 4):
                places = (first, first + second, first + second + third)
                found[sum(1 << place for place in places)] = places[-1]
    return found


_LAST_DOT = _last_dots()


class Marks:
    """Of n lines: `start` and `end` (without the newline), and which of the `spaces` and `brackets` stand in each.

    `spaces` and `brackets` are sorted positions; those of line i are `spaces[first_space[i]:first_space[i + 1]]` and
    `brackets[first_bracket[i]:first_bracket[i + 1]]`.
    """

    def __init__(self, data: bytes) -> None:
        """Find them in whole lines, of which the last may lack its newline."""
        length = self.length = len(data) + (not data.endswith(b"\n"))
        self.printable = True
        self.scanner = scanner
        room = b"\n"[: length - len(data)] + bytes(ROOM if scanner is None else 0)
        self.data = data + room if room else data
        self.bytes = np.frombuffer(self.data, np.uint8)
        self.start: Positions
        self.end: Positions
        if scanner is None:
            self._find_all()
            self.plain = self._plain()
        else:
            self._scan_lines(scanner)
        # Where the program's own words begin: the header's business (advisor.heading).
        self.text: Positions = self.start.copy()

    def _scan_lines(self, scanner: ModuleType) -> None:
        """Find the lines; to count them first takes as long again, and there are seldom more than this."""
        room = self.length // 32 + 64
        while True:
            start, end, plain = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room, np.bool_)
            count = scanner.lines(self.data, self.length, start, end, plain, LONG)
            if count < room:
                break
            room = self.data.count(b"\n") + 1
        self.count, self.start, self.end, self.plain = count, start[:count], end[:count], plain[:count]

    @cached_property
    def words(self) -> npt.NDArray[Any]:
        """One word for each byte: the eight bytes from there on."""
        return np.ndarray(len(self.data) - WORD + 1, dtype="<u8", buffer=self.data, strides=(1,))

    def _find_all(self) -> None:
        """Find all marks with numpy."""
        length = self.length
        pieces = [self._find(begin) for begin in range(0, length, _PIECE)]
        self.end = np.concatenate([piece[2] for piece in pieces])
        self.count = len(self.end)
        self.start = np.empty_like(self.end)
        self.start[0] = 0
        self.start[1:] = self.end[:-1] + 1
        # One more beyond the end, so that the next mark of any place is one.
        self.spaces: Positions = np.concatenate([*(piece[0] for piece in pieces), [length]])
        self.brackets: Positions = np.concatenate([*(piece[1] for piece in pieces), [length]])
        self.first_space: Positions = np.zeros(self.count + 1, np.int64)
        self.first_bracket: Positions = np.zeros(self.count + 1, np.int64)
        row = spaces = brackets = 0
        for space, bracket, newline, before in pieces:
            # Of the marks before a newline those that are neither newlines nor spaces are brackets.
            rows = slice(row + 1, row + 1 + len(newline))
            within = space.searchsorted(newline)
            np.add(within, spaces, out=self.first_space[rows])
            np.add(before - within, brackets, out=self.first_bracket[rows])
            row, spaces, brackets = row + len(newline), spaces + len(space), brackets + len(bracket)
        # The first marks of the program's own words: the header's business (advisor.heading).
        self.text_space: Positions = self.first_space[:-1].copy()
        self.text_bracket: Positions = self.first_bracket[:-1].copy()

    def _find(self, begin: int) -> tuple[Positions, Positions, Positions, Positions]:
        """The spaces, brackets and newlines of a piece, and how many spaces and brackets come before each newline.

        A piece is small enough to stay in the processor's cache.
        """
        piece = self.data[begin : min(begin + _PIECE, self.length)]
        at = np.flatnonzero(np.frombuffer(piece.translate(_MARKS), np.bool_))
        found = np.frombuffer(piece, np.uint8).take(at)
        at += begin
        space = found == _SPACE
        newlines = np.flatnonzero(found == _NEWLINE)
        if len(found) and (found.max() >= _DELETE or np.count_nonzero(found < _SPACE) > len(newlines)):
            self.printable = False
        space_or_newline = space.copy()
        space_or_newline[newlines] = True
        before = newlines - np.arange(len(newlines))
        return at.compress(space), at.compress(~space_or_newline), at.take(newlines), before

    def _plain(self) -> Mask:
        """Tell which lines are short and of printable ASCII, which decode() leaves as they are."""
        plain: Mask = self.end - self.start <= LONG
        if not self.printable:
            # Every byte that is none is a mark.
            at = self.brackets[:-1]
            found = self.bytes.take(at)
            plain[np.searchsorted(self.end, at.compress((found >= _DELETE) | (found < _SPACE)))] = False
        return plain

    def line(self, number: int) -> bytes:
        """The bytes of a line, without its newline."""
        return self.data[self.start[number] : self.end[number]]

    def nth_space(self, order: Positions) -> Positions:
        """Where these spaces are; beyond the last one, the end."""
        return self.spaces.take(order, mode="clip")

    def nth_bracket(self, order: Positions) -> Positions:
        """Where these brackets are; beyond the last one, the end."""
        return self.brackets.take(order, mode="clip")

    def next_space(self, at: Positions, limit: Positions) -> Positions:
        """Where from these positions on the next space is; at the limit or beyond it where there is none before."""
        return self._next(self.spaces, at) if self.scanner is None else self._scan(at, limit, bracket=False)

    def next_bracket(self, at: Positions, limit: Positions) -> Positions:
        """Where from these positions on the next bracket is; at the limit or beyond it where there is none before."""
        return self._next(self.brackets, at) if self.scanner is None else self._scan(at, limit, bracket=True)

    def _next(self, marks: Positions, at: Positions) -> Positions:
        return marks.take(marks.searchsorted(at), mode="clip")

    def _scan(self, at: Positions, limit: Positions, *, bracket: bool) -> Positions:
        assert self.scanner is not None
        found = np.empty(len(at), np.int64)
        self.scanner.next_mark(self.data, at, limit, found, bracket)
        return found

    def says(self, at: Positions, literal: bytes) -> Mask:
        """Tell where the bytes from a position on are these."""
        if self.scanner is not None:
            there = np.empty(len(at), np.bool_)
            self.scanner.says(self.data, at, literal, there)
            return there
        length = len(literal)
        found: Mask
        if length == 1:
            found = self.bytes[at] == literal[0]
            return found
        if length < WORD:
            word = np.uint64(int.from_bytes(literal, "little"))
            found = (self.words[at] & np.uint64((1 << (8 * length)) - 1)) == word
            return found
        found = self.words[at] == np.uint64(int.from_bytes(literal[:WORD], "little"))
        # The last word overlaps the one before: no byte beyond the literal is looked at.
        for begin in [*range(WORD, length - WORD, WORD), length - WORD][: (length - 1) // WORD]:
            found &= self.words[at + begin] == np.uint64(int.from_bytes(literal[begin : begin + WORD], "little"))
        return found

    def numbers(self, begin: Positions, end: Positions) -> tuple[Positions, Mask]:
        """The numbers of up to eight digits that stand in ranges, and in which there is one."""
        if self.scanner is not None:
            values, there = np.empty(len(begin), np.int64), np.empty(len(begin), np.bool_)
            self.scanner.numbers(self.data, begin, end, values, there)
            return values, there
        length = end - begin
        good = (length >= 1) & (length <= WORD)
        free = (8 * (WORD - np.where(good, length, WORD))).astype(np.uint64)
        digits = self.words[np.maximum(end - WORD, 0)] ^ _ZEROS
        digits = (digits >> free) << free
        # More than 9, or no digit at all: a byte's highest bit is set, or will be.
        good &= ((digits | (digits + _MORE_THAN_9)) & _HIGH) == 0
        # Pairs of digits, then pairs of these, then all eight.
        digits = (digits * np.uint64(10) + (digits >> np.uint64(8))) & np.uint64(0x00FF00FF00FF00FF)
        digits = (digits * np.uint64(100) + (digits >> np.uint64(16))) & np.uint64(0x0000FFFF0000FFFF)
        digits = (digits * np.uint64(10_000) + (digits >> np.uint64(32))) & np.uint64(0xFFFFFFFF)
        return digits.astype(np.int64), good

    def ipv4(self, begin: Positions, end: Positions) -> Mask:
        """Tell which ranges hold four numbers of up to three digits, and dots between them."""
        if self.scanner is not None:
            there = np.empty(len(begin), np.bool_)
            self.scanner.ipv4(self.data, begin, end, there)
            return there
        length = end - begin
        fit = (length >= 7) & (length <= 2 * WORD - 1)
        used = np.where(fit, length, 0)
        dots = np.zeros(len(begin), np.uint64)
        for half in (0, 1):
            words = self.words[begin + half * WORD]
            free = _FREE[used - half * WORD + WORD]
            words = (words & ~free) | (_ZEROS & free)
            other = words ^ _DOTS
            dot = ~(((other & ~_HIGH) + ~_HIGH) | other | ~_HIGH)
            other = words ^ _ZEROS
            fit &= ((other | (other + _MORE_THAN_9)) & _HIGH) == dot
            # The highest bits of eight bytes become eight bits in a row.
            dots |= (((dot >> np.uint64(7)) * np.uint64(0x0102040810204080)) >> np.uint64(56)) << np.uint64(half * WORD)
        last = _LAST_DOT[dots.astype(np.int64)]
        return fit & (length - last >= 2) & (length - last <= 4)

    def encoded(self, begin: Positions, end: Positions) -> tuple[Positions, list[str]]:
        """Which of the different texts of ranges each range is, and these texts; `begin` and `end` as in strings()."""
        if self.scanner is not None:
            codes = np.empty(len(begin), np.int32)
            texts: list[str] = self.scanner.encode(self.data, begin, end, codes)
            return codes.astype(np.int64), texts
        known = self._few(begin, end) if len(begin) else None
        if known is None:
            table = self.strings(begin, end).dictionary_encode()
            known = numbers(table.indices).astype(np.int64), table.dictionary.to_pylist()
        return known

    def _few(self, begin: Positions, end: Positions) -> tuple[Positions, list[str]] | None:
        """The same for texts of up to 16 bytes; None if there are more than a few.

        Several times as fast as a dictionary where there are but a few.
        """
        length = end - begin
        if length.max() > 2 * WORD:
            return None
        first = self.words[begin] & ~_FREE[length + WORD]
        second = self.words[begin + WORD] & ~_FREE[length]
        codes = np.full(len(begin), -1, np.int64)
        texts: list[str] = []
        at = 0
        while True:
            same = (first == first[at]) & (second == second[at])
            codes[same] = len(texts)
            texts.append(self.data[begin[at] : end[at]].decode())
            left = codes < 0
            at = int(left.argmax())
            if not left[at]:
                return codes, texts
            if len(texts) == _FEW:
                return None

    def strings(self, begin: Positions, end: Positions) -> pa.StringArray:
        """The texts of ranges that do not overlap and come in order; their bytes must be ASCII."""
        return gather(self.data, begin, end)


def gather(data: bytes, begin: Positions, end: Positions) -> pa.StringArray:
    """The texts of ranges of some UTF-8 bytes; the ranges do not overlap and come in order.

    Arrow keeps an array of strings as bytes and the offsets between them, so that what lies between two ranges is one
    more string: every other one is taken, and nothing but that copies a byte.
    """
    count = len(begin)
    if not count:
        return of_texts([])
    if scanner is not None:
        ends = np.empty(count + 1, np.int32)
        texts = scanner.gather(data, begin, end, ends)
        return pa.StringArray.from_buffers(count, pa.py_buffer(ends), pa.py_buffer(texts))
    offsets = np.empty(2 * count, np.int32)
    offsets[0::2] = begin
    offsets[1::2] = end
    array = pa.StringArray.from_buffers(2 * count - 1, pa.py_buffer(offsets), pa.py_buffer(data))
    return pc.take(array, _every_other(count), boundscheck=False)


@lru_cache(maxsize=1)
def _all_others(count: int) -> pa.Array:
    return of_numbers(np.arange(0, 2 * count, 2), pa.int64())


def _every_other(count: int) -> pa.Array:
    """0, 2, 4, ...: as many of them."""
    return _all_others(max(1 << 17, 1 << count.bit_length())).slice(0, count)
