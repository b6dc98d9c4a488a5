"""A service: a follower and the clock that it goes by, until somebody wants it to stop; and what systemd is told of it.

See sd_notify(3) and systemd.service(5).
"""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from advisor.errors import AdvisorError
from advisor.follower import Follower
from advisor.ingestion import Calendar

POLL = 1.0
"""Seconds between two looks at the log."""


class Notifier:
    """The socket that systemd listens on for us; where nobody does, nothing is said."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Take the socket and the watchdog's patience from $NOTIFY_SOCKET, $WATCHDOG_USEC and $WATCHDOG_PID."""
        name = environment.get("NOTIFY_SOCKET", "")
        # An abstract socket begins with a NUL, which no environment can hold.
        self._address = "\0" + name[1:] if name.startswith("@") else name
        microseconds = environment.get("WATCHDOG_USEC", "")
        ours = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self.patience = int(microseconds) / 1e6 if ours and microseconds.isdecimal() else None

    def tell(self, state: str) -> None:
        """Send a state such as READY=1; AF_UNIX datagrams do not wait, and a deaf systemd is no reason to stop."""
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
            out.settimeout(0)
            try:
                out.sendto(state.encode(), self._address)
            except OSError:
                # It would be said on the very channel that is broken.
                return


class _StoppedError(Exception):
    """Whoever runs us wants us to stop, and there is more to read than can be read at once."""


Beside = Callable[[threading.Event], None]
"""What is done beside, until an event is set."""

PATIENCE = 10.0
"""Seconds that what is done beside is given to stop."""


def follow(
    path: Path, folder: Path, calendar: Calendar, say: Callable[[str], None], beside: Beside | None = None
) -> None:
    """Follow a log until SIGTERM or SIGINT, and tell systemd how it is going."""
    if not path.parent.is_dir() or (path.exists() and not path.is_file()):
        raise AdvisorError(str(path), "is no file that could grow", "name the log that syslog writes to")
    stop = threading.Event()
    systemd = Notifier(os.environ)
    pause = min(POLL, systemd.patience / 3) if systemd.patience else POLL
    flushing = False

    def alive() -> None:
        systemd.tell("WATCHDOG=1")
        if stop.is_set() and not flushing:
            raise _StoppedError

    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    follower = Follower(path, folder, calendar, say, alive)
    other = threading.Thread(target=beside, args=(stop,), daemon=True) if beside else None
    if other is not None:
        other.start()
    systemd.tell("READY=1")
    try:
        while not flushing:
            flushing = stop.is_set()
            follower.step(time.monotonic(), last=flushing)
            systemd.tell("WATCHDOG=1")
            stop.wait(pause)
    except _StoppedError:
        # In the midst of much that is old: the next start goes on there.
        pass
    finally:
        systemd.tell("STOPPING=1")
        stop.set()
        follower.close()
        if other is not None:
            other.join(PATIENCE)
        for number, handler in before.items():
            signal.signal(number, handler)
