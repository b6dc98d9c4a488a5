"""Attempts: annotated logs and what must come of them, and the counts that smtpd itself keeps."""

import gzip
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from advisor import programs
from advisor.attempt import SCHEMA, attempts, client_network
from advisor.bcc import ENOUGH
from advisor.line import Clock
from advisor.network import LOOPBACK
from advisor.row import _sender_domain
from tests.conftest import LAB, MONTH, lab_log

HERE = Path(__file__).parent / "attempts"
SCENARIOS = sorted(path.stem for path in HERE.glob("*.log"))
INSIDE = (*LOOPBACK, ip_network("192.0.2.0/24"))
LABS = sorted(path.name.partition(".")[0] for path in LAB.glob("*.gz"))

Row = dict[str, Any]


def parse(text: bytes, source: str = "log") -> pa.Table:
    """The events of a log, without its comments."""
    offset, lines = 0, []
    for line in text.splitlines(keepends=True):
        if not line.startswith(b"#"):
            lines.append((offset, line.rstrip(b"\n")))
            offset += len(line)
    return programs.parse(lines, Clock(2026, UTC), source).events


def rows_of(text: bytes | str, source: str = "log") -> list[Row]:
    """The attempts of a log."""
    events = parse(text.encode() if isinstance(text, str) else text, source)
    rows: list[Row] = attempts(events, networks=INSIDE, domains=["ourdom.test"]).to_pylist()
    return rows


def same_name(rows: Iterable[Row], labels: Iterable[str | None], column: str) -> None:
    """What has one label has one name, and what has another has another."""
    names: dict[str, str] = {}
    for row, label in zip(rows, labels, strict=True):
        if label is not None:
            assert names.setdefault(label, row[column]) == row[column], (label, row)
    assert len(set(names.values())) == len(names), names


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(name: str) -> None:
    rows = rows_of((HERE / f"{name}.log").read_bytes())
    expected: list[Row] = [json.loads(line) for line in (HERE / f"{name}.attempts").read_text().splitlines()]
    for number, (row, wanted) in enumerate(zip(rows, expected, strict=False)):
        found = {column: row[column] for column in wanted if column not in ("message", "session")}
        named = {column: value for column, value in wanted.items() if column not in ("message", "session")}
        assert found == named, f"{name}, attempt {number + 1}"
    assert len(rows) == len(expected), [(row["client_address"], row["recipient"]) for row in rows]
    for column in ("message", "session"):
        same_name(rows, [wanted.get(column) for wanted in expected], column)


def test_a_message_is_named_after_its_first_line() -> None:
    rows = rows_of((HERE / "retries.log").read_bytes())
    first = {name: next(row for row in rows if row["message"] == name) for name in {row["message"] for row in rows}}
    assert all(name == f"{row['source']}:{row['offset']}" for name, row in first.items())


def test_every_scenario_says_what_it_is_about() -> None:
    for name in SCENARIOS:
        lines = (HERE / f"{name}.log").read_text().splitlines()
        assert lines[0].startswith("# ")
        assert any(not line.startswith("#") for line in lines)


# The same counts, taken from the text of a log by other means than ours.
CONNECT = re.compile(r" (?P<process>\S+/smtpd\[\d+\]): connect from (?P<client>.*)")
DISCONNECT = re.compile(r" (?P<process>\S+/smtpd\[\d+\]): disconnect from \S+?(?: (?P<counts>[a-z]+=.*))?\Z")


def sessions_of(text: str) -> Iterable[tuple[int, str, dict[str, tuple[int, int]]]]:
    """Each whole session: where it begins, its process, and its command counts as successful and all."""
    begun: dict[str, int] = {}
    offset = 0
    for line in text.splitlines(keepends=True):
        if found := CONNECT.search(line.rstrip("\n")):
            begun[found["process"]] = offset
        elif (found := DISCONNECT.search(line.rstrip("\n"))) and found["process"] in begun:
            counts = {}
            for word in (found["counts"] or "").split():
                command, _, numbers = word.partition("=")
                good, _, total = numbers.partition("/")
                counts[command] = (int(good), int(total or good))
            yield begun.pop(found["process"]), found["process"], counts
        offset += len(line.encode())


@pytest.mark.parametrize("name", [*LABS, "month"])
def test_as_many_attempts_as_smtpd_counted(name: str) -> None:
    text = (gzip.decompress(MONTH.read_bytes()) if name == "month" else lab_log(name)).decode()
    by_session: dict[str, list[Row]] = defaultdict(list)
    for row in rows_of(text):
        by_session[row["session"]].append(row)
    checked = 0
    for offset, process, counts in sessions_of(text):
        rows = by_session.pop(f"log:{offset}", [])
        if process.startswith("postfix/10025"):
            assert not rows, "re-injected by the content filter"
            continue
        good, asked = counts.get("rcpt", (0, 0))
        if not counts.get("mail", (0, 0))[0]:
            # Refused before RCPT TO: one with its stage, if mail was asked for at all.
            assert [row["stage"] for row in rows] == ["MAIL"] * ("mail" in counts), counts
            continue
        taken = [row for row in rows if row["action"] == "accept" or row["stage"] in ("DATA", "END-OF-MESSAGE")]
        assert (len(taken), len(rows)) == (good, asked), (offset, counts, rows)
        checked += 1
    assert checked > 100
    assert all(row["program"] == "postscreen" for rows in by_session.values() for row in rows)


def test_postscreen_rejects_are_attempts_one_each() -> None:
    text = lab_log("postscreen_deep").decode()
    found = [row for row in rows_of(text) if row["program"] == "postscreen"]
    rejects = re.findall(r"postscreen\[\d+\]: NOQUEUE: reject: RCPT from \[([^\]]+)\].* to=<(.*)>, proto=", text)
    assert all(row["stage"] == "RCPT" for row in found)
    assert Counter((row["client_address"], row["recipient"]) for row in found) == Counter(rejects)
    assert len(rejects) == 191


def test_kinds_of_unknown_as_counted_in_the_lab() -> None:
    # POSTFIX_LOGS.md (a): what real Postfix did to each of them was checked there.
    found = Counter(row["client_status"] for row in rows_of(lab_log("knob_permit_log")))
    assert set(found) == {
        *("named", "no_reverse", "numeric", "no_forward", "no_forward_address", "other_address", "forward_temporary"),
    }
    assert (found["numeric"], found["no_forward_address"], found["forward_temporary"]) == (1, 3, 4)


def test_every_column_and_its_meaning() -> None:
    table = attempts(parse(lab_log("all")))
    assert table.schema == SCHEMA
    assert all(field.metadata[b"meaning"] for field in SCHEMA)
    assert attempts(programs.parse([], Clock(2026, UTC), "log").events).num_rows == 0


def test_words_of_the_columns() -> None:
    words: dict[str, set[Any]] = defaultdict(set)
    for name in LABS:
        for row in rows_of(lab_log(name)):
            for column in ("action", "stage", "status", "origin", "helo_basis", "sender_basis", "sender_kind"):
                words[column].add(row[column])
            assert (row["action"] == "accept") or row["status"] is None
            assert (row["helo_name"] is None) == (row["helo_basis"] is None) == (row["helo_syntax"] is None)
            assert row["helo_sent"] is True or row["helo_name"] is None
            assert (row["sender"] is None) == (row["sender_basis"] is None)
    assert words["action"] == {"accept", "reject", "defer"}
    assert words["stage"] == {"MAIL", "RCPT", "END-OF-MESSAGE"}
    assert words["origin"] == {"outside", "own network", "authenticated"}
    assert words["status"] <= {"sent", "deferred", "bounced", "lost", None}


def test_log_order_and_the_sources_of_it() -> None:
    first, second = parse(lab_log("spf"), "b"), parse(lab_log("dmarc"), "a")
    rows = attempts(pa.concat_tables([first, second])).to_pylist()
    places = [("ba".index(row["source"]), row["offset"]) for row in rows]
    assert places == sorted(places)
    assert {row["source"] for row in rows} == {"a", "b"}


def test_batches_make_no_difference() -> None:
    events = parse(lab_log("amavis"))
    assert attempts(events.to_batches(max_chunksize=7)).equals(attempts(events))


def test_a_second_look_says_the_same() -> None:
    events = parse(lab_log("all"))
    assert attempts(events).equals(attempts(events))


VISIT = """\
Nov 22 {clock} mx1 postfix/smtpd[{pid}]: connect from mail.good.example[203.0.113.10]
Nov 22 {clock} mx1 postfix/smtpd[{pid}]: {queue_id}: client=mail.good.example[203.0.113.10]
Nov 22 {clock} mx1 postfix/qmgr[301]: {queue_id}: from=<{sender}>, size=400, nrcpt=2 (queue active)
Nov 22 {clock} mx1 postfix/smtpd[{pid}]: disconnect from mail.good.example[203.0.113.10]{counts}
"""
SENT = (
    "Nov 22 {clock} mx1 postfix/virtual[401]: {queue_id}: to=<{recipient}>, relay=virtual, delay=0, delays=0/0/0/0, "
    "dsn=2.0.0, status=sent (delivered to maildir)\n"
)


def visit(number: int, recipients: Iterable[str], counts: str = "", sender: str = "x@good.example") -> str:
    """A message from a client, as smtpd and the queue log it."""
    facts = {"clock": f"{number // 60:02d}:{number % 60:02d}:00", "queue_id": f"{number:08X}", "pid": 100 + number}
    lines = VISIT.format(**facts, sender=sender, counts=counts)
    return lines + "".join(SENT.format(**facts, recipient=recipient) for recipient in recipients)


def test_blind_copies_without_counts() -> None:
    # Postfix 2.10 with always_bcc = archive@: who is in every message, and never alone, was asked for by nobody.
    users = [f"user{number % 5}@ourdom.test" for number in range(ENOUGH + 5)]
    log = "".join(visit(number, ["archive@ourdom.test", user]) for number, user in enumerate(users))
    assert [row["recipient"] for row in rows_of(log)] == users


def test_one_who_gets_most_mail_is_no_copy() -> None:
    log = "".join(visit(number, ["boss@ourdom.test"]) for number in range(ENOUGH))
    log += visit(ENOUGH, ["boss@ourdom.test", "clerk@ourdom.test"])
    assert [row["recipient"] for row in rows_of(log)].count("boss@ourdom.test") == ENOUGH + 1


def test_too_few_messages_to_tell() -> None:
    log = "".join(visit(number, ["archive@ourdom.test", f"u{number}@ourdom.test"]) for number in range(ENOUGH - 1))
    assert len(rows_of(log)) == 2 * (ENOUGH - 1)


def test_of_equals_the_first_named_is_the_recipient() -> None:
    counts = " ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5"
    (row,) = rows_of(visit(1, ["a@ourdom.test", "b@ourdom.test"], counts))
    assert row["recipient"] == "a@ourdom.test"


def test_an_address_that_is_none_is_a_network_of_its_own() -> None:
    assert client_network("203.0.113.77") == "203.0.113.0/24"
    assert client_network("2001:db8:1:2:3::4") == "2001:db8:1:2::/64"
    assert client_network("fe80::1%eth0") == "fe80::/64"
    assert client_network("::1") == "::/64"
    assert client_network("203.0.113") == "203.0.113"


_NUMBERS = st.text("0123456789abcdefABCDEF:.%/ \u00e9\0\u0661", max_size=24)


@settings(max_examples=2_000)
@given(st.one_of(st.ip_addresses().map(str), st.ip_addresses(v=6).map(lambda one: one.exploded), _NUMBERS))
@example("::ffff:192.0.2.1")
@example("::192.0.2.1")
@example("1.2.3.04")
@example("0::1:0:0:0:0")
def test_the_network_is_that_of_ipaddress(text: str) -> None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        assert client_network(text) == text
        return
    assert client_network(text) == str(ip_network((address, 24 if address.version == 4 else 64), strict=False))


def test_a_damaged_address_harms_nothing() -> None:
    log = visit(1, ["alice@ourdom.test"]).replace("203.0.113.10", "203.0.113.999")
    (row,) = rows_of(log)
    assert (row["client_address"], row["in_mynetworks"], row["origin"]) == ("203.0.113.999", False, "outside")


@pytest.mark.parametrize(
    ("sender", "kind"),
    [
        ("", "null"),
        ("x@[203.0.113.10]", "literal"),
        ("root", "own"),
        ("x@OurDom.test", "own"),
        ("x@good.example", "domain"),
        ("srs0+abc=de=good.example=x@fwd.test", "rewritten"),
        ("srs0fan@good.example", "domain"),
    ],
)
def test_kinds_of_sender(sender: str, kind: str) -> None:
    (row,) = rows_of(visit(1, ["alice@ourdom.test"], sender=sender))
    assert row["sender_kind"] == kind


def test_nothing_is_inside_by_guess() -> None:
    (row,) = attempts(parse(visit(1, ["a@b.example"]).replace("203.0.113.10", "192.168.1.5").encode())).to_pylist()
    assert (row["origin"], row["in_mynetworks"]) == ("outside", False)


@pytest.mark.parametrize(
    ("sender", "domain"),
    [
        ("", ""),
        ("root", ""),
        ("a@Firm.Example", "firm.example"),
        ("a@firm.example.", "firm.example."),
        ('"a@b"@firm.example', "firm.example"),
        ("a@[192.0.2.1]", "[192.0.2.1]"),
        # No name of the DNS, and it stays none: the sign for Kelvin is no k.
        ("a@\N{KELVIN SIGN}.example", "\N{KELVIN SIGN}.example"),
    ],
)
def test_the_domain_of_a_sender_is_as_it_was_written(sender: str, domain: str) -> None:
    assert _sender_domain(sender) == domain


def test_a_sender_of_a_domain_that_is_only_relayed_is_asked_about_as_any_other() -> None:
    head, who = "Nov 22 11:00:00 mx1 postfix/smtpd[101]", "a.example[203.0.113.10]"
    said = "554 5.7.1 <x@other.example>: Relay access denied"
    refused = (
        f"{head}: NOQUEUE: reject: RCPT from {who}: {said}; from=<b@{{}}> to=<x@other.example> proto=SMTP helo=<a>\n"
    )
    log = f"{head}: connect from {who}\n" + "".join(map(refused.format, ("ours.test", "relayed.test", "b.example")))
    events = parse(log.encode(), "log")

    found = attempts(events, domains=["ours.test", "relayed.test"], relayed=["relayed.test"])

    assert found["sender_kind"].to_pylist() == ["own", "domain", "domain"]
