"""The values of the fields that a template found: whether the pattern allows them, and what follows from them.

Where few values are to be expected each of them is looked at once, whatever the number of lines that hold it.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from advisor.column import Mask, mask, numbers
from advisor.event import CODED, SCHEMA
from advisor.family import IP, SECONDS
from advisor.marks import Marks, Positions
from advisor.scan import DIGITS
from advisor.template import Match, Template

NUMBERS = {
    field.name: field.type for field in SCHEMA if pa.types.is_integer(field.type) or pa.types.is_floating(field.type)
}
"""The columns that hold numbers, with their types."""

# What a column's field may hold in each family, in RE2's syntax. \d is ASCII there.
_PATTERNS = {
    "delay": SECONDS,
    "reply": r"[2-5]\d\d",
    "dsn": r"[245]\.\d{1,3}\.\d{1,3}",
    "proto": "E?SMTP",
}
_ADDRESS = re.compile(IP, re.ASCII)
_NO_QUEUE_ID = b"NOQUEUE:"
_QUEUE_ID = range(5, 26)


def read_values(marks: Marks, template: Template, match: Match) -> None:
    """Drop the lines that hold what no pattern allows, and encode or convert the fields of the others."""
    followed = {name for name, _ in template.follow.values()}
    for column in list(match.spans):
        begin, end = match.spans[column]
        pattern = template.where.get(column) or _PATTERNS.get(column)
        if column == "queue_id" and marks.scanner is not None:
            # It has been looked at already.
            continue
        if column == "queue_id":
            fit = (end - begin >= _QUEUE_ID.start) & (end - begin < _QUEUE_ID.stop) & ~marks.says(begin, _NO_QUEUE_ID)
            texts = match.texts[column] = marks.strings(begin, end)
            match.keep(fit & mask(pc.ascii_is_alnum(texts)))
        elif column == "client_address":
            match.keep(_addresses(marks, begin, end))
        elif column in template.without:
            texts = match.texts[column] = marks.strings(begin, end)
            match.keep(~mask(pc.match_substring(texts, template.without[column])))
        elif column in DIGITS:
            match.numbers[column], fit = marks.numbers(begin, end)
            match.keep(fit & (end - begin <= DIGITS[column]))
        elif column in CODED or column in followed:
            _encode(marks, match, column, pattern)
        elif pattern:
            _match(marks, match, column, pattern)
        if not len(match.rows):
            return
    for column, (other, says) in template.follow.items():
        codes, words = match.codes[other]
        match.codes[column] = codes, [None if word is None else says(word) for word in words]


@lru_cache(maxsize=50_000)
def is_address(text: str) -> bool:
    """Tell whether a text is an IPv4 or IPv6 address, as the patterns read it."""
    return _ADDRESS.fullmatch(text) is not None


def _addresses(marks: Marks, begin: Positions, end: Positions) -> Mask:
    """Tell which ranges are addresses."""
    fit = marks.ipv4(begin, end)
    if not fit.all():
        rows = np.flatnonzero(~fit)
        codes, texts = marks.encoded(begin[rows], end[rows])
        fit[rows] = np.array([is_address(text) for text in texts], np.bool_)[codes]
    return fit


def _match(marks: Marks, match: Match, column: str, pattern: str) -> None:
    """Drop the lines whose field is not all of a pattern; make numbers of a column of numbers."""
    texts = match.texts[column] = marks.strings(*match.spans[column])
    match.keep(mask(pc.match_substring_regex(texts, rf"\A(?:{pattern})\z")))
    if column in NUMBERS:
        match.numbers[column] = numbers(match.texts.pop(column).cast(NUMBERS[column]))


def _encode(marks: Marks, match: Match, column: str, pattern: str | None) -> None:
    words: list[Any]
    codes, words = marks.encoded(*match.spans[column])
    if pattern:
        good = _allowed(words, pattern)
        if not good.all():
            match.keep(good[codes])
            codes = codes[good[codes]]
            words = [word if allowed else None for word, allowed in zip(words, good.tolist(), strict=True)]
    match.codes[column] = codes, words


def _allowed(words: Sequence[str], pattern: str) -> Mask:
    """Tell which words are all of a pattern; not Arrow's, which compiles it anew for every block."""
    fits = re.compile(pattern, re.ASCII).fullmatch
    return np.array([fits(word) is not None for word in words], np.bool_)
