"""A decision: what a change would do to next week's mail, how sure that is, and what therefore to do about it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import lru_cache
from typing import Any

import pyarrow as pa

from advisor.evidence import verdict
from advisor.interval import foreseen, widened
from advisor.recommendation import ENFORCE, LEAVE, WARN, Estimate, Step, Terms
from advisor.restriction import REFUSES

DECIDED = 300
"""Wanted clients that must have been judged before anything is enforced; none hurt of 300 still allows 1 %."""
DAYS = 2
"""Days on which a client must have come that is wanted by the content filter's passing it alone."""
WEEK = timedelta(days=7)
_PASSED = ("filter_clean", "content_clean")


@dataclass(frozen=True)
class Decision:
    """What to do about one change. `before` is its harm alone, `after` with those allowed first that were known.

    `after` is measured, not assumed: an allowlist made a week before the end of the log, and the clients of that
    week. The verdict is about `after`. `stopped` are unwanted clients, by number of the client.
    """

    verdict: str
    reasons: tuple[str, ...]
    before: Estimate
    after: Estimate
    stopped: frozenset[str]
    hurt: frozenset[str]


@dataclass
class _Client:
    """One client, as far as a restriction could judge its mail: verdicts, and the messages by what became of them."""

    ways: set[bool | None] = field(default_factory=set)
    turned: bool = False
    judged: set[Any] = field(default_factory=set)
    hurt: set[Any] = field(default_factory=set)
    days: set[Any] = field(default_factory=set)
    sure: bool = False

    @property
    def wanted(self) -> bool | None:
        """Whether it is wanted: by all that is known of its mail; a contradiction leaves it undecided.

        A filter misses some spam, and bots are many: that it passed the mail of one day alone calls no client wanted.
        """
        known = self.ways - {None}
        if known == {True} and not self.sure and len(self.days) < DAYS:
            return None
        return known.pop() if len(known) == 1 else None


def decide(frame: pa.Table, restriction: str, number: int, terms: Terms) -> Decision:
    """Decide on restriction `number` in a frame of advisor.simulation.answers, with `reasons` and `action`.

    Counted are attempts that were accepted, so what the change adds to what is on.
    """
    rows = _judged(frame, restriction, number)
    clients = _clients(rows)
    before = _estimate(clients, terms)
    last = max((row["time"] for row in rows if row["time"] is not None), default=None)
    recent: list[dict[str, Any]] = []
    known: list[dict[str, Any]] = []
    for row in rows:
        late = last is not None and row["time"] is not None and row["time"] > last - WEEK
        (recent if late else known).append(row)
    allowed = {address for address, seen in _clients(known).items() if seen.wanted and seen.turned}
    after = _estimate(_clients(recent), terms, allowed, clients)
    stopped = frozenset(address for address, seen in clients.items() if seen.turned and seen.wanted is False)
    hurt = frozenset(address for address, seen in clients.items() if seen.turned and seen.wanted is True)
    before = replace(before, next_week=foreseen(before.interval, after.wanted, terms.confidence))
    after = replace(after, next_week=foreseen(after.interval, after.wanted, terms.confidence))
    turned = sum(seen.turned for seen in clients.values())
    word, reasons = _verdict((before, after), len(stopped), turned, terms)
    return Decision(word, reasons, before, after, stopped, hurt)


def _judged(frame: pa.Table, restriction: str, number: int) -> list[dict[str, Any]]:
    """The accepted attempts that the restriction could judge, each with its verdict and whether it is turned away."""
    names = ["time", "message", "client_address", "reasons", "action", f"answer_{number}", f"basis_{number}"]
    found = []
    for row in frame.select(names).to_pylist():
        answer = row[f"answer_{number}"]
        turned = answer in REFUSES
        # What the same client showed another time may accuse; it is not enough to call a restriction harmless.
        judged = turned or (answer is not None and row[f"basis_{number}"] != "inferred")
        if row["action"] == "accept" and judged and row["client_address"] is not None:
            way = verdict(row["reasons"], restriction)
            sure = way is True and verdict(_without_filter(row["reasons"]), restriction) is True
            found.append(row | {"turned": turned, "way": way, "sure": sure})
    return found


@lru_cache(maxsize=100_000)
def _without_filter(reasons: str) -> str:
    left = [name for name in reasons.split(";") if name and name not in _PASSED]
    return f";{';'.join(left)};" if left else ""


def _clients(rows: Iterable[dict[str, Any]]) -> dict[str, _Client]:
    found: dict[str, _Client] = {}
    for row in rows:
        client = found.setdefault(row["client_address"], _Client())
        client.ways.add(row["way"])
        client.turned |= row["turned"]
        client.sure |= row["sure"]
        client.days.add(row["time"] and row["time"].date())
        if row["way"] is True:
            client.judged.add(row["message"])
            if row["turned"]:
                client.hurt.add(row["message"])
    return found


def _estimate(
    clients: dict[str, _Client],
    terms: Terms,
    allowed: Iterable[str] = (),
    whole: Mapping[str, _Client] | None = None,
) -> Estimate:
    """Count the clients; those that are `allowed` pass. Who is wanted is known from the `whole` log, where given."""
    free = set(allowed)
    hurt = wanted = turned = passed = 0
    messages = [0, 0]
    for address, client in clients.items():
        away = client.turned and address not in free
        way = (whole or clients)[address].wanted
        if way is None:
            turned, passed = turned + away, passed + (not away)
        elif way:
            hurt, wanted = hurt + away, wanted + 1
            messages[1] += len(client.judged)
            messages[0] += len(client.hurt) if away else 0
    found = widened(hurt, wanted, turned, passed, terms.confidence)
    return Estimate(hurt, wanted, turned, passed, (messages[0], messages[1]), found)


def _verdict(
    estimates: tuple[Estimate, Estimate], stopped: int, turned: int, terms: Terms
) -> tuple[str, tuple[str, ...]]:
    """The word, and why, each reason a sentence with its denominator."""
    before, after = estimates
    limit = f"{100 * terms.max_harm:g} %"
    if not turned:
        return LEAVE, ("It would have turned away none of the clients that it could judge.",)
    if after.interval is None or after.wanted < DECIDED:
        return WARN, (f"It could judge {after.wanted:,} wanted clients in the last week; {DECIDED} are needed.",)
    low, high = after.interval
    said = (
        f"Alone it would have turned away {before.hurt:,} of {before.wanted:,} wanted clients; with an allowlist made "
        f"a week before the end of the log, {after.hurt:,} of the {after.wanted:,} of that week, "
        f"so {100 * low:.1f} to {100 * high:.1f} % of a week's."
    )
    if low > terms.max_harm:
        return LEAVE, (said, f"At most {limit} are allowed.")
    if before.hurt > stopped:
        return LEAVE, (said, f"It would have stopped {stopped:,} unwanted clients, fewer than it hurts.")
    if high > terms.max_harm:
        open_ = (
            f" ({after.doubtful_turned:,} clients that it turns away are undecided)" if after.doubtful_turned else ""
        )
        return WARN, (said, f"That may be more than {limit}{open_}.")
    return ENFORCE, (said, f"At most {limit} are allowed.")


def weeks(changes: Sequence[tuple[str, str, bool]], at_once: int = 3) -> tuple[Step, ...]:
    """The plan for all changes, `at_once` at a time, in their order: (name, verdict, whether it has a trial form).

    A week's log shows what a trial did, so each group takes two weeks: tried, then allowed and enforced. What is only
    to be tried is enforced by a later report, not by this plan; without a trial form it is only logged.
    """
    steps = []
    ready = [each for each in changes if each[1] in (ENFORCE, WARN)]
    for at, (name, word, trial) in enumerate(ready):
        week = 1 + 2 * (at // at_once)
        steps.append(Step(week, name, "warn" if trial else "log"))
        if word == ENFORCE:
            steps += [Step(week + 1, name, "allow"), Step(week + 1, name, "enforce")]
    return tuple(sorted(steps, key=lambda step: step.week))
