"""Events as Parquet: parts, each of which says itself which bytes of which log it holds.

There is no ledger. A part is named after its source and where it starts in that source's uncompressed bytes; its
metadata hold where it ends and the digest of that range, so a log is known again by its content under any name.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

import pyarrow as pa

from advisor.depot import Depot, located
from advisor.errors import AdvisorError
from advisor.event import SCHEMA, Coverage
from advisor.part import Part, describe, stream

_NAME = re.compile(r"[0-9a-f]{16}(\.\d+)?-\d{20}\.parquet")


def names(first_line: str) -> Iterator[str]:
    """Name the sources that begin with this line: the first, the second, ..."""
    yield first_line[:16]
    yield from (f"{first_line[:16]}.{number}" for number in count(1))


def parts(store: Path | Depot) -> list[Part]:
    """Describe the parts of a store, a folder or a URL, in log order."""
    target = located(store)
    try:
        found = [describe(path) for path in target.iterdir() if _NAME.fullmatch(path.name)]
    except OSError as error:
        what = f"is not a store: {error.strerror}"
        raise AdvisorError(str(target), what, "advisor ingest FILE... makes one") from None
    return in_order(found)


def in_order(found: Sequence[Part]) -> list[Part]:
    """Sort by the first time of the source, the source, and the offset; sources without any time come last."""
    first_times: dict[str, int] = {}
    for part in sorted(found, key=lambda part: part.start):
        if part.first_time is not None:
            first_times.setdefault(part.source, part.first_time)
    return sorted(found, key=lambda part: (first_times.get(part.source, sys.maxsize), part.source, part.start))


def account(found: Sequence[Part]) -> Coverage:
    """Account for all lines of some parts."""
    return sum((Coverage.from_dict(part.coverage) for part in found), Coverage())


def batches(
    store: Path | Depot, columns: Sequence[str] = SCHEMA.names, found: Sequence[Part] | None = None
) -> Iterator[pa.RecordBatch]:
    """Read all events in log order, some ten thousand at a time; of these parts, as they were when they were found."""
    target = located(store)
    for part in parts(target) if found is None else found:
        yield from stream(target / part.name, part.end, columns)


def read(store: Path | Depot, columns: Sequence[str] = SCHEMA.names) -> pa.Table:
    """Read all events in log order."""
    return pa.Table.from_batches(batches(store, columns), pa.schema([SCHEMA.field(name) for name in columns]))


def coverage(store: Path | Depot) -> Coverage:
    """Account for all lines ever ingested."""
    return account(parts(store))
