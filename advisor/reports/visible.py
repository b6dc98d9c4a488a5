"""Text from the log, made harmless: it comes from strangers, and what it looks like is what they want it to.

visible     what a reader would not see as such is spelled out
cut         at most so many characters
clean       both data and text: an Advice whose every text is visible
"""

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

Shown = TypeVar("Shown")

LONGEST = 60
"""Text from the log is cut to this, in the middle: both ends of a name tell the most."""
_TYPED = frozenset({"lines_to_type", "try_first", "undo", "diff", "allowlist"})
_SEEN = frozenset("LMNPS")


def visible(text: str, *, ascii_only: bool = False, tabs: bool = False) -> str:
    r"""Text with what a reader would not see as such made visible: control and bidi characters as \x1b, \u202e.

    `ascii_only` spells out all other letters beyond ASCII too; `tabs` lets a tab be, for lines that are typed.
    """
    return "".join(
        letter
        if letter == " " or (tabs and letter == "\t") or (_printable(letter) and not (ascii_only and letter > "~"))
        else _spelled(letter)
        for letter in text
    )


def _printable(letter: str) -> bool:
    # Category Z holds blanks that look like a space, C the controls, bidi marks, surrogates and what is not assigned.
    return unicodedata.category(letter)[0] in _SEEN


def _spelled(letter: str) -> str:
    number = ord(letter)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def cut(text: str, longest: int = LONGEST) -> str:
    """Text of at most so many characters; what is cut out of the middle is shown as '...'."""
    if len(text) <= longest:
        return text
    kept = longest - 3
    return f"{text[: kept - kept // 2]}...{text[-(kept // 2) :]}"


def clean(value: Shown, *, ascii_only: bool = False) -> Shown:
    """The same data with all text in it made visible: once, at a renderer's door, so that no line can forget it."""

    def text(words: str, name: str) -> str:
        return visible(words, ascii_only=ascii_only, tabs=name in _TYPED)

    found: Shown = _cleaned(value, text)
    return found


def _cleaned(value: Any, text: Callable[[str, str], str], name: str = "") -> Any:  # noqa: ANN401 - any part of an Advice
    if isinstance(value, str):
        return text(value, name)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{f.name: _cleaned(getattr(value, f.name), text, f.name) for f in fields(value)})
    if isinstance(value, tuple):
        return tuple(_cleaned(item, text, name) for item in value)
    if isinstance(value, Mapping):
        return {_cleaned(key, text): _cleaned(item, text) for key, item in value.items()}
    return value
