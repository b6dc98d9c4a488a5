"""The time stamp of a log line: the year of one that names none, and the hour of one that has no zone."""

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import cache

ROTATION = timedelta(days=31)
"""How far time stamps may run backwards in one source: files of a rotated set joined in the wrong order, at most."""

JITTER = 60_000_000
"""Microseconds by which the lines of a log may be out of order though nobody set a clock back."""

_SECOND = 1_000_000
MONTH_NAMES = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_MONTHS = {name: number for number, name in enumerate(MONTH_NAMES, 1)}
_MINUTES = {f"{number:02}": number * 60 * _SECOND for number in range(60)}
_SECONDS = {f"{number:02}": number * _SECOND for number in range(70)}

_MONTH = rf"(?P<month>{'|'.join(MONTH_NAMES)})"
_DAY = r"(?P<day>[ 0-3]?\d)"
_WEEKDAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
# No year that a damaged byte made up: the lines after it would be counted on from there.
_YEAR = r"(?:19|20)\d\d"
_DATE = rf"(?P<date>{_YEAR}-[01]\d-[0-3]\d)"
_CLOCK = r"(?P<clock>(?P<hour>[01]\d|2[0-3]):(?P<minute>[0-5]\d):(?P<second>[0-6]\d))(?P<fraction>[.,]\d{1,9})?"
_OFFSET = r"[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?"

# Nov 22 12:00:09 mx1 postfix/smtpd[695]: connect from mail.good.example[203.0.113.10]
RFC3164 = re.compile(rf"(?P<date>{_MONTH} {_DAY}) {_CLOCK} ", re.ASCII)
# 2026-11-22T12:00:09.123456+01:00 mx1 postfix/smtpd[695]: connect from mail.good.example[203.0.113.10]
ISO8601 = re.compile(rf"{_DATE}[T ]{_CLOCK}(?P<zone>Z|{_OFFSET})? ", re.ASCII)
# Sun 2026-11-22 12:00:09 CET mx1 postfix/smtpd[695]: connect from ..., as `journalctl -o short-full` writes it
SHORT_FULL = re.compile(rf"{_WEEKDAY} {_DATE} {_CLOCK} (?P<zone>[A-Z]{{2,5}}|{_OFFSET}) ", re.ASCII)
# 2026 Nov 22 12:00:09.123 mx1 postfix/smtpd[695]: connect from ...
# Nov 22 2026 12:00:09 mx1 postfix/smtpd[695]: connect from ...
# Sun Nov 22 12:00:09 2026 mail.info postfix/smtpd[695]: connect from ..., as OpenWrt's logread writes it
WITH_YEAR = re.compile(
    rf"(?:{_WEEKDAY} )?(?:(?P<before>{_YEAR}) )?{_MONTH} {_DAY} (?:(?P<between>{_YEAR}) )?{_CLOCK} "
    rf"(?:(?P<after>{_YEAR}) )?",
    re.ASCII,
)
# 1795348809.123456 mx1 postfix/smtpd[695]: connect from ..., as `journalctl -o short-unix` writes it
UNIX = re.compile(r"(?P<seconds>[1-3]\d{9})(?P<fraction>\.\d{1,9}) ", re.ASCII)


def find(text: str, start: int = 0) -> re.Match[str] | None:
    """Find the time stamp that stands at a place in a text; the match ends where the rest of the line begins."""
    return (
        RFC3164.match(text, start)
        or ISO8601.match(text, start)
        or WITH_YEAR.match(text, start)
        or SHORT_FULL.match(text, start)
        or UNIX.match(text, start)
    )


class Clock:
    """Completes time stamps: the year of those without one, counted on from the first line, and the zone.

    The year is the earliest in which the time does not run backwards by more than ROTATION, so December after January
    belongs to the year before and January after December to the next; 29 February is looked for in a leap year only.
    Of the hour that comes twice when summer time ends, a stamp without zone means the first, until the time runs
    backwards by more than JITTER; from then on the second. Only that is forgotten by a clock that goes on `after` a
    date: it takes what is left of the second hour for the first. What is in the hour that summer time leaves out is
    read as winter time.
    """

    def __init__(self, year: int, zone: tzinfo, after: date | None = None) -> None:
        """Begin with the year of the first line, or go on `after` the date of the last line read before."""
        self.year = year
        self.zone = zone
        self._last = after
        # A busy log has thousands of lines an hour: date, hour and zone as the last stamp wrote them, and when that
        # hour began, in microseconds; None for an hour that is not sixty minutes which come once.
        self._said: tuple[str, str, str | None] = ("", "", None)
        self._start: int | None = None
        self._hour = datetime.min.replace(tzinfo=UTC)
        self._latest: tuple[date, int] | None = None

    @property
    def last(self) -> date | None:
        """The date of the last line, in the zone of the log."""
        return self._last

    @property
    def regular(self) -> bool:
        """Whether the hour of the last line is sixty minutes that come once."""
        return self._start is not None

    def stamp(self, text: str) -> tuple[int, int] | None:
        """Read the time at the start of a line: microseconds since 1970 (UTC) and where the rest begins."""
        found = find(text)
        time = None if found is None else self.complete(found)
        return None if found is None or time is None else (time, found.end())

    def complete(self, found: re.Match[str]) -> int | None:
        """Turn what find() found into microseconds since 1970; None for a day that no calendar has."""
        zone = None
        if found.re is RFC3164:
            day, _, _, _, hour, minute, second, fraction = found.groups()
        elif found.re is ISO8601 or found.re is SHORT_FULL:
            day, _, hour, minute, second, fraction, zone = found.groups()
        else:
            return self._since_1970(found) if found.re is UNIX else self._reordered(found)
        if (day, hour, zone) != self._said and not self._enter(found, zone):
            return None
        if self._start is None:
            time = self._twice(int(minute), zone) + _SECONDS[second]
        else:
            time = self._start + _MINUTES[minute] + _SECONDS[second]
        return time + _microseconds(fraction) if fraction else time

    def _since_1970(self, found: re.Match[str]) -> int:
        seconds = int(found["seconds"])
        self._last = datetime.fromtimestamp(seconds, self.zone).date()
        self.year = self._last.year
        self._said = ("", "", None)
        return seconds * _SECOND + _microseconds(found["fraction"])

    def _reordered(self, found: re.Match[str]) -> int | None:
        """Read a stamp WITH_YEAR as one of the usual forms; of those that begin with a weekday not all have a year."""
        year = found["before"] or found["between"] or found["after"]
        time = f"{found['clock']}{found['fraction'] or ''} "
        if year is None:
            usual = RFC3164.match(f"{found['month']} {found['day']} {time}")
        else:
            usual = ISO8601.match(f"{year}-{_MONTHS[found['month']]:02}-{int(found['day']):02}T{time}")
        return None if usual is None else self.complete(usual)

    def _enter(self, found: re.Match[str], zone: str | None) -> bool:
        """Go to the hour of a stamp; answers whether there is such a day."""
        day = self._day(_MONTHS[found["month"]], int(found["day"])) if found.re is RFC3164 else _date(found["date"])
        if day is None:
            return False
        self._last, self.year = day, day.year
        self._said = found["date"], found["hour"], zone
        self._hour = datetime(day.year, day.month, day.day, int(found["hour"]), tzinfo=_zone(zone) or self.zone)
        self._start = _microseconds_of(self._hour) if _is_whole(self._hour) else None
        return True

    def _day(self, month: int, day: int) -> date | None:
        """The day in the year it must belong to; None for a day that no calendar has, such as 30 February."""
        last = self._last
        if last is not None and (last.month, last.day) == (month, day):
            return last
        years = (self.year,) if last is None else (self.year - 1, self.year, self.year + 1)
        for year in years:
            try:
                found = date(year, month, day)
            except ValueError:
                continue
            if last is None or found >= last - ROTATION:
                return found
        return None

    def _twice(self, minute: int, zone: str | None) -> int:
        """The start of a minute that the zone may have twice, or not at all."""
        first = self._hour.replace(minute=minute)
        second = first.replace(fold=1)
        time, later = _microseconds_of(first), _microseconds_of(second)
        day = first.date()
        runs_back = self._latest is not None and self._latest[0] == day and time < self._latest[1] - JITTER
        if later > time and (zone == second.tzname() if zone else runs_back):
            time = later
        self._latest = day, time
        return time


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


@cache
def _zone(name: str | None) -> tzinfo | None:
    """`Z`, `UTC`, `+01:00`, `+0100` or `+01` as a zone; None for `CET`, as the zone of the log may call itself."""
    if name in {"Z", "UTC", "GMT"}:
        return UTC
    if name is None or name[0] not in "+-":
        return None
    offset = timedelta(hours=int(name[1:3]), minutes=int(name[3:].lstrip(":") or 0))
    return timezone(-offset if name[0] == "-" else offset)


def _is_whole(hour: datetime) -> bool:
    """Tell whether a local hour is sixty minutes that come once."""
    if isinstance(hour.tzinfo, timezone):
        return True
    end = hour.replace(minute=59, second=59)
    return len({moment.replace(fold=fold).utcoffset() for moment in (hour, end) for fold in (0, 1)}) == 1


def _microseconds_of(moment: datetime) -> int:
    return int(moment.timestamp()) * _SECOND


def _microseconds(fraction: str) -> int:
    """`.123` in microseconds."""
    return int(fraction[1:7].ljust(6, "0"))
