"""A choice: what the set of restrictions that the board opens with comes to, for readers without a script.

The same words as board.js puts there for any set; a test compares the two.
"""

from dataclasses import asdict, dataclass

from advisor.board import Board, Count, count
from advisor.reports.wording import NO_EVIDENCE, several
from advisor.reports.wording import count as number


@dataclass(frozen=True)
class Choice:
    """The sums as words, the sentence, and five cells for each restriction: alone, and beside the others."""

    sums: dict[str, str]
    sentence: str
    cells: tuple[tuple[str, ...], ...]


def choice(board: Board) -> Choice:
    """The set that the page opens with: what is on, and what is advised."""
    chosen = [at for at, knob in enumerate(board.knobs) if knob.chosen]
    found, everything = count(board, chosen), sum(attempts for _, _, attempts in board.days)
    return Choice(
        {name: number(value) for name, value in asdict(found).items()},
        _sentence(found, everything),
        tuple(_cells(board, at, chosen, everything) for at in range(len(board.knobs))),
    )


def _sentence(found: Count, everything: int) -> str:
    some = "at least " if found.no_evidence else ""
    parts = (
        f"{number(attempts)} {word} ({several(clients, 'client')})"
        for word, attempts, clients in (
            ("unwanted", found.stopped, found.stopped_clients),
            ("undecided", found.undecided, found.undecided_clients),
            ("wanted", found.hurt, found.hurt_clients),
        )
    )
    unknown = f" Of {number(found.no_evidence)} nobody knows." if found.no_evidence else ""
    return (
        f"Of {number(everything)} accepted attempts this set turns away {some}{', '.join(parts)}; "
        f"it lets {number(found.passed)} pass.{unknown}"
    )


def _cells(board: Board, at: int, chosen: list[int], everything: int) -> tuple[str, ...]:
    """What it stops alone, what only it does, the same of what it hurts, and of how many nobody knows."""
    alone, along, without = (count(board, each) for each in ([at], {*chosen, at}, [one for one in chosen if one != at]))
    unwanted, wanted = (
        any(each.letters[at] != "?" and each.ways[at] == way for each in board.combinations) for way in "uw"
    )
    many = alone.no_evidence > everything / 10
    return (
        _least(alone.stopped, judged=unwanted, bound=many),
        _least(along.stopped - without.stopped, judged=unwanted),
        _least(alone.hurt, judged=wanted, bound=many),
        _least(along.hurt - without.hurt, judged=wanted),
        number(alone.no_evidence),
    )


def _least(value: int, *, judged: bool, bound: bool = False) -> str:
    """Where it could judge none, a zero would say what nobody knows; where it could not judge many, it is a bound."""
    if not value and not judged:
        return NO_EVIDENCE
    return f"≥ {number(value)}" if bound else number(value)
