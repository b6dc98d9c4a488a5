"""A quota: how often a list may be asked.

A resolver that asks public lists too much is refused by them, and then Postfix may take their refusals for listings
and turn away all mail. So little is asked by default, and the first refusal is the last question of the day.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from advisor import blocklist
from advisor.response import TEMPORARY, Response, Responses

SILENCE = 5
"""Questions in a row without an answer after which a list is left alone for this run."""

RATE, BUDGET, ORDINARY = 10.0, 5_000, 200.0
"""Questions a second to all lists together; to one list a day; a second about all else."""


@dataclass(frozen=True)
class Limits:
    """How much is asked: `rate` questions a second to the lists, `budget` to each of them a day; 0 is no limit.

    Without a limit to the rate there is none for the other questions either.
    """

    rate: float = RATE
    budget: int = BUDGET

    @property
    def ordinary(self) -> float:
        """Questions a second that go to no list."""
        return max(ORDINARY, self.rate) if self.rate else 0.0


class Pace:
    """Keeps questions apart in time, so that no second sees more of them than a rate allows."""

    def __init__(self, rate: float) -> None:
        """Allow so many a second; 0 is no limit."""
        self._apart = 1 / rate if rate else 0.0
        self._next = 0.0

    async def turn(self) -> None:
        """Wait until the next question may be asked."""
        if self._apart:
            now = asyncio.get_running_loop().time()
            due = max(self._next, now)
            self._next = due + self._apart
            if due > now:
                await asyncio.sleep(due - now)


class Quota:
    """What one list has been asked, and why it is not to be asked any more."""

    def __init__(self, zone: str, budget: int, servers: Sequence[str], today: Callable[[], date]) -> None:
        """Begin with nothing asked; `servers` are those that ask for us, `today` is asked at each question."""
        self.zone = zone
        self.stopped = ""
        self.asked = 0
        self._budget = budget
        self._servers = frozenset(servers)
        self._today = today
        self._spent: Counter[date] = Counter()
        self._silent = 0

    def remember(self, dns: Responses) -> None:
        """Take in what was asked today, by earlier runs too."""
        today, ending = self._today(), f".{self.zone}"
        for response in dns:
            if response.asked_at.date() == today and response.name.endswith(ending):
                self._spent[today] += 1
                if response.type == "A" and response.resolver in self._servers:
                    self._refused(response)

    def left(self) -> int | None:
        """Questions left for today; None where there is no limit."""
        return max(self._budget - self._spent[self._today()], 0) if self._budget else None

    def take(self) -> bool:
        """Take one of them, if there is one and the list may be asked at all."""
        if self.stopped or self.left() == 0:
            return False
        self._spent[self._today()] += 1
        self.asked += 1
        return True

    def give_back(self) -> None:
        """Not ask after all."""
        self._spent[self._today()] -= 1
        self.asked -= 1

    def note(self, response: Response) -> None:
        """Take in an answer, which may be the last one."""
        self._silent = self._silent + 1 if response.status == TEMPORARY else 0
        if self._silent >= SILENCE:
            self.stopped = f"{self.zone} does not answer: {SILENCE} questions in a row; not asked any more in this run"
        self._refused(response)

    def _refused(self, response: Response) -> None:
        wrong = blocklist.refusal(self.zone, response)
        if wrong:
            self.stopped = f"{self.zone} {wrong}; not asked any more on {response.asked_at:%Y-%m-%d} (UTC)"


def utc_day(now: Callable[[], datetime]) -> Callable[[], date]:
    """Today, by a clock of UTC."""
    return lambda: now().date()
