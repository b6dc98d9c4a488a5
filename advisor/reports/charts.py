"""The charts that reports and notebooks share: each takes an Axes, and says in its alt text what it shows.

by_day        attempts from outside by day, stacked: accepted, deferred, rejected
by_change     per change, the share of unwanted mail it stops, of wanted mail it hurts, and what it could not judge
svg, png      a figure as bytes, the same for the same data
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from PIL import Image

from advisor.recommendation import Day, Recommendation, Tally
from advisor.reports import card, wording
from advisor.reports.visible import cut


@dataclass(frozen=True)
class Palette:
    """Colours that are told apart by the colour-blind too; hatches say the same in grey."""

    text: str = "#1b1f24"
    ground: str = "#ffffff"
    rule: str = "#d5d9de"
    stopped: str = "#123a75"
    hurt: str = "#cc3d10"
    delayed: str = "#bb45c9"
    unknown: str = "#7d868f"


LIGHT = Palette()
DARK = Palette(
    text="#e8eaed",
    ground="#15181c",
    rule="#3a4048",
    stopped="#6cb0f7",
    hurt="#f2733f",
    delayed="#efc6ec",
    unknown="#6d757e",
)
Draw = Callable[[Axes, Palette], None]


def by_day(axes: Axes, days: Sequence[Day], palette: Palette = LIGHT, dates: int = 8) -> None:
    """Stack the attempts of each day: accepted, deferred, rejected; from 0, on one scale, with so many dates."""
    where = range(len(days))
    edge: Any = {"edgecolor": palette.ground, "linewidth": 0.6}
    floor = [0] * len(days)
    for name, color, hatch in (
        ("accepted", palette.stopped, ""),
        ("deferred", palette.delayed, "\\\\\\\\"),
        ("rejected", palette.unknown, "////"),
    ):
        numbers = [getattr(day, name) for day in days]
        axes.bar(where, numbers, 0.72, floor, label=name, color=color, hatch=hatch, **edge)
        floor = [low + number for low, number in zip(floor, numbers, strict=True)]
    step = -(-len(days) // dates) or 1  # more dates would run into each other
    axes.set_xticks(list(where)[::step], [wording.day(day.day) for day in days][::step])
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: wording.count(int(value))))
    axes.set_ylim(0, max([*floor, 1]) * 1.04)
    axes.set_ylabel("attempts from outside")
    axes.grid(axis="y", color=palette.rule, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, frameon=False, borderaxespad=0.2, handlelength=1.4)
    bare(axes, palette, "left", "right", "top")


def by_change(
    axes: Axes,
    changes: Sequence[Recommendation],
    palette: Palette = LIGHT,
    narrow: bool = False,  # noqa: FBT001, FBT002 - as matplotlib's own
) -> None:
    """Draw three bars a change on one scale in percent, each with its numbers; what is not known says so.

    Where it is `narrow`, the bars are shorter, so that there is place for their words.
    """
    edge: Any = {"edgecolor": palette.ground, "linewidth": 0.6}
    write: Any = {"va": "center", "ha": "left", "color": palette.text}
    # The words stand on the page's ground: a grid line through them would strike them out.
    write["bbox"] = {"facecolor": palette.ground, "edgecolor": "none", "pad": 1.2}
    for number, one in enumerate(changes):
        title = f"{f'{one.rank}  ' if one.rank else ''}{card.label(one)}  {cut(one.spelled, 32 if narrow else 60)}"
        axes.text(0, 5 * number, title, fontsize=9.5, weight="bold", **write)
        for place, bar in enumerate(_bars(one, palette), 5 * number + 1):
            axes.barh(place, bar.share * 100, 0.82, color=bar.color, hatch=bar.hatch, **edge)
            axes.text(bar.share * 100 + 1.2, place, bar.words, fontsize=9, **write)
    axes.set_ylim(5 * len(changes) - 0.6, -0.8)
    # Room for the words behind the longest bar.
    axes.set_xlim(0, 240 if narrow else 165)
    marks = (0, 50, 100) if narrow else (0, 25, 50, 75, 100)
    axes.set_xticks(marks, [f"{mark} %" for mark in marks])
    axes.set_yticks([])
    bare(axes, palette, "right", "top", "bottom", "left")
    for value in marks:
        axes.axvline(value, color=palette.rule, linewidth=0.7, zorder=0)


@dataclass(frozen=True)
class _Bar:
    share: float
    words: str
    color: str
    hatch: str


def _bars(one: Recommendation, palette: Palette) -> Sequence[_Bar]:
    stops, _, hurts, _, missing = card.cells(one)
    return (
        _Bar(_share(one.stopped, one.unwanted_judged), _words("stops", stops, "unwanted"), palette.stopped, ""),
        _Bar(_share(one.hurt, one.wanted_judged), _words("hurts", hurts, "wanted"), palette.hurt, ""),
        _Bar(
            _share(one.no_evidence, one.accepted), _words("no evidence", missing, "accepted"), palette.unknown, "////"
        ),
    )


def _words(does: str, cell: str, whom: str) -> str:
    """What a bar says: `stops 612/1,391 unwanted`; where nothing is known, that."""
    if cell != wording.NO_EVIDENCE:
        return f"{does} {cell} {whom}"
    return f"{does}: {cell}" if does != cell else cell


def _share(part: Tally, whole: Tally) -> float:
    return part.attempts / whole.attempts if whole.attempts else 0.0


def bare(axes: Axes, palette: Palette, *sides: str) -> None:
    """Take away the frame at some sides, and give all else its colours."""
    for side in sides:
        axes.spines[side].set_visible(False)
    for spine in axes.spines.values():
        spine.set_color(palette.rule)
    axes.tick_params(colors=palette.text, length=0)
    for axis in (axes.xaxis, axes.yaxis):
        axis.label.set_color(palette.text)
    axes.set_facecolor(palette.ground)
    if legend := axes.get_legend():
        for text in legend.get_texts():
            text.set_color(palette.text)


def day_finding(days: Sequence[Day]) -> str:
    """What the chart by day shows, as a sentence."""
    if not days:
        return "No attempts from outside in this log."
    most = max(days, key=lambda one: one.accepted + one.deferred + one.rejected)
    total = most.accepted + most.deferred + most.rejected
    days_read = f"{wording.several(len(days), 'day')}, {wording.day(days[0].day)} to {wording.day(days[-1].day)}"
    return f"Attempts from outside on {days_read}: most on {wording.day(most.day)}, {wording.count(total)}."


def change_finding(changes: Sequence[Recommendation]) -> str:
    """What the chart by change shows, as a sentence."""
    said = []
    for one in changes:
        stops, _, hurts, _, missing = card.cells(one)
        words = (_words("stops", stops, "unwanted"), _words("hurts", hurts, "wanted"))
        said.append(f"{cut(one.name)} {', '.join(words)}, {_words('no evidence', missing, 'accepted')}")
    return "; ".join(said) + "."


def height(changes: Sequence[Recommendation]) -> float:
    """Inches that the chart by change needs."""
    return 0.35 + 0.98 * len(changes)


@contextmanager
def _settings() -> Iterator[None]:
    # The salt makes the SVG's ids, and so the whole file, the same for the same data.
    look: dict[Any, Any] = {"font.size": 9.5, "hatch.linewidth": 0.7, "font.family": "DejaVu Sans"}
    with mpl.rc_context({"svg.hashsalt": "advisor", "svg.fonttype": "none", **look}):
        yield


def _figure(draw: Draw, width: float, high: float, palette: Palette) -> Figure:
    figure = Figure(figsize=(width, high), facecolor=palette.ground, layout="constrained")
    draw(figure.add_subplot(), palette)
    return figure


def svg(draw: Draw, width: float, high: float, palette: Palette = LIGHT) -> bytes:
    """A chart as SVG; a reader without our font sees it in a narrower one, so nothing overlaps."""
    out = BytesIO()
    with _settings():
        _figure(draw, width, high, palette).savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return out.getvalue()


def png(draw: Draw, width: float, high: float) -> bytes:
    """A chart as PNG on an opaque white ground, for mail: twice as fine as it is shown."""
    out = BytesIO()
    with _settings():
        figure = _figure(draw, width, high, LIGHT)
        figure.savefig(out, format="png", dpi=192)
    # Sixty-four colours are plenty for bars and letters, and a quarter of the bytes.
    small = BytesIO()
    Image.open(out).convert("RGB").quantize(64, dither=Image.Dither.NONE).save(small, "png", optimize=True)
    return small.getvalue()
