"""A log that is followed: every line once, whatever happens to the log, the store, the disk and the follower."""

import fcntl
import gzip
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from advisor import follower, ingestion, recognition, store
from advisor.follower import Follower
from advisor.ingestion import Calendar, ingest
from advisor.log import Log
from tests.test_store import line

CALENDAR = Calendar(UTC, date(2026, 11, 22), None)


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingestion, "PART", 1000)
    monkeypatch.setattr("os.fsync", lambda _: None)


class World:
    """A folder of logs, the store, and the follower with its clock."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "logs" / "maillog"
        self.log.parent.mkdir(parents=True)
        self.store = folder / "store"
        self.said: list[str] = []
        self.now = 0.0
        self.start()

    def start(self) -> None:
        self.follower = Follower(self.log, self.store, CALENDAR, self.said.append, lambda: None)

    def append(self, data: bytes) -> None:
        with self.log.open("ab") as file:
            file.write(data)

    def step(self, count: int = 1, seconds: float = 1.0) -> None:
        for _ in range(count):
            self.now += seconds
            self.follower.step(self.now)

    def restart(self) -> None:
        self.follower.close()
        self.start()

    def holds(self) -> list[str]:
        """The pids of the events, in log order: each line of the tests has its own."""
        return [str(pid) for pid in store.read(self.store, ["pid"])["pid"].to_pylist()]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def numbered(start: int, count: int = 1) -> bytes:
    return b"".join(line(7 * number) for number in range(start, start + count))


def pids(start: int, stop: int) -> list[str]:
    return [str(7 * number) for number in range(start, stop)]


def test_new_lines_are_in_the_store_within_five_seconds(world: World) -> None:
    world.append(numbered(0))
    world.step()
    assert world.holds() == pids(0, 1)
    for number in range(1, 60):
        world.append(numbered(number))
        for _ in range(5):
            world.step()
        assert world.holds() == pids(0, number + 1)
    sizes = [part.size for part in store.parts(world.store)]
    assert all(size >= 1000 for size in sizes[:-1])


def test_the_parts_are_those_of_an_ingest(world: World, tmp_path: Path) -> None:
    for number in range(100):
        world.append(line(number))
        world.step()
    world.step(5)
    ingest([world.log], tmp_path / "other", zone=UTC, today=CALENDAR.today)
    assert store.parts(world.store) == store.parts(tmp_path / "other")
    assert store.read(world.store).equals(store.read(tmp_path / "other"))


def test_half_a_line_waits_for_its_end(world: World) -> None:
    world.append(numbered(0) + numbered(1)[:30])
    world.step(6)
    assert world.holds() == pids(0, 1)
    world.append(numbered(1)[30:])
    world.step(6)
    assert world.holds() == pids(0, 2)
    assert world.said == []


def test_nothing_is_written_while_nothing_comes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.append(numbered(0, 30))
    world.step(3)
    before = {path: path.stat().st_mtime_ns for path in world.store.iterdir()}

    def read(*_: object) -> None:
        raise AssertionError("the whole log was read")

    monkeypatch.setattr("advisor.log.Log.survey", read)
    monkeypatch.setattr("advisor.ingestion.Run.read_log", read)
    world.step(50)
    assert {path: path.stat().st_mtime_ns for path in world.store.iterdir()} == before


def test_an_empty_log_is_read_when_it_grows(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Log] = []
    read_log = ingestion.Run.read_log

    def counted(run: ingestion.Run, log: Log) -> str | None:
        read.append(log)
        return read_log(run, log)

    monkeypatch.setattr(ingestion.Run, "read_log", counted)
    world.log.touch()
    world.step(9)
    assert len(read) == 1
    world.append(numbered(0))
    world.step(9)
    assert len(read) == 2
    assert world.holds() == pids(0, 1)


def test_renamed_and_created_anew(world: World) -> None:
    world.append(numbered(0, 5))
    world.step()
    world.log.rename(world.log.with_name("maillog-20261122"))
    world.log.touch()
    world.step()
    # The daemon has not noticed yet.
    with world.log.with_name("maillog-20261122").open("ab") as file:
        file.write(numbered(5, 3))
    world.append(numbered(8, 2))
    world.step(4)
    assert sorted(world.holds(), key=int) == pids(0, 10)
    # It comes back after we have let go.
    with world.log.with_name("maillog-20261122").open("ab") as file:
        file.write(numbered(10))
    world.step(3)
    assert sorted(world.holds(), key=int) == pids(0, 11)
    assert world.said == []


@pytest.mark.parametrize("packed", [False, True])
def test_copied_and_truncated_before_we_have_read_it_all(world: World, packed: bool) -> None:
    world.append(numbered(0, 5))
    world.step()
    world.append(numbered(5, 5))
    content = world.log.read_bytes()
    if packed:
        world.log.with_name("maillog.1.gz").write_bytes(gzip.compress(content))
    else:
        world.log.with_name("maillog.1").write_bytes(content)
    world.log.write_bytes(b"")
    world.step()
    world.append(numbered(10, 40))
    world.step(4)
    assert sorted(world.holds(), key=int) == pids(0, 50)


def test_truncated_and_shorter_from_then_on(world: World) -> None:
    world.append(numbered(0, 12))
    world.step(3)
    world.log.write_bytes(b"")
    world.append(numbered(12))
    world.step(2)
    assert sorted(world.holds(), key=int) == pids(0, 13)


def test_written_anew_while_it_is_being_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.append(numbered(0, 3))
    world.step(3)
    world.append(numbered(3))
    begin = recognition.begin

    def truncated_afterwards(*arguments: Any) -> Any:
        found = begin(*arguments)
        world.log.write_bytes(numbered(100, 12))
        return found

    with monkeypatch.context() as patch:
        patch.setattr(follower, "begin", truncated_afterwards)
        world.step()
    world.step(3)
    assert sorted(world.holds(), key=int) == pids(0, 3) + pids(100, 112)
    assert set(store.read(world.store, ["kind"])["kind"].to_pylist()) == {"connect"}


def test_moved_to_where_we_do_not_look(world: World) -> None:
    world.append(numbered(0, 5))
    world.step()
    elsewhere = world.log.rename(world.log.parent.parent / "elsewhere")
    world.log.touch()
    world.step()
    with elsewhere.open("ab") as file:
        file.write(numbered(5, 3))
    world.step(4)
    assert world.holds() == pids(0, 8)


def test_an_older_copy_that_goes_on_in_another_way(world: World) -> None:
    world.append(numbered(0, 8))
    other = world.log.parent.parent / "other"
    other.write_bytes(numbered(0, 12))
    ingest([other], world.store, zone=UTC, today=CALENDAR.today)
    world.step(3)
    assert world.holds() == pids(0, 12)
    world.append(numbered(100, 3))
    world.step(3)
    assert sorted(world.holds(), key=int) == sorted(pids(0, 12) + pids(0, 8) + pids(100, 103), key=int)
    world.append(numbered(103, 3))
    world.step(5)
    assert len(world.holds()) == 12 + 14


def test_a_sibling_from_before_by_its_own_clock(world: World) -> None:
    world.append(numbered(0, 5))
    world.step()
    world.append(numbered(5, 5))
    sibling = world.log.with_name("maillog.1")
    shutil.copyfile(world.log, sibling)
    world.log.write_bytes(b"")
    os.utime(sibling, (0, 0))
    world.step(3)
    assert world.holds() == pids(0, 10)


def test_a_file_is_not_adopted_while_it_is_being_packed(world: World) -> None:
    world.append(numbered(0, 5))
    world.step(3)
    packed = gzip.compress(numbered(100, 50))
    for end in range(100, len(packed), 100):
        world.log.with_name("maillog.2.gz").write_bytes(packed[:end])
        world.step()
    assert (len(world.holds()), world.said) == (5, [])
    world.log.with_name("maillog.2.gz").write_bytes(packed)
    world.step(2)
    assert len(world.holds()) == 55


def test_what_was_rotated_while_nobody_looked(world: World) -> None:
    world.append(numbered(0, 5))
    world.step()
    world.append(numbered(5, 5))
    world.follower.close()
    world.log.with_name("maillog.2.gz").write_bytes(gzip.compress(world.log.read_bytes()))
    world.log.unlink()
    world.append(numbered(10, 5))
    world.log.rename(world.log.with_name("maillog.1"))
    world.append(numbered(15, 5))
    # Older than what we have, and none of ours.
    stranger = world.log.with_name("maillog.3")
    stranger.write_bytes(numbered(900, 5))
    os.utime(stranger, (0, 0))
    world.start()
    world.step(3)
    assert sorted(world.holds(), key=int) == pids(0, 20)


def test_removed_and_created_anew(world: World) -> None:
    world.step(2)
    assert len(world.said) == 1
    world.append(numbered(0, 5))
    world.step(3)
    world.log.unlink()
    world.step(3)
    world.append(numbered(5, 5))
    world.step(4)
    assert sorted(world.holds(), key=int) == pids(0, 10)


def test_another_ingest_meanwhile(world: World) -> None:
    world.append(numbered(0, 5))
    world.step()
    for start in range(5, 50, 5):
        world.append(numbered(start, 3))
        ingest([world.log], world.store, zone=UTC, today=CALENDAR.today)
        world.append(numbered(start + 3, 2))
        world.step(4)
        assert world.holds() == pids(0, start + 5)


def test_a_part_that_was_lost_meanwhile(world: World) -> None:
    world.append(numbered(0, 25))
    world.step()
    for part in store.parts(world.store):
        (world.store / part.name).unlink()
    world.append(numbered(25, 5))
    world.step(4)
    assert world.holds() == pids(0, 30)


def test_a_store_that_is_busy(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.append(numbered(0, 5))
    world.step()
    world.append(numbered(5, 5))
    with (world.store / ".lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        world.step(50)
        assert world.said == []
        world.step(20)
        assert [said for said in world.said if "another ingest" in said] == world.said
        assert len(world.said) == 1
    world.step(3)
    assert world.holds() == pids(0, 10)
    assert len(world.said) == 2


def test_a_full_disk(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.append(numbered(0, 5))
    world.step()

    tries: list[int] = []

    def full(descriptor: int) -> None:
        tries.append(descriptor)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        for number in range(5, 40):
            world.append(numbered(number))
            world.step()
        world.restart()
        world.step(20)
    assert len(tries) < 12
    assert [said.count("No space left") for said in world.said] == [1, 1]
    assert world.holds() == pids(0, 5)
    assert not list(world.store.glob(".*.tmp"))
    world.step(15)
    assert world.holds() == pids(0, 40)
    assert len(world.said) == 3
    assert "nothing was lost" in world.said[-1]


def test_the_last_step_waits_for_nothing(world: World) -> None:
    world.append(numbered(0))
    world.step()
    world.append(numbered(1))
    world.step()
    world.append(numbered(2))
    world.follower.step(world.now, last=True)
    assert world.holds() == pids(0, 3)


def test_the_year_that_was_told_is_that_of_the_first_log_only(world: World) -> None:
    world.follower = Follower(world.log, world.store, replace(CALENDAR, year=2019), world.said.append, lambda: None)
    world.append(numbered(0, 3))
    world.step(2)
    world.log.rename(world.log.with_name("maillog-20191122"))
    world.append(numbered(3, 3))
    world.step(4)
    years = pc.year(store.read(world.store, ["time"])["time"]).to_pylist()
    assert years[:3] == [2019] * 3
    assert 2019 not in years[3:]
    assert len(years) == 6


class Machine(RuleBasedStateMachine):
    """A log, its rotation, a follower and other ingests, in any order; at the end every line is there once."""

    make: Callable[[], Path]

    @initialize()
    def begin(self) -> None:
        self.world = World(self.make())
        self.number = 0
        self.rotated = 0
        self.half = b""
        self.files: list[bytes] = []
        self.content = b""

    def whole(self) -> None:
        """End the line that is half there: a daemon does not rotate within a line."""
        self.world.append(self.half)
        self.content += self.half
        self.half = b""

    @rule(count=st.integers(1, 12), cut=st.integers(0, 60))
    def write(self, count: int, cut: int) -> None:
        data = numbered(self.number, count)
        self.number += count
        self.whole()
        end = len(data) - cut
        self.world.append(data[:end])
        self.content += data[:end]
        self.half = data[end:]

    @rule(count=st.integers(1, 4))
    def step(self, count: int) -> None:
        self.world.step(count)

    @rule()
    def stop_and_start(self) -> None:
        self.world.restart()

    def turn(self) -> Path:
        """Make room for a rotated file."""
        self.whole()
        self.rotated += 1
        self.files.append(self.content)
        self.content = b""
        return self.world.log.with_name(f"maillog.{self.rotated}")

    @precondition(lambda self: self.content)
    @rule(create=st.booleans())
    def rename(self, create: bool) -> None:
        self.world.log.rename(self.turn())
        if create:
            self.world.log.touch()

    @precondition(lambda self: self.content)
    @rule()
    def copy_and_truncate(self) -> None:
        shutil.copyfile(self.world.log, self.turn())
        self.world.log.write_bytes(b"")

    @rule()
    def pack(self) -> None:
        for path in self.world.log.parent.glob("maillog.*[0-9]"):
            path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()

    @precondition(lambda self: self.number)
    @rule()
    def ingest(self) -> None:
        ingest([self.world.log.parent], self.world.store, zone=UTC, today=CALENDAR.today)

    @invariant()
    def nothing_is_there_twice(self) -> None:
        if self.world.store.exists():
            held = self.world.holds()
            assert len(held) == len(set(held))

    def teardown(self) -> None:
        if not getattr(self, "number", 0):
            return
        self.whole()
        self.world.step(10)
        self.world.follower.close()
        assert sorted(self.world.holds(), key=int) == pids(0, self.number)
        assert all("is not there" in said for said in self.world.said)
        logs = [data for data in (*self.files, self.content) if data]
        assert store.coverage(self.world.store).lines == sum(data.count(b"\n") for data in logs)
        names = {part.source for part in store.parts(self.world.store)}
        assert len(names) == len(logs)


def test_whatever_happens_every_line_is_there_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    class Here(Machine):
        make = staticmethod(lambda: tmp_path_factory.mktemp("follow"))

    Here.TestCase.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
    Here.TestCase("runTest").runTest()
