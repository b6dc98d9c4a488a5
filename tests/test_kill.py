"""Exactly once, though processes die: SIGKILL at every step and at random moments, and two at once.

One process imports everything and forks for each ingest or follower, to be quick.
"""

import gzip
import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

from advisor import ingestion, store
from advisor.follower import Follower
from tests.conftest import write
from tests.test_follower import CALENDAR
from tests.test_store import add, assert_holds, lines, parsed, rows

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingestion, "PART", 1000)
    monkeypatch.setattr("os.fsync", lambda _: None)


FORKED = """
import os, random, signal, sys, time
import pandas  # or pyarrow would do it in each process
from datetime import UTC, date
from pathlib import Path
from advisor import ingestion, service, worker

ingestion.PART = 1000
chance = random.Random(7)

def forked(work, *arguments):
    child = os.fork()
    if not child:
        try:
            work(*arguments)
        finally:
            os._exit(0 if sys.exc_info()[0] is None else 1)
    return child

def killed_within(seconds, child):
    signal.sigtimedwait([signal.SIGCHLD], chance.uniform(0, seconds))
    os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    signal.sigtimedwait([signal.SIGCHLD], 0)
    return status
"""

INGEST = f"""{FORKED}
folder, log, how, times = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
if "parallel" in how:
    worker.LARGE = -1
    worker.count = lambda: 2

def ingest(number):
    ingestion.ingest([log], folder / str(number), zone=UTC, today=date(2026, 11, 22))

def killed_at_step(number):
    os.fsync = lambda _: None
    steps = 0
    def step(event, arguments):
        nonlocal steps
        if event in ("open", "os.rename", "os.remove", "os.mkdir") and str(folder) in str(arguments[0]):
            steps += 1
            if steps > number:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(step)
    ingest(number)

if how == "at once":
    statuses = [os.waitpid(child, 0)[1] for child in [forked(ingest, 0) for _ in range(times)]]
elif "steps" in how:
    statuses = [os.waitpid(forked(killed_at_step, number), 0)[1] for number in range(times)]
else:
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    began = time.monotonic()
    os.waitpid(forked(ingest, "unhurt"), 0)
    signal.sigtimedwait([signal.SIGCHLD], 0)
    whole = time.monotonic() - began
    statuses = [killed_within(whole, forked(ingest, number)) for number in range(times)]
print(*statuses)
"""


def run_ingests(tmp_path: Path, data: bytes, how: str, times: int, name: str = "maillog") -> list[int]:
    """Ingest a log so many times in processes of their own; their exit statuses."""
    log = write(tmp_path / name, data)
    command = [sys.executable, "-c", INGEST, str(tmp_path / "stores"), str(log), how, str(times)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=300)
    return [int(word) for word in done.stdout.split()]


def assert_mends(folder: Path, log: Path, data: bytes) -> bool:
    """What a dead ingest left is right, and the next one makes it whole; True if anything was missing."""
    if folder.exists():
        found = store.read(folder)
        whole = rows(parsed(data, "".join(found["source"][:1].to_pylist()))[0])
        assert rows(found) == whole[: found.num_rows]
    result = add(folder, log)
    assert_holds(folder, data)
    assert not list(folder.glob(".*.tmp"))
    return result.coverage.lines > 0


@pytest.mark.parametrize("how", ["steps", pytest.param("parallel steps", marks=pytest.mark.long)])
def test_killed_at_every_step(tmp_path: Path, how: str) -> None:
    times = 16 if how == "steps" else 12
    statuses = run_ingests(tmp_path, lines(60), how, times)
    died = statuses.index(0)
    assert died > 5
    assert statuses == [9] * died + [0] * (times - died)
    stores = [tmp_path / "stores" / str(number) for number in range(times)]
    missing = [assert_mends(folder, tmp_path / "maillog", lines(60)) for folder in stores]
    assert missing[: died - 1] == [True] * (died - 1)
    assert missing[died:] == [False] * (times - died)


@pytest.mark.parametrize(
    ("how", "packed", "count", "times"),
    [
        ("random", False, 60, 10),
        ("random", True, 60, 5),
        ("random parallel", False, 60, 3),
        ("random parallel", True, 60, 2),
        pytest.param("random", False, 300, 200, marks=pytest.mark.long),
        pytest.param("random", True, 300, 200, marks=pytest.mark.long),
        pytest.param("random parallel", False, 300, 200, marks=pytest.mark.long),
        pytest.param("random parallel", True, 300, 200, marks=pytest.mark.long),
    ],
)
def test_killed_at_random_moments(tmp_path: Path, how: str, packed: bool, count: int, times: int) -> None:
    name, data = ("maillog.gz", gzip.compress(lines(count))) if packed else ("maillog", lines(count))
    assert set(run_ingests(tmp_path, data, how, times, name)) <= {0, 9}
    for number in range(times):
        assert_mends(tmp_path / "stores" / str(number), tmp_path / name, lines(count))


def test_two_ingests_at_once(tmp_path: Path) -> None:
    assert run_ingests(tmp_path, lines(60), "at once", 4) == [0] * 4
    assert_holds(tmp_path / "stores" / "0", lines(60))


# A writer that rotates and packs, and a follower that is killed and started again.

FOLLOW = f"""{FORKED}
log, folder, times = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
service.POLL = 0.01
import advisor.follower
advisor.follower.PAUSE = 0.02

def follow():
    calendar = ingestion.Calendar(UTC, date(2026, 11, 22), None)
    service.follow(log, folder, calendar, lambda line: None)

signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
print(*[killed_within(0.2, forked(follow)) for _ in range(times)])
"""

WRITER = """
import gzip, random, shutil, sys, time
from pathlib import Path

log, chance, number, turns = Path(sys.argv[1]), random.Random(int(sys.argv[2])), 0, 0

def write(file, count):
    global number
    for _ in range(count):
        stamp = time.strftime("%b %e %H:%M:%S", time.gmtime())
        line = f"{stamp} mx1 postfix/smtpd[{number}]: connect from mail.good.example[203.0.113.10]\\n".encode()
        number += 1
        cut = chance.randrange(len(line))
        file.write(line[:cut])
        file.write(line[cut:])

log.touch()
while log.with_name("go on").exists():
    with log.open("ab", buffering=0) as file:
        write(file, chance.randrange(8))
        how = chance.random()
        if how < 0.04:
            turns += 1
            aside = log.with_name(f"maillog.{turns}")
            if chance.random() < 0.5:
                log.rename(aside)
                log.touch()
                write(file, 3)
            else:
                shutil.copyfile(log, aside)
                file.truncate(0)
        elif how < 0.07:
            for path in sorted(log.parent.glob("maillog.*[0-9]")):
                with path.open("rb") as plain, gzip.open(f"{path}.gz", "wb") as packed:
                    shutil.copyfileobj(plain, packed)
                path.unlink()
    time.sleep(chance.choice((0, 0, 0.01)))
print(number, turns)
"""


@pytest.mark.parametrize("times", [10, pytest.param(200, marks=pytest.mark.long)])
def test_a_follower_killed_while_a_writer_rotates(tmp_path: Path, times: int) -> None:
    log, folder = tmp_path / "logs" / "maillog", tmp_path / "store"
    log.parent.mkdir()
    go_on = write(tmp_path / "logs" / "go on", b"")
    with subprocess.Popen([sys.executable, "-c", WRITER, str(log), "3"], stdout=subprocess.PIPE, text=True) as writer:
        command = [sys.executable, "-c", FOLLOW, str(log), str(folder), str(times)]
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=600)
        go_on.unlink()
        number, turns = (int(word) for word in writer.communicate(timeout=60)[0].split())
    assert done.stdout.split() == ["9"] * times
    assert turns
    # Once more, undisturbed; and an ingest that never was disturbed.
    follower = Follower(log, folder, CALENDAR, print, lambda: None)
    for now in range(6):
        follower.step(now * 10)
    follower.close()
    ingestion.ingest([log.parent], tmp_path / "other", zone=CALENDAR.zone, today=CALENDAR.today)
    columns = ["source", "offset", "pid", "text", "client_address", "time"]
    found, wanted = (store.read(each, columns).sort_by("pid") for each in (folder, tmp_path / "other"))
    assert found["pid"].to_pylist() == list(range(number))
    assert found.drop_columns("time").equals(wanted.drop_columns("time"))
    assert store.coverage(folder) == store.coverage(tmp_path / "other")


def test_workers_die_with_the_process_that_started_them(tmp_path: Path) -> None:
    folder = tmp_path / "stores"
    log = write(tmp_path / "maillog", lines(3000))
    program = INGEST.partition("if how ==")[0] + "ingest(0)\n"
    command = [sys.executable, "-c", program, str(folder), str(log), "parallel", "1"]
    with subprocess.Popen(command, cwd=ROOT) as parent:
        children: list[int] = []
        while not list((folder / "0").glob("*.parquet")):
            assert parent.poll() is None
        listed = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
        children = [os.pidfd_open(int(child)) for child in listed]
        assert len(children) >= 2
        parent.kill()
    for child in children:
        assert select.select([child], [], [], 60)[0]
        os.close(child)
    add(folder / "0", log)
    assert_holds(folder / "0", lines(3000))
    assert not list((folder / "0").glob(".*.tmp"))
