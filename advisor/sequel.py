"""A sequel: what was foreseen of a restriction by the time before it was switched on, and what was then logged."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, tzinfo
from math import ceil, floor
from typing import Any

from advisor.interval import beside
from advisor.recommendation import Host

_NAMED = 5
"""So many hosts at fault are named in a sentence."""


@dataclass(frozen=True)
class Held:
    """A count held against what the time before let expect: `before` it, `foreseen` from and to after it, and `seen`.

    Counted are clients, each once in each 24 hours: a 450 brings one back many times a day.
    """

    before: int
    foreseen: tuple[int, int]
    seen: int

    @property
    def agrees(self) -> bool:
        """Whether as many were seen as foreseen."""
        return self.foreseen[0] <= self.seen <= self.foreseen[1]


@dataclass(frozen=True)
class FirstWeek:
    """The wanted clients turned away in the first seven days, and the shares that the decision foresaw for a week.

    `alone` is without an allowlist, `allowed` with the hosts allowed that were known; which of them was, no log shows.
    """

    hurt: int
    wanted: int
    alone: tuple[float, float]
    allowed: tuple[float, float]

    @property
    def wide(self) -> bool:
        """Whether nearly any share was foreseen."""
        return max(self.alone[1], self.allowed[1]) - min(self.alone[0], self.allowed[0]) > 0.5

    @property
    def agrees(self) -> bool:
        """Whether the share lies between the least and the most that was foreseen."""
        share = self.hurt / self.wanted if self.wanted else 0.0
        return min(self.alone[0], self.allowed[0]) <= share <= max(self.alone[1], self.allowed[1])


@dataclass(frozen=True)
class Complaints:
    """What a log shows of people who miss their mail, of refused clients that nothing calls unwanted.

    `retries` are deliveries (client, sender, recipient) that came back after they were refused, `came_in` those of them
    of which mail of that sender to that recipient was accepted later, from wherever. `bounces` are refused attempts
    with the null sender: reports on mail of our own users.
    """

    retries: int
    came_in: int
    bounces: int


@dataclass(frozen=True)
class Sequel:
    """A restriction that began to refuse within the log, at `since`, `days_before` after its first attempt.

    `turned` are all clients that it refuses, `stopped`, `hurt` and `undecided` those that are unwanted, wanted or
    neither by all that the whole log knows of them. Of what is refused nobody sees the contents, so a content filter
    accuses it no more, and unwanted clients may count as undecided after `since`. `elsewhere` are attempts after
    `since` that it would have refused and that another restriction refused first, `passed` those that were accepted all
    the same (an allowlist, a permit, or switched off again). `hosts` are refused since although they are wanted.
    `warned_before` says that warn_if_reject logged it before; None for a list, which a warning does not name.
    `first_week` is None where the log has no week after it. `recommendation` is relax or leave.
    """

    name: str
    since: datetime
    days_before: float
    days_after: float
    warned_before: bool | None
    turned: Held
    stopped: Held
    hurt: Held
    undecided: Held
    first_week: FirstWeek | None
    complaints: Complaints
    elsewhere: int
    passed: int
    hosts: tuple[Host, ...]
    recommendation: str

    @property
    def agrees(self) -> bool:
        """Whether it refuses as many clients as foreseen, and no more wanted ones."""
        return self.turned.agrees and self.hurt.agrees and (self.first_week is None or self.first_week.agrees)

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, for JSON; times with their offset."""
        found = asdict(self) | {"since": self.since.isoformat(), "agrees": self.agrees}
        for host in found["hosts"]:
            host |= {name: host[name].isoformat() for name in ("first_seen", "last_seen")}
        return found


def foreseen(before: int, days_before: float, days_after: float, spread: float = 1.0) -> tuple[int, int]:
    """How many will come in `days_after`, when so many came in `days_before` at the same rate.

    Given all of both times, those after are a binomial share of them; a number is foreseen where the exact 95 %
    interval of its share (Clopper and Pearson) holds the share of the days. `spread` is the variance over the mean of
    what comes: who comes on three days is not three, so the same is said of numbers that many times smaller.
    """
    before = round(before / spread)
    share = days_after / (days_before + days_after)

    ceiling = int((before + 10) * days_after / days_before * 4) + 50
    low = _first(ceiling, lambda number: beside(number, before + number, share) < 1)
    high = _first(ceiling, lambda number: beside(number, before + number, share) < 0) - 1
    return floor(low * spread), ceil(high * spread)


def _first(ceiling: int, holds: Callable[[int], bool]) -> int:
    """The first number of which this holds, as it does of all after it."""
    low, high = 0, ceiling
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def sentences(found: Sequel, zone: tzinfo) -> Iterator[str]:
    """What a report says of it; text from the log is as logged, so it goes through advisor.reports.visible."""
    before = ", having warned before" if found.warned_before else ""
    yield f"Since {found.since.astimezone(zone):%-d %b %Y %H:%M} {found.name} refuses{before}. {_judged(found)}"
    kinds = {"unwanted": found.stopped, "wanted": found.hurt, "undecided": found.undecided}
    parts = ", ".join(f"{held.seen:,} {kind} ({_range(held)})" for kind, held in kinds.items())
    yield (
        f"In {found.days_after:.1f} days it refused {found.turned.seen:,} clients, each counted once a day; by the "
        f"{found.days_before:.1f} days before, {_range(found.turned)} were foreseen: {parts}."
    )
    if found.undecided.seen > found.undecided.foreseen[1] and found.turned.agrees:
        yield "Of refused mail nobody sees the contents, so unwanted clients may count as undecided since."
    yield from _week(found.first_week)
    yield from _complaints(found.complaints)
    if found.elsewhere:
        yield f"Attempts that another restriction refused before it could: {found.elsewhere:,}."
    if found.passed:
        yield f"Attempts that came in although it refuses their like (allowed, or not asked): {found.passed:,}."
    if found.hosts:
        more = len(found.hosts) - _NAMED
        names = ", ".join(map(_named, found.hosts[:_NAMED])) + (f" and {more} more" if more > 0 else "")
        yield f"Relax it: it refuses mail that is wanted. Allow {names}."


def _range(held: Held) -> str:
    return f"{held.foreseen[0]:,} to {held.foreseen[1]:,}"


def _judged(found: Sequel) -> str:
    """Where the foresight was wrong. A kind of its own says less: of refused mail no filter tells what it is."""
    kinds = (("clients", found.turned), ("wanted clients", found.hurt))
    wrong = [f"{_than(held)} {kind}" for kind, held in kinds if not held.agrees]
    if not wrong and not found.agrees:
        wrong = ["another share of the wanted clients"]
    return f"It refuses {' and '.join(wrong)} than foreseen." if wrong else "It does as foreseen."


def _than(held: Held) -> str:
    return "more" if held.seen > held.foreseen[1] else "fewer"


def _week(found: FirstWeek | None) -> Iterator[str]:
    """Nothing where all was possible: the time before had too few wanted clients to tell."""
    if found is None or found.wide:
        return
    alone, allowed = (f"{100 * ends[0]:.1f} to {100 * ends[1]:.1f} %" for ends in (found.alone, found.allowed))
    yield (
        f"In its first week it turned away {found.hurt:,} of {found.wanted:,} wanted clients; foreseen were {alone}, "
        f"and {allowed} with those allowed that were known."
    )


def _complaints(found: Complaints) -> Iterator[str]:
    if found.retries:
        yield (
            f"Deliveries by clients that nothing calls unwanted that came back after they were refused: "
            f"{found.retries:,}; that came in later: {found.came_in:,}."
        )
    if found.bounces:
        yield f"Refused bounces, reports on mail that our own users sent: {found.bounces:,}."


def _named(host: Host) -> str:
    names = (host.client_name, host.reverse_client_name)
    name = next((f"{each}, " for each in names if each and each != "unknown"), "")
    return f"{host.client_address} ({name}refused {host.attempts:,} times)"
