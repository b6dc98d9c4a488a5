"""A content filter: what amavis, SpamAssassin, rspamd, ClamAV and a milter's refusal said of each attempt's message."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow.compute as pc

from advisor import score
from advisor.case import Case, Mask
from advisor.handover import Event, Handover
from advisor.score import Score

_SPAM = frozenset({"spam", "reject", "add header", "rewrite subject"})
"""spamd's word, and rspamd's actions; `greylist` and `soft reject` are about the client's pace and say neither."""
_CLEAN = frozenset({"clean", "no action"})

# Spam message rejected (rspamd)   Blocked by SpamAssassin (spamass-milter)   5.7.0 Reject, id=00406-02 - spam (amavis)
_REFUSED_SPAM = re.compile(
    r"Spam message rejected.*|Blocked by SpamAssassin.*|"
    r"(?:\S+ said: )?(?:\d{3} )?(?:5\.7\.\d )?Reject, id=[\w-]+ - spam\b.*",
    re.IGNORECASE,
)
# virus Eicar-Test-Signature detected by ClamAV - http://www.clamav.net   Reject, id=00406-02 - INFECTED: Eicar
_REFUSED_VIRUS = re.compile(
    r"(?:virus|malware) \S+ detected by ClamAV.*|"
    r"(?:\S+ said: )?(?:\d{3} )?(?:5\.7\.\d )?Reject, id=[\w-]+ - (?:INFECTED|VIRUS)\b.*",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Filtered:
    """The attempts that were called spam, clean, infected; and those called so by what stands in the message alone."""

    spam: Mask
    clean: Mask
    virus: Mask
    content_spam: Mask
    content_clean: Mask


def filtered(case: Case) -> Filtered:
    """What all filters said; `case.once(filtered)` asks once."""
    spam = case.matching("filter_result", lambda result: " SPAM" in result)
    clean = case.matching("filter_result", lambda result: result.endswith(" CLEAN"))
    virus = case.matching("filter_result", lambda result: result.endswith(" INFECTED"))
    # Words prove nothing unless a milter or a proxy said them: at the end of the message.
    ended = case.where("stage", ["END-OF-MESSAGE", "DATA"]) & case.where("action", ["reject"])
    spam |= ended & case.matching("text", lambda text: _REFUSED_SPAM.fullmatch(text) is not None)
    virus |= ended & case.matching("text", lambda text: _REFUSED_VIRUS.fullmatch(text) is not None)
    said = case.events.filter((pc.field("kind") == "scanned") & pc.field("result").is_valid())
    for event, rows in case.once(Handover).each(said) if said.num_rows else ():
        result = event["result"]
        target = spam if result in _SPAM else clean if result in _CLEAN and not _virus_scan(event) else None
        if result == "infected":
            target = virus
        if target is not None:
            target[rows] = True
    content_spam, content_clean = _by_content(case)
    return Filtered(spam, clean & ~spam & ~virus, virus, content_spam, content_clean & ~virus)


def _virus_scan(event: Event) -> bool:
    """That ClamAV found nothing says nothing of spam."""
    return event["program"] in ("clamd", "clamav-milter", "clamsmtpd")


def _by_content(case: Case) -> tuple[Mask, Mask]:
    """The attempts whose message would have been called spam, or clean, for its content alone."""
    spam, clean = case.rows(()), case.rows(())
    # Amavis logs the tests where its template says so (log_verbose_templ).
    shown = (pc.field("kind") == "filtered") & pc.match_substring(pc.field("reason"), "Tests: [")
    found = case.events.filter((shown | (pc.field("program") == "rspamd")) & pc.field("result").is_valid())
    if not found.num_rows:
        return spam, clean
    scores: dict[str, list[tuple[Score, list[int]]]] = {"amavis": [], "rspamd": []}
    for event, rows in case.once(Handover).each(found):
        for program, one in _scored(event):
            scores[program].append((one, rows))
    for pairs in scores.values():
        highest_clean, lowest_spam = score.limits(one for one, _ in pairs)
        for one, rows in pairs:
            spam[rows] |= one.spam and one.lowest >= lowest_spam
            clean[rows] |= not one.spam and one.highest <= highest_clean
    return spam, clean


def _scored(event: Event) -> Iterator[tuple[str, Score]]:
    result, tail = event["result"], event["reason"] or ""
    found = None
    if event["program"] in ("amavis", "amavisd") and (" SPAM" in result or result.endswith(" CLEAN")):
        found = score.amavis(tail, spam=" SPAM" in result)
    elif event["program"] == "rspamd" and result in _SPAM | _CLEAN:
        found = score.rspamd(event["text"] or "", tail, spam=result in _SPAM)
    if found is not None:
        yield "rspamd" if event["program"] == "rspamd" else "amavis", found
