"""A history: all events of some logs or of a store, the account of their lines, and what is to be said about them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from advisor.errors import AdvisorError
from advisor.event import SCHEMA, Coverage
from advisor.part import Draft, Origin, Part, load
from advisor.source import Log, UnreadableError, distinct, expand
from advisor.store import Calendar, account, empty, foreign, in_order, names, parts

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CUSTOMARY = timedelta(minutes=1)


@dataclass(frozen=True)
class History:
    """All events that there are, in log order, the account of all lines, and what there is to say about the logs."""

    events: pa.Table
    coverage: Coverage
    notes: tuple[str, ...] = ()
    bad: tuple[AdvisorError, ...] = ()


class Source(NamedTuple):
    """One log: its name in the store, its last file's name, the hosts and the time it covers."""

    source: str
    log: str
    hosts: tuple[str, ...]
    first: datetime | None
    last: datetime | None
    lines: int


def sources(store: Path) -> list[Source]:
    """List the logs of a store, in log order."""
    return _sources(parts(store))


def _sources(found: Sequence[Part]) -> list[Source]:
    by_source: dict[str, list[Part]] = {}
    for part in found:
        by_source.setdefault(part.source, []).append(part)
    return [
        Source(
            source,
            held[-1].log,
            tuple(sorted({host for part in held for host in part.hosts})),
            min((_EPOCH + timedelta(microseconds=part.times[0]) for part in held if part.times), default=None),
            max((_EPOCH + timedelta(microseconds=part.times[1]) for part in held if part.times), default=None),
            account(held).lines,
        )
        for source, held in by_source.items()
    ]


def overlaps(found: Sequence[Source]) -> list[str]:
    """Say which logs hold the same hours of one host: if one is a copy or a part of another, lines count twice."""
    pairs: dict[tuple[Source, Source], list[str]] = {}
    furthest: dict[str, tuple[datetime, Source]] = {}
    spans = [(each.first, each.last, each) for each in found if each.first is not None and each.last is not None]
    # Of two that begin together the longer comes first, so that the other is part of it.
    for first, last, source in sorted(spans, key=lambda span: (span[0], _EPOCH - span[1])):
        for host in source.hosts:
            end, other = furthest.get(host, (first, None))
            # A line or two out of order where a log was rotated is no overlap.
            if other is not None and (min(last, end) - first > _CUSTOMARY or first < last <= end):
                pairs.setdefault((other, source), []).append(host)
            if other is None or end < last:
                furthest[host] = last, source
    return [_sentence(one, other, hosts) for (one, other), hosts in pairs.items()]


def _sentence(one: Source, other: Source, hosts: list[str]) -> str:
    assert one.last is not None
    assert other.last is not None
    names = ", ".join(hosts[:3]) + (f" and {len(hosts) - 3:,} other hosts" if len(hosts) > 3 else "")
    return (
        f"{one.log} ({one.source}) and {other.log} ({other.source}) both hold lines of {names} "
        f"from {other.first:%Y-%m-%d %H:%M:%S} to {min(one.last, other.last):%Y-%m-%d %H:%M:%S} UTC: "
        "if one is a copy or a part of the other, these lines count twice"
    )


def open_store(store: Path) -> History:
    """Read a store as a whole."""
    loaded = [load(store / part.name) for part in parts(store)]
    found = [part for part, _ in loaded]
    events = pa.concat_tables([SCHEMA.empty_table(), *(table for _, table in loaded)])
    return History(events, account(found), tuple(overlaps(_sources(found))))


def parse_files(paths: Sequence[str | Path], *, year: int | None = None, zone: tzinfo, today: date) -> History:
    """Read logs without a store, their unterminated last lines included; `year` is that of each log's last line."""
    files, notes, faults = distinct(expand(paths))
    calendar = Calendar(zone, today, year)
    drafts: dict[str, Draft] = {}
    bad: list[AdvisorError] = [*faults]
    for path in files:
        try:
            with Log(path) as log:
                draft = _parse(log, calendar, drafts)
                if log.fault is not None:
                    bad.append(log.fault)
                if draft is None and log.fault is None:
                    notes.append(empty(log))
                elif draft is not None and not draft.holds_postfix:
                    notes.append(foreign(log, draft.coverage.lines))
        except UnreadableError as error:
            bad.append(error)
    found = in_order([draft.part() for draft in drafts.values()])
    events = pa.concat_tables([SCHEMA.empty_table(), *(drafts[part.source].events() for part in found)])
    return History(events, account(found), (*notes, *overlaps(_sources(found))), tuple(bad))


def _parse(log: Log, calendar: Calendar, drafts: dict[str, Draft]) -> Draft | None:
    """Read a whole log into a draft of its own; None for an empty log."""
    first = log.first_line()
    if first is None:
        return None
    first_line = hashlib.sha256(first[0]).hexdigest()
    source = next(name for name in names(first_line) if name not in drafts)
    draft = drafts[source] = Draft(Origin(source, first_line, Path(log.name).name), calendar.start(log))
    for block in log.blocks():
        draft.add(block)
    return draft
