"""What is advised, and why: each rule by itself, then the story of the month."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from advisor.advice import CHANGES, CLAIMS, Situation, _decide, advise
from advisor.attempt import attempts
from advisor.event import SCHEMA, Coverage
from advisor.evidence import verdict, weigh
from advisor.finding import findings
from advisor.harm import Harm
from advisor.postconf import from_text
from advisor.question import Question
from advisor.recommendation import ENFORCE, LEAVE, RELAX, WARN, Advice, Host, Recommendation, Tally
from advisor.restriction import ask
from advisor.restrictions import CATALOGUE, TIPS
from tests.conftest import LAB, MONTH, ROOT

MAIN_CF = ROOT / "sample_logs" / "main.cf"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
NONE = Tally()


def many(attempts: int, clients: int = 1) -> Tally:
    return Tally(attempts, attempts, clients)


def harm(name: str = "reject_unknown_reverse_client_hostname", **changes: Any) -> Harm:
    """A restriction that judged a month of mail and would have stopped much and hurt nobody."""
    found = Harm(
        asked=ask(CATALOGUE[name], {}),
        accepted=many(1000, 200),
        wanted=many(600, 50),
        unwanted=many(300, 100),
        undecided_all=many(100, 50),
        wanted_judged=many(600, 50),
        unwanted_judged=many(300, 100),
        stopped=many(200, 80),
        hurt=NONE,
        undecided=many(20, 10),
        no_evidence=NONE,
        refused=NONE,
        warned=0,
        basis={"derived": 1000},
    )
    return replace(found, **changes)


def host(wanted: bool | None = True) -> Host:
    return Host("192.0.2.77", "unknown", "unknown", None, wanted, "", 3, 3, NOON, NOON)


@pytest.mark.parametrize(
    ("changes", "state", "days", "expected", "why"),
    [
        ({}, "off", 31, ENFORCE, "600 wanted attempts"),
        ({}, "warn", 31, ENFORCE, "31 days"),
        ({}, "off", 6.9, WARN, "6.9 days; 7 are needed"),
        ({"wanted_judged": many(299, 50), "wanted": many(299, 50)}, "off", 31, WARN, "299 wanted attempts; 300"),
        ({"wanted_judged": many(500, 50)}, "off", 31, WARN, "500 of 600 wanted attempts"),
        ({"undecided": many(10, 81)}, "off", 31, WARN, "81 clients that nothing calls wanted or unwanted"),
        ({"hurt": many(30, 2)}, "off", 31, ENFORCE, "31 days"),
        ({"hurt": many(31, 2)}, "off", 31, LEAVE, "5.2 % of the wanted mail"),
        ({"hurt": many(21, 2), "stopped": many(20, 9)}, "off", 31, LEAVE, "3.5 % of the wanted mail"),
        ({"no_evidence": many(1000, 200), "wanted_judged": NONE, "stopped": NONE}, "off", 31, WARN, "does not show"),
        ({"stopped": NONE, "undecided": NONE}, "off", 31, LEAVE, "none of the 1,000"),
        ({"accepted": NONE, "wanted": NONE, "wanted_judged": NONE}, "off", 31, LEAVE, "nothing to judge by"),
        ({"refused": many(7)}, "enforced", 31, LEAVE, "refused 7 attempts"),
        ({"refused": many(7), "refused_hosts": (host(),)}, "enforced", 31, RELAX, "1 hosts whose mail is wanted"),
        ({"refused": many(7), "refused_hosts": (host(None),)}, "enforced", 31, LEAVE, "refused 7 attempts"),
    ],
)
def test_the_rule(changes: dict[str, Any], state: str, days: float, expected: str, why: str) -> None:
    verdict, reasons = _decide(harm(**changes), state, days)

    assert verdict == expected
    assert why in " ".join(reasons)


@pytest.mark.parametrize(
    ("changes", "expected", "why"),
    [
        ({}, ENFORCE, "None of the 600 wanted"),
        ({"hurt": many(1)}, LEAVE, "has no trial form"),
        ({"no_evidence": many(1000)}, LEAVE, "Postfix 3.0"),
        ({"wanted_judged": many(10)}, LEAVE, "300 are needed"),
        ({"stopped": NONE, "undecided": NONE}, LEAVE, "none of the 1,000"),
    ],
)
def test_a_setting_without_a_trial_is_enforced_or_left(changes: dict[str, Any], expected: str, why: str) -> None:
    verdict, reasons = _decide(harm("smtpd_helo_required", **changes), "off", 31)

    assert verdict == expected
    assert why in " ".join(reasons)


@pytest.fixture(scope="module")
def month() -> Advice:
    return Question([MONTH], config=MAIN_CF).advise()


def named(advice: Advice, name: str) -> Recommendation:
    return next(found for found in advice.recommendations if found.name == name)


def hurt(found: Recommendation) -> set[str]:
    return {one.client_address for one in found.hosts if one.wanted}


def test_the_month_names_those_it_would_have_hurt(month: Advice) -> None:
    assert hurt(named(month, "reject_unknown_reverse_client_hostname")) == {"203.0.113.10"}
    assert hurt(named(month, "reject_unknown_client_hostname")) == {f"203.0.113.{n}" for n in (10, 11, 12, 15)}
    assert named(month, "reject_unknown_client_hostname").recommendation == LEAVE
    assert month.allowlist[1::2] == ("203.0.113.10 OK",)


def test_no_evidence_is_never_harmless(month: Advice) -> None:
    sender = named(month, "reject_unknown_sender_domain")

    assert sender.wanted_judged == NONE
    assert sender.harm_interval is None
    assert sender.recommendation == WARN
    assert "No evidence for" in " ".join(sender.not_known)


def test_at_most_three_changes_and_their_gains_add_up(month: Advice) -> None:
    ranked = [found for found in month.recommendations if found.rank]

    assert [found.rank for found in ranked] == list(range(1, len(ranked) + 1))
    assert len(ranked) <= CHANGES
    assert all(found.marginal.attempts <= found.stopped.attempts for found in month.recommendations)
    assert ranked[0].marginal == ranked[0].stopped
    assert {found.name for found in month.recommendations} == set(TIPS) == set(CLAIMS)


def test_every_number_has_its_whole(month: Advice) -> None:
    seen = month.traffic
    for found in month.recommendations:
        whole = found.wanted.attempts + found.unwanted.attempts + found.undecided_all.attempts
        assert whole == found.accepted.attempts == seen.accepted
        assert found.hurt.attempts <= found.wanted_judged.attempts <= found.wanted.attempts
        assert found.stopped.attempts <= found.unwanted_judged.attempts <= found.unwanted.attempts
        assert sum(found.basis.values()) == found.accepted.attempts
        assert found.basis.get("no evidence", 0) == found.no_evidence.attempts


def test_what_is_on_is_not_advised() -> None:
    config = MAIN_CF.read_text() + (
        "smtpd_helo_required = yes\n"
        "smtpd_client_restrictions = permit_mynetworks, permit_sasl_authenticated,\n"
        "    reject_unknown_reverse_client_hostname, warn_if_reject reject_unknown_client_hostname\n"
    )
    question = Question([MONTH])
    table = weigh(question.attempts, question.events)
    advice = advise(Situation(table, question.events, Coverage(), from_text(config, "main.cf"), UTC))

    assert named(advice, "smtpd_helo_required").state == "enforced"
    assert named(advice, "smtpd_helo_required").recommendation == LEAVE
    assert named(advice, "reject_unknown_reverse_client_hostname").state == "enforced"
    assert named(advice, "reject_unknown_client_hostname").state == "warn"
    assert not any("smtpd_helo_required" in line for found in advice.recommendations for line in found.lines_to_type)


def test_without_a_configuration_the_log_says_what_is_on() -> None:
    advice = Question([LAB / "all.maillog-20261122.gz"]).advise()

    assert {found.state for found in advice.recommendations} == {"enforced"}
    assert {found.rank for found in advice.recommendations} == {None}
    assert any("--config" in found.text for found in advice.findings)
    assert {found.state for found in Question([LAB / "spf.maillog-20261122.gz"]).advise().recommendations} == {
        "not seen"
    }


def test_an_empty_log_is_no_harm_to_anybody() -> None:
    events = SCHEMA.empty_table()
    advice = advise(Situation(weigh(attempts(events), events), events, Coverage(), None, UTC))

    assert (advice.start, advice.end, advice.hosts) == (None, None, ())
    assert {found.recommendation for found in advice.recommendations} == {LEAVE}
    assert {found.harm_interval for found in advice.recommendations} == {None}


def events_of(*rows: Mapping[str, object]) -> pa.Table:
    return pa.Table.from_pylist([{"time": NOON, "host": "mx1", **row} for row in rows], schema=SCHEMA)


def test_an_error_answer_is_no_listing() -> None:
    text = "Service unavailable; Client host [192.0.2.1] blocked using zen.test; Error: open resolver; https://x/returnc/pub"
    row = {"kind": "verdict", "list": "zen.test", "text": text, "action": "reject", "restriction": "reject_rbl_client"}
    row["client_address"] = "192.0.2.1"
    found = findings(events_of(row, row), None, ())

    assert found[0].severity == "fix"
    assert "zen.test refused 2 attempts on an error answer" in found[0].text


def test_a_failing_resolver_is_found() -> None:
    connect = {"kind": "connect", "program": "smtpd", "client_name": "unknown"}
    warning = {"kind": "hostname_warning", "reason": "Temporary failure in name resolution"}

    assert "5 of 30 clients' names failed" in findings(events_of(*[connect] * 30, *[warning] * 5), None, ())[0].text
    assert "Temporary" not in findings(events_of(*[connect] * 60, *[warning] * 5), None, ())[0].text
    assert "smtpd_peername_lookup is off" in findings(events_of(*[connect] * 30), None, ())[0].text


def test_what_is_wrong_in_main_cf_comes_first() -> None:
    config = from_text("smtpd_client_restrictions = reject_unknown_client_hostname\n", "main.cf")
    found = findings(events_of(), config, ("a note",))

    assert [one.severity for one in found] == ["fix", "note"]
    assert "your own users" in found[0].text


def test_a_period_is_as_found() -> None:
    advice = Question([MONTH], config=MAIN_CF, since="2026-10-20", until="2026-10-22").advise()

    assert advice.start is not None
    assert advice.end is not None
    assert advice.end - advice.start < timedelta(days=2)
    assert all(found.recommendation in (LEAVE, WARN) for found in advice.recommendations)


def test_what_a_change_adds_is_what_none_before_it_stops(month: Advice) -> None:
    question = Question([MONTH], config=MAIN_CF)
    assert question.configuration is not None
    table = weigh(question.attempts, question.events, question.configuration.local_domains())
    accepted = [row for row in table.to_pylist() if row["origin"] == "outside" and row["action"] == "accept"]
    ranked = [found for found in month.recommendations if found.recommendation == ENFORCE]
    assert len(ranked) > 1
    stopped_before: set[tuple[Any, ...]] = set()
    for found in ranked:
        simulated = question.simulate(found.name).attempts.to_arrow_table().to_pylist()
        turned = {
            (row["source"], row["offset"], row["recipient"])
            for row in simulated
            if row[found.name] in ("reject", "defer")
        }
        adds = [
            row
            for row in accepted
            if (key := (row["source"], row["offset"], row["recipient"])) in turned
            and key not in stopped_before
            and verdict(row["reasons"], found.name) is False
        ]
        assert len(adds) == found.marginal.attempts
        stopped_before |= turned
    assert ranked[-1].marginal.attempts < ranked[-1].stopped.attempts


def test_whom_our_users_wrote_to_before_the_period_counts(tmp_path: Path) -> None:
    head, who = "mx1 postfix", "mail.partner.example[198.51.100.7]"
    log = tmp_path / "maillog"
    log.write_text(
        f"Nov  1 09:00:00 {head}/smtpd[1]: connect from localhost[127.0.0.1]\n"
        f"Nov  1 09:00:00 {head}/smtpd[1]: A0000001: client=localhost[127.0.0.1]\n"
        f"Nov  1 09:00:01 {head}/qmgr[2]: A0000001: from=<bob@ours.example>, size=400, nrcpt=1 (queue active)\n"
        f"Nov  1 09:00:01 {head}/smtp[3]: A0000001: to=<ann@partner.example>, "
        "relay=mx.partner.example[198.51.100.7]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 ok)\n"
        f"Nov  1 09:00:02 {head}/qmgr[2]: A0000001: removed\n"
        f"Nov 20 09:00:00 {head}/smtpd[1]: connect from {who}\n"
        "Nov 20 09:00:00 mx1 policyd-spf[4]: : prepend Received-SPF: Pass (mailfrom) identity=mailfrom; client-ip="
        "198.51.100.7; helo=mail.partner.example; envelope-from=ann@partner.example; receiver=bob@ours.example\n"
        f"Nov 20 09:00:00 {head}/smtpd[1]: B0000001: client={who}\n"
        f"Nov 20 09:00:01 {head}/qmgr[2]: B0000001: from=<ann@partner.example>, size=400, nrcpt=1 (queue active)\n"
        f"Nov 20 09:00:01 {head}/local[3]: B0000001: to=<bob@ours.example>, relay=local, delay=1, delays=0/0/0/1,"
        " dsn=2.0.0, status=sent (delivered to mailbox)\n"
        f"Nov 20 09:00:02 {head}/qmgr[2]: B0000001: removed\n"
    )
    question = Question([log], since="2026-11-19", year=2026, zone=UTC, config=MAIN_CF)

    assert question.attempts.num_rows == 1
    assert question.advise().traffic.wanted == 1
