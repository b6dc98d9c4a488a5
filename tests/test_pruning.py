"""What was deleted from a store is gone, stays gone, and nothing else is."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import advisor
from advisor import archive, store
from advisor.errors import AdvisorError
from advisor.history import open_store
from advisor.ingestion import Ingested, ingest
from advisor.part import unpruned
from advisor.pruning import prune
from advisor.response import FOUND, Response
from advisor.temporary import ENDING

START = datetime(2026, 11, 1, tzinfo=UTC)


def line(number: int) -> str:
    when = START + timedelta(hours=number)
    said = f"connect from mail{number}.example[203.0.113.{number % 250}]"
    return f"{when:%b} {when.day:2} {when:%H:%M:%S} mx1 postfix/smtpd[1]: {said}\n"


def added(folder: Path, log: Path) -> Ingested:
    return ingest([log], folder, year=2026, zone=UTC, today=date(2026, 11, 22))


def since(events: pa.Table, before: datetime) -> pa.Table:
    return unpruned(events, round(before.timestamp() * 1_000_000))


@given(st.integers(1, 60), st.integers(0, 60), st.lists(st.integers(0, 90), min_size=1, max_size=3))
def test_what_is_left_is_what_is_newer_and_nothing_comes_back(length: int, more: int, hours: list[int]) -> None:
    with TemporaryDirectory() as folder:
        log, kept, pruned = Path(folder, "maillog"), Path(folder, "kept"), Path(folder, "pruned")
        log.write_text("".join(map(line, range(length))))
        added(kept, log)
        added(pruned, log)
        limit = START
        for hour in hours:
            limit = max(limit, START + timedelta(hours=hour))
            done = prune(pruned, START + timedelta(hours=hour))
            assert done.events_left == store.read(pruned).num_rows
            assert added(pruned, log).coverage.lines == 0
        # An older copy, which is shorter, and then the log itself, grown.
        log.write_text("".join(map(line, range(max(1, length // 2)))))
        assert added(pruned, log).coverage.lines == 0
        log.write_text("".join(map(line, range(length + more))))
        assert added(pruned, log).coverage.lines == more
        added(kept, log)
        whole = store.read(kept)
        new = whole.filter(pa.array(range(whole.num_rows)).to_numpy() >= length)
        wanted = pa.concat_tables([since(whole.slice(0, length), limit), new])
        assert store.read(pruned).equals(wanted)
        assert open_store(pruned).coverage == open_store(kept).coverage


def test_a_line_without_a_time_goes_with_the_others(tmp_path: Path) -> None:
    log, folder = tmp_path / "maillog", tmp_path / "store"
    log.write_text(line(0) + "anna@secret.example was here\n" + line(100))
    added(folder, log)

    done = prune(folder, START + timedelta(hours=50))

    assert (done.events, done.events_left) == (2, 1)
    for path in folder.glob("*.parquet"):
        assert b"secret" not in path.read_bytes()
        assert b"mail0.example" not in path.read_bytes()
    assert "events before 2026-11-03 02:00 UTC were deleted" in " ".join(open_store(folder).notes)


def test_the_last_line_of_what_is_deleted_is_not_kept_for_a_repetition(tmp_path: Path) -> None:
    log, folder = tmp_path / "maillog", tmp_path / "store"
    log.write_text(line(0))
    added(folder, log)
    assert store.parts(folder)[0].previous

    prune(folder, START + timedelta(hours=1))

    assert b"mail0" not in b"".join(path.read_bytes() for path in folder.glob("*.parquet"))


def test_answers_of_the_dns_go_too(tmp_path: Path) -> None:
    log, folder = tmp_path / "maillog", tmp_path / "store"
    log.write_text(line(0))
    added(folder, log)
    seconds = iter(range(9))
    with archive.opened(folder, START, lambda: float(next(seconds))) as kept:
        for day in (1, 9):
            when = datetime(2026, 11, day, tzinfo=UTC)
            kept.add(Response(f"{day}.113.0.203.in-addr.arpa", "PTR", FOUND, ("mail.example",), when))

    assert prune(folder, datetime(2026, 11, 5, tzinfo=UTC)).responses == 1
    assert [answer.name for answer in archive.read(folder)] == ["9.113.0.203.in-addr.arpa"]
    done = prune(folder, datetime(2026, 11, 10, tzinfo=UTC))
    assert (done.responses, done.responses_left) == (1, 0)
    assert archive.files(folder) == []


def test_a_dry_run_deletes_nothing(tmp_path: Path) -> None:
    log, folder = tmp_path / "maillog", tmp_path / "store"
    log.write_text("".join(map(line, range(10))))
    added(folder, log)
    before = {path.name: path.read_bytes() for path in folder.glob("*.parquet")}

    done = advisor.prune("2026-11-01T05:00+00:00", store=folder, only_count=True)

    assert (done.events, done.events_left) == (5, 5)
    assert {path.name: path.read_bytes() for path in folder.glob("*.parquet")} == before


def test_what_a_kill_left_is_cleared_away(tmp_path: Path) -> None:
    log, folder = tmp_path / "maillog", tmp_path / "store"
    log.write_text(line(0))
    added(folder, log)
    half = folder / f".half{ENDING}"
    half.touch()

    assert prune(folder, START).events == 0

    assert not half.exists()


@pytest.mark.parametrize("when", ["yesterday", "90", ""])
def test_what_is_no_time_is_refused(tmp_path: Path, when: str) -> None:
    with pytest.raises(AdvisorError, match="is no time"):
        advisor.prune(when, store=tmp_path)


def test_a_date_to_come_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AdvisorError, match="still to come"):
        advisor.prune("2027-01-01", store=tmp_path, now=datetime(2026, 11, 22, tzinfo=UTC))


def test_there_must_be_a_store(tmp_path: Path) -> None:
    with pytest.raises(AdvisorError, match="is not a store"):
        prune(tmp_path / "none", START)
    assert not (tmp_path / "none").exists()
    with pytest.raises(AdvisorError, match="is not a store"):
        prune(tmp_path, START)
    assert not [*tmp_path.iterdir()]
