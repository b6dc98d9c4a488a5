"""An interval: how far a counted share may be from the true one."""

from math import exp, lgamma, log, log1p

CONFIDENCE = 0.95


def _at_most(hits: int, of: int, share: float) -> float:
    """The probability of `hits` or fewer among `of` when the true share is `share`."""
    if share <= 0:
        return 1.0
    if share >= 1:
        return float(hits >= of)
    total = 0.0
    for number in range(hits + 1):
        ways = lgamma(of + 1) - lgamma(number + 1) - lgamma(of - number + 1)
        total += exp(ways + number * log(share) + (of - number) * log1p(-share))
    return min(total, 1.0)


def _share_where(hits: int, of: int, probability: float) -> float:
    """The true share at which `hits` or fewer have this probability; it falls as the share grows."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _at_most(hits, of, middle) > probability else (low, middle)
    return (low + high) / 2


def exact_binomial(hits: int, of: int) -> tuple[float, float] | None:
    """The 95 % interval of Clopper and Pearson (1934) for a share; None where nothing was counted.

    With no hit, or nothing but hits, all of the doubt lies on one side: 0 of 300 means at most 1.0 %.
    """
    if of == 0:
        return None
    doubt = 1 - CONFIDENCE
    side = doubt if hits in (0, of) else doubt / 2
    lower = 0.0 if hits == 0 else _share_where(hits - 1, of, 1 - side)
    upper = 1.0 if hits == of else _share_where(hits, of, side)
    return lower, upper
