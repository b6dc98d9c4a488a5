"""Plots draw into the Axes that they are given, give it back, and never draw what is not known as nothing."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.container import BarContainer
from matplotlib.figure import Figure

from advisor import plot
from advisor.outcome import outcome
from advisor.question import Question
from advisor.simulation import simulate
from tests.conftest import MONTH

LIST = "permit_mynetworks, reject_unknown_client_hostname, reject_unlisted_sender"


@pytest.fixture
def axes() -> Iterator[Axes]:
    figure = Figure(layout="constrained")
    yield figure.add_subplot()
    # Whatever was drawn can be written.
    figure.savefig(BytesIO(), format="png")


@pytest.fixture(scope="module")
def question() -> Question:
    return Question((MONTH,), zone=UTC)


def test_advice_is_drawn_into_the_axes_given(axes: Axes, question: Question) -> None:
    advice = question.advise()

    assert plot.days(axes, advice) is axes
    assert plot.changes(Figure().add_subplot(), advice).texts
    assert plot.changes(Figure().add_subplot(), advice.recommendations[:1]).texts


def test_the_bars_are_the_counts(axes: Axes, question: Question) -> None:
    simulation = simulate(LIST, question.attempts)

    assert plot.answers(axes, simulation) is axes

    bars = [found for found in axes.containers if isinstance(found, BarContainer)]
    drawn = {found.get_label(): [bar.get_width() for bar in found] for found in bars}
    accepted = [one["answers"]["accepted"] for one in outcome(simulation)["list"]]
    assert drawn["defer"][:3] == [counts["defer"] for counts in accepted]
    assert drawn["no evidence"][:3] == [counts["no_evidence"] for counts in accepted]
    assert drawn["defer"][1]
    assert drawn["no evidence"][2]
    assert all(bar.get_hatch() for found in bars if found.get_label() == "no evidence" for bar in found)
    assert [label.get_text() for label in axes.get_yticklabels()] == [*LIST.split(", "), "the list"]


def test_no_attempts_are_drawn(axes: Axes, question: Question) -> None:
    plot.answers(axes, simulate(LIST, question.attempts.slice(0, 0)))
    assert plot.visits(Figure().add_subplot(), question.attempts.slice(0, 0).to_pandas()) is not None


@pytest.mark.parametrize("arrow", [True, False])
def test_visits_stand_at_their_day_and_hour(axes: Axes, arrow: bool) -> None:
    times = pd.Series([datetime(2026, 10, 1, 23, 30, tzinfo=UTC), datetime(2026, 10, 3, 6, 15, tzinfo=UTC)])
    frame = pd.DataFrame({"time": times, "action": ["accept", "reject"]})
    frame = frame.convert_dtypes(dtype_backend="pyarrow") if arrow else frame

    assert plot.visits(axes, frame, timezone(timedelta(hours=2))) is axes

    places = [np.asarray(found.get_offsets()).tolist() for found in axes.collections]
    hours = [hour for found in places for _, hour in found]
    assert hours == [1.5, 8.25]
    assert [found.get_label() for found in axes.collections] == ["accept 1", "reject 1"]
    (first, _), (second, _) = places[0][0], places[1][0]
    assert second - first == 1


def test_a_name_is_no_formula(axes: Axes, question: Question) -> None:
    plot.answers(axes, simulate("check_client_access static:{$x_1$\\frac}", question.attempts.slice(0, 5)))
