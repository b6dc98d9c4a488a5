"""A month of one mail server's log, of which it is known who was wanted: `write` makes both; the log never says it."""

import random
from dataclasses import dataclass

from tests.month.client import Client, population
from tests.month.log import Log

DAYS = 28
LEARNT = 21
"""The days that advice is made of; the week after them tells whether it was right."""


@dataclass(frozen=True)
class Month:
    """The lines in the order of their time, each with its day from 0; the visits (day, address); clients by address."""

    lines: tuple[tuple[int, str], ...]
    visits: tuple[tuple[int, str], ...]
    clients: dict[str, Client]

    def text(self, first: int, last: int) -> str:
        """The log of some days, the last one excluded."""
        return "".join(f"{line}\n" for day, line in self.lines if first <= day < last)


def write(seed: int, size: int) -> Month:
    """Make a month with about `size` wanted clients; the same bytes for the same seed and size."""
    rng = random.Random(f"{seed} {size}")
    log, clients = Log(rng), population(rng, size)
    visits = []
    for client in clients:
        for day in range(DAYS):
            if client.first <= day <= client.last and rng.random() < client.daily:
                visits.append((day, client.address))
                log.receive(day * 86_400 + rng.gauss(12.5, 3) % 24 * 3600, client)
        if client.written_to:
            for day in rng.sample(range(DAYS), 3):
                log.submit(day * 86_400 + rng.gauss(11, 2) % 24 * 3600, client)
    return Month(log.lines(), tuple(visits), {client.address: client for client in clients})


def seen(month: Month, first: int, last: int) -> dict[str, Client]:
    """The clients that came on some days, the last one excluded."""
    return {address: month.clients[address] for day, address in month.visits if first <= day < last}
