"""Workers: processes that each parse a range of a log, and send back what became of it.

They hold nothing of the store's: what they wrote is given its name by the process that started them, and they die
with it.
"""

import ctypes
import gc
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Generic, Protocol, Self, TypeVar

from advisor.errors import AdvisorError
from advisor.log import Block

LARGE = 64 << 20
"""Bytes of logs below which no process is started: it would cost more than it saves."""

MOST = 8
"""Workers; more would wait for the process that reads the log for them."""

_PR_SET_PDEATHSIG = 1

_PACKED = (".gz", ".bz2", ".xz", ".zst")
_PACKING = 10
"""About how many times shorter a packed log is."""

Progress = Callable[[int, int | None], None]
"""Is told the bytes of log that are done, and how many there are where that is known."""

Result = TypeVar("Result")


class Task(Protocol):
    """What a process is to work on; whoever gave it out closes it when that is done."""

    def close(self) -> None:
        """Give up what it holds."""


Given = TypeVar("Given", bound=Task)


class Work:
    """How much there is to do, whether it is worth several processes, and who is told how far it is."""

    def __init__(self, total: int | None = None, *, large: bool = False, progress: Progress | None = None) -> None:
        """Begin; `total` is the bytes of log where they are known."""
        self.total = total
        self.large = large
        self.progress = progress
        self.done = 0

    @classmethod
    def of(cls, files: Sequence[Path], progress: Progress | None = None) -> "Work":
        """See how much some files hold."""
        sizes = [(path.stat().st_size if path.exists() else 0, path.suffix in _PACKED) for path in files]
        weight = sum(size * _PACKING if packed else size for size, packed in sizes)
        total = None if any(packed for _, packed in sizes) else weight
        return cls(total, large=weight > LARGE and count() > 1, progress=progress)

    def add(self, done: int) -> None:
        """Count bytes that are done."""
        self.done += done
        if self.progress is not None and done:
            self.progress(self.done, self.total)

    def counted(self, blocks: Iterable[Block]) -> Iterator[Block]:
        """Count blocks as they are read."""
        for block in blocks:
            yield block
            self.add(len(block.data))


def died(name: str) -> AdvisorError:
    """Say of a log that a process died of it."""
    return AdvisorError(name, "a process that read it was killed", "is memory short? read it again when there is more")


def count() -> int:
    """How many workers are of use on this machine; one is none."""
    return min(len(os.sched_getaffinity(0)), MOST)


def each(
    work: Callable[[Given], Result], tasks: Iterable[Given | None], *, warm: bool = False
) -> Generator[tuple[Given, Result | None], None, None]:
    """Do some work in processes, such as on ranges of a log, and give the results in the order of the tasks.

    A None among the tasks holds back those after it until all before it are done. The result is None where the
    process died, and died again when it had no other beside it: memory was short. What `work` raises is raised here.
    `warm` processes are started before the first task is there.
    """
    with _Pool(work) as pool:
        if warm:
            pool.warm()
        for found in tasks:
            if found is not None:
                pool.submit(found)
            while len(pool.flying) > (0 if found is None else count()):
                yield pool.land()
        while pool.flying:
            yield pool.land()


class _Pool(Generic[Given, Result]):
    """The processes, others in their place where one has died, and what they are at work on."""

    def __init__(self, work: Callable[[Given], Result]) -> None:
        self.flying: deque[tuple[Given, Future[Result]]] = deque()
        self._work = work
        self._executor: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)
        for found, _ in self.flying:
            found.close()

    def warm(self) -> None:
        """Start the processes."""
        self._executor = _executor(count())
        with _without_main(), suppress(BrokenProcessPool):
            self._executor.submit(_ready)

    def submit(self, found: Given) -> None:
        """Hand a task to the next process that is free."""
        self._executor = self._executor or _executor(count())
        try:
            with _without_main():
                self.flying.append((found, self._executor.submit(self._work, found)))
        except BrokenProcessPool:
            self._executor = None
            self.submit(found)

    def land(self) -> tuple[Given, Result | None]:
        """Wait for the first task."""
        found, future = self.flying[0]
        try:
            result: Result | None = future.result()
        except BrokenProcessPool:
            self._executor = None
            result = self._alone(found)
        self.flying.popleft()
        found.close()
        return found, result

    def _alone(self, found: Given) -> Result | None:
        """Try a task once more, with no other process beside."""
        with _executor(1) as executor:
            with _without_main():
                future = executor.submit(self._work, found)
            try:
                return future.result()
            except BrokenProcessPool:
                return None


def _executor(processes: int) -> ProcessPoolExecutor:
    # Arrow's threads do not survive a fork.
    return ProcessPoolExecutor(processes, get_context("spawn"), _begin, (os.getpid(),))


@contextmanager
def _without_main() -> Iterator[None]:
    """Hide the caller's script: a new process would run it again, from its first line on."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _ready() -> None:
    """What a process is told to do to have it started: what it needs is imported with this module."""


def _begin(parent: int) -> None:
    """Prepare a process: it dies with its parent, which alone hears ^C."""
    # As in advisor.__main__: what a worker makes holds no cycles.
    gc.set_threshold(100_000, 50, 100)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
