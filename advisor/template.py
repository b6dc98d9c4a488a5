"""A template: a frequent family of lines spelled out, so that thousands of its lines are read at once.

`connect from {client_name}[{client_address}]` says what stands in every such line, and where its fields are: a field
ends at the space or bracket of the words that follow it. A template is a short cut and no more: what does not fit it to
the last byte, or holds in a field what the family's pattern would not allow there, is left to the pattern.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from advisor.column import Mask, of_numbers
from advisor.marks import BRACKETS, ROOM, WORD, Marks, Positions

# {client_name}, {reason: } with a space in it, {text:*} with any number of spaces and brackets
_FIELD = re.compile(r"\{(?P<column>[a-z_]*)(?::(?P<marks>[^}]*))?\}")
_ANY = "*"
_SPACE = ord(" ")

Follows = tuple[str, Callable[[str], object]]
"""A column, and what a value of it says."""


class Match:
    """The lines that fit a template: their numbers, where each field begins and ends, and columns already coded."""

    def __init__(self, rows: Positions, spans: dict[str, tuple[Positions, Positions]]) -> None:
        """Begin with what the template found."""
        self.rows = rows
        self.spans = spans
        self.codes: dict[str, tuple[Positions, list[Any]]] = {}
        self.numbers: dict[str, npt.NDArray[Any]] = {}
        self.texts: dict[str, pa.StringArray] = {}

    def keep(self, fit: Mask) -> None:
        """Forget the lines that do not fit after all."""
        if fit.all():
            return
        left = np.flatnonzero(fit)
        self.rows = self.rows.take(left)
        self.spans = {name: (begin.take(left), end.take(left)) for name, (begin, end) in self.spans.items()}
        self.codes = {name: (codes.take(left), words) for name, (codes, words) in self.codes.items()}
        self.numbers = {name: values.take(left) for name, values in self.numbers.items()}
        self.texts = {name: texts.take(of_numbers(left, pa.int64())) for name, texts in self.texts.items()}


class _Lines:
    """Some lines of a block; where the marks of each begin and end is looked up once."""

    def __init__(self, marks: Marks, rows: Positions) -> None:
        self.marks = marks
        self.rows = rows

    @cached_property
    def text(self) -> Positions:
        return self.marks.text.take(self.rows)

    @cached_property
    def end(self) -> Positions:
        return self.marks.end.take(self.rows)

    @cached_property
    def first_space(self) -> Positions:
        return self.marks.text_space.take(self.rows)

    @cached_property
    def first_bracket(self) -> Positions:
        return self.marks.text_bracket.take(self.rows)

    @cached_property
    def last_space(self) -> Positions:
        return self.marks.first_space.take(self.rows + 1)

    @cached_property
    def last_bracket(self) -> Positions:
        return self.marks.first_bracket.take(self.rows + 1)


@dataclass(frozen=True)
class _Place:
    """How many spaces and brackets come before a place: in the line's text, or negative and counted from its end."""

    spaces: int
    brackets: int
    from_end: bool = False

    def space(self, lines: _Lines, more: int = 0) -> Positions:
        """Where the space is that comes next, or some spaces later."""
        first = lines.last_space if self.from_end else lines.first_space
        return lines.marks.nth_space(first + (self.spaces + more))

    def bracket(self, lines: _Lines, more: int = 0) -> Positions:
        """Where the bracket is that comes next, or some brackets later."""
        first = lines.last_bracket if self.from_end else lines.first_bracket
        return lines.marks.nth_bracket(first + (self.brackets + more))


class _Literal(NamedTuple):
    """Words that stand in every line, their place, and where in them the first space or bracket is to find them by."""

    text: bytes
    place: _Place
    anchor: int

    def find(self, lines: _Lines) -> Positions:
        """Where the words must begin in these lines."""
        mark = self.place.space if self.text[self.anchor] == _SPACE else self.place.bracket
        return mark(lines) - self.anchor


class _Gap(NamedTuple):
    """A field between literals: its column, if it has one, its place, and what marks are in it; None for any."""

    column: str
    place: _Place
    marks: bytes | None

    def holds(self, lines: _Lines, begin: Positions, end: Positions) -> Mask:
        """Tell where the field holds just these marks; which and how many are in the line is known already."""
        fit = begin <= end
        seen = {True: 0, False: 0}
        for mark in self.marks or b"":
            space = mark == _SPACE
            at = (self.place.space if space else self.place.bracket)(lines, seen[space])
            seen[space] += 1
            fit &= (begin <= at) & (at < end)
            if not space:
                fit &= lines.marks.bytes.take(at) == mark
        return fit


@dataclass(frozen=True)
class Template:
    """One spelling of a family's lines: literals with a gap between each two.

    `constants` are columns that are the same in each of them, `where` says of a field what may stand there (a regular
    expression in RE2's syntax) and `without` what may not (a string), `follow` are columns that follow from another's
    value, and `refine` may look closer.
    """

    kind: str
    literals: tuple[_Literal, ...]
    gaps: tuple[_Gap, ...]
    spaces: int
    brackets: int
    constants: Mapping[str, str | bool] = field(default_factory=dict)
    where: Mapping[str, str] = field(default_factory=dict)
    without: Mapping[str, str] = field(default_factory=dict)
    follow: Mapping[str, Follows] = field(default_factory=dict)
    refine: Callable[[Marks, Match], None] | None = None

    @cached_property
    def open(self) -> int | None:
        """Which of the gaps may hold any number of spaces and brackets; None where none may."""
        return next((number for number, gap in enumerate(self.gaps) if gap.marks is None), None)

    def like(self, spaces: Positions, brackets: Positions) -> Mask:
        """Tell which lines have as many spaces and brackets as such lines have."""
        fit: Mask = (spaces >= self.spaces) & (brackets >= self.brackets)
        if self.open is None:
            fit = (spaces == self.spaces) & (brackets == self.brackets)
        return fit

    def match(self, marks: Marks, rows: Positions) -> Match:
        """Find the lines that fit, among lines that are `like` these."""
        lines = _Lines(marks, rows)
        first = 0 if self.literals[0].text else 1
        checked = first < len(self.gaps)
        if checked:
            fit = marks.says(self._begin(first, lines), self.literals[first].text)
            # Most of the lines that do not fit show it at once.
            if not fit.all():
                lines = _Lines(marks, rows[fit])
        begins = [self._begin(number, lines) for number in range(len(self.literals))]
        fit = np.ones(len(lines.rows), np.bool_)
        for number in range(first + checked, len(self.literals)):
            if self.literals[number].text:
                fit &= marks.says(begins[number], self.literals[number].text)
        spans = {}
        for number, gap in enumerate(self.gaps):
            span = begins[number] + len(self.literals[number].text), begins[number + 1]
            fit &= gap.holds(lines, *span) if gap.marks is not None else self._alone(number, lines, *span)
            if gap.column:
                spans[gap.column] = span
        found = Match(lines.rows, spans)
        found.keep(fit)
        return found

    def _begin(self, number: int, lines: _Lines) -> Positions:
        """Where one of the literals must begin."""
        if number == 0:
            return lines.text
        if number == len(self.gaps):
            return lines.end - len(self.literals[number].text)
        return self.literals[number].find(lines)

    def _alone(self, number: int, lines: _Lines, begin: Positions, end: Positions) -> Mask:
        """Tell where all marks that no literal holds are in the field that may hold any."""
        before, after = self.gaps[number].place, self.literals[number + 1].place
        return (
            (begin <= end)
            & (before.space(lines) >= begin)
            & (before.bracket(lines) >= begin)
            & (after.space(lines, -1) < end)
            & (after.bracket(lines, -1) < end)
        )


def template(kind: str, text: str, **more: Any) -> Template:  # noqa: ANN401 - the fields of Template
    """Make a template from a line in which each field is `{column}`; `{}` is a field that is in no column.

    Behind a colon stand the spaces and brackets that the field holds, or `*` for any: `{reason: }`, `{text:*}`.
    """
    pieces = _FIELD.split(text)
    words, columns, inside = pieces[0::3], pieces[1::3], pieces[2::3]
    within = [None if held == _ANY else (held or "").encode() for held in inside]
    assert within.count(None) <= 1
    assert all(len(word) < ROOM - 2 * WORD for word in words)
    every = b"".join([*(word.encode() for word in words), *(held or b"" for held in within)])
    spaces, brackets = _count(every)
    literals: list[_Literal] = []
    gaps: list[_Gap] = []
    seen = (0, 0)
    from_end = False
    for number, word in enumerate(words):
        offset = (spaces, brackets) if from_end else (0, 0)
        place = _Place(seen[0] - offset[0], seen[1] - offset[1], from_end)
        anchor = next((at for at, byte in enumerate(word.encode()) if byte == _SPACE or byte in BRACKETS), -1)
        assert anchor >= 0 or number in (0, len(words) - 1), word
        literals.append(_Literal(word.encode(), place, anchor))
        seen = _sum(seen, _count(word.encode()))
        if number == len(columns):
            break
        place = _Place(seen[0] - offset[0], seen[1] - offset[1], from_end)
        gaps.append(_Gap(columns[number], place, within[number]))
        seen = _sum(seen, _count(within[number] or b""))
        from_end = from_end or within[number] is None
    return Template(kind, tuple(literals), tuple(gaps), spaces, brackets, **more)


def _sum(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    return one[0] + other[0], one[1] + other[1]


def _count(text: bytes) -> tuple[int, int]:
    spaces = text.count(b" ")
    return spaces, sum(byte in BRACKETS for byte in text)
