"""A week in words: what to do in which and under which terms, what became of changes, and how the last one compares.

plan               what to do in which week
terms              how much harm is allowed
behind, compared   what became of changes and what is new; the counts of this period and of the time before
calm, stands       whether nobody need read it; which advice was read before
"""

from advisor.recommendation import Advice, Contrast, Recommendation
from advisor.reports import card
from advisor.reports.visible import cut
from advisor.reports.wording import count, duration, several, when

_WEEK = 7
"""Days."""


def plan(advice: Advice, last: int | None = None) -> list[tuple[str, str]]:
    """What to do in which week, up to week `last`; of the later ones how many changes they begin."""
    shown = tuple(step for step in advice.plan if last is None or step.week <= last)
    found = []
    for number, steps in card.weeks(shown):
        words, before = [], [""]
        for what, names in steps:
            of = ", ".join(cut(name) for name in names)
            words.append(f"then {what}" if names == before else f"{what}: {of}")
            before = names
        found.append((f"week {number}", "; ".join(words)))
    left = [step for step in advice.plan if step not in shown]
    begun = {step.name for step in left} - {step.name for step in shown}
    if begun:
        first, end = min(step.week for step in left), max(step.week for step in left)
        found.append(
            (f"week {first}" if first == end else f"weeks {first} to {end}", several(len(begun), "more change"))
        )
    return found


def terms(advice: Advice) -> str:
    """Under which terms it was decided, and what the intervals mean."""
    most, sure = (f"{100 * share:.6g} %" for share in (advice.terms.max_harm, advice.terms.confidence))
    return (
        f"All changes together may turn away {most} of a week's wanted clients at most, {sure} sure; nothing is "
        f"enforced that could judge fewer than {count(advice.terms.decided)} of them."
    )


def behind(advice: Advice) -> list[tuple[str, tuple[str, ...]]]:
    """What became of earlier changes, and what is new since the time before; each with its head, where there is any."""
    news = advice.contrast.news if advice.contrast else ()
    found = (("What became of changes", advice.sequels), ("New since the time before", news))
    return [(head, sentences) for head, sentences in found if sentences]


def compared(found: Contrast) -> list[tuple[str, str, str]]:
    """A table of the counts of this period and of the time before, its head first."""
    long = duration((found.end - found.start).total_seconds())
    rows = [(cut(name), count(now), count(before)) for name, now, before in found.counts]
    return [("", f"these {long}", "as long before"), *rows]


def calm(advice: Advice) -> bool:
    """Whether there is nothing to fix, nothing new to change and nothing new, so that nobody need read it.

    Changes that stood before are repeated where the period ends in the first week of a month: once in that month,
    whoever asks every week, without a note of what was sent when.
    """
    news = advice.sequels or (advice.contrast and advice.contrast.news)
    changes = card.ranked(advice)
    again = advice.end is not None and advice.end.day <= _WEEK
    due = [one for one in changes if one.stood is None or again]
    return not news and not due and not any(finding.severity == "fix" for finding in advice.findings)


def stands(advised: Recommendation, advice: Advice) -> str:
    """That a change is not new; nothing where it is, or nobody knows."""
    return f"the log up to {when(advised.stood, advice)} said so already" if advised.stood else ""
