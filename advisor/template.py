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

from advisor.marks import BRACKETS, Marks, Mask, Positions

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

    def keep(self, fit: Mask) -> None:
        """Forget the lines that do not fit after all."""
        if fit.all():
            return
        left = np.flatnonzero(fit)
        self.rows = self.rows.take(left)
        self.spans = {name: (begin.take(left), end.take(left)) for name, (begin, end) in self.spans.items()}
        self.codes = {name: (codes.take(left), words) for name, (codes, words) in self.codes.items()}
        self.numbers = {name: values.take(left) for name, values in self.numbers.items()}


@dataclass(frozen=True)
class _Place:
    """How many spaces and brackets come before a place: in the line's text, or negative and counted from its end."""

    spaces: int
    brackets: int
    from_end: bool = False

    def space(self, marks: Marks, rows: Positions, more: int = 0) -> Positions:
        """Where the space is that comes next, or some spaces later."""
        first = marks.first_space.take(rows + 1) if self.from_end else marks.text_space.take(rows)
        return marks.nth_space(first + (self.spaces + more))

    def bracket(self, marks: Marks, rows: Positions, more: int = 0) -> Positions:
        """Where the bracket is that comes next, or some brackets later."""
        first = marks.first_bracket.take(rows + 1) if self.from_end else marks.text_bracket.take(rows)
        return marks.nth_bracket(first + (self.brackets + more))


class _Literal(NamedTuple):
    """Words that stand in every line, their place, and where in them the first space or bracket is to find them by."""

    text: bytes
    place: _Place
    anchor: int

    def find(self, marks: Marks, rows: Positions) -> Positions:
        """Where the words must begin in these lines."""
        mark = self.place.space if self.text[self.anchor] == _SPACE else self.place.bracket
        return mark(marks, rows) - self.anchor


class _Gap(NamedTuple):
    """A field between literals: its column, if it has one, its place, and what marks are in it; None for any."""

    column: str
    place: _Place
    marks: bytes | None

    def holds(self, marks: Marks, rows: Positions, begin: Positions, end: Positions) -> Mask:
        """Tell where the field holds just these marks; which and how many are in the line is known already."""
        fit = begin <= end
        seen = {True: 0, False: 0}
        for mark in self.marks or b"":
            space = mark == _SPACE
            at = (self.place.space if space else self.place.bracket)(marks, rows, seen[space])
            seen[space] += 1
            fit &= (begin <= at) & (at < end) & (marks.bytes[at] == mark)
        return fit


@dataclass(frozen=True)
class Template:
    """One spelling of a family's lines: literals with a gap between each two.

    `constants` are columns that are the same in each of them, `where` says of a field what may stand there (a regular
    expression in RE2's syntax) and `without` what may not (a string), `follow` are columns that follow from another's value, and `refine` may look closer.
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
        if self.open is None:
            return (spaces == self.spaces) & (brackets == self.brackets)
        return (spaces >= self.spaces) & (brackets >= self.brackets)

    def match(self, marks: Marks, rows: Positions) -> Match:
        """Find the lines that fit, among lines that are `like` these."""
        first = 0 if self.literals[0].text else 1
        checked = first < len(self.gaps)
        if checked:
            begin = self._begin(first, marks, rows)
            # Most of the lines that do not fit show it at once.
            rows = rows[marks.says(begin, self.literals[first].text)]
        begins = [self._begin(number, marks, rows) for number in range(len(self.literals))]
        fit = np.ones(len(rows), np.bool_)
        for number in range(first + checked, len(self.literals)):
            if self.literals[number].text:
                fit &= marks.says(begins[number], self.literals[number].text)
        spans = {}
        for number, gap in enumerate(self.gaps):
            span = begins[number] + len(self.literals[number].text), begins[number + 1]
            fit &= gap.holds(marks, rows, *span) if gap.marks is not None else self._alone(number, marks, rows, span)
            if gap.column:
                spans[gap.column] = span
        found = Match(rows, spans)
        found.keep(fit)
        return found

    def _begin(self, number: int, marks: Marks, rows: Positions) -> Positions:
        """Where one of the literals must begin."""
        if number == 0:
            return marks.text.take(rows)
        if number == len(self.gaps):
            return marks.end.take(rows) - len(self.literals[number].text)
        return self.literals[number].find(marks, rows)

    def _alone(self, number: int, marks: Marks, rows: Positions, span: tuple[Positions, Positions]) -> Mask:
        """Tell where all marks that no literal holds are in the field that may hold any."""
        begin, end = span
        before, after = self.gaps[number].place, self.literals[number + 1].place
        return (
            (begin <= end)
            & (before.space(marks, rows) >= begin)
            & (before.bracket(marks, rows) >= begin)
            & (after.space(marks, rows, -1) < end)
            & (after.bracket(marks, rows, -1) < end)
        )


def template(kind: str, text: str, **more: Any) -> Template:  # noqa: ANN401 - the fields of Template
    """Make a template from a line in which each field is `{column}`; `{}` is a field that is in no column.

    Behind a colon stand the spaces and brackets that the field holds, or `*` for any: `{reason: }`, `{text:*}`.
    """
    pieces = _FIELD.split(text)
    words, columns, inside = pieces[0::3], pieces[1::3], pieces[2::3]
    within = [None if held == _ANY else (held or "").encode() for held in inside]
    assert within.count(None) <= 1
    every = b"".join([*(word.encode() for word in words), *(held or b"" for held in within)])
    spaces, brackets = _count(every)
    literals, gaps, seen = [], [], (0, 0)
    from_end = False
    for number, word in enumerate(words):
        offset = (spaces, brackets) if from_end else (0, 0)
        place = _Place(seen[0] - offset[0], seen[1] - offset[1], from_end)
        anchor = next((at for at, byte in enumerate(word.encode()) if byte == _SPACE or byte in BRACKETS), -1)
        assert anchor >= 0 or number in (0, len(words) - 1), word
        literals.append(_Literal(word.encode(), place, anchor))
        seen = tuple(map(sum, zip(seen, _count(word.encode()), strict=True)))
        if number == len(columns):
            break
        place = _Place(seen[0] - offset[0], seen[1] - offset[1], from_end)
        gaps.append(_Gap(columns[number], place, within[number]))
        seen = tuple(map(sum, zip(seen, _count(within[number] or b""), strict=True)))
        from_end = from_end or within[number] is None
    return Template(kind, tuple(literals), tuple(gaps), spaces, brackets, **more)


def _count(text: bytes) -> tuple[int, int]:
    spaces = text.count(b" ")
    return spaces, sum(byte in BRACKETS for byte in text)
