"""A watch: looks up who appears in a store while logs are added to it, so that answers are as old as the attempts."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from advisor.archive import FOLDER, Archive, read, writing
from advisor.errors import AdvisorError
from advisor.event import SCHEMA
from advisor.history import History
from advisor.inquiry import Seen
from advisor.part import load
from advisor.plan import Plan
from advisor.question import Question
from advisor.response import Responses
from advisor.store import account, parts
from advisor.survey import Recorded, Tools, survey

PAUSE, POLL = 60.0, 2.0
"""Seconds between two lookups at least, and between two looks at whether the store has changed."""

AGAIN = timedelta(minutes=30)
"""After so long who is still there is looked at again: some questions may have had no answer."""

RECENT = timedelta(hours=2)
"""How far a look goes back: a session may last as long."""


def _utc() -> datetime:
    return datetime.now(UTC)


class StoppedError(AdvisorError):
    """Whoever runs us wants us to stop; what was answered is kept."""


@dataclass(frozen=True)
class _Recent(Question):
    """The question about the last hours of a store, which reads no part that ends before."""

    @cached_property
    def history(self) -> History:
        """The events of the parts that end in these hours."""
        assert self.store is not None
        since = (self.now - RECENT).timestamp() * 1e6
        found = [part for part in parts(self.store) if part.times and part.times[1] >= since]
        events = [load(self.store / part.name)[1] for part in found]
        return History(pa.concat_tables([SCHEMA.empty_table(), *events]), account(found))


class Watch:
    """Looks at a store again and again; what was looked up is not looked up again before it is stale."""

    def __init__(
        self,
        store: Path,
        plan: Plan,
        say: Callable[[str], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Watch a store; `say` is told what is wrong with the resolver and the lists, once."""
        self._store, self._plan, self._say, self._now = store, plan, say, now
        self._archive = Archive(store / FOLDER, now(), time.monotonic)
        self._others: frozenset[tuple[str, int]] | None = None
        self._dns = Responses()
        self._done: dict[object, datetime] = {}
        self._said: set[str] = set()

    def __call__(self, stop: threading.Event) -> None:
        """Look until there is an end to it."""
        before: frozenset[tuple[str, int]] = frozenset()
        while not stop.is_set():
            files = frozenset((path.name, path.stat().st_mtime_ns) for path in self._store.glob("*.parquet"))
            done = None
            try:
                done = self.step(stop) if files != before else None
            except StoppedError:
                return
            except AdvisorError as error:
                self._tell(str(error))
            before = files
            stop.wait(PAUSE if done else POLL)

    def step(self, stop: threading.Event) -> Recorded | None:
        """Look once, and look up who is new; None where nobody is. AdvisorError as survey() raises it."""
        now = self._now()
        self._done = {each: when for each, when in self._done.items() if when >= now - AGAIN}
        hours = RECENT // timedelta(hours=1)
        question = _Recent(store=self._store, since=f"{hours}h", now=now, zone=UTC)
        seen = Seen.of(question.attempts)
        new = self._new(seen)
        if new == Seen():
            return None

        def told(_done: int, _total: int) -> None:
            if stop.is_set():
                raise StoppedError(str(self._store), "the lookup was stopped", "start it again: it goes on from there")

        with writing(self._store):
            if self._others != self._archive.others():
                self._others, self._dns = self._archive.others(), read(self._store)
            try:
                done = survey(new, Tools(self._archive, self._dns, self._now, told), self._plan)
            finally:
                self._archive.save()
        self._done |= dict.fromkeys(_values(new), now)
        for finding in done.findings:
            self._tell(finding)
        return done

    def _new(self, seen: Seen) -> Seen:
        """What of it was not looked up yet."""
        return Seen(
            *(
                tuple(value for value in getattr(seen, each.name) if (each.name, value) not in self._done)
                for each in fields(seen)
            )
        )

    def _tell(self, words: str) -> None:
        if words not in self._said:
            self._said.add(words)
            self._say(words)


def _values(seen: Seen) -> Iterator[object]:
    for each in fields(seen):
        yield from ((each.name, value) for value in getattr(seen, each.name))
