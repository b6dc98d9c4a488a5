"""A pile: rows in batches, as they were found, that are handed out in another order, a slice at a time."""

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from advisor.errors import AdvisorError

Numbers = npt.NDArray[np.int64]
"""Rows, by the order in which they were added."""

SLICE = 1 << 15
"""Rows that are handed out at a time."""

# Attempts of generated logs: 120 bytes instead of 550, for 1.4 us a row, and 0.8 to unpack it.
_PACKED = pa.ipc.IpcWriteOptions(compression="zstd")

HELD = 64 << 20
"""Bytes of packed rows that stay in memory; more wait in a temporary file."""


class _Place(NamedTuple):
    """Where packed rows lie in the file."""

    start: int
    size: int


class Pile:
    """Rows of one schema, which has the columns `source` and `offset`. They are packed while they wait.

    Handing them out costs least where rows that were added together are asked for together.
    """

    def __init__(self, schema: pa.Schema) -> None:
        """Begin with none."""
        self._schema = schema
        self._packed: list[pa.Buffer | _Place | None] = []
        self._held = 0
        self._file: IO[bytes] | None = None
        self._ends: list[int] = []
        self._sources: dict[str, int] = {}
        self._source_of: list[npt.NDArray[np.int32]] = []
        self._offsets: list[Numbers] = []
        self._unpacked: dict[int, pa.RecordBatch] = {}

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Put a batch on top. AdvisorError where there is no room for the temporary file."""
        if not batch.num_rows:
            return
        sources = batch.column("source")
        for source in pc.unique(sources).to_pylist():
            self._sources.setdefault(source, len(self._sources))
        self._source_of.append(pc.index_in(sources, value_set=pa.array([*self._sources], pa.string())).to_numpy())
        self._offsets.append(batch.column("offset").to_numpy())
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema, options=_PACKED) as stream:
            stream.write_batch(batch)
        self._packed.append(self._put_away(sink.getvalue()))
        self._ends.append(len(self) + batch.num_rows)

    def _put_away(self, packed: pa.Buffer) -> pa.Buffer | _Place:
        if self._held + packed.size <= HELD:
            self._held += packed.size
            return packed
        try:
            if self._file is None:
                # It has no name: it goes with the process, however that ends.
                self._file = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the pile
            place = _Place(self._file.seek(0, os.SEEK_END), packed.size)
            self._file.write(packed)
            self._file.flush()
        except OSError as error:
            said = f"cannot be written: {error.strerror or error}"
            raise AdvisorError(
                tempfile.gettempdir(), said, "make room there, or name another folder in TMPDIR"
            ) from error
        return place

    def _packed_at(self, number: int) -> pa.Buffer:
        packed = self._packed[number]
        if not isinstance(packed, _Place):
            return packed
        assert self._file is not None
        return pa.py_buffer(os.pread(self._file.fileno(), packed.size, packed.start))

    def log_order(self, ranks: Mapping[str, int]) -> Numbers:
        """Give the rows in log order: that of their sources, and the offset; those of one line as they were added."""
        if not self._ends:
            return np.zeros(0, np.int64)
        rank_of = np.asarray([ranks[source] for source in self._sources])
        return np.lexsort((np.concatenate(self._offsets), rank_of[np.concatenate(self._source_of)]))

    def take(self, numbers: Numbers, columns: Sequence[str] | None = None) -> pa.RecordBatch:
        """Give some rows, in this order."""
        schema = self._schema if columns is None else pa.schema([self._schema.field(name) for name in columns])
        if not len(numbers):
            return pa.RecordBatch.from_pylist([], schema=schema)
        batch_of = np.searchsorted(self._ends, numbers, "right")
        by_batch = np.argsort(batch_of, kind="stable")
        used = np.unique(batch_of)
        self._unpack(used.tolist(), schema)
        pieces = []
        for number, some in zip(used.tolist(), np.split(by_batch, _turns(batch_of[by_batch])), strict=True):
            batch = self._unpacked[number]
            pieces.append(batch.take(pa.array(numbers[some] - (self._ends[number] - batch.num_rows))))
        if columns is not None:
            self._unpacked = {}
        back = np.empty_like(by_batch)
        back[by_batch] = np.arange(len(by_batch))
        found = pa.Table.from_batches(pieces, schema).combine_chunks().take(pa.array(back))
        (whole,) = found.combine_chunks().to_batches()
        return whole

    def hand_out(self, order: Numbers) -> Iterator[tuple[Numbers, pa.RecordBatch]]:
        """Give rows for good, SLICE at a time in this order, each slice with the numbers of its rows."""
        batch_of = np.searchsorted(self._ends, order, "right")
        left = np.bincount(batch_of, minlength=len(self._ends))
        for start in range(0, len(order), SLICE):
            numbers = order[start : start + SLICE]
            yield numbers, self.take(numbers)
            batches, times = np.unique(batch_of[start : start + SLICE], return_counts=True)
            left[batches] -= times
            for done in batches[left[batches] == 0].tolist():
                self._packed[done] = None
        self._unpacked = {}

    def _unpack(self, numbers: list[int], schema: pa.Schema) -> None:
        """Have these batches at hand, with these columns, and no others."""
        fields = [self._schema.get_field_index(name) for name in schema.names]
        options = pa.ipc.IpcReadOptions(included_fields=fields)
        before, self._unpacked = self._unpacked, {}
        for number in numbers:
            batch = before.get(number)
            if batch is None:
                with pa.ipc.open_stream(self._packed_at(number), options=options) as stream:
                    batch = stream.read_next_batch().select(schema.names)
            self._unpacked[number] = batch


def _turns(values: Numbers) -> Numbers:
    """Where a value is not that of before."""
    return np.flatnonzero(np.diff(values)) + 1
