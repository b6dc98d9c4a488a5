"""What a notebook shows of an answer: a table with its sentences, in light and in dark, without a script.

simulation    what each restriction of a list would have answered
advice        what to change, with the lines to type

Whatever comes from a log is made visible first and then escaped, as on the page of `--format html`. A notebook that is
not trusted loses its style and keeps its words.
"""

from dataclasses import replace
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from advisor.outcome import outcome, sentences, sorted_out
from advisor.recommendation import Advice
from advisor.reports import card, wording
from advisor.reports.visible import clean, visible
from advisor.simulation import Simulation


@cache
def _templates() -> Environment:
    found = Environment(
        loader=PackageLoader("advisor.reports", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["count"] = wording.count
    found.globals |= {"change": card, "say": wording}
    return found


def simulation(found: Simulation) -> str:
    """A simulation's outcome as HTML: the answers to accepted attempts from outside, and what they come to."""
    counted = outcome(found)
    rows = [
        (f"warn_if_reject {one['name']}" if one["warn_if_reject"] else one["name"], one["answers"]["accepted"])
        for one in counted["list"]
    ]
    rows.append(("the list", counted["answer"]["accepted"]))
    return (
        _templates()
        .get_template("simulation.html.jinja")
        .render(
            rows=[(visible(name), sorted_out(counts)) for name, counts in rows],
            sentences=[visible(words) for words in sentences(counted) if words],
        )
    )


def advice(found: Advice) -> str:
    """Advice as HTML: the log, every verdict with its numbers, what to type now, and what is not known."""
    # The board and the clients' stories are large, and not shown here.
    shown = clean(replace(found, board=None, visitors=(), overlap=None))
    rest = [one for _, others in card.unranked(shown) for one in others]
    return _templates().get_template("advice.html.jinja").render(advice=shown, now=card.ranked(shown), rest=rest)
