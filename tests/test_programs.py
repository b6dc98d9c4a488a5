"""What each program says: golden pairs, every family's own line, all real logs, and lines that are none."""

import gzip
import json
import random
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from time import process_time
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor import programs
from advisor.event import Coverage, Parsed
from advisor.family import LEVEL, LIBRARY, REST, Family
from advisor.line import LONG, Clock
from advisor.line import read as read_line
from advisor.verdict import SAYS, read_verdict
from tests.conftest import LAB, MONTH, lab_log
from tests.programs.golden import HERE, read

PAIRS = sorted(path.stem for path in HERE.glob("*.log"))
MODULES = [import_module(f"advisor.programs.{file.name}") for file in iter_modules(programs.__path__)]
FAMILIES = [(module.PROGRAMS[0], family) for module in MODULES for family in module.FAMILIES]


def parse(*lines: bytes) -> Parsed:
    return programs.parse(enumerate(lines), Clock(2026, UTC), "log")


@pytest.mark.parametrize("name", PAIRS)
def test_golden_pair(name: str) -> None:
    expected = [json.loads(line) for line in (HERE / f"{name}.events").read_text().splitlines()]

    assert read(HERE / f"{name}.log") == expected


def test_every_file_has_a_pair_with_every_kind() -> None:
    for module in MODULES:
        names = {module.__name__.rpartition(".")[2], *module.PROGRAMS}
        pairs = names & set(PAIRS)
        assert pairs, names
        kinds = {event["kind"] for pair in pairs for event in read(HERE / f"{pair}.log")}
        assert {family.kind for family in module.FAMILIES if family not in (LIBRARY, REST)} <= kinds


def understood_by(program: str, family: Family) -> tuple[Family, ...]:
    """What the program may say that a family is of: policy-spf is there under Postfix's name and under its own."""
    both = programs.POSTFIX.get(program, ()), programs.OTHERS.get(program, ())
    return next(known for known in both if family in known)


@pytest.mark.parametrize(("program", "family"), FAMILIES, ids=[f"{p}-{n}" for n, (p, _) in enumerate(FAMILIES)])
def test_a_family_reads_its_own_line_first(program: str, family: Family) -> None:
    known = understood_by(program, family)
    first = next(one for one in known if one.read(family.sample) is not None)

    assert first is family


def test_every_program_of_postfix_may_warn() -> None:
    assert all(known[-1] is LEVEL for known in programs.POSTFIX.values())


COUNTS: dict[str, dict[str, int]] = json.loads((HERE / "counts.json").read_text())


def kinds(found: Parsed) -> dict[str, int]:
    return dict(Counter(found.events["kind"].to_pylist()))


@pytest.mark.parametrize("path", sorted(LAB.glob("*.gz")), ids=lambda path: path.name.partition(".")[0])
def test_every_line_of_the_lab_is_understood(path: Path) -> None:
    name = path.name.partition(".")[0]
    lines = lab_log(name).splitlines()
    found = parse(*lines)

    assert (found.coverage.lines, found.coverage.unrecognised, found.coverage.ignored) == (len(lines), 0, 0)
    assert found.coverage.events == len(lines)
    assert kinds(found) == COUNTS[name]


def test_every_line_of_the_month_is_accounted_for() -> None:
    lines = gzip.decompress(MONTH.read_bytes()).splitlines()
    found = parse(*lines)

    assert kinds(found) == COUNTS["maillog-20261101"]

    assert found.coverage.ignored_by_program == Counter({"dovecot": 44, "systemd": 31, "sshd": 3})
    assert (found.coverage.lines, found.coverage.events, found.coverage.unrecognised) == (30_156, 30_078, 0)
    assert found.events.num_rows == 30_078
    connects = pc.sum(pc.equal(found.events["kind"], "connect")).as_py()
    assert connects == sum(b"]: connect from " in line and b"smtpd[" in line for line in lines)


DAMAGED = [
    b"Nov 22 12:00:00 mx1 postfix/smtpd[1]: connect from a\0[192.0.2.1]",
    b"Nov 22 12:00:00 mx1 postfix/smt\xff[1]: connect from unknown[192.0.2.1]",
    b"Nov 22 12:00:00 mx1 postfix/smtpd[1]: connect from " + b"a" * LONG + b"[192.0.2.1]",
    b"Nov 22 12:00:00 mx1 postfix/smtpd[1]: connect from unknown[192.0.2",
    b"Nov 22 12:00:00 mx1 postfix/smt",
    b"Nov 32 12:00:00 mx1 postfix/smtpd[1]: connect from unknown[192.0.2.1]",
    b"\0" * 4096,
    b"no header at all",
]


@pytest.mark.parametrize("raw", DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_line_is_kept_and_not_understood(raw: bytes) -> None:
    found = parse(raw, b"Nov 22 12:00:00 mx1 postfix/smtpd[1]: connect from unknown[192.0.2.1]")

    assert (found.coverage.lines, found.coverage.events, found.coverage.unrecognised) == (2, 1, 1)
    assert found.events["kind"].to_pylist() == ["unrecognised", "connect"]
    assert len(found.events["text"][0].as_py()) >= len(raw)


def test_blank_lines_and_other_programs_are_ignored() -> None:
    found = parse(
        b"", b"  ", b"Nov 22 12:00:00 mx1 smtpd[1]: OpenSMTPD is not Postfix", b"Nov 22 12:00:00 mx1 cron[1]: x"
    )

    assert sum(found.coverage.ignored_by_program.values()) == found.coverage.ignored == 4
    assert found.coverage.ignored_by_program["smtpd"] == 1
    assert found.events.num_rows == 0


def test_a_program_of_postfix_that_nobody_knows_is_not_ignored() -> None:
    assert parse(b"Nov 22 12:00:00 mx1 postfix/newd[1]: hello").coverage.unrecognised == 1


def test_cut_and_mutated_lines_are_all_accounted_for() -> None:
    dice = random.Random(7)
    lines = [line for path in sorted(LAB.glob("*.gz")) for line in lab_log(path.name.partition(".")[0]).splitlines()]
    mutated = []
    for line in dice.sample(lines, 6_000):
        at, cut = dice.randrange(len(line)), dice.random()
        mutated.append(line[:at] if cut < 0.5 else line[:at] + bytes([dice.randrange(256)]) + line[at + 1 :])
    found = parse(*mutated).coverage

    assert found.lines == len(mutated) == found.events + found.ignored + found.unrecognised


@pytest.mark.parametrize(("says", "name"), SAYS)
def test_words_lead_to_their_restriction(says: str, name: str) -> None:
    line = (
        f"Nov 22 12:00:00 mx1 postfix/smtpd[1]: NOQUEUE: reject: RCPT from unknown[192.0.2.1]: 554 {says} and more; "
        "from=<a@b.example> to=<c@d.example> proto=ESMTP helo=<x>"
    )
    event = parse(line.encode()).events.to_pylist()[0]

    assert (event["kind"], event["restriction"], event["reply"]) == ("verdict", name, "554")


# What a client may say in HELO, and what an address may hold once Postfix has printed it.
ODD = st.text(st.sampled_from("ab.@-_<>;:= ,[]1\"'"), max_size=12)
TRAPS = st.sampled_from(
    ["x>; from=<a> to=<b> proto=SMTP helo=<y", "a; from=<b@c>", "x> to=<y", "helo=<x>", "Relay access denied"]
)
PLAIN = st.from_regex(re.compile(r"[a-z0-9.+-]{1,12}@[a-z0-9.-]{1,12}", re.ASCII), fullmatch=True)


@settings(max_examples=400, deadline=None)
@given(helo=ODD | TRAPS, sender=PLAIN | st.just(""), recipient=PLAIN)
def test_a_hostile_helo_changes_nothing_else(helo: str, sender: str, recipient: str) -> None:
    """The words of a HELO reject carry the HELO twice; sender and recipient come from the end of the line."""
    text = (
        f"504 5.5.2 <{helo}>: Helo command rejected: need fully-qualified hostname; "
        f"from=<{sender}> to=<{recipient}> proto=ESMTP helo=<{helo}>"
    )
    found: dict[str, Any] | None = read_verdict(text)

    assert found is not None
    assert (found["sender"], found["recipient"], found["helo_name"]) == (sender, recipient, helo)
    assert (found["reply"], found["dsn"]) == ("504", "5.5.2")


# A traditional header, an ISO one, a tag without a pid, one with a colon behind the host, and one that is no header.
HEADS = [
    "Nov 22 12:00:00 mx1 postfix/smtpd[1]",
    "Nov 22 12:00:00 mx1 postfix/submission/smtpd[2]",
    "Nov 22 12:00:01 mx1 postgrey",
    "Nov  2 12:00:01 mx2 postfix/qmgr[3]",
    "2026-11-22T12:00:00.123456+01:00 mx1 postfix/smtpd[1]",
    "2026-11-22T12:00:00.1 mx1 postfix/smtpd[1]",
    "Nov 22 12:00:00 mx1: postfix/smtpd[1]",
    "Nov 22 12:00:00 mx1 postfix/smtpd[1] x",
    "Nov 31 12:00:00 mx1 postfix/smtpd[1]",
    "Dec 24 12:00:00 mx1 a:b[1]",
]
SAID = st.sampled_from(["connect from a.example[192.0.2.1]", "x: y", "", ": x", "removed", "["])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(HEADS), st.sampled_from([": ", ":", " ", ""]), SAID), max_size=12))
def test_headers_that_were_seen_before_are_read_the_same(parts: list[tuple[str, str, str]]) -> None:
    texts = ["".join(part) for part in parts]
    clock, other = Clock(2026, UTC), Clock(2026, UTC)
    lines = [read_line(text, clock) for text in texts]
    rows = programs.parse([(n, text.encode()) for n, text in enumerate(texts)], other, "log").events.to_pylist()

    wanted = {
        n: line[:5]
        for n, line in enumerate(lines)
        if line is not None and programs.families(line.syslog_name, line.program) is not None
    }
    found = {row["offset"]: (row["time"], row["host"], row["syslog_name"], row["program"], row["pid"]) for row in rows}
    assert {n: microseconds(head) for n, head in found.items() if head[0] is not None} == wanted
    assert (clock.year, clock.last) == (other.year, other.last)


def microseconds(head: tuple[Any, ...]) -> tuple[Any, ...]:
    return ((head[0] - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1), *head[1:])


def test_a_long_log_is_read_as_many_short_ones_are() -> None:
    lines = list(enumerate(lab_log("spf").splitlines()))
    assert len(lines) > programs.BATCH
    whole = programs.parse(lines, Clock(2026, UTC), "log")
    singly = [programs.parse([line], Clock(2026, UTC), "log") for line in lines]

    assert whole.events.equals(pa.concat_tables(one.events for one in singly).combine_chunks())
    assert whole.coverage == sum((one.coverage for one in singly), Coverage())


def event_of(text: str) -> dict[str, Any]:
    """The event of a text, if smtpd said it."""
    row: dict[str, Any] = parse(f"Nov 22 12:00:00 mx1 postfix/smtpd[1]: {text}".encode()).events.to_pylist()[0]
    return row


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("connect from unknown[unknown]", {"client_name": "unknown", "client_address": None}),
        ("connect from a.example[2001:db8::1]:25", {"client_address": "2001:db8::1", "client_port": 25}),
        ("disconnect from a.example[192.0.2.1]", {"commands": None, "helo_sent": None}),  # Postfix 2.10
        ("disconnect from a.example[192.0.2.1] helo=1 quit=1 commands=2", {"helo_sent": True}),
        ("disconnect from a.example[192.0.2.1] ehlo=0/1 quit=1 commands=1/2", {"helo_sent": False}),
        ("disconnect from a.example[192.0.2.1] ehlo=1 starttls=1 commands=2", {"helo_sent": None}),
        ("disconnect from a.example[192.0.2.1] ehlo=2 starttls=1 commands=3", {"helo_sent": True}),
        ("4F1D61C0: client=a.example[192.0.2.1], sasl_method=PLAIN, sasl_username=a", {"queue_id": "4F1D61C0"}),
        ("4jXWq95z8bzJDSY: client=a.example[192.0.2.1]", {"queue_id": "4jXWq95z8bzJDSY"}),
        ("NOQUEUE: client=a.example[192.0.2.1]", {"queue_id": None, "kind": "client"}),
        ("connect from unknown[192.0.2.1]:unknown", {"client_address": "192.0.2.1", "client_port": None}),
        # Postfix 3.10 puts the queue id before it.
        ("NOQUEUE: lost connection after CONNECT from a.example[192.0.2.1]", {"stage": "CONNECT", "queue_id": None}),
        ("4jXWq95z8bzJDSY: timeout after RCPT from a.example[192.0.2.1]", {"queue_id": "4jXWq95z8bzJDSY"}),
        ("lost connection after DATA content from a.example[192.0.2.1]", {"stage": "DATA content", "queue_id": None}),
        (
            # That of the message as a content filter got it is not its own.
            "4F1D61C0: client=a.example[192.0.2.1], orig_queue_id=ED01244770, orig_client=unknown[192.0.2.7]",
            {"queue_id": "4F1D61C0", "client_address": "192.0.2.1"},
        ),
        (
            "NOQUEUE: reject: RCPT from unknown[unknown]: 554 5.7.1 <smtp@b.example>: Relay access denied; "
            "from=<message rejected due to: spf fail@a.example> to=<smtp@b.example> proto=SMTP",
            {"restriction": "reject_unauth_destination", "client_address": None, "recipient": "smtp@b.example"}
            | {"sender": "message rejected due to: spf fail@a.example", "helo_sent": False},
        ),
        (
            "NOQUEUE: reject: CONNECT from a.example[2001:db8::1]:25: 450 4.7.1 Client host rejected: own; words; "
            "proto=SMTP",
            {"restriction": "other", "client_port": 25, "sender": None, "helo_sent": None, "reply": "450"},
        ),
        (
            "NOQUEUE: reject: RCPT from a.example[192.0.2.1]: 504 5.5.2 <a?b,;c>: Helo command rejected: need "
            "fully-qualified hostname; from=<> to=<c@d> proto=SMTP helo=<a?b,;c>",
            {"helo_name": "a?b,;c", "restriction": "reject_non_fqdn_helo_hostname", "sender": ""},
        ),
    ],
)
def test_traps(text: str, fields: dict[str, Any]) -> None:
    event = event_of(text)

    assert {name: event[name] for name in fields} == fields
    assert event["kind"] != "unrecognised"


@pytest.mark.parametrize(
    "text",
    [
        "connect from a.example[192.0.2.1]:99999999999999999999",
        "lost connection after DATA (99999999999999999999 bytes) from a.example[192.0.2.1]",
        "connect from a.example[192.0.2.1]:٣",
        "connect from a.example[192.0.2.1]\n",
        "connect from a.example[192.0.2.1",
        "connect from a.example[192.0.2.1] and more",
        "NOQUEUE: reject: RCPT from a.example[192.0.2.1]: 450 4.7.1 Client host rejected",
        "Anonymous TLS connection established from a.example[192.0.2.1]: TLSv1.3 with ci",
    ],
)
def test_what_no_program_says_is_not_understood(text: str) -> None:
    assert event_of(text)["kind"] == "unrecognised"


@pytest.mark.parametrize("number", ["1.2.3", "--", "9" * 400, "1e400", "٣"])
def test_a_number_that_is_none_is_not_understood(number: str) -> None:
    texts = [
        f"Nov 22 12:00:00 mx1 postfix/{program}[1]: 4F1D61C0: to=<a@b>, relay=none, delay={number}, status=sent (ok)"
        for program in ("smtp", "qmgr", "cleanup")
    ]
    texts.append(f"Nov 22 12:00:00 mx1 postfix/qmgr[1]: 4F1D61C0: from=<>, size={number}, nrcpt=1 (queue active)")

    assert set(parse(*(text.encode() for text in texts)).events["kind"].to_pylist()) == {"unrecognised"}


def test_a_verdict_that_was_cut_off_is_no_evidence() -> None:
    """Before proto= there is no telling where the sender or the recipient ends, or that there was no HELO."""
    verdict = re.compile(rb"postfix/smtpd\[\d+\]: \w+: [a-z_]+: [A-Z-]+ from .*(?= proto=)")
    dice = random.Random(7)
    lines = [found for line in lab_log("all").splitlines() if (found := verdict.search(line))]
    assert len(lines) > 100
    cut = [found.string[: dice.randrange(found.start() + 40, found.end() + 1)] for found in lines]

    assert parse(*cut).coverage.unrecognised == len(cut)


def test_cut_lines_say_nothing_else_than_whole_ones() -> None:
    """What still is an event of the same kind has no other client, queue id or HELO than it had."""
    dice = random.Random(8)
    lines = dice.sample(lab_log("amavis").splitlines() + lab_log("postscreen_deep").splitlines(), 1_500)
    whole = parse(*lines).events.to_pylist()
    cut = parse(
        *(line[: dice.randrange(60, len(line))] if len(line) > 61 else line for line in lines)
    ).events.to_pylist()

    for before, after in zip(whole, cut, strict=True):
        # A hostname warning ends in the address, which may be cut off where no one sees it.
        if after["kind"] == before["kind"] != "hostname_warning":
            for name in ("queue_id", "client_name", "client_address", "helo_name", "reply", "dsn", "size"):
                assert after[name] in (None, before[name]), (before, after)


def test_line_ends_of_windows_are_no_part_of_the_words() -> None:
    assert parse(b"Nov 22 12:00:00 mx1 postfix/smtpd[1]: connect from a.example[192.0.2.1]\r").coverage.events == 1


FRAGMENTS = (
    "; from=<",
    "> to=<",
    ">, to=<",
    '\\"',
    " from x[1.2.3.4]; from=<a> to=<b> proto=SMTP helo=<",
    "<a>,",
    "1:",
    "a ",
    " sasl_username=",
    " a=b",
    ": ",
    ", ",
    "'",
    "(",
)


@pytest.mark.parametrize("size", [4_000, 60_000])
@pytest.mark.parametrize(("program", "family"), FAMILIES, ids=[f"{p}-{n}" for n, (p, _) in enumerate(FAMILIES)])
def test_hostile_lines_take_no_time(program: str, family: Family, size: int) -> None:
    """Whatever a stranger repeats in a line, it is read or refused in moments."""
    known = understood_by(program, family)
    places = [found.end() for found in re.finditer(r"<|\[|: |=", family.sample)][:6]
    texts = [
        family.sample[:place] + fragment * (size // len(fragment)) + family.sample[place:] + end
        for fragment in FRAGMENTS
        for place in places
        for end in ("", "!")
    ]
    began = process_time()
    for text in texts:
        programs.understand(known, text)

    # The guard is against minutes, not for a speed.
    assert process_time() - began < size / 20_000 * len(texts) + 1
