import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from advisor.errors import AdvisorError
from advisor.recommendation import Advice
from advisor.reports import FORMATS, render
from tests.reports.reading import flat, numbers, of_page, part, sums

Texts = dict[str, str]


@pytest.fixture
def texts(rich_advice: Advice, now: datetime) -> Texts:
    """What people read of the rich example, in one line each."""
    mail = render(rich_advice, "mail", now=now)
    assert isinstance(mail, bytes)
    return {
        "terminal": flat(str(render(rich_advice, "terminal", now=now))),
        "html": of_page(str(render(rich_advice, "html", now=now))),
        "mail text": flat(part(mail, "plain")),
        "mail html": of_page(part(mail, "html")),
    }


@pytest.fixture
def data(rich_advice: Advice, now: datetime) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(render(rich_advice, "json", now=now))
    return found


def test_what_each_change_stops_and_hurts_is_the_same_everywhere(texts: Texts, data: dict[str, Any]) -> None:
    ranked = [one for one in data["restrictions"] if one["rank"]]
    assert [one["rank"] for one in ranked] == [1, 2, 3]
    for one in ranked:
        stops = f"{one['stopped']['attempts']:,} of {one['unwanted_judged']['attempts']:,} unwanted"
        hurts = f"{one['hurt']['attempts']:,} of {one['wanted_judged']['attempts']:,}"
        adds = f"{one['marginal']['attempts']:,} of them nothing above would stop"
        clients = f"{one['stopped']['messages']:,} messages, {one['stopped']['clients']:,} clients"
        for name, text in texts.items():
            # One thing is to fix first, and a mail asks for three at most.
            told = one["rank"] < 3 or not name.startswith("mail")
            # Above the first there is nothing.
            said = (stops, hurts, adds if one["rank"] > 1 else stops, clients, one["name"], one["claim"])
            for words in said if told else said[-1:]:
                assert words in text, (name, words)


def test_the_tables_of_changes_are_the_same(texts: Texts, data: dict[str, Any]) -> None:
    for one in (one for one in data["restrictions"] if one["rank"]):
        for part_, whole in (
            ("stopped", "unwanted_judged"),
            ("marginal", "unwanted_judged"),
            ("hurt", "wanted_judged"),
            ("no_evidence", "accepted"),
        ):
            cell = f"{one[part_]['attempts']:,}/{one[whole]['attempts']:,}"
            for name in ("terminal", "html", "mail html") if one["rank"] < 3 else ("terminal", "html"):
                assert cell in texts[name], (name, part_, cell)
        unsure = f"{one['undecided']['attempts']:,}/{one['undecided_all']['attempts']:,}"
        assert unsure in texts["terminal"]
        assert unsure in texts["html"]


def test_the_limits_of_harm_are_those_of_the_interval(texts: Texts, data: dict[str, Any]) -> None:
    first, second, third = (one["harm_interval"] for one in data["restrictions"][:3])
    assert (first, second, third) == ([0.00005, 0.003], [0.0, 0.0118], [0.001, 0.0072])
    for name, text in texts.items():
        assert "95 % interval 0.005 to 0.3 %" in text
        assert "0 of 310 (at most 1.2 %)" in text
        assert ("95 % interval 0.1 to 0.72 %" in text) == (not name.startswith("mail"))


def test_the_accounts_are_the_same_and_add_up(texts: Texts, data: dict[str, Any]) -> None:
    lines, attempts, evidence = data["coverage"], data["attempts"], data["evidence"]
    assert lines["lines"] == lines["events"] + lines["ignored"] + lines["unrecognised"]
    assert attempts["total"] == attempts["outside"] + attempts["authenticated"] + attempts["own_network"]
    assert attempts["outside"] == attempts["accepted"] + attempts["rejected"] + attempts["deferred"]
    assert attempts["accepted"] == evidence["wanted"] + evidence["unwanted"] + evidence["undecided"]
    wholes = [lines["lines"], attempts["total"], attempts["outside"], attempts["accepted"]]
    for name, text in texts.items():
        found = sums(text)
        assert [whole for whole, _ in found[:4]] == wholes, name
        for whole, parts in found:
            assert whole == sum(parts), (name, whole, parts)
    assert "1,284,310 lines = 1,271,902 events + 12,365 ignored + 43 unrecognised" in texts["terminal"]


def test_the_parts_of_greylisting_and_of_spf_add_up(texts: Texts, data: dict[str, Any]) -> None:
    triplets = data["greylisting"]["triplets"]
    for name in ("terminal", "html"):
        wholes = [whole for whole, _ in sums(texts[name])]
        assert {triplets, sum(data["spf"].values()), sum(data["dmarc"].values())} <= set(wholes), name
        for words in ("median 5.7 min", "90 % within 11.1 hours", "longest 11.1 hours", "zen.spamhaus.org"):
            assert words in texts[name]


def test_a_mail_has_no_number_that_the_report_has_not(texts: Texts) -> None:
    assert numbers(texts["mail text"]) - numbers(texts["terminal"]) == set()
    assert numbers(texts["mail html"]) - numbers(texts["html"]) == set()
    assert len(numbers(texts["mail text"])) > 40  # or the comparison would be empty


def test_all_is_said_of_an_empty_log(empty_advice: Advice, now: datetime) -> None:
    for format_ in FORMATS:
        assert render(empty_advice, format_, now=now)
    text = str(render(empty_advice, "terminal", now=now))
    assert "0 lines = 0 events + 0 ignored + 0 unrecognised" in text
    assert "no mail from outside in this log" in text
    assert text.splitlines()[-1].strip().startswith("advisor report")


# "hurts 0", "0 of 1,391", "0/12": whatever a reader would take for "it does no harm" or "it is of no use".
ZERO = re.compile(r"(?<![\d,.])0(?:/| of )\d|(?:hurts|stops|adds) 0(?!\d)|harmless")


def test_no_evidence_is_never_shown_as_zero(unknown_advice: Advice, now: datetime) -> None:
    mail = render(unknown_advice, "mail", now=now)
    assert isinstance(mail, bytes)
    cards: dict[str, str] = {
        "terminal": flat(str(render(unknown_advice, "terminal", now=now)).partition("CHANGE")[2]),
        "terminal wide": flat(str(render(unknown_advice, "terminal", now=now, width=160)).partition("CHANGE")[2]),
        "html": of_page(str(render(unknown_advice, "html", now=now)), alts=True).partition("in this order")[2],
        "mail text": flat(part(mail, "plain").partition("CHANGE")[2]),
        "mail html": of_page(part(mail, "html"), alts=True).partition("in this order")[2],
    }
    for name, text in cards.items():
        text_of_changes = text.partition("NOT UNDERSTOOD")[0].partition("Not understood:")[0]
        assert not ZERO.search(text_of_changes), (name, ZERO.search(text_of_changes))
        assert text.count("no evidence") >= 6, name


def test_a_zero_that_was_measured_is_shown_with_its_limit(rich_advice: Advice, now: datetime) -> None:
    text = flat(str(render(rich_advice, "terminal", now=now)))
    assert "hurts 0 of 310 (at most 1.2 %) wanted attempts; the limit counts clients, 0 of 120" in text


@pytest.mark.parametrize("format_", FORMATS)
def test_the_same_advice_gives_the_same_bytes(any_advice: Advice, now: datetime, format_: str) -> None:
    assert render(any_advice, format_, now=now) == render(any_advice, format_, now=now)


def test_an_unknown_format_is_refused(rich_advice: Advice, now: datetime) -> None:
    with pytest.raises(AdvisorError, match=r"--format: unknown format 'pdf'; one of terminal, html, mail, json"):
        render(rich_advice, "pdf", now=now)
    with pytest.raises(AdvisorError, match="--only"):
        render(rich_advice, "terminal", now=now, only="all")


@pytest.mark.parametrize("format_", ["terminal", "html", "json"])
def test_only_the_advice(rich_advice: Advice, now: datetime, format_: str) -> None:
    read: Callable[[str], str] = of_page if format_ == "html" else str
    text = read(str(render(rich_advice, format_, now=now, only="advice")))
    for words in ("postconf -X smtpd_client_restrictions", "warn_if_reject", "reject_unknown_sender_domain"):
        assert words in text
    assert "softfail" not in text
    assert len(text) < len(read(str(render(rich_advice, format_, now=now))))
