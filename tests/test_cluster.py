"""Spark: what a cluster reads is in the store as if it were read here, and what it answers is the same number."""

import gzip
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from advisor import ingestion
from advisor.cluster import attached, connected
from advisor.errors import AdvisorError
from advisor.greylist import replay
from advisor.ingestion import Ingested, ingest
from advisor.levy import collected, greylisted, raised, within
from advisor.muster import muster
from advisor.outcome import outcome
from advisor.postgrey import Options, Whitelists
from advisor.row import Ours
from advisor.shipment import ship
from advisor.simulation import simulate
from advisor.store import parts, read
from benchmarks import generated_log
from tests.conftest import MONTH, ROOT, lab_log, real, write
from tests.spark import SMALL, standalone

TODAY = date(2026, 12, 31)
LIST = (
    "permit_mynetworks, reject_unknown_client_hostname, reject_invalid_helo_hostname, reject_non_fqdn_helo_hostname, "
    "reject_unknown_sender_domain, reject_unknown_reverse_client_hostname, reject_rbl_client zen.spamhaus.org, postgrey"
)
pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Packed and plain, two hosts in one log with the same process and queue ids, the turn of a year, half a line."""
    folder = tmp_path_factory.mktemp("logs")
    mixed = [
        line.replace(b" mx1 ", host) for line in lab_log("baseline").splitlines(True) for host in (b" mx1 ", b" mx2 ")
    ]
    write(folder / "mixed.log", b"".join(mixed))
    for host, name in {"mx3": "postscreen_deep", "mx4": "amavis"}.items():
        write(folder / f"{host}.log", lab_log(name).replace(b" mx1 ", b" %s " % host.encode()))
    turn = [b"Dec 31 23:59:%02d old postfix/smtpd[%d]: connect from unknown[203.0.113.9]\n" % (s, s) for s in range(60)]
    turn += [line.replace(b"Dec 31 23", b"Jan  1 00") for line in turn]
    write(folder / "turn.log", b"".join(turn) + b"Jan  1 00:59:59 old postfix/smtpd[9]: conn", date(2026, 1, 1))
    for name, pack in {"mx3": gzip.compress}.items():
        path = folder / f"{name}.log"
        write(folder / f"{name}.log.gz", pack(path.read_bytes(), mtime=0))
        path.unlink()
    return folder


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingestion, "PART", 60_000)


@pytest.fixture(scope="module")
def session() -> Iterator[Any]:
    real("java")
    with connected("local[2]", SMALL) as found:
        yield found


def here(logs: Path, store: Path) -> Ingested:
    return ingest([logs], store, zone=UTC, today=TODAY)


def there(session: Any, logs: Path, store: Path) -> Ingested:
    return ship(session, [logs], store, zone=UTC, today=TODAY)


def assert_same(store: Path, other: Path) -> None:
    """The same parts under the same names, of the same bytes, with the same metadata and events; nothing else."""
    assert parts(store) == parts(other)
    assert read(store).equals(read(other))
    assert sorted(path.name for path in store.iterdir()) == sorted(path.name for path in other.iterdir())


@pytest.fixture(scope="module")
def stored(logs: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ingested]:
    """What is to come out: the store of a local ingest."""
    store = tmp_path_factory.mktemp("local") / "store"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ingestion, "PART", 60_000)
        return store, here(logs, store)


def test_a_cluster_reads_what_is_read_here(
    session: Any, logs: Path, stored: tuple[Path, Ingested], tmp_path: Path
) -> None:
    store, local = stored
    assert len(parts(store)) > 8
    found = there(session, logs, tmp_path / "store")
    assert_same(tmp_path / "store", store)
    assert found == local
    assert found.pending
    again = there(session, logs, tmp_path / "store")
    assert (again.coverage.lines, again.known) == (0, 4)
    assert_same(tmp_path / "store", store)


def test_what_a_killed_driver_left_is_made_good(
    session: Any, logs: Path, stored: tuple[Path, Ingested], tmp_path: Path
) -> None:
    store = tmp_path / "store"
    shutil.copytree(stored[0], store)
    for path in sorted(store.glob("*.parquet"))[::2]:
        path.rename(store / f".{path.name}.0123.tmp")
    there(session, logs, store)
    assert_same(store, stored[0])


def test_a_log_that_has_grown(session: Any, tmp_path: Path) -> None:
    data = lab_log("baseline")
    half = data.rfind(b"\n", 0, len(data) // 2) + 1
    (tmp_path / "logs").mkdir()
    for end in (half, len(data)):
        write(tmp_path / "logs" / "mail.log", data[:end])
        there(session, tmp_path / "logs", tmp_path / "far")
        here(tmp_path / "logs", tmp_path / "near")
    assert_same(tmp_path / "far", tmp_path / "near")


def test_parts_are_sent_back_for_an_object_storage(session: Any, logs: Path, stored: tuple[Path, Ingested]) -> None:
    store = Path("memory://cluster/store")
    there(session, logs, store)
    assert parts(store) == parts(stored[0])
    assert read(store).equals(read(stored[0]))


def test_errors_are_those_of_a_local_ingest(session: Any, tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    cut = gzip.compress(lab_log("baseline"))
    write(folder / "cut.log.gz", cut[: len(cut) // 2])
    write(folder / "image.log", bytes(range(256)) * 10)
    write(folder / "empty.log", b"")
    far, near = there(session, folder, tmp_path / "far"), here(folder, tmp_path / "near")
    assert sorted(map(str, far.bad)) == sorted(map(str, near.bad))
    assert far.notes == near.notes
    assert len(far.bad) == 2
    assert_same(tmp_path / "far", tmp_path / "near")


def test_an_engine_is_chosen(session: Any) -> None:
    for engine, master, found in (("duckdb", None, None), ("auto", None, None), ("spark", None, session)):
        with attached(engine, master) as chosen:
            assert chosen is found
    with attached("auto", session.sparkContext.master) as chosen:
        assert chosen is session
    with pytest.raises(AdvisorError, match="is no engine"), attached("hadoop"):
        pass


def test_a_second_session_is_not_mixed_up_with_the_first(session: Any) -> None:
    with pytest.raises(AdvisorError, match="open already"), connected("spark://other.test:7077"):
        pass
    with connected(session.sparkContext.master) as same:
        assert same is session


def test_attempts_are_the_same(session: Any, stored: tuple[Path, Ingested]) -> None:
    store, ours = stored[0], Ours.of((), ["ourdom.test"], ())
    local = muster(store, ours)
    frame = raised(session, store, ours).persist()
    assert len(set(local["host"].to_pylist())) > 3
    assert collected(frame, store).equals(local)

    middle = local["time"][local.num_rows // 2].as_py()
    later = collected(within(frame, middle, None), store)
    assert 0 < later.num_rows < local.num_rows
    assert later.num_rows + within(frame, None, middle).count() == local.num_rows
    assert min(later["time"].to_pylist()) == middle
    frame.unpersist()


@pytest.mark.long
def test_answers_are_the_same(session: Any, stored: tuple[Path, Ingested]) -> None:
    store, ours = stored[0], Ours.of((), ["ourdom.test"], ())
    local = muster(store, ours)
    options = Options(delay=60, client_files=(), recipient_files=())
    at = local.schema.get_field_index("greylist_answer")
    answered = local.set_column(at, "greylist_answer", replay(local, options, Whitelists(), UTC)["answer"])
    far = greylisted(raised(session, store, ours), store, (options, Whitelists()), UTC)
    expected = outcome(simulate(LIST, duckdb.from_arrow(answered)))
    assert json.dumps(outcome(simulate(LIST, far))) == json.dumps(expected)
    assert expected["list"][-1]["answers"]["accepted"]["defer_if_permit"] > 0


DRIVER = """
import json, sys
from datetime import UTC, date
from pathlib import Path
from advisor import ingestion
from advisor.cluster import attached, connected
from advisor.levy import collected, raised
from advisor.outcome import outcome
from advisor.row import Ours
from advisor.shipment import ship
from advisor.simulation import simulate
from tests.spark import SMALL, standalone
from tests.test_cluster import LIST, PART, TODAY
ingestion.PART = PART
master, logs, store = sys.argv[1:]
with connected(master, SMALL) as session:
    tell = lambda done, _: print(done, flush=True)
    ship(session, [logs], Path(store), zone=UTC, today=TODAY, progress=tell)
    frame = raised(session, Path(store), Ours()).persist()
    print("outcome", json.dumps(outcome(simulate(LIST, frame))), collected(frame, Path(store)).num_rows, flush=True)
"""
PART = 400_000


def driver(master: str, logs: Path, store: Path) -> "subprocess.Popen[str]":
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SPARK_LOCAL_IP": "127.0.0.1"}
    command = [sys.executable, "-c", DRIVER, master, str(logs), str(store)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT)


def outcome_of(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    (said,) = [line for line in process.stdout if line.startswith("outcome")]
    assert process.wait() == 0
    return said


@pytest.mark.long
def test_what_is_killed_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A master and two workers; the driver is killed in mid-ingest, then a worker while the second one goes on."""
    monkeypatch.setattr(ingestion, "PART", PART)
    logs, store, near = tmp_path / "logs", tmp_path / "store", tmp_path / "near"
    logs.mkdir()
    for seed in (1, 2):
        lines = "".join(f"{line}\n" for line in generated_log.log(60_000, seed)).encode()
        write(logs / f"{seed}.log", lines.replace(b" mx", b" s%dmx" % seed))
    write(logs / "3.log.gz", gzip.compress(lines.replace(b" mx", b" s3mx")))
    ingest([logs], near, zone=UTC, today=TODAY)
    local = muster(near, Ours())

    with standalone(tmp_path) as cluster:
        first = driver(cluster.master, logs, store)
        assert first.stdout is not None
        first.stdout.readline()
        first.kill()
        first.wait()
        held = {part.name for part in parts(store)}
        assert 0 < len(held) < len(parts(near))

        second = driver(cluster.master, logs, store)
        assert second.stdout is not None
        second.stdout.readline()
        cluster.workers[0].kill()
        said = outcome_of(second)

        # The worker that is left does it all once more, elsewhere.
        assert outcome_of(driver(cluster.master, logs, tmp_path / "again")) == said
    expected = json.dumps(outcome(simulate(LIST, duckdb.from_arrow(local))))
    assert said == f"outcome {expected} {local.num_rows}\n"
    assert parts(store) == parts(near) == parts(tmp_path / "again")
    assert read(store).equals(read(near))


@pytest.mark.long
def test_the_commands_answer_alike_on_both_engines(tmp_path: Path) -> None:
    near, far, spark = tmp_path / "near", tmp_path / "far", ("--engine", "spark", "--master", "local[2]")

    def asked(*arguments: str | Path) -> str:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "SPARK_LOCAL_IP": "127.0.0.1"}
        command = [sys.executable, "-m", "advisor", *map(str, arguments), "--timezone", "UTC"]
        return subprocess.run(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT, check=True).stdout

    assert asked("ingest", MONTH, "--store", near) == asked("ingest", MONTH, "--store", far, *spark)
    assert parts(near) == parts(far)
    for command in (("simulate", LIST, "--since", "2026-10-15"), ("report",), ("advise",), ("allowlist",)):
        wished = (*command, "--store", near, "--config", ROOT / "sample_logs" / "main.cf", "--format", "json")
        local = asked(*wished, "--engine", "duckdb")
        assert len(local) > 1_000
        assert asked(*wished, *spark) == local
