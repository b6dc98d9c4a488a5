"""The parser of blocks against its specification, the patterns line by line: equal events, account and clock."""

import random
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from gzip import decompress
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from advisor import parser, programs
from advisor.event import SCHEMA, Coverage, Parsed
from advisor.family import Fields
from advisor.line import LONG, Clock
from advisor.parser import Parser
from benchmarks.generated_log import log as generated_log
from tests.conftest import LAB, MONTH, lab_log
from tests.programs.golden import HERE

pytestmark = pytest.mark.usefixtures("way")

BERLIN, LORD_HOWE = ZoneInfo("Europe/Berlin"), ZoneInfo("Australia/Lord_Howe")
SEVERAL = 1_000
"""Lines of a block that is small enough to be compared quickly, and large enough for every path."""


def expect(data: bytes, clock: Clock) -> Parsed:
    """What the patterns read in whole lines, of which the last may lack its newline."""
    lines, at = [], 0
    for line in data.removesuffix(b"\n").split(b"\n") if data else ():
        lines.append((at, line))
        at += len(line) + 1
    return programs.parse(lines, clock, "log")


def compare(data: bytes, cuts: Iterable[int] = (), zone: tzinfo = UTC, year: int = 2026) -> Parsed:
    """Assert that a parser reads what the patterns read, wherever blocks are cut behind a line; gives what it read."""
    clock, other = Clock(year, zone), Clock(year, zone)
    wanted, reader = expect(data, clock), Parser(other, "log")
    ends = sorted({data.find(b"\n", cut) + 1 or len(data) for cut in cuts} | {len(data)})
    starts = [0, *ends[:-1]]
    blocks = [reader.read(data[start:end], start) for start, end in zip(starts, ends, strict=True)]
    for block in blocks:
        block.events.validate(full=True)
    events = pa.concat_tables(block.events.cast(SCHEMA).sort_by("offset") for block in blocks).combine_chunks()
    found = Parsed(events, sum((block.coverage for block in blocks), Coverage()))
    if not events.equals(wanted.events):
        assert differences(data, wanted.events, events) == []
    assert found.coverage == wanted.coverage
    coverage = found.coverage
    assert coverage.lines == coverage.events + coverage.ignored + coverage.unrecognised
    assert coverage.lines - coverage.ignored == events.num_rows
    assert (other.year, other.last) == (clock.year, clock.last)
    return found


def differences(data: bytes, wanted: pa.Table, found: pa.Table) -> list[tuple[bytes, dict[str, Any]]]:
    """Some lines that are read differently, and by column what the patterns and what the parser made of them."""
    rows = [{row["offset"]: row for row in table.to_pylist()} for table in (wanted, found)]
    told = []
    for offset in sorted({*rows[0], *rows[1]}):
        ours, other = (side.get(offset, {}) for side in rows)
        columns = {
            name: (ours.get(name), other.get(name)) for name in SCHEMA.names if ours.get(name) != other.get(name)
        }
        if columns:
            told.append((data[offset : offset + 300].split(b"\n")[0], columns))
    return told[:5] or [(b"", {})]


@cache
def lab_lines() -> list[bytes]:
    return [line for path in sorted(LAB.glob("*.gz")) for line in lab_log(path.name.partition(".")[0]).splitlines()]


@cache
def golden_lines() -> list[bytes]:
    return [line for path in sorted(HERE.glob("*.log")) for line in path.read_bytes().splitlines()]


@cache
def generated(lines: int) -> bytes:
    return "".join(f"{line}\n" for line in generated_log(lines)).encode()


@pytest.mark.parametrize("path", [*sorted(LAB.glob("*.gz")), MONTH], ids=lambda path: path.name.partition(".")[0])
def test_a_log_is_read_as_the_patterns_read_it(path: Path) -> None:
    data = decompress(path.read_bytes())
    compare(data)
    compare(data[: len(data) // 5], range(0, len(data), 7_001))


def test_golden_lines_are_read_as_the_patterns_read_them() -> None:
    compare(b"\n".join(golden_lines()))
    compare(b"\n".join(golden_lines()), range(0, 1 << 20, 5_000))


HEAD = b"Nov 22 12:00:09 mx1 postfix/smtpd[695]: "
CONNECT = HEAD + b"connect from mail.good.example[203.0.113.10]"

# How a line "Nov 22 12:00:09 mx1 postfix/smtpd[695]: connect ..." looks in other logs: {t} is its time, {o} the host,
# {g} the tag without its process {i}, {s} what was said.
FORMS = (
    "{t:%b %d %H:%M:%S} {o} {g}[{i}]: {s}",
    "{t:%b %d %H:%M:%S} {o} {g}: {s}",
    "{t:%b} 2 {t:%H:%M:%S} {o} {g}[{i}]: {s}",
    "{t:%b}  2 {t:%H:%M:%S} {o} {g}[{i}]: {s}",
    "{t:%b %d %H:%M:%S}.5 {o} {g}[{i}]: {s}",
    "{t:%Y-%m-%dT%H:%M:%S} {o} {g}[{i}]: {s}",
    "{t:%Y-%m-%d %H:%M:%S},{t:%f} {o} {g}[{i}]: {s}",
    "{t:%Y-%m-%dT%H:%M:%S}.123456789Z {o} {g}[{i}]: {s}",
    "{t:%Y-%m-%dT%H:%M:%S.%f}+01:00 {o} {g}[{i}]: {s}",
    "{t:%Y-%m-%dT%H:%M:%S}-0530 {o} {g}[{i}]: {s}",
    "{t:%b %d %H:%M:%S} {o} {g}[{i}]:{s}",
    "{t:%b %d %H:%M:%S}  {g}[{i}]: {s}",
    "{t:%b %d %H:%M:%S} {g}[{i}]: {s}",
    "{t:%b %d %H:%M:%S} {o} {g}[{i}]: [ID 197553 mail.info] {s}",
    "{t:%b %d %H:%M:%S} {o} {g}[{i}]: message repeated 3 times: [ {s}]",
    "{t:%b %d %H:%M:%S} {o} mail.info {g}[{i}]: {s}",
    "{t:%b %d %H:%M:%S} <mail.info> {o} {g}[{i}]: {s}",
    "{t:%b %d %H:%M:%S} outer mail[1]: {t:%b %d %H:%M:%S} {o} {g}[{i}]: {s}",
    "{t:%b %d %H:%M:%S} outer mail[1]: <22>{t:%b %d %H:%M:%S} {o} {g}[{i}]: {s}",
    "{t:%b %d %H:%M:%S} outer mail[1]: {t:%Y-%m-%dT%H:%M:%S} {o} {g}[{i}]: {s}",
    "{t:%b %d %H:%M:%S} outer mail[1]: {t:%Y %b %d %H:%M:%S} {o} {g}[{i}]: {s}",
    "{t:%b %d %H:%M:%S} outer mail[1]: {g}[{i}]: {s}",
    "<22>{t:%b %d %H:%M:%S} {o} {g}[{i}]: {s}",
    "<22>1 {t:%Y-%m-%dT%H:%M:%S}Z {o} {g} {i} - - {s}",
    "{t:%Y-%m-%dT%H:%M:%S.%f}Z stdout F {t:%b %d %H:%M:%S} {o} {g}[{i}]: {s}",
    "mail-1  | {t:%b %d %H:%M:%S} {o} {g}[{i}]: {s}",
    "{t:%Y %b %d %H:%M:%S}.123 {o} {g}[{i}]: {s}",
    "{t:%a %b %d %H:%M:%S %Y} mail.info {g}[{i}]: {s}",
    "{t:%a %Y-%m-%d %H:%M:%S} CET {o} {g}[{i}]: {s}",
    "1795348809.{t:%f} {o} {g}[{i}]: {s}",
    "{o} {g}[{i}]: {s}",
    "{t:%b %d %H:%M:%S} {o} {g}[{i}]: {s}\r",
)
# Nov 22 12:00:09 mx1 postfix/smtpd[695]: connect from mail.good.example[203.0.113.10]
USUAL = re.compile(rb"Nov (?P<d>\d\d) (?P<c>\d\d:\d\d:\d\d) (?P<o>\S+) (?P<g>[^ \[]+)\[(?P<i>\d+)\]: (?P<s>.*)")


def in_form(form: str, lines: Iterable[bytes]) -> list[bytes]:
    """Usual lines with another header; the others are left out."""
    found = [part.groupdict() for line in lines if (part := USUAL.fullmatch(line))]
    texts = [{name: value.decode("latin-1") for name, value in part.items()} for part in found]
    times = [datetime.strptime(f"2026-11-{part['d']} {part['c']}", "%Y-%m-%d %H:%M:%S") for part in texts]
    return [form.format(t=time, **part).encode("latin-1") for time, part in zip(times, texts, strict=True)]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_header(form: str) -> None:
    lines = in_form(form, lab_lines()[::60] + golden_lines()[::3])
    assert len(lines) > 500
    compare(b"\n".join(lines), zone=BERLIN)


@pytest.mark.long
@pytest.mark.parametrize("form", FORMS)
def test_every_line_in_every_form_of_header(form: str) -> None:
    compare(b"\n".join(in_form(form, lab_lines() + golden_lines())), range(0, 1 << 23, 1 << 18), BERLIN)


def test_the_form_of_header_changes_in_mid_block() -> None:
    chosen = lab_lines()[:SEVERAL]
    for number, form in enumerate(FORMS[1:], 1):
        before, after = in_form(FORMS[0], chosen[: 40 + number]), in_form(form, chosen[40 + number : 90])
        compare(b"\n".join(before + after + before), zone=BERLIN)
        compare(b"\n".join(after + before + after), zone=BERLIN)
    mixed = [line for form in FORMS for line in in_form(form, chosen[:20])]
    random.Random(3).shuffle(mixed)
    compare(b"\n".join(mixed), range(0, 1 << 17, 2_000), BERLIN)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the parser leaves to the patterns."""
    texts: list[str] = []

    def read_said(raw: bytes, tag: programs.Tag, said: str, coverage: Coverage) -> Fields | None:
        texts.append(said)
        return programs.read_said(raw, tag, said, coverage)

    monkeypatch.setattr(parser, "read_said", read_said)
    return texts


@pytest.mark.parametrize("lines", [30_000, pytest.param(1_000_000, marks=pytest.mark.long)])
def test_a_generated_log_is_read_by_templates(lines: int, asked: list[str]) -> None:
    """Else equality would prove nothing."""
    coverage = compare(generated(lines), range(0, 1 << 30, 1 << 21)).coverage

    assert coverage.lines == lines
    assert len(asked) < lines / 20
    assert coverage.unrecognised == 0


@pytest.mark.parametrize("form", FORMS[:10])
def test_usual_headers_are_read_by_templates(form: str, asked: list[str]) -> None:
    lines = in_form(form, [CONNECT] * 9)
    compare(b"\n".join(lines))
    compare(b"\n".join(lines).replace(b"Nov 22", b"Nov  9", 4))
    compare(b"\n".join([*lines[:4], *(line.replace(b"Nov 22", b"Nov  9") for line in lines[4:])]))

    assert asked == []


# What stands where a line is taken apart, and what a stranger would put there.
PLACES = re.compile(rb"[\[\]<>\"; :,=()]|\d+|[^\W\d]+")
PIECES = (
    *(b"[ ] < > \" ; : , = ( ) \\ - { } ' \r \t \0 \x7f \x0b \xe9 \xc3\xa9 \xf0\x9f\x98\x80 \xed\xa0\x80 \xff").split(
        b" "
    ),
    *(b" ", b"  ", b"", b": ", b", ", b"; ", b">: ", b"> to=<", b">, to=<", b"; from=<", b"; proto=", b" proto=SMTP"),
    *(b"> proto=ESMTP helo=<", b"] blocked using ", b"[1.2.3.4]", b"[::1]", b"[unknown]", b"1.2.3.4", b"2001:db8::1"),
    *(b"fe80::1%eth0", b"NOQUEUE", b"NOQUEUE: ", b"unknown", b"0", b"9", b"00000000", b"999999999", b"9" * 19),
    *(b"a" * 60, b"Nov 23 ", b"Feb 30 ", b"2026-11-22T12:00:00 ", b"<22>", b"1 ", b"[ID 1 mail.info] ", b"x="),
    *(b"postfix/smtpd[1]: ", b"message repeated 2 times: [ ", b"last message repeated 2 times", b"warning: ", b"<>"),
)


def mutate(dice: random.Random, line: bytes) -> bytes:
    """Damage a line where it matters: cut, double, exchange or put in what its reader goes by."""
    places = [found.span() for found in PLACES.finditer(line)]
    if not places:
        return dice.choice(PIECES)
    (begin, end), (start, stop) = sorted(dice.choices(places, k=2))
    piece, byte, at = dice.choice(PIECES), bytes([dice.randrange(256)]), dice.randrange(len(line))
    return dice.choice(
        (
            line[:begin] + line[end:],
            line[:begin] + piece + line[end:],
            line[:end] + piece + line[end:],
            line[:begin] + line[start:],
            line[:end] + line[begin:],
            line[:begin] + line[start:stop] + line[end:start] + line[begin:end] + line[stop:],
            line[:at] + byte + line[at + 1 :],
            line[: dice.choice((at, begin, end))],
            line + line[begin:],
        )
    ).replace(b"\n", b"")


def mutated(lines: int, seed: int) -> Iterator[bytes]:
    """Lines of the lab, some with another header, most of them damaged, mostly behind it; begins with a whole one."""
    dice = random.Random(seed)
    known = lab_lines() + golden_lines() * 10
    yield known[0]
    for line in dice.choices(known, k=lines):
        other = in_form(dice.choice(FORMS[:10]), [line]) if dice.random() < 0.2 else []
        damaged = other[0] if other else line
        start = damaged.find(b": ") + 2 if dice.random() < 0.75 else 0
        for _ in range(dice.choice((0, 1, 1, 1, 2))):
            damaged = damaged[:start] + mutate(dice, damaged[start:])
        yield damaged


@pytest.mark.parametrize(
    ("seed", "lines"), [(1, 20_000), *(pytest.param(seed, 50_000, marks=pytest.mark.long) for seed in range(2, 22))]
)
def test_damaged_lines_are_read_as_the_patterns_read_them(seed: int, lines: int) -> None:
    data = b"\n".join(mutated(lines, seed))
    compare(data, range(1 << 16, len(data), 1 << 18))


@pytest.mark.parametrize("seed", range(4))
def test_damaged_lines_among_whole_ones(seed: int) -> None:
    """Cut anywhere, and what the pattern reads does not disturb the lines around it."""
    dice = random.Random(seed)
    damaged = list(mutated(200, seed))
    lines = [line if dice.random() < 0.7 else dice.choice(damaged) for line in lab_lines()[: 10 * SEVERAL : 7]]
    data = b"\n".join(lines)
    compare(data, dice.choices(range(len(data)), k=60))


ODD = (
    b"",
    b" ",
    b"\t\r",
    b"\r",
    b"\0" * 40,
    b"\0\0" + CONNECT,
    CONNECT + b"\0",
    CONNECT + b"\r",
    CONNECT + b"\r\r",
    CONNECT + b" ",
    CONNECT.replace(b"mail", b"m\xe4il"),
    CONNECT.replace(b"mail", b"m\xc3\xa4il"),
    CONNECT.replace(b"mx1", b"m\xc3\xa41"),
    CONNECT.replace(b" mx1 ", b"  "),
    CONNECT.replace(b" mx1 ", b"\tmx1\t"),
    CONNECT.replace(b"mail", b"m\x85il"),
    CONNECT.replace(b"mail", b"m\til"),
    CONNECT.replace(b"[695]", b""),
    CONNECT.replace(b"[695]", b"[]"),
    CONNECT.replace(b"[695]", b"[9999999999]"),
    CONNECT.replace(b"[695]", b"[99999999999]"),
    CONNECT.replace(b"[695]", b"[00000695]"),
    CONNECT.replace(b"[695]", b"[69x]"),
    CONNECT.replace(b"12:00:09", b"23:59:60"),
    CONNECT.replace(b"12:00:09", b"24:00:00"),
    CONNECT.replace(b"12:00:09", b"12:60:00"),
    CONNECT.replace(b"12:00:09", b"12:00:70"),
    CONNECT.replace(b"Nov 22", b"Nov 31"),
    CONNECT.replace(b"mail", b"a" * (LONG - len(CONNECT) + 4)),
    CONNECT.replace(b"mail", b"a" * (LONG - len(CONNECT) + 5)),
    HEAD,
    HEAD[:-1],
    HEAD[:20],
    HEAD[:15],
    HEAD + b"NOQUEUE: client=a.example[192.0.2.1]",
    HEAD.replace(b"smtpd", b"qmgr") + b"1977818C: remove",
    HEAD.replace(b"smtpd", b"qmgr") + b"C01F91C2 removed",
    HEAD.replace(b"postfix/smtpd", b"opendkim") + b"4F1D61C0: no signature datadata",
    HEAD.replace(b"smtpd", b"postscreen") + b"CONNECT from [192.0.2.1]:25 to [192.0.2.2]:2b",
    HEAD.replace(b"smtpd", b"postscreen") + b"PREGREET 2 after 0.1 from [192.0.2.1]:25: a\r",
    HEAD.replace(b"smtpd", b"cleanup").replace(b": ", b":postfix/smtpd[1]:  ") + b"4F1D61C0: message-id=<a@b.example>",
    HEAD.replace(b"smtpd", b"postscreen")
    + b"NOQUEUE: reject: RCPT from [192.0.2.1]:25: 450 4.3.2 Service currently unavailable; from=<a@b.example>, "
    b"to=<c@d.example>, proto=ESMTP, helo=<\x7f>",
    HEAD + b"Anonymous TLS connection established from a.example[192.0.2.1]: TLSv1.3 with cipher A\x0bB (256/256 bits)",
    HEAD + b"NOQUEUE: permit: RCPT from a.example[192.0.2.1]: action=permit for a@b.example  ; "
    b"from=<a@b.example> to=<c@d.example> proto=ESMTP helo=<x>",
    HEAD + b"warning: hostname  does not resolve to address 192.0.2.1",
)


NEWLINE = re.compile(rb"\n")


@pytest.mark.parametrize("line", ODD, ids=range(len(ODD)))
def test_an_odd_line_at_any_place(line: bytes) -> None:
    """Also as the first line, whose form of header the block is believed to have; each tag is known before."""
    usual = [
        CONNECT,
        HEAD.replace(b"smtpd", b"qmgr") + b"4F1D61C0: removed",
        HEAD.replace(b"smtpd", b"cleanup") + b"4F1D61C0: message-id=<a@b.example>",
        HEAD.replace(b"smtpd", b"postscreen") + b"PASS OLD [192.0.2.1]:25",
        HEAD.replace(b"postfix/smtpd", b"opendkim") + b"4F1D61C0: not authenticated",
        CONNECT,
    ]
    for place in (0, 5, 6):
        data = b"\n".join([*usual[:place], line, line, *usual[place:]])
        compare(data)
        compare(data + b"\n", [found.start() for found in NEWLINE.finditer(data)])
    compare(line)
    compare(line + b"\n\n")


def test_a_log_of_nothing() -> None:
    assert compare(b"").coverage == Coverage()
    assert compare(b"\n").coverage.ignored == 1


def test_many_tags() -> None:
    compare(b"".join(CONNECT.replace(b"smtpd", b"x%d" % number) + b"\n" for number in range(SEVERAL)))
    compare(b"".join(CONNECT.replace(b"postfix", b"p%d" % number) + b"\n" for number in range(SEVERAL)))
    compare(b"".join(CONNECT.replace(b"mx1", b"mx%d" % number) + b"\n" for number in range(SEVERAL)))


@pytest.mark.parametrize("data", [b"a", b" ", b"a [<\xe9"])
def test_ten_megabytes_without_a_newline(data: bytes) -> None:
    long = data * (10_000_000 // len(data))
    assert compare(b"\n".join([CONNECT, long])).coverage.lines == 2
    assert compare(b"\n".join([long, CONNECT]), [0]).coverage.events == 1


HOSTILE = st.text(st.sampled_from("ab1.@-_%<>[]\"' ;:,=()/\\\t\r\x7f\xe9"), max_size=14)
TRAPS = st.sampled_from([piece.decode("latin-1") for piece in PIECES])
ANYTHING = HOSTILE | TRAPS | st.lists(TRAPS | HOSTILE, max_size=4).map("".join)


@settings(max_examples=100)
@given(st.lists(st.binary(max_size=30) | st.sampled_from([*ODD[:-14], *golden_lines()[:200]]), max_size=30), st.data())
def test_any_bytes_cut_anywhere(pieces: list[bytes], data: st.DataObject) -> None:
    joined = b"".join(piece + data.draw(st.sampled_from([b"\n", b"\n", b"\n", b"", b" "])) for piece in pieces)
    compare(joined, data.draw(st.lists(st.integers(0, max(len(joined) - 1, 0)), max_size=4)) if joined else ())


REPETITION = b"Nov 22 12:00:10 mx1 last message repeated 2 times"
CRON = b"Nov 22 12:00:09 mx1 CRON[1]: (root) CMD (true)"
NOBODYS = HEAD + b"words that nobody knows"
MARKER = b"Nov 22 12:00:09 mx1 -- MARK --"


@pytest.mark.parametrize(
    ("lines", "repeated"),
    [
        ([CONNECT, REPETITION], {b"connect": 3}),
        ([CONNECT, REPETITION, REPETITION, REPETITION], {b"connect": 7}),
        ([CONNECT, REPETITION.replace(b"mx1", b"mx2")], {b"connect": 1, b"unrecognised": 2}),
        ([CONNECT, REPETITION.replace(b"last", b"syslogd: last")], {b"connect": 3}),
        ([CONNECT, REPETITION.replace(b"last", b"syslogd[7]: last"), CONNECT], {b"connect": 4}),
        (
            [CONNECT, CRON.replace(b"CRON[1]", b"syslogd"), REPETITION.replace(b"last", b"syslogd: last")],
            {b"connect": 1},
        ),
        ([CONNECT, REPETITION.replace(b"last", b"--- last") + b" ---"], {b"connect": 3}),
        ([CONNECT, REPETITION.replace(b"2 times", b"1 time"), MARKER, b"", b" ", REPETITION], {b"connect": 4}),
        ([CONNECT, REPETITION.replace(b" 2 ", b" 0 ")], {b"connect": 2}),
        ([CONNECT, REPETITION.replace(b" 2 ", b" 999999999 ")], {b"connect": 1_000_001}),
        ([REPETITION, CONNECT], {b"connect": 1, b"unrecognised": 2}),
        ([CRON, REPETITION, CONNECT], {b"connect": 1}),
        ([NOBODYS, REPETITION, CONNECT], {b"connect": 1, b"unrecognised": 3}),
        ([CONNECT + b"\0", REPETITION, CONNECT], {b"connect": 1, b"unrecognised": 3}),
        ([CONNECT.replace(b"mail", b"m\xe4il"), REPETITION], {b"connect": 3}),
        ([CONNECT, b"no header", REPETITION], {b"connect": 1, b"unrecognised": 3}),
        ([CONNECT.replace(b"[695]", b""), REPETITION], {b"connect": 3}),
        ([HEAD + b"message repeated 3 times: [ connect from a.example[192.0.2.1]]", REPETITION], {b"connect": 5}),
        ([b"<22>" + CONNECT, b"<22>" + REPETITION], {b"connect": 3}),
        ([CONNECT, b"Nov 22 12:00:11 mx1 relay[1]: " + REPETITION], {b"connect": 3}),
        ([CONNECT, b"Feb 30" + REPETITION[6:], REPETITION], {b"connect": 1, b"unrecognised": 3}),
    ],
)
def test_a_repetition_stands_for_the_line_before(lines: list[bytes], repeated: dict[bytes, int]) -> None:
    """Wherever that line was: just before, in the block before, or before any number of remarks."""
    usual = lab_lines()[1:4]
    whole = compare(b"\n".join(lines))
    compare(b"\n".join(lines), range(4_000))
    compare(b"\n".join([*usual, *lines, *usual, *lines]), range(0, 8_000, 150))
    found: dict[bytes, int] = {}
    for event in whole.events.select(["kind", "repeated"]).to_pylist():
        kind = event["kind"].encode()
        found[kind] = found.get(kind, 0) + event["repeated"]

    assert found == repeated


LINES = st.sampled_from(
    [CONNECT, REPETITION, CRON, NOBODYS, MARKER, b"", b"no header", CONNECT + b"\0", b"==> mail.log <==", b"\0" * 9]
)


@given(st.lists(LINES, max_size=12), st.lists(st.integers(0, 600), max_size=5))
@example([CONNECT, MARKER, REPETITION, b"", REPETITION], [0, 60, 90, 120])
def test_repetitions_and_remarks_cut_anywhere(lines: list[bytes], cuts: list[int]) -> None:
    data = b"\n".join(lines)
    compare(data, [cut for cut in cuts if cut < len(data)])


SPELLED = ("{t:%b %d %H:%M:%S}", "{t:%b} {t.day:2} {t:%H:%M:%S}", "{t:%Y-%m-%dT%H:%M:%S}", "{t:%b %d %H:%M:%S}.{t:%f}")
SAID = (" mx1 postfix/qmgr[3]: 4F1D61C0: removed", " mx1 postfix/qmgr: 4F1D61C0: removed", " mx1 x", " mx1 cron[1]: x")
MOMENTS = (
    (UTC, datetime(2026, 12, 31, 23, 58)),
    (UTC, datetime(2028, 2, 28, 23, 58)),
    (UTC, datetime(2026, 10, 9, 23, 58)),
    (UTC, datetime(2026, 11, 30, 23, 58)),
    (BERLIN, datetime(2026, 10, 25, 1, 55)),
    (BERLIN, datetime(2026, 3, 29, 1, 58)),
    (LORD_HOWE, datetime(2026, 4, 5, 1, 28)),
    (LORD_HOWE, datetime(2026, 10, 4, 1, 58)),
)  # fmt: skip


MONTHS = st.integers(-2, 3).map(lambda months: months * 30 * 24 * 6)


@settings(max_examples=80)
@given(
    st.lists(
        st.tuples(st.integers(-7, 9) | MONTHS, st.sampled_from(SPELLED), st.sampled_from(SAID)), min_size=1, max_size=30
    ),
    st.sampled_from(SPELLED),
    st.lists(st.integers(0, 1_500), max_size=4),
    st.sampled_from(MOMENTS),
)
def test_time_goes_on_across_blocks(
    steps: list[tuple[int, str, str]], usual: str, cuts: list[int], moment: tuple[tzinfo, datetime]
) -> None:
    """Summer time begins and ends, a year ends, a day has one digit, and clocks are set back; steps are of ten minutes,
    so that the same time comes again."""
    zone, now = moment
    lines = []
    for step, form, said in steps:
        now += timedelta(minutes=10 * step)
        lines += [form.format(t=now) + said, usual.format(t=now + timedelta(seconds=1)) + SAID[0]]
    data = "\n".join(lines).encode()
    compare(data, [cut for cut in cuts if cut < len(data)], zone, moment[1].year)


def test_a_stamp_that_comes_again_a_year_later() -> None:
    """Read by the pattern both times, and the year went on between them in lines that were not."""
    odd, usual = HEAD + b"m\xe4il", HEAD.replace(b"Nov", b"Jan") + b"x"
    found = compare(b"\n".join([CONNECT, odd, odd, usual, CONNECT.replace(b":09", b":08"), odd])).events

    assert [time.year for time in found["time"].to_pylist()] == [2026, 2026, 2026, 2027, 2027, 2027]


@pytest.mark.parametrize(("zone", "moment"), MOMENTS)
def test_an_ordinary_night(zone: tzinfo, moment: datetime) -> None:
    """Each line once, in order, as the clock on the wall goes: an hour that comes twice is logged twice."""
    start = moment.replace(tzinfo=zone).timestamp()
    for form in SPELLED:
        times = [datetime.fromtimestamp(start + 29 * number, zone) for number in range(500)]
        data = "\n".join(form.format(t=time) + SAID[0] for time in times).encode()
        compare(data, range(0, len(data), 1_000), zone, moment.year)
        seconds = [time.timestamp() for time in compare(data, (), zone, moment.year).events["time"].to_pylist()]
        if "%Y" not in form:
            assert seconds == [start + 29 * number for number in range(500)]
