"""A bcc: the copy of a message that always_bcc or a bcc map adds, which no client asked for."""

from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from advisor.record import Record, instance_of
from advisor.session import Row

BLIND = 0.95
"""An address that is in so great a share of all messages, and seldom alone, gets blind copies."""
ENOUGH = 20
"""Messages; of fewer nobody can tell."""

_UNCOUNTED = -1

Server = tuple[str, str]
"""A host and an instance of Postfix on it: each has settings of its own."""


class _Guess(NamedTuple):
    """An attempt that may be a copy: its number, its message and how many attempts that has, its address."""

    row: int
    message: int
    size: int
    address: int


class Copies:
    """Tells copies from recipients, once all messages were seen: delivery lines look the same for both.

    What it keeps of a message are numbers: with always_bcc there is a doubt about each. `passed` is how many attempts
    there were before those of the present session.
    """

    def __init__(self) -> None:
        """Begin without a message."""
        self._messages: Counter[Server] = Counter()
        self._numbers: dict[tuple[Server, str], int] = {}
        self._seen = array("q")
        self._together = array("q")
        self._guesses = array("q")
        self._doubts = array("q")
        self.passed = 0

    def saw(self, first: Record, addresses: Sequence[str]) -> None:
        """Count a message, which begins with this line, by the addresses that it was delivered to."""
        server = first.host, first.instance
        self._messages[server] += bool(addresses)
        for address in addresses:
            number = self._number(server, address)
            self._seen[number] += 1
            self._together[number] += len(addresses) > 1

    def suspect(self, rows: Sequence[Row], guessed: Sequence[Row], surplus: int | None = None) -> None:
        """Remember that `guessed`, of the first attempts of a session, hold so many copies; None: nobody counted."""
        if not guessed or len(rows) == 1:
            return
        places = {id(row): self.passed + place for place, row in enumerate(rows)}
        sizes = Counter(row["message"] for row in rows)
        messages = {message: number for number, message in enumerate(sizes)}
        for row in guessed:
            name = row["message"]
            address = self._number(_server(row), (row["recipient"] or "").lower())
            self._guesses.extend(_Guess(places[id(row)], messages[name], sizes[name], address))
        self._doubts.extend((len(guessed), _UNCOUNTED if surplus is None else surplus))

    def found(self) -> set[int]:
        """The number of each attempt that is none, but a copy.

        Whoever gets most mail together with others goes first, and of those the one named last: Postfix adds copies
        behind the recipients. Each message keeps one recipient.
        """
        blind = self._blind()
        copies: set[int] = set()
        for guessed, surplus in self._each():
            left = {guess.message: guess.size for guess in guessed}
            counted = surplus != _UNCOUNTED
            chosen = guessed[::-1] if counted else [guess for guess in guessed if guess.address in blind]
            chosen.sort(key=lambda guess: -self._together[guess.address])
            most = len(copies) + (surplus if counted else len(chosen))
            for guess in chosen:
                if left[guess.message] > 1 and len(copies) < most:
                    left[guess.message] -= 1
                    copies.add(guess.row)
        return copies

    def _each(self) -> Iterator[tuple[list[_Guess], int]]:
        width, at = len(_Guess._fields), 0
        for doubt in range(0, len(self._doubts), 2):
            count, surplus = self._doubts[doubt : doubt + 2]
            numbers = self._guesses[at : at + count * width]
            yield [_Guess(*numbers[one : one + width]) for one in range(0, len(numbers), width)], surplus
            at += count * width

    def _number(self, server: Server, address: str) -> int:
        number = self._numbers.setdefault((server, address), len(self._seen))
        if number == len(self._seen):
            self._seen.append(0)
            self._together.append(0)
        return number

    def _blind(self) -> frozenset[int]:
        return frozenset(
            number
            for (server, _), number in self._numbers.items()
            if (seen := self._seen[number]) >= max(ENOUGH, BLIND * self._messages[server])
            and self._together[number] >= BLIND * seen
        )


def _server(row: Row) -> Server:
    return row["host"], instance_of(row["syslog_name"])
