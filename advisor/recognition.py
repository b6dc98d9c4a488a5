"""A recognition: which source of a store a log is, told by its content, and whether it still is while it is read."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from datetime import tzinfo
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from advisor.draft import Draft, decoded
from advisor.event import VERSION
from advisor.log import Block, Log, Survey, changed
from advisor.part import Origin, Part, Place, unpruned
from advisor.range import cut

_HEAD = 64


def rivals(parts: Iterable[Part], first_line: str) -> dict[str, list[Part]]:
    """Find the sources with this first line, each with its parts in order."""
    found: dict[str, list[Part]] = {}
    for part in sorted(parts, key=lambda part: (len(part.source), part.source, part.start)):
        if part.first_line == first_line:
            found.setdefault(part.source, []).append(part)
    return found


def is_source(log: Log, held: list[Part], survey: Survey, load: Callable[[Part], tuple[pa.Table, tzinfo]]) -> bool:
    """Tell whether a log is the source whose parts are held: the same, grown longer, or an older copy.

    `load` gives the events of a part, and the zone of the log.
    """
    before: Part | None = None
    for part in held:
        if part.end <= survey.length:
            if survey.digests[part.start, part.end] != part.sha256:
                return False
        elif part.start < survey.length:
            previous = before.previous if before is not None and before.end == part.start else ""
            events, zone = load(part)
            draft = Draft(
                Origin(part.source, part.first_line, ""), Place(part.start, part.clock_before, previous), zone
            )
            if not _begins(log, draft, events, Extent(survey.length, part.pruned)):
                return False
        before = part
    return held[0].start < survey.length


class Extent(NamedTuple):
    """How long a log is, and before when the events of the part in which it ends were deleted."""

    length: int
    pruned: int | None


def _begins(log: Log, draft: Draft, events: pa.Table, extent: Extent) -> bool:
    """Tell whether a log that ends within a part says what the events of that part begin with."""
    pieces = log.pieces(draft.start, extent.length)
    found = decoded(draft.add(block) for block in cut(pieces, draft.start, draft.start))
    if extent.pruned is not None:
        found = unpruned(found, extent.pruned)
    return bool(found.equals(events.filter(pc.less(events["offset"], extent.length))))


def begins_as(log: Log, first_line: str) -> bool:
    """Tell whether a log has a first line still, by its sha256."""
    first = log.first_line()
    return first is not None and hashlib.sha256(first[0]).hexdigest() == first_line


def steady(log: Log, origin: Origin, blocks: Iterable[Block]) -> Iterator[Block]:
    """Make sure of each block that it is of the log that we began with: it may be truncated and written anew.

    A packed log is not, and a second reader would disturb the one that unpacks it.
    """
    plain = is_plain(log)
    for block in blocks:
        if plain and not begins_as(log, origin.first_line):
            raise changed(log.name)
        yield block


def is_plain(log: Log) -> bool:
    """Tell whether a log is a file that is what it says, and still there."""
    head = b"".join(log.pieces(0, _HEAD))
    try:
        with log.path.open("rb") as file:
            return file.read(_HEAD) == head
    except OSError:
        # It was renamed or removed, and is not written anew any more.
        return False


def begin(log: Log, origin: Origin, before: Part, zone: tzinfo, full: int) -> tuple[Draft, Part | None]:
    """Begin the part after another, or go on with that if it has not `full` bytes yet, and say so.

    UnreadableError where the log does not hold what the part is of.
    """
    if before.size >= full or before.parser != VERSION:
        return Draft(origin, before.place, zone), None
    draft = Draft.resume(origin, before, zone)
    digest = ""
    for piece in log.pieces(before.start, before.end):
        digest = draft.hash(piece)
    if digest != before.sha256:
        raise changed(log.name)
    return draft, before
