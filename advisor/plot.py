"""A plot: one picture of an answer, drawn into an Axes that the caller has, which is given back.

days        attempts from outside by day, by what became of them
answers     what each restriction of a list would have answered
changes     what each change stops and hurts, and what it could not judge
visits      the attempts of one client, or of any, by day and hour

Each takes an Axes of matplotlib first, for a notebook or a page of one's own; nothing is shown, saved or closed here.
Names and texts come from logs, so they are made visible and cut, and matplotlib never reads them as formulas.
"""

from collections.abc import Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from advisor.outcome import outcome, sorted_out
from advisor.recommendation import Advice, Recommendation
from advisor.reports import charts, wording
from advisor.reports.charts import LIGHT, Palette
from advisor.reports.visible import cut, visible
from advisor.simulation import Simulation

if TYPE_CHECKING:
    import pandas as pd

_PERMITTED = "#3f8f5f"
_NOTHING = "#c9ced4"


def days(axes: Axes, advice: Advice, palette: Palette = LIGHT) -> Axes:
    """Draw the attempts from outside of each day, stacked: accepted, deferred, rejected."""
    charts.by_day(axes, advice.traffic.days, palette)
    return axes


def changes(axes: Axes, advice: Advice | Sequence[Recommendation], palette: Palette = LIGHT) -> Axes:
    """Draw three bars a change, in percent: unwanted mail stopped, wanted mail hurt, and mail that it could not judge.

    What is not known is hatched and says so; it is never a bar of no length.
    """
    found = advice.recommendations if isinstance(advice, Advice) else advice
    charts.by_change(axes, found, palette)
    return axes


def answers(axes: Axes, simulation: Simulation, palette: Palette = LIGHT) -> Axes:
    """Draw a bar for each restriction of a list, and one for the list: its answers to accepted attempts from outside.

    No evidence is hatched. The numbers are those of `advisor simulate`.
    """
    found = outcome(simulation)
    rows = [(one["name"], one["answers"]["accepted"]) for one in found["list"]]
    rows.append(("the list", found["answer"]["accepted"]))
    shades = {
        "refuse": (palette.stopped, ""),
        "defer": (palette.delayed, ""),
        "permit": (_PERMITTED, ""),
        "nothing": (_NOTHING, ""),
        "no evidence": (palette.ground, "////"),
    }
    where = range(len(rows))
    floor = [0] * len(rows)
    for word, (shade, hatch) in shades.items():
        numbers = [sorted_out(counts)[word] for _, counts in rows]
        edge: Any = {"edgecolor": palette.unknown if hatch else palette.ground, "linewidth": 0.6, "hatch": hatch}
        axes.barh(where, numbers, 0.72, floor, label=word, color=shade, **edge)
        floor = [low + number for low, number in zip(floor, numbers, strict=True)]
    axes.set_yticks(list(where), [cut(visible(name)) for name, _ in rows], parse_math=False)
    axes.invert_yaxis()
    axes.set_xlim(0, max([*floor, 1]))
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: wording.count(int(value))))
    axes.set_xlabel("accepted attempts from outside")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=5, frameon=False, handlelength=1.4, columnspacing=1)
    charts.bare(axes, palette, "left", "right", "top")
    return axes


def visits(axes: Axes, attempts: "pd.DataFrame", zone: tzinfo | None = None, palette: Palette = LIGHT) -> Axes:
    """Draw a dot an attempt (columns time and action): across by day, down by hour, in a time zone (UTC).

    A person writes in office hours, a nightly job at one hour, a machine that is not our friend all day long.
    """
    import matplotlib.dates as mdates  # noqa: PLC0415 - who draws no visits need not wait for it

    times = attempts["time"].astype("datetime64[us, UTC]").dt.tz_convert(zone or "UTC")
    day = times.dt.tz_localize(None).dt.normalize()
    hour = times.dt.hour + times.dt.minute / 60 + times.dt.second / 3600
    for word, shade, shape in (
        ("accept", palette.stopped, "o"),
        ("defer", palette.delayed, "s"),
        ("reject", palette.hurt, "x"),
    ):
        own = (attempts["action"] == word).fillna(value=False).to_numpy(dtype=bool)
        if own.any():
            label = f"{word} {wording.count(int(own.sum()))}"
            axes.scatter(day[own].to_numpy(), hour[own], s=22, c=shade, marker=shape, label=label, alpha=0.75)
    axes.set_ylim(24, 0)
    axes.set_yticks([0, 6, 12, 18, 24], ["0 h", "6 h", "12 h", "18 h", "24 h"])
    # matplotlib types its dates in part only
    locator = mdates.AutoDateLocator(minticks=2, maxticks=8)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]  # as above
    axes.grid(axis="y", color=palette.rule, linewidth=0.7)
    axes.set_axisbelow(True)
    if len(attempts):
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, frameon=False, borderaxespad=0.2)
    charts.bare(axes, palette, "left", "right", "top")
    return axes
