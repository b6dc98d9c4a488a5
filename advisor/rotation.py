"""A rotated set of logs: what the files' names and times say about the years of their lines."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, timedelta

from advisor.line import ISO8601, RFC3164, Clock, decode

SLACK = timedelta(days=1)
"""How far a log's last line may lie beyond the date of its file: logrotate's `dateyesterday`, and other zones."""

# maillog-20261122   mail.log-2026112203.gz (hourly)   x.maillog-2026-11-22.gz
_DATE = re.compile(r"(?<!\d)((?:19|20)\d\d)([-_.]?)(\d\d)\2(\d\d)(?:\2[0-2]\d)?(?!\d)")

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


def first_year(blocks: Iterable[bytes], anchor: date, year: int | None = None) -> int | None:
    """Tell the year of a log's first line: from the date its last line cannot be later than, or from that line's year.

    `blocks` hold whole lines. A date with a year in the log itself is a better anchor than either, and ends the search.
    None where no year fits: only if `year` is given, and 29 February or the log's own dates rule it out.
    """
    # Which year a date belongs to (advisor.line.Clock) depends on leap years, so on the first year's place in their
    # cycle and on nothing else: four clocks say it for all years. (For 2100 they are wrong.)
    clocks = [Clock(_LEAP_YEAR + place, UTC) for place in range(_LEAP_CYCLE)]
    unfit: set[int] = set()
    for text in _changes(blocks):
        if found := ISO8601.match(text):
            if (written := _parse(found["date"])) is None:
                continue
            anchor, year = written, None
            break
        for place, clock in enumerate(clocks):
            clock.stamp(text)
            if text.startswith("Feb 29") and not _on_leap_day(clock):
                unfit.add(place)
    return _choose([clock.last for clock in clocks], unfit, anchor, year)


def _changes(blocks: Iterable[bytes]) -> Iterator[str]:
    """Find the lines with a time stamp before which the day may have changed; the others cannot move a Clock."""
    seen = b""
    for data in blocks:
        for line in data.split(b"\n"):
            if line[:6] == seen or (text := decode(line)) is None:
                continue
            if RFC3164.match(text):
                seen = line[:6]
                yield text
            elif ISO8601.match(text):
                yield text


def _parse(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _on_leap_day(clock: Clock) -> bool:
    return clock.last is not None and (clock.last.month, clock.last.day) == (2, 29)


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
