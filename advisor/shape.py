"""The shape of a line: its text with what varies taken out, so that a new family shows as one row with a count."""

import re
from collections import Counter
from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from advisor.event import UNRECOGNISED

SAMPLES = 10
"""Shapes shown at most."""
CUT = 200
"""Characters of a sample."""

_VARIES = (
    (re.compile(r"<[^<>]*>"), "<>"),
    (re.compile(r"\[[^\[\]]*\]"), "[]"),
    (re.compile(r"\b[0-9A-F]{8,}\b|\d+"), "N"),
    (re.compile(r"[\w.+=-]+@[\w.-]+"), "ADDRESS"),
)


def shape(text: str) -> str:
    """The text without addresses, numbers and queue ids, cut to CUT characters."""
    for pattern, word in _VARIES:
        text = pattern.sub(word, text)
    return text[:CUT]


def shapes(texts: Iterable[str]) -> tuple[tuple[str, int, str], ...]:
    """The most frequent shapes with their counts and a sample of each."""
    counts: Counter[str] = Counter()
    first: dict[str, str] = {}
    for text in texts:
        found = shape(text[: 4 * CUT])
        counts[found] += 1
        first.setdefault(found, text[:CUT])
    return tuple((found, count, first[found]) for found, count in counts.most_common(SAMPLES))


def listing(events: pa.Table) -> str:
    """What was not understood, grouped by shape with counts: ready to paste into a report of a new family."""
    texts = events.filter(pc.field("kind") == UNRECOGNISED)["text"].to_pylist()
    if not texts:
        return "Every line of the programs we know was understood.\n"
    lines = [f"{len(texts):,} lines were not understood; by shape:", ""]
    for found, count, sample in shapes(texts):
        lines += [f"{count:>8,}  {_printable(found)}", f"{'':8}  {_printable(sample)}", ""]
    return "\n".join(lines)


def _printable(text: str) -> str:
    """The text with what a terminal would obey spelled out."""
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)
