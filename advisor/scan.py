"""A scan: the templates of a program spelled for the compiled scanner, and the lines that fit each of them.

It finds what advisor.template finds with numpy, in one pass, and leaves a little more to the patterns.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from advisor.column import Mask
from advisor.marks import BRACKETS, Marks, Positions
from advisor.template import Match, Template

_Numbers = npt.NDArray[np.int32]

_ANY = -1
_MARKS = BRACKETS | {ord(" ")}
_QUEUE_ID = 1
# Digits at most; what is longer is left to the pattern.
DIGITS = {"client_port": 5, "size": 8, "nrcpt": 8}
"""The columns that hold digits, and how many at most."""


class Scan:
    """The templates of one program as scanner.c reads them."""

    def __init__(self, templates: Sequence[Template]) -> None:
        """Spell them."""
        self.templates = templates
        self._texts = bytearray()
        code: list[int] = []
        begins: list[int] = []
        for template in templates:
            begins.append(len(code))
            code += [len(template.gaps), template.spaces + template.brackets, template.open is not None]
            for literal, gap in zip(template.literals, template.gaps, strict=False):
                code += [*self._literal(literal.text), *self._gap(gap.column, gap.marks)]
            code += self._literal(template.literals[-1].text)
        self._code = np.array(code, np.int32), np.array(begins, np.int32), bytes(self._texts)

    def _literal(self, text: bytes) -> tuple[int, ...]:
        at = [place for place, byte in enumerate(text) if byte in _MARKS]
        first, last = (at[0], at[-1]) if at else (-1, -1)
        return self._text(text), len(text), first, last, len(at)

    def _gap(self, column: str, marks: bytes | None) -> tuple[int, int, int]:
        rule = _QUEUE_ID if column == "queue_id" else -DIGITS.get(column, 0)
        return (_ANY, 0, rule) if marks is None else (len(marks), self._text(marks), rule)

    def _text(self, text: bytes) -> int:
        begin = len(self._texts)
        self._texts += text
        return begin

    @cached_property
    def _gaps(self) -> Positions:
        return np.array([len(template.gaps) for template in self.templates], np.int64)

    def matches(self, marks: Marks, rows: Positions, taken: Mask) -> Iterator[tuple[Template, Match]]:
        """Find the lines of these rows that fit each template; one that is not `taken` may fit another one, too."""
        assert marks.scanner is not None
        found = np.full(len(rows), -1, np.int32)
        while len(rows):
            spans = np.empty((len(rows), 2 * marks.scanner.GAPS), np.int32)
            marks.scanner.match(marks.data, marks.text, marks.end, rows, self._code, found, spans)
            yield from self._spread(marks, rows, (found, spans))
            left = np.flatnonzero((found >= 0) & ~taken[rows])
            rows, found = rows[left], found[left]

    def _spread(
        self, marks: Marks, rows: Positions, matched: tuple[_Numbers, _Numbers]
    ) -> Iterator[tuple[Template, Match]]:
        """What was found, template by template."""
        assert marks.scanner is not None
        found, spans = matched
        counts = np.bincount(found + 1, minlength=len(self.templates) + 1)[1:]
        numbers = np.stack([counts, self._gaps], axis=1)
        sorted_rows = np.empty(int(counts.sum()), np.int64)
        sorted_spans = np.empty(int((counts * 2 * self._gaps).sum()), np.int64)
        marks.scanner.spread(found, spans, rows, marks.text, numbers, sorted_rows, sorted_spans)
        row = span = 0
        for template, count in zip(self.templates, counts.tolist(), strict=True):
            if count:
                sides = sorted_spans[span : span + 2 * count * len(template.gaps)].reshape(-1, count)
                columns = {
                    gap.column: (sides[2 * number], sides[2 * number + 1])
                    for number, gap in enumerate(template.gaps)
                    if gap.column
                }
                yield template, Match(sorted_rows[row : row + count], columns)
                row, span = row + count, span + sides.size
