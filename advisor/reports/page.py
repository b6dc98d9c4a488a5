"""A page of plain text: prose is wrapped to its width, what is to be typed stands as it is, at the left edge."""

from collections.abc import Sequence
from io import StringIO
from textwrap import wrap

from rich.console import Console
from rich.text import Text

NARROWEST = 40
_WIDEST = 80
_MARGIN = 2
_INDENT = 13
_ROOM = 24
"""Columns for the first cell of a table, below which it stands on a line of its own."""
_STYLES = {"ENFORCE": "bold", "WARN": "yellow", "RELAX": "bold", "LEAVE": "dim", "FIX": "bold red", "NOTE": "bold"}


class Page:
    """Lines of text: prose is wrapped to the width, what is typed is not."""

    def __init__(self, width: int, *, color: bool = False) -> None:
        """An empty page."""
        self.width = max(width, NARROWEST)
        self._out = StringIO()
        # An empty environment: FORCE_COLOR or COLUMNS of whoever runs us must not reach a file.
        self._console = Console(
            file=self._out,
            width=10_000,  # the page wraps by itself; rich must neither wrap nor cut what is typed
            height=100,
            force_terminal=color,
            color_system="standard" if color else None,
            legacy_windows=False,
            _environ={},
        )

    def text(self) -> str:
        """All lines so far."""
        return self._out.getvalue()

    def blank(self) -> None:
        """An empty line."""
        self.typed("")

    def typed(self, line: str) -> None:
        """A line as it stands."""
        self._put(Text(line))

    def rule(self) -> None:
        """A line across the page."""
        self.typed("-" * min(self.width, _WIDEST))

    def title(self, words: str, rest: str = "") -> None:
        """A head, set off by an empty line."""
        self.blank()
        self.prose(f"{words}{rest and '  ' + rest}", style="bold")

    def prose(self, words: str, margin: int = 0, hang: int = 0, style: str = "") -> None:
        """A paragraph; `hang` indents its later lines further. Labels in it are coloured by their words."""
        for line in _wrapped(words, self.width - margin, hang):
            self._put(_styled(" " * margin + line, style))

    def item(self, label: str, words: str, hang: int = 0) -> None:
        """A label in the margin and its paragraph beside it."""
        for number, line in enumerate(_wrapped(words, self.width - _INDENT, hang) or [""]):
            self._put(Text(f"  {label if number == 0 else '':<{_INDENT - 3}} {line}".rstrip()))

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        """Columns as wide as their longest cell, the first flush left; cells are never cut.

        Where that is wider than the page, a first cell that is too long gets a line of its own, where there is hardly
        room for any, all do, and where the others are too wide, each row is a paragraph.
        """
        first, *widths = [max(len(row[number]) for row in rows) for number in range(len(rows[0]))]
        rest = sum(2 + width for width in widths)
        room = self.width - _MARGIN - rest
        beside = room >= min(first, _ROOM)
        first = min(first, room)
        if not beside and _MARGIN + rest > self.width:
            for name, *cells in rows[1:]:
                self.prose(f"{name}: {', '.join(map(' '.join, zip(rows[0][1:], cells, strict=True)))}", _MARGIN, 4)
            return
        for name, *cells in rows:
            line = "".join(f"  {cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
            if beside:
                if len(name) > first:
                    self.prose(name, _MARGIN, 4)
                    name = ""  # noqa: PLW2901 - it stands above
                self._put(_styled(" " * _MARGIN + f"{name:<{first}}{line}".rstrip()))
                continue
            if name:
                self.prose(name, _MARGIN, 4)
            self._put(Text(f"{line:>{min(self.width, _WIDEST)}}"))

    def _put(self, line: Text) -> None:
        self._console.print(line, soft_wrap=True, markup=False, highlight=False, emoji=False)


def _wrapped(words: str, width: int, hang: int) -> list[str]:
    """Lines of at most this width; a percent sign stays with its number."""
    bound = words.replace(" %", "\0%")
    lines = wrap(bound, width, subsequent_indent=" " * hang, break_on_hyphens=False)
    return [line.replace("\0", " ") for line in lines]


def _styled(line: str, style: str = "") -> Text:
    """A line whose label, its first or second word, is coloured; the words say the same without."""
    text = Text(line, style=style)
    for word in line.split()[:2]:
        if word in _STYLES:
            at = line.index(word)
            text.stylize(_STYLES[word], at, at + len(word))
    return text
