"""A repetition: advice that the log of the time before gave already, so that it need not be read twice."""

from dataclasses import replace

from advisor.question import Question
from advisor.recommendation import Advice, Recommendation

_OF_ALL_TIMES = ("history", "configuration", "domains", "map_files", "codes", "responses", "_attempts", "_weighed")
"""What a question has read and joined that is the same for every period."""


def marked(question: Question, advice: Advice) -> Advice:
    """The advice, each change with `stood` that would have been advised at the end of the time before, too.

    It is computed anew, with the attempts until then, by today's configuration and by all that is known today of who is
    wanted; what was really sent then nobody keeps. As it is where the history does not reach back (Advice.contrast).
    """
    if advice.contrast is None:
        return advice
    start, end = advice.contrast.start, advice.contrast.end
    before = replace(question, since=start.isoformat(), until=end.isoformat())
    before.__dict__.update({name: question.__dict__[name] for name in _OF_ALL_TIMES if name in question.__dict__})
    known = {_what(one) for one in before.advise().recommendations if one.rank is not None}
    return replace(
        advice,
        recommendations=tuple(
            replace(one, stood=end) if one.rank is not None and _what(one) in known else one
            for one in advice.recommendations
        ),
    )


def _what(one: Recommendation) -> tuple[str, str]:
    """The same advice whatever the digits do."""
    return one.recommendation, one.spelled
