"""A mention: what one list says of one name or address, asked now."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from advisor import blocklist
from advisor.plan import Plan
from advisor.quota import Pace
from advisor.resolver import Resolver, Server, configured
from advisor.response import Response, Responses


@dataclass(frozen=True)
class Mention:
    """What one list says: `listed` is True, False, or None for no evidence, and `why` then says why not."""

    zone: str
    names: str
    listed: bool | None
    values: tuple[str, ...] = ()
    reason: str = ""
    why: str = ""


@dataclass(frozen=True)
class Named:
    """Which lists name a name or address: `resolver` was asked, `findings` are what is odd about it."""

    name: str
    resolver: str
    lists: tuple[Mention, ...]
    findings: tuple[str, ...]


def named(what: str, plan: Plan) -> Named:
    """Ask each list about a name or address, now; nothing is kept of it.

    AdvisorError where the name server does not answer.
    """

    async def asked() -> tuple[Mention, ...]:
        async with Resolver(servers, plan.patience) as resolver:
            return await mentions(what, plan.lists, resolver, plan.limits.rate)

    servers = plan.servers or configured()
    return Named(what, ", ".join(map(str, servers)), asyncio.run(asked()), tuple(public(servers)))


async def mentions(what: str, lists: Sequence[str], resolver: Resolver, rate: float) -> tuple[Mention, ...]:
    """Ask each list (a zone, with a filter or without) about a name or address, so many questions a second.

    AdvisorError where the name server does not answer.
    """
    await resolver.check()
    asker = _Asker(what, resolver, Pace(rate))
    return tuple(await asyncio.gather(*(asker.mention(text) for text in lists)))


class _Asker:
    """Asks about one name or address."""

    def __init__(self, what: str, resolver: Resolver, pace: Pace) -> None:
        self._what, self._resolver, self._pace = what, resolver, pace
        self._kind = blocklist.names(what)
        self._dns = Responses()

    async def mention(self, text: str) -> Mention:
        """Test a list, and ask it if it passes."""
        zone = blocklist.split(text)[0]
        names = await self._names(zone)
        if names != self._kind:
            return Mention(zone, names, None, why=f"not asked: it names {names}")
        await self._test(zone, names)
        if not blocklist.believed(self._dns, zone, None, names):
            return Mention(zone, names, None, why="; ".join(blocklist.findings(self._dns, zone, None, names)))
        name = blocklist.question(zone, self._what)
        response = await self._ask(name, "A")
        listed, _ = blocklist.listed(self._dns, text, self._what)
        if listed is None:
            why = blocklist.refusal(zone, response) or "does not answer"
            return Mention(zone, names, None, response.values, why=why)
        told = await self._ask(name, "TXT") if listed else None
        return Mention(zone, names, listed, response.values, " / ".join(told.values if told else ()))

    async def _names(self, zone: str) -> str:
        """What a list names; one that we do not know and that passes as one of domains is asked for no address."""
        known = blocklist.known(zone)
        if known is not None or self._kind == blocklist.DOMAINS:
            return known.names if known else self._kind
        await self._test(zone, blocklist.DOMAINS)
        domains = blocklist.believed(self._dns, zone, None, blocklist.DOMAINS)
        return blocklist.DOMAINS if domains else blocklist.ADDRESSES

    async def _test(self, zone: str, kind: str) -> None:
        """Ask for the test points; after a refusal for nothing more."""
        for point in blocklist.tests(zone):
            if point.names == kind and not blocklist.refused(self._dns, zone):
                await self._ask(point.name, "A")

    async def _ask(self, name: str, kind: str) -> Response:
        await self._pace.turn()
        response = await self._resolver.ask(name, kind)
        self._dns.add(response)
        return response


def public(servers: Sequence[Server]) -> Iterator[str]:
    """Say where a name server serves everybody: lists refuse it, or answer it with errors."""
    for server in servers:
        if server.operator:
            yield (
                f"{server} is {server.operator}, a public resolver: most lists refuse it; "
                "run one of your own, and name it with --resolver"
            )
