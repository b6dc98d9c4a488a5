"""A report: all runs of a folder compared with what the advisor says, as the table of the README and its exceptions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab.comparison import UNSTEADY, Contradiction, Tally, compare, differing
from tests.lab.configuration import Configuration
from tests.lab.configurations import BASELINE, by_name


@dataclass
class Row:
    """One restriction, over all runs that show it.

    `plain`: predicted from a default log; `looked_up`: with recorded answers of the DNS too; `best`: with the one
    logging knob that leaves least unknown, named in `knobs`; `all`: these, and the other knobs.
    """

    plain: list[Tally] = field(default_factory=list)
    looked_up: list[Tally] = field(default_factory=list)
    best: list[Tally] = field(default_factory=list)
    all: list[Tally] = field(default_factory=list)
    knobs: set[str] = field(default_factory=set)


class Report:
    """The comparison of the runs that are in a folder."""

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        """Compare the runs of these configurations."""
        self._folder = folder
        found = [by_name(name) for name in names]
        self._knobs = [each for each in found if each.knob]
        self._runs = [each for each in found if each.shows]
        self.rows: dict[str, Row] = {}
        for configuration in self._runs:
            self._add(configuration, self.rows.setdefault(configuration.shows, Row()))

    def _add(self, configuration: Configuration, row: Row) -> None:
        asked = [(BASELINE, False), *((knob.name, True) for knob in self._knobs)]
        tallies = {
            (name, looked_up): compare(self._folder, configuration, by_name(name), looked_up=looked_up)
            for name, looked_up in asked
        }
        row.plain.append(tallies[BASELINE, False])
        row.looked_up.append(tallies[BASELINE, True])
        row.all += tallies.values()
        best = min((knob.name for knob in self._knobs), key=lambda name: len(tallies[name, True].unknown))
        row.best.append(tallies[best, True])
        if len(tallies[best, True].unknown) < len(tallies[BASELINE, True].unknown):
            row.knobs.add(best)

    def contradictions(self) -> list[str]:
        """Each in a line, with all the logs that it was said from; what is only inferred is not among them."""
        found: dict[tuple[str, ...], list[Contradiction]] = {}
        for row in self.rows.values():
            for each in (each for tally in row.all for each in tally.contradict):
                said = str(each.prediction.answer), each.prediction.code
                found.setdefault((each.configuration, each.fate.session, *said), []).append(each)
        return [f"{each[0]} (from {', '.join(sorted({one.knob for one in each}))})" for each in found.values()]

    def meddling(self) -> Iterator[str]:
        """What a logging knob changed, which none may."""
        for knob in self._knobs:
            for one, other in differing(self._folder, BASELINE, knob.name):
                yield f"{knob.name}: {one.session} {one.recipient}: {one.reply[:60]!r}, and now {other.reply[:60]!r}"

    def table(self) -> str:
        """The table, as Markdown: a row a restriction."""
        lines = [
            "| restriction | runs | default log | and lookup | and a logging knob | wrong in all |",
            "|---|---|---|---|---|---|",
        ]
        for name, row in self.rows.items():
            knobs = f" ({', '.join(sorted(knob.removeprefix('knob_') for knob in row.knobs))})" if row.knobs else ""
            wrong = f"{sum(len(each.contradict) for each in row.all)} of {sum(map(_predicted, row.all))}"
            cells = (
                f"`{name}`",
                str(len(row.plain)),
                _cell(row.plain),
                _cell(row.looked_up),
                _cell(row.best) + knobs,
                wrong,
            )
            lines.append(f"| {' | '.join(cells)} |")
        return "\n".join(lines) + "\n"

    def notes(self) -> str:
        """What is left out of the table's count of wrong predictions, and why."""
        left_out = sorted({fate.session for row in self.rows.values() for each in row.all for fate in each.unsteady})
        return "".join(f"{name} is not counted where it differs: {UNSTEADY[name]}\n" for name in left_out)


def _predicted(tally: Tally) -> int:
    return tally.agree + len(tally.contradict)


def _cell(tallies: Sequence[Tally]) -> str:
    """Agree / contradict / no evidence, and what was only inferred: right / wrong."""
    agree, contradict = sum(each.agree for each in tallies), sum(len(each.contradict) for each in tallies)
    said = f"{agree} / {contradict} / {sum(len(each.unknown) for each in tallies)}"
    right, wrong = sum(each.inferred for each in tallies), sum(len(each.inferred_wrong) for each in tallies)
    return f"{said}; {right} / {wrong}" if right + wrong else said
