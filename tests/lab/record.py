"""A record: what the lab's DNS says to all questions that a log raises, asked as `advisor lookup` asks them."""

import asyncio
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from advisor import blocklist
from advisor.inquiry import Inquiry, Seen
from advisor.question import Question
from advisor.resolver import Patience, Resolver, Server
from advisor.response import Response, Responses, canonical

ADDRESS_LISTS = tuple(
    f"{name}.test"
    for name in (
        "zen.dnsbl",
        "bl.dnsbl",
        "dead.dnsbl",
        "gone.dnsbl",
        "blocked.dnsbl",
        "everybody.dnsbl",
        "parked.dnsbl",
        "list.dnswl",
    )
)
DOMAIN_LISTS = ("dbl.rhsbl.test",)


@cache
def attempts(log: Path) -> pa.Table:
    """The attempts of a lab log, read with the main.cf beside it."""
    return Question((log,), config=log.with_suffix(".main.cf")).attempts


def record(log: Path) -> Responses:
    """Ask the name server of this namespace all that the attempts of a log raise."""
    return asyncio.run(_ask(Seen.of(attempts(log))))


def save(responses: Responses, path: Path) -> None:
    """Keep them as `advisor lookup` does."""
    pq.write_table(responses.table(), path)


@cache
def load(path: Path) -> Responses:
    """Read what `save` wrote; none where nothing was."""
    return Responses.of(pq.read_table(path)) if path.exists() else Responses()


async def _ask(seen: Seen) -> Responses:
    known: dict[tuple[str, str], Response] = {}
    inquiry = Inquiry(seen, lambda name, kind: known.get((canonical(name), kind)))
    waiting = set(_listings(seen))
    places = asyncio.Semaphore(200)
    async with Resolver((Server("127.0.0.1"),), Patience((1.0, 1.0), (0.1,))) as resolver:

        async def ask(query: tuple[str, str]) -> None:
            async with places:
                known[canonical(query[0]), query[1]] = await resolver.ask(*query)

        while waiting := waiting | {(query.name, query.type) for query in inquiry.missing()}:
            await asyncio.gather(*map(ask, waiting))
            waiting = set()
    return Responses(known.values())


def _listings(seen: Seen) -> Iterable[tuple[str, str]]:
    """The questions to the lists, and their tests."""
    for zones, asked in ((ADDRESS_LISTS, seen.clients), (DOMAIN_LISTS, seen.listable)):
        for zone in zones:
            yield from ((test.name, "A") for test in blocklist.tests(zone))
            yield from ((blocklist.question(zone, what), "A") for what in asked)
