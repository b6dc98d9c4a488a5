from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.stamp import JITTER, ROTATION, Clock, find

BERLIN = ZoneInfo("Europe/Berlin")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def at(text: str, clock: Clock | None = None) -> datetime:
    stamp = (clock or Clock(2026, UTC)).stamp(f"{text} mx1 a: b")
    assert stamp is not None
    assert stamp[1] == len(text) + 1
    return EPOCH + timedelta(microseconds=stamp[0])


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]  # mypy cannot count the parts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Nov 22 12:00:09", utc(2026, 11, 22, 12, 0, 9)),
        ("Nov  2 12:00:09", utc(2026, 11, 2, 12, 0, 9)),
        ("Nov 2 12:00:09", utc(2026, 11, 2, 12, 0, 9)),
        ("Nov 02 12:00:09", utc(2026, 11, 2, 12, 0, 9)),
        ("Nov 22 12:00:09.5", utc(2026, 11, 22, 12, 0, 9, 500_000)),
        ("Nov 22 12:00:09.000017", utc(2026, 11, 22, 12, 0, 9, 17)),
        ("Nov 22 12:00:09.000017999", utc(2026, 11, 22, 12, 0, 9, 17)),
        ("Nov 22 23:59:60", utc(2026, 11, 23)),
        ("2019 Nov 22 12:00:09", utc(2019, 11, 22, 12, 0, 9)),
        ("2019 Nov  2 12:00:09.123", utc(2019, 11, 2, 12, 0, 9, 123_000)),
        ("Nov  2 2019 12:00:09", utc(2019, 11, 2, 12, 0, 9)),
        ("Sun Nov 22 12:00:09 2020", utc(2020, 11, 22, 12, 0, 9)),
        ("Sun Nov 22 12:00:09", utc(2026, 11, 22, 12, 0, 9)),
        ("2025-11-22T12:00:09Z", utc(2025, 11, 22, 12, 0, 9)),
        ("2025-11-22 12:00:09", utc(2025, 11, 22, 12, 0, 9)),
        ("2025-11-22T12:00:09.123456+01:00", utc(2025, 11, 22, 11, 0, 9, 123_456)),
        ("2025-11-22T12:00:09,123+0100", utc(2025, 11, 22, 11, 0, 9, 123_000)),
        ("2025-11-22T12:00:09+01", utc(2025, 11, 22, 11, 0, 9)),
        ("2025-11-22T12:00:09.123456789-03:30", utc(2025, 11, 22, 15, 30, 9, 123_456)),
        ("2025-11-22T00:30:00+05:45", utc(2025, 11, 21, 18, 45)),
        ("Sat 2025-11-22 12:00:09 UTC", utc(2025, 11, 22, 12, 0, 9)),
        ("Sat 2025-11-22 12:00:09 -03", utc(2025, 11, 22, 15, 0, 9)),
        ("Sat 2025-11-22 12:00:09 +0545", utc(2025, 11, 22, 6, 15, 9)),
        ("1795348809.123456", utc(2026, 11, 22, 12, 0, 9, 123_456)),
    ],
)
def test_time_stamps(text: str, expected: datetime) -> None:
    assert at(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Nov 31 12:00:09 mx1",
        "Nov 00 12:00:09 mx1",
        "Feb 29 12:00:09 mx1",
        "Nov 22 24:00:09 mx1",
        "Nov 22 12:00:70 mx1",
        "nov 22 12:00:09 mx1",
        " Nov 22 12:00:09 mx1",
        "Nov ٢٢ 12:00:09 mx1",
        "Nov 22 12:00:09",
        "2026 Nov 31 12:00:09 mx1",
        "2026 Nov 00 12:00:09 mx1",
        "1026 Nov 22 12:00:09 mx1",
        "2026-13-22T12:00:09 mx1",
        "2026-02-29T12:00:09 mx1",
        "2026-11-22T24:00:09 mx1",
        "2026-11-22T12:00:09+99:99 mx1",
        "2026-11-22T12:00:09+24:00 mx1",
        "0001-01-01T00:00:00Z mx1",
        "9999-12-31T23:00:00-23:00 mx1",
        "Sun 2026-02-29 12:00:09 UTC mx1",
        "Sun 2026-11-22 12:00:09 mx1",
        "795348809.123456 mx1",
        "4795348809.123456 mx1",
        "1795348809 mx1",
    ],
)
def test_what_is_no_time_moves_no_clock(text: str) -> None:
    clock = Clock(2026, UTC)
    assert clock.stamp(text) is None
    assert (clock.year, clock.last) == (2026, None)


def test_a_stamp_is_found_where_it_stands() -> None:
    found = find("mail | Nov 22 12:00:09 mx1", 7)
    assert found is not None
    assert found.string[found.end() :] == "mx1"
    assert find("mail | Nov 22 12:00:09 mx1") is None


def test_a_time_without_zone_is_of_the_zone_of_the_log() -> None:
    assert at("Nov 22 12:00:09", Clock(2026, BERLIN)) == utc(2026, 11, 22, 11, 0, 9)
    assert at("Jul 22 12:00:09", Clock(2026, BERLIN)) == utc(2026, 7, 22, 10, 0, 9)
    assert at("2026-07-22T12:00:09", Clock(2026, BERLIN)) == utc(2026, 7, 22, 10, 0, 9)
    assert at("Wed 2026-07-22 12:00:09 CEST", Clock(2026, BERLIN)) == utc(2026, 7, 22, 10, 0, 9)
    assert at("Wed 2026-07-22 12:00:09 UTC", Clock(2026, BERLIN)) == utc(2026, 7, 22, 12, 0, 9)
    assert at("Nov 22 12:10:09", Clock(2026, ZoneInfo("Asia/Kathmandu"))) == utc(2026, 11, 22, 6, 25, 9)


def test_the_same_hour_of_another_day_or_zone_is_another_hour() -> None:
    clock = Clock(2026, BERLIN)
    texts = ("Nov 22 12:00:00", "Nov 23 12:00:00", "2026-11-23T12:00:00Z", "2026-11-23T12:00:00", "2027-11-23T12:00:00")
    assert [at(text, clock) for text in texts] == [
        utc(2026, 11, 22, 11),
        utc(2026, 11, 23, 11),
        utc(2026, 11, 23, 12),
        utc(2026, 11, 23, 11),
        utc(2027, 11, 23, 11),
    ]


def times(clock: Clock, *texts: str) -> list[str]:
    return [f"{at(text, clock):%d %H:%M}" for text in texts]


def test_the_hour_that_comes_twice_is_the_second_one_once_time_has_run_back() -> None:
    clock = Clock(2026, BERLIN)
    assert times(clock, "Oct 25 01:59:00", "Oct 25 02:00:00", "Oct 25 02:59:00") == ["24 23:59", "25 00:00", "25 00:59"]
    assert times(clock, "Oct 25 02:00:00", "Oct 25 02:58:00", "Oct 25 03:00:00") == ["25 01:00", "25 01:58", "25 02:00"]
    assert times(clock, "2026-10-25 02:10:00", "Oct 24 02:10:00") == ["25 01:10", "24 00:10"]


def test_lines_out_of_order_by_seconds_are_no_second_hour() -> None:
    clock = Clock(2026, BERLIN)
    assert JITTER == 60_000_000
    assert times(clock, "Oct 25 02:30:00", "Oct 25 02:29:58", "Oct 25 02:30:01") == ["25 00:30", "25 00:29", "25 00:30"]


def test_the_second_hour_begins_anew_each_year() -> None:
    clock = Clock(2025, BERLIN)
    assert times(clock, "Oct 26 02:50:00", "Oct 26 02:10:00") == ["26 00:50", "26 01:10"]
    assert times(clock, "Jun  1 00:00:00", "2024-10-27T02:10:00") == ["31 22:00", "27 00:10"]


def test_a_zone_may_have_half_an_hour_twice() -> None:
    clock = Clock(2026, ZoneInfo("Australia/Lord_Howe"))
    assert times(clock, "Apr  5 01:29:00", "Apr  5 01:45:00", "Apr  5 01:31:00", "Apr  5 01:59:00") == [
        "04 14:29",
        "04 14:45",
        "04 15:01",
        "04 15:29",
    ]


def test_the_abbreviation_of_the_zone_tells_the_two_hours_apart() -> None:
    clock = Clock(2026, BERLIN)
    texts = [f"Sun 2026-10-25 02:30:00 {zone}" for zone in ("CEST", "CET", "CEST")]
    assert times(clock, *texts) == ["25 00:30", "25 01:30", "25 00:30"]


def test_the_hour_that_summer_time_leaves_out_has_a_time() -> None:
    clock = Clock(2026, BERLIN)
    assert times(clock, "Mar 29 01:59:00", "Mar 29 02:40:00", "Mar 29 03:30:00", "Mar 29 02:20:00") == [
        "29 00:59",
        "29 01:40",
        "29 01:30",
        "29 01:20",
    ]


@settings(deadline=None)
@given(st.lists(st.integers(1, 1_200), max_size=60), st.integers(0, 7_200))
def test_every_time_comes_back_where_a_log_has_a_line_each_twenty_minutes(steps: list[int], begin: int) -> None:
    moment = utc(2026, 10, 24, 22) + timedelta(seconds=begin)
    clock = Clock(2026, BERLIN)
    for step in steps:
        moment += timedelta(seconds=step)
        assert at(f"{moment.astimezone(BERLIN):%b %d %H:%M:%S}", clock) == moment


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


@pytest.mark.parametrize(
    "written", ["2019-12-31T00:00:00Z", "2019 Dec 31 00:00:00", "Dec 31 2019 00:00:00", "1577750400.000000"]
)
def test_a_date_with_a_year_is_believed_and_counted_on_from(written: str) -> None:
    clock = Clock(2026, UTC)
    assert [at(stamp, clock).year for stamp in ("Nov 22 12:00:00", written, "Jan  1 00:00:00")] == [2026, 2019, 2020]


def test_the_same_words_after_another_year_are_of_that_year() -> None:
    for written in ("2020-11-22T12:00:00Z", "1606046400.000000"):
        clock = Clock(2026, UTC)
        assert [at(stamp, clock).year for stamp in ("Nov 22 12:00:00", written, "Nov 22 12:00:00")] == [
            2026,
            2020,
            2020,
        ]


def test_a_clock_goes_on_after_the_last_date() -> None:
    clock = Clock(2025, UTC, after=date(2025, 12, 31))
    assert clock.last == date(2025, 12, 31)
    assert at("Jan  1 00:00:01", clock).year == 2026


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
