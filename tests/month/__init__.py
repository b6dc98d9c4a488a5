"""A month of one mail server's log, of which it is known who was wanted: `write` makes both; the log never says it."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from advisor.response import Responses
from tests.month.client import Client
from tests.month.log import Log
from tests.month.lookup import responses
from tests.month.population import population
from tests.month.sender import Sender, of_bot

DAYS = 28
LEARNT = 21
"""The days that advice is made of; the week after them tells whether it was right."""
_WEEKEND = 0.2
"""What offices write on a Saturday or Sunday, of what they write on another day (assumed)."""


class Visit(NamedTuple):
    """One message that was brought; `accepted` is False where no recipient was."""

    day: int
    address: str
    wanted: bool
    accepted: bool
    sender: Sender


@dataclass(frozen=True)
class Month:
    """The lines in the order of their time, each with its day from 0; the visits by day; clients by address.

    `responses` are the DNS answers recorded in the days to learn from, and none of later ones.
    """

    lines: tuple[tuple[int, str], ...]
    visits: tuple[Visit, ...]
    clients: dict[str, Client]
    responses: Responses = field(compare=False)

    def text(self, first: int, last: int) -> str:
        """The log of some days, the last one excluded."""
        return "".join(f"{line}\n" for day, line in self.lines if first <= day < last)

    def some(self, first: int, last: int) -> tuple[Visit, ...]:
        """The accepted visits of some days, the last one excluded."""
        return tuple(visit for visit in self.visits if first <= visit.day < last and visit.accepted)


def write(seed: int, size: int) -> Month:
    """Make a month with about `size` wanted clients; the same bytes for the same seed and size."""
    rng = random.Random(f"{seed} {size}")
    clients = population(rng, size)
    log, visits = Log(rng), []
    for client in clients:
        for day in _days(rng, client):
            wanted = rng.random() >= client.spam
            sender = _sender(rng, client, wanted=wanted)
            # Offices write by day, machines at any time.
            hour = rng.gauss(12.5, 3) % 24 if client.office else rng.uniform(0, 23.9)
            accepted = log.receive(day * 86_400 + hour * 3600, client, sender, wanted=wanted)
            visits.append(Visit(day, client.address, wanted, accepted, sender))
        if client.written_to:
            for day in rng.sample(range(DAYS), 3):
                log.submit(day * 86_400 + rng.gauss(11, 2) % 24 * 3600, client)
    visits.sort(key=lambda visit: visit.day)
    known = {client.address: client for client in clients}
    learnt = ((visit.day, known[visit.address], visit.sender) for visit in visits if visit.day < LEARNT)
    return Month(log.lines(), tuple(visits), known, responses(learnt))


def _days(rng: random.Random, client: Client) -> Iterator[int]:
    for day in range(client.first, min(client.last, DAYS - 1) + 1):
        # The first of October 2026 is a Thursday.
        quiet = _WEEKEND if client.office and day % 7 in (2, 3) else 1.0
        if rng.random() < client.daily * quiet:
            yield day


def _sender(rng: random.Random, client: Client, *, wanted: bool) -> Sender:
    """Whose mail it brings this time: a forwarder that of many, and spam that came to it."""
    if not client.others:
        return client.sender
    return rng.choice(client.others) if wanted else of_bot(rng)


def seen(month: Month, first: int, last: int) -> dict[str, Client]:
    """The clients that came on some days, the last one excluded."""
    return {visit.address: month.clients[visit.address] for visit in month.visits if first <= visit.day < last}
