"""Asking: the questions that `advisor system --ask` puts to a resolver, and what that tells of the resolver itself.

This is the one part of the command that uses the network, and only when told to.
"""

import asyncio
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from advisor import blocklist
from advisor.checkup import FIX, NOTE, OK, UNKNOWN, Checkup
from advisor.errors import AdvisorError
from advisor.outside import Identity, missing
from advisor.resolver import Patience, Resolver, Server
from advisor.response import TEMPORARY, Response, Responses

PATIENCE = Patience()
_ROUNDS = 25
"""Rounds of questions at most: SPF may follow ten includes, each with its own."""
_FLIGHTS = 10
_SLOW = 1.0
"""Seconds beyond which half the answers make mail wait."""


@dataclass(frozen=True)
class Asked:
    """What a resolver said: all answers, how many seconds each took, and why it could not be asked ('': it could)."""

    resolver: str
    dns: Responses
    seconds: tuple[float, ...] = ()
    error: str = ""
    lists: tuple[str, ...] = ()


def ask(
    me: Identity,
    lists: Sequence[str],
    servers: Sequence[Server],
    patience: Patience = PATIENCE,
    timer: Callable[[], float] = time.monotonic,
) -> Asked:
    """Ask about a server and the test points of blocklists; nothing is kept, and no error is raised for silence."""
    return asyncio.run(_ask(me, lists, servers, patience, timer))


async def _ask(
    me: Identity, lists: Sequence[str], servers: Sequence[Server], patience: Patience, timer: Callable[[], float]
) -> Asked:
    named, dns, seconds = ", ".join(map(str, servers)), Responses(), []
    turns = asyncio.Semaphore(_FLIGHTS)

    async def one(resolver: Resolver, name: str, kind: str) -> Response:
        async with turns:
            began = timer()
            response = await resolver.ask(name, kind)
            seconds.append(timer() - began)
            return response

    try:
        async with Resolver(servers, patience) as resolver:
            await resolver.check()
            wanted = [(test.name, "A") for zone in lists for test in blocklist.tests(zone)]
            for _ in range(_ROUNDS):
                wanted += missing(me, dns)
                if not wanted:
                    break
                for response in await asyncio.gather(*(one(resolver, *each) for each in dict.fromkeys(wanted))):
                    dns.add(response)
                wanted = []
    except AdvisorError as error:
        return Asked(named, Responses(), (), error.what, tuple(lists))
    return Asked(named, dns, tuple(seconds), "", tuple(lists))


def checkups(asked: Asked, machine_todo: Sequence[str] = ()) -> Iterator[Checkup]:
    """What the answers tell of the resolver: whether it answers, how fast, and whether blocklists refuse it."""
    if asked.error:
        why = "without it no name is found, no blocklist asked, and mail is deferred"
        yield Checkup(FIX, 8, "resolver.answers", f"{asked.resolver} {asked.error}", why, tuple(machine_todo))
        return
    median = statistics.median(asked.seconds)
    lost = sum(response.status == TEMPORARY for response in asked.dns)
    said = f"{asked.resolver} answered {len(asked.seconds) - lost} of {len(asked.seconds)} questions"
    if lost == len(asked.seconds):
        yield Checkup(FIX, 8, "resolver.answers", said, "it replies, but finds nothing", tuple(machine_todo))
        return
    speed = f"{said}, half of them within {median * 1000:,.0f} ms"
    if median > _SLOW:
        yield Checkup(NOTE, 8, "resolver.answers", speed, "each mail waits for several of them", tuple(machine_todo))
    else:
        yield Checkup(OK, 8, "resolver.answers", speed)
    for zone in asked.lists:
        yield _list(asked, zone, machine_todo)


def _list(asked: Asked, zone: str, machine_todo: Sequence[str]) -> Checkup:
    label = "resolver.blocklists"
    wrong = "; ".join(blocklist.findings(asked.dns, zone))
    if blocklist.refused(asked.dns, zone):
        why = "Postfix without a filter takes such an answer for a listing, and refuses mail"
        return Checkup(FIX, 8, label, wrong, why, tuple(machine_todo))
    if wrong:
        return Checkup(UNKNOWN, 8, label, wrong, "whether it refuses this resolver or is gone cannot be told")
    if blocklist.believed(asked.dns, zone):
        return Checkup(OK, 8, label, f"{zone} passes its test (RFC 5782)")
    return Checkup(UNKNOWN, 8, label, f"{zone} does not answer", "no evidence from it")
