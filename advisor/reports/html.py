"""The report as one page in one file: one script, which is ours, no network, nothing that a strict policy would refuse.

The script is the what-if board's; all else is there without it. Charts are pictures in the page: matplotlib's SVG has
style attributes, which the policy forbids in the page itself.
"""

from base64 import b64encode
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from json import dumps

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.axes import Axes

from advisor.board import Board
from advisor.recommendation import Advice
from advisor.reports import Letter, card, charts, wording
from advisor.reports.visible import clean, cut

_WIDTH = 5.8
# Inches: about as many pixels as a phone has, so that the words in a chart stay legible there.


@dataclass(frozen=True)
class Chart:
    """A picture for light and for dark, and what it shows."""

    light: str
    dark: str
    finding: str


def render(advice: Advice, how: Letter) -> str:
    """The advice as a page."""
    advice = clean(advice)
    sheet = templates().get_template("report.css.jinja").render().strip()
    script = templates().get_template("board.js").render().strip()
    data = advice.board if how.only is None else None
    page = templates().get_template("report.html.jinja")
    return page.render(
        advice=advice,
        how=how,
        sheet=Markup(sheet),  # noqa: S704 - our own file, without a value from anywhere
        sheet_hash=_hash(sheet),
        script=Markup(script) if data else "",  # noqa: S704 - as the sheet
        script_hash=_hash(script) if data else "",
        board=data,
        board_data=Markup(_data(data)) if data else "",  # noqa: S704 - JSON in which no tag can begin or end
        charts=_charts(advice) if how.only is None else {},
    )


def _hash(text: str) -> str:
    return b64encode(sha256(text.encode()).digest()).decode()


def _data(board: Board) -> str:
    """What the board's script reads; `<` is spelled out, so that nothing in it ends the element that it stands in."""
    found = {
        "combinations": [(each.letters, each.ways) for each in board.combinations],
        "dates": board.dates,
        "days": board.days,
        "clients": [(cut(each.address), cut(each.name), each.attempts) for each in board.clients],
        "groups": board.groups,
        "lines": [(each.parameter, each.text, each.knob) for each in board.lines],
    }
    return dumps(found, separators=(",", ":")).replace("<", "\\u003c")


def templates() -> Environment:
    """The templates beside this file, with the words of all reports in reach; each value is escaped."""
    found = Environment(
        loader=PackageLoader("advisor.reports", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals |= {"say": wording, "change": card}
    found.filters |= {"count": wording.count, "cut": cut, "bound": _bound}
    return found


def _bound(words: str) -> str:
    """A percent sign stays on the line of its number."""
    return words.replace(" %", "\xa0%")


def _charts(advice: Advice) -> dict[str, Chart]:
    found = {}
    days = advice.traffic.days
    if days:
        found["days"] = _chart(partial(charts.by_day, days=days), 2.8, charts.day_finding(days))
    changes = card.ranked(advice)
    changes += [one for _, rest in card.unranked(advice) for one in rest if one.state != "enforced"]
    if changes:
        draw = partial(charts.by_change, changes=changes)
        found["changes"] = _chart(draw, charts.height(changes), charts.change_finding(changes))
    return found


def _chart(draw: partial[None], high: float, finding: str) -> Chart:
    def drawn(axes: Axes, palette: charts.Palette) -> None:
        draw(axes, palette=palette)

    light, dark = (
        "data:image/svg+xml;base64," + b64encode(charts.svg(drawn, _WIDTH, high, palette)).decode()
        for palette in (charts.LIGHT, charts.DARK)
    )
    return Chart(light, dark, finding)
