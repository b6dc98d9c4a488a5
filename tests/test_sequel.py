"""A sequel: what a change was expected to do and what it then did, on logs whose truth is known."""

import json
from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from advisor.attempt import attempts
from advisor.evidence import weigh
from advisor.recommendation import LEAVE, RELAX
from advisor.restriction import ask
from advisor.restrictions import CATALOGUE, TIPS
from advisor.sequel import Sequel, sentences, sequels
from advisor.simulation import answers
from tests.test_attempt import INSIDE, parse

NAME = "reject_unknown_reverse_client_hostname"
START = datetime(2026, 11, 1, tzinfo=UTC)
ASKED = tuple(ask(CATALOGUE[name], {}) for name in TIPS)


def mail(
    at: datetime, number: int, address: str, name: str, *, refused: bool = False, sender: str = "a@b.example"
) -> str:
    """One visit of a client."""
    client, queue = f"{name}[{address}]", f"{number + 0xA0000:X}"
    if refused:
        said = [
            f"smtpd[1]: NOQUEUE: reject: RCPT from {client}: 450 4.7.1 Client host rejected: cannot find your reverse "
            f"hostname, [{address}]; from=<{sender}> to=<u@ourdom.test> proto=ESMTP helo=<x.example>"
        ]
    else:
        said = [
            f"smtpd[1]: {queue}: client={client}",
            f"qmgr[2]: {queue}: from=<{sender}>, size=400, nrcpt=1 (queue active)",
            f"virtual[3]: {queue}: to=<u@ourdom.test>, relay=virtual, delay=0.1, delays=0/0/0/0.1, dsn=2.0.0, "
            "status=sent (delivered to maildir)",
            f"qmgr[2]: {queue}: removed",
        ]
    texts = [f"smtpd[1]: connect from {client}", *said, f"smtpd[1]: disconnect from {client} ehlo=1 quit=1 commands=2"]
    return "".join(f"{at:%b} {at.day:2d} {at:%H:%M:%S} mx1 postfix/{text}\n" for text in texts)


def log(days: int, before: int, after: int, switched: int, *, partner: bool = False) -> str:
    """A good client every hour; so many without a name a day, refused from the day `switched` on."""
    lines, number = [], 0
    for day in range(days):
        count = before if day < switched else after
        for hour in range(24):
            at = START + timedelta(days=day, hours=hour)
            number += 2
            lines.append(mail(at, number, "203.0.113.10", "mail.good.example"))
            if partner and hour == 0:
                lines.append(_to_partner(at, number))
            if hour < count:
                sender = "info@partner.example" if partner and hour == 0 else "x@bot.example"
                address = "198.51.100.7" if partner and hour == 0 else f"198.51.{day}.{hour + 20}"
                later = at + timedelta(minutes=5)
                refused = day >= switched
                lines.append(mail(later, number + 1, address, "unknown", refused=refused, sender=sender))
    return "".join(lines)


def _to_partner(at: datetime, number: int) -> str:
    at, queue = at + timedelta(minutes=1), f"{number + 0xD0000:X}"
    texts = [
        "smtpd[9]: connect from pc[192.0.2.5]",
        f"smtpd[9]: {queue}: client=pc[192.0.2.5]",
        f"qmgr[2]: {queue}: from=<u@ourdom.test>, size=400, nrcpt=1 (queue active)",
        f"smtp[3]: {queue}: to=<info@partner.example>, relay=mx.partner.example[198.51.100.9]:25, delay=0.1, "
        "delays=0/0/0/0.1, dsn=2.0.0, status=sent (250 ok)",
        f"qmgr[2]: {queue}: removed",
        "smtpd[9]: disconnect from pc[192.0.2.5] ehlo=1 quit=1 commands=2",
    ]
    return "".join(f"{at:%b} {at.day:2d} {at:%H:%M:%S} mx1 postfix/{text}\n" for text in texts)


def found(text: str) -> tuple[Sequel, ...]:
    events = parse(text.encode())
    domains = ("ourdom.test",)
    weighed = weigh(attempts(events, networks=INSIDE, domains=domains), events, domains)
    with duckdb.connect() as engine:
        engine.register("weighed", weighed)
        frame = answers(engine.table("weighed"), ASKED).to_arrow_table()
    return sequels(frame, ASKED)


def test_a_change_that_did_as_expected() -> None:
    (one,) = found(log(8, 10, 10, 4))
    assert (one.name, one.since) == (NAME, START + timedelta(days=4, minutes=5))
    assert (one.expected.attempts, one.expected.clients, one.seen.attempts) == (40, 40, 40)
    assert one.agrees
    assert (one.recommendation, one.hosts, one.elsewhere, one.passed) == (LEAVE, (), 0, 0)
    assert "agrees" in " ".join(sentences(one, UTC))
    assert json.loads(json.dumps(one.as_dict()))["since"] == "2026-11-05T00:05:00+00:00"


@pytest.mark.parametrize("after", [2, 22])
def test_a_change_that_did_otherwise_does_not_agree(after: int) -> None:
    (one,) = found(log(8, 10, after, 4))
    assert not one.agrees
    assert "does not agree" in " ".join(sentences(one, UTC))


def test_a_partner_that_is_refused_is_to_be_allowed() -> None:
    (one,) = found(log(8, 10, 10, 4, partner=True))
    assert one.recommendation == RELAX
    assert [host.client_address for host in one.hosts] == ["198.51.100.7"]
    assert one.seen.hurt == 4
    assert "allow 198.51.100.7" in " ".join(sentences(one, UTC))


def test_what_was_on_from_the_start_or_never_refused_is_no_sequel() -> None:
    assert found(log(8, 10, 10, 0)) == ()
    assert found(log(8, 10, 10, 8)) == ()


def test_nobody_can_tell_where_nothing_would_have_been_refused_before() -> None:
    assert found(log(8, 0, 10, 4)) == ()


def test_the_first_refusal_behind_an_old_permit_is_no_change() -> None:
    text = log(8, 10, 10, 8) + mail(START + timedelta(days=4), 0, "198.51.100.200", "unknown", refused=True)
    lines = sorted(text.splitlines(keepends=True), key=lambda line: (int(line[4:6]), line[7:15]))
    assert found("".join(lines)) == ()
