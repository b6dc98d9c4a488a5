from datetime import UTC, date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor import programs
from advisor.line import Clock, decode
from advisor.rotation import SLACK, date_in_name, first_year

ANCHOR = date(2026, 11, 22)
BACKWARDS = ("Dec", "Nov", "Oct", "Sep", "Aug", "Jul", "Jun", "May", "Apr", "Mar", "Feb", "Jan")


def log(*days: str) -> bytes:
    return b"".join(f"{day} 12:00:09 mx1 postfix/smtpd[695]: connect\n".encode() for day in days)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("maillog-20261122", date(2026, 11, 22)),
        ("mail.log-20261122.gz", date(2026, 11, 22)),
        ("x.maillog-2026-11-22.gz", date(2026, 11, 22)),
        ("maillog.2026.11.22", date(2026, 11, 22)),
        ("maillog-2026112203", date(2026, 11, 22)),
        ("20260101-maillog-20261122.bz2", date(2026, 11, 22)),
        ("maillog-20240229", date(2024, 2, 29)),
        ("maillog-20260229", None),
        ("maillog-20261322", None),
        ("maillog-202611221", None),
        ("maillog-1732233601", None),
        ("maillog-2026-1122", None),
        ("maillog.1", None),
        ("maillog", None),
    ],
)
def test_date_in_name(name: str, expected: date | None) -> None:
    assert date_in_name(name) == expected


@pytest.mark.parametrize(
    ("days", "anchor", "expected"),
    [
        (["Nov 22"], date(2026, 11, 22), 2026),
        (["Nov 23"], date(2026, 11, 22), 2026),
        (["Nov 24"], date(2026, 11, 22), 2025),
        (["Jan  1"], date(2026, 12, 31), 2027),
        (["Jan  2"], date(2026, 12, 31), 2026),
        (["Dec 30", "Dec 31"], date(2027, 1, 3), 2026),
        (["Dec 30", "Jan  2"], date(2027, 1, 3), 2026),
        (["Dec 30", "Jan  2"], date(2026, 12, 31), 2025),
        (["Jan  5", "Jul  1", "Dec 31", "Feb  1"], date(2026, 3, 1), 2025),
        (["Jan  5", "Jul  1", "Jan  5", "Jul  1", "Jan  5"], date(2026, 3, 1), 2024),
        # Files of a set joined in the wrong order: back by a rotation is no new year.
        (["Nov 20", "Nov  1", "Nov 20"], ANCHOR, 2026),
        (["Jan 10", "Dec 20"], date(2027, 1, 11), 2027),
        (["Jan 10", "Dec 20", "Jan 10"], date(2027, 1, 11), 2027),
        # A leap day needs a leap year, however long ago.
        (["Feb 29"], date(2026, 11, 22), 2024),
        (["Feb 28", "Feb 29", "Mar  1"], date(2026, 11, 22), 2024),
        (["Feb 28", "Feb 29", "Mar  1"], date(2024, 3, 1), 2024),
        (["Feb 28", "Feb 29", "Mar  1"], date(2024, 2, 1), 2020),
        (["Feb 28", "Mar  1"], date(2026, 11, 22), 2026),
        (["Dec 31", "Feb 29", "Mar  1"], date(2026, 11, 22), 2023),
        # Which days lie within 31 days depends on the year.
        (["Mar 11", "Feb  8"], date(2026, 11, 22), 2026),
        (["Mar 11", "Feb  8"], date(2025, 11, 22), 2025),
        (["Mar 11", "Feb  8"], date(2024, 11, 22), 2023),
        # No calendar has it: no line to go by.
        (["Feb 30"], ANCHOR, 2026),
        ([], ANCHOR, 2026),
    ],
)
def test_first_year(days: list[str], anchor: date, expected: int) -> None:
    assert first_year([log(*days)], anchor) == expected


@pytest.mark.parametrize(
    ("days", "year", "expected"),
    [
        (["Nov 22"], 2019, 2019),
        (["Dec 30", "Jan  2"], 2019, 2018),
        (["Jan  5", "Jul  1", "Jan  5", "Jul  1", "Jan  5"], 2019, 2017),
        (["Feb 28", "Feb 29"], 2020, 2020),
        (["Feb 28", "Feb 29"], 2019, None),
        (["Feb 29", "Jul  1", "Jan  1"], 2021, 2020),
        (["Feb 29", "Jul  1", "Jan  1"], 2020, None),
        (["Jan 10", "Dec 20"], 2019, 2020),
        # The newest first, through two New Years.
        ([f"{month} 10" for month in ("Jan", *BACKWARDS, *BACKWARDS)], 2018, 2020),
        # Twelve years in one file.
        ([f"{month} 10" for month in 12 * ("Jan", "Jul")], 2019, 2008),
        ([], 2019, 2019),
    ],
)
def test_a_year_asked_for_is_that_of_the_last_line(days: list[str], year: int, expected: int | None) -> None:
    assert first_year([log(*days)], ANCHOR, year) == expected


ISO = b"2023-01-02T00:00:00Z mx1 postfix/smtpd[695]: connect\n"


def test_a_date_with_a_year_dates_the_lines_before_it() -> None:
    assert first_year([ISO], ANCHOR) == 2023
    assert first_year([ISO + log("Jan  2")], ANCHOR) == 2023
    assert first_year([log("Dec 31", "Jan  1") + ISO], ANCHOR) == 2022
    assert first_year([log("Dec 31", "Jan  1") + ISO], ANCHOR, 2019) == 2022
    assert first_year([log("Dec 31"), ISO + log("Jan  1")], ANCHOR) == 2022
    assert first_year([b"2023-02-29T00:00:00Z mx1 a: b\n" + log("Nov 22")], ANCHOR) == 2026


def test_reading_stops_at_the_first_date_with_a_year() -> None:
    def blocks() -> object:
        yield ISO
        pytest.fail("read on")

    assert first_year(blocks(), ANCHOR) == 2023  # type: ignore[arg-type]


LINES = st.one_of(
    st.dates(date(2023, 1, 1), date(2025, 12, 31)).map(lambda day: f"{day:%b} {day.day:2} 12:00:09 mx1 a: b".encode()),
    st.sampled_from(
        [
            b"",
            b"Nov 22 has no clock",
            b"Nov 23 29:00:00 mx1 a: no such hour",
            b"Jul 23 12:00:00 mx1 a: damaged \xff",
            b"Mar 23 12:00:00 mx1 a: damaged \0\0",
            b"\0\0Apr 23 12:00:00 mx1 a: damaged",
            b"Feb 30 12:00:00 mx1 a: no such day",
            b"Feb 29 12:00:00 mx1 a: some years",
            b"Nov 22 12:00:00 mx1 a: carriage return\r",
        ]
    ),
)


def last_and_unfit(lines: list[bytes], year: int) -> tuple[date | None, bool]:
    """What the clock of the parser makes of it, line by line, and of nothing else."""
    clock = Clock(year, UTC)
    unfit = False
    for line in lines:
        programs.parse([(0, line)], clock, "")
        text = decode(line) or ""
        unfit |= text.startswith("Feb 29 ") and (clock.last is None or (clock.last.month, clock.last.day) != (2, 29))
    return clock.last, unfit


@settings(deadline=None, max_examples=40)
@given(st.lists(LINES, max_size=12), st.dates(date(2020, 1, 1), date(2032, 12, 31)), st.integers(0, 12))
def test_no_later_year_would_do_with_the_clock_of_the_parser(lines: list[bytes], anchor: date, cut: int) -> None:
    expected = anchor.year
    for year in range(anchor.year + 4, anchor.year - 40, -1):
        last, unfit = last_and_unfit(lines, year)
        if last is not None and last <= anchor + SLACK and not unfit:
            expected = year
            break
    else:
        for year in range(anchor.year + 4, anchor.year - 40, -1):
            last, unfit = last_and_unfit(lines, year)
            if last is not None and last <= anchor + SLACK:
                expected = year
                break
    blocks = [b"".join(line + b"\n" for line in part) for part in (lines[:cut], lines[cut:])]
    assert first_year(blocks, anchor) == expected


@settings(deadline=None)
@given(st.lists(st.integers(-31, 200), max_size=20), st.dates(date(1990, 1, 1), date(2090, 1, 1)))
def test_a_log_read_the_day_it_ends_gets_its_true_year(steps: list[int], begin: date) -> None:
    days = [begin]
    for step in steps:
        days.append(days[-1] + timedelta(days=step))
    text = log(*(f"{day:%b} {day.day:2}" for day in days))
    assert first_year([text], days[-1]) == begin.year
