"""The lock of a store: one writes at a time, and one that dies lets go of it by dying."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from advisor.depot import url
from advisor.errors import AdvisorError

PATIENCE = 5.0
"""Seconds that an ingest waits for another one to finish."""


class BusyError(AdvisorError):
    """A store that another process writes to."""


@contextmanager
def locked(store: Path, patience: float = PATIENCE) -> Iterator[None]:
    """Keep others from writing to a store, which is made if it is not there; BusyError after so many seconds."""
    if (found := url(store)) is not None:
        todo = "choose a folder; only `advisor ingest` writes to an object storage"
        raise AdvisorError(found, "is no folder", todo)
    try:
        store.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (store / ".lock").open("ab")
    except OSError as error:
        what = "is a file" if store.is_file() else f"cannot be written: {error.strerror}"
        raise AdvisorError(str(store), what, "choose another --store, a folder that you may write to") from None
    with lock:
        deadline = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise BusyError(str(store), "another ingest is at work", "wait until it is done") from None
            time.sleep(0.05)
        yield
