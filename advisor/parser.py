"""A parser: reads a log block by block, and knows between two blocks what the next one needs of the one before.

The families' patterns (advisor.programs) say what a line means. The lines that make up nine in ten are read by templates
instead, thousands at once, with the same result; whatever does not fit one to the last byte goes to the patterns.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from advisor.event import ENCODED, UNRECOGNISED, Coverage, Parsed
from advisor.family import IGNORED, Family
from advisor.heading import Headings, TagReader
from advisor.line import Clock, decode
from advisor.marks import Marks, Positions
from advisor.programs import Header, Tag, is_repetition, remark, repeat, understand
from advisor.sheet import Sheet
from advisor.templates import templates
from advisor.value import read_values


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
        block = _Block(Marks(data), self._reader, self.previous)
        self.previous = block.last()
        events = block.sheet.table(self.source, offset, block.headings)
        return Parsed(events, block.coverage)


class _Block:
    """A block of lines being read: what the templates find first, then the rest."""

    def __init__(self, marks: Marks, reader: TagReader, before: str) -> None:
        self.marks = marks
        self.before = before
        self.coverage = Coverage(lines=marks.count)
        self.headings = Headings(marks, reader)
        self.sheet = Sheet(marks)
        self._tags = reader.tags
        self._taken = np.zeros(marks.count, np.bool_)
        rest = [self._read_frequent(families, rows) for families, rows in self._by_families(reader.tags)]
        for row in np.concatenate([*rest, self.sheet.drop_bad()]).tolist():
            said = marks.data[marks.text[row] : marks.end[row]].decode("ascii").rstrip("\r")
            self._read_line(row, reader.tags[self.headings.tag[row]], said)
        self.sheet.add_tags(reader.tags, self.headings.tag)
        for row, (head, said) in self.headings.odd.items():
            self._read_odd(row, head, said)
        coverage = self.coverage
        coverage.ignored = coverage.ignored_by_program.total()
        coverage.events = coverage.lines - coverage.ignored - coverage.unrecognised

    def _by_families(self, tags: Sequence[Tag]) -> Iterator[tuple[tuple[Family, ...], Positions]]:
        """The lines of each program of ours, by what it may say; counts those of the others."""
        groups: dict[int, int] = {}
        numbers = [groups.setdefault(id(tag.families), len(groups)) for tag in tags]
        tag_of = self.headings.tag
        group_of = np.array([*numbers, -1], np.int16)[tag_of]
        for number in range(len(groups)):
            rows = np.flatnonzero(group_of == number)
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
        spaces = marks.first_space.take(rows + 1) - marks.text_space.take(rows)
        brackets = marks.first_bracket.take(rows + 1) - marks.text_bracket.take(rows)
        for template in templates(families):
            like = np.flatnonzero(template.like(spaces, brackets))
            if not len(like):
                continue
            match = template.match(marks, rows.take(like))
            if len(match.rows):
                read_values(marks, template, match)
            if len(match.rows) and template.refine is not None:
                template.refine(marks, match)
            if len(match.rows):
                if template.kind == IGNORED:
                    self._ignore(match.rows)
                else:
                    self.sheet.add(template, match)
                self._taken[match.rows] = True
                left = np.flatnonzero(~self._taken.take(rows))
                rows, spaces, brackets = rows.take(left), spaces.take(left), brackets.take(left)
        return rows

    def _read_odd(self, row: int, head: Header, said: str) -> None:
        """Read a line whose header was read by the pattern."""
        raw = self.marks.line(row)
        if is_repetition(head):
            head, said = repeat(head, self._previous(row))
        elif reason := remark(raw, decode(raw), head):
            self.coverage.ignored_by_program[reason] += 1
            return
        time, tag, pid, repeated = head
        if tag.families is None:
            self.coverage.ignored_by_program[str(tag.program)] += 1
            return
        self._read_line(row, tag, said)
        self.headings.set(row, time, pid, repeated)
        self.sheet.add_line(row, dict(zip(Tag._fields[:3], tag[:3], strict=True)))

    def _previous(self, row: int) -> str:
        """The line before that is neither a repetition nor a remark."""
        for before in range(row - 1, -1, -1):
            head, _ = self.headings.odd.get(before, (None, ""))
            raw = self.marks.line(before)
            text = decode(raw)
            if head is None or not (is_repetition(head) or remark(raw, text, head)):
                return text or ""
        return self.before

    def last(self) -> str:
        """What the next block needs to know of this one: its last line that is neither a repetition nor a remark."""
        return self._previous(self.marks.count)

    def _read_line(self, row: int, tag: Tag, said: str) -> None:
        """Read a line by the patterns; what none of them knows is kept whole."""
        fields = understand(tag.families or (), said)
        if fields is None:
            self.coverage.unrecognised += 1
            fields = {"kind": UNRECOGNISED, "text": self.marks.line(row).decode("utf-8", "backslashreplace")}
        elif fields["kind"] == IGNORED:
            self.coverage.ignored_by_program[str(tag.program)] += 1
            return
        self.sheet.add_line(row, fields)

