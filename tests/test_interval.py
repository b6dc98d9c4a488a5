"""The interval against published values and against its own definition."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.interval import _at_most, exact_binomial


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
