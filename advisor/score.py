"""A score: what a content filter's tests came to, and what is left of it without those about client and sender.

SpamAssassin (through amavis) and rspamd score reverse names, HELO names, DNS lists, SPF and DMARC beside the content.
Where every test is logged with its score, these are taken out, and the rest is held against the scores that the same
program called spam and clean in the same log: a rest as high as one that was called spam is spam, one as low as one
that was called clean is clean. Where those two overlap, or no test is logged with its score (spamd), nothing is known.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

# Hits: 7.301, ... Tests: [BAYES_99=3.5,RDNS_NONE=0.793]
_AMAVIS = re.compile(r"(?:.*?, )??Hits: (?P<total>-?\d+(?:\.\d+)?),.*?, Tests: \[(?P<tests>[^\]]*)\].*")
_AMAVIS_TEST = re.compile(r"(?P<name>[A-Za-z_0-9]+)=(?P<score>-?\d+(?:\.\d+)?)")
# [25.10/15.00]
_RSPAMD = re.compile(r"\[(?P<total>-?\d+(?:\.\d+)?)/-?\d+(?:\.\d+)?\]")
# BAYES_SPAM(5.10){100.00%;}
_RSPAMD_TEST = re.compile(r"(?P<name>[A-Z][A-Z_0-9]*)\((?P<score>-?\d+(?:\.\d+)?)\)(?:\{[^}]*\})?")

# The tests about what stands in the message. Of all others (RDNS_NONE, HELO_*, RCVD_IN_*, URIBL_*, SPF_*, DKIM_*,
# DMARC_*, FROM_*, TXREP, and any name that we do not know) nobody can say that they are not about the client.
_CONTENT = re.compile(
    r"(?:T_)?(?:BAYES_|GTUBE|RAZOR2_|PYZOR_|DCC_CHECK|FUZZY_|HTML_|MIME_|BODY_|BASE64_|SUBJ_|SUBJECT_|MPART_|"
    r"R_MISSING_CHARSET|UPPERCASE_|DRUGS_|MONEY_|LOTS_OF_MONEY|ADVANCE_FEE_|PHISHING)[A-Z_0-9]*"
)


@dataclass(frozen=True)
class Score:
    """What one message was called (True spam), its score, and the range in which the content alone lies.

    `highest` leaves out only what speaks for the client, `lowest` only what speaks against it.
    """

    spam: bool
    total: float
    lowest: float
    highest: float


def amavis(tail: str, *, spam: bool) -> Score | None:
    """The score in the tail of amavis' line; None where it does not show every test with its score."""
    found = _AMAVIS.fullmatch(tail)
    if found is None:
        return None
    tests = [_AMAVIS_TEST.fullmatch(test.strip()) for test in found["tests"].split(",")]
    return _score(found["total"], tests, spam=spam)


def rspamd(total: str, tests: str, *, spam: bool) -> Score | None:
    """The score in rspamd's line; its tests stand in brackets, with options in braces that may hold anything."""
    found = _RSPAMD.fullmatch(total)
    inner = tests.strip()
    if found is None or not (inner.startswith("[") and inner.endswith("]")):
        return None
    at, read = 1, []
    while at < len(inner) - 1:
        test = _RSPAMD_TEST.match(inner, at)
        if test is None:
            return None
        read.append(test)
        at = test.end() + (inner[test.end() : test.end() + 1] == ",")
    return _score(found["total"], read, spam=spam)


def _score(text: str, tests: Iterable[re.Match[str] | None], *, spam: bool) -> Score | None:
    total, against, favour, summed = float(text), 0.0, 0.0, 0.0
    for test in tests:
        if test is None:
            return None
        points = float(test["score"])
        summed += points
        if not _CONTENT.fullmatch(test["name"]):
            against, favour = against + max(points, 0), favour + min(points, 0)
    # Tests cut off at the end of a long line, or points from elsewhere (a white list, a user's own rule).
    if abs(summed - total) > 0.1:
        return None
    return Score(spam, total, total - against, total - favour)


def limits(scores: Iterable[Score]) -> tuple[float, float]:
    """The highest score that was called clean and the lowest that was called spam; endless where they overlap."""
    clean, spam = float("-inf"), float("inf")
    for score in scores:
        if score.spam:
            spam = min(spam, score.total)
        else:
            clean = max(clean, score.total)
    return (clean, spam) if clean < spam else (float("-inf"), float("inf"))
