"""A survey: asks the DNS what a history raises, no faster than others can bear, and keeps the answers.

Beside advisor.asking nothing in this package asks the network anything.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import zip_longest
from pathlib import Path

from advisor import blocklist
from advisor.archive import Archive, opened, read
from advisor.errors import AdvisorError
from advisor.inquiry import Inquiry, Query, Seen, shuffled
from advisor.mention import public
from advisor.plan import Plan
from advisor.quota import Pace, Quota, utc_day
from advisor.resolver import Resolver, configured
from advisor.response import TEMPORARY, Age, Response, Responses

FLIGHTS, LIST_FLIGHTS = 100, 20
"""Questions under way at once: ordinary ones, and those to lists."""

_TEMPORARY_STALE = timedelta(minutes=15)
_TEST_STALE = timedelta(hours=1)
_TEST_AGAIN = 50
"""Questions to a list after which its test is taken again at the end: it may have turned against us meanwhile."""

_DEAF = 100
"""Questions in a row without any reply after which the resolver has stopped answering."""


Told = Callable[[int, int], object]


def _silent(_done: int, _total: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class ListCount:
    """One list: what it names, how many were to be asked about, of how many there is an answer, and how many it lists.

    `answered` are those with an answer that is believed, today's and earlier ones.
    """

    zone: str
    names: str
    wanted: int
    asked: int
    answered: int
    listed: int
    terms: str


@dataclass(frozen=True)
class Recorded:
    """A lookup, done: questions asked by what became of them, and how many were answered already.

    `findings` tell what is wrong with the resolver or a list, `notes` what is not known for want of answers, `age` how
    old all answers are.
    """

    resolver: str
    asked: Mapping[str, int]
    known: int
    lists: tuple[ListCount, ...]
    findings: tuple[str, ...]
    notes: tuple[str, ...]
    age: Age | None


@dataclass(frozen=True)
class Tools:
    """What a lookup works with.

    `now` tells the time; `progress` is told how many questions are done, and of how many.
    """

    archive: Archive
    dns: Responses
    now: Callable[[], datetime]
    progress: Told = _silent


def look_up(seen: Seen, store: Path, plan: Plan, now: Callable[[], datetime], progress: Told = _silent) -> Recorded:
    """Ask what was seen, and keep the answers in a store; what is answered there already is not asked again.

    `now` tells the time, `progress` is told how many questions are done, and of how many. AdvisorError where the
    resolver does not answer, the disk is full, or another lookup is at work.
    """
    with opened(store, now(), time.monotonic) as archive:
        return survey(seen, Tools(archive, read(store), now, progress), plan)


def survey(seen: Seen, tools: Tools, plan: Plan) -> Recorded:
    """Ask what was seen; AdvisorError where the resolver does not answer or the disk is full."""
    return asyncio.run(_survey(seen, tools, plan))


async def _survey(seen: Seen, tools: Tools, plan: Plan) -> Recorded:
    async with Resolver(plan.servers or configured(), plan.patience, tools.now) as resolver:
        await resolver.check()
        run = _Run(resolver, tools, plan)
        results = await asyncio.gather(run.ordinary(seen), run.lists(seen), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        if run.trouble is not None:
            raise run.trouble
        return run.recorded(seen)


class _Run:
    """One lookup under way."""

    def __init__(self, resolver: Resolver, tools: Tools, plan: Plan) -> None:
        self.resolver, self.tools, self.plan = resolver, tools, plan
        self.trouble: AdvisorError | None = None
        self._began = tools.now()
        self._asked: Counter[str] = Counter()
        self._known: set[tuple[str, str]] = set()
        self._total = 0
        self._pace = Pace(plan.limits.ordinary)
        self._list_pace = Pace(plan.limits.rate)
        servers = [str(server) for server in resolver.servers]
        zones = dict.fromkeys(blocklist.split(zone)[0] for zone in plan.lists)
        today = utc_day(tools.now)
        self._quotas = {zone: Quota(zone, plan.limits.budget, servers, today) for zone in zones}
        for quota in self._quotas.values():
            quota.remember(tools.dns)

    def find(self, name: str, kind: str, since: datetime | None = None) -> Response | None:
        """The answer to a question, where it is new enough; that there was none for the moment grows old sooner."""
        response = self.tools.dns.find(name, kind)
        since = since or self._began - self.plan.stale
        if response is not None and response.status == TEMPORARY:
            since = max(since, self._began - _TEMPORARY_STALE)
        return response if response is not None and response.asked_at >= since else None

    async def ordinary(self, seen: Seen) -> None:
        """Ask what goes to no list: each round raises the questions of the next."""
        inquiry = Inquiry(seen, self._find_counted)
        done: set[Query] = set()
        while not self.trouble:
            queries = [query for query in inquiry.missing() if query not in done]
            if not queries:
                return
            done.update(queries)
            self._total += len(queries)
            await self._spread(queries, FLIGHTS, self._ordinary)

    async def lists(self, seen: Seen) -> None:
        """Ask the lists, once each has passed its test; the clients come in the same random order to all of them."""
        await asyncio.gather(*(self._test(quota, self._began - _TEST_STALE) for quota in self._quotas.values()))
        rows = [
            [Query(blocklist.question(zone, what), "A", zone) for what in self._to_ask(quota, seen)]
            for zone, quota in self._quotas.items()
        ]
        self._total += sum(map(len, rows))
        in_turn = (query for column in zip_longest(*rows) for query in column if query is not None)
        await self._spread(in_turn, LIST_FLIGHTS if self.plan.limits.rate else FLIGHTS, self._of_list)
        tested = [quota for quota in self._quotas.values() if quota.asked >= _TEST_AGAIN and not self.trouble]
        await asyncio.gather(*(self._test(quota, None) for quota in tested))

    def recorded(self, seen: Seen) -> Recorded:
        """What became of it."""
        counts = [self._count(quota, seen) for quota in self._quotas.values()]
        servers = ", ".join(map(str, self.resolver.servers))
        findings, notes = tuple(dict.fromkeys(self._findings())), tuple(self._notes(counts))
        return Recorded(
            servers, dict(self._asked), len(self._known), tuple(counts), findings, notes, self.tools.dns.age()
        )

    def _find_counted(self, name: str, kind: str) -> Response | None:
        found = self.find(name, kind)
        if found is not None and found.asked_at < self._began:
            self._known.add((name, kind))
        return found

    async def _spread(self, queries: Iterable[Query], flights: int, ask: Callable[[Query], Awaitable[None]]) -> None:
        """Have so many of the questions under way at once, until they are done or there is trouble."""
        left: Iterator[Query] = iter(queries)

        async def work() -> None:
            for query in left:
                if self.trouble is not None:
                    return
                try:
                    await ask(query)
                except AdvisorError as error:
                    self.trouble = error

        await asyncio.gather(*(work() for _ in range(flights)))

    async def _ask(self, query: Query) -> Response:
        resolver = self.resolver
        response = await resolver.ask(query.name, query.type)
        self.tools.dns.add(response)
        self.tools.archive.add(response)
        self._asked[response.status] += 1
        self.tools.progress(sum(self._asked.values()), self._total)
        if resolver.unheard >= _DEAF:
            names = ", ".join(map(str, resolver.servers))
            raise AdvisorError(names, "does not answer any more", "look up again later: what was answered is kept")
        return response

    async def _ordinary(self, query: Query) -> None:
        await self._pace.turn()
        await self._ask(query)

    async def _of_list(self, query: Query) -> None:
        quota = self._quotas[query.zone]
        if not quota.take():
            return
        await self._list_pace.turn()
        if quota.stopped or self.trouble:
            quota.give_back()
            return
        quota.note(await self._ask(query))

    async def _test(self, quota: Quota, since: datetime | None) -> None:
        """Ask for the test points, where the answers are older than a time; of an unknown list, those of domains first.

        A list that passes them is one of domains, and is never asked for an address.
        """
        for kind in (blocklist.DOMAINS, blocklist.ADDRESSES):
            points = [point for point in blocklist.tests(quota.zone) if point.names == kind]
            old = [point for point in points if since is None or self.find(point.name, "A", since) is None]
            queries = [Query(point.name, "A", quota.zone) for point in old]
            self._total += len(queries)
            await self._spread(queries, 1, self._of_list)
            if points and blocklist.believed(self.tools.dns, quota.zone, None, kind):
                return

    def _subjects(self, zone: str, seen: Seen) -> Sequence[str]:
        """What a list is asked about: that for which it passed its test, or that which it is known to name."""
        kind = self._names(zone)
        return {blocklist.ADDRESSES: seen.clients, blocklist.DOMAINS: seen.listable, "": ()}[kind]

    def _names(self, zone: str) -> str:
        found = blocklist.known(zone)
        if found is not None:
            return found.names
        kinds = (blocklist.DOMAINS, blocklist.ADDRESSES)
        return next((kind for kind in kinds if blocklist.believed(self.tools.dns, zone, None, kind)), "")

    def _to_ask(self, quota: Quota, seen: Seen) -> list[str]:
        if not blocklist.believed(self.tools.dns, quota.zone, None, self._names(quota.zone) or None):
            return []
        order = shuffled(self._subjects(quota.zone, seen), self.plan.seed)
        names = {what: blocklist.question(quota.zone, what) for what in order}
        new = [what for what in order if self._find_counted(names[what], "A") is None]
        return new[: quota.left()]

    def _count(self, quota: Quota, seen: Seen) -> ListCount:
        subjects = self._subjects(quota.zone, seen)
        answers = Counter(blocklist.listed(self.tools.dns, quota.zone, what)[0] for what in subjects)
        known = blocklist.known(quota.zone)
        return ListCount(
            quota.zone,
            self._names(quota.zone),
            len(subjects),
            quota.asked,
            answers[True] + answers[False],
            answers[True],
            known.terms if known else blocklist.Blocklist(quota.zone, "").terms,
        )

    def _findings(self) -> Iterator[str]:
        """What is wrong with the resolver and the lists."""
        yield from public(self.resolver.servers)
        for quota in self._quotas.values():
            wrong = blocklist.findings(self.tools.dns, quota.zone)
            yield from wrong or filter(None, [quota.stopped])

    def _notes(self, counts: Sequence[ListCount]) -> Iterator[str]:
        """What is not known for want of answers."""
        for quota, count in zip(self._quotas.values(), counts, strict=True):
            if count.answered < count.wanted and quota.left() == 0:
                yield (
                    f"{quota.zone} has answered for {count.answered:,} of {count.wanted:,} {count.names}, a random "
                    f"sample (seed {self.plan.seed}): its budget of {self.plan.limits.budget:,} questions a day is "
                    "spent; look up again tomorrow for more"
                )
        if failed := self._asked[TEMPORARY]:
            yield f"{failed:,} of {sum(self._asked.values()):,} questions got no answer for the moment: no evidence yet"
        if self.resolver.ignored:
            yield f"{self.resolver.ignored:,} packets answered no question of ours, and were ignored"
