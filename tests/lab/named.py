"""BIND with the lab's world as its root zone, on port 53 of the namespace's own loopback."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import real
from tests.lab import world

_OPTIONS = """
options {{
  directory "{folder}";
  pid-file none; session-keyfile none;
  listen-on {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
  recursion no; allow-query {{ any; }};
  check-names primary ignore; check-integrity no; empty-zones-enable no;
  notify no; dnssec-validation no;
}};
controls {{ }};
logging {{ channel quiet {{ file "{folder}/named.log"; }}; category default {{ quiet; }}; }};
zone "." {{ type primary; file "root.zone"; }};
"""
_BROKEN = 'zone "{name}" {{ type primary; file "missing.zone"; }};\n'

# 12 bytes of header, then the root's name, type NS, class IN
_QUERY = b"\x12\x34\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00" + b"\x00\x00\x02\x00\x01"


@contextmanager
def running(folder: Path, more: tuple[str, ...] = ()) -> Iterator[None]:
    """Run it as long as the block lasts; `more` are lines for the zone."""
    folder.mkdir(parents=True)
    (folder / "root.zone").write_text(world.zone(more))
    broken = "".join(_BROKEN.format(name=name) for name in world.BROKEN)
    (folder / "named.conf").write_text(_OPTIONS.format(folder=folder) + broken)
    process = subprocess.Popen([real("named"), "-f", "-n", "1", "-4", "-c", str(folder / "named.conf")])
    try:
        _await(process, folder)
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)


def _await(process: subprocess.Popen[bytes], folder: Path) -> None:
    """Wait until it answers for the root zone."""
    deadline = time.monotonic() + 20
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(0.2)
        asker.connect(("127.0.0.1", 53))
        while time.monotonic() < deadline and process.poll() is None:
            try:
                asker.send(_QUERY)
                if asker.recv(512)[3] & 0x0F == 0:
                    return
            except (ConnectionRefusedError, TimeoutError):
                time.sleep(0.05)
    log = folder / "named.log"
    raise RuntimeError(f"named does not answer: {log.read_text() if log.exists() else 'no log'}")
