"""The values of the fields that a template found: whether the pattern allows them, and what follows from them.

Where few values are to be expected each of them is looked at once, whatever the number of lines that hold it.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from advisor.event import CODED, SCHEMA
from advisor.family import IP, SECONDS
from advisor.marks import Marks, Mask
from advisor.template import Match, Template

NUMBERS = {
    field.name: field.type
    for field in SCHEMA
    if pa.types.is_integer(field.type) or pa.types.is_floating(field.type)
}
"""The columns that hold numbers, with their types."""

# What a column's field may hold in each family, in RE2's syntax. \d is ASCII there.
_PATTERNS = {
    "delay": SECONDS,
    "reply": r"[2-5]\d\d",
    "dsn": r"[245]\.\d{1,3}\.\d{1,3}",
    "proto": "E?SMTP",
}
# Digits at most; what is longer is left to the pattern.
_DIGITS = {"client_port": 5, "size": 8, "nrcpt": 8}
_ADDRESS = re.compile(IP, re.ASCII)
_QUEUE_ID = range(5, 26)


def read_values(marks: Marks, template: Template, match: Match) -> None:
    """Drop the lines that hold what no pattern allows, and encode or convert the fields of the others."""
    for column in list(match.spans):
        pattern = template.where.get(column) or _PATTERNS.get(column)
        if not len(match.rows):
            return
        if column == "queue_id":
            _keep_queue_ids(marks, match)
        elif column == "client_address":
            _keep_addresses(marks, match)
        elif column in template.without:
            fit = pc.match_substring(marks.strings(*match.spans[column]), template.without[column])
            match.keep(~fit.to_numpy(zero_copy_only=False))
        elif column in _DIGITS:
            match.numbers[column], fit = marks.numbers(*match.spans[column])
            begin, end = match.spans[column]
            match.keep(fit & (end - begin <= _DIGITS[column]))
        elif column in NUMBERS:
            _convert(marks, match, column, pattern)
        elif column in CODED or pattern or column in {name for name, _ in template.follow.values()}:
            _encode(marks, match, column, pattern)
    for column, (other, says) in template.follow.items():
        codes, words = match.codes[other]
        match.codes[column] = codes, [says(word) for word in words]


def _keep_queue_ids(marks: Marks, match: Match) -> None:
    begin, end = match.spans["queue_id"]
    length = end - begin
    fit = (length >= _QUEUE_ID.start) & (length < _QUEUE_ID.stop)
    fit &= pc.ascii_is_alnum(marks.strings(begin, end)).to_numpy(zero_copy_only=False)
    match.keep(fit)


def _keep_addresses(marks: Marks, match: Match) -> None:
    begin, end = match.spans["client_address"]
    fit = marks.ipv4(begin, end)
    rest = np.flatnonzero(~fit)
    if len(rest):
        texts = marks.strings(begin[rest], end[rest]).dictionary_encode()
        fit[rest] = np.array([_is_address(text) for text in texts.dictionary.to_pylist()], np.bool_)[texts.indices.to_numpy()]
        match.keep(fit)


def _convert(marks: Marks, match: Match, column: str, pattern: str | None) -> None:
    texts = marks.strings(*match.spans[column])
    fit = pc.match_substring_regex(texts, rf"\A(?:{pattern})\z").to_numpy(zero_copy_only=False)
    if not fit.all():
        match.keep(fit)
        texts = texts.filter(pa.array(fit))
    match.numbers[column] = texts.cast(NUMBERS[column]).to_numpy()


def _encode(marks: Marks, match: Match, column: str, pattern: str | None) -> None:
    encoded = marks.strings(*match.spans[column]).dictionary_encode()
    codes = encoded.indices.to_numpy().astype(np.int64)
    words = encoded.dictionary.to_pylist()
    if pattern:
        good = _allowed(words, pattern)
        if not good.all():
            match.keep(good[codes])
            codes = codes[good[codes]]
    match.codes[column] = codes, words


@lru_cache(maxsize=50_000)
def _is_address(text: str) -> bool:
    return _ADDRESS.fullmatch(text) is not None


def _allowed(words: Sequence[str], pattern: str) -> Mask:
    """Tell which words are all of a pattern; not Arrow's, which compiles it anew for every block."""
    fits = re.compile(pattern, re.ASCII).fullmatch
    return np.array([fits(word) is not None for word in words], np.bool_)
