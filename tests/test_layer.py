"""Headers within headers: what containers, relays and the journal put around a log line."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from advisor.layer import LAYERS, MORE
from advisor.line import REPEATED, Clock, Line, read

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOON = 1_795_348_800_000_000
"""2026-11-22 12:00 UTC in microseconds."""

INNER = "Nov 22 12:00:09 mx1 postfix/smtpd[695]: connect"
BARE = "postfix/smtpd[695]: connect"
SMTPD = ("mx1", "postfix", "smtpd", 695, "connect", 1)
NOWHERE = ("", *SMTPD[1:])


def journal(**fields: Any) -> str:
    """What `journalctl -o json` writes."""
    known = {
        "__CURSOR": "s=a",
        "__REALTIME_TIMESTAMP": str(NOON + 9_123_456),
        "_HOSTNAME": "mx1",
        "SYSLOG_IDENTIFIER": "postfix/smtpd",
        "SYSLOG_PID": "695",
        "_PID": "7",
        "MESSAGE": "connect",
    }
    return json.dumps({name: value for name, value in (known | fields).items() if value is not Ellipsis})


def docker(log: str, time: str = "2026-11-22T12:00:10.5Z") -> str:
    """A line of Docker's json-file."""
    return json.dumps({"log": f"{log}\n", "stream": "stdout", "time": time})


@pytest.mark.parametrize(
    ("text", "second", "expected"),
    [
        # RFC 5424, and the priority before the other forms
        ("<22>1 2026-11-22T13:00:09.123456+01:00 mx1 postfix/smtpd 695 - - connect", 9.123456, SMTPD),
        ("<22>1 2026-11-22T12:00:09Z mx1 postfix/smtpd 695 - -  connect", 9, SMTPD),
        ("<22>1 2026-11-22T12:00:09Z mx1 postfix/smtpd 695 - - \ufeffconnect", 9, SMTPD),
        ('<22>1 2026-11-22T12:00:09Z mx1 postfix/smtpd 695 ID [x@1 a="b\\]c" d=""][y] connect', 9, SMTPD),
        ("<22>1 2026-11-22T12:00:09Z - postfix/smtpd - - -", 9, ("", "postfix", "smtpd", None, "", 1)),
        ("<22>1 2026-11-22T12:00:09Z mx1 - - - - a", 9, ("mx1", None, "-", None, "a", 1)),
        ("1 2026-11-22T12:00:09Z mx1 postfix/smtpd 695 - - connect", 9, SMTPD),
        ("2026-11-22T12:00:09Z mx1 postfix/smtpd 695 - - connect", 9, SMTPD),
        (f"<22>{INNER}", 9, SMTPD),
        ("<22>2026-11-22T12:00:09Z mx1 postfix/smtpd[695]: connect", 9, SMTPD),
        # Solaris, BusyBox, OpenWrt, FreeBSD; rsyslog in some containers
        ("Nov 22 12:00:09 mx1 postfix/smtpd[695]: [ID 197553 mail.info] connect", 9, SMTPD),
        ("Nov 22 12:00:09 mx1 mail.info postfix/smtpd[695]: connect", 9, SMTPD),
        ("Sun Nov 22 12:00:09 2026 mail.info postfix/smtpd[695]: connect", 9, NOWHERE),
        ("Nov 22 12:00:09 mail.info postfix/smtpd[695]: connect", 9, NOWHERE),
        ("Nov 22 12:00:09 <mail.info> mx1 postfix/smtpd[695]: connect", 9, SMTPD),
        ("Nov 22 12:00:09 <2.6> mx1 postfix/smtpd[695]: connect", 9, SMTPD),
        ("2026-11-22T12:00:09Z INFO    postfix/smtpd[695]: connect", 9, NOWHERE),
        ("2026-11-22T12:00:09Z WARNING postfix/smtpd[695]: connect", 9, NOWHERE),
        # journalctl -o short-full, short-unix, json
        ("Sun 2026-11-22 12:00:09 UTC mx1 postfix/smtpd[695]: connect", 9, SMTPD),
        ("1795348809.123456 mx1 postfix/smtpd[695]: connect", 9.123456, SMTPD),
        (journal(), 9.123456, SMTPD),
        (journal(SYSLOG_PID=...), 9.123456, ("mx1", "postfix", "smtpd", 7, "connect", 1)),
        (journal(SYSLOG_PID=..., _PID=...), 9.123456, ("mx1", "postfix", "smtpd", None, "connect", 1)),
        (journal(SYSLOG_PID="99999999999"), 9.123456, ("mx1", "postfix", "smtpd", None, "connect", 1)),
        (journal(SYSLOG_PID="a"), 9.123456, ("mx1", "postfix", "smtpd", None, "connect", 1)),
        (journal(SYSLOG_IDENTIFIER=..., _COMM="smtpd"), 9.123456, ("mx1", None, "smtpd", 695, "connect", 1)),
        (journal(_HOSTNAME=...), 9.123456, NOWHERE),
        (journal(MESSAGE=None), 9.123456, (*SMTPD[:4], "", 1)),
        (journal(MESSAGE="a\0b"), 9.123456, (*SMTPD[:4], "", 1)),
        (journal(MESSAGE=[99, 0xFC, 1]), 9.123456, (*SMTPD[:4], "c\ufffd\1", 1)),
        (journal(MESSAGE=["connect", "again"]), 9.123456, SMTPD),
        (journal(MESSAGE=[[99, 111], "again"]), 9.123456, (*SMTPD[:4], "co", 1)),
        (journal(MESSAGE="a\ud800b"), 9.123456, (*SMTPD[:4], "a\ufffdb", 1)),
        (journal(MESSAGE=INNER, _HOSTNAME="node", SYSLOG_IDENTIFIER="1a2b"), 9, SMTPD),
        (journal(MESSAGE=BARE, _HOSTNAME="node", SYSLOG_IDENTIFIER="1a2b"), 9.123456, ("node", *SMTPD[1:])),
        # docker compose, docker logs -t, json-file; Kubernetes
        (f"mail-1  | {INNER}", 9, SMTPD),
        (f"\x1b[36mmail-1  |\x1b[0m {INNER}", 9, SMTPD),
        (f"\x1b[36mmail_1  | \x1b[0m{INNER}", 9, SMTPD),
        (f"mail-1  | 2026-11-22T12:00:10.123456789Z {INNER}", 9, SMTPD),
        (f"2026-11-22T12:00:10.123456789Z {INNER}", 9, SMTPD),
        ("2026-11-22T12:00:10Z 2026-11-22 12:00:09 mx1 postfix/smtpd[695]: connect", 9, SMTPD),
        ("2026-11-22T12:00:10Z <22>2026-11-22 12:00:09 mx1 postfix/smtpd[695]: connect", 9, SMTPD),
        ("2026-11-22T12:00:10Z <22>1 2026-11-22T12:00:09Z mx1 7 - - - a", 9, ("mx1", None, "7", None, "a", 1)),
        ("2026-11-22T12:00:10Z 2026-11-22T12:00:09Z mx1 7 - - - a", 9, ("mx1", None, "7", None, "a", 1)),
        (f"2026-11-22T12:00:10Z 2026-11-22T12:00:09Z {BARE}", 9, NOWHERE),
        (f"2026-11-22T12:00:10.5Z {BARE}", 10.5, NOWHERE),
        (f"2026-11-22T12:00:10.5Z stdout F {INNER}", 9, SMTPD),
        (f"2026-11-22T13:00:10.5+01:00 stderr P {BARE}", 10.5, NOWHERE),
        ("2026-11-22T12:00:10Z stdout F postgrey[252]: action=pass", 10, ("", None, "postgrey", 252, "action=pass", 1)),
        (docker(INNER), 9, SMTPD),
        (docker(BARE), 10.5, NOWHERE),
        (docker("postgrey[252]: action=pass\r"), 10.5, ("", None, "postgrey", 252, "action=pass", 1)),
        (docker(INNER, time=""), 9, SMTPD),
        # A syslog line whose text is another
        (f"Nov 22 12:00:10 node mail[1]: {INNER}", 9, SMTPD),
        (f"2026-11-22T13:00:10+01:00 node docker/mailserver/1a2b[812]: {INNER}", 9, SMTPD),
        ("Nov 22 12:00:10 node mail: 2026-11-22T13:00:09+01:00 mx1 postfix/smtpd[695]: connect", 9, SMTPD),
        (f"<30>1 2026-11-22T12:00:10Z node mail 1 - - {INNER}", 9, SMTPD),
        (f"Nov 22 12:00:10 node mail[1]: <22>{INNER}", 9, SMTPD),
        ("Nov 22 12:00:10 node mail[1]: 2026 Nov 22 12:00:09 mx1 postfix/smtpd[695]: connect", 9, SMTPD),
        (f"Nov 22 12:00:11 relay x[2]: Nov 22 12:00:10 node mail[1]: {INNER}", 9, SMTPD),
        (f"Nov 22 12:00:10 node mail[1]: {BARE}", 10, ("node", *SMTPD[1:])),
        (f"Nov 22 12:00:10 node mail[1]: Nov 22 12:00:09 {BARE}", 9, ("node", *SMTPD[1:])),
        (
            "Nov 22 12:00:10 node smtp[9]: 2026-11-22T12:00:09Z INFO    postfix/smtpd[695]: connect",
            9,
            ("node", *SMTPD[1:]),
        ),
        # ... or only seems to be
        ("Nov 22 12:00:10 node mail[1]: Nov 22 is Sunday", 10, ("node", None, "mail", 1, "Nov 22 is Sunday", 1)),
        ("Nov 22 12:00:10 node mail[1]: spamd[2]: ok", 10, ("node", None, "mail", 1, "spamd[2]: ok", 1)),
        ("mail-1 | Nov 22 12:00:10 mx1 a: a/b[2]: x", 10, ("mx1", None, "a", None, "a/b[2]: x", 1)),
        ("Nov 22 12:00:10 mx1 a: postfix[2]: x", 10, ("mx1", None, "a", None, "postfix[2]: x", 1)),
        # Repetitions
        ("Nov 22 12:00:09 mx1 last message repeated 2 times", 9, ("mx1", None, REPEATED, None, "", 2)),
        ("Nov 22 12:00:09 mx1 syslogd: last message repeated 2 times", 9, ("mx1", None, REPEATED, None, "", 2)),
        ("Nov 22 12:00:09 mx1 --- last message repeated 1 time ---", 9, ("mx1", None, REPEATED, None, "", 1)),
        ("mail-1 | Nov 22 12:00:09 mx1 last message repeated 3 times", 9, ("mx1", None, REPEATED, None, "", 3)),
        ("Nov 22 12:00:09 mx1 last message repeated 0 times", 9, ("mx1", None, REPEATED, None, "", 1)),
        ("Nov 22 12:00:09 mx1 last message repeated 999999999 times", 9, ("mx1", None, REPEATED, None, "", 1_000_000)),
        ("Nov 22 12:00:09 mx1 postfix/smtpd[695]: message repeated 3 times: [ connect]", 9, (*SMTPD[:5], 3)),
        ("Nov 22 12:00:09 mx1 postfix/smtpd[695]: message repeated 3 times: [connect]", 9, (*SMTPD[:5], 3)),
        ("Nov 22 12:00:09 mx1 postfix/smtpd[695]: message repeated 2 times: [ a[1]]", 9, (*SMTPD[:4], "a[1]", 2)),
        ("2026-11-22T12:00:09Z mx1 postfix/smtpd 695 - - message repeated 3 times: [ connect]", 9, (*SMTPD[:5], 3)),
        (
            "Nov 22 12:00:09 mx1 postfix/smtpd[695]: [ID 197553 mail.info] message repeated 4 times: [ connect]",
            9,
            (*SMTPD[:5], 4),
        ),
        (
            "Nov 22 12:00:09 mx1 postfix/smtpd[695]: message repeated 3 times: [ conn",
            9,
            (*SMTPD[:4], "message repeated 3 times: [ conn", 1),
        ),
    ],
)
def test_forms(text: str, second: float, expected: tuple[Any, ...]) -> None:
    line = read(text, Clock(2026, UTC))
    assert line is not None
    assert line[1:] == expected
    assert line.time == NOON + round(second * 1_000_000)


@pytest.mark.parametrize(
    "text",
    [
        f"mail-1  | {BARE}",
        BARE,
        f"<22>{BARE}",
        "Nov 22 12:00:09 postgrey[252]: action=pass",
        "Nov 22 12:00:09 postfix/smtpd: connect",
        "Nov 22 12:00:09 mx1 postfix/smtpd[695] connect",
        "2026-11-22T12:00:09Z mx1 postfix/smtpd[695] connect - - a",
        "2026-11-22T12:00:09Z mx1 postfix/smtpd connect from [x] y",
        "2026-11-22T12:00:09Z mx1 postfix/smtpd 695 - [x a=b] connect",
        "2026-11-22T12:00:09Z mx1 postfix/smtpd 695 - -connect",
        "Nov 22 12:00:09 mx1 postfix/smtpd 695 - - connect",
        "<22>1 - mx1 postfix/smtpd 695 - - connect",
        "Nov 22 12:00:09 m\ufffd1 postfix/smtpd[695]: connect",
        "Nov 22 12:00:09 mx1 postfix/smt\ufffd[695]: connect",
        "2026-11-22T12:00:09Z stdout F Starting",
        "mail-1  | Nov 31 12:00:09 mx1 postfix/smtpd[695]: connect",
        "Nov 22 12:00:09 mx1 last message repeated 2000000000 times",
        "{",
        "{}",
        "{" * 60_000,
        '{"log":' * 9_000,
        '{"log": 1}',
        '{"log": "a", "time": 1}',
        '{"__REALTIME_TIMESTAMP": "x"}',
        journal(__REALTIME_TIMESTAMP=NOON),
        journal(__REALTIME_TIMESTAMP="9" * 5_000),
        journal(SYSLOG_IDENTIFIER=...),
        journal(SYSLOG_IDENTIFIER=""),
    ],
    ids=lambda text: text[:60],
)
def test_no_header(text: str) -> None:
    assert read(text, Clock(2026, UTC)) is None


@pytest.mark.parametrize("message", [[300], [-1], [1.5], [None], [[]], [{}], {}, [True, "a"], 7])
def test_a_message_that_is_no_text_is_unknown(message: Any) -> None:
    line = read(journal(MESSAGE=message), Clock(2026, UTC))
    assert line is not None
    assert line.text == ""


def test_only_the_header_that_counts_moves_the_clock() -> None:
    clock = Clock(2026, UTC)
    line = read("2031-01-01T00:00:00Z node mail[1]: Nov 22 12:00:09 mx1 postfix/smtpd[695]: connect", clock)
    assert line is not None
    assert line.time == NOON + 9_000_000
    assert (clock.year, str(clock.last)) == (2026, "2026-11-22")


def test_a_line_that_is_deeper_than_any_is_that_of_the_last_layer_looked_at() -> None:
    layers = [f"Nov 22 12:00:{second:02} h{second} a[1]: " for second in range(LAYERS + 2)]
    line = read("".join(layers) + "x", Clock(2026, UTC))
    assert line is not None
    assert line.host == f"h{LAYERS - 1}"


class Said(NamedTuple):
    """A line before it is written down in one form or another."""

    time: datetime
    host: str
    tag: str
    pid: int | None
    text: str

    @property
    def head(self) -> str:
        return self.tag if self.pid is None else f"{self.tag}[{self.pid}]"

    @property
    def micros(self) -> int:
        return (self.time - EPOCH) // timedelta(microseconds=1)


EAST = timezone(timedelta(hours=5, minutes=45))


def _rfc5424(said: Said, data: str = "-") -> str:
    pid = said.pid or "-"
    return f"<22>1 {said.time.isoformat('T', 'microseconds')} {said.host} {said.tag} {pid} - {data} {said.text}"


def _entry(said: Said, message: str | list[int]) -> str:
    pid = ... if said.pid is None else str(said.pid)
    identity = {"_HOSTNAME": said.host, "SYSLOG_IDENTIFIER": said.tag, "SYSLOG_PID": pid, "_PID": ...}
    return journal(**identity, MESSAGE=message, __REALTIME_TIMESTAMP=str(said.micros))


Form = Callable[[Said], str]

TO_THE_SECOND: list[Form] = [
    lambda said: f"{said.time:%b} {said.time.day:2} {said.time:%T} {said.host} {said.head}: {said.text}",
    lambda said: f"{said.time:%b %d %T} {said.host} {said.head}: [ID 197553 mail.info] {said.text}",
    lambda said: f"<22>{said.time:%b %d %T} {said.host} {said.head}: {said.text}",
    lambda said: f"{said.time:%b %d %T} {said.host} mail.info {said.head}: {said.text}",
    lambda said: f"{said.time:%b %d %T} <mail.info> {said.host} {said.head}: {said.text}",
    lambda said: f"{said.time:%b %d %Y %T} {said.host} {said.head}: {said.text}",
    lambda said: f"{said.time:%Y %b %d %T} {said.host} {said.head}: {said.text}",
    lambda said: f"{said.time.astimezone(EAST):%Y-%m-%dT%T%z} {said.host} {said.head}: {said.text}",
    lambda said: f"{said.time:%b %d %T} {said.host} {said.head}: message repeated 1 times: [ {said.text}]",
]
UNFIT_FOR_A_RELAY: list[Form] = [
    lambda said: f"{said.time:%a %Y-%m-%d %T} UTC {said.host} {said.head}: {said.text}",
    lambda said: f"{said.time:%a %b %d %T %Y} {said.host} {said.head}: {said.text}",
]
TO_THE_MICROSECOND: list[Form] = [
    lambda said: f"{said.time:%b %d %T.%f} {said.host} {said.head}: {said.text}",
    lambda said: f"{said.time:%Y-%m-%d %T,%f} {said.host} {said.head}: {said.text}",
    lambda said: f"{said.time.isoformat('T', 'microseconds')} {said.host} {said.head}: {said.text}",
    lambda said: f"{said.time.astimezone(EAST).isoformat('T', 'microseconds')} {said.host} {said.head}: {said.text}",
    _rfc5424,
    lambda said: _rfc5424(said, '[a@1 b="c\\"d\\\\"][e]'),
    lambda said: _rfc5424(said).removeprefix("<22>1 "),
]
JOURNAL: list[Form] = [
    lambda said: f"{said.micros // 10**6}.{said.micros % 10**6:06} {said.host} {said.head}: {said.text}",
    lambda said: _entry(said, said.text),
    lambda said: _entry(said, list(said.text.encode())),
]
WRAPPERS: list[Callable[[str], str]] = [
    lambda text: f"mail-1  | {text}",
    lambda text: f"\x1b[36mmail_1    |\x1b[0m {text}",
    lambda text: f"2031-01-01T00:00:00.123456789Z stdout F {text}",
    lambda text: f"2031-01-01T00:00:00.123456789Z {text}",
    docker,
]
RELAYS: list[Callable[[str], str]] = [
    lambda text: f"Jan  1 00:00:00 node mail[1]: {text}",
    lambda text: f"2031-01-01T00:00:00Z node docker/mail/1a2b[812]: {text}",
    lambda text: f"<30>1 2031-01-01T00:00:00Z node docker 812 - - {text}",
]

LINES = st.builds(
    Said,
    st.datetimes(datetime(2002, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)),
    st.from_regex(r"[a-z][a-z0-9-]{0,8}(\.example)?", fullmatch=True),
    st.from_regex(r"[a-z0-9-]{1,9}(/[a-z0-9-]{1,9}){0,2}", fullmatch=True),
    st.none() | st.integers(1, 4_194_304),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
    | st.sampled_from(["4F1D61C0: to=<a@b>, status=sent (x)", "[1.5] a: b", "] x", "{", "a | b", "<a> b"]),
).filter(
    lambda said: (
        not MORE.match(said.text) and not said.text.startswith((" ", "\ufeff")) and not said.text.endswith(("\r", "\n"))
    )
)


@st.composite
def written(draw: st.DrawFn) -> tuple[str, Said]:
    """A line in some form, and what must be read out of it."""
    said = draw(LINES)
    forms = draw(st.sampled_from([TO_THE_SECOND, UNFIT_FOR_A_RELAY, TO_THE_MICROSECOND, JOURNAL]))
    if forms in (TO_THE_SECOND, UNFIT_FOR_A_RELAY):
        said = said._replace(time=said.time.replace(microsecond=0))
    text = draw(st.sampled_from(forms))(said)
    if forms in (TO_THE_SECOND, TO_THE_MICROSECOND):
        for relay in draw(st.lists(st.sampled_from(RELAYS), max_size=2)):
            text = relay(text)
    for wrapper in draw(st.lists(st.sampled_from(WRAPPERS), max_size=2)):
        text = wrapper(text)
    return text, said


def line_of(said: Said) -> Line:
    syslog_name, slash, program = said.tag.rpartition("/")
    return Line(said.micros, said.host, syslog_name if slash else None, program, said.pid, said.text)


@settings(deadline=None, max_examples=300)
@given(written())
def test_what_was_written_in_any_form_is_read_back(pair: tuple[str, Said]) -> None:
    text, said = pair
    assert read(text, Clock(said.time.year, UTC)) == line_of(said)


@settings(deadline=None)
@given(st.lists(written(), min_size=1, max_size=12))
def test_a_file_may_mix_all_forms(pairs: list[tuple[str, Said]]) -> None:
    """Lines of one day, in their order; what is wrapped around them says 2031."""
    clock = Clock(2026, UTC)
    for number, (text, said) in enumerate(pairs):
        moment = datetime(2026, 11, 22, 12, 0, number, tzinfo=UTC)
        for form in (TO_THE_SECOND[0], TO_THE_MICROSECOND[3], JOURNAL[1]):
            placed = said._replace(time=moment)
            assert read(WRAPPERS[number % len(WRAPPERS)](form(placed)), clock) == line_of(placed)
        read(text, Clock(said.time.year, UTC))


PIECES = st.sampled_from(
    [
        *("Nov 22 12:00:09 ", "2026-11-22T12:00:09Z ", "mx1 ", "a[1]: ", "<22>", "1 ", "- ", "mail.info ", "INFO "),
        *("mail | ", "\x1b[1m", "\ufeff", "stdout F ", "{", '{"log":"', '"', "}", "\\u0000", "\\ud800"),
        *("[ID 1 a.b] ", "message repeated 2 times: [", "last message repeated 2 times", "]", "postfix/x[1]: "),
    ]
)


@settings(deadline=None, max_examples=300)
@given(st.lists(PIECES | st.text(max_size=6), max_size=12).map("".join))
@example("[" * 60_000)
@example('{"a":' * 12_000)
def test_nothing_raises_and_what_is_read_can_be_stored(text: str) -> None:
    line = read(text, Clock(2026, UTC))
    if line is not None:
        assert abs(line.time) < 2**63 // 1000
        assert 1 <= line.repeated <= 1_000_000
        assert "\0" not in line.text or "\0" in text
        if text.isascii():
            "".join((line.host, line.syslog_name or "", line.program, line.text)).encode()
