"""What is advised, and why: each rule by itself, then the story of the month."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from advisor.advice import CHANGES, Situation, advise
from advisor.attempt import attempts
from advisor.event import SCHEMA, Coverage
from advisor.evidence import weigh
from advisor.finding import findings
from advisor.postconf import from_text
from advisor.question import Question
from advisor.recommendation import ENFORCE, LEAVE, WARN, Advice, Recommendation, Tally
from advisor.restrictions import TIPS
from advisor.standing import Docket, Standing
from tests.conftest import BOLD, LAB, MONTH, ROOT

MAIN_CF = ROOT / "sample_logs" / "main.cf"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
NONE = Tally()


@pytest.fixture(scope="module")
def month() -> Advice:
    return Question([MONTH], config=MAIN_CF).advise()


@pytest.fixture(scope="module")
def bold() -> Advice:
    return Question([MONTH], config=MAIN_CF, terms=BOLD).advise()


def named(advice: Advice, name: str) -> Recommendation:
    return next(found for found in advice.recommendations if found.name == name)


def hurt(found: Recommendation) -> set[str]:
    return {one.client_address for one in found.hosts if one.wanted}


def test_the_month_names_those_it_would_have_hurt(month: Advice) -> None:
    assert hurt(named(month, "reject_unknown_reverse_client_hostname")) == {"203.0.113.10"}
    assert hurt(named(month, "reject_unknown_client_hostname")) == {f"203.0.113.{n}" for n in (10, 11, 12, 15)}
    assert named(month, "reject_unknown_client_hostname").recommendation == LEAVE
    assert month.allowlist[1::2] == ("203.0.113.10 OK",)


@pytest.mark.parametrize("key", ["203.0.113.10", "203.0.113"])
def test_who_stands_in_the_map_is_not_to_be_added(tmp_path: Path, key: str) -> None:
    text = MAIN_CF.read_text(encoding="utf-8")
    listed = "permit_mynetworks, check_client_access hash:/etc/postfix/client_access"
    (tmp_path / "main.cf").write_text(f"{text}smtpd_client_restrictions = {listed}\n", encoding="utf-8")
    (tmp_path / "client_access").write_text(f"# by hand\n{key} OK\n192.0.2.77 REJECT\n", encoding="utf-8")
    told = Question([MONTH], config=tmp_path, terms=BOLD).advise()

    typed = named(told, "reject_unknown_client_hostname").lines_to_type
    others = {f"203.0.113.{number} OK" for number in (11, 12, 15)}
    expected = others if key.endswith(".10") else set()
    assert {line for line in typed if line.endswith(" OK")} == expected
    assert {line for line in told.allowlist if line.endswith(" OK")} == expected
    assert any("check_client_access hash:/etc/postfix/client_access" in line for line in typed)

    (tmp_path / "client_access").write_text(f"{key} REJECT\n", encoding="utf-8")
    told = Question([MONTH], config=tmp_path, terms=BOLD).advise()
    assert {line for line in told.allowlist if line.endswith(" OK")} == {*others, "203.0.113.10 OK"}


def test_few_clients_are_tried_first_whatever_they_show(month: Advice, bold: Advice) -> None:
    assert {found.recommendation for found in month.recommendations} == {WARN, LEAVE}
    assert "21 wanted clients; 300 are needed" in " ".join(named(month, "reject_non_fqdn_helo_hostname").reasons)
    assert {found.recommendation for found in bold.recommendations} >= {ENFORCE, LEAVE}
    assert {step.step for step in month.plan} == {"warn"}
    assert {step.step for step in bold.plan} >= {"warn", "allow", "enforce"}


def test_the_plan_names_each_change_in_its_week(bold: Advice) -> None:
    changes = [found for found in bold.recommendations if found.recommendation in (ENFORCE, WARN)]

    assert {step.name for step in bold.plan} == {found.spelled for found in changes}
    assert [step.week for step in bold.plan] == sorted(step.week for step in bold.plan)


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
    assert {found.name for found in month.recommendations} == set(TIPS)


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


def test_a_week_is_decided_by_all_that_is_known(month: Advice, bold: Advice) -> None:
    week = Question([MONTH], config=MAIN_CF, since="2026-10-25", terms=BOLD).advise()
    whole = {found.spelled: found for found in bold.recommendations}

    assert 0 < week.traffic.accepted < month.traffic.accepted
    for found in week.recommendations:
        other = whole[found.spelled]
        assert (found.recommendation, found.before, found.after) == (other.recommendation, other.before, other.after)
        assert found.accepted.attempts == week.traffic.accepted
        assert {one.client_address for one in found.hosts if one.wanted} == {
            one.client_address for one in other.hosts if one.wanted
        }


def test_a_period_is_as_found() -> None:
    advice = Question([MONTH], config=MAIN_CF, since="2026-10-20", until="2026-10-22").advise()

    assert advice.start is not None
    assert advice.end is not None
    assert advice.end - advice.start < timedelta(days=2)
    assert all(found.recommendation in (LEAVE, WARN) for found in advice.recommendations)


def test_what_a_change_adds_is_what_none_before_it_stops(bold: Advice) -> None:
    question = Question([MONTH], config=MAIN_CF)
    ranked = [found for found in bold.recommendations if found.recommendation == ENFORCE]
    assert len(ranked) > 1
    stopped_before: set[tuple[Any, ...]] = set()
    for found in ranked:
        simulation = question.simulate(found.name)
        frame = simulation.rows().to_native().to_arrow_table().append_column("reasons", question.weighed["reasons"])
        docket = Docket(frame.filter(pc.field("origin") == "outside"))
        turned, _ = docket.answers(0)
        unwanted = Standing.on(docket, found.name).row == -1
        rows = docket.rows.append_column("stops", pa.array(turned & unwanted)).append_column("turned", pa.array(turned))
        keys = [(row["source"], row["offset"], row["recipient"]) for row in rows.to_pylist()]
        adds = [key for key, stops in zip(keys, rows["stops"].to_pylist(), strict=True) if stops]
        assert len(adds) == found.stopped.attempts
        assert len([key for key in adds if key not in stopped_before]) == found.marginal.attempts
        stopped_before |= {key for key, away in zip(keys, rows["turned"].to_pylist(), strict=True) if away}
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
