"""A selection: the fewest of several blocklists, or of any changes, that together stop most for little harm."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

EXACT = 12
"""Up to so many candidates every set is tried (4,096); above, the best next one is taken until none is left."""
WORTH = 0.01
"""What the last member of a set must add at least, of what all could stop: every list costs a question."""


@dataclass(frozen=True)
class Catch:
    """What one candidate turns away: the unwanted and the wanted, each as a set of bits, one a client."""

    stopped: int
    hurt: int

    @classmethod
    def of(cls, stopped: Iterable[int], hurt: Iterable[int]) -> "Catch":
        """Make the bits of the numbers of clients."""
        return cls(_bits(stopped), _bits(hurt))


@dataclass(frozen=True)
class Selection:
    """A set of candidates in the order to take them, and how many clients it stops and hurts."""

    names: tuple[str, ...]
    stopped: int
    hurt: int


def select(candidates: Mapping[str, Catch], most_hurt: int) -> Selection:
    """The set that stops most and turns away at most `most_hurt` wanted clients, without members that add too little.

    Sets within WORTH of the best for each member that they save count as good; of those the smallest is taken, of
    equals the one that hurts least. Exact for EXACT candidates; for more it is greedy, and may miss the best set.
    """
    useful = {name: catch for name, catch in candidates.items() if catch.stopped}
    if not useful:
        return Selection((), 0, 0)
    chosen = _best(useful, most_hurt) if len(useful) <= EXACT else _greedy(useful, most_hurt)
    return _ordered(useful, chosen)


def _best(candidates: Mapping[str, Catch], most_hurt: int) -> tuple[str, ...]:
    names = sorted(candidates)
    price = max(1.0, WORTH * _together(candidates, names).stopped.bit_count())
    best: tuple[float, int, tuple[str, ...]] = (0.0, 0, ())
    for size in range(1, len(names) + 1):
        for chosen in combinations(names, size):
            found = _together(candidates, chosen)
            hurt = found.hurt.bit_count()
            if hurt <= most_hurt:
                best = min(best, (price * size - found.stopped.bit_count(), hurt, chosen))
    return best[2]


def _greedy(candidates: Mapping[str, Catch], most_hurt: int) -> tuple[str, ...]:
    price = max(1.0, WORTH * _together(candidates, candidates).stopped.bit_count())
    chosen: list[str] = []
    while True:
        have = _together(candidates, chosen)
        gains = []
        for name in sorted(candidates.keys() - set(chosen)):
            hurt = (have.hurt | candidates[name].hurt).bit_count()
            adds = (candidates[name].stopped & ~have.stopped).bit_count()
            if hurt <= most_hurt and adds > price:
                # Most stopped for each wanted client more; what hurts nobody comes first among equals.
                gains.append((-adds / (1 + hurt - have.hurt.bit_count()), name))
        if not gains:
            return tuple(chosen)
        chosen.append(min(gains)[1])


def _ordered(candidates: Mapping[str, Catch], chosen: Sequence[str]) -> Selection:
    """The members, each time the one that adds most for least harm; what is enforced first is marginal to nothing."""
    left, order = sorted(chosen), list[str]()
    while left:
        have = _together(candidates, order)
        best = max(
            left,
            key=lambda name: (
                (candidates[name].stopped & ~have.stopped).bit_count(),
                -(candidates[name].hurt & ~have.hurt).bit_count(),
            ),
        )
        left.remove(best)
        order.append(best)
    found = _together(candidates, order)
    return Selection(tuple(order), found.stopped.bit_count(), found.hurt.bit_count())


def _together(candidates: Mapping[str, Catch], names: Iterable[str]) -> Catch:
    stopped = hurt = 0
    for name in names:
        stopped |= candidates[name].stopped
        hurt |= candidates[name].hurt
    return Catch(stopped, hurt)


def _bits(numbers: Iterable[int]) -> int:
    found = 0
    for number in numbers:
        found |= 1 << number
    return found
