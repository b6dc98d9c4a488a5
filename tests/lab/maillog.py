"""The maillog: what all programs say to /dev/log, in the order in which they say it, as syslog would write it."""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.lab.world import HOSTNAME

_SOCKET = Path("/dev/log")
_SMALL = 65_536

# <22>Nov 22 11:53:25 postfix/smtpd[642]: connect from mail.good.example[203.0.113.10]
_HEADER = re.compile(rb"<\d+>(\w{3} [ \d]\d \d\d:\d\d:\d\d) ")


def line(datagram: bytes) -> bytes:
    """A call of syslog(3) as a line: the host's name for the priority; control characters as rsyslog has them."""
    found = _HEADER.match(datagram)
    stamp, text = (found[1], datagram[found.end() :]) if found else (b"Jan  1 00:00:00", datagram)
    text = re.sub(rb"[\x00-\x1f]", lambda match: b"#%03o" % match[0][0], text.rstrip(b"\0\n"))
    return b"%s %s %s\n" % (stamp, HOSTNAME.partition(".")[0].encode(), text)


@contextmanager
def written(path: Path) -> Iterator[None]:
    """Write it to a file as long as the block lasts."""
    _SOCKET.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver, path.open("wb") as log:
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        receiver.bind(str(_SOCKET))
        _SOCKET.chmod(0o666)
        writer = threading.Thread(target=_write, args=(receiver, log))
        writer.start()
        try:
            yield
        finally:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
                last.sendto(b"", str(_SOCKET))
            writer.join()


def _write(receiver: socket.socket, log: object) -> None:
    """Until an empty datagram comes, which no program sends."""
    while datagram := receiver.recv(_SMALL):
        log.write(line(datagram))  # type: ignore[attr-defined] # a file open for bytes
