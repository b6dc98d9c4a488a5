"""An archive: the responses of all times, in a folder beside the parts of a store.

A file of it is written anew under a temporary name, synced and renamed, every few seconds while questions are asked:
a kill loses the answers of these seconds, and never an older one.
"""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from advisor.errors import AdvisorError
from advisor.lock import PATIENCE, BusyError, locked
from advisor.response import SCHEMA, Response, Responses
from advisor.temporary import ENDING, UnwritableError, clear

FOLDER = "lookups"
"""Where it is in a store. The store itself knows its parts by their names, and takes no notice of a folder."""

INTERVAL = 3.0
"""Seconds of answers that a kill may lose."""

FULL = 20_000
"""Rows after which a new file is begun: all of a file are written each time."""


def read(store: Path) -> Responses:
    """Read the responses kept in a store, all of them; none where nobody has looked anything up.

    AdvisorError for a file that is damaged.
    """
    responses = Responses()
    for path in files(store):
        for response in Responses.of(_load(path)):
            responses.add(response)
    return responses


def files(store: Path) -> list[Path]:
    """The files of a store that hold responses, oldest first."""
    folder = store / FOLDER
    return sorted(folder.glob("*.parquet")) if folder.is_dir() else []


def keep(path: Path, since: datetime, *, only_count: bool = False) -> tuple[int, int]:
    """Delete from a file what was answered before a moment; how many responses go, and how many stay."""
    table = _load(path)
    kept = table.filter(pc.greater_equal(table["asked_at"], pa.scalar(since, SCHEMA.field("asked_at").type)))
    gone = table.num_rows - kept.num_rows
    if gone and not only_count:
        try:
            if kept.num_rows:
                _write(path, kept)
            else:
                path.unlink()
        except OSError as error:
            raise _unwritable(path.parent, error) from None
    return gone, kept.num_rows


def _load(path: Path) -> pa.Table:
    try:
        # Not a data set: that would take folders and names for columns.
        return pq.ParquetFile(path).read(columns=SCHEMA.names).cast(SCHEMA)
    except (OSError, pa.ArrowException, ValueError) as error:
        what = f"cannot be read: {str(error).partition(chr(10))[0]}"
        raise AdvisorError(str(path), what, "remove it, and look up again what it held") from None


def _unwritable(folder: Path, error: OSError) -> UnwritableError:
    what = f"cannot be written: {error.strerror or error}"
    return UnwritableError(str(folder), what, "make room or choose another --store; the answers of before stay")


class Archive:
    """The files of one run; `clock` counts seconds and never runs backwards."""

    def __init__(self, folder: Path, began: datetime, clock: Callable[[], float]) -> None:
        """Begin a file named after the time, as no other."""
        self.folder = folder
        self._stem = f"{began:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
        self._clock = clock
        self._number = 0
        self._rows: list[Response] = []
        self._unsaved = 0
        self._saved_at = clock()

    def others(self) -> frozenset[tuple[str, int]]:
        """The files that are not ours, and their sizes: what tells that somebody else has looked something up."""
        found = self.folder.glob("*.parquet") if self.folder.is_dir() else ()
        return frozenset((path.name, path.stat().st_size) for path in found if not path.name.startswith(self._stem))

    def add(self, response: Response) -> None:
        """Keep a response; it is on the disk within INTERVAL, if more of them come."""
        self._rows.append(response)
        self._unsaved += 1
        if self._clock() - self._saved_at >= INTERVAL or len(self._rows) >= FULL:
            self.save()

    def save(self) -> None:
        """Write what is not written yet; UnwritableError where the disk will not."""
        if self._unsaved:
            name = f"{self._stem}-{self._number:04}.parquet"
            try:
                _write(self.folder / name, Responses(self._rows).table())
            except OSError as error:
                raise _unwritable(self.folder, error) from None
        self._unsaved, self._saved_at = 0, self._clock()
        if len(self._rows) >= FULL:
            self._rows, self._number = [], self._number + 1


@contextmanager
def opened(store: Path, began: datetime, clock: Callable[[], float], patience: float = PATIENCE) -> Iterator[Archive]:
    """Begin a run's file; what was answered is saved, whatever ends the run.

    BusyError after so many seconds in which another one writes.
    """
    with writing(store, patience):
        archive = Archive(store / FOLDER, began, clock)
        try:
            yield archive
        finally:
            archive.save()


@contextmanager
def writing(store: Path, patience: float = PATIENCE) -> Iterator[None]:
    """Keep others from writing, so that a list's budget is counted once; BusyError after so many seconds."""
    try:
        with locked(store / FOLDER, patience):
            clear(store / FOLDER)
            yield
    except BusyError as error:
        raise BusyError(error.where, "another lookup is at work", "wait until it is done") from None


def _write(path: Path, table: pa.Table) -> None:
    """Put a file in its place all at once, so that it outlasts a crash."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}{ENDING}")
    try:
        with temporary.open("wb") as file:
            pq.write_table(table, file, compression="zstd")
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
