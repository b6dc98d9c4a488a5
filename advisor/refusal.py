"""A refusal: the words of a verdict in many lines at once, without the subject, and which restriction says them.

It does what advisor.verdict does line by line, which stays the specification.
"""

from functools import lru_cache

import numpy as np
import pyarrow.compute as pc

from advisor.column import Mask, mask
from advisor.family import Fields
from advisor.marks import Marks
from advisor.template import Follows, Match
from advisor.verdict import name_restriction

CODE = r"[2-5]\d\d [245]\.\d{1,3}\.\d{1,3}"
"""A reply code and an enhanced status code: 450 4.7.25."""
CODES: dict[str, Follows] = {"reply": ("code", lambda code: code[:3]), "dsn": ("code", lambda code: code[4:])}
"""The columns that follow from it."""

_BLOCKED = b"] blocked using "
# A verdict whose words seem to end twice is ambiguous.
_ANOTHER_END = "; proto="


def refine(marks: Marks, match: Match) -> None:
    """Take the subject off the words and name the restriction and the list; what needs a closer look is dropped."""
    begin, end = match.spans["text"]
    subject = marks.bytes[begin] == ord("<")
    # <localhost>: Helo command rejected: need fully-qualified hostname
    closing = np.where(subject, marks.next_bracket(begin + 1, end), begin)
    fit = ~subject | (marks.says(closing, b">: ") & (closing < end))
    begin = np.where(subject, closing + 3, begin)
    fit &= (begin < end) & (marks.bytes[end - 1] != ord(" "))
    # Client host rejected: cannot find your reverse hostname, [203.0.113.20]
    opening = marks.next_bracket(begin, end)
    closing = marks.next_bracket(opening + 1, end)
    beyond = marks.next_bracket(closing + 1, end)
    address = opening < end
    pair = (marks.bytes[opening] == ord("[")) & (closing < end) & (marks.bytes[closing] == ord("]")) & (beyond >= end)
    fit &= ~address | pair
    match.spans["text"] = begin, end
    match.spans["said"] = begin, np.where(address, opening, end)
    match.spans["subject"] = np.where(address, opening + 1, end), np.where(address, closing, end)
    match.keep(fit)
    match.keep(~mask(pc.match_substring(marks.strings(*match.spans["text"]), _ANOTHER_END)))
    if len(match.rows):
        _name(marks, match)
    del match.spans["said"], match.spans["subject"]


def _name(marks: Marks, match: Match) -> None:
    """Add `restriction`, and `list` where a DNS list is named."""
    said, words = marks.encoded(*match.spans["said"])
    begin, end = match.spans["subject"]
    listed = marks.says(end, _BLOCKED)
    names = marks.strings(begin[listed], end[listed])
    literal = mask(pc.match_substring(names, ":")) | mask(pc.ascii_is_decimal(pc.replace_substring(names, ".", "")))
    # 0: no list is named; 1: a list of names; 2: a list of addresses
    way = np.zeros(len(match.rows), np.int64)
    way[listed] = 1 + literal
    found, codes = np.unique(said * 3 + way, return_inverse=True)
    verdicts = [_restriction(words[case // 3], int(case % 3)) for case in found]
    match.codes["restriction"] = codes, [restriction for restriction, _ in verdicts]
    _add_lists(marks, match, np.array([names_list for _, names_list in verdicts], np.bool_)[codes])


@lru_cache(maxsize=10_000)
def _restriction(said: str, way: int) -> tuple[str, bool]:
    """The restriction that says words which end before an address in brackets, and whether they name a list."""
    subject = ("", "[example.com", "[192.0.2.1")[way]
    fields: Fields = {"text": f"{said}{subject}{_BLOCKED.decode()}list" if way else said}
    name_restriction(fields)
    return fields["restriction"], "list" in fields


def _add_lists(marks: Marks, match: Match, listed: Mask) -> None:
    """Add the list: what stands behind `blocked using`, up to a space, a semicolon or the end of the words."""
    begin = np.where(listed, match.spans["subject"][1] + len(_BLOCKED), 0)
    stop = match.spans["text"][1]
    end = np.minimum(marks.next_space(begin, stop), stop)
    end -= marks.bytes[end - 1] == ord(";")
    rows = np.flatnonzero(listed)
    found, words = marks.encoded(begin[rows], end[rows])
    codes = np.full(len(listed), len(words), np.int64)
    codes[rows] = found
    good = np.array([bool(word) and ";" not in word for word in words] + [True])
    match.codes["list"] = codes, [*words, None]
    match.keep(good[codes])
