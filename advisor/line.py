"""The header of a log line: time, host, program and pid, before the program's own words."""

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cache
from typing import NamedTuple

ROTATION = timedelta(days=31)
"""How far time stamps may run backwards in one source: files of a rotated set joined in the wrong order, at most."""

LONG = 65_536
"""Bytes. No syslog daemon passes on a line this long; what is longer is kept, not understood."""

_MONTHS = {
    name: number
    for number, name in enumerate(
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"], 1
    )
}
_SECOND = 1_000_000

# Nov 22 12:00:09 mx1 postfix/smtpd[695]: connect from mail.good.example[203.0.113.10]
RFC3164 = re.compile(
    r"(?P<month>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) (?P<day>[ 0-3]?\d)"
    r" (?P<clock>[0-2]\d:[0-5]\d:[0-6]\d)(?P<fraction>\.\d{1,6})? ",
    re.ASCII,
)
# 2026-11-22T12:00:09.123456+01:00 mx1 postfix/smtpd[695]: connect from mail.good.example[203.0.113.10]
# No year that a damaged byte made up: the lines after it would be counted on from there.
ISO8601 = re.compile(
    r"(?P<date>(?:19|20)\d\d-[01]\d-[0-3]\d)[T ](?P<clock>[0-2]\d:[0-5]\d:[0-6]\d)"
    r"(?P<fraction>[.,]\d{1,9})?(?P<zone>Z|[+-](?:[01]\d|2[0-3]):?[0-5]\d)? ",
    re.ASCII,
)
# mx1 postfix/submission/smtpd[695]: connect from ...
# A host does not end in a colon: "postfix/smtpd[695]: warning: ..." without a host is not the program "warning".
TAG = re.compile(
    r"(?P<host>[^\s:](?:\S*[^\s:])?) (?P<tag>[^\s\[\]]+?)(?:\[(?P<pid>\d{1,10})\])?: ?(?P<text>.*)\Z",
    re.ASCII | re.DOTALL,
)


class Line(NamedTuple):
    """One log line taken apart; its text not yet understood. `time` is in microseconds since 1970, UTC."""

    time: int
    host: str
    syslog_name: str | None
    program: str
    pid: int | None
    text: str


class Clock:
    """Completes time stamps: the year of those without one, counted on from the first line, and the zone.

    The year is the earliest in which the time does not run backwards by more than ROTATION, so December after January
    belongs to the year before and January after December to the next; 29 February is looked for in a leap year only.
    """

    def __init__(self, year: int, zone: tzinfo, after: date | None = None) -> None:
        """Begin with the year of the first line, or go on `after` the date of the last line read before."""
        self.year = year
        self.zone = zone
        self._last = after
        self._hours: dict[str, int] = {}

    @property
    def last(self) -> date | None:
        """The date of the last line, in the zone of the log."""
        return self._last

    def stamp(self, text: str) -> tuple[int, int] | None:
        """Read the time at the start of a line: microseconds since 1970 (UTC) and where the rest begins."""
        if found := RFC3164.match(text):
            return self._without_year(found)
        if found := ISO8601.match(text):
            return self._with_year(found)
        return None

    def _without_year(self, found: re.Match[str]) -> tuple[int, int] | None:
        month, day, clock, fraction = found.groups()
        day_of_year = self._day(_MONTHS[month], int(day))
        if day_of_year is None:
            return None
        base = self._hour(day_of_year, clock[:2], self.zone)
        return None if base is None else (base + _within(clock, fraction), found.end())

    def _with_year(self, found: re.Match[str]) -> tuple[int, int] | None:
        day, clock, fraction, zone = found.groups()
        try:
            self._last = date.fromisoformat(day)
        except ValueError:
            return None
        self.year = self._last.year
        offset = self.zone if zone is None else _offset(zone)
        base = self._hour(self._last, clock[:2], offset)
        return None if base is None else (base + _within(clock, fraction), found.end())

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
                self._last, self.year = found, year
                return found
        return None

    def _hour(self, day: date, hour: str, zone: tzinfo) -> int | None:
        """The start of an hour in microseconds; kept, since a busy log has thousands of lines an hour."""
        key = f"{day}{hour}{zone}"
        known = self._hours.get(key)
        if known is None:
            if int(hour) > 23:
                return None
            local = datetime(day.year, day.month, day.day, int(hour), tzinfo=zone)
            known = self._hours[key] = int(local.timestamp()) * _SECOND
        return known


@cache
def _offset(zone: str) -> tzinfo:
    """`Z`, `+01:00` or `+0100` as a zone."""
    return datetime.strptime(zone, "%z").tzinfo or UTC


def _within(clock: str, fraction: str | None) -> int:
    """Microseconds since the full hour of `HH:MM:SS` and a fraction such as `.123`."""
    seconds = int(clock[3:5]) * 60 + int(clock[6:8])
    return seconds * _SECOND + (int(fraction[1:7].ljust(6, "0")) if fraction else 0)


def decode(raw: bytes) -> str | None:
    """Give a line's text; None where it is damaged (NUL bytes of a crash, a broken UTF-8 sequence, no end).

    What remains of a damaged line could be half of one and half of another, so not even its date is believed.
    """
    if b"\0" in raw or len(raw) > LONG:
        return None
    try:
        return raw.decode("utf-8").rstrip("\r")
    except UnicodeDecodeError:
        return None


def read(text: str, clock: Clock) -> Line | None:
    """Take a line apart; None where there is no header that we know.

    The tag is read from the right, so that `postfix/submission/smtpd` and `postfix-in/smtpd` are smtpd (Postfix 2.9
    put the service name into it).
    """
    stamp = clock.stamp(text)
    if stamp is None:
        return None
    found = TAG.match(text, stamp[1])
    if found is None:
        return None
    host, tag, pid, rest = found.groups()
    syslog_name, slash, program = tag.rpartition("/")
    return Line(stamp[0], host, syslog_name if slash else None, program, int(pid) if pid else None, rest)
