import re
import subprocess
import sys
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from advisor.recommendation import Advice, Delivery
from advisor.reports import render
from advisor.reports.page import Page
from tests.reports.conftest import advised


def typed(advice: Advice) -> set[str]:
    """The lines that stand as they are, whatever the width."""
    found = {
        line for one in advice.recommendations for part in (one.lines_to_type, one.try_first, one.undo) for line in part
    }
    return found | set(advice.allowlist)


def lines(advice: Advice, now: datetime, width: int = 80, **wishes: bool) -> list[str]:
    return str(render(advice, "terminal", now=now, width=width, **wishes)).splitlines()  # type: ignore[arg-type]


@pytest.mark.parametrize("width", [40, 60, 80, 160])
def test_prose_fits_the_width(any_advice: Advice, now: datetime, width: int) -> None:
    whole = {line.expandtabs() for line in typed(any_advice)}
    for line in lines(any_advice, now, width):
        command = line.strip().startswith("advisor ") or line in whole or line.startswith("\\x1b[31m")
        assert len(line) <= width or command, line


@pytest.mark.parametrize("width", [40, 60, 80, 160])
def test_what_is_typed_is_neither_wrapped_nor_cut(rich_advice: Advice, now: datetime, width: int) -> None:
    shown = lines(rich_advice, now, width)
    ranked = [one for one in rich_advice.recommendations if one.rank]
    for one in ranked:
        start = shown.index(one.lines_to_type[0])
        assert tuple(shown[start : start + len(one.lines_to_type)]) == one.lines_to_type
        assert set(one.undo) <= set(shown)
        assert set(one.try_first) <= set(shown)
    assert set(rich_advice.allowlist) <= set(shown)


def test_the_width_is_used(rich_advice: Advice, now: datetime) -> None:
    assert max(map(len, lines(rich_advice, now, 160))) > 100
    assert any(re.search(r"without a reverse name +612/1,391", line) for line in lines(rich_advice, now, 160))


def test_it_is_plain_ascii(any_advice: Advice, now: datetime) -> None:
    text = str(render(any_advice, "terminal", now=now))
    assert set(text) <= {"\n", *map(chr, range(32, 127))}


def test_hostile_text_is_shown_and_does_nothing(hostile_advice: Advice, now: datetime) -> None:
    text = str(render(hostile_advice, "terminal", now=now))
    assert r"\x1b[31m<script>" in text
    assert r"[bold]\u202e\x0d\x0aBcc" in text  # rich would have eaten [bold]
    assert not any(line.startswith("Bcc") for line in text.splitlines())


def test_colour_only_where_it_is_asked_for_and_only_on_labels(rich_advice: Advice, now: datetime) -> None:
    plain = str(render(rich_advice, "terminal", now=now))
    coloured = str(render(rich_advice, "terminal", now=now, color=True))
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == plain


def test_colour_does_not_come_from_the_environment(
    rich_advice: Advice, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = render(rich_advice, "terminal", now=now)
    for name, value in (("FORCE_COLOR", "1"), ("COLUMNS", "30"), ("TERM", "xterm-256color")):
        monkeypatch.setenv(name, value)
    assert render(rich_advice, "terminal", now=now) == before


def test_colour_keeps_hostile_text_harmless(hostile_advice: Advice, now: datetime) -> None:
    text = str(render(hostile_advice, "terminal", now=now, color=True))
    assert set(re.findall(r"\x1b\[[\d;]*m", text)) <= {
        f"\x1b[{code}m" for code in ("0", "1", "2", "33", "1;31", "1;33", "1;2")
    }
    assert "\x1b[31m<" not in text


def test_advice_comes_first_and_what_to_run_next_last(rich_advice: Advice, now: datetime) -> None:
    shown = lines(rich_advice, now)
    assert [line for line in shown if line.startswith("FIX FIRST")]
    assert next(n for n, line in enumerate(shown) if line.startswith("CHANGE THESE 3")) < 25
    assert shown[-1].strip().startswith("advisor ")
    own = [line for line in shown if line not in typed(rich_advice)]
    heads = [line.split("  ")[0] for line in own if re.match(r"[A-Z]{3}[A-Z ,0-9]*(  |$)", line)]
    assert heads == [
        "FIX FIRST", "CHANGE THESE 3", "HOSTS TO ALLOW", "LATER", "LEAVE OFF", "SET ALREADY", "NOTES",
        "WANTED AND UNWANTED", "NAMES OF CLIENTS", "REFUSED BY", "GREYLISTING", "DNS LISTS", "SPF AND DMARC",
        "NOT UNDERSTOOD", "WHAT THIS LOG CANNOT SHOW", "NEXT",
    ]  # fmt: skip


def test_each_card_has_its_parts(rich_advice: Advice, now: datetime) -> None:
    text = str(render(rich_advice, "terminal", now=now)).partition("-" * 80)[2]
    first = text.partition("-" * 80)[0]
    labels = re.findall(r"^  ([a-z][a-z ]*?)(?:  |$)", first, re.MULTILINE)
    assert labels == ["stops", "hurts", "why", "hosts", "basis", "not known", "type", "try first", "undo"]
    assert "192.0.2.78  mail.verein.example (does not lead back)" in first
    assert "HELO not logged; 2 attempts, last 20 Nov 09:12; from not logged" in first
    assert "wanted: our users write to this sender" in first
    assert "and 4 more hosts" in first


def test_a_second_week_has_its_parts(weekly_advice: Advice, now: datetime) -> None:
    shown = lines(weekly_advice, now)
    own = [line for line in shown if line not in typed(weekly_advice)]
    heads = [line.split("  ")[0] for line in own if re.match(r"[A-Z]{3}[A-Z ,0-9]*(  |$)", line)]
    assert heads[:7] == [
        "FIX FIRST", "WHAT BECAME OF CHANGES", "NEW SINCE THE TIME BEFORE", "CHANGE THESE 3", "HOSTS TO ALLOW", "PLAN",
        "LATER",
    ]  # fmt: skip
    assert "AGAINST THE TIME BEFORE" in heads
    text = " ".join(" ".join(shown).split())
    assert "reject_rbl_client bl.example.net=127.0.0.[2..11] in smtpd_sender_restrictions" in text
    assert "foreseen with nobody allowed: 61 of 2,400 wanted clients" in text
    assert "cheaper Of the 312 unwanted clients" in text
    assert "week 5 log" in text
    assert "90 % sure; nothing is enforced that could judge fewer than 250 of them" in text
    only = str(render(weekly_advice, "terminal", now=now, only="advice"))
    assert "PLAN" in only
    assert not re.search("BECAME|BEFORE", only)


def test_hosts_that_do_not_fit_are_counted(rich_advice: Advice, now: datetime) -> None:
    first = rich_advice.recommendations[0]
    many = replace(rich_advice, recommendations=(replace(first, hosts=first.hosts[:1] * 9, hosts_more=91),))
    assert "             and 95 more hosts, 4 of them wanted" in lines(many, now)


def test_a_host_that_would_be_hurt_has_its_last_messages_beside_it(rich_advice: Advice, now: datetime) -> None:
    first = rich_advice.recommendations[0]
    last = (Delivery(now, "anna@verein.example", "us@example.org"), Delivery(now, None, None), Delivery(now, "", "b@c"))
    hosts = (replace(first.hosts[0], wanted=True, last=last), replace(first.hosts[0], wanted=None, last=last))
    shown = lines(replace(rich_advice, recommendations=(replace(first, hosts=hosts, hosts_more=0),)), now)
    at = shown.index("                 23 Nov 07:04  anna@verein.example to us@example.org")
    assert [line.strip() for line in shown[at + 1 : at + 3]] == [
        "23 Nov 07:04  sender not logged", "23 Nov 07:04  <> (bounces) to b@c",
    ]  # fmt: skip
    assert sum("anna@verein.example to" in line for line in shown) == 1


def test_nothing_to_change_is_an_answer(rich_advice: Advice, now: datetime) -> None:
    calm = replace(rich_advice, recommendations=rich_advice.recommendations[4:], findings=())
    assert "NOTHING TO CHANGE NOW  0 to fix, 1 check on already, 1 left with reasons" in lines(calm, now)


def test_times_are_in_the_zone_of_the_report(rich_advice: Advice, now: datetime) -> None:
    moved = replace(rich_advice, timezone="America/New_York")
    assert "15 Nov 18:03 to 22 Nov 2026 17:58, 7.0 days (America/New_York); Postfix 3.5.25" in lines(moved, now)
    assert any("last 20 Nov 03:12" in line for line in lines(moved, now))


def test_it_needs_nothing_that_draws() -> None:
    code = (
        "import sys, advisor.reports.terminal, advisor.reports.json; "
        "print([name for name in ('matplotlib', 'jinja2', 'numpy', 'pandas', 'duckdb', 'PIL') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(), address=st.text(), width=st.integers(1, 200))
def test_any_text_stays_on_its_line(rich_advice: Advice, now: datetime, name: str, address: str, width: int) -> None:
    first = rich_advice.recommendations[0]
    guest = replace(first.hosts[0], client_name=name, senders=(address,))
    advice = replace(rich_advice, recommendations=(replace(first, hosts=(guest,)),))
    text = str(render(advice, "terminal", now=now, width=width))
    assert set(text) <= {"\n", *map(chr, range(32, 127))}


def test_a_table_is_stacked_where_it_does_not_fit() -> None:
    rows = [("", "stops", "hurts"), ("a rather long claim about clients", "612/1,391", "3/12,406")]
    wide, narrow, narrowest = Page(80), Page(40), Page(40)
    wide.table(rows)
    narrow.table(rows)
    narrowest.table([("", *("a column" for _ in range(5))), ("claim", *("1,234/56,789" for _ in range(5)))])
    assert wide.text().splitlines()[1] == "  a rather long claim about clients  612/1,391  3/12,406"
    assert [len(line.split()) for line in narrow.text().splitlines()] == [2, 6, 2]
    assert narrowest.text().split()[0] == "claim:"
    assert max(map(len, narrowest.text().splitlines())) <= 40


def test_an_advised_setting_is_not_said_to_stand_in_itself(now: datetime, rich_advice: Advice) -> None:
    setting = advised("smtpd_helo_required", parameter="smtpd_helo_required", rank=1, recommendation="enforce", tip=2)
    assert "    smtpd_helo_required (tip 2)" in lines(replace(rich_advice, recommendations=(setting,)), now)
