"""A repetition: what is advised this week is held against what the log of the week before would have advised."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from advisor.question import Question
from advisor.recommendation import Advice
from advisor.repetition import marked
from tests.conftest import MONTH, ROOT

CONFIG = ROOT / "sample_logs" / "main.cf"


@pytest.fixture(scope="module")
def question() -> Question:
    return Question(
        (MONTH,), since="2026-10-25", until="2026-11-01", config=CONFIG, zone=UTC, now=datetime(2026, 11, 1, tzinfo=UTC)
    )


@pytest.fixture(scope="module")
def advice(question: Question) -> Advice:
    return question.advise()


def test_what_a_question_up_to_then_says_stood(question: Question, advice: Advice) -> None:
    """A second question, asked from the start, knows the same as the one that takes over what was read."""
    assert advice.contrast is not None
    start, end = advice.contrast.start, advice.contrast.end
    before = Question(
        (MONTH,), since=start.isoformat(), until=end.isoformat(), config=CONFIG, zone=UTC, now=question.now
    ).advise()
    known = {(one.recommendation, one.spelled) for one in before.recommendations if one.rank is not None}

    found = marked(question, advice)

    assert known
    for one in found.recommendations:
        stood = one.rank is not None and (one.recommendation, one.spelled) in known
        assert one.stood == (end if stood else None)
    assert replace(found, recommendations=advice.recommendations) == advice


def test_it_reads_no_log_again(question: Question, advice: Advice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("advisor.question.parse_files", None)
    assert any(one.stood for one in marked(question, advice).recommendations)


def test_what_is_advised_otherwise_is_new(question: Question, advice: Advice) -> None:
    changed = replace(
        advice, recommendations=tuple(replace(one, recommendation="relax") for one in advice.recommendations)
    )
    assert not any(one.stood for one in marked(question, changed).recommendations)


def test_where_nothing_is_known_of_the_time_before_nothing_stood() -> None:
    question = Question((MONTH,), config=CONFIG, zone=UTC, now=datetime(2026, 11, 1, tzinfo=UTC))
    advice = question.advise()
    assert advice.contrast is None
    assert marked(question, advice) is advice
