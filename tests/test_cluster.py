"""Spark: what a cluster reads is in the store as if it were read here, and what it answers is the same number."""

import gzip
import json
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from advisor import excerpt, ingestion
from advisor.attempt import attempts_of_hosts
from advisor.cluster import _pass_on, attached, connected
from advisor.errors import AdvisorError
from advisor.greylist import replay
from advisor.history import parse_files
from advisor.ingestion import Ingested, ingest
from advisor.levy import collected, greylisted, raised, within
from advisor.muster import muster
from advisor.outcome import outcome
from advisor.postgrey import Options, Whitelists
from advisor.row import Ours
from advisor.shipment import ship
from advisor.simulation import simulate
from advisor.store import parts, read
from tests.conftest import lab_log, real, write
from tests.spark import SMALL

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


def test_java_is_quiet_but_for_what_is_wrong(capfd: pytest.CaptureFixture[str]) -> None:
    told, tell = os.pipe()
    chatter = (
        "WARNING: Using incubator modules: jdk.incubator.vector\n"
        "Using Spark's default log4j profile: org/apache/spark/log4j2-defaults.properties\n"
        'Setting default log level to "WARN".\n'
        "To adjust logging level use sc.setLogLevel(newLevel). For SparkR, use setLogLevel(newLevel).\n"
        "26/11/23 05:46:16 WARN NativeCodeLoader: Unable to load native-hadoop library for your platform...\n"
        'Setting Spark log level to "ERROR".\n'
    )
    wrong = "26/11/23 05:50:27 ERROR TaskSchedulerImpl: Lost executor 1 on 127.0.0.1: worker lost\n\tat Setting.main\n"
    with os.fdopen(tell, "w") as java:
        java.write(chatter + wrong + chatter)
    _pass_on(told)
    assert capfd.readouterr().err == wrong


def test_attempts_are_the_same(session: Any, stored: tuple[Path, Ingested], tmp_path: Path) -> None:
    store, ours = stored[0], Ours.of((), ["ourdom.test"], ())
    local = muster(store, ours)
    frame = raised(session, store, ours).persist()
    assert len(set(local["host"].to_pylist())) > 3
    far = collected(frame, store)
    assert far.equals(local)

    # Two hosts with the same queue ids, process ids and times: each has what it has alone.
    write(tmp_path / "alone.log", lab_log("baseline"))
    alone = parse_files([tmp_path / "alone.log"], zone=UTC, today=TODAY).events
    named = ["source", "offset", "host", "session", "message"]
    wanted = pa.Table.from_batches(attempts_of_hosts(alone.to_batches(), ours)).drop_columns(named)
    for host in ("mx1", "mx2"):
        assert far.filter(pc.field("host") == host).drop_columns(named).equals(wanted)

    middle = local["time"][local.num_rows // 2].as_py()
    later = collected(within(frame, middle, None), store)
    assert 0 < later.num_rows < local.num_rows
    assert later.num_rows + within(frame, None, middle).count() == local.num_rows
    assert min(later["time"].to_pylist()) == middle
    frame.unpersist()


def test_an_excerpt_is_the_same(session: Any, stored: tuple[Path, Ingested]) -> None:
    far = excerpt.read(stored[0], session=session)
    assert far.equals(excerpt.read(stored[0]))
    assert far.num_rows > 1_000


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
