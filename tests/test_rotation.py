from datetime import UTC, date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor import programs
from advisor.line import ISO8601, RFC3164, Clock, decode, read
from advisor.rotation import SLACK, _choose, changes, date_in_name, first_year, is_rotated, rank

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
    "names",
    [
        ["maillog.10.gz", "maillog.9.gz", "maillog.2.gz", "maillog.1", "maillog"],
        ["mail.log.2.xz", "mail.log.1.zst", "mail.log.0.bz2", "mail.log"],
        ["maillog-20251231.gz", "maillog-20260101.gz", "maillog-20261122", "maillog"],
        ["maillog-2025-12-31.gz", "maillog-2026-01-01", "maillog"],
        ["maillog-2026112203.gz", "maillog-2026112204.gz", "maillog-20261123", "maillog-2026112301", "maillog"],
        ["maillog-1795348804.gz", "maillog-1795435204", "maillog"],
        ["maillog.202611", "maillog.202612", "maillog"],
    ],
)
def test_a_rotated_set_by_its_names(names: list[str]) -> None:
    assert sorted(names, key=lambda name: (rank(name), name)) == names
    log = names[-1]
    assert all(is_rotated(name, log) for name in names)


@pytest.mark.parametrize(
    "name", ["maillog.old", "maillogs", "maillog2", "mail.log", "maillog.pos", "xmaillog", "maillog-x"]
)
def test_what_is_of_no_rotated_set(name: str) -> None:
    assert not is_rotated(name, "maillog")


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
# Many lines of a day, and what only looks like a day.
ODD_LINES = st.sampled_from(
    [
        *(f"{day} 12:00:09 mx1 a: b".encode() for day in ("Nov 22", "Nov  2", "Nov 2", "Feb 28", "Mar  1", "Dec 31")),
        b"Nov 2",
        b"Nov 22",
        b"Nov 22 12",
        b"Nov 22 12:",
        b"Nov 22 12:00:00",
        b"Nov 22 12:00:00 ",
        b"Feb 29 29:00:00 mx1 a: b",
        b"2023-02-29T00:00:00Z mx1 a: no such day",
        b"2023-02-2",
        b"\r",
    ]
)
ISO_LINES = st.sampled_from([b"2023-01-02T00:00:00Z mx1 a: b", b"2024-12-31 00:00:00 mx1 a: b"])


def old_first_year(lines: list[bytes], anchor: date, year: int | None) -> int | None:
    """As it was when every line was looked at."""
    clocks = [Clock(2000 + place, UTC) for place in range(4)]
    unfit: set[int] = set()
    seen = b""
    for line in lines:
        if line[:6] == seen or (text := decode(line)) is None:
            continue
        if RFC3164.match(text):
            seen = line[:6]
        elif found := ISO8601.match(text):
            try:
                anchor, year = date.fromisoformat(found["date"]), None
            except ValueError:
                continue
            break
        else:
            continue
        for place, clock in enumerate(clocks):
            clock.stamp(text)
            last = clock.last
            if text.startswith("Feb 29") and (last is None or (last.month, last.day) != (2, 29)):
                unfit.add(place)
    return _choose([clock.last for clock in clocks], unfit, anchor, year)


@settings(max_examples=300)
@given(
    st.lists(st.one_of(LINES, ODD_LINES, ODD_LINES), max_size=30),
    st.lists(ISO_LINES, max_size=1),
    st.lists(ODD_LINES, max_size=5),
    st.lists(st.integers(0, 36), max_size=3),
    st.none() | st.integers(2019, 2022),
)
def test_no_line_that_matters_is_missed(
    before: list[bytes], written: list[bytes], after: list[bytes], cuts: list[int], year: int | None
) -> None:
    lines = [*before, *written, *after]
    bounds = [0, *sorted(cuts), len(lines)]
    blocks = [b"".join(line + b"\n" for line in lines[a:b]) for a, b in pairwise(bounds)]
    if blocks[-1]:
        blocks[-1] = blocks[-1].removesuffix(b"\n")
    assert first_year(blocks, ANCHOR, year) == old_first_year(lines, ANCHOR, year)


@given(st.lists(st.one_of(LINES, ODD_LINES, ISO_LINES), max_size=30), st.integers(0, 30), st.integers(2020, 2030))
def test_a_clock_that_saw_the_changes_stands_as_one_that_saw_all(lines: list[bytes], cut: int, year: int) -> None:
    data = b"".join(line + b"\n" for line in lines)
    whole, few = Clock(year, UTC), Clock(year, UTC)
    programs.parse(list(enumerate(lines)), whole, "")
    found = list(changes([b"".join(line + b"\n" for line in part) for part in (lines[:cut], lines[cut:])]))
    for change in found:
        few.stamp(change.text)
        assert (decode(data[change.offset :].split(b"\n", 1)[0]) or "").startswith(change.text)
    assert (few.last, few.year) == (whole.last, whole.year)


def wrapped(form: str, *days: int) -> bytes:
    return b"".join((form.format(day=day, seconds=1795305600 + 86400 * (day - 22)) + "\n").encode() for day in days)


TEXT = "mx1 postfix/smtpd[695]: connect"


@pytest.mark.parametrize(
    ("form", "written"),
    [
        (f"<22>Nov {{day}} 12:00:09 {TEXT}", False),
        (f"mail-1  | Nov {{day}} 12:00:09 {TEXT}", False),
        (f"\x1b[33mmail-1  |\x1b[0m Nov {{day}} 12:00:09 {TEXT}", False),
        ("Sun Nov {day} 12:00:09 2026 mail.info postfix/smtpd[695]: connect", True),
        (f"2026 Nov {{day}} 12:00:09 {TEXT}", True),
        (f"Nov {{day}} 2026 12:00:09 {TEXT}", True),
        (f"Sun 2026-11-{{day}} 12:00:09 CET {TEXT}", True),
        ("<22>1 2026-11-{day}T12:00:09Z mx1 postfix/smtpd 695 - - connect", True),
        (f"{{seconds}}.123456 {TEXT}", True),
        (f"2031-01-01T00:00:00Z stdout F Nov {{day}} 12:00:09 {TEXT}", False),
        (f"Nov  1 00:00:00 mx1 docker[1]: Nov {{day}} 12:00:09 {TEXT}", False),
        (f"Nov  1 00:00:00 mx1 docker[1]: 2026-11-{{day}} 12:00:09 {TEXT}", True),
        (f'{{{{"log": "Nov {{day}} 12:00:09 {TEXT}\\n", "time": "2031-01-01T00:00:00Z"}}}}', False),
    ],
)
def test_changes_in_logs_of_every_form(form: str, written: bool) -> None:
    data = wrapped(form, 21, 21, 22, 22, 22, 21)
    size = len(data) // 6
    found = list(changes([data[: 3 * size], data[3 * size :]]))
    assert [change.offset // size for change in found] == [0, 2, 5]
    assert {change.written for change in found} == {written}
    assert [change.date.day for change in found] == [21, 22, 21]
    few, whole = Clock(2027, UTC), Clock(2027, UTC)
    for line in data.decode().splitlines():
        assert read(line, whole)
    for change in found:
        few.stamp(change.text)
    assert (few.last, few.year) == (whole.last, whole.year)
    assert first_year([data], date(2030, 1, 1)) == (2026 if written else 2029)


def test_changes() -> None:
    first, second = log("Nov 22", "Nov 22", "Nov 23"), log("Nov 23", "Nov 24") + ISO + ISO
    size = len(log("Nov 22"))
    found = [(change.offset, f"{change.date}", change.written) for change in changes([first, second])]
    assert found == [
        (0, "2000-11-22", False),
        (2 * size, "2000-11-23", False),
        (4 * size, "2000-11-24", False),
        (5 * size, "2023-01-02", True),
    ]
    iso = [f"2026-11-{day}T00:00:00Z mx1 a: b\n".encode() for day in (21, 21, 21, 22, 22, 23)]
    assert [change.offset // len(iso[0]) for change in changes([b"".join(iso)])] == [0, 3, 5]
    assert list(changes([])) == list(changes([b""])) == list(changes([b"\n"])) == []


def test_of_lines_of_one_day_next_to_none_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[bytes] = []

    def counted(line: bytes) -> str | None:
        found.append(line)
        return decode(line)

    monkeypatch.setattr("advisor.rotation.decode", counted)
    block = b"".join(f"Nov 22 12:{number // 60 % 60:02}:{number % 60:02} mx1 a: b\n".encode() for number in range(3600))
    assert first_year([block] * 9, ANCHOR) == 2026
    assert len(found) == 1


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
