"""A deposit: attempts that wait in a temporary Parquet file until DuckDB asks about them, a column at a time.

A long history has more attempts than fit into memory; what is asked needs a few of their columns.
"""

import tempfile
import weakref
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from advisor.connection import connected
from advisor.errors import AdvisorError

ROWS = 1 << 17
"""Rows of a row group: what is written at a time, and read by one thread."""


class Deposit:
    """Batches of one schema on the disk; the file goes when nobody needs the deposit any more."""

    def __init__(self, batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> None:
        """Write them. AdvisorError where there is no room for the file."""
        held = ExitStack()
        weakref.finalize(self, held.close)
        try:
            folder = held.enter_context(tempfile.TemporaryDirectory(prefix="advisor-"))
            self._path = str(Path(folder) / "attempts.parquet")
            with pq.ParquetWriter(self._path, schema, compression="lz4", write_statistics=["time"]) as writer:
                rows: list[pa.RecordBatch] = []
                for batch in batches:
                    rows.append(batch)
                    if sum(each.num_rows for each in rows) >= ROWS:
                        writer.write_table(pa.Table.from_batches(rows, schema), row_group_size=ROWS)
                        rows = []
                writer.write_table(pa.Table.from_batches(rows, schema), row_group_size=ROWS)
        except OSError as error:
            said = f"attempts cannot be written: {error.strerror or error}"
            raise AdvisorError(
                tempfile.gettempdir(), said, "make room there, or name another folder in TMPDIR"
            ) from error
        self._engine = held.enter_context(connected())

    @property
    def frame(self) -> Any:  # noqa: ANN401 - a relation of DuckDB
        """The rows as a frame of DuckDB, in the order in which they were written; it lives as long as the deposit."""
        return self._engine.read_parquet(self._path)
