"""A pruning: what is older than a moment is deleted from a store, for nobody should keep who wrote to whom for ever.

A part from which events were deleted stays, so that its log, met again, is known and nothing comes back. What it keeps
of them is how many lines there were and a digest of their bytes.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from advisor import archive
from advisor.errors import AdvisorError
from advisor.event import ENCODED
from advisor.lock import PATIENCE, locked
from advisor.part import Part, load, unpruned
from advisor.store import parts
from advisor.temporary import Temporary, clear, publish


@dataclass(frozen=True)
class Pruned:
    """What was deleted, or would be: events, and recorded answers of the DNS; and what is left of both."""

    before: datetime
    events: int
    events_left: int
    responses: int
    responses_left: int


def prune(store: Path, before: datetime, *, only_count: bool = False) -> Pruned:
    """Delete the events and the recorded answers from before a moment; only say how many there are with `only_count`.

    Each file is replaced as a whole, so a kill leaves it old or new, and a second run does the rest. AdvisorError where
    there is no store, BusyError where somebody writes to it all the time, UnwritableError where the disk will not.
    """
    with locked(_existing(store), PATIENCE):
        clear(store)
        events = [_prune_part(store, part, before, only_count=only_count) for part in parts(store)]
    with archive.writing(store):
        responses = [archive.keep(path, before, only_count=only_count) for path in archive.files(store)]
    return Pruned(
        before,
        sum(gone for gone, _ in events),
        sum(left for _, left in events),
        sum(gone for gone, _ in responses),
        sum(left for _, left in responses),
    )


def _existing(store: Path) -> Path:
    """The store; AdvisorError where there is none, for the lock would make one."""
    if not parts(store) and not archive.files(store):
        raise AdvisorError(str(store), "is not a store: it holds no events and no answers", "name another --store")
    return store


def _prune_part(store: Path, part: Part, before: datetime, *, only_count: bool) -> tuple[int, int]:
    """Delete from one part; how many events go, and how many stay."""
    limit = round(before.timestamp() * 1_000_000)
    path = store / part.name
    if part.times is None:
        # Lines without any time: they are as old as the file.
        old = path.stat().st_mtime * 1_000_000 < limit
        part_of_old, events = load(path)
        kept = events.slice(0, 0) if old else events
    elif part.times[0] >= limit:
        return 0, load(path, ["offset"])[1].num_rows
    else:
        part_of_old, events = load(path)
        kept = unpruned(events, limit)
    gone = events.num_rows - kept.num_rows
    if gone and not only_count:
        _rewrite(store, _without(part_of_old, kept, limit), kept)
    return gone, kept.num_rows


def _without(part: Part, kept: pa.Table, limit: int) -> Part:
    """What a part says of itself once it holds only these events; its last line is one of the log, too."""
    times = pc.min_max(kept["time"].cast(pa.int64())).as_py()
    return replace(
        part,
        pruned=max(limit, part.pruned or limit),
        times=None if times["min"] is None else (times["min"], times["max"]),
        previous=part.previous if kept.num_rows else "",
    )


def _rewrite(store: Path, part: Part, kept: pa.Table) -> None:
    with Temporary(store, part.name) as file:
        file.write([kept.cast(ENCODED)])
        publish(file.close(part), part)
