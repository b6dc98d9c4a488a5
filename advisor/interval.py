"""An interval: how far a counted share may be from the true one."""

from bisect import bisect_left
from functools import lru_cache
from math import exp, lgamma, log, log1p

import numpy as np
import numpy.typing as npt

CONFIDENCE = 0.95


def _at_most(hits: int, of: int, share: float) -> float:
    """The probability of `hits` or fewer among `of` when the true share is `share`."""
    return _below(_choices(hits, of), of, share) if hits < of else 1.0


def _choices(hits: int, of: int) -> npt.NDArray[np.float64]:
    """The logarithms of in how many ways 0 to `hits` of `of` things can be chosen, one step from the other."""
    numbers = np.arange(hits, dtype=np.float64)
    return np.concatenate([[0.0], np.cumsum(np.log(of - numbers) - np.log(numbers + 1))])


def _below(choices: npt.NDArray[np.float64], of: int, share: float) -> float:
    if share <= 0 or share >= 1:
        return float(share <= 0)
    numbers = np.arange(len(choices))
    return min(float(np.exp(choices + numbers * log(share) + (of - numbers) * log1p(-share)).sum()), 1.0)


@lru_cache(maxsize=10_000)
def _share_where(hits: int, of: int, probability: float) -> float:
    """The true share at which `hits` or fewer have this probability; it falls as the share grows."""
    low, high = 0.0, 1.0
    choices = _choices(hits, of)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _below(choices, of, middle) > probability else (low, middle)
    return (low + high) / 2


def exact_binomial(hits: int, of: int, confidence: float = CONFIDENCE) -> tuple[float, float] | None:
    """The interval of Clopper and Pearson (1934) for a share; None where nothing was counted.

    With no hit, or nothing but hits, all of the doubt lies on one side: 0 of 300 means at most 1.0 % (95 %).
    """
    if of == 0:
        return None
    doubt = 1 - confidence
    side = doubt if hits in (0, of) else doubt / 2
    lower = 0.0 if hits == 0 else _share_where(hits - 1, of, 1 - side)
    upper = 1.0 if hits == of else _share_where(hits, of, side)
    return lower, upper


def beside(hits: int, of: int, share: float, confidence: float = CONFIDENCE) -> int:
    """Where a share lies beside the interval of exact_binomial: -1 below it, 1 above it, else 0; no ends are needed."""
    if of == 0:
        return 0
    doubt = 1 - confidence
    side = doubt if hits in (0, of) else doubt / 2
    if hits > 0 and 1 - _at_most(hits - 1, of, share) < side:
        return -1
    return int(hits < of and _at_most(hits, of, share) < side)


def at_most(hits: int, of: int, confidence: float = CONFIDENCE) -> float:
    """The share that the true one does not exceed, with this confidence: the upper end with all doubt on that side."""
    return 1.0 if hits >= of else _share_where(hits, of, 1 - confidence)


def widened(
    hits: int, of: int, doubtful_hits: int, doubtful_rest: int, confidence: float = CONFIDENCE
) -> tuple[float, float] | None:
    """The exact interval of `hits` among `of`, wide enough for whatever the doubtful cases turn out to be.

    `doubtful_hits` would be hits if they belonged to `of`, `doubtful_rest` would not. They are bias, no sampling error,
    so the worst is taken: only the former belong (upper end), or only the latter (lower end). All and none of them lie
    between. None where nothing decided was counted, since then nothing was measured.
    """
    if of == 0:
        return None
    least = exact_binomial(hits, of + doubtful_rest, confidence)
    most = exact_binomial(hits + doubtful_hits, of + doubtful_hits, confidence)
    if least is None or most is None:
        return None
    return least[0], most[1]


def foreseen(
    hits: int, of: int, doubtful: tuple[int, int], coming: int, confidence: float = CONFIDENCE
) -> tuple[float, float] | None:
    """Between which shares `coming` new cases will lie, given `hits` among `of` earlier ones of the same kind.

    The interval of Thatcher (1964, Relationships between Bayesian and confidence limits for predictions): given all
    hits of both times together, those of the earlier time are hypergeometric, whatever the rate is. A week has few
    clients, so what it shows differs from the rate. `doubtful` are as in `widened` (hits, rest), and the worst is
    taken in the same way. None where nothing was counted, or nothing comes.
    """
    if of == 0 or coming == 0:
        return None
    side = (1 - confidence) / 2
    turned, passed = doubtful
    most, base = hits + turned, of + turned
    # Both probabilities are monotone in the number: the more come, the less likely were so few before.
    high = bisect_left(range(coming + 1), 1, key=lambda new: _drawn(most, base, most + new, coming) <= side)
    low = bisect_left(
        range(coming + 1), 1, key=lambda new: _drawn(hits, of + passed, hits + new, coming, more=True) > side
    )
    return min(low, coming) / coming, max(high - 1, 0) / coming


def _drawn(hits: int, of: int, total: int, coming: int, *, more: bool = False) -> float:
    """The probability of so many hits or fewer (or `more`) among `of` drawn first, of `of + coming` with `total`."""
    whole = _ways(of + coming, total)
    first, last = max(0, total - coming), min(of, total)
    numbers = range(hits, last + 1) if more else range(first, hits + 1)
    return min(1.0, sum(exp(_ways(of, k) + _ways(coming, total - k) - whole) for k in numbers))


def _ways(of: int, number: int) -> float:
    """The logarithm of in how many ways a number of things can be chosen."""
    return lgamma(of + 1) - lgamma(number + 1) - lgamma(of - number + 1)
