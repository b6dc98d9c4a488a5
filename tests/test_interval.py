"""The interval against published values and against its own definition."""

import random
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.interval import _at_most, beside, exact_binomial, foreseen, widened


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [
        # Clopper and Pearson's own kind of table (R: binom.test(5, 10)$conf.int and so on)
        (5, 10, 0.1871, 0.8129),
        (1, 20, 0.0013, 0.2487),
        (3, 100, 0.0062, 0.0852),
        # one-sided where all doubt lies on one side: the rule of three
        (0, 300, 0.0, 0.0099),
        (0, 10, 0.0, 0.2589),
        (10, 10, 0.7411, 1.0),
    ],
)
def test_known_values(hits: int, of: int, low: float, high: float) -> None:
    assert exact_binomial(hits, of) == pytest.approx((low, high), abs=1e-4)


def test_nothing_counted_says_nothing() -> None:
    assert exact_binomial(0, 0) is None


@given(st.integers(1, 2000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_the_share_lies_within(pair: tuple[int, int]) -> None:
    hits, of = pair
    found = exact_binomial(hits, of)

    assert found is not None
    low, high = found
    assert 0 <= low <= hits / of <= high <= 1
    if 0 < hits < of:
        assert _at_most(hits, of, high) == pytest.approx(0.025, abs=1e-6)
        assert 1 - _at_most(hits - 1, of, low) == pytest.approx(0.025, abs=1e-6)


_COUNTS = st.tuples(st.integers(0, 40), st.integers(0, 300), st.integers(0, 30), st.integers(0, 30))


@given(_COUNTS, st.data())
def test_whatever_the_doubtful_are_the_share_lies_within(
    counts: tuple[int, int, int, int], data: st.DataObject
) -> None:
    hits, rest, doubtful_hits, doubtful_rest = counts
    found = widened(hits, hits + rest, doubtful_hits, doubtful_rest)
    if hits + rest == 0:
        assert found is None
        return
    assert found is not None
    more, others = data.draw(st.integers(0, doubtful_hits)), data.draw(st.integers(0, doubtful_rest))
    exact = exact_binomial(hits + more, hits + rest + more + others)
    assert exact is not None
    # At the edges all doubt lies on one side, which moves the other end a little; the share itself never leaves.
    share = (hits + more) / (hits + rest + more + others)
    assert found[0] <= share <= found[1]
    if hits > 0 and rest:
        assert found[0] <= exact[0] + 1e-9
        assert exact[1] <= found[1] + 1e-9


def test_more_confidence_is_wider() -> None:
    narrow, wide = exact_binomial(3, 100, 0.9), exact_binomial(3, 100, 0.99)

    assert narrow is not None
    assert wide is not None
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_nobody_decided_is_nothing_measured() -> None:
    assert widened(0, 0, 5, 500) is None


def test_few_clients_show_less_or_more_than_the_rate() -> None:
    # 2 more of 60 after 1 of 300: of such 3 at most 1 is among the 300 with probability 0.073; of 4 with 0.016.
    assert (comb(300, 1) * comb(60, 2) + comb(60, 3)) / comb(360, 3) == pytest.approx(0.0733, abs=1e-4)
    assert foreseen(1, 300, (0, 0), 60) == (0.0, 2 / 60)
    assert foreseen(0, 300, (0, 0), 60) == (0.0, 2 / 60)
    assert foreseen(0, 0, (0, 0), 60) is None
    assert foreseen(0, 60, (0, 0), 0) is None


@given(_COUNTS, st.integers(1, 200))
def test_what_is_foreseen_holds_the_share_and_doubt_widens_it(counts: tuple[int, int, int, int], coming: int) -> None:
    hits, rest, doubtful_hits, doubtful_rest = counts
    sure = foreseen(hits, hits + rest, (0, 0), coming)
    wide = foreseen(hits, hits + rest, (doubtful_hits, doubtful_rest), coming)
    if not hits + rest:
        assert sure is wide is None
        return
    assert sure is not None
    assert wide is not None
    assert wide[0] <= sure[0] <= sure[1] <= wide[1]
    # as many cases as come, give or take one
    assert sure[0] - 1 / coming <= hits / (hits + rest) <= sure[1] + 1 / coming


def test_what_is_foreseen_comes_true() -> None:
    """Of 2,000 pairs of weeks at one rate, at most one in twenty falls outside."""
    dice = random.Random(1964)
    inside = 0
    for _ in range(2000):
        rate = dice.uniform(0.002, 0.05)
        past, week = (sum(dice.random() < rate for _ in range(of)) for of in (400, 120))
        found = foreseen(past, 400, (0, 0), 120)
        assert found is not None
        inside += found[0] <= week / 120 <= found[1]
    assert inside >= 1900


@given(st.integers(0, 60), st.integers(0, 60), st.floats(0.001, 0.999), st.sampled_from([0.5, 0.9, 0.95]))
def test_beside_is_what_the_ends_say(hits: int, more: int, share: float, confidence: float) -> None:
    found = exact_binomial(hits, hits + more, confidence)
    low, high = found or (0.0, 1.0)
    if min(abs(share - low), abs(share - high)) > 1e-9:
        assert beside(hits, hits + more, share, confidence) == (-1 if share < low else 1 if share > high else 0)
