"""A bcc: the copy of a message that always_bcc or a bcc map adds, which no client asked for."""

from collections import Counter
from collections.abc import Sequence

from advisor.session import Row

BLIND = 0.95
"""An address that is in so great a share of all messages, and seldom alone, gets blind copies."""
ENOUGH = 20
"""Messages; of fewer nobody can tell."""


class Copies:
    """Tells copies from recipients, once all messages were seen: delivery lines look the same for both."""

    def __init__(self) -> None:
        """Begin without a message."""
        self._messages: Counter[str] = Counter()
        self._seen: Counter[tuple[str, str]] = Counter()
        self._together: Counter[tuple[str, str]] = Counter()
        self._doubts: list[tuple[Sequence[Row], Sequence[Row], int | None]] = []

    def saw(self, host: str, addresses: Sequence[str]) -> None:
        """Count a message by the addresses that it was delivered to."""
        self._messages[host] += bool(addresses)
        for address in addresses:
            self._seen[host, address] += 1
            self._together[host, address] += len(addresses) > 1

    def suspect(self, rows: Sequence[Row], guessed: Sequence[Row], surplus: int | None = None) -> None:
        """Remember that `guessed`, of these attempts of one session, hold this many copies; None: nobody counted."""
        if guessed and len(rows) > 1:
            self._doubts.append((rows, guessed, surplus))

    def found(self) -> set[int]:
        """The id() of each attempt that is none, but a copy.

        Whoever gets most mail together with others goes first, and of those the one named last: Postfix adds copies
        behind the recipients. Each message keeps one recipient.
        """
        copies: set[int] = set()
        for rows, guessed, surplus in self._doubts:
            left = Counter(row["message"] for row in rows)
            chosen = list(reversed(guessed)) if surplus is not None else [row for row in guessed if self._blind(row)]
            chosen.sort(key=lambda row: -self._together[_key(row)])
            most = len(copies) + (len(chosen) if surplus is None else surplus)
            for row in chosen:
                if left[row["message"]] > 1 and len(copies) < most:
                    left[row["message"]] -= 1
                    copies.add(id(row))
        return copies

    def _blind(self, row: Row) -> bool:
        key = _key(row)
        seen = self._seen[key]
        enough = seen >= ENOUGH and seen >= BLIND * self._messages[key[0]]
        return enough and self._together[key] >= BLIND * seen


def _key(row: Row) -> tuple[str, str]:
    return row["host"], (row["recipient"] or "").lower()
