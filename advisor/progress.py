"""Progress: one line on a terminal that tells how far long work is, and how much longer it may take."""

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Self, TextIO

PATIENCE = 1.0
"""Seconds that people wait without asking themselves whether anything happens."""

TICK = 0.2
_CALLS = 16
"""Calls over which the rate is taken: bytes that were known already go by at a rate of their own."""

_ERASE = "\r\x1b[K"


class Progress:
    """Shows a line while its `with` block lasts, from the second second on, and erases it at the end.

    Call it with the bytes of log that are done, and how many there are where that is known; where nobody calls, it
    counts seconds. It writes nothing where the stream is no terminal, or one that cannot erase (TERM=dumb).
    """

    def __init__(self, what: str, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        """Prepare to show on a stream, on stderr unless told, that something is being done, such as "reading"."""
        self.what = what
        self._stream = stream or sys.stderr
        self._clock = clock
        self._start = clock()
        self._calls = deque([(self._start, 0)], maxlen=_CALLS)
        self._total: int | None = None
        self._drawn = False
        self._over = threading.Event()
        # The work may be deep in one call of an engine: the line lives on a thread of its own.
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        """Begin to wait."""
        if self._stream.isatty() and os.environ.get("TERM", "dumb") != "dumb":
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Erase the line, whatever ended the work."""
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join()

    def __call__(self, done: int, total: int | None = None) -> None:
        """Take note of the bytes that are done since the beginning."""
        self._total = total
        self._calls.append((self._clock(), done))

    def line(self) -> str:
        """Say how far the work is."""
        (first, before), (last, done) = self._calls[0], self._calls[-1]
        if done <= before:
            return f"{self.what}  {_duration(self._clock() - self._start)}"
        rate = (done - before) / max(last - first, 1e-6)
        far, fast = self._amount(done), f"{self._amount(rate)}/s"
        if not self._total:
            return f"{self.what}  {far}  {fast}"
        # A log may grow while it is read.
        share, left = min(done * 100 // self._total, 100), max(self._total - done, 0) / rate
        return f"{self.what}  {far} of {self._amount(self._total)}  {share} %  {fast}  {_duration(left)} left"

    def _amount(self, number: float) -> str:
        return _size(number)

    def _run(self) -> None:
        try:
            over = self._over.wait(PATIENCE)
            while not over:
                self._write(f"{_ERASE}advisor: {self.line()}"[: len(_ERASE) + self._columns() - 1])
                over = self._over.wait(TICK)
            if self._drawn:
                self._write(_ERASE)
        except OSError:
            # Whoever looked has closed the terminal; the work goes on.
            return

    def _write(self, text: str) -> None:
        self._drawn = True
        self._stream.write(text)
        self._stream.flush()

    def _columns(self) -> int:
        return os.get_terminal_size(self._stream.fileno()).columns or 80


class Count(Progress):
    """The same for what is counted: questions, not bytes."""

    def _amount(self, number: float) -> str:
        return f"{number:,.0f}"


def _size(count: float) -> str:
    """Bytes, as people say them."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def _duration(seconds: float) -> str:
    """Seconds, no more exact than they are known."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
