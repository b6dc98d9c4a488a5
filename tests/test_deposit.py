"""Attempts that wait on the disk are answered as those in memory, for as long as somebody holds the answers."""

import gc
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from advisor import deposit, question
from advisor.deposit import Deposit
from advisor.errors import AdvisorError
from advisor.intake import ingest
from advisor.outcome import outcome
from advisor.question import Question
from tests.conftest import MONTH

LIST = "permit_mynetworks, reject_unknown_client_hostname, reject_non_fqdn_helo_hostname, reject_unknown_sender_domain"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    ingest(MONTH, store=folder, zone=UTC)
    return folder


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("period", [{}, {"since": "2026-10-05", "until": "2026-10-20"}])
def test_a_long_history_is_answered_alike(
    store: Path, room: Path, monkeypatch: pytest.MonkeyPatch, period: dict[str, Any]
) -> None:
    usual = outcome(Question(store=store, zone=UTC, now=NOW, **period).simulate(LIST))
    monkeypatch.setattr(question, "LARGE", 0)
    monkeypatch.setattr(deposit, "ROWS", 1_000)
    found = Question(store=store, zone=UTC, now=NOW, **period).simulate(LIST)
    gc.collect()

    assert [*room.rglob("attempts.parquet")]
    assert outcome(found) == usual
    del found
    gc.collect()
    assert not [*room.iterdir()]


def test_rows_come_back_in_their_order(room: Path) -> None:
    schema = pa.schema([("time", pa.timestamp("us", "UTC")), ("number", pa.int64())])
    batches = [
        pa.RecordBatch.from_pylist([{"time": None, "number": at * 10 + n} for n in range(10)], schema)
        for at in range(5)
    ]
    held = Deposit(batches, schema)
    assert held.frame.to_arrow_table()["number"].to_pylist() == [*range(50)]
    assert Deposit([], schema).frame.to_arrow_table().num_rows == 0
    assert room.exists()


def test_no_room(room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(room / "none"))
    with pytest.raises(AdvisorError, match="attempts cannot be written: No such file or directory"):
        Deposit([], pa.schema([("time", pa.int64())]))
