"""A board: what any set of restrictions would have done to accepted mail, small enough to go into a page.

Few combinations of answers ever occur. So the attempts are counted by combination, and whatever set somebody chooses is
added up from these counts, exactly: the page does in a script what `count` does here, and a test compares the two.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True)
class Knob:
    """A restriction that can be switched: as in main.cf, what it does in a reader's words, and how it stands now.

    `chosen` says whether it is on when the page opens: those that are, and those that are advised.
    """

    name: str
    claim: str
    state: str
    chosen: bool = False


@dataclass(frozen=True)
class Combination:
    """What each restriction answers, a letter each, and what the evidence says of the attempt to each of them."""

    letters: str
    ways: str


@dataclass(frozen=True)
class Client:
    """A named client: what its attempts were answered, as (number of the combination, attempts)."""

    address: str
    name: str
    attempts: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Line:
    """A line of main.cf; `knob` is the number of the restriction that it stands for, None where it always stands."""

    parameter: str
    text: str
    knob: int | None


@dataclass(frozen=True)
class Board:
    """The counts: `days` by (combination, day), `clients` and `groups` by client.

    `groups` are the clients that show the same combinations: (their numbers, how many clients). `knobs` stand in the
    order in which smtpd asks them.
    """

    knobs: tuple[Knob, ...]
    combinations: tuple[Combination, ...]
    dates: tuple[str, ...]
    days: tuple[tuple[int, int, int], ...]
    clients: tuple[Client, ...]
    groups: tuple[tuple[tuple[int, ...], int], ...]
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True)
class Count:
    """What a set of restrictions comes to: attempts turned away by evidence, and the clients that they are of.

    `refused` are those told not to come back (5xx), `delayed` those told to come back (4xx); where a restriction asked
    earlier might have decided, they are in neither. `no_evidence` may be turned away or not.
    """

    stopped: int = 0
    hurt: int = 0
    undecided: int = 0
    passed: int = 0
    no_evidence: int = 0
    refused: int = 0
    delayed: int = 0
    stopped_clients: int = 0
    hurt_clients: int = 0
    undecided_clients: int = 0


class Fate(NamedTuple):
    """What becomes of an attempt: `t` turned away, `p` passed, `?` not known; its way; `5`, `4` or not known."""

    turned: str
    way: str
    code: str


def fate(combination: Combination, chosen: Collection[int]) -> Fate:
    """What a set of restrictions comes to, asked in their order; none of them permits.

    A reject or a defer decides. After a `defer_if_permit` the rest is asked for a refusal, and then it defers. What is
    not known might have been any refusal: it leaves open with which code, and, if nothing else refuses, whether.
    """
    waiting, doubtful = "", False
    for number in sorted(chosen):
        letter = combination.letters[number]
        if letter == "?":
            doubtful = True
        elif letter == "F":
            waiting = waiting or combination.ways[number]
        elif letter in "RD":
            way = waiting or combination.ways[number]
            return Fate("t", way, "?" if doubtful else "5" if letter == "R" else "4")
    if waiting:
        return Fate("t", waiting, "?" if doubtful else "4")
    return Fate("?" if doubtful else "p", ".", "?")


def count(of: Board, chosen: Iterable[int]) -> Count:
    """Add up what a set of restrictions (their numbers) would have done."""
    picked = frozenset(chosen)
    fates = [fate(each, picked) for each in of.combinations]
    sums: Counter[str] = Counter()
    for number, _, attempts in of.days:
        turned, way, code = fates[number]
        sums[_CLASS[way] if turned == "t" else "passed" if turned == "p" else "no_evidence"] += attempts
        if turned == "t" and code != "?":
            sums["refused" if code == "5" else "delayed"] += attempts
    for numbers, clients in of.groups:
        for name in {_CLASS[fates[number].way] for number in numbers if fates[number].turned == "t"}:
            sums[f"{name}_clients"] += clients
    return Count(**sums)


_CLASS = {"w": "hurt", "u": "stopped", ".": "undecided"}
