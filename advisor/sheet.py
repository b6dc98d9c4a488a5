"""A sheet: the events of a block of lines, template by template, as tables that hold only what such lines say.

Lines of one template have the same columns, so each is an array without a gap, made in one go. The tables of a block
stay apart: a column that is null for thousands of rows in a row costs Parquet next to nothing.
"""

from collections.abc import Sequence

import pyarrow as pa

from advisor import column
from advisor.event import CODED, ENCODED
from advisor.heading import Headings
from advisor.marks import Marks
from advisor.programs import Row, Tag, table_of
from advisor.template import Match, Template

_TYPES = {field.name: field.type for field in ENCODED}
_TIME = _TYPES["time"]


class Sheet:
    """The lines that templates have found in a block, and then the block's events."""

    def __init__(self, marks: Marks, headings: Headings, tags: Sequence[Tag]) -> None:
        """Begin with nothing."""
        self._marks = marks
        self._headings = headings
        self._tags = {name: column.Words([getattr(tag, name) for tag in tags]) for name in Tag._fields[:3]}
        self._found: list[tuple[Template, Match]] = []

    def add(self, template: Template, match: Match) -> None:
        """Take over the lines of a template."""
        self._found.append((template, match))

    def table(self, source: str, offset: int, odd: list[Row]) -> pa.Table:
        """The events as a table with the columns of ENCODED, not in the order of the log.

        `offset` is where the block starts in its source, `odd` are the lines that the patterns have read.
        """
        tables = [self._table(template, match, source, offset) for template, match in self._found if len(match.rows)]
        if odd:
            tables.append(table_of(odd, source).cast(ENCODED))
        return (
            pa.concat_tables([ENCODED.empty_table(), *tables], promote_options="default")
            if tables
            else ENCODED.empty_table()
        )

    def _table(self, template: Template, match: Match, source: str, offset: int) -> pa.Table:
        rows, count = match.rows, len(match.rows)
        pid, tag = self._headings.pid.take(rows), self._headings.tag.take(rows)
        columns: dict[str, pa.Array] = {
            "source": column.of_word(source, count),
            "offset": column.of_numbers(self._marks.start.take(rows) + offset, pa.int64()),
            "time": column.of_numbers(self._headings.time.take(rows), _TIME),
            "pid": column.of_numbers(pid, pa.int64(), pid >= 0),
            "repeated": column.same(1, pa.int64(), count),
        }
        columns |= {name: words.at(tag) for name, words in self._tags.items()}
        for name, value in {"kind": template.kind, **template.constants}.items():
            columns[name] = column.same(value, _TYPES[name], count)
        for name, (codes, values) in match.codes.items():
            if name in CODED:
                columns[name] = column.Words(values).at(codes)
            elif name in _TYPES:
                columns[name] = column.of_values(values, _TYPES[name]).take(column.of_numbers(codes, pa.int64()))
        for name, numbers in match.numbers.items():
            columns[name] = column.of_numbers(numbers, _TYPES[name])
        for name, (begin, end) in match.spans.items():
            if name in _TYPES and name not in columns:
                columns[name] = match.texts[name] if name in match.texts else self._marks.strings(begin, end)
        names = [name for name in _TYPES if name in columns]
        return pa.Table.from_arrays([columns[name] for name in names], names)
