"""`advisor follow --lookup`: who appears is looked up while the log grows."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from advisor import archive, blocklist, watch
from advisor.errors import AdvisorError
from advisor.plan import Plan
from advisor.quota import Limits
from advisor.resolver import Patience, Server
from advisor.watch import StoppedError, Watch
from tests.conftest import ROOT
from tests.named import free_port, named

ZEN = "zen.lists.test"
FREE = Limits(0, 0)

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def bind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    zones = {ZEN: "2.0.0.127 A 127.0.0.2\n*.113.0.203 A 127.0.0.4\n", "refuses.test": "* A 127.255.255.254\n"}
    with named(tmp_path_factory.mktemp("named"), zones) as server:
        yield server


def visit(number: int, when: datetime) -> str:
    who = f"unknown[203.0.113.{number}]"
    head = f"{when:%b} {when.day:2} {when:%H:%M:%S} mx1 postfix/smtpd[{number}]:"
    refused = "450 4.7.1 Client host rejected: cannot find your reverse hostname"
    envelope = "from=<a@spam.example> to=<b@ours.example> proto=ESMTP helo=<x.spam.example>"
    reject = f"NOQUEUE: reject: RCPT from {who}: {refused}, [203.0.113.{number}]; {envelope}"
    return "".join(f"{head} {text}\n" for text in (f"connect from {who}", reject, f"disconnect from {who}"))


def ingested(folder: Path, log: Path, *numbers: int) -> datetime:
    """A store with these visits, the last of them an hour before noon: a quota is of a day, which must not end here."""
    import advisor

    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    text = "".join(visit(number, now - timedelta(hours=1, seconds=60 - number)) for number in sorted(numbers))
    log.write_text(text)
    advisor.ingest(log, store=folder, zone=UTC, year=2026)
    return now


def test_who_is_new_is_looked_up_once(bind: Server, tmp_path: Path) -> None:
    folder, log, said = tmp_path / "store", tmp_path / "maillog", list[str]()
    clock = [ingested(folder, log, 1, 2)]
    plan = Plan((bind,), (ZEN, "refuses.test"), FREE, patience=Patience((1, 1), ()))
    watcher = Watch(folder, plan, said.append, lambda: clock[0])
    stop = threading.Event()
    first = watcher.step(stop)
    assert first is not None
    assert [(found.asked, found.listed) for found in first.lists] == [(8, 2), (1, 0)]
    assert watcher.step(stop) is None
    ingested(folder, log, 1, 2, 3)
    second = watcher.step(stop)
    assert second is not None
    assert [found.asked for found in second.lists] == [1, 0]
    # An hour later the two are looked at again, and nothing has to be asked.
    clock[0] += timedelta(minutes=45)
    again = watcher.step(stop)
    assert again is not None
    assert [found.asked for found in again.lists] == [0, 0]
    assert len(said) == 1
    assert "refuses public resolvers" in said[0]
    assert blocklist.listed(archive.read(folder), ZEN, "203.0.113.3")[0] is True
    # All of it is in one file, however many looks there were.
    assert len(list((folder / archive.FOLDER).glob("*.parquet"))) == 1
    clock[0] += timedelta(hours=3)
    assert watcher.step(stop) is None


def test_what_others_looked_up_is_known(bind: Server, tmp_path: Path) -> None:
    folder = tmp_path / "store"
    now = ingested(folder, tmp_path / "maillog", 1)
    plan = Plan((bind,), (ZEN,), FREE)
    other, ours = (Watch(folder, plan, print, lambda: now) for _ in range(2))
    assert other.step(threading.Event())
    found = ours.step(threading.Event())
    assert found is not None
    assert [each.asked for each in found.lists] == [0]


def test_stopped_it_keeps_what_was_answered(bind: Server, tmp_path: Path) -> None:
    folder = tmp_path / "store"
    now = ingested(folder, tmp_path / "maillog", *range(1, 50))
    stop = threading.Event()
    stop.set()
    with pytest.raises(StoppedError):
        Watch(folder, Plan((bind,), (ZEN,), FREE), print, lambda: now).step(stop)
    assert archive.read(folder)


def test_a_resolver_that_is_down_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "POLL", 0.01)
    folder, said = tmp_path / "store", list[str]()
    now = ingested(folder, tmp_path / "maillog", 1)
    stop = threading.Event()

    def say(words: str) -> None:
        said.append(words)
        stop.set()

    nobody = Server("127.0.0.1", free_port())
    Watch(folder, Plan((nobody,), (ZEN,), FREE, patience=Patience((0.01,), ())), say, lambda: now)(stop)
    assert len(said) == 1
    assert "does not answer" in said[0]


def test_no_store_yet(tmp_path: Path) -> None:
    with pytest.raises(AdvisorError, match="is not a store"):
        Watch(tmp_path / "store", Plan(), print).step(threading.Event())


def test_follow_looks_up_who_appears(bind: Server, tmp_path: Path) -> None:
    folder, log = tmp_path / "store", tmp_path / "maillog"
    log.write_text(visit(7, datetime.now(UTC)))
    words = ("--store", str(folder), "--timezone", "UTC", "--lookup", "--resolver", str(bind), "--list", ZEN)
    limits = ("--rate", "0", "--budget", "0")
    command = [sys.executable, "-m", "advisor", "follow", str(log), *words, *limits]
    running = subprocess.Popen(command, cwd=ROOT, env={**os.environ}, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while blocklist.listed(archive.read(folder), ZEN, "203.0.113.7")[0] is None and time.monotonic() < deadline:
        assert running.poll() is None
        time.sleep(0.1)  # until the answer is there; nothing depends on how long that takes
    running.send_signal(signal.SIGTERM)
    assert (running.wait(30), running.communicate()[1]) == (0, "")
    assert blocklist.listed(archive.read(folder), ZEN, "203.0.113.7")[0] is True
