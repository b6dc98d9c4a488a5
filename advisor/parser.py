"""A parser: reads a log block by block, and knows between two blocks what the next one needs of the one before.

The families' patterns (advisor.programs) say what a line means. The lines that make up nine in ten are read by
templates instead, thousands at once, with the same result; what does not fit one to the last byte goes to the patterns.
"""

import ctypes
from collections.abc import Iterator, Sequence

import numpy as np

from advisor.event import ENCODED, Coverage, Parsed
from advisor.family import IGNORED, Family
from advisor.heading import Headings, TagReader
from advisor.line import Clock, decode
from advisor.marks import Marks, Positions
from advisor.programs import Header, Row, Tag, is_repetition, read_said, remark, repeat
from advisor.sheet import Sheet
from advisor.template import Match, Template
from advisor.templates import scan_of, templates
from advisor.value import read_values

# Of glibc's malloc.h; other C libraries have no such function.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3


def _keep_memory() -> None:
    """Keep the memory of a block for the next one.

    The arrays of a block are just so large that the C library would give each back to the system, which clears it
    before it gives it out again: a tenth of all time.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, 1 << 28)
        mallopt(_M_TRIM_THRESHOLD, 1 << 28)


_keep_memory()


class Parser:
    """Turns blocks of one log, in their order, into events.

    What one block leaves for the next are the clock (which year it is) and `previous`, the last line that was not
    itself a `last message repeated n times`. The events do not depend on where the blocks were cut.
    """

    def __init__(self, clock: Clock, source: str, previous: str = "") -> None:
        """Begin where the clock stands, after a line."""
        self.clock = clock
        self.source = source
        self.previous = previous
        self._reader = TagReader(clock)

    def read(self, data: bytes, offset: int = 0) -> Parsed:
        """Read whole lines, of which the last may lack its newline; `offset` is where they start in the log."""
        if not data:
            return Parsed(ENCODED.empty_table(), Coverage())
        block = _Block(Marks(data), offset, self._reader, self.previous)
        self.previous = block.last()
        return Parsed(block.sheet.table(self.source, offset, block.odd), block.coverage)


class _Block:
    """A block of lines being read: what the templates find first, then the rest."""

    def __init__(self, marks: Marks, offset: int, reader: TagReader, before: str) -> None:
        self.marks = marks
        self.offset = offset
        self.before = before
        self.coverage = Coverage(lines=marks.count)
        self.headings = Headings(marks, reader)
        self.sheet = Sheet(marks, self.headings, reader.tags)
        self.odd: list[Row] = []
        self._passed: dict[int, int] = {}
        self._tags = reader.tags
        self._taken = np.zeros(marks.count, np.bool_)
        rest = [self._read_frequent(families, rows) for families, rows in self._by_families(reader.tags)]
        for row in np.concatenate([np.zeros(0, np.int64), *rest]).tolist():
            said = marks.data[marks.text[row] : marks.end[row]].decode("ascii")
            tag, pid = reader.tags[self.headings.tag[row]], int(self.headings.pid[row])
            self._read_line(row, (int(self.headings.time[row]), tag, None if pid < 0 else pid, 1), said)
        for row, (head, said) in sorted(self.headings.odd.items()):
            self._read_odd(row, head, said)
        self.coverage.complete()

    def _by_families(self, tags: Sequence[Tag]) -> Iterator[tuple[tuple[Family, ...], Positions]]:
        """The lines of each program of ours, by what it may say; counts those of the others."""
        groups: dict[int, int] = {}
        numbers = [groups.setdefault(id(tag.families), len(groups)) for tag in tags]
        # Sorting by small numbers is counting them.
        group_of = np.array([*numbers, -1], np.int16)[self.headings.tag]
        order = group_of.argsort(kind="stable")
        begins = group_of.take(order).searchsorted(np.arange(len(groups) + 1))
        for number in range(len(groups)):
            rows = order[begins[number] : begins[number + 1]]
            members = [tag for tag, group in enumerate(numbers) if group == number]
            families = tags[members[0]].families
            if families is not None:
                yield families, rows
            else:
                self._ignore(rows)

    def _ignore(self, rows: Positions) -> None:
        """Count lines that are of no interest, by their programs."""
        counts = np.bincount(self.headings.tag[rows], minlength=len(self._tags)).tolist()
        for tag, count in zip(self._tags, counts, strict=True):
            if count:
                self.coverage.ignored_by_program[str(tag.program)] += count

    def _read_frequent(self, families: tuple[Family, ...], rows: Positions) -> Positions:
        """Read what templates can read of one program's lines; gives the others."""
        marks = self.marks
        if marks.scanner is not None:
            for template, match in scan_of(families).matches(marks, rows, self._taken):
                self._take(template, match)
            return rows[~self._taken.take(rows)]
        spaces = marks.first_space.take(rows + 1) - marks.text_space.take(rows)
        brackets = marks.first_bracket.take(rows + 1) - marks.text_bracket.take(rows)
        for template in templates(families):
            like = np.flatnonzero(template.like(spaces, brackets))
            if not len(like):
                continue
            if self._take(template, template.match(marks, rows.take(like))):
                left = np.flatnonzero(~self._taken.take(rows))
                rows, spaces, brackets = rows.take(left), spaces.take(left), brackets.take(left)
        return rows

    def _take(self, template: Template, match: Match) -> bool:
        """Take over the lines that fit a template and hold what its pattern allows; tell whether there are any."""
        if len(match.rows):
            read_values(self.marks, template, match)
        if len(match.rows) and template.refine is not None:
            template.refine(self.marks, match)
        if not len(match.rows):
            return False
        if template.kind == IGNORED:
            self._ignore(match.rows)
        else:
            self.sheet.add(template, match)
        self._taken[match.rows] = True
        return True

    def _read_odd(self, row: int, head: Header, said: str) -> None:
        """Read a line whose header was read by the pattern; they come in order."""
        raw = self.marks.line(row)
        if is_repetition(head):
            self._passed[row] = self._previous(row)
            head, said = repeat(head, self._words(row))
        elif reason := remark(raw, decode(raw), head):
            self._passed[row] = self._previous(row)
            self.coverage.ignored_by_program[reason] += 1
            return
        self._read_line(row, head, said)

    def _previous(self, row: int) -> int:
        """The line before that is neither a repetition nor a remark; -1 where that is in the block before."""
        return self._passed.get(row - 1, row - 1)

    def _words(self, row: int) -> str:
        previous = self._previous(row)
        return self.before if previous < 0 else decode(self.marks.line(previous)) or ""

    def last(self) -> str:
        """What the next block needs to know of this one: its last line that is neither a repetition nor a remark."""
        return self._words(self.marks.count)

    def _read_line(self, row: int, head: Header, said: str) -> None:
        """Read a line by the patterns; what none of them knows is kept whole."""
        fields = read_said(self.marks.line(row), head[1], said, self.coverage)
        if fields is not None:
            self.odd.append((self.offset + int(self.marks.start[row]), head, fields))
