"""The interval against published values and against its own definition."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.interval import _at_most, exact_binomial, foreseen, widened


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
    # Binomial(60, 1 %): none with probability 0.55, at most 3 with 0.997, at most 2 with 0.977 (R: pbinom)
    assert foreseen((0.01, 0.01), 60) == (0.0, 2 / 60)
    assert foreseen(None, 60) is None
    assert foreseen((0.0, 0.5), 0) is None
