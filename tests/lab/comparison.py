"""A comparison: what the advisor said of each attempt, beside what real Postfix did."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from advisor.response import Responses
from tests.lab.configuration import Configuration
from tests.lab.player import Fate
from tests.lab.prediction import Key, Prediction, asked_by, local_part, predictions
from tests.lab.record import attempts, recorded
from tests.lab.sessions import sessions


@dataclass(frozen=True)
class Contradiction:
    """An attempt that Postfix answered in another way than the advisor said."""

    configuration: str
    knob: str
    fate: Fate
    prediction: Prediction

    def __str__(self) -> str:
        said = ", ".join(f"{name}={answer} ({basis})" for name, answer, basis in self.prediction.entries)
        fate = self.fate
        return (
            f"{self.configuration}: {fate.session} {fate.recipient}: said {self.prediction.answer} "
            f"{self.prediction.code}, Postfix: {fate.stage} {fate.reply[:110]!r}; {said}"
        )


@dataclass
class Tally:
    """How often the advisor was right, how often wrong, and how often it said that it does not know.

    What it only inferred, and marks so, is counted apart. `missed`: the baseline's log shows no attempt.
    """

    agree: int = 0
    contradict: list[Contradiction] = field(default_factory=list)
    unknown: list[Fate] = field(default_factory=list)
    unsteady: list[Fate] = field(default_factory=list)
    missed: list[Fate] = field(default_factory=list)
    inferred: int = 0
    inferred_wrong: list[Contradiction] = field(default_factory=list)


UNSTEADY = {session.name: session.unsteady for session in sessions() if session.unsteady}
"""The sessions that Postfix itself does not always answer alike, and why."""


def compare(folder: Path, configuration: Configuration, knob: Configuration, *, looked_up: bool) -> Tally:
    """Compare the predictions from a baseline's log, with or without recorded DNS answers, with a run."""
    log = folder / f"{knob.name}.maillog"
    dns = recorded(log) if looked_up else Responses()
    asked = asked_by(configuration, folder / f"{configuration.name}.main.cf")
    said = predictions(asked, attempts(log), dns)
    tally = Tally()
    for key, fate in fates(folder, configuration.name).items():
        prediction = said.get(key)
        if prediction is None:
            tally.missed.append(fate)
            continue
        expected = prediction.expected
        if expected is None:
            tally.unknown.append(fate)
        elif fate.reply.startswith(expected):
            tally.agree += not prediction.inferred
            tally.inferred += prediction.inferred
        elif fate.session in UNSTEADY:
            tally.unsteady.append(fate)
        else:
            wrong = tally.inferred_wrong if prediction.inferred else tally.contradict
            wrong.append(Contradiction(configuration.name, knob.name, fate, prediction))
    return tally


def fates(folder: Path, name: str) -> Mapping[Key, Fate]:
    """What became of each recipient in a run."""
    return dict(_keyed(folder, name))


def _keyed(folder: Path, name: str) -> Iterator[tuple[Key, Fate]]:
    visits: Counter[str] = Counter()
    for row in json.loads((folder / f"{name}.json").read_text()):
        fate = Fate(**row)
        name = local_part(fate.recipient)
        yield (name, visits[name]), fate
        visits[name] += 1


def differing(folder: Path, one: str, other: str) -> list[tuple[Fate, Fate]]:
    """The recipients that two runs answered differently: a logging knob must not change anything."""
    second = fates(folder, other)
    pairs = [(fate, second[key]) for key, fate in fates(folder, one).items() if key in second]
    return [(a, b) for a, b in pairs if a.reply[:3] != b.reply[:3] and a.session not in UNSTEADY]
