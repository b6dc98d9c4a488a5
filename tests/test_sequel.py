"""A sequel: what a change was expected to do and what it then did, on logs and attempts whose truth is known."""

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.aftermath import _spread, relaxed, sequels
from advisor.attempt import attempts
from advisor.evidence import weigh
from advisor.recommendation import LEAVE, RELAX, Terms
from advisor.restriction import ask
from advisor.restrictions import CATALOGUE, TIPS
from advisor.sequel import Held, Sequel, foreseen, sentences
from advisor.simulation import answers
from benchmarks.sequel import measure
from tests.reports.conftest import advised, host
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
    return sequels(frame, ASKED, Terms())


def test_a_change_that_did_as_expected() -> None:
    (one,) = found(log(8, 10, 10, 4))
    assert (one.name, one.since) == (NAME, START + timedelta(days=4, minutes=5))
    assert (one.turned.before, one.turned.seen, one.hurt.seen) == (40, 40, 0)
    assert one.turned == one.undecided == Held(40, foreseen(40, one.days_before, one.days_after), 40)
    assert one.agrees
    assert (one.recommendation, one.hosts, one.elsewhere, one.passed) == (LEAVE, (), 0, 0)
    assert "It does as foreseen." in " ".join(sentences(one, UTC))
    assert json.loads(json.dumps(one.as_dict()))["since"] == "2026-11-05T00:05:00+00:00"


@pytest.mark.parametrize("after", [2, 22])
def test_a_change_that_did_otherwise_does_not_agree(after: int) -> None:
    (one,) = found(log(8, 10, after, 4))
    assert not one.agrees
    assert f"It refuses {'fewer' if after < 10 else 'more'} clients than foreseen." in " ".join(sentences(one, UTC))


def test_a_partner_that_is_refused_is_to_be_allowed() -> None:
    (one,) = found(log(8, 10, 10, 4, partner=True))
    assert one.recommendation == RELAX
    assert [host.client_address for host in one.hosts] == ["198.51.100.7"]
    # Once a day, before as after, since what our users write to it tells for both times.
    assert (one.hurt.before, one.hurt.seen, one.undecided.seen) == (4, 4, 36)
    assert list(sentences(one, UTC))[-1] == (
        "Relax it: it refuses mail that is wanted. Allow 198.51.100.7 (refused 4 times)."
    )


def test_what_was_on_from_the_start_or_never_refused_is_no_sequel() -> None:
    assert found(log(8, 10, 10, 0)) == ()
    assert found(log(8, 10, 10, 8)) == ()


def test_nobody_can_tell_where_nothing_would_have_been_refused_before() -> None:
    assert found(log(8, 0, 10, 4)) == ()


def test_the_first_refusal_behind_an_old_permit_is_no_change() -> None:
    text = log(8, 10, 10, 8) + mail(START + timedelta(days=4), 0, "198.51.100.200", "unknown", refused=True)
    lines = sorted(text.splitlines(keepends=True), key=lambda line: (int(line[4:6]), line[7:15]))
    assert found("".join(lines)) == ()


ASKED_LISTS = tuple(ask(CATALOGUE["reject_rbl_client"], {}, zone) for zone in ("a.example=127.0.0.2", "b.example"))
TEXTS = (
    "origin", "action", "restriction", "list", "warned", "client_address", "client_name", "reverse_client_name",
    "helo_name", "sender", "recipient", "reasons", "answer_0", "answer_1", "basis_0", "basis_1",
)  # fmt: skip
FRAME = pa.schema(
    [("time", pa.timestamp("us", "UTC")), ("message", pa.int64())] + [(name, pa.string()) for name in TEXTS]
)


def row(day: float, address: str, **fields: Any) -> dict[str, Any]:
    """An attempt that both lists know; `by` is the list that refused it."""
    by = fields.pop("by", None)
    refused = {"action": "reject", "restriction": "reject_rbl_client", "list": by} if by else {"action": "accept"}
    known = dict.fromkeys(FRAME.names) | {"origin": "outside", "reasons": "", "answer_0": "dunno", "answer_1": "dunno"}
    known |= {"time": START + timedelta(days=day), "client_address": address, "sender": f"a@{address}"}
    known |= {"recipient": "u@ourdom.test", "basis_0": "looked_up", "basis_1": "looked_up", "message": 0}
    return known | refused | fields


def of(rows: list[dict[str, Any]]) -> tuple[Sequel, ...]:
    rows.sort(key=lambda row: row["time"])
    numbered = [row | {"message": number} for number, row in enumerate(rows)]
    return sequels(pa.Table.from_pylist(numbered, schema=FRAME), ASKED_LISTS, Terms())


def switched(days: int, at: int, bots: int, *, by: str = "a.example") -> list[dict[str, Any]]:
    """So many unwanted clients a day that both lists name, refused by one of them from day `at` on."""
    spam = {"reasons": ";virus;", "answer_0": "reject", "answer_1": "reject"}
    return [
        row(day + number / 100, f"198.51.{day}.{number}", by=by if day >= at else None, **spam)
        for day in range(days)
        for number in range(1, bots + 1)
    ]


def test_each_list_has_its_own_sequel() -> None:
    (one,) = of(switched(9, 4, 10))
    assert one.name == "reject_rbl_client a.example=127.0.0.2"
    assert (one.stopped.before, one.stopped.seen, one.warned_before) == (40, 50, None)
    (other,) = of(switched(9, 4, 10, by="b.example"))
    assert other.name == "reject_rbl_client b.example"
    # Its neighbour refused what it would have refused too: that is no switch of its own.
    assert one.elsewhere == other.elsewhere == 0


def test_the_first_week_is_held_against_what_was_decided() -> None:
    clean = [
        row(day + 0.5, f"203.0.113.{number}", reasons=";correspondent;")
        for day in range(18)
        for number in range(1, 101)
    ]
    fault = {"reasons": ";correspondent;", "answer_0": "reject"}
    as_before = [row(day + 0.6, "192.0.2.7", by="a.example" if day >= 9 else None, **fault) for day in range(18)]
    (one,) = of([*clean, *as_before, *switched(18, 9, 10)])
    assert one.first_week is not None
    assert (one.first_week.hurt, one.first_week.wanted, one.first_week.agrees, one.agrees) == (1, 101, True, True)
    # 192.0.2.7 came in the week before, too: an allowlist would have held it.
    assert one.first_week.alone[1] > one.first_week.allowed[0] == 0.0

    late = [row(16.5 + day, f"192.0.2.{n}", by="a.example", **fault) for day in (0, 1) for n in range(20, 60)]
    (unseen,) = of([*clean, *as_before, *late, *switched(18, 9, 10)])
    assert unseen.first_week == one.first_week

    new = [row(day + 0.7, f"192.0.2.{n}", by="a.example", **fault) for day in range(9, 18) for n in range(20, 60)]
    (other,) = of([*clean, *as_before, *new, *switched(18, 9, 10)])
    assert other.first_week is not None
    assert (other.first_week.hurt, other.first_week.wanted) == (41, 141)
    assert not other.first_week.agrees
    words = " ".join(sentences(other, UTC))
    assert "It refuses more clients and more wanted clients than foreseen." in words
    assert "it turned away 41 of 141 wanted clients; foreseen were 0.0 to" in words
    assert len(other.hosts) == 12
    assert words.count("refused 9 times") == 5
    assert words.endswith(" and 7 more.")


def test_it_is_said_why_there_are_more_undecided_ones() -> None:
    rows = switched(9, 4, 10)
    unseen = [each | {"reasons": ""} if each["action"] == "reject" else each for each in rows]
    (one,) = of(unseen)
    assert (one.stopped.seen, one.undecided.seen, one.agrees) == (0, 50, True)
    assert "Of refused mail nobody sees the contents" in " ".join(sentences(one, UTC))
    (other,) = of(rows)
    assert "nobody sees the contents" not in " ".join(sentences(other, UTC))


def test_no_week_after_it_is_no_first_week() -> None:
    (one,) = of(switched(10, 4, 10))
    assert one.first_week is None


def test_more_wanted_ones_than_foreseen_is_wrong_however_many_clients_there_are() -> None:
    fault = {"reasons": ";correspondent;", "answer_0": "reject", "by": "a.example"}
    new = [row(day + 0.7, f"192.0.2.{n}", **fault) for day in range(4, 9) for n in (1, 2)]
    (one,) = of([*switched(9, 4, 60), *new])
    assert (one.turned.agrees, one.hurt.agrees, one.agrees) == (True, False, False)
    assert "It refuses more wanted clients than foreseen." in " ".join(sentences(one, UTC))


def test_a_change_that_refuses_wanted_hosts_is_to_be_relaxed_with_these() -> None:
    regular = {"answer_0": "reject", "client_name": "mx.firm.example"}
    rows = [row(day + 0.3, "192.0.2.7", reasons=";dnswl;", **regular) for day in range(4)]
    rows += [row(day + 0.3, "192.0.2.7", by="a.example", **regular) for day in range(4, 9)]
    (one,) = of([*rows, *switched(9, 4, 10)])
    draft = advised("reject_rbl_client", state="enforced", hosts=(host(1),), reasons=("It is on.",))
    found = relaxed(draft, one)
    assert found.recommendation == RELAX
    assert found.hosts == one.hosts
    assert found.reasons == (
        "Since 5 Nov 2026 it refuses wanted clients, 5 counted once a day each; 0 to 13 were foreseen. Allow them.",
        "It is on.",
    )
    # Those that its own refusals name as well stay beside them.
    both = relaxed(replace(draft, recommendation=RELAX, hosts=(host(1), *one.hosts)), one)
    assert both.hosts == (*one.hosts, host(1))
    assert relaxed(draft, None) == draft
    assert relaxed(draft, replace(one, hosts=(), recommendation=LEAVE)) == draft
    # By its configuration it is off by now.
    assert relaxed(replace(draft, state="off"), one).recommendation == LEAVE


def test_what_others_refused_before_is_nothing_that_it_would_have_stopped() -> None:
    others = [row(day + 0.8, "198.51.100.250", by="c.example", answer_0="reject") for day in range(9)]
    (one,) = of([*switched(9, 4, 10), *others])
    assert (one.turned.before, one.turned.seen, one.elsewhere) == (40, 50, 5)


def test_retries_and_bounces_are_complaints() -> None:
    fault = {"answer_0": "reject", "by": "a.example", "sender": "Anna@firm.example"}
    rows = [
        *switched(9, 4, 10),
        row(4.9, "192.0.2.8", sender="lost@firm.example"),  # not lost yet
        row(5.0, "192.0.2.7", **fault),
        row(5.1, "192.0.2.7", **fault),
        row(5.2, "192.0.2.8", sender="anna@firm.example", recipient="U@ourdom.test"),  # by another way
        row(6.0, "192.0.2.9", **fault | {"sender": "else@firm.example"}),  # never again
        row(6.0, "192.0.2.10", **fault | {"sender": "lost@firm.example"}),
        row(6.5, "192.0.2.10", **fault | {"sender": "lost@firm.example"}),
        row(7.0, "192.0.2.11", **fault | {"sender": ""}),
        row(7.0, "192.0.2.12", **fault | {"sender": "", "reasons": ";virus;"}),  # a forged one
    ]
    (one,) = of(rows)
    assert (one.complaints.retries, one.complaints.came_in, one.complaints.bounces) == (2, 1, 1)
    words = " ".join(sentences(one, UTC))
    assert "that came back after they were refused: 2; that came in later: 1." in words
    assert "Refused bounces, reports on mail that our own users sent: 1." in words


def test_a_host_that_is_known_by_its_mail_before_is_at_fault() -> None:
    """What is refused has no contents, so nothing but the time before tells that it is wanted."""
    regular = {"answer_0": "reject", "client_name": "mx.firm.example"}
    rows = [row(day + 0.3, "192.0.2.7", reasons=";dnswl;", **regular) for day in range(4)]
    rows += [row(day + 0.3, "192.0.2.7", by="a.example", **regular) for day in range(4, 9)]
    (one,) = of([*rows, *switched(9, 4, 10)])
    assert one.recommendation == RELAX
    (host,) = one.hosts
    assert (host.client_address, host.attempts, host.wanted) == ("192.0.2.7", 5, True)
    assert list(sentences(one, UTC))[-1].endswith("Allow 192.0.2.7 (mx.firm.example, refused 5 times).")


def test_clients_that_come_for_days_make_more_than_one_guess_uncertain() -> None:
    draw = np.random.default_rng(20261101)

    def days() -> np.ndarray[Any, Any]:
        """Of 14 days, on how many each of about 40 clients came."""
        return draw.integers(1, 7, draw.poisson(40))

    held = Counter[str]()
    for _ in range(300):
        before, after = days(), int(days().sum())
        count = int(before.sum())
        for name, spread in (("as single days", 1.0), ("as clients", _spread(before, 14.0))):
            low, high = foreseen(count, 14.0, 14.0, spread)
            held[name] += low <= after <= high
    assert held["as clients"] >= 0.93 * 300
    assert held["as single days"] < 0.85 * 300
    # Who comes every day comes again.
    assert _spread(np.array([14, 13, 14]), 14.0) == 1.0


@pytest.mark.parametrize(
    ("seeds", "least"), [(1, 0.8), pytest.param(8, 0.93, marks=pytest.mark.long)], ids=["one month", "eight months"]
)
def test_a_restriction_that_is_switched_on_does_as_foreseen(seeds: int, least: float) -> None:
    counts = measure(seeds, 150, first=200)
    assert counts["cases"] >= 8 * seeds
    assert counts["all"] >= least * counts["cases"]
    assert counts["hurt"] >= least * counts["cases"]
    assert counts["week"] >= least * counts["weeks"] > 0


@settings(max_examples=30)
@given(st.integers(0, 500), st.floats(1, 30), st.floats(1, 30))
def test_what_is_foreseen_holds_the_rate(before: int, first: float, second: float) -> None:
    low, high = foreseen(before, first, second)
    # The Poisson rate is before / first; half a client is no number that can be seen.
    assert low <= before * second / first + 0.5
    assert high >= before * second / first - 0.5
    assert 0 <= low <= high


@pytest.mark.parametrize(("rate", "first", "second"), [(3.0, 7.0, 7.0), (12.0, 21.0, 4.0)])
def test_as_many_come_as_foreseen_in_95_of_100_cases(rate: float, first: float, second: float) -> None:
    draw = np.random.default_rng(20261101)
    pairs = zip(draw.poisson(rate * first, 300), draw.poisson(rate * second, 300), strict=True)
    held = [low <= after <= high for before, after in pairs for low, high in [foreseen(int(before), first, second)]]
    assert sum(held) / len(held) >= 0.94
