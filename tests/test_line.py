from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.line import LONG, Clock, Line, decode, is_marker, read

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Nov 22",
        "Nov 22 12:00:09",
        "Nov 31 12:00:09 mx1 postfix/smtpd[695]: connect",
        "Feb 29 12:00:09 mx1 postfix/smtpd[695]: connect",
        "Nov 22 24:00:09 mx1 postfix/smtpd[695]: connect",
        "nov 22 12:00:09 mx1 postfix/smtpd[695]: connect",
        " Nov 22 12:00:09 mx1 postfix/smtpd[695]: connect",
        "2026-02-29T12:00:09 mx1 postfix/smtpd[695]: connect",
        "2026-11-22T12:00:09+24:00 mx1 postfix/smtpd[695]: connect",
        "0001-01-01T00:00:00Z mx1 a: b",
        "Nov 22 12:00:09 mx1 -- MARK --",
        "Nov 22 12:00:09 postfix/smtpd: warning: this line has neither host nor pid",
        "Nov 22 12:00:09 smtpd[695]: warning: this line has no host",
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
        ("mx1 postfix-10.20.30.40/smtp[695]: x", ("mx1", "postfix-10.20.30.40", "smtp", 695, "x")),
        ("mx1 postfix/127.0.0.1:10027/smtpd[695]: x", ("mx1", "postfix/127.0.0.1:10027", "smtpd", 695, "x")),
        ("mx1 postfix/postfix-script[1]: x", ("mx1", "postfix", "postfix-script", 1, "x")),
        ("mx1 postfix/smtpd: connect", ("mx1", "postfix", "smtpd", None, "connect")),
        ("mx1 postgrey[252]: action=pass", ("mx1", None, "postgrey", 252, "action=pass")),
        ("mx1 postgrey: action=pass", ("mx1", None, "postgrey", None, "action=pass")),
        ("mx1 postgrey[252]:action=pass", ("mx1", None, "postgrey", 252, "action=pass")),
        ("mx1 postgrey:action=pass", ("mx1", None, "postgrey", None, "action=pass")),
        ("mx1 a:b[1]: x", ("mx1", None, "a", None, "b[1]: x")),
        ("mx1 postfix/smtpd[695]: ", ("mx1", "postfix", "smtpd", 695, "")),
        ("mx1 postfix/smtpd[695]:  a", ("mx1", "postfix", "smtpd", 695, " a")),
        ("mx1 postfix/smtpd[695]: a\nb", ("mx1", "postfix", "smtpd", 695, "a\nb")),
        ("mx1 postfix/smtpd[695]: a\ufffd", ("mx1", "postfix", "smtpd", 695, "a\ufffd")),
        ("mail.example postfix/smtpd[695]: x", ("mail.example", "postfix", "smtpd", 695, "x")),
        ("2001:db8::1 kernel: [1.5] eth0: up", ("2001:db8::1", None, "kernel", None, "[1.5] eth0: up")),
        ("mx1 policyd-spf[699]: : prepend", ("mx1", None, "policyd-spf", 699, ": prepend")),
        ("postfix/smtpd[695]: warning: no host", ("", "postfix", "smtpd", 695, "warning: no host")),
        ("mx1 postfix/smtpd[695] connect", None),
        ("mx1 postfix/smtpd [695]: connect", None),
        ("mx1 a[99999999999]: x", None),
        ("m\u00fc1 postfix/smtpd[695]: connect", None),
    ],
)
def test_tags(text: str, expected: tuple[str, str | None, str, int | None, str] | None) -> None:
    for stamp in ("Nov 22 12:00:09", "2026-11-22T12:00:09.5Z"):
        line = read(f"{stamp} {text}", Clock(2026, UTC))
        assert (line and line[1:6]) == expected
        assert line is None or line.repeated == 1


def test_a_line_without_header_but_with_a_date_moves_the_clock() -> None:
    clock = Clock(2026, UTC)
    assert read("Nov 22 12:00:09 mx1 -- MARK --", clock) is None
    assert str(clock.last) == "2026-11-22"


def test_a_damaged_year_is_not_counted_on_from() -> None:
    clock = Clock(2026, UTC)
    for text in ("0001-01-01T00:00:00Z mx1 a: b", "9999-12-31T23:00:00-23:00 mx1 a: b"):
        assert read(text, clock) is None
    assert (clock.year, clock.last) == (2026, None)


HEADERS = st.one_of(
    st.from_regex(
        r"(Jan|Feb|Dec) [ 0-3]?\d [0-2]\d:[0-5]\d:[0-6]\d(\.\d{1,7})? \w{1,5} [\w/-]{1,9}(\[\d{1,12}\])?: ?.{0,9}"
    ),
    st.from_regex(r"\d{4}-[01]\d-[0-3]\d[T ][0-2]\d:[0-5]\d:[0-6]\d([.,]\d{1,9})?(Z|[+-]\d\d:?\d\d)? mx1 a\[1\]: b"),
    st.from_regex(r"(Sun )?(\d{4} )?Feb [ 0-3]?\d (\d{4} )?[0-2]\d:[0-5]\d:[0-6]\d (\d{4} )?mx1 a\[1\]: b"),
    st.from_regex(r"\d{9,11}\.\d{1,9} mx1 a: b"),
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
        (b"a\0", None),
        (b"a\0b", None),
        (b"\0\0a", "a"),
        (b"\0\0a\0", None),
        (b"\0" * LONG + b"a", "a"),
        (b"a\xffb", "a\ufffdb"),
        (b"M\xfcller", "M\ufffdller"),
        (b"\xc3", "\ufffd"),
        (b"\xed\xa0\x80", "\ufffd\ufffd\ufffd"),
        (b"x" * LONG, "x" * LONG),
        (b"x" * (LONG + 1), None),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_decode(raw: bytes, text: str | None) -> None:
    assert decode(raw) == text


@pytest.mark.parametrize(
    "text",
    [
        "-- Logs begin at Sun 2026-11-01 00:00:00 CET, end at Sun 2026-11-22 12:00:09 CET. --",
        "-- Journal begins at Sun 2026-11-01 00:00:00 CET, ends at Sun 2026-11-22 12:00:09 CET. --",
        "-- Boot 0123456789abcdef0123456789abcdef --",
        "-- Reboot --",
        "-- No entries --",
        "-- cursor: s=abc;i=1",
        "-- MARK --",
        "Nov 22 12:00:09 mx1 -- MARK --",
        "2026-11-22T12:00:09Z mx1 -- MARK --",
        "mail-1  | Nov 22 12:00:09 mx1 -- MARK --",
        "Attaching to mail-1, clamav-1",
        "mail-1 exited with code 0",
        "==> /var/log/mail.log <==",
    ],
)
def test_markers(text: str) -> None:
    assert is_marker(text)
    assert read(text, Clock(2026, UTC)) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "--",
        "-- Boot",
        "-- MARK -- x",
        "Nov 22 12:00:09 mx1 postfix/smtpd[695] -- MARK --",
        "Nov 22 12:00:09 mx1 postfix/smtpd[695]: connect",
        "action=greylist, reason=new, client_name=a.example, client_address=192.0.2.1",
        "==> ",
        "-- Boot \nNov 22",
    ],
)
def test_no_markers(text: str) -> None:
    assert not is_marker(text)
