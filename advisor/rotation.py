"""A rotated set of logs: what the files' names and times say about the years of their lines."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, timedelta
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from advisor import marks
from advisor.layer import innermost
from advisor.line import decode
from advisor.stamp import ISO8601, UNIX, Clock, find

SLACK = timedelta(days=1)
"""How far a log's last line may lie beyond the date of its file: logrotate's `dateyesterday`, and other zones."""

# maillog-20261122   mail.log-2026112203.gz (hourly)   x.maillog-2026-11-22.gz
_DATE = re.compile(r"(?<!\d)((?:19|20)\d\d)([-_.]?)(\d\d)\2(\d\d)(?:\2[0-2]\d)?(?!\d)")

# maillog   mail.log.12.gz   maillog-20261122   mail.log-2026112203.xz   maillog-2026-11-22.zst
_ROTATED = re.compile(r"(?P<log>.*?)(?:[.-](?P<stamp>\d[\d._-]*))?(?:\.(?:gz|bz2|xz|zst))?", re.ASCII)

_PREFIX = len("2026-11-22")
_FORMS = 8
_LEAP_CYCLE = 4
_LEAP_YEAR = 2000


def date_in_name(name: str) -> date | None:
    """Find the date that logrotate's `dateext` put into a file's name; the last one where there are several."""
    found = None
    for year, _, month, day in _DATE.findall(name):
        try:
            found = date(int(year), int(month), int(day))
        except ValueError:
            continue
    return found


def is_rotated(name: str, log: str) -> bool:
    """Tell whether a file has a log's name, or that of a file of its rotated set."""
    found = _ROTATED.fullmatch(name)
    return found is not None and found["log"] == log


def rank(name: str) -> int:
    """Order the names of a rotated set: the older the lower. A higher number is older, and so is an earlier date."""
    found = _ROTATED.fullmatch(name)
    digits = re.sub(r"\D", "", found["stamp"] or "") if found else ""
    if not digits:
        return 1
    # No set has a thousand files; more digits are a date, perhaps with its hour.
    return -int(digits) if len(digits) < 4 else int(digits[:10].ljust(10, "0")) - 10**10


class Change(NamedTuple):
    """A line with another date than the one before it: where it starts, the text of its time stamp, its date.

    The date is of 2000 where the year is not `written`. A Clock reads the text, wherever in the line that stood.
    """

    offset: int
    text: str
    date: date
    written: bool


def find_stamp(text: str) -> re.Match[str] | None:
    """Find the time stamp of a line by which its reader goes: of headers within one another the innermost's."""
    layer = innermost(text)
    return layer.stamp if layer is not None and layer.tag else find(text)


def changes(blocks: Iterable[bytes]) -> Iterator[Change]:
    """Find the lines before which the date changes, the first one's included; no other line can move a Clock.

    `blocks` hold whole lines; offsets are from the beginning of the first. A line that begins with the same
    date as the one before it is not searched for another header within.
    """
    return changes_in((data, len(data)) for data in blocks)


def changes_in(blocks: Iterable[tuple[bytes, int]]) -> Iterator[Change]:
    """Find the same in blocks of which some first bytes are whole lines; the rest is looked at with the next block."""
    offset, seen = 0, None
    prefixes: tuple[bytes, ...] = ()
    for data, length in blocks:
        for begin, end in pairwise([*(run for run in _runs(data) if run < length), length]):
            for start in _starts(data, begin, end):
                if data.startswith(prefixes, start, start + _PREFIX):
                    break
                if data.startswith(prefixes, start):
                    continue
                stop = data.find(b"\n", start)
                stop = stop if stop >= 0 else len(data)
                text = decode(data[start:stop]) if stop - start > _PREFIX else None
                found = None if text is None else find_stamp(text)
                if text is None or found is None or (change := _change(found, offset + start)) is None:
                    continue
                if seen is None or seen[2:] != change[2:]:
                    seen, prefixes = change, ()
                    yield change
                if len(prefixes) < _FORMS and (prefix := _prefix(text, found)):
                    prefixes = (*prefixes, prefix)
        offset += length


def _starts(data: bytes, begin: int, end: int) -> Iterator[int]:
    """Say where each line begins."""
    while begin < end:
        yield begin
        begin = data.find(b"\n", begin) + 1 or end


def _runs(data: bytes) -> list[int]:
    """Say where the lines begin whose first _PREFIX bytes are not those of the line before, and where the last ends.

    So few bytes before the end that there is no room for a header, each line is one.
    """
    if marks.scanner is not None:
        return [*marks.scanner.runs(data, _PREFIX), len(data)]
    starts = np.concatenate(([0], np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n")) + 1))
    starts = starts[:-1] if starts[-1] == len(data) else starts
    count = int(np.searchsorted(starts, len(data) - _PREFIX, side="right"))
    other = np.ones(len(starts), np.bool_)
    if count:
        # Views that begin at every byte: no line is copied.
        heads = np.ndarray((len(data) - 7,), "<u8", data, strides=(1,))[starts[:count]]
        tails = np.ndarray((len(data) - 1,), "<u2", data, strides=(1,))[starts[:count] + 8]
        other[1:count] = (heads[1:] != heads[:-1]) | (tails[1:] != tails[:-1])
    return [*starts[other].tolist(), len(data)]


def _change(found: re.Match[str], offset: int) -> Change | None:
    """Read a stamp's date; None for one that no calendar has."""
    if (day := _date(found, _LEAP_YEAR)) is None:
        return None
    written = day.year != _LEAP_YEAR or day == _date(found, _LEAP_YEAR + _LEAP_CYCLE)
    return Change(offset, found[0], day, written)


def _date(found: re.Match[str], year: int) -> date | None:
    clock = Clock(year, UTC)
    clock.complete(found)
    return clock.last


def _prefix(text: str, found: re.Match[str]) -> bytes:
    """What a line of the same form and date begins with; empty where its date does not stand before its time."""
    if found.re is UNIX or found.groupdict().get("after") or not text.endswith(found.string):
        return b""
    # Of a day such as 2 that is but a digit, the space behind it as well.
    end = found.end("date") if found.re is ISO8601 else found.start("clock")
    return text[: len(text) - len(found.string) + end].encode()


def first_year(blocks: Iterable[bytes], anchor: date, year: int | None = None) -> int | None:
    """Tell the year of a log's first line from its blocks of whole lines, as year_of() does."""
    return year_of(changes(blocks), anchor, year)


def year_of(dates: Iterable[Change], anchor: date, year: int | None = None) -> int | None:
    """Tell the year of a log's first line: from the date its last line cannot be later than, or from that line's year.

    A date with a year in the log itself is a better anchor than either, and ends the search.
    None where no year fits: only if `year` is given, and 29 February or the log's own dates rule it out.
    """
    # Which year a date belongs to (advisor.line.Clock) depends on leap years, so on the first year's place in their
    # cycle and on nothing else: four clocks say it for all years. (For 2100 they are wrong.)
    clocks = [Clock(_LEAP_YEAR + place, UTC) for place in range(_LEAP_CYCLE)]
    unfit: set[int] = set()
    for change in dates:
        if change.written:
            anchor, year = change.date, None
            break
        for place, clock in enumerate(clocks):
            clock.stamp(change.text)
            if _is_leap_day(change.date) and not _is_leap_day(clock.last):
                unfit.add(place)
    return _choose([clock.last for clock in clocks], unfit, anchor, year)


def _is_leap_day(day: date | None) -> bool:
    return day is not None and (day.month, day.day) == (2, 29)


def _choose(lasts: list[date | None], unfit: set[int], anchor: date, year: int | None) -> int | None:
    """Take the latest first year with which the last line keeps to the anchor, or falls into the year asked for."""
    reached = {place: _LEAP_YEAR + place - last.year for place, last in enumerate(lasts) if last is not None}
    if not reached:
        return anchor.year if year is None else year
    latest = anchor + SLACK
    newest = year or latest.year
    # Time may run backwards, so the first line's year can be the later one too.
    years = range(newest + max(reached.values()), newest + min(reached.values()) - 2 * _LEAP_CYCLE - 1, -1)
    for choosy in (True, False) if year is None else (True,):
        for first in years:
            place = first % _LEAP_CYCLE
            last = lasts[place]
            if last is None or (choosy and place in unfit):
                continue
            end = (first - reached[place], last.month, last.day)
            if end[0] == year or (year is None and end <= (latest.year, latest.month, latest.day)):
                return first
    return None
