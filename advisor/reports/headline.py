"""A headline: the verdict of a report in a few sentences, to be read first."""

from collections.abc import Iterator

from advisor.board import Count, count
from advisor.recommendation import ENFORCE, RELAX, WARN, Advice, Recommendation
from advisor.reports import card
from advisor.reports.wording import count as number
from advisor.reports.wording import covered, several


def headline(advice: Advice) -> tuple[str, ...]:
    """What is to fix, what is to change now, and what that would have done to the mail of this log."""
    if not covered(advice)["lines"]:
        return ("There is no line to read.",)
    if not advice.traffic.outside:
        return ("There is no mail from outside in this log.",)
    return (*_fixes(advice), *_changes(advice)) or (f"Nothing to change now: {card.nothing(advice)}.",)


def _fixes(advice: Advice) -> Iterator[str]:
    broken = sum(finding.severity == "fix" for finding in advice.findings)
    if broken:
        yield f"{several(broken, 'thing')} to fix first."


def _changes(advice: Advice) -> Iterator[str]:
    now = card.ranked(advice)
    of = {word: [one for one in now if one.recommendation == word] for word in (RELAX, ENFORCE, WARN)}
    if of[RELAX]:
        yield f"Relax {len(of[RELAX])}: wanted mail is refused."
    if of[ENFORCE]:
        yield f"Switch on {_named(of[ENFORCE])}. Allow the hosts that are wanted first."
        yield from _done(advice, of[ENFORCE])
    if of[WARN]:
        some = f"{len(of[WARN])} more" if of[ENFORCE] else several(len(of[WARN]), "restriction")
        yield f"Let {some} warn for now: that refuses nothing, and the log will tell whom it would hurt."
        if not of[ENFORCE]:
            yield from _why(advice, of[WARN])
        if not of[ENFORCE]:
            yield from _done(advice, of[WARN])


def _why(advice: Advice, changes: list[Recommendation]) -> Iterator[str]:
    """Why they are not enforced yet, where the log has told of too few who are wanted."""
    judged = max(one.before.wanted if one.before else 0 for one in changes)
    if judged < advice.terms.decided:
        yield (
            f"Nothing can be enforced yet: {several(judged, 'wanted client')} could be judged, and "
            f"{advice.terms.decided} are needed."
        )


def _named(changes: list[Recommendation]) -> str:
    """How many restrictions, and what they do."""
    return f"{several(len(changes), 'restriction')}: {', '.join(one.claim for one in changes)}"


def _done(advice: Advice, changes: list[Recommendation]) -> Iterator[str]:
    """What these changes together would have done, with nobody allowed first."""
    found = together(advice, changes)
    if found is None:
        return
    least = "at least " if found.no_evidence else ""
    open_ = f"; of {number(found.no_evidence)} nobody knows" if found.no_evidence else ""
    yield (
        f"With nobody allowed, {'they' if len(changes) > 1 else 'it'} would have turned away {least}"
        f"{number(found.stopped)} unwanted, {number(found.hurt)} wanted and {number(found.undecided)} undecided of "
        f"{number(advice.traffic.accepted)} accepted attempts{open_}."
    )


def together(advice: Advice, changes: list[Recommendation]) -> Count | None:
    """What these changes together come to on the board; None where it has not all of them."""
    places = {knob.name: at for at, knob in enumerate(advice.board.knobs)} if advice.board else {}
    if advice.board is None or any(one.spelled not in places for one in changes):
        return None
    return count(advice.board, [places[one.spelled] for one in changes])
