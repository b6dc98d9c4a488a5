import json
from datetime import datetime
from typing import Any

import pytest

from advisor.pseudonym import Pseudonyms, hidden
from advisor.recommendation import Advice
from advisor.reports import render
from tests.reports.conftest import NASTY

KEYS = {
    "schema", "period", "timezone", "hosts", "postfix_version", "configuration", "coverage", "attempts", "evidence",
    "terms", "restrictions", "plan", "sequels", "contrast", "overlap", "visitors", "allowlist", "findings",
    "greylisting", "lists", "spf", "dmarc", "refused_by", "client_status", "days", "unrecognised_samples",
    "cannot_show",
}  # fmt: skip
RESTRICTION = {
    "name", "tip", "claim", "parameter", "state", "recommendation", "rank", "stopped", "hurt", "undecided",
    "no_evidence", "marginal", "accepted", "wanted", "unwanted", "undecided_all", "wanted_judged", "unwanted_judged",
    "refused", "harm_interval", "basis", "lines_to_type", "try_first", "undo", "diff", "reasons", "not_known", "hosts",
    "hosts_more", "argument", "spelled", "cheaper", "before", "after",
}  # fmt: skip


def data_of(advice: Advice, now: datetime) -> dict[str, Any]:
    text = render(advice, "json", now=now)
    assert isinstance(text, str)
    assert text.isascii()
    assert text.endswith("}\n")
    found: dict[str, Any] = json.loads(text)
    return found


def test_the_keys_are_a_promise(any_advice: Advice, now: datetime) -> None:
    data = data_of(any_advice, now)
    assert data["schema"] == 1
    assert set(data) == KEYS
    for one in data["restrictions"]:
        assert set(one) == RESTRICTION
        assert all(set(one[name]) == {"attempts", "messages", "clients"} for name in ("stopped", "hurt", "undecided"))


def test_what_is_not_known_is_null(empty_advice: Advice, unknown_advice: Advice, now: datetime) -> None:
    assert data_of(empty_advice, now)["period"] == {"start": None, "end": None}
    assert data_of(empty_advice, now)["greylisting"] is None
    assert {one["harm_interval"] for one in data_of(unknown_advice, now)["restrictions"]} == {None}


def test_times_have_their_offset(rich_advice: Advice, now: datetime) -> None:
    data = data_of(rich_advice, now)
    assert data["period"] == {"start": "2026-11-16T00:03:00+01:00", "end": "2026-11-22T23:58:00+01:00"}
    host = data["restrictions"][0]["hosts"][0]
    assert host["last_seen"] == "2026-11-20T09:12:00+01:00"
    assert host["senders"] == ["billing@partner.example"]


def test_numbers_are_numbers(rich_advice: Advice, now: datetime) -> None:
    data = data_of(rich_advice, now)
    assert data["restrictions"][0]["stopped"] == {"attempts": 612, "messages": 540, "clients": 312}
    assert data["restrictions"][0]["harm_interval"] == [0.00005, 0.003]
    assert data["greylisting"]["delay_seconds"] == {"median": 341.0, "p90": 40000.0, "max": 40000.0}
    assert data["coverage"]["ignored_by_program"] == {"dovecot": 12001, "sshd": 364}


def test_programs_get_the_text_as_it_was_logged(hostile_advice: Advice, now: datetime) -> None:
    assert data_of(hostile_advice, now)["restrictions"][0]["hosts"][0]["helo_name"] == NASTY


def test_what_is_expected_of_a_week(weekly_advice: Advice, now: datetime) -> None:
    data = data_of(weekly_advice, now)
    first, second, third, *_ = data["restrictions"]
    assert first["after"] == {
        "hurt": 2, "wanted": 2390, "doubtful_turned": 12, "doubtful_passed": 390, "share": 2 / 2390,
        "messages": {"hurt": 2, "wanted": 10900}, "interval": [0.00008, 0.0087], "next_week": [0.0, 0.0131],
        "at_most": 0.0079,
    }  # fmt: skip
    assert (second["spelled"], second["argument"]) == (
        "reject_rbl_client bl.example.net=127.0.0.[2..11]", "bl.example.net=127.0.0.[2..11]",
    )  # fmt: skip
    assert (second["before"]["share"], second["before"]["interval"], third["before"]) == (None, None, None)
    assert data["terms"] == {"max_harm": 0.005, "confidence": 0.9, "decided": 250}
    assert data["plan"][-1] == {"week": 5, "name": "reject_rbl_client zen.example", "step": "log"}
    assert data["contrast"]["period"] == {"start": "2026-11-09T00:03:00+01:00", "end": "2026-11-16T00:03:00+01:00"}
    assert data["contrast"]["counts"][0] == {"name": "attempts from outside", "now": 38204, "before": 36950}


def test_lists_and_visitors_are_told(weekly_advice: Advice, now: datetime) -> None:
    data = data_of(weekly_advice, now)
    assert data["overlap"]["together"][1] == {"lists": ["zen.example", "bl.example.net"], "clients": 10}
    (visitor,) = data["visitors"]
    assert (visitor["first_seen"], visitor["last_seen"]) == ("2026-11-16T09:12:00+01:00", "2026-11-22T09:12:00+01:00")
    assert (visitor["evidence"], visitor["senders"]) == (
        {"the content filter called it spam": 55}, ["", "win@bot.example"],
    )  # fmt: skip
    assert visitor["last"][0]["time"] == "2026-11-22T09:12:00+01:00"


def test_pseudonyms_stand_for_all_that_is_somebodys(weekly_advice: Advice, now: datetime) -> None:
    by = Pseudonyms(bytes(32), ["mx1"])
    text = json.dumps(data_of(hidden(weekly_advice, by), now))
    for mine in ("198.51.100.7", "192.0.2", "partner.example", "bl.example.net", "win@bot", "u@ourdom", "mx1.example"):
        assert mine in json.dumps(data_of(weekly_advice, now))
        assert mine not in text


def test_the_time_of_writing_changes_nothing(rich_advice: Advice, now: datetime) -> None:
    assert render(rich_advice, "json", now=now) == render(rich_advice, "json", now=now.replace(year=2027))


@pytest.mark.parametrize("word", ["NaN", "Infinity"])
def test_there_is_no_number_that_json_does_not_know(any_advice: Advice, now: datetime, word: str) -> None:
    assert f": {word}" not in str(render(any_advice, "json", now=now))
