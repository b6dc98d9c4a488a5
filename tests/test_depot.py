"""A store in an object storage: exactly once there, too, in memory and on a server that speaks S3."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import combinations, count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor import depot, ingestion, lease, store, worker
from advisor.depot import Depot, Entry, located, valid
from advisor.errors import AdvisorError
from advisor.history import open_store
from advisor.lease import Lease, leased, writing
from advisor.lock import BusyError
from advisor.muster import muster
from advisor.part import load
from advisor.pruning import prune
from tests.conftest import lab_log, write
from tests.test_store import add, assert_holds, lines, parsed, rows

ROOT = Path(__file__).parent.parent
NUMBERS = count()

fsspec = pytest.importorskip("fsspec")


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(ingestion, "PART", 1000)
    monkeypatch.setattr("os.fsync", lambda _: None)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


@pytest.fixture
def url() -> Path:
    """A store of this process's memory, of its own for each test; typer makes a Path of what is typed."""
    return Path(f"memory://mail/store{next(NUMBERS)}")


def at(url: Path) -> Depot:
    found = located(url)
    assert isinstance(found, Depot)
    return found


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("s3://mail/store/", "s3://mail/store"),
        ("gs:/mail/a/b", "gs://mail/a/b"),
        ("memory://x", "memory://x"),
        ("file:///srv/mail", "/srv/mail"),
        ("/srv/s3/store", "/srv/s3/store"),
        ("s3", "s3"),
        ("./a:/b", "a:/b"),
    ],
)
def test_urls_and_folders(typed: str, found: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(depot, "import_module", lambda _: type("", (), {"url_to_fs": lambda *_, **__: (None, "")}))
    assert str(located(Path(typed))) == found


def test_where_half_an_object_may_be_left_nothing_is_put() -> None:
    with pytest.raises(AdvisorError, match="whole or not at all"):
        located(Path("sftp://host/mail"))


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(AdvisorError, match=r"pip install 'maillog-advisor\[objects\]'"):
        located(Path("s3://mail/store"))


def test_only_an_ingest_writes_to_a_depot(url: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    add(url, write(tmp_path / "maillog", lines(20)))
    with pytest.raises(AdvisorError, match="only `advisor ingest`"):
        prune(url, datetime(2026, 11, 1, tzinfo=UTC))
    assert not list(tmp_path.glob("memory*"))


# Once and only once


def test_an_ingest_and_another(url: Path, tmp_path: Path) -> None:
    log = write(tmp_path / "maillog", lines(100))
    assert add(url, log).coverage.lines == 100
    assert_holds(url, lines(100))
    before = sorted(at(url).listing())
    again = add(url, log)
    assert (again.coverage.lines, again.known) == (0, 1)
    assert sorted(at(url).listing())[1:] == before[1:], "but for the lease"
    assert rows(open_store(url).events) == rows(store.read(url))
    assert not [path for path in at(url).spool.iterdir() if path.name != ".lock"]
    assert at(url).spool.stat().st_mode & 0o777 == 0o700


def test_a_growing_log_leaves_one_object_for_each_part(url: Path, tmp_path: Path) -> None:
    for number in range(1, 40, 3):
        add(url, write(tmp_path / "maillog", lines(number)))
        assert_holds(url, lines(number))
        objects = [entry for key in at(url).listing() if (entry := Entry.of(key))]
        assert len(objects) == len(store.parts(url))


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 6_000), max_size=4), st.data())
def test_any_way_to_ingest_a_log_bit_by_bit(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], data: st.DataObject
) -> None:
    folder, url, whole = tmp_path_factory.mktemp("bits"), Path(f"memory://mail/bits{next(NUMBERS)}"), lines(60)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ingestion, "PART", data.draw(st.sampled_from([300, 1000, 10**6])))
        patch.setattr("os.fsync", lambda _: None)
        patch.setattr("tempfile.tempdir", str(folder))
        for end in data.draw(st.permutations([*cuts, len(whole)])):
            add(url, write(folder / f"maillog.{data.draw(st.integers(0, 2))}", whole[:end]))
    assert_holds(url, whole)


def test_the_same_store_in_a_folder_and_in_a_depot(url: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = write(tmp_path / "maillog", lab_log("baseline"))
    monkeypatch.setattr(ingestion, "PART", 50_000)
    add(url, log)
    add(tmp_path / "store", log)
    assert store.read(url).equals(store.read(tmp_path / "store"))
    assert muster(url).equals(muster(tmp_path / "store"))


# Leases

ENTRIES = st.lists(
    st.builds(
        lambda source, start, size, number: Entry(source * 16, start, start + size, number),
        st.sampled_from("ab"), st.integers(0, 9), st.integers(1, 5), st.integers(1, 3),
    ),
    max_size=8, unique=True,
)  # fmt: skip


def overlap(one: Entry, other: Entry) -> bool:
    return one.source == other.source and one.start < other.end and other.start < one.end


@given(ENTRIES)
def test_nothing_is_there_twice(found: list[Entry]) -> None:
    kept = valid(found)
    assert not [pair for pair in combinations(kept, 2) if overlap(*pair)]
    for gone in {*found} - {*kept}:
        assert any(overlap(gone, one) and (one.lease, one.end) >= (gone.lease, gone.end) for one in kept)
    assert {*valid(reversed(found))} == {*kept}


@given(st.integers(0, 10**15), st.integers(0, 10**15), st.integers(1, 10**6), st.sampled_from(["", ".1", ".12"]))
def test_names_of_objects(start: int, end: int, number: int, suffix: str) -> None:
    entry = Entry("0123456789abcdef" + suffix, start, end, number)
    assert Entry.of(entry.key) == entry
    assert Entry.of(entry.name) is None


def test_two_at_once(url: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with leased(at(url)) as first:
        with pytest.raises(BusyError, match="another ingest is at work"), leased(at(url), 0.3):
            pass
        first.check()
    with leased(at(url), 0) as second:
        assert second.number == first.number + 1
        with pytest.raises(BusyError, match="taken over"):
            first.check()


def test_who_died_is_forgotten(url: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "TERM", 0.5)
    dead = lease._taken(at(url))
    assert isinstance(dead, Lease)
    assert lease._taken(at(url)) is None
    with leased(at(url), 5) as heir:
        assert heir.number == dead.number + 1
        assert [key for key in at(url).listing() if key.startswith(".lease")] == [lease._key(heir.number)]


def test_one_of_many_gets_it(url: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # All of them look before any of them takes it.
    numbers = lease._numbers(at(url))
    monkeypatch.setattr(lease, "_numbers", lambda _: numbers)
    assert sum(lease._taken(at(url)) is not None for _ in range(5)) == 1


def test_a_storage_that_makes_objects_twice_is_not_used(
    url: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Depot, "create", lambda self, key, data: self.write(key, data) or True)
    with pytest.raises(AdvisorError, match="If-None-Match"):
        add(url, write(tmp_path / "maillog", lines(3)))
    assert not store.parts(url)


def test_who_was_thought_dead_adds_nothing_twice(url: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = write(tmp_path / "maillog", lines(12))
    put = Depot.put

    def slow(self: Depot, file: Path, entry: Entry) -> None:
        # While it is on its way, the lease runs out and another ingest adds a log that has grown.
        monkeypatch.setattr(Depot, "put", put)
        self.write(lease._key(entry.lease), b"0")
        with monkeypatch.context() as patch:
            patch.setattr("tempfile.tempdir", str(tmp_path / "elsewhere"))
            (tmp_path / "elsewhere").mkdir()
            add(url, write(log, lines(40)))
        put(self, file, entry)

    monkeypatch.setattr(Depot, "put", slow)
    with pytest.raises(BusyError, match="taken over"):
        add(url, log)
    assert_holds(url, lines(40))
    assert add(url, log).known == 1
    assert_holds(url, lines(40))


def test_a_reader_finds_the_part_that_took_the_place(url: Path, tmp_path: Path) -> None:
    add(url, write(tmp_path / "maillog", lines(5)))
    reader = at(url)
    (part,) = store.parts(reader)
    add(url, write(tmp_path / "maillog", lines(9)))
    assert load(reader / part.name)[0].end > part.end


def test_a_spool_that_others_may_write_to_is_not_used(url: Path, tmp_path: Path) -> None:
    at(url).spool.mkdir()
    at(url).spool.chmod(0o777)
    with pytest.raises(AdvisorError, match="not yours alone"), writing(url):
        pass


# A server that speaks S3


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """An S3 server on loopback, whose address the libraries find in the environment."""
    pytest.importorskip("s3fs")
    moto = pytest.importorskip("moto.server")
    running = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    settings = {
        "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_S3": f"http://{host}:{port}", "AWS_EC2_METADATA_DISABLED": "true",
    }  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        pytest.importorskip("boto3").client("s3").create_bucket(Bucket="mail")
        yield f"http://{host}:{port}"
    running.stop()


def test_a_store_in_s3(server: str, tmp_path: Path) -> None:
    url = Path("s3://mail/store")
    for number in (30, 47, 60):
        add(url, write(tmp_path / "maillog", lines(number)))
        assert_holds(url, lines(number))
    with leased(at(url)), pytest.raises(BusyError), leased(at(url), 0.1):
        pass
    numbers = lease._numbers(at(url))
    assert not at(url).create(lease._key(max(numbers)), b"0"), "If-None-Match"


def test_hosts_in_s3_in_several_processes(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingestion, "PART", 100_000)
    monkeypatch.setattr(worker, "count", lambda: 2)
    for host in ("mx1", "mx2"):
        log = write(tmp_path / host, lab_log("postgrey").replace(b" mx1 ", b" %s " % host.encode()))
        add(Path("s3://mail/hosts"), log)
    once = muster(Path("s3://mail/hosts"))
    monkeypatch.setattr(worker, "LARGE", -1)
    assert muster(Path("s3://mail/hosts")).equals(once)
    assert set(once["host"].to_pylist()) == {"mx1", "mx2"}


def test_where_there_is_nothing(server: str) -> None:
    with pytest.raises(AdvisorError, match="s3://mail/none: is not a store: there is nothing"):
        store.parts(Path("s3://mail/none"))


def test_a_storage_that_is_not_there(server: str, tmp_path: Path) -> None:
    s3fs = pytest.importorskip("s3fs")
    log = write(tmp_path / "maillog", lines(3))
    with pytest.raises(AdvisorError, match="no-such-bucket"):
        add(Path("s3://no-such-bucket/store"), log)
    s3fs.S3FileSystem.clear_instance_cache()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
        patch.setenv("AWS_MAX_ATTEMPTS", "1")
        with pytest.raises(AdvisorError, match="cannot be reached"):
            add(Path("s3://mail/unreached"), log)
    s3fs.S3FileSystem.clear_instance_cache()


KILLED = """
import os, signal, sys
from datetime import UTC, date
from pathlib import Path
import s3fs
from advisor import ingestion, lease
ingestion.PART, lease.TERM = 1000, 0.0
os.fsync = lambda _: None
left = int(sys.argv[3])

def step():
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)

def counted(name):
    work = getattr(s3fs.S3FileSystem, name)
    async def wrapper(*arguments, **options):
        step()
        found = await work(*arguments, **options)
        step()
        return found
    setattr(s3fs.S3FileSystem, name, wrapper)

for name in ("_put_file", "_pipe_file", "_rm_file"):
    counted(name)
ingestion.ingest([sys.argv[1]], Path(sys.argv[2]), zone=UTC, today=date(2026, 11, 22))
"""


def killed(log: Path, url: str, step: int) -> int:
    command = [sys.executable, "-c", KILLED, str(log), url, str(step)]
    environment = os.environ | {"TMPDIR": str(log.parent)}
    return subprocess.run(command, cwd=ROOT, env=environment, check=False, timeout=120).returncode


@pytest.mark.parametrize("steps", [range(3, 5), pytest.param(range(40), marks=pytest.mark.long)])
def test_killed_at_a_step(server: str, tmp_path: Path, steps: range, monkeypatch: pytest.MonkeyPatch) -> None:
    log, url, died = write(tmp_path / "maillog", lines(60)), "", 0
    for step in steps:
        url = f"s3://mail/killed{next(NUMBERS)}"
        status = killed(log, url, step)
        died += status == -9
        if status == 0:
            break
        if lease._numbers(at(Path(url))) != [0] and store.parts(Path(url)):
            found = store.read(Path(url))
            whole = rows(parsed(lines(60), "".join(found["source"][:1].to_pylist()))[0])
            assert rows(found) == whole[: found.num_rows]
        add(Path(url), log)
        assert_holds(Path(url), lines(60))
    assert died >= 2
    assert steps != range(40) or died > 10


@pytest.mark.long
def test_killed_at_any_moment(server: str, tmp_path: Path) -> None:
    log, url = write(tmp_path / "maillog", lines(200)), Path(f"s3://mail/moment{next(NUMBERS)}")
    command = [sys.executable, "-c", KILLED, str(log), str(url), "1000000"]
    statuses = []
    for number in range(12):
        running = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"TMPDIR": str(tmp_path)})
        time.sleep(1 + number / 6)
        running.kill()
        statuses.append(running.wait())
    assert -9 in statuses
    add(url, log)
    assert_holds(url, lines(200))
