from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.line import LONG, ROTATION, Clock, Line, decode, read

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str, clock: Clock | None = None) -> datetime:
    line = read(f"{text} mx1 postfix/smtpd[695]: connect", clock or Clock(2026, UTC))
    assert line is not None
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=line.time)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Nov 22 12:00:09", utc(2026, 11, 22, 12, 0, 9)),
        ("Nov  2 12:00:09", utc(2026, 11, 2, 12, 0, 9)),
        ("Nov 2 12:00:09", utc(2026, 11, 2, 12, 0, 9)),
        ("Nov 02 12:00:09", utc(2026, 11, 2, 12, 0, 9)),
        ("Nov 22 12:00:09.5", utc(2026, 11, 22, 12, 0, 9, 500_000)),
        ("Nov 22 12:00:09.000017", utc(2026, 11, 22, 12, 0, 9, 17)),
        ("Nov 22 23:59:60", utc(2026, 11, 23)),
        ("2025-11-22T12:00:09Z", utc(2025, 11, 22, 12, 0, 9)),
        ("2025-11-22 12:00:09", utc(2025, 11, 22, 12, 0, 9)),
        ("2025-11-22T12:00:09.123456+01:00", utc(2025, 11, 22, 11, 0, 9, 123_456)),
        ("2025-11-22T12:00:09,123+0100", utc(2025, 11, 22, 11, 0, 9, 123_000)),
        ("2025-11-22T12:00:09.123456789-03:30", utc(2025, 11, 22, 15, 30, 9, 123_456)),
        ("2025-11-22T00:30:00+05:45", utc(2025, 11, 21, 18, 45)),
    ],
)
def test_time_stamps(text: str, expected: datetime) -> None:
    assert at(text) == expected


def test_a_time_without_zone_is_of_the_zone_of_the_log() -> None:
    assert at("Nov 22 12:00:09", Clock(2026, BERLIN)) == utc(2026, 11, 22, 11, 0, 9)
    assert at("Jul 22 12:00:09", Clock(2026, BERLIN)) == utc(2026, 7, 22, 10, 0, 9)
    assert at("2026-07-22T12:00:09", Clock(2026, BERLIN)) == utc(2026, 7, 22, 10, 0, 9)
    assert at("Nov 22 12:10:09", Clock(2026, ZoneInfo("Asia/Kathmandu"))) == utc(2026, 11, 22, 6, 25, 9)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Nov 22",
        "Nov 22 12:00:09",
        "Nov 31 12:00:09 mx1 postfix/smtpd[695]: connect",
        "Nov 00 12:00:09 mx1 postfix/smtpd[695]: connect",
        "Feb 29 12:00:09 mx1 postfix/smtpd[695]: connect",
        "Nov 22 24:00:09 mx1 postfix/smtpd[695]: connect",
        "nov 22 12:00:09 mx1 postfix/smtpd[695]: connect",
        " Nov 22 12:00:09 mx1 postfix/smtpd[695]: connect",
        "Nov ٢٢ 12:00:09 mx1 postfix/smtpd[695]: connect",
        "2026-13-22T12:00:09 mx1 postfix/smtpd[695]: connect",
        "2026-02-29T12:00:09 mx1 postfix/smtpd[695]: connect",
        "2026-11-22T24:00:09 mx1 postfix/smtpd[695]: connect",
        "2026-11-22T12:00:09+99:99 mx1 postfix/smtpd[695]: connect",
        "2026-11-22T12:00:09+24:00 mx1 postfix/smtpd[695]: connect",
        "Nov 22 12:00:09 mx1 last message repeated 2 times",
        "Nov 22 12:00:09 mx1 -- MARK --",
        "Nov 22 12:00:09 postfix/smtpd[695]: warning: this line has no host",
        "Nov 22 12:00:09 postfix/smtpd[695]: connect from a.example[192.0.2.1]",
    ],
)
def test_no_header(text: str) -> None:
    assert read(text, Clock(2026, UTC)) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mx1 postfix/smtpd[695]: connect", ("mx1", "postfix", "smtpd", 695, "connect")),
        ("mx1 postfix/submission/smtpd[695]: x", ("mx1", "postfix/submission", "smtpd", 695, "x")),
        ("mx1 postfix-in/smtpd[695]: x", ("mx1", "postfix-in", "smtpd", 695, "x")),
        ("mx1 postfix/postfix-script[1]: x", ("mx1", "postfix", "postfix-script", 1, "x")),
        ("mx1 postgrey[252]: action=pass", ("mx1", None, "postgrey", 252, "action=pass")),
        ("mx1 postgrey: action=pass", ("mx1", None, "postgrey", None, "action=pass")),
        ("mx1 postgrey[252]:action=pass", ("mx1", None, "postgrey", 252, "action=pass")),
        ("mx1 postfix/smtpd[695]: ", ("mx1", "postfix", "smtpd", 695, "")),
        ("mx1 postfix/smtpd[695]: a\nb", ("mx1", "postfix", "smtpd", 695, "a\nb")),
        ("2001:db8::1 kernel: [1.5] eth0: up", ("2001:db8::1", None, "kernel", None, "[1.5] eth0: up")),
        ("mx1 policyd-spf[699]: : prepend", ("mx1", None, "policyd-spf", 699, ": prepend")),
        ("mx1 a[99999999999]: x", None),
    ],
)
def test_tags(text: str, expected: tuple[str, str | None, str, int | None, str] | None) -> None:
    line = read(f"Nov 22 12:00:09 {text}", Clock(2026, UTC))
    assert (line and line[1:]) == expected


def dates(year: int, *days: str) -> list[str]:
    clock = Clock(year, UTC)
    return [at(f"{day} 12:00:00", clock).date().isoformat() for day in days]


def test_january_after_december_is_of_the_next_year() -> None:
    assert dates(2025, "Dec 31", "Jan  1", "Dec 31", "Jan  1") == [
        "2025-12-31",
        "2026-01-01",
        "2025-12-31",
        "2026-01-01",
    ]


def test_time_may_run_back_by_a_rotation() -> None:
    assert dates(2026, "Nov 22", "Oct 22", "Oct 21") == ["2026-11-22", "2026-10-22", "2026-10-21"]
    assert dates(2026, "Nov 22", "Oct 21") == ["2026-11-22", "2027-10-21"]


def test_years_go_on_through_a_long_log() -> None:
    assert dates(2024, "Jan  1", "Jul  1", "Feb  1", "Dec  1", "Feb  1") == [
        "2024-01-01",
        "2024-07-01",
        "2025-02-01",
        "2025-12-01",
        "2026-02-01",
    ]


def test_leap_day() -> None:
    assert dates(2024, "Feb 28", "Feb 29", "Mar  1") == ["2024-02-28", "2024-02-29", "2024-03-01"]
    assert dates(2023, "Dec 31", "Feb 29") == ["2023-12-31", "2024-02-29"]


def test_a_date_with_a_year_is_believed_and_counted_on_from() -> None:
    clock = Clock(2026, UTC)
    assert [at(stamp, clock).year for stamp in ("Nov 22 12:00:00", "2019-12-31T00:00:00Z", "Jan  1 00:00:00")] == [
        2026,
        2019,
        2020,
    ]


def test_a_damaged_year_is_not_counted_on_from() -> None:
    clock = Clock(2026, UTC)
    for text in ("0001-01-01T00:00:00Z mx1 a: b", "9999-12-31T23:00:00-23:00 mx1 a: b"):
        assert read(text, clock) is None
    assert at("Nov 22 12:00:09", clock).year == 2026


def test_a_clock_goes_on_after_the_last_date() -> None:
    assert at("Jan  1 00:00:01", Clock(2025, UTC, after=date(2025, 12, 31))).year == 2026


@settings(deadline=None)
@given(st.lists(st.dates(date(1999, 1, 1), date(2097, 1, 1)), min_size=1, max_size=30))
def test_years_are_right_for_steps_from_a_month_back_to_nine_months_on(days: list[date]) -> None:
    # What the rule promises: steps from -31 days to a year less 31 days.
    walk = [days[0]]
    for day in days[1:]:
        step = (day - walk[-1]).days % (365 - 2 * ROTATION.days) - ROTATION.days
        walk.append(walk[-1] + timedelta(days=step))
    clock = Clock(walk[0].year, UTC)
    assert [at(f"{day:%b} {day.day:2} 00:00:00", clock).date() for day in walk] == walk


HEADERS = st.one_of(
    st.from_regex(
        r"(Jan|Feb|Dec) [ 0-3]?\d [0-2]\d:[0-5]\d:[0-6]\d(\.\d{1,7})? \w{1,5} [\w/-]{1,9}(\[\d{1,12}\])?: ?.{0,9}"
    ),
    st.from_regex(r"\d{4}-[01]\d-[0-3]\d[T ][0-2]\d:[0-5]\d:[0-6]\d([.,]\d{1,9})?(Z|[+-]\d\d:?\d\d)? mx1 a\[1\]: b"),
    st.text(max_size=40),
)


@settings(deadline=None)
@given(st.lists(HEADERS, max_size=20), st.integers(1971, 2200), st.sampled_from([UTC, BERLIN]))
def test_nothing_raises_and_every_time_is_one_that_pandas_knows(texts: list[str], year: int, zone: ZoneInfo) -> None:
    clock = Clock(year, zone)
    for text in texts:
        line = read(text, clock)
        assert line is None or (isinstance(line, Line) and abs(line.time) < 2**63 // 1000)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"a\r", "a"),
        ("ü".encode(), "ü"),
        (b"\0a", None),
        (b"\xff", None),
        (b"x" * LONG, "x" * LONG),
        (b"x" * (LONG + 1), None),
    ],
)
def test_decode(raw: bytes, text: str | None) -> None:
    assert decode(raw) == text
