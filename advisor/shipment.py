"""A shipment: an ingestion whose logs are read by a cluster; what the store holds afterwards is the same.

The logs have to be in folders that all machines of the cluster share, under the same path, and so has a store that is
a folder. The workers make parts under temporary names; names are given here, under the store's lock. So what outlives
a killed driver harms nothing, and a second run adds what the first did not come to.
"""

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, tzinfo
from pathlib import Path
from typing import Any
from uuid import uuid4

from advisor import ingestion, spool
from advisor.cluster import each
from advisor.depot import spool as spool_of
from advisor.errors import AdvisorError
from advisor.ingestion import Calendar, Ingested, Run
from advisor.lease import writing
from advisor.lock import PATIENCE
from advisor.log import Log
from advisor.part import Origin, Place
from advisor.range import ENDLESS, Range
from advisor.source import expand, is_journal
from advisor.split import Made, Pending, Split, read
from advisor.temporary import ENDING, UnwritableError, clear, write
from advisor.worker import Progress, Work

_UNREAD = -1
"""The descriptor of a log that is yet to be laid out."""

_WAVES = 4
"""Splits that are given out at a time for each core: enough to keep all at work, few enough to be lost at once."""


def ship(  # noqa: PLR0913 - as advisor.ingestion.ingest, and the cluster
    session: Any,  # noqa: ANN401 - a SparkSession
    paths: Sequence[str | Path],
    store: Path,
    *,
    year: int | None = None,
    zone: tzinfo,
    today: date,
    progress: Progress | None = None,
) -> Ingested:
    """Add the lines of logs that the store does not hold yet, read by a cluster (advisor.cluster.connected).

    All else is as in advisor.ingestion.ingest. AdvisorError where the job came to nothing; what was added stays.
    """
    names = [path for path in paths if not is_journal(path)]
    files = expand(names)
    with writing(store, PATIENCE) as target:
        work = Work.of(files, progress)
        work.large = True
        run = _Run(session, target, Calendar(zone, today, year), work)
        run.read(files)
        if len(names) < len(paths):
            run.read_journal()
        # Of a task that was done twice one file is left over.
        clear(spool_of(target))
    return run.ingested(len(files) + (len(names) < len(paths)))


class _Run(Run):
    """An ingest at work whose ranges go to a cluster."""

    def __init__(self, session: Any, store: Any, calendar: Calendar, work: Work) -> None:  # noqa: ANN401 - a SparkSession; as in Run
        super().__init__(store, calendar, work)
        self._session = session
        self._wave = _WAVES * session.sparkContext.defaultParallelism
        self._path = Path()

    def _plan(self, path: Path) -> Iterator[Range | None]:
        self._path = path
        yield from super()._plan(path)

    def _add(self, log: Log, origin: Origin, gap: ingestion._Gap) -> Iterator[Range]:
        """Leave a log that is new to a worker; of one that is known, its new ranges if it is plain."""
        new = gap.before is None and gap.stop == ENDLESS
        if new and spool.name(self._path) is None:
            unread = Place(0, (self.calendar.today.year, None))
            yield Range(origin, unread, ENDLESS, self.calendar.zone, os.getpid(), _UNREAD, of_log=True)
        else:
            yield from super()._add(log, origin, gap)

    def _work(self, plan: Iterable[Range | None]) -> None:
        """Give out splits in waves; None in the plan waits until all before it are done."""
        splits: deque[Split] = deque()
        for found in plan:
            if found is not None and (not found.of_log or spool.name(self._path) is not None):
                self._write_here(found)
            elif found is not None:
                splits.append(self._split(found))
            while splits and (found is None or len(splits) >= self._wave):
                self._do(splits)
        while splits:
            self._do(splits)

    def _write_here(self, found: Range) -> None:
        """Read what no other machine has: standard input, and what was unpacked here."""
        written = write(spool_of(self.store), found)
        found.close()
        if isinstance(written, AdvisorError):
            self.bad.append(written)
        else:
            self._take(written)
        self.work.add(found.stop - found.place.offset)

    def _split(self, found: Range) -> Split:
        unread = found.descriptor == _UNREAD
        if not unread:
            found.close()
        return Split(
            str(self._path.absolute()),
            found.origin,
            None if unread else found.place,
            found.stop,
            self.calendar,
            ingestion.PART,
            str(self.store.absolute()) if isinstance(self.store, Path) else None,
        )

    def _do(self, splits: deque[Split]) -> None:
        """Have one wave done: what was laid out comes back as splits, before those that wait."""
        wave = [splits.popleft() for _ in range(min(self._wave, len(splits)))]
        laid = []
        for split, result in each(self._session, read, wave):
            if isinstance(result, Split):
                laid.append(result)
            elif isinstance(result, Made):
                self._name(result)
            elif isinstance(result, Pending):
                self.pending.append(split.path)
            elif isinstance(result, UnwritableError):
                raise result
            else:
                self.bad.append(result)
        splits.extendleft(reversed(laid))

    def _name(self, made: Made) -> None:
        """Give a part its name."""
        written = made.written
        if made.data is not None:
            here = spool_of(self.store) / f".{written.part.name}.{uuid4().hex}{ENDING}"
            here.write_bytes(made.data)
            written = written._replace(temporary=here)
        elif not written.temporary.exists():
            what = "is not the folder in which the cluster's workers make parts"
            raise AdvisorError(
                str(self.store), what, "put it where all machines find it under this path, or name a URL"
            )
        self._take(written)
        self.work.add(written.part.size)
