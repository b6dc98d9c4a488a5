"""A decision: what each change would do to next week's mail, how sure that is, and what therefore to do about it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from advisor.interval import at_most, foreseen, widened
from advisor.recommendation import ENFORCE, LEAVE, RELAX, WARN, Estimate, Step, Terms
from advisor.restriction import Asked
from advisor.selection import Catch, select
from advisor.standing import Docket, Flags, Standing, bits

DAYS = 7
"""Days of log below which nothing is enforced: a week has a Monday and a Sunday."""
COVERED = 0.9
"""The share of the wanted clients that a restriction must have judged."""
WEEKS = 2
"""The last weeks that an allowlist of the time before is tried on, each by itself."""


Interval = tuple[float, float]


@dataclass(frozen=True)
class Decision:
    """What to do about one change. `before` is its harm alone, `after` with those allowed first that were known.

    `after` is measured, not assumed: for each of the last weeks an allowlist of what was known before it, held against
    the clients of that week. The verdict is about `after`. `wanted` are all wanted clients, whether or not it could
    judge them. `stopped` (unwanted), `hurt` (wanted) and `open` (undecided) are the clients that it turns away.
    """

    name: str
    verdict: str
    reasons: tuple[str, ...]
    before: Estimate
    after: Estimate
    wanted: int
    stopped: frozenset[str]
    hurt: frozenset[str]
    open: frozenset[str]


@dataclass(frozen=True)
class _Weighed:
    """One change with what it turns away, as a bit for each client, and for each client of each week."""

    asked: Asked
    before: Estimate
    after: Estimate
    wanted: int
    stopped: Flags
    hurt: Flags
    open: Flags
    weekly: tuple[Flags, ...]

    @property
    def turns(self) -> int:
        """How many clients it turns away."""
        return int(self.stopped.sum() + self.hurt.sum() + self.open.sum())


def decide(frame: pa.Table, asked: Sequence[Asked], terms: Terms) -> tuple[Decision, ...]:
    """Decide on all restrictions of a frame of advisor.simulation.answers, with `reasons` and `action`.

    Counted are attempts that were accepted, so what each change adds to what is on. First come those to enforce, in
    the order to do so: together they turn away no more wanted clients than `terms` allow. Then those to try, those
    that stop most first, then those to leave.
    """
    docket = Docket(frame)
    weighed = [_weigh(docket, one, number, terms) for number, one in enumerate(asked)]
    days = _days(frame)
    verdicts = [_verdict(one, days, terms) for one in weighed]
    may = {one.asked.column: one for one, (word, _) in zip(weighed, verdicts, strict=True) if word == ENFORCE}
    chosen = select(
        {name: Catch(bits([one.stopped]), bits(one.weekly)) for name, one in may.items()},
        _most(max((one.after.wanted for one in may.values()), default=0), terms),
    ).names
    found = []
    for one, (word, reasons) in zip(weighed, verdicts, strict=True):
        if word == ENFORCE and one.asked.column not in chosen:
            word, reasons = LEAVE, _beside(one, [may[name] for name in chosen], terms)  # noqa: PLW2901 - the last word
        found.append(_decision(docket, one, word, reasons))
    order = {ENFORCE: 0, WARN: 1, LEAVE: 2}
    places = {name: place for place, name in enumerate(chosen)}
    return tuple(
        sorted(
            found,
            key=lambda one: (order[one.verdict], places.get(one.name, 0), -len(one.stopped) / (1 + len(one.hurt))),
        )
    )


def _days(frame: pa.Table) -> float:
    """The days from the first attempt to the last."""
    found = pc.min_max(frame["time"]).as_py()
    return (found["max"] - found["min"]) / timedelta(days=1) if found["max"] is not None else 0.0


def _decision(docket: Docket, one: _Weighed, word: str, reasons: tuple[str, ...]) -> Decision:
    def named(clients: Flags) -> frozenset[str]:
        return frozenset(docket.addresses[number] for number in clients.nonzero()[0].tolist())

    sets = (named(clients) for clients in (one.stopped, one.hurt, one.open))
    return Decision(one.asked.column, word, reasons, one.before, one.after, one.wanted, *sets)


@dataclass(frozen=True)
class _Count:
    """Clients, a flag each: the wanted that could be judged, those turned away, and the same of the undecided."""

    wanted: Flags
    hurt: Flags
    doubtful: Flags
    doubtful_turned: Flags


def _weigh(docket: Docket, asked: Asked, number: int, terms: Terms) -> _Weighed:
    turned, judged = docket.answers(number)
    standing = Standing.on(docket, asked.restriction.name)
    whole = _count(docket, standing, turned, judged)
    before = _estimate([whole], _messages(docket, standing, turned, judged), terms)
    tried, messages = _tried(docket, asked, standing, (turned, judged))
    # The allowlist grows: what was hurt in the week before the last says less of the next, so only more harm is read
    # from it, never less.
    after, last = _estimate(tried, messages, terms), _estimate(tried[:1], messages, terms)
    after = replace(after, interval=_lower(after.interval, last.interval))
    # As many wanted clients as the last week had will come in the next one. Who comes often is in every week, so the
    # weeks are counted each by itself; `before` is shown of all clients.
    coming = int(tried[0].wanted.sum())
    ages = range(int(docket.age.max(initial=0)) + 1)
    alone = [_count(docket, standing, turned & (docket.age == age), judged & (docket.age == age)) for age in ages]
    weekly = _estimate(alone, (0, 0), terms)
    stopped = docket.clients(turned & (standing.row == -1)) & ~whole.hurt & ~whole.doubtful_turned
    return _Weighed(
        asked=asked,
        before=replace(before, next_week=_next_week(weekly, coming, terms)),
        after=replace(after, next_week=_lower(_next_week(after, coming, terms), _next_week(last, coming, terms))),
        wanted=int((docket.clients(standing.client[docket.client] == 1) if len(docket) else whole.wanted).sum()),
        stopped=stopped,
        hurt=whole.hurt,
        open=whole.doubtful_turned,
        weekly=tuple(week.hurt | week.doubtful_turned for week in tried),
    )


def _count(docket: Docket, standing: Standing, turned: Flags, judged: Flags) -> _Count:
    """Count clients by their rows; mail that something accuses of itself is no loss, whoever sent it."""
    wanted, doubtful = standing.client == 1, standing.client == 0
    away = docket.clients(turned & (standing.row != -1))
    seen = docket.clients(judged)
    return _Count(wanted & seen, wanted & away, doubtful & seen, doubtful & away)


def _tried(
    docket: Docket, asked: Asked, standing: Standing, answers: tuple[Flags, Flags]
) -> tuple[list[_Count], tuple[int, int]]:
    """Each of the last weeks with an allowlist of the time before; the last one first. And its messages."""
    turned, judged = answers
    weeks, messages = [], (0, 0)
    # A log of one week has no time before it; then nobody is allowed, and that is what is measured.
    for age in range(max(1, min(WEEKS, int(docket.age.max(initial=0))))):
        earlier, week = docket.age > age, docket.age == age
        known = Standing.by(docket, asked.restriction.name, earlier) == 1
        allowed = known & docket.clients(turned & earlier)
        still = turned & ~(allowed[docket.client] & (docket.client >= 0)) if len(allowed) else turned
        weeks.append(_count(docket, standing, still & week, judged & week))
        hurt, of = _messages(docket, standing, still & week, judged & week)
        messages = (messages[0] + hurt, messages[1] + of)
    return weeks, messages


def _messages(docket: Docket, standing: Standing, turned: Flags, judged: Flags) -> tuple[int, int]:
    """The wanted messages turned away, and those that could be judged."""
    wanted = judged & (standing.row == 1)
    hurt, of = np.unique(docket.message[wanted & turned]), np.unique(docket.message[wanted])
    return len(hurt), len(of)


def _estimate(counts: Sequence[_Count], messages: tuple[int, int], terms: Terms) -> Estimate:
    hurt, wanted, doubtful, turned = (
        sum(int(getattr(count, name).sum()) for count in counts)
        for name in ("hurt", "wanted", "doubtful", "doubtful_turned")
    )
    found = widened(hurt, wanted, turned, doubtful - turned, terms.confidence)
    worst = at_most(hurt + turned, wanted + turned, terms.confidence) if wanted else None
    return Estimate(hurt, wanted, turned, doubtful - turned, messages, found, at_most=worst)


def _lower(found: Interval | None, other: Interval | None) -> Interval | None:
    """An interval with the lower end of another, where that is lower."""
    return (min(found[0], other[0]), found[1]) if found and other else found


def _next_week(found: Estimate, coming: int, terms: Terms) -> tuple[float, float] | None:
    doubtful = (found.doubtful_turned, found.doubtful_passed)
    return foreseen(found.hurt, found.wanted, doubtful, coming, terms.confidence)


@lru_cache(maxsize=1_000)
def _most(of: int, terms: Terms) -> int:
    """How many of so many wanted clients may be hurt, and the rate is surely within the terms; -1: not even none."""
    hits = -1
    while at_most(hits + 1, of, terms.confidence) <= terms.max_harm:
        hits += 1
    return hits


def _verdict(one: _Weighed, days: float, terms: Terms) -> tuple[str, tuple[str, ...]]:
    """The word for a change by itself, and why, each reason a sentence with its denominator."""
    before, after = one.before, one.after
    if not one.before.wanted and not one.turns:
        return _untold(one)
    if not one.turns:
        return LEAVE, ("It would have turned away none of the clients that it could judge.",)
    said = _said(one, terms)
    allowed = f"At most {_percent(terms.max_harm)} are allowed."
    if after.interval and after.interval[0] > terms.max_harm:
        return LEAVE, (*said, allowed)
    if before.hurt > one.stopped.sum():
        return LEAVE, (f"It would have stopped {one.stopped.sum():,} unwanted clients, fewer than it hurts.", *said)
    doubts = _doubts(one, days, terms)
    unsure = doubts or after.at_most is None or after.at_most > terms.max_harm
    if unsure and before.interval and before.interval[0] > terms.max_harm:
        return LEAVE, (f"Alone it hurts more than {_percent(terms.max_harm)} for certain.", *said, *doubts)
    if doubts or after.at_most is None:
        return _trial(one), (*doubts, *_untried(one))
    if after.at_most > terms.max_harm:
        clients = f"{after.doubtful_turned:,} clients that it turns away are undecided"
        why = f" ({clients})" if after.doubtful_turned else ""
        return _trial(one), (
            f"It may hurt more than {_percent(terms.max_harm)}{why}.",
            *_untried(one),
            *said,
        )
    return ENFORCE, (*said, allowed)


def _trial(one: _Weighed) -> str:
    return WARN if one.asked.restriction.says else LEAVE


def _untried(one: _Weighed) -> tuple[str, ...]:
    return () if one.asked.restriction.says else ("It has no trial form, so gather more log first.",)


def _untold(one: _Weighed) -> tuple[str, tuple[str, ...]]:
    if not one.wanted and not one.before.doubtful_passed:
        return LEAVE, ("No mail from outside was accepted that it could judge.",)
    return _trial(one), ("The log does not show what it looks at.",)


def _said(one: _Weighed, terms: Terms) -> tuple[str, ...]:
    """What was counted."""
    before, after = one.before, one.after
    if not before.wanted:
        return ()
    alone = f"Alone it would have turned away {before.hurt:,} of {before.wanted:,} wanted clients."
    if after.at_most is None:
        return (alone,)
    return (
        f"{alone} With those allowed that were known before, {after.hurt:,} of the {after.wanted:,} of the last weeks: "
        f"at most {_percent(after.at_most)} of a week's ({_percent(terms.confidence)} sure).",
    )


def _doubts(one: _Weighed, days: float, terms: Terms) -> tuple[str, ...]:
    """Why it should not be enforced yet, whatever its numbers are."""
    doubts = []
    if days < DAYS:
        doubts.append(f"The log covers {days:.1f} days; {DAYS} are needed.")
    if one.before.wanted < terms.decided:
        doubts.append(f"It could judge {one.before.wanted:,} wanted clients; {terms.decided} are needed.")
    elif one.before.wanted < COVERED * one.wanted:
        doubts.append(f"It could judge {one.before.wanted:,} of {one.wanted:,} wanted clients.")
    return tuple(doubts)


def _beside(one: _Weighed, chosen: Sequence[_Weighed], terms: Terms) -> tuple[str, ...]:
    """Why a change that is harmless enough by itself is not among those to make."""
    taken = np.zeros_like(one.stopped)
    for other in chosen:
        taken |= other.stopped
    adds, of = int((one.stopped & ~taken).sum()), int(one.stopped.sum())
    names = ", ".join(other.asked.column for other in chosen)
    if not chosen:
        return (*_said(one, terms), f"It would have stopped {of:,} unwanted clients.")
    return (
        *_said(one, terms),
        f"Of the {of:,} unwanted clients that it would have stopped, {of - adds:,} are stopped by {names} already; for "
        f"the {adds:,} left the harm or the questions are too many.",
    )


def _percent(share: float) -> str:
    return f"{round(100 * share, 1):g} %"


def weeks(changes: Sequence[tuple[str, str, bool]], at_once: int = 3) -> tuple[Step, ...]:
    """The plan for all changes, `at_once` at a time, in their order: (name, verdict, whether it has a trial form).

    A week's log shows what a trial did, so each group takes two weeks: tried, then allowed and enforced. What is only
    to be tried is enforced by a later report, not by this plan; without a trial form it is only logged.
    """
    steps = [Step(1, name, "relax") for name, word, _ in changes if word == RELAX]
    ready = [each for each in changes if each[1] in (ENFORCE, WARN)]
    for at, (name, word, trial) in enumerate(ready):
        week = 1 + 2 * (at // at_once)
        steps.append(Step(week, name, "warn" if trial else "log"))
        if word == ENFORCE:
            steps += [Step(week + 1, name, "allow"), Step(week + 1, name, "enforce")]
    return tuple(sorted(steps, key=lambda step: step.week))
