"""Traffic: the sums add up, and what the helpers did is counted as another count has it."""

import gzip
import re
from collections import Counter
from datetime import UTC, timedelta, tzinfo
from ipaddress import IPv6Address
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from advisor.attempt import attempts
from advisor.evidence import weigh
from advisor.recommendation import Traffic
from advisor.traffic import RETURN, traffic
from tests.conftest import MONTH, lab_log
from tests.test_attempt import INSIDE, LABS, parse


def seen(events: pa.Table, zone: tzinfo = UTC) -> Traffic:
    found = attempts(events, networks=INSIDE, domains=["ourdom.test"])
    return traffic(weigh(found, events, ["ourdom.test"]), events, zone)


def lab(name: str) -> Traffic:
    return seen(parse(gzip.decompress(MONTH.read_bytes()) if name == "month" else lab_log(name)))


@pytest.mark.parametrize("name", [*LABS, "month"])
def test_the_sums_add_up(name: str) -> None:
    found = lab(name)
    assert found.attempts == found.outside + found.own_network + found.authenticated
    assert found.outside == found.accepted + found.rejected + found.deferred
    assert found.accepted == found.wanted + found.unwanted + found.undecided
    assert found.outside == sum(found.client_status.values())
    assert found.rejected + found.deferred == sum(number for _, number in found.refused_by)
    assert found.outside == sum(day.accepted + day.rejected + day.deferred for day in found.days)
    assert found.accepted == sum(day.accepted for day in found.days)
    assert found.accepted >= found.helo_known


def test_local_mail_is_no_attempt_but_is_counted() -> None:
    found = lab("knob_permit_log")
    assert (found.attempts, found.local_messages) == (355, 4)


def test_days_are_those_of_the_zone() -> None:
    line = "mx1 postfix/smtpd[101]: 1A2B3C01: client=c.example[203.0.113.10]"
    events = parse(f"Nov 22 23:30:00 {line}\nNov 23 00:30:00 {line}\n".encode())
    assert [day.day for day in seen(events).days] == ["2026-11-22", "2026-11-23"]
    assert [(day.day, day.accepted) for day in seen(events, ZoneInfo("Europe/Berlin")).days] == [("2026-11-23", 2)]


GREYLIST = re.compile(
    r"postgrey\[\d+\]: .*?action=(?P<action>\w+), reason=(?P<reason>[\w -]+).*?client_address=(?P<address>[^,]+), "
    r"(?:sender=(?P<sender>.*), )?recipient=(?P<recipient>\S+)"
)


def network(address: str) -> str:
    """The /24 or /64 by its text alone."""
    return IPv6Address(address).exploded[:19] if ":" in address else address.rpartition(".")[0]


def test_greylisting_as_another_count_has_it() -> None:
    text = lab_log("postgrey").decode()
    first: set[tuple[str, ...]] = set()
    passed: set[tuple[str, ...]] = set()
    unlisted = 0
    for line in GREYLIST.finditer(text):
        # Three of the lab's senders have numbers of their own: prvs=12345=x@, bounce-1001-alice=..., bounce-1002-...
        sender = re.sub(r"\+[^@]*|(?<=[-=])\d+(?=[-=])", lambda found: "#" * found[0].isdigit(), line["sender"] or "")
        triplet = (network(line["address"]), sender.lower(), line["recipient"].lower())
        (first if line["action"] == "greylist" else passed).add(triplet)
        unlisted += line["action"] == "pass" and line["reason"] != "triplet found"
    found = lab("postgrey").greylisting
    assert found is not None
    assert (found.triplets, found.passed, found.allowlisted) == (len(first), len(first & passed), unlisted)
    assert found.greylisted == text.count("action=greylist")
    assert list(found.delays) == sorted(float(delay) for delay in re.findall(r"triplet found, delay=(\d+)", text))
    # All of it lasts half a minute, so nobody has been away for a day.
    assert (found.never_returned, found.still_open) == (0, found.triplets - found.passed)
    assert (found.greylisted, found.triplets, found.passed, found.allowlisted) == (317, 317, 10, 10)


WHO = "client_address=203.0.113.10, sender=x@a.example"


def greylist(day: int, action: str, reason: str, who: str = WHO, host: str = "mx1") -> str:
    said = f"action={action}, reason={reason}, client_name=c.example, {who}, recipient=bob@ourdom.test"
    return f"Nov {day:2d} 11:00:00 {host} postgrey[252]: {said}\n"


def test_who_never_came_back() -> None:
    log = greylist(1, "greylist", "new") + greylist(9, "greylist", "new", WHO.replace("x@", "y@"))
    found = seen(parse(log.encode())).greylisting
    assert found is not None
    assert (found.triplets, found.passed, found.never_returned, found.still_open) == (2, 0, 1, 1)
    # What counts is when the log ends, not when postgrey spoke last.
    late = "Nov 20 11:00:00 mx1 postfix/smtpd[101]: connect from c.example[203.0.113.10]\n"
    found = seen(parse((log + late).encode())).greylisting
    assert found is not None
    assert (found.never_returned, found.still_open) == (2, 0)


@pytest.mark.parametrize(
    "again",
    [
        "client_address=203.0.113.99, sender=x@a.example",
        "client_address=203.0.113.10, sender=X@A.example",
        "client_address=203.0.113.10, sender=x+more@a.example",
    ],
)
def test_what_postgrey_takes_for_the_same(again: str) -> None:
    log = greylist(1, "greylist", "new") + greylist(1, "pass", "triplet found, delay=300", again)
    found = seen(parse(log.encode())).greylisting
    assert found is not None
    assert (found.triplets, found.passed, found.delays) == (1, 1, (300.0,))


def test_the_case_of_the_recipient_is_nothing_to_postgrey() -> None:
    log = greylist(1, "greylist", "new") + greylist(1, "pass", "triplet found").replace("bob@", "Bob@")
    found = seen(parse(log.encode())).greylisting
    assert found is not None
    assert (found.triplets, found.passed) == (1, 1)


def test_numbers_in_a_sender_count_as_one() -> None:
    who = "client_address=203.0.113.10, sender=bounce-{}-list1@a.example"
    log = greylist(1, "greylist", "new", who.format(4711)) + greylist(1, "pass", "triplet found", who.format(4712))
    found = seen(parse(log.encode())).greylisting
    assert found is not None
    assert (found.triplets, found.passed, found.delays) == (1, 1, ())


@pytest.mark.parametrize(
    ("who", "host"),
    [
        ("client_address=198.51.100.10, sender=x@a.example", "mx1"),
        ("client_address=203.0.113.10, sender=x1@a.example", "mx1"),
        ("client_address=203.0.113.10, sender=x@a.example", "mx2"),
    ],
)
def test_what_postgrey_tells_apart(who: str, host: str) -> None:
    log = greylist(1, "greylist", "new") + greylist(1, "pass", "triplet found", who, host)
    found = seen(parse(log.encode())).greylisting
    assert found is not None
    assert (found.triplets, found.passed, found.still_open) == (1, 0, 1)


def test_no_greylisting_is_none_at_all() -> None:
    assert lab("spf").greylisting is None


def test_lists_as_the_text_has_them() -> None:
    text = lab_log("postscreen_deep").decode()
    found = {one.name: one for one in lab("postscreen_deep").lists}
    answers = Counter(re.findall(r"listed by domain (\S+) as", text))
    refusals = Counter(re.findall(r"reject: RCPT .* blocked using ([^\s;]+)", text))
    assert {name: one.answered for name, one in found.items()} == dict(answers)
    assert {name: one.refused for name, one in found.items()} == {name: refusals[name] for name in found}
    assert sum(refusals.values()) > 0
    clients = {name: set(re.findall(rf"addr (\S+) listed by domain {re.escape(name)} as", text)) for name in found}
    assert {name: one.clients for name, one in found.items()} == {name: len(who) for name, who in clients.items()}


def test_a_warning_refuses_nobody() -> None:
    words = "554 5.7.1 Service unavailable; Client host [203.0.113.10] blocked using zen.example"
    tail = "from=<x@a.example> to=<b@c.example> proto=SMTP"
    head = "Nov 22 11:00:00 mx1 postfix/smtpd[101]: NOQUEUE"
    log = "".join(
        f"{head}: {action}: RCPT from c.example[203.0.113.10]: {words}; {tail}\n"
        for action in ("reject_warning", "reject_warning", "reject")
    )
    (found,) = seen(parse(log.encode())).lists
    assert (found.name, found.refused, found.answered, found.clients) == ("zen.example", 1, 2, 1)


def test_results_as_the_text_has_them() -> None:
    text = lab_log("dmarc").decode()
    found = lab("dmarc")
    results = re.findall(r"opendmarc\[\d+\]: [0-9A-F]+: \S+ (pass|fail|none)$", text, re.MULTILINE)
    assert found.dmarc == dict(Counter(results))
    words = re.findall(r"Received-SPF: (\w+) \([^)]*\) identity=mailfrom", text)
    assert found.spf == dict(Counter(word.lower() for word in words))


def test_a_day_is_a_day() -> None:
    assert timedelta(days=1) == RETURN
