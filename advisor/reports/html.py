"""The report as one page in one file: scripts that are ours, no network, nothing that a strict policy would refuse.

The scripts are the what-if board's, and one that sorts tables and copies what is to be typed; all else is there without
them. Charts are pictures in the page: matplotlib's SVG has style attributes, which the policy forbids in the page
itself. Each is drawn twice, for wide and for narrow screens, and takes its colours for light or dark by itself.
"""

import re
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from hashlib import sha256
from json import dumps

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.axes import Axes

from advisor.board import Board
from advisor.reasons import BY_NAME
from advisor.recommendation import Advice
from advisor.reports import Letter, card, charts, course, headline, sketch, wording
from advisor.reports.choice import choice
from advisor.reports.visible import clean, cut

_WIDE, _NARROW = 6.6, 3.7
"""Inches: a column of the page, and a phone, so that the words in a chart are as large as those around it."""
_FEW = 20
"""Of fewer values a sentence says more than a curve."""

# style="fill: #123a75; stroke: #ffffff"   fill="#7d868f"
_COLOUR = re.compile(rb"(?<=: )#[0-9a-f]{6}(?=[;\"])")
_PLAIN = re.compile(rb'(?<= )fill="(#[0-9a-f]{6})"')


@dataclass(frozen=True)
class Chart:
    """A picture for wide and for narrow screens, and what it shows."""

    wide: str
    narrow: str
    finding: str


def render(advice: Advice, how: Letter) -> str:
    """The advice as a page."""
    advice = clean(advice)
    sheet, tools, script = (
        templates().get_template(name).render().strip() for name in ("report.css.jinja", "page.js", "board.js")
    )
    data = advice.board if how.only is None else None
    scripts = [tools, script] if data else [tools]
    page = templates().get_template("report.html.jinja")
    return page.render(
        advice=advice,
        how=how,
        sheet=Markup(sheet),  # noqa: S704 - our own file, without a value from anywhere
        sheet_hash=_hash(sheet),
        tools=Markup(tools),  # noqa: S704 - as the sheet
        script=Markup(script) if data else "",  # noqa: S704 - as the sheet
        script_hashes=[_hash(each) for each in scripts],
        board=data,
        choice=choice(data) if data else None,
        board_data=Markup(_data(data)) if data else "",  # noqa: S704 - JSON in which no tag can begin or end
        charts=_charts(advice) if how.only is None else {},
    )


def _hash(text: str) -> str:
    return b64encode(sha256(text.encode()).digest()).decode()


def _data(board: Board) -> str:
    """What the board's script reads; `<` is spelled out, so that nothing in it ends the element that it stands in."""
    found = {
        "knobs": [(each.name, each.state == "enforced", each.chosen) for each in board.knobs],
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
    found.globals |= {"say": wording, "change": card, "course": course, "headline": headline, "sketch": sketch}
    found.globals["meanings"] = BY_NAME
    found.filters |= {"count": wording.count, "cut": cut, "bound": _bound}
    return found


def _bound(words: str) -> str:
    """A percent sign stays on the line of its number."""
    return words.replace(" %", "\xa0%")


def _charts(advice: Advice) -> dict[str, Chart]:
    found = {}
    flow, listed = advice.traffic, advice.overlap
    if flow.days:
        dates = {_WIDE: 8, _NARROW: 4}
        draw = partial(charts.by_day, days=flow.days)
        found["days"] = _chart(lambda wide: partial(draw, dates=dates[wide]), 2.8, charts.day_finding(flow.days))
    changes = card.ranked(advice)
    tried = sketch.judged(changes)
    if tried:
        draw = partial(sketch.by_harm, changes=tried, terms=advice.terms)
        found["harm"] = _chart(lambda _: draw, sketch.harm_height(tried), sketch.harm_finding(tried, advice.terms))
    changes += [one for _, rest in card.unranked(advice) for one in rest if one.state != "enforced"]
    if changes:
        draw = partial(charts.by_change, changes=changes)
        high = charts.height(changes)
        found["changes"] = _chart(
            lambda wide: partial(draw, narrow=wide == _NARROW), high, charts.change_finding(changes)
        )
    if listed is not None and len(listed.lists) > 1:
        draw = partial(sketch.by_list, found=listed)
        found["lists"] = _chart(lambda _: draw, sketch.list_height(listed), sketch.list_finding(listed))
    if flow.greylisting is not None and len(flow.greylisting.delays) >= _FEW:
        draw = partial(sketch.by_delay, found=flow.greylisting)
        found["delays"] = _chart(lambda _: draw, 2.8, sketch.delay_finding(flow.greylisting))
    return found


def _chart(draw: Callable[[float], partial[None]], high: float, finding: str) -> Chart:
    wide, narrow = (_picture(draw(width), width, high) for width in (_WIDE, _NARROW))
    return Chart(wide, narrow, finding)


def _picture(draw: partial[None], width: float, high: float) -> str:
    """A chart as an address that holds it; in the dark it changes its colours by itself."""

    def drawn(axes: Axes, palette: charts.Palette) -> None:
        draw(axes, palette=palette)

    plain = charts.svg(drawn, width, high)
    names = {getattr(charts.LIGHT, each.name).encode(): each.name.encode() for each in fields(charts.Palette)}
    plain = _PLAIN.sub(rb'style="fill: \1"', plain)
    shaded = _COLOUR.sub(lambda colour: b"var(--%s)" % names[colour[0]] if colour[0] in names else colour[0], plain)
    rules = [
        "".join(f"--{each.name}:{getattr(palette, each.name)};" for each in fields(charts.Palette))
        for palette in (charts.LIGHT, charts.DARK)
    ]
    sheet = f"<style>:root{{{rules[0]}}}@media (prefers-color-scheme:dark){{:root{{{rules[1]}}}}}</style>"
    start = shaded.index(b"<defs>")
    whole = shaded[:start] + sheet.encode() + shaded[start:]
    return "data:image/svg+xml;base64," + b64encode(whole).decode()
