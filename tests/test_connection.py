"""DuckDB within a machine's memory: the bound is set, and what is larger goes to the disk and back."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor import connection
from advisor.connection import LEAST, MOST, allowed, connected, limit

MEMINFO = "MemTotal:       24737452 kB\nMemFree:        19866868 kB\nMemAvailable:   {} kB\n"


@given(st.integers(0, 1 << 40), st.none() | st.integers(0, 1 << 45))
def test_the_bound_is_a_share_of_what_is_free(free: int, bound: int | None) -> None:
    found = limit(MEMINFO.format(free), bound)
    assert LEAST <= found <= MOST
    least = min(free << 10, (free << 10) if bound is None else bound)
    assert found in (LEAST, MOST) or found == int(least * connection.SHARE)


def test_a_machine_that_does_not_say() -> None:
    assert limit("") == LEAST


@pytest.mark.parametrize(("bound", "left"), [("max\n", None), ("1000\n", 400), ("500\n", 0)])
def test_a_container_has_less_than_its_machine(tmp_path: Path, bound: str, left: int | None) -> None:
    assert allowed(tmp_path) is None
    (tmp_path / "memory.max").write_text(bound)
    (tmp_path / "memory.current").write_text("600\n")
    assert allowed(tmp_path) == left


def test_what_does_not_fit_goes_to_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(connection, "limit", lambda *_: 48 << 20)
    with connected() as engine:
        (folder,) = tmp_path.iterdir()
        engine.execute("CREATE TABLE words AS SELECT md5(range::VARCHAR) AS word FROM range(2_000_000)")
        engine.execute("CREATE TABLE sorted AS SELECT word FROM words ORDER BY word")
        written = sum(path.stat().st_size for path in folder.iterdir())
        assert engine.execute("SELECT count(*), min(word) FROM sorted").fetchone()[0] == 2_000_000
    assert written > 20 << 20
    assert not list(tmp_path.iterdir())


def test_as_many_threads_as_we_may_use() -> None:
    with connected() as engine:
        assert engine.execute("SELECT current_setting('threads')").fetchone() == (len(os.sched_getaffinity(0)),)
        (bound,) = engine.execute("SELECT current_setting('memory_limit')").fetchone()
        assert bound.endswith(("MiB", "GiB"))
