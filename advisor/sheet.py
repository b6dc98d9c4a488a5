"""A sheet: the events of a block of lines, template by template, as tables that hold only what such lines say.

Lines of one template have the same columns, so each is an array without a gap, made in one go. The tables of a block
stay apart: a column that is null for thousands of rows in a row costs Parquet next to nothing.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from advisor.event import CODED, ENCODED
from advisor.heading import Headings
from advisor.marks import Marks, Mask, Positions
from advisor.programs import Row, Tag, table_of
from advisor.template import Match, Template
from advisor.value import is_address

_TYPES = {field.name: field.type for field in ENCODED}
_TIME = _TYPES["time"]
_MOST = 1 << 16


class Sheet:
    """The lines that templates have found in a block, and then the block's events."""

    def __init__(self, marks: Marks, headings: Headings, tags: Sequence[Tag]) -> None:
        """Begin with nothing."""
        self._marks = marks
        self._headings = headings
        self._tags = {name: [getattr(tag, name) for tag in tags] for name in Tag._fields[:3]}
        self._found: list[tuple[Template, Match]] = []

    def add(self, template: Template, match: Match) -> None:
        """Take over the lines of a template."""
        self._found.append((template, match))

    def drop_bad(self) -> Positions:
        """Forget the lines whose client is no address, which is looked at once for all of them; tell which they are."""
        spans = [match.spans["client_address"] for _, match in self._found if "client_address" in match.spans]
        if not spans:
            return np.zeros(0, np.int64)
        begin, end = (np.concatenate(each) for each in zip(*spans, strict=True))
        fit = self._marks.ipv4(begin, end)
        for at in np.flatnonzero(~fit).tolist():
            fit[at] = is_address(self._marks.data[begin[at] : end[at]].decode("ascii", "replace"))
        bad: list[Positions] = []
        if not fit.all():
            at = 0
            for _, match in self._found:
                if "client_address" in match.spans:
                    fits = fit[at : at + len(match.rows)]
                    at += len(match.rows)
                    bad.append(match.rows[~fits])
                    match.keep(fits)
        return np.concatenate([np.zeros(0, np.int64), *bad])

    def table(self, source: str, offset: int, odd: list[Row]) -> pa.Table:
        """The events as a table with the columns of ENCODED, not in the order of the log.

        `offset` is where the block starts in its source, `odd` are the lines that the patterns have read.
        """
        tables = [self._table(template, match, source, offset) for template, match in self._found if len(match.rows)]
        if odd:
            tables.append(table_of(odd, source).cast(ENCODED))
        return pa.concat_tables(tables) if tables else ENCODED.empty_table()

    def _table(self, template: Template, match: Match, source: str, offset: int) -> pa.Table:
        rows, count = match.rows, len(match.rows)
        pid, tag = self._headings.pid.take(rows), self._headings.tag.take(rows)
        columns: dict[str, pa.Array] = {
            "source": _constant(source, count),
            "offset": pa.array(self._marks.start.take(rows) + offset),
            "time": pa.array(self._headings.time.take(rows)).view(_TIME),
            "pid": _array(pid, pid >= 0),
            "repeated": _same(1, pa.int64(), count),
        }
        for name, words in self._tags.items():
            columns[name] = _coded(tag, words)
        for name, value in {"kind": template.kind, **template.constants}.items():
            columns[name] = _constant(str(value), count) if name in CODED else _same(value, _TYPES[name], count)
        for name, (codes, values) in match.codes.items():
            if name in _TYPES:
                columns[name] = _coded(codes, values) if name in CODED else pa.array(values, _TYPES[name]).take(codes)
        for name, numbers in match.numbers.items():
            columns[name] = pa.array(numbers)
        for name, (begin, end) in match.spans.items():
            if name in _TYPES and name not in columns:
                columns[name] = match.texts[name] if name in match.texts else self._marks.strings(begin, end)
        arrays = [columns[name] if name in columns else _same(None, kind, count) for name, kind in _TYPES.items()]
        return pa.Table.from_arrays(arrays, schema=ENCODED)


def _coded(codes: Positions, words: Sequence[str | None]) -> pa.Array:
    """Words by their numbers; null for None."""
    known = np.array([word is not None for word in words], np.bool_)
    indices = codes.astype(np.int32)
    # No null among the words: Arrow could not make one list of the words of two tables.
    texts = pa.array(["" if word is None else word for word in words], pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(indices) if known.all() else _array(indices, known[codes]), texts)


def _array(values: npt.NDArray[Any], known: Mask) -> pa.Array:
    return pa.array(values) if known.all() else pa.array(values, mask=~known)


@cache
def _all_same(value: str | bool | int | None, kind: pa.DataType, size: int) -> pa.Array:
    return pa.nulls(size, kind) if value is None else pa.repeat(pa.scalar(value, kind), size)


def _same(value: str | bool | int | None, kind: pa.DataType, count: int) -> pa.Array:
    """The same value for each row, cut off an array that is kept."""
    return _all_same(value, kind, max(_MOST, 1 << count.bit_length())).slice(0, count)


def _constant(word: str, count: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(_same(0, pa.int32(), count), pa.array([word], pa.string()), safe=False)
