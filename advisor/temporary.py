"""A temporary file: a part while it is written, row group after row group, and how it takes its place in the store.

What dies on the way leaves a file under a temporary name, which the next ingest removes.
"""

import base64
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Self

import pyarrow as pa
import pyarrow.parquet as pq

from advisor.depot import Depot, spool
from advisor.draft import Draft
from advisor.errors import AdvisorError
from advisor.event import ENCODED, SCHEMA, Coverage
from advisor.log import Block, UnreadableError
from advisor.part import Part, groups
from advisor.range import ENDLESS, Range, cut

ENDING = ".tmp"
"""How the name of a part ends that is still being written."""

ROWS = 1 << 15
"""Rows of a row group at least, but for the last: a log that grows line by line is not to have a group a line."""

# Measured on generated and lab logs, 38 columns: 0.47 us a row and 18.5 bytes, against 0.83 us and 17.6 bytes with
# zstd and statistics of every column. Offsets and times grow slowly, so their differences are small; min and max of
# other columns let no reader leave out a group, for each holds nearly all words there are.
_GROWING = ("offset", "time")
_SETTINGS: dict[str, Any] = {
    "compression": "snappy",
    "use_dictionary": [name for name in SCHEMA.names if name not in _GROWING],
    "column_encoding": dict.fromkeys(_GROWING, "DELTA_BINARY_PACKED"),
    "write_statistics": list(_GROWING),
    "store_schema": False,
}
_ARROW = "ARROW:schema"


class UnwritableError(AdvisorError):
    """A store that cannot be written to, as when the disk is full; what it holds already stays."""


class Temporary:
    """A part's file under a temporary name, that of this process: row groups go in, and at the end its metadata.

    The file is made when the first of them is full. UnwritableError where the disk will not.
    """

    def __init__(self, store: Path, name: str) -> None:
        """Begin a file for the part of this name."""
        self.store = store
        self.path = store / f".{name}.{os.getpid()}{ENDING}"
        self._file: BinaryIO | None = None
        self._writer: pq.ParquetWriter | None = None
        self._held: list[pa.Table] = []
        self._rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Give it up, unless it was closed."""
        # What fails now fails on a file that nobody wants.
        if self._writer is not None:
            with suppress(OSError):
                self._writer.close()
            # Else it would try once more when it is collected.
            self._writer.is_open = False
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            self.path.unlink(missing_ok=True)

    def write(self, tables: Iterable[pa.Table]) -> None:
        """Add events, which have ENCODED."""
        for table in tables:
            self._held.append(table)
            self._rows += table.num_rows
            if self._rows >= ROWS:
                self._flush()

    def close(self, part: Part) -> Path:
        """Write what is left and the metadata, make sure that it lasts, and say which file it is."""
        self._flush()
        metadata = part.metadata()
        # What Arrow would have stored but for the numbered words: who reads the file gets plain ones.
        schema = SCHEMA.with_metadata(metadata).serialize().to_pybytes()
        with self._opened() as writer:
            writer.add_key_value_metadata({**metadata, _ARROW: base64.b64encode(schema).decode()})
            writer.close()
            assert self._file is not None
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        self._file = None
        return self.path

    def _flush(self) -> None:
        if self._rows:
            table = pa.concat_tables(self._held).unify_dictionaries()
            with self._opened() as writer:
                writer.write_table(table, row_group_size=table.num_rows)
        self._held, self._rows = [], 0

    @contextmanager
    def _opened(self) -> Iterator[pq.ParquetWriter]:
        try:
            if self._file is None:
                self._file = self.path.open("wb")
                self._writer = pq.ParquetWriter(self._file, ENCODED, **_SETTINGS)
            yield self._writer
        except OSError as error:
            raise unwritable(self.store, error) from None


class Written(NamedTuple):
    """A part that has no name yet: its temporary file, what it holds, and what of that is new."""

    temporary: Path
    part: Part
    fresh: Coverage
    holds_postfix: bool


def append(
    store: Path | Depot, draft: Draft, resumed: Part | None, blocks: Iterable[Block], full: int
) -> Iterator[Written]:
    """Write blocks, cut for parts of `full` bytes, from where a draft begins on; `resumed` is the part it goes on with.

    Each part has to be published before the next is asked for.
    """
    blocks = iter(blocks)
    while True:
        with Temporary(spool(store), draft.name) as file:
            if resumed is not None:
                file.write(table.cast(ENCODED) for table in groups(store / resumed.name, resumed))
            for block in blocks:
                file.write([draft.add(block)])
                if draft.size >= full:
                    break
            if not draft.fresh.lines:
                return
            part = draft.part()
            yield Written(file.close(part), part, draft.fresh, draft.holds_postfix)
        if draft.size < full:
            return
        draft, resumed = Draft(draft.origin, draft.place, draft.zone), None


def write(store: Path, found: Range) -> Written | UnreadableError:
    """Write the part that a range is to become; UnreadableError is given where its log was written anew meanwhile."""
    start = found.place.offset
    draft = Draft(found.origin, found.place, found.zone)
    try:
        return next(append(store, draft, None, cut(found.pieces(), start, start), ENDLESS))
    except UnreadableError as error:
        return error


def unwritable(store: Path, error: OSError) -> UnwritableError:
    """Say why a store cannot be written to."""
    what = f"cannot be written: {error.strerror or error}"
    return UnwritableError(str(store), what, "make room or choose another --store; what was ingested stays")


def publish(temporary: Path, part: Part) -> None:
    """Give a finished part its name, so that after a crash the store holds the old one or the new one, whole."""
    store = temporary.parent
    try:
        temporary.rename(store / part.name)
        descriptor = os.open(store, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise unwritable(store, error) from None


def clear(store: Path) -> None:
    """Remove what dead processes left; only while nobody else writes."""
    for stale in store.glob(f".*{ENDING}"):
        stale.unlink(missing_ok=True)
