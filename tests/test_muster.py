"""The muster: a store's attempts, read bit by bit and in several processes, are those of its events as a whole."""

import os
import signal
from datetime import UTC, date
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from advisor import muster as musters
from advisor import temporary, worker
from advisor.attempt import attempts
from advisor.errors import AdvisorError
from advisor.ingestion import ingest
from advisor.muster import Share, muster
from advisor.row import Ours
from advisor.store import batches, parts, read
from tests.conftest import lab_log, write
from tests.test_attempt import INSIDE

OURS = Ours.of(INSIDE, ["ourdom.test"], ())
LOGS = {"mx1": "baseline", "mx2": "baseline", "mx3": "postscreen_deep", "mx4": "amavis"}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four hosts, three of them in logs of their own, and one whose lines stand between those of another."""
    folder = tmp_path_factory.mktemp("muster")
    logs = {host: lab_log(name).replace(b" mx1 ", b" %s " % host.encode()) for host, name in LOGS.items()}
    mixed = [
        line
        for pair in zip(*(logs.pop(host).splitlines(True) for host in ("mx1", "mx2")), strict=True)
        for line in pair
    ]
    write(folder / "mixed.log", b"".join(mixed))
    for host, log in logs.items():
        write(folder / f"{host}.log", log)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(temporary, "ROWS", 500)
        patch.setattr("advisor.ingestion.PART", 150_000)
        patch.setattr("advisor.range.BLOCK", 30_000)
        ingest([folder], folder / "store", zone=UTC, today=date(2026, 12, 31), year=2026)
    return folder / "store"


@pytest.fixture
def parallel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "LARGE", -1)
    monkeypatch.setattr(worker, "count", lambda: 2)


def whole(store: Path) -> pa.Table:
    return attempts(read(store), networks=INSIDE, domains=["ourdom.test"])


def test_bit_by_bit(store: Path) -> None:
    assert len(parts(store)) > 5
    sizes = [batch.num_rows for batch in batches(store, ["source", "offset"])]
    assert max(sizes) < 1_500
    places = [
        (row["source"], row["offset"]) for batch in batches(store, ["source", "offset"]) for row in batch.to_pylist()
    ]
    assert len({source for source, _ in places}) == 3
    assert all(one < other for one, other in pairwise(places) if one[0] == other[0])
    assert muster(store, OURS).equals(whole(store))


def test_in_several_processes(store: Path, parallel: None) -> None:
    found = muster(store, OURS)
    assert set(found["host"].to_pylist()) == set(LOGS)
    assert found.equals(whole(store))


def test_one_host_is_in_one_process(store: Path) -> None:
    weights = musters._weights(store, parts(store))
    events = read(store)["host"].to_pylist()
    assert weights == {host: events.count(host) for host in LOGS}
    for processes in (1, 2, 3, 9):
        shares = musters._shares(weights, processes)
        assert sorted(host for hosts in shares for host in hosts) == [*LOGS]
        assert len(shares) == min(processes, len(LOGS))


def test_those_who_log_most_are_dealt_out_first() -> None:
    assert musters._shares({"a": 9, "b": 8, "c": 1, "d": 2}, 2) == [("a", "c"), ("b", "d")]


def test_one_postfix_of_several(store: Path, parallel: None) -> None:
    # What is no Postfix, such as amavis, has no such name and belongs to whoever has the message.
    events = read(store)
    names = events["syslog_name"]
    for syslog_name in ("postfix", "no-such"):
        service = pc.starts_with(names, f"{syslog_name}/")
        kept = events.filter(pc.or_kleene(pc.is_null(names), pc.or_(pc.equal(names, syslog_name), service)))
        assert "amavis" in kept["program"].to_pylist()
        found = muster(store, OURS, syslog_name)
        assert found.equals(attempts(kept, networks=INSIDE, domains=["ourdom.test"]))
        assert (found.num_rows > 0) == (syslog_name == "postfix")


def test_a_store_that_holds_nothing(tmp_path: Path, parallel: None) -> None:
    (tmp_path / "store").mkdir()
    assert muster(tmp_path / "store").num_rows == 0


def test_a_part_that_cannot_be_read(
    store: Path, parallel: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for part in parts(store):
        (tmp_path / part.name).write_bytes((store / part.name).read_bytes())
    last = tmp_path / parts(store)[-1].name
    data = last.read_bytes()
    # The metadata stand at the end, and are whole.
    last.write_bytes(b"PAR1" + bytes(2_000) + data[2_004:])
    with pytest.raises(AdvisorError, match="is not a part of a store"):
        muster(tmp_path, OURS)
    # It may be that only a process finds out.
    monkeypatch.setattr(musters, "_weights", lambda *_: dict.fromkeys(LOGS, 1))
    with pytest.raises(AdvisorError, match="could not be read as a whole"):
        muster(tmp_path, OURS)


def die(share: Share) -> str:
    os.kill(os.getpid(), signal.SIGKILL)
    return ""


def test_a_process_that_is_killed(store: Path, parallel: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(musters, "_join", die)
    with pytest.raises(AdvisorError, match="killed"):
        muster(store, OURS)
