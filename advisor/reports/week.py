"""A week in words: what the next will bring under which terms, what to do in each, and how the last one compares.

alone, allowed     the harm of a change by itself, and with the hosts allowed first that were known
terms, plan        how much harm is allowed; what to do in which week
compared           the counts of this period beside those of the time before
"""

from itertools import groupby

from advisor.recommendation import Advice, Contrast, Estimate, Recommendation, Step
from advisor.reports.visible import cut
from advisor.reports.wording import NO_EVIDENCE, count, duration, percent, ratio, several, share

STEPS = {
    "relax": "let its hosts through, or soften it",
    "log": "log what it would look at",
    "warn": "try with warn_if_reject",
    "allow": "allow the hosts of",
    "enforce": "enforce",
}
"""The steps of a plan in words, in their order within a week."""


def alone(one: Recommendation, advice: Advice) -> str:
    """The harm of a change by itself; '' where none was estimated."""
    return _harm(one.before, advice) if one.before else ""


def allowed(one: Recommendation, advice: Advice) -> str:
    """The harm with the hosts allowed first that were known before each week; '' where none was estimated."""
    return _harm(one.after, advice) if one.after else ""


def _harm(found: Estimate, advice: Advice) -> str:
    """Clients with their interval, messages, the next week, and the undecided clients that make it uncertain."""
    if found.interval is None:
        return f"{NO_EVIDENCE}: no wanted client could be judged"
    parts = [f"{share(found.hurt, found.wanted, 'wanted clients')}, {_interval(found.interval, advice)}"]
    if found.messages[1]:
        parts.append(f"{ratio(*found.messages)} messages")
    if found.next_week is not None:
        parts.append(f"next week {_between(found.next_week)} of them")
    if found.doubtful_turned:
        parts.append(
            f"{several(found.doubtful_turned, 'undecided client')} beside them, as if wanted in the upper ends"
        )
    return "; ".join(parts)


def _interval(ends: tuple[float, float], advice: Advice) -> str:
    return f"{_round(advice.terms.confidence)} interval {_between(ends)}"


def _between(ends: tuple[float, float]) -> str:
    return f"{percent(ends[0]).removesuffix(' %')} to {percent(ends[1])}"


def _round(fraction: float) -> str:
    """A share that somebody typed: 95 %, 0.5 %."""
    return f"{100 * fraction:.6g} %"


def terms(advice: Advice) -> str:
    """Under which terms it was decided."""
    return (
        f"All changes together may turn away {_round(advice.terms.max_harm)} of a week's wanted clients at most, "
        f"{_round(advice.terms.confidence)} sure; nothing is enforced that could judge fewer than "
        f"{count(advice.terms.decided)} of them."
    )


def plan(advice: Advice, last: int | None = None) -> list[tuple[str, str]]:
    """What to do in which week, up to week `last`; of the later ones how many changes they begin."""
    shown = [step for step in advice.plan if last is None or step.week <= last]
    left = [step for step in advice.plan if last is not None and step.week > last]
    found = [(f"week {week}", _steps(list(steps))) for week, steps in groupby(shown, lambda step: step.week)]
    begun = {step.name for step in left} - {step.name for step in shown}
    if begun:
        first, end = min(step.week for step in left), max(step.week for step in left)
        when = f"week {first}" if first == end else f"weeks {first} to {end}"
        found.append((when, several(len(begun), "more change")))
    return found


def _steps(steps: list[Step]) -> str:
    names = {kind: [cut(step.name) for step in steps if step.step == kind] for kind in STEPS}
    words = [f"{STEPS[kind]} {', '.join(found)}" for kind, found in names.items() if found and kind != "enforce"]
    if names["enforce"] and names["enforce"] == names["allow"]:
        return "; ".join([*words, "then enforce " + ("it" if len(names["enforce"]) == 1 else "them")])
    return "; ".join([*words, *([f"enforce {', '.join(names['enforce'])}"] if names["enforce"] else [])])


def compared(found: Contrast) -> list[tuple[str, str, str]]:
    """A table of the counts of this period and of the time before, its head first."""
    long = duration((found.end - found.start).total_seconds())
    rows = [(cut(name), count(now), count(before)) for name, now, before in found.counts]
    return [("", f"these {long}", "as long before"), *rows]
