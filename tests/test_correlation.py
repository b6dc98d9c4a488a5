"""The correlation: what belongs together stays together in any order of lines, and nothing finished is kept."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from time import process_time
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor import correlation
from advisor.attempt import attempts
from advisor.correlation import KINDS, Correlation
from advisor.message import HOLD, LIFETIME, LOST, MINUTE
from advisor.record import Record, records
from tests.conftest import lab_log
from tests.test_attempt import HERE, LABS, SCENARIOS, parse, rows_of

HEAD = "Nov 22 11:00:00"
DELAYS = "delay=0, delays=0/0/0/0, dsn=2.0.0"


class Writer:
    """Writes the lines of visits to one process of one host, each with a client and queue ids of its own."""

    def __init__(self, host: str, name: str, pid: int, numbers: Iterator[int]) -> None:
        self.host, self.name, self.pid = host, name, pid
        self.numbers = numbers
        self.number = 0

    def new(self) -> None:
        self.shared = self.number == 0
        self.number = next(self.numbers)
        self.client = f"c{self.number}.example[203.0.113.{self.number % 250}]"

    def line(self, program: str, text: str, pid: int | None = None) -> str:
        tag = program if program in ("amavis", "policyd-spf") else f"{self.name}/{program}"
        return f"{HEAD} {self.host} {tag}[{self.pid if pid is None else pid}]: {text}\n"

    def smtpd(self, text: str) -> str:
        return self.line("smtpd", text)

    def queue_id(self, child: int = 0) -> str:
        # Some are the same on every host and in every instance, since the process id is.
        return f"{child}{self.pid:07X}" if self.shared else f"{child}F{self.number:06X}"

    def reject(self, recipient: str, prefix: str = "NOQUEUE", action: str = "reject") -> str:
        return self.smtpd(
            f"{prefix}: {action}: RCPT from {self.client}: 554 5.7.1 <{recipient}>: Relay access denied; "
            f"from=<s{self.number}@c.example> to=<{recipient}> proto=ESMTP helo=<h{self.number}.example>"
        )

    def queued(self, recipients: Sequence[str], child: int = 0) -> list[str]:
        queue_id = self.queue_id(child)
        return [
            self.line("qmgr", f"{queue_id}: from=<s{self.number}@c.example>, size=4, nrcpt=1 (queue active)", 301),
            *(
                self.line("virtual", f"{queue_id}: to=<{recipient}>, relay=virtual, {DELAYS}, status=sent (ok)", 401)
                for recipient in recipients
            ),
            self.line("qmgr", f"{queue_id}: removed", 301),
        ]


def accepted(write: Writer) -> list[str]:
    return [
        write.smtpd(f"connect from {write.client}"),
        write.smtpd(f"{write.queue_id()}: client={write.client}"),
        write.reject("x@elsewhere.example", write.queue_id()),
        *write.queued(["a@ourdom.test", "b@ourdom.test"])[:2],
        write.smtpd(f"disconnect from {write.client} ehlo=1 mail=1 rcpt=2/3 data=1 quit=1 commands=6/7"),
        *write.queued(["a@ourdom.test", "b@ourdom.test"])[2:],
    ]


def refused(write: Writer) -> list[str]:
    address = write.client.partition("[")[2].rstrip("]")
    write.client = f"unknown[{address}]"
    return [
        write.smtpd(f"warning: hostname w.example does not resolve to address {address}"),
        write.smtpd(f"connect from {write.client}"),
        write.reject("x@elsewhere.example", action="reject_warning"),
        write.reject("x@elsewhere.example"),
        write.reject("y@elsewhere.example"),
        write.smtpd(f"disconnect from {write.client} ehlo=1 mail=1 rcpt=0/2 quit=1 commands=3/5"),
    ]


def numeric(write: Writer) -> list[str]:
    client = f"unknown[203.0.113.{write.number % 250}]"
    return [
        write.smtpd("warning: numeric hostname: 203.0.113.35"),
        write.smtpd(f"connect from {client}"),
        write.smtpd(f"disconnect from {client} mail=0/1 quit=1 commands=1/2"),
    ]


def lost(write: Writer) -> list[str]:
    return [
        write.smtpd(f"connect from {write.client}"),
        write.smtpd(f"{write.queue_id()}: client={write.client}"),
        write.smtpd(f"lost connection after DATA (84 bytes) from {write.client}"),
        write.smtpd(f"disconnect from {write.client} ehlo=1 mail=1 rcpt=2 data=0/1 commands=4/5"),
    ]


def filtered(write: Writer) -> list[str]:
    parent, child = write.queue_id(), write.queue_id(1)
    address = write.client.partition("[")[2].rstrip("]")

    def behind(text: str) -> str:
        return write.line("10025/smtpd", text, write.pid + 5000)

    return [
        write.smtpd(f"connect from {write.client}"),
        write.smtpd(f"{parent}: client={write.client}"),
        write.smtpd(f"disconnect from {write.client} ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5"),
        write.queued([])[0],
        behind("connect from localhost[127.0.0.1]"),
        behind(f"{child}: client=localhost[127.0.0.1]"),
        *write.queued(["a@ourdom.test"], 1),
        write.line(
            "amavis",
            f"(01-01) Passed CLEAN {{RelayedInbound}}, [{address}]:1 [{address}] <s@c.example> -> <a@ourdom.test>, "
            f"Queue-ID: {parent}, mail_id: x, Hits: 1, size: 4, queued_as: {child}, 9 ms",
        ),
        write.line(
            "smtp",
            f"{parent}: to=<a@ourdom.test>, relay=127.0.0.1[127.0.0.1]:10024, {DELAYS}, status=sent "
            f"(250 2.0.0 Ok: queued as {child})",
            402,
        ),
        write.queued([])[1],
        behind("disconnect from localhost[127.0.0.1] ehlo=1 mail=1 rcpt=1 data=1 commands=4"),
    ]


def answered(write: Writer) -> list[str]:
    address = write.client.partition("[")[2].rstrip("]")
    who = f"client-ip={address}; helo=h{write.number}.example; envelope-from=s{write.number}@c.example"
    spf = f": prepend Received-SPF: Pass (mailfrom) identity=mailfrom; {who}; receiver=ourdom.test"
    return [
        write.smtpd(f"connect from {write.client}"),
        write.line("policyd-spf", spf, 601),
        write.smtpd(f"{write.queue_id()}: client={write.client}"),
        *write.queued(["a@ourdom.test"]),
        write.smtpd(f"disconnect from {write.client} ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5"),
    ]


def screened(write: Writer) -> list[str]:
    peer = f"[198.51.100.{write.number % 250}]:{40000 + write.number}"
    return [
        write.line("postscreen", f"CONNECT from {peer} to [192.0.2.1]:25", 550),
        write.line("postscreen", f"PREGREET 14 after 0 from {peer}: EHLO x{write.number}.example\\r\\n", 550),
        write.line("postscreen", f"DISCONNECT {peer}", 550),
    ]


VISITS: list[Callable[[Writer], list[str]]] = [
    *(accepted, refused, numeric, lost, filtered, answered, screened),
]
PROCESSES = [
    *(("mx1", "postfix", 101), ("mx1", "postfix", 102), ("mx2", "postfix", 101), ("mx2", "postfix-in", 101)),
]


PLANS = st.lists(st.lists(st.sampled_from(VISITS), max_size=3), min_size=len(PROCESSES), max_size=len(PROCESSES))
"""What each of the processes is visited for, one after the other."""


def outcome(text: str) -> Counter[str]:
    """The attempts of a log as a set, without what depends on where the lines stand."""
    placed = ("source", "offset", "session", "message")
    return Counter(
        str({column: value for column, value in row.items() if column not in placed}) for row in rows_of(text)
    )


@settings(max_examples=60, deadline=None)
@given(PLANS, st.randoms(use_true_random=False))
def test_any_interleaving_gives_the_same(plan: list[list[Callable[[Writer], list[str]]]], random: Any) -> None:
    numbers = count(1)
    alone: Counter[str] = Counter()
    threads: list[list[str]] = []
    for process, visits in zip(PROCESSES, plan, strict=True):
        write = Writer(*process, numbers)
        thread: list[str] = []
        for visit in visits:
            write.new()
            lines = visit(write)
            alone += outcome("".join(lines))
            thread += lines
        threads.append(thread)
    merged: list[str] = []
    while any(threads):
        merged.append(random.choice([thread for thread in threads if thread]).pop(0))
    assert outcome("".join(merged)) == alone


@pytest.mark.parametrize("name", [*LABS, *SCENARIOS])
def test_sweeping_all_the_time_changes_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    events = parse((HERE / f"{name}.log").read_bytes() if name in SCENARIOS else lab_log(name))
    once = attempts(events)
    monkeypatch.setattr(correlation, "_SWEEP", 1)
    assert attempts(events).equals(once)


def sessions_of(text: str) -> list[str]:
    return [session.connect.text or str(session.connect.offset) for session in Correlation().sessions(read(text))]


def read(text: str) -> Iterator[Record]:
    return records(parse(text.encode()).to_batches(), KINDS)


@pytest.mark.parametrize("name", LABS)
def test_each_session_once(name: str) -> None:
    text = lab_log(name).decode()
    found = sessions_of(text)
    connects = re.findall(r"smtpd\[\d+\]: connect from |postscreen\[\d+\]: CONNECT from ", text)
    assert len(found) == len(set(found)) == len(connects)


NOTHING: Any = dict.fromkeys(Record._fields)
BLANK = Record(**{**NOTHING, "source": "log", "host": "mx1", "syslog_name": "postfix", "program": "smtpd"})


def stream(visits: int) -> Iterator[Record]:
    """A log of many visits half a minute apart, with everything that is left lying about in one."""
    offset = count()
    for number in range(visits):
        here = BLANK._replace(time=number * MINUTE // 2, pid=number, client_address=f"2001:db8::{number:x}")
        queue_id = f"{number:08X}"
        lines = [
            here._replace(kind="hostname_warning", client_address=f"2001:db8:1::{number:x}"),
            here._replace(kind="numeric_hostname", client_address=None, pid=-number),
            here._replace(kind="connect"),
            here._replace(kind="spf", sender="x@c.example", result="pass", helo_name="c.example"),
            here._replace(kind="spf", sender="y@c.example", result="pass", client_address=f"2001:db8:2::{number:x}"),
            here._replace(kind="client", queue_id=queue_id),
            here._replace(kind="screen_connect", program="postscreen", client_port=number),
            here._replace(kind="pickup", queue_id=f"P{queue_id}"),
            here._replace(kind="message_id", queue_id=f"P{queue_id}"),
            here._replace(kind="queued", sender="root@c.example", queue_id=f"P{queue_id}"),
        ]
        if number % 10:  # the others are never received whole
            lines.append(here._replace(kind="queued", sender="x@c.example", queue_id=queue_id))
            delivery = here._replace(kind="delivery", recipient="a@b.example", status="sent", queue_id=queue_id)
            lines.append(delivery)
            # One in fifty is never removed: its line is missing, or somebody deleted it by hand.
            lines += [here._replace(kind="removed", queue_id=queue_id)] if number % 50 != 1 else []
        if number % 20:  # the others are killed
            lines.append(here._replace(kind="disconnect"))
        for line in lines:
            yield line._replace(offset=next(offset))


def most_open(visits: int) -> tuple[int, int]:
    """How much was open at most, and how many sessions came out."""
    held = Correlation()
    most = 0

    def watched() -> Iterator[Record]:
        nonlocal most
        for record in stream(visits):
            most = max(most, len(held))
            yield record

    found = sum(1 for _ in held.sessions(watched()))
    return most, found


def test_what_is_open_does_not_grow_with_the_log() -> None:
    # Five days' worth of visits is the longest that anything waits; one in fifty does.
    few, _ = most_open(2 * 14_400 // 4)
    most, found = most_open(20_000)
    assert found == 2 * 20_000
    assert most < 3_500
    assert most < few + 14_400 // 25


def test_every_container_is_swept() -> None:
    held = Correlation()
    for _ in held.sessions(stream(3_000)):
        pass
    held._now["mx1"] += 2 * LIFETIME
    list(held._sweep())
    assert not held._ended
    assert len(held) == len(held._open) == 0


DEFERRED = """\
Nov  1 11:00:00 mx1 postfix/smtpd[101]: connect from slow.example[203.0.113.14]
Nov  1 11:00:00 mx1 postfix/smtpd[101]: 5A5A5A03: client=slow.example[203.0.113.14]
Nov  1 11:00:00 mx1 postfix/qmgr[301]: 5A5A5A03: from=<x@slow.example>, size=400, nrcpt=1 (queue active)
Nov  1 11:00:00 mx1 postfix/smtpd[101]: disconnect from slow.example[203.0.113.14] ehlo=1 mail=1 rcpt=1 data=1
"""
SENT_LATER = (
    "Nov  2 11:00:00 mx1 postfix/smtp[402]: 5A5A5A03: to=<a@b.example>, relay=b.example[192.0.2.7]:25, delay=86400, "
    "delays=86400/0/0/0, dsn=2.0.0, status=sent (250 OK)\n"
)


def test_another_hosts_month_in_between_ends_nothing() -> None:
    # Sources are read one after the other: mx1's first file, mx2's whole month, mx1's second file.
    other = "".join(
        f"Nov {day:2d} {hour:02d}:00:00 mx2 postfix/smtpd[{hour}]: connect from c.example[203.0.113.{minute}]\n"
        for day in range(1, 30) for hour in range(24) for minute in range(9)
    )  # fmt: skip
    tables = [parse(DEFERRED.encode(), "a"), parse(other.encode(), "b"), parse(SENT_LATER.encode(), "c")]
    (row,) = attempts(pa.concat_tables(tables)).to_pylist()
    assert (row["recipient"], row["status"]) == ("a@b.example", "sent")


def test_lines_of_helpers_that_come_late() -> None:
    late = (
        "Nov  2 11:00:01 mx1 postfix/qmgr[301]: 5A5A5A03: removed\n"
        "Nov  2 11:00:02 mx1 opendkim[601]: 5A5A5A03: DKIM verification successful\n"
    )
    (row,) = rows_of(DEFERRED + SENT_LATER + late)
    assert (row["status"], row["dkim"]) == ("sent", "pass")


def handed(queue_id: str, other: str) -> str:
    how = f"relay=b.example[192.0.2.7]:25, {DELAYS}, status=sent (250 Ok: queued as {other})"
    return f"{HEAD} mx1 postfix/smtp[402]: {queue_id}: to=<a@b.example>, {how}\n"


def begun(*numbers: int) -> str:
    return "".join(
        f"{HEAD} mx1 postfix/smtpd[10{number}]: connect from c{number}.example[203.0.113.{number}]\n"
        f"{HEAD} mx1 postfix/smtpd[10{number}]: AAAA000{number}: client=c{number}.example[203.0.113.{number}]\n"
        for number in numbers
    )


def test_a_message_has_one_parent() -> None:
    log = begun(1, 2, 3) + handed("AAAA0001", "AAAA0003") + handed("AAAA0002", "AAAA0003")
    log += handed("AAAA0003", "elsewhere").replace("status=sent", "status=bounced")
    assert [(row["queue_id"], row["status"]) for row in rows_of(log)] == [("AAAA0001", "bounced"), ("AAAA0002", "sent")]


def test_no_line_makes_a_circle() -> None:
    # What another server says in its reply is free text.
    log = begun(1, 2)
    log += handed("AAAA0001", "AAAA0001") + handed("AAAA0001", "AAAA0002") + handed("AAAA0002", "AAAA0001")
    assert [row["queue_id"] for row in rows_of(log)] == ["AAAA0001"]


def test_an_answer_is_not_taken_from_the_visit_before() -> None:
    spf = (
        ": prepend Received-SPF: Pass (mailfrom) identity=mailfrom; client-ip=203.0.113.14; helo=one.example; "
        "envelope-from=x@a.example; receiver=ourdom.test"
    )
    first = f"{HEAD} mx1 policyd-spf[601]: {spf}\n"
    log = "".join(
        f"{HEAD} mx1 postfix/smtpd[101]: connect from slow.example[203.0.113.14]\n{answer}"
        f"{HEAD} mx1 postfix/smtpd[101]: AAAA000{number}: client=slow.example[203.0.113.14]\n"
        f"{HEAD} mx1 postfix/smtpd[101]: disconnect from slow.example[203.0.113.14] ehlo=1 mail=1 rcpt=1 commands=3\n"
        for number, answer in enumerate([first, ""])
    )
    assert [(row["spf"], row["helo_name"]) for row in rows_of(log)] == [("pass", "one.example"), (None, None)]


LINES = [line for name in LABS for line in lab_log(name).splitlines(keepends=True)]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(LINES), max_size=400), st.integers(0, 60), st.booleans())
def test_lines_in_disorder_harm_nothing(lines: list[bytes], cut: int, ordered: bool) -> None:
    text = b"".join(sorted(lines) if ordered else lines)
    for row in rows_of(text[cut:]):
        assert row["action"] in ("accept", "reject", "defer")
        assert (row["action"] == "accept") or row["status"] is None


def test_a_long_visit_takes_no_longer_than_many() -> None:
    # 4,000 messages on one connection, each with a line about its recipient.
    def lines() -> Iterator[str]:
        yield f"{HEAD} mx1 postfix/smtpd[101]: connect from c.example[203.0.113.10]\n"
        for number in range(4_000):
            rcpt = (
                f"RCPT from c.example[203.0.113.10]: action=permit for x; from=<s@c.example> to=<u{number}@ourdom.test>"
            )
            yield f"{HEAD} mx1 postfix/smtpd[101]: NOQUEUE: permit: {rcpt} proto=ESMTP helo=<c.example>\n"
            yield f"{HEAD} mx1 postfix/smtpd[101]: {number:08X}: client=c.example[203.0.113.10]\n"

    events = parse("".join(lines()).encode())
    started = process_time()
    assert attempts(events).num_rows == 4_000
    assert process_time() - started < 20, "not the square of it"


def test_waiting_times_are_in_order() -> None:
    assert HOLD < LOST < correlation.STALE < LIFETIME
