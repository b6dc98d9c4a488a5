"""The board: what it adds up is what the simulation says, for every set; and the page's script adds up the same."""

import json
import shlex
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.board import Board, Combination, count, fate
from advisor.fold import come_to
from advisor.postconf import from_text
from advisor.question import Question
from advisor.recommendation import Advice
from advisor.reports import render
from advisor.reports.choice import choice
from advisor.restriction import ask
from advisor.restrictions import CATALOGUE
from advisor.switch import lines
from tests.conftest import MONTH, ROOT
from tests.reports.browser import Browser, look

MAIN_CF = ROOT / "sample_logs" / "main.cf"
WORDS = {"R": "reject", "D": "defer", "F": "defer_if_permit", "-": "dunno", "?": None}


@pytest.fixture(scope="module")
def question() -> Question:
    return Question([MONTH], config=MAIN_CF)


@pytest.fixture(scope="module")
def advice(question: Question) -> Advice:
    return question.advise()


@pytest.fixture(scope="module")
def month(advice: Advice) -> Board:
    assert advice.board is not None
    return advice.board


@pytest.fixture(scope="module")
def page(advice: Advice, question: Question, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("page") / "report.html"
    file.write_text(str(render(advice, "html", now=question.now)))
    return file


@given(st.text("RDF-?", min_size=1, max_size=6), st.sets(st.integers(0, 5)))
def test_a_fate_is_what_the_fold_says(letters: str, chosen: set[int]) -> None:
    picked = sorted(number for number in chosen if number < len(letters))
    # It answers whatever a look-up can come to.
    asked = [ask(CATALOGUE["reject_unknown_sender_domain"], {"unknown_address_reject_code": "550"})] * len(picked)
    folded = come_to(asked, tuple(WORDS[letters[number]] for number in picked))

    turned, _, code = fate(Combination(letters, "." * len(letters)), picked)

    assert {"t": True, "p": False, "?": None}[turned] is folded.turned
    if code != "?":
        assert folded.answer == {"5": "reject", "4": "defer"}[code]


@pytest.mark.parametrize("chosen", [(0,), (1, 2), (0, 2, 4), (3, 5, 6), tuple(range(7))])
def test_it_adds_up_to_what_simulate_says(question: Question, month: Board, chosen: tuple[int, ...]) -> None:
    from advisor.outcome import outcome

    spelled = ", ".join(month.knobs[number].name for number in chosen)
    wanted = outcome(question.simulate(spelled))["turned_away"]["accepted"]

    found = count(month, chosen)

    assert found.stopped + found.hurt + found.undecided == wanted["yes"]
    assert (found.passed, found.no_evidence) == (wanted["no"], wanted["no_evidence"])


def test_fifty_random_sets_add_up_to_what_simulate_says(question: Question, month: Board) -> None:
    """As above; that the page counts as `count` does is shown for all sets below."""
    draw = Random(6)
    for _ in range(50):
        chosen = [number for number in range(len(month.knobs)) if draw.random() < 0.5]
        if chosen:
            test_it_adds_up_to_what_simulate_says(question, month, tuple(chosen))


def test_the_advice_and_the_board_say_the_same(advice: Advice, month: Board) -> None:
    for number, knob in enumerate(month.knobs):
        advised = next(each for each in advice.recommendations if each.name == knob.name)
        found = count(month, [number])
        assert (found.stopped, found.stopped_clients) == (advised.stopped.attempts, advised.stopped.clients)
        assert (found.hurt, found.hurt_clients) == (advised.hurt.attempts, advised.hurt.clients)
        assert (found.undecided, found.undecided_clients) == (advised.undecided.attempts, advised.undecided.clients)


@pytest.mark.integration
def test_the_page_adds_up_the_same(page: Path, month: Board, tmp_path: Path) -> None:
    sets = [
        [number for number in range(len(month.knobs)) if bits >> number & 1] for bits in range(1 << len(month.knobs))
    ]

    seen = look(page, tmp_path / "profile", expression=f"{json.dumps(sets)}.map((each) => count(each).sums)")

    assert seen.console == []
    assert len(sets) == 128
    for chosen, found in zip(sets, seen.value, strict=True):
        assert found == asdict(count(month, chosen)), chosen


@pytest.mark.integration
def test_what_is_ticked_is_shown(page: Path, month: Board, tmp_path: Path) -> None:
    script = """boxes.forEach((box) => { box.checked = false; }); boxes[1].click(); boxes[2].click();
        ["stopped", "hurt_clients", "lines"].map((id) => document.getElementById(`board-${id}`).textContent)"""

    stopped, hurt, typed_lines = look(page, tmp_path / "profile", expression=script).value

    wanted = count(month, [1, 2])
    assert (stopped, hurt) == (f"{wanted.stopped:,}", f"{wanted.hurt_clients:,}")
    typed = from_text(typed_lines, "the page")
    assert [str(entry) for entry in typed.entries("smtpd_client_restrictions")] == [
        "permit_mynetworks",
        "permit_sasl_authenticated",
        month.knobs[1].name,
        month.knobs[2].name,
    ]


@pytest.mark.integration
def test_it_is_worked_without_a_mouse(page: Path, month: Board, tmp_path: Path) -> None:
    with Browser(tmp_path / "profile") as browser:
        tab = browser.open(page)
        presses = 0
        while tab.ask("document.activeElement !== boxes[0]") and presses < 200:  # from the top of the page
            tab.press("Tab")
            presses += 1
        assert tab.ask("document.activeElement === boxes[0]")
        assert tab.ask("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        before = tab.ask("picked()")
        tab.press(" ")
        assert tab.ask("picked()") == sorted({0} ^ set(before))
        assert tab.ask("document.getElementById('board-stopped').textContent") == f"{_stopped(month, {0} ^ {*before})}"
        for number in range(1, len(month.knobs)):
            tab.press("Tab")
            assert tab.ask(f"document.activeElement === boxes[{number}]")
        tab.press("Tab", shift=True)
        assert tab.ask(f"document.activeElement === boxes[{len(month.knobs) - 2}]")
        tab.ask("document.querySelector('#board-sets button').focus()")
        assert tab.ask("document.activeElement.textContent") == "As now"
        tab.press("Enter")
        assert tab.ask("picked()") == [n for n, knob in enumerate(month.knobs) if knob.state == "enforced"]
        tab.press("Tab")
        tab.press(" ")
        assert tab.ask("picked()") == [n for n, knob in enumerate(month.knobs) if knob.chosen]
        assert tab.close().console == []


def _stopped(board: Board, chosen: set[int]) -> str:
    return f"{count(board, chosen).stopped:,}"


@pytest.mark.integration
def test_without_a_script_it_says_the_same(page: Path, month: Board, tmp_path: Path) -> None:
    ids = [f"board-{name}" for name in asdict(count(month, []))]
    written = page.read_text()
    shown = look(
        page,
        tmp_path / "profile",
        expression=f"""[document.getElementById('board-said').textContent,
            rows.map((cells) => cells.map((cell) => cell.textContent)),
            {json.dumps(ids)}.map((id) => document.getElementById(id).textContent)]""",
    ).value

    opened = choice(month)

    assert shown == [opened.sentence, [list(cells) for cells in opened.cells], list(opened.sums.values())]
    for words in (opened.sentence, *(f'id="{one}">{value}<' for one, value in zip(ids, shown[2], strict=True))):
        assert words in written
    for cells in opened.cells:
        assert all(f">{words}</td>" in written for words in cells)


@pytest.mark.integration
def test_a_set_has_an_address_and_a_command(page: Path, month: Board, tmp_path: Path) -> None:
    with Browser(tmp_path / "profile") as browser:
        tab = browser.open(page)
        tab.ask("set((_, at) => at === 1 || at === 4)")
        address = tab.ask("location.hash")
        command = tab.ask("document.getElementById('board-command').textContent")
        tab.ask("set(() => false)")
        tab.ask(f"new Promise((done) => {{ onhashchange = () => done(); location.hash = '{address}'; }})")
        assert tab.ask("picked()") == [1, 4]
        said = tab.ask("document.getElementById('board-said').textContent")
        assert tab.close().console == []

    assert address == "#on=1,4"
    assert shlex.split(command) == ["advisor", "simulate", f"{month.knobs[1].name}, {month.knobs[4].name}"]
    wanted = count(month, [1, 4])
    assert f"{wanted.stopped:,} unwanted ({wanted.stopped_clients:,} clients)" in said
    assert f"{wanted.hurt:,} wanted ({wanted.hurt_clients:,} client" in said
    assert f"it lets {wanted.passed:,} pass" in said


@pytest.mark.integration
def test_what_each_adds_is_the_difference_of_two_sets(page: Path, month: Board, tmp_path: Path) -> None:
    chosen = {1, 4, 6}

    shown = look(
        page,
        tmp_path / "profile",
        expression="set((_, at) => [1, 4, 6].includes(at)); rows.map((cells) => cells.map((cell) => cell.textContent))",
    ).value

    for number, (stops, only, hurts, spared, unknown) in enumerate(shown):
        alone, along, without = (count(month, each) for each in ({number}, chosen | {number}, chosen - {number}))
        assert unknown == f"{alone.no_evidence:,}"
        for words, value, of in (
            (stops, alone.stopped, "u"),
            (hurts, alone.hurt, "w"),
            (only, along.stopped - without.stopped, "u"),
            (spared, along.hurt - without.hurt, "w"),
        ):
            judged = any(each.letters[number] != "?" and each.ways[number] == of for each in month.combinations)
            assert words.removeprefix("≥ ") == (f"{value:,}" if judged or value else "no evidence")


def test_no_named_client_is_lost_in_a_small_log(month: Board) -> None:
    turned: dict[str, Any] = {each.address: each for each in month.clients}
    assert count(month, range(7)).hurt_clients + count(month, range(7)).stopped_clients <= len(turned)


def test_entries_keep_their_places_whatever_is_chosen() -> None:
    config = from_text("smtpd_client_restrictions = permit_mynetworks, reject_rbl_client zen.test, permit\n", "main.cf")
    knobs = [
        ("smtpd_client_restrictions", "reject_rbl_client zen.test"),
        ("smtpd_client_restrictions", "reject_unknown_client_hostname"),
        ("smtpd_helo_required", "smtpd_helo_required"),
    ]

    found = [(each.text, each.knob) for each in lines(config, knobs)]

    assert found == [
        ("= yes", 2),
        ("permit_mynetworks", None),
        ("permit_sasl_authenticated", None),
        ("reject_rbl_client zen.test", 0),
        ("reject_unknown_client_hostname", 1),
        ("permit", None),
    ]
