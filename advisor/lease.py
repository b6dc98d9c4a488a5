"""A lease: who may write to a depot, for there are no locks in an object storage.

Leases are numbered objects, each made only if it is not there yet, so that one of those who want it gets it; whether
the storage keeps to that is tried each time, for not all that call themselves S3 do. Who holds the highest number may
write until it is given back or has run out. Who was thought dead and was not finds a higher number after its next part,
and ends with an error; that part does not count where a later one stands for it.
"""

import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from advisor.depot import Depot, Entry, located
from advisor.errors import AdvisorError
from advisor.lock import PATIENCE, BusyError, locked
from advisor.part import Part

TERM = 120.0
"""Seconds after which a lease has run out, unless it was renewed, which each part does."""

_PAUSE = 0.2

# .lease-00000001
_KEY = re.compile(r"\.lease-(?P<number>\d{8})")


class Lease:
    """A lease that we hold."""

    def __init__(self, depot: Depot, number: int) -> None:
        """Hold the lease of this number."""
        self.depot = depot
        self.number = number

    def check(self) -> None:
        """Make sure that it is still ours, and renew it; BusyError where somebody has taken over."""
        if max(_numbers(self.depot)) > self.number:
            todo = "ingest again: what is there already is not added again"
            raise BusyError(str(self.depot), "was taken over by another ingest, for this one was too slow", todo)
        self.depot.write(_key(self.number), _until(TERM))

    def give_back(self) -> None:
        """Let others have it at once."""
        self.depot.write(_key(self.number), b"0")


def _key(number: int) -> str:
    return f".lease-{number:08d}"


def _until(term: float) -> bytes:
    return f"{time.time() + term:.3f}".encode()


def _numbers(depot: Depot) -> list[int]:
    try:
        keys = depot.listing()
    except FileNotFoundError:
        keys = []
    return [0, *(int(found["number"]) for key in keys if (found := _KEY.fullmatch(key)))]


@contextmanager
def leased(depot: Depot, patience: float = PATIENCE) -> Iterator[Lease]:
    """Keep others from writing to a depot; BusyError after so many seconds."""
    deadline = time.monotonic() + patience
    while (lease := _taken(depot)) is None:
        if time.monotonic() >= deadline:
            todo = f"wait until it is done; one that died is forgotten after {TERM:.0f} seconds"
            raise BusyError(str(depot), "another ingest is at work", todo)
        time.sleep(_PAUSE)
    depot.lease = lease
    try:
        yield lease
    finally:
        depot.lease = None
        lease.give_back()


def _taken(depot: Depot) -> Lease | None:
    """Take the lease if nobody has it."""
    numbers = _numbers(depot)
    newest = max(numbers)
    try:
        if newest and float(depot.read(_key(newest))) > time.time():
            return None
    except FileNotFoundError:
        # Somebody has the next one, and has cleared this away.
        return None
    if not depot.create(_key(newest + 1), _until(TERM)):
        return None
    if depot.create(_key(newest + 1), _until(TERM)):
        what = "makes an object anew that is there already, though it was told not to (If-None-Match)"
        raise AdvisorError(str(depot), what, "two ingests at once would do harm: use a folder or another storage")
    for number in sorted(numbers)[1:]:
        depot.remove(_key(number))
    return Lease(depot, newest + 1)


@contextmanager
def writing(store: Path, patience: float = PATIENCE) -> Iterator[Path | Depot]:
    """Keep others from writing to a store, a folder or a URL, which is made if it is not there; give where to write.

    BusyError after so many seconds.
    """
    target = located(store)
    if isinstance(target, Path):
        with locked(target, patience):
            yield target
    else:
        with _own(target.spool), locked(target.spool, patience), leased(target, patience):
            yield target


def hand_over(depot: Depot, temporary: Path, part: Part) -> None:
    """Put a finished part into a depot; BusyError where the lease went to somebody else."""
    assert depot.lease is not None
    try:
        depot.put(temporary, Entry(part.source, part.start, part.end, depot.lease.number))
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def _own(folder: Path) -> Iterator[None]:
    """Make sure that a folder in a place that others may write to is ours alone."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        what = f"cannot be made: {error.strerror}"
        raise AdvisorError(str(folder), what, "set TMPDIR to a folder that you may write to") from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise AdvisorError(str(folder), "is not yours alone", "remove it, or set TMPDIR to another folder")
    yield
