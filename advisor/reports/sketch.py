"""Sketches: charts that the page alone has. Each takes an Axes, as those of advisor.reports.charts do.

by_harm       per change, the share of wanted clients it turns away: a dot and its interval, and the limit set
by_list       per DNS list, the clients that it names, and how many of them no list above it names
by_delay      how long greylisted mail waited, cumulative, on a scale of powers
"""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter, NullLocator

from advisor.overlap import Overlap
from advisor.recommendation import Estimate, Greylisting, Recommendation, Terms
from advisor.reports import wording
from advisor.reports.charts import LIGHT, Palette, bare
from advisor.reports.visible import cut

LISTS = 8
"""Lists drawn; the table has all."""
_STEPS = 200
"""Points of a curve: more than a screen shows, fewer than a hundred thousand delays."""
_MARKS = {60: "1 min", 300: "5 min", 3600: "1 h", 21600: "6 h", 86400: "1 day", 604800: "1 week"}


def judged(changes: Sequence[Recommendation]) -> list[Recommendation]:
    """The changes whose harm was measured, so that there is an interval to draw."""
    return [one for one in changes if one.after is not None and one.after.interval is not None]


def by_harm(axes: Axes, changes: Sequence[Recommendation], terms: Terms, palette: Palette = LIGHT) -> None:
    """Draw two lines a change: alone (open), and with the hosts allowed that were known before (filled)."""
    for number, one in enumerate(changes):
        where = 3 * number
        write: Any = {"va": "center", "color": palette.text, "transform": axes.get_yaxis_transform()}
        # On the page's ground: the line of the limit would strike it out.
        write["bbox"] = {"facecolor": palette.ground, "edgecolor": "none", "pad": 1.2}
        axes.text(0, where, cut(one.spelled, 48), **write)
        for place, found, shade in ((1, one.before, palette.unknown), (1.8, one.after, palette.hurt)):
            if found is None or found.interval is None or found.share is None:
                continue
            low, high = (100 * end for end in found.interval)
            axes.plot([low, high], [where + place] * 2, color=shade, linewidth=2.2, solid_capstyle="butt")
            face = shade if place > 1 else palette.ground
            axes.plot(
                [100 * found.share],
                [where + place],
                "o",
                color=shade,
                markerfacecolor=face,
                markersize=6,
                clip_on=False,
                zorder=3,
            )
    axes.axvline(100 * terms.max_harm, color=palette.text, linewidth=1, linestyle=(0, (4, 3)))
    axes.set_ylim(3 * len(changes) - 0.5, -0.8)
    highest = max(end.interval[1] for one in changes for end in (one.before, one.after) if end and end.interval)
    axes.set_xlim(0, min(100.0, max(100 * highest, 200 * terms.max_harm)) * 1.02)
    axes.set_yticks([])
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} %"))
    axes.set_xlabel("of the wanted clients")
    axes.grid(axis="x", color=palette.rule, linewidth=0.7)
    bare(axes, palette, "left", "right", "top")


def harm_height(changes: Sequence[Recommendation]) -> float:
    """Inches that the chart of the harm needs."""
    return 0.75 + 0.62 * len(changes)


def harm_finding(changes: Sequence[Recommendation], terms: Terms) -> str:
    """What the chart of the harm shows, as a sentence."""

    def said(found: Estimate | None) -> str:
        if found is None or found.interval is None:
            return wording.NO_EVIDENCE
        low, high = found.interval
        ends = f"{wording.percent(low)} to {wording.percent(high)}"
        return f"{wording.share(found.hurt, found.wanted)}, interval {ends}"

    rows = [f"{cut(one.spelled)} alone {said(one.before)}; with hosts allowed {said(one.after)}" for one in changes]
    return f"Wanted clients turned away: {'. '.join(rows)}. The limit set is {wording.percent(terms.max_harm)}."


def by_list(axes: Axes, found: Overlap, palette: Palette = LIGHT) -> None:
    """Draw a bar a list, in the order in which each adds most: solid what it adds, hatched what others name too."""
    lists = found.lists[:LISTS]
    edge: Any = {"edgecolor": palette.ground, "linewidth": 0.6}
    most = max(one.clients for one in lists)
    for number, one in enumerate(lists):
        words = f"{cut(one.name, 40)}: {wording.count(one.clients)}, adds {wording.count(one.adds)}"
        axes.text(0, 2 * number, words, va="center", color=palette.text)
        axes.barh(2 * number + 0.85, one.adds, 0.75, color=palette.stopped, **edge)
        rest = one.clients - one.adds
        axes.barh(2 * number + 0.85, rest, 0.75, one.adds, color=palette.unknown, hatch="////", **edge)
    axes.set_ylim(2 * len(lists) - 0.4, -0.6)
    axes.set_xlim(0, most * 1.05)
    axes.set_yticks([])
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: wording.count(int(value))))
    axes.set_xlabel("clients named")
    axes.grid(axis="x", color=palette.rule, linewidth=0.7)
    axes.set_axisbelow(True)
    bare(axes, palette, "left", "right", "top")


def list_height(found: Overlap) -> float:
    """Inches that the chart of the lists needs."""
    return 0.75 + 0.46 * min(LISTS, len(found.lists))


def list_finding(found: Overlap) -> str:
    """What the chart of the lists shows, as a sentence."""
    first, *rest = found.lists
    words = f"{cut(first.name)} names {wording.share(first.clients, found.clients, 'clients that any list names')}"
    added = [f"{cut(one.name)} adds {wording.count(one.adds)}" for one in rest[: LISTS - 1]]
    return f"{'; '.join([words, *added])}."


def by_delay(axes: Axes, found: Greylisting, palette: Palette = LIGHT) -> None:
    """Draw the share of greylisted triplets that had passed after each delay; the scale is of powers, in seconds."""
    delays = found.delays
    step = max(1, len(delays) // _STEPS)
    seconds = [max(each, 1.0) for each in (*delays[::step], delays[-1])]
    shares = [100 * (number + 1) / len(delays) for number in (*range(0, len(delays), step), len(delays) - 1)]
    low, high = seconds[0] * 0.8, max(seconds[-1] * 1.25, seconds[0] * 10)
    axes.step([low, *seconds, high], [0, *shares, 100], where="post", color=palette.delayed, linewidth=2.2)
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.set_ylim(0, 104)
    marks = {at: words for at, words in _MARKS.items() if low <= at <= high}
    axes.xaxis.set_major_locator(FixedLocator(list(marks)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: marks.get(round(value), "")))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} %"))
    axes.set_ylabel("of those that passed")
    axes.set_xlabel("had waited so long, or less")
    axes.grid(color=palette.rule, linewidth=0.7)
    bare(axes, palette, "right", "top")


def waits(found: Greylisting) -> list[tuple[str, float]]:
    """The delay within which so many of the passed triplets had passed: the numbers of the chart."""
    delays = found.delays
    return [
        (f"{part} %", float(delays[max(0, -(-part * len(delays) // 100) - 1)]))
        for part in (10, 25, 50, 75, 90, 99, 100)
    ]


def delay_finding(found: Greylisting) -> str:
    """What the curve of the delays shows, as a sentence."""
    at = dict(waits(found))
    half, most = wording.duration(at["50 %"]), wording.duration(at["90 %"])
    return (
        f"Of {wording.several(len(found.delays), 'greylisted triplet')} that passed, half had waited {half} or less, "
        f"90 % {most} or less, the last one {wording.duration(at['100 %'])}."
    )
