"""A sheet: the events of a block of lines while they are found, column by column, in the order of the log."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from advisor.event import CODED, ENCODED, SCHEMA
from advisor.family import Fields
from advisor.heading import Headings
from advisor.marks import Marks, Mask, Positions, gather
from advisor.programs import Tag
from advisor.template import Match, Template
from advisor.value import CHECKED, NUMBERS, check

_TEXTS = tuple(field.name for field in SCHEMA if pa.types.is_string(field.type) and field.name not in CODED)
_FLAG = "helo_sent"
_NOWHERE = -(1 << 40)


class Sheet:
    """Columns of n lines, empty at first; a line that has no kind yet is no event."""

    def __init__(self, marks: Marks) -> None:
        """Begin with nothing."""
        self._marks = marks
        self._codes: dict[str, npt.NDArray[np.int32]] = {}
        self._words: dict[str, dict[str, int]] = {}
        self._spans: dict[str, tuple[Positions, Positions]] = {}
        self._numbers: dict[str, tuple[npt.NDArray[Any], Mask]] = {}
        self._flags = np.full(marks.count, -1, np.int8)
        self._odd: dict[int, Fields] = {}

    def add(self, template: Template, match: Match) -> None:
        """Take over the lines of a template."""
        rows = match.rows
        for name, value in {"kind": template.kind, **template.constants}.items():
            if name in _TEXTS:
                # The empty sender: nothing, from anywhere in the line.
                assert value == ""
                match.spans[name] = self._marks.text[rows], self._marks.text[rows]
            else:
                self._set(name, rows, value)
        for name, (begin, end) in match.spans.items():
            if name in _TEXTS:
                begins, ends = self._span(name)
                begins[rows] = begin
                ends[rows] = end
        for name, (codes, words) in match.codes.items():
            if name in CODED:
                self._encode(name, rows, codes, words)
            elif name == _FLAG:
                self._flags[rows] = np.array([-1 if word is None else word for word in words], np.int8)[codes]
        for name, values in match.numbers.items():
            column, known = self._number(name)
            column[rows] = values
            known[rows] = True

    def drop_bad(self) -> Positions:
        """Forget the lines that hold what a column cannot hold, and tell which they are."""
        bad = np.zeros(self._marks.count, np.bool_)
        for name in CHECKED:
            if name in self._spans:
                begin, end = self._spans[name]
                rows = np.flatnonzero(begin >= 0)
                bad[rows[~check(self._marks, name, begin[rows], end[rows])]] = True
        rows = np.flatnonzero(bad)
        if len(rows):
            self._flags[rows] = -1
            for codes in self._codes.values():
                codes[rows] = -1
            for begin, _ in self._spans.values():
                begin[rows] = _NOWHERE
            for _, known in self._numbers.values():
                known[rows] = False
        return rows

    def add_line(self, row: int, fields: Fields) -> None:
        """Take over one line that the patterns have read."""
        self._odd[row] = self._odd.get(row, {}) | fields
        for name, value in fields.items():
            if name in NUMBERS:
                column, known = self._number(name)
                column[row] = value
                known[row] = True
            elif name not in _TEXTS:
                self._set(name, row, value)

    def _set(self, name: str, rows: Positions | int, value: str | bool | None) -> None:
        """Give some rows the same value of a column of few values."""
        if name == _FLAG:
            self._flags[rows] = -1 if value is None else value
        else:
            codes, words = self._coded(name)
            codes[rows] = -1 if value is None else words.setdefault(str(value), len(words))

    def add_tags(self, tags: Sequence[Tag], numbers: Positions) -> None:
        """Say who logged each line; -1 for a line of which that is not known."""
        rows = np.flatnonzero(numbers >= 0)
        for name in Tag._fields[:3]:
            self._encode(name, rows, numbers[rows], [getattr(tag, name) for tag in tags])

    def table(self, source: str, offset: int, headings: Headings) -> pa.Table:
        """The events as a table with the columns of ENCODED; `offset` is where the block starts in its source."""
        kinds = self._codes.get("kind")
        rows = np.flatnonzero(kinds >= 0) if kinds is not None else np.zeros(0, np.int64)
        count = len(rows)
        data, shift = self._splice()
        flags, pid = self._flags.take(rows), headings.pid.take(rows)
        columns: dict[str, pa.Array] = {
            "source": pa.DictionaryArray.from_arrays(np.zeros(count, np.int32), pa.array([source]), safe=False),
            "offset": pa.array(self._marks.start.take(rows) + offset),
            "time": _array(headings.time.take(rows), headings.timed.take(rows), SCHEMA.field("time").type),
            "pid": _array(pid, pid >= 0, pa.int64()),
            "repeated": pa.array(headings.repeated.take(rows)),
            _FLAG: pa.array(flags > 0, mask=flags < 0),
        }
        for name, codes in self._codes.items():
            chosen = codes.take(rows)
            words = pa.array(list(self._words[name]), pa.string())
            columns[name] = pa.DictionaryArray.from_arrays(
                _array(chosen, chosen >= 0, pa.int32()), words, safe=False
            )
        for name, (values, known) in self._numbers.items():
            columns[name] = _array(values.take(rows), known.take(rows), NUMBERS[name])
        for name, (begin, end) in self._spans.items():
            if shift is not None:
                begin, end = begin + shift, end + shift
            columns[name] = _texts(data, begin.take(rows), end.take(rows))
        arrays = [
            columns[field.name] if field.name in columns else pa.nulls(count, field.type) for field in ENCODED
        ]
        return pa.Table.from_arrays(arrays, schema=ENCODED)

    def _span(self, name: str) -> tuple[Positions, Positions]:
        if name not in self._spans:
            self._spans[name] = np.full(self._marks.count, _NOWHERE, np.int64), np.zeros(self._marks.count, np.int64)
        return self._spans[name]

    def _number(self, name: str) -> tuple[npt.NDArray[Any], Mask]:
        if name not in self._numbers:
            kind = NUMBERS[name].to_pandas_dtype()
            self._numbers[name] = np.zeros(self._marks.count, kind), np.zeros(self._marks.count, np.bool_)
        return self._numbers[name]

    def _encode(self, name: str, rows: Positions, codes: Positions, words: Sequence[str | None]) -> None:
        """Give some rows their values of a column of few values."""
        column, known = self._coded(name)
        numbers = [-1 if word is None else known.setdefault(word, len(known)) for word in words]
        column[rows] = np.array(numbers, np.int32)[codes]

    def _coded(self, name: str) -> tuple[npt.NDArray[np.int32], dict[str, int]]:
        if name not in self._codes:
            self._codes[name] = np.full(self._marks.count, -1, np.int32)
            self._words[name] = {}
        return self._codes[name], self._words[name]

    def _splice(self) -> tuple[bytes, Positions | None]:
        """The block with the texts of the lines that the patterns read in place of these lines, and how far all moved.

        So their texts are ranges of the block like all others, and come in order.
        """
        data = self._marks.data
        if not self._odd:
            return data, None
        pieces: list[bytes] = []
        at = 0
        jumps = np.zeros(self._marks.count + 1, np.int64)
        for row in sorted(self._odd):
            start, end = int(self._marks.start[row]), int(self._marks.end[row])
            pieces.append(data[at:start])
            here = start
            for name in _TEXTS:
                value = self._odd[row].get(name)
                if value is not None:
                    text = value.encode()
                    pieces.append(text)
                    begins, ends = self._span(name)
                    # As if nothing before this line had moved; the line itself moves with the others.
                    begins[row], ends[row] = here, here + len(text)
                    here += len(text)
            jumps[row + 1] = here - end
            at = end
        pieces.append(data[at:])
        return b"".join(pieces), np.cumsum(jumps)[:-1]


def _array(values: npt.NDArray[Any], known: Mask, kind: pa.DataType) -> pa.Array:
    """Numbers as an Arrow array; null where they are not known."""
    missing = len(known) - int(np.count_nonzero(known))
    return pa.Array.from_buffers(kind, len(values), [_bits(known) if missing else None, pa.py_buffer(values)], missing)


def _bits(known: Mask) -> pa.Buffer:
    return pa.py_buffer(np.packbits(known, bitorder="little"))


def _texts(data: bytes, begin: Positions, end: Positions) -> pa.StringArray:
    """The texts of ranges; null where one begins nowhere."""
    known = begin >= 0
    chosen = np.flatnonzero(known)
    compact = gather(data, begin.take(chosen), end.take(chosen))
    if len(chosen) == len(known):
        return compact
    offsets = np.frombuffer(compact.buffers()[1], np.int32, len(chosen) + 1) if len(chosen) else np.zeros(1, np.int32)
    seen = np.zeros(len(known) + 1, np.int64)
    np.cumsum(known, out=seen[1:])
    return pa.StringArray.from_buffers(
        len(known), pa.py_buffer(offsets.take(seen)), compact.buffers()[2], _bits(known), len(known) - len(chosen)
    )
