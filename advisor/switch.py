"""A switch: the lines of main.cf that stand for a restriction, for whatever set of them somebody picks on the board."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from advisor.amendment import insert
from advisor.board import Line
from advisor.entry import LISTS, Entry, parse_list
from advisor.postconf import Postconf


def lines(config: Postconf | None, knobs: Sequence[tuple[str, str]]) -> tuple[Line, ...]:
    """The lists as they would stand with all knobs, (parameter, restriction as spelled), each line with its knob.

    With fewer of them their lines are left out: an entry keeps its place whichever others there are.
    """
    return tuple(_lines(config or Postconf({}, "not known"), knobs))


def _lines(config: Postconf, knobs: Sequence[tuple[str, str]]) -> Iterator[Line]:
    for number, (parameter, name) in enumerate(knobs):
        if parameter == name:
            yield Line(parameter, "= yes", number)
    for parameter in LISTS:
        wanted = {name: number for number, (listed, name) in enumerate(knobs) if listed == parameter}
        entries: tuple[Entry, ...] = ()
        for name in wanted:
            (entry,) = parse_list(name)
            entries = insert(config, parameter, entry)
            config = replace(config, parameters={**config.parameters, parameter: ", ".join(map(_spelled, entries))})
        for entry in entries:
            yield Line(parameter, _spelled(entry), None if entry.warn else wanted.get(str(entry)))


def _spelled(entry: Entry) -> str:
    return f"warn_if_reject {entry}" if entry.warn else str(entry)
