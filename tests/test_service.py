"""`advisor follow` as systemd runs it: ready, alive, stopped by a signal, with everything in the store."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from advisor import store
from advisor.errors import AdvisorError
from advisor.service import Notifier
from tests.conftest import write
from tests.test_follower import pids
from tests.test_store import line

ROOT = Path(__file__).parent.parent


def follow(*words: str, **environment: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "advisor", "follow", *words]
    variables = {**os.environ, **environment}
    return subprocess.Popen(command, cwd=ROOT, env=variables, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopped_by_a_signal_it_has_stored_everything(tmp_path: Path, number: signal.Signals) -> None:
    log, folder = write(tmp_path / "maillog", line(0)), tmp_path / "store"
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as inbox:
        inbox.bind(address)
        inbox.settimeout(60)
        running = follow(
            str(log), "--store", str(folder), "--timezone", "UTC", NOTIFY_SOCKET=address, WATCHDOG_USEC="150000"
        )
        with running:
            assert inbox.recv(100) == b"READY=1"
            assert inbox.recv(100) == b"WATCHDOG=1"
            while not list(folder.glob("*.parquet")):
                assert inbox.recv(100) == b"WATCHDOG=1"
            with log.open("ab") as file:
                file.write(line(7) + line(14)[:20])
            running.send_signal(number)
            said = ""
            while said != "STOPPING=1":
                said = inbox.recv(100).decode()
            assert running.stderr is not None
            assert (running.wait(60), running.stderr.read()) == (0, "")
    assert [str(pid) for pid in store.read(folder, ["pid"])["pid"].to_pylist()] == pids(0, 2)


def test_what_cannot_be_followed(tmp_path: Path) -> None:
    from advisor import follow as keep_adding

    for path in (tmp_path, tmp_path / "nowhere" / "maillog", Path("/dev/null")):
        with pytest.raises(AdvisorError, match="no file that could grow"):
            keep_adding(path, store=tmp_path / "store")


@pytest.mark.parametrize("abstract", [False, True])
def test_what_systemd_is_told(tmp_path: Path, abstract: bool) -> None:
    name = f"@{tmp_path}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as inbox:
        inbox.bind("\0" + name[1:] if abstract else name)
        notifier = Notifier({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "3000000"})
        notifier.tell("READY=1")
        assert inbox.recv(100) == b"READY=1"
    assert notifier.patience == 3
    # Nobody listens any more, or never did.
    notifier.tell("STOPPING=1")
    Notifier({}).tell("READY=1")
    assert Notifier({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"}).patience is None
