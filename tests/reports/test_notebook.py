"""What a notebook shows of a simulation and of advice: the numbers of the other reports, and nothing that executes."""

import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from advisor.outcome import outcome, sentences
from advisor.question import Question
from advisor.recommendation import Advice
from advisor.reports import card
from advisor.simulation import Simulation, simulate
from tests.conftest import MONTH
from tests.reports.browser import look
from tests.reports.conftest import NASTY

TAGS = {"div", "table", "caption", "thead", "tbody", "tr", "th", "td", "p", "strong", "code", "br", "pre", "ul", "li"}
TAGS |= {"details", "summary", "span"}
ATTRIBUTES = {"style", "class", "title", "aria-hidden"}


class Tags(HTMLParser):
    """The elements and attributes of a piece of HTML, and whether all are closed in their order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def shown(answer: Advice | Simulation) -> str:
    """The HTML of it as Jupyter asks for it, once it is found to be whole and plain."""
    html = answer._repr_html_()
    tags = Tags(html)
    assert not tags.open
    assert tags.seen <= TAGS
    assert tags.attributes <= ATTRIBUTES
    return html


def words(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


@pytest.fixture(scope="module")
def month() -> pa.Table:
    return Question((MONTH,)).attempts


def test_a_simulation_shows_the_numbers_that_are_counted(month: pa.Table) -> None:
    found = simulate("permit_mynetworks, warn_if_reject reject_unknown_client_hostname, reject_unlisted_sender", month)
    html, counted = shown(found), outcome(found)

    said = words(html)
    assert [line for line in sentences(counted) if line and " ".join(line.split()) not in said] == []
    deferred, whole = (counted["list"][1]["answers"]["accepted"][word] for word in ("defer", "dunno"))
    assert f"warn_if_reject reject_unknown_client_hostname 0 {deferred} 0 {whole} 0 " in said
    # What nobody knows is a column of its own.
    assert f"reject_unlisted_sender 0 0 0 0 {deferred + whole:,} " in said


def test_a_simulation_of_no_attempts_is_shown(month: pa.Table) -> None:
    assert "The list turns away 0 of 0" in words(shown(simulate("reject_unknown_client_hostname", month.slice(0, 0))))


def test_advice_shows_every_verdict_and_what_to_type(rich_advice: Advice) -> None:
    said = words(shown(rich_advice))

    for one in rich_advice.recommendations:
        assert f"{one.spelled} {' '.join(card.cells(one))}" in said, one.name
    assert [
        line for one in card.ranked(rich_advice) for line in one.lines_to_type if " ".join(line.split()) not in said
    ] == []
    assert all(" ".join(text.split()) in said for text in rich_advice.cannot_show)
    assert "FIX A blocklist's error answer" in said


def test_advice_on_nothing_is_shown(empty_advice: Advice, unknown_advice: Advice) -> None:
    assert "Nothing to change now" in words(shown(empty_advice))
    assert "no evidence no evidence no evidence no evidence 555/555" in words(shown(unknown_advice))


def test_hostile_text_is_text(hostile_advice: Advice, month: pa.Table) -> None:
    found = replace(simulate("reject_unknown_client_hostname", month.slice(0, 9)), notes=(NASTY,))
    for html in (shown(hostile_advice), shown(found)):
        assert "&lt;script&gt;alert(1)" in html
        assert not re.search(r"[\x00-\x09\x0b-\x1f\u202e]", html)


@pytest.mark.integration
def test_nothing_of_it_executes_in_a_browser(hostile_advice: Advice, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(f"<!doctype html><meta charset=utf-8><title>x</title>{hostile_advice._repr_html_()}")

    seen = look(page, tmp_path, expression="[...document.querySelectorAll('script,img,iframe')].length")

    assert (seen.console, seen.dialogs, seen.value) == ([], [], 0)
    assert seen.requests == [page.as_uri()[:80]]


def test_what_python_prints_of_it_is_short(rich_advice: Advice, month: pa.Table) -> None:
    assert repr(simulate("reject_unknown_client_hostname", month)) == "Simulation of 1: reject_unknown_client_hostname"
    assert len(repr(rich_advice)) < 500
