"""Processes that parse ranges of a log: what they make is what one process makes, and their death is no disaster."""

import gzip
import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor import history, ingestion, store, temporary, worker
from advisor.draft import Draft
from advisor.errors import AdvisorError
from advisor.ingestion import ingest
from advisor.log import Block, Log
from advisor.part import Origin, Place
from advisor.range import Range, cut, ranges, shares
from advisor.worker import Work, each
from tests.conftest import TODAY, write
from tests.test_store import add, line, lines

ROOT = Path(__file__).parent.parent


@pytest.fixture
def parallel(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (ingestion, history):
        monkeypatch.setattr(module, "PART", 1000)
    monkeypatch.setattr(worker, "LARGE", -1)
    monkeypatch.setattr(worker, "count", lambda: 2)


def spread(data: bytes, log: str = "maillog") -> Iterator[Range]:
    draft = Draft(Origin("0" * 16, "", log), Place(0, (2026, None)), UTC)
    return ranges(draft, cut([data], 0, 0, 1000), 1000)


def size(found: Range) -> int:
    return sum(map(len, found.pieces()))


def die_once(found: Range) -> int:
    """As if memory were short while others are at work."""
    if found.place.offset == 0 and not Path(found.origin.log).exists():
        Path(found.origin.log).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return size(found)


def die(found: Range) -> int:
    if found.place.offset == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return size(found)


def refuse(found: Range) -> int:
    raise AdvisorError("here", "that is amiss", "do this")


def descriptors() -> int:
    return sum("memfd" in str(each.readlink()) for each in Path("/proc/self/fd").iterdir() if each.is_symlink())


# Ranges


@given(st.lists(st.integers(0, 60), max_size=60), st.integers(1, 300), st.integers(1, 70))
def test_a_log_is_cut_alike_whoever_reads_it(lengths: list[int], full: int, piece: int) -> None:
    data = b"".join(b"x" * length + b"\n" for length in lengths) + b"half"
    whole = list(cut([data], 0, 0, full))
    pieces = [data[at : at + piece] for at in range(0, len(data), piece)]
    assert list(cut(pieces, 0, 0, full)) == whole
    assert b"".join(block.data for block in whole) == data
    begin = 0
    for block in whole[:-1]:
        assert block.terminated
        if block.end - begin >= full:
            assert data.find(b"\n", begin + full - 1) == block.end - 1
            # Another process begins there, and cuts what follows in the same way.
            assert list(cut([data[block.end :]], block.end, block.end, full)) == whole[whole.index(block) + 1 :]
            begin = block.end
    assert whole[-1] in (Block(len(data) - 4, b"half", terminated=False), Block(0, b"half", terminated=False))


def test_what_a_range_needs_of_the_lines_before() -> None:
    days = ["Dec 30", "Dec 31", "Jan  1", "Jan  2"]
    data = b"x\n" * 40 + b"".join(line(7 * number, days[number // 20]) for number in range(80))
    found = list(spread(data))
    assert [each.place.moment for each in found[:2]] == [(2026, None), (2026, "2026-12-30")]
    assert found[-1].place.moment == (2027, "2027-01-02")
    assert found[0].place.first_time is None
    assert {each.place.first_time for each in found[1:]} == {found[1].place.first_time}
    assert b"".join(piece for each in found for piece in each.pieces()) == data
    for range_ in found:
        range_.close()


# Processes


def test_results_come_in_order_and_nothing_stays_open() -> None:
    before = descriptors()
    with closing(each(size, spread(lines(60)))) as results:
        found = [(found.place.offset, result) for found, result in results]
    assert [offset for offset, _ in found] == sorted(offset for offset, _ in found)
    assert sum(result or 0 for _, result in found) == len(lines(60))
    assert descriptors() == before


def test_a_process_that_dies_costs_its_range_alone() -> None:
    with closing(each(die, spread(lines(60)))) as results:
        found = [result for _, result in results]
    assert found[0] is None
    assert None not in found[1:]


def test_a_process_that_dies_in_company_is_tried_alone(tmp_path: Path) -> None:
    with closing(each(die_once, spread(lines(60), log=str(tmp_path / "died")))) as results:
        assert sum(result or 0 for _, result in results) == len(lines(60))
    assert (tmp_path / "died").exists()


def test_a_none_waits_for_all_before_it() -> None:
    done: list[int] = []

    def plan() -> Iterator[Range | None]:
        first, second, third, *others = spread(lines(60))
        for found in others:
            found.close()
        yield from (first, second)
        yield None
        assert len(done) == 2
        yield third

    with closing(each(size, plan())) as results:
        done.extend(found.place.offset for found, _ in results)
    assert len(done) == 3


def test_what_the_work_raises_ends_it() -> None:
    before = descriptors()
    with pytest.raises(AdvisorError, match="that is amiss"), closing(each(refuse, spread(lines(60)))) as results:
        list(results)
    assert descriptors() == before


def test_no_process_for_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def start(_: int) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(worker, "_executor", start)
    log = write(tmp_path / "maillog", lines(1000))
    assert add(tmp_path / "store", log).coverage.lines == 1000
    assert history.parse_files([log], zone=UTC, today=TODAY).coverage.lines == 1000


def test_how_much_there_is_to_do(tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    log, packed = write(tmp_path / "maillog", lines(1000)), write(tmp_path / "maillog.1.gz", gzip.compress(lines(9, 5)))
    ingest([log], tmp_path / "store", zone=UTC, today=TODAY, progress=lambda done, total: told.append((done, total)))
    ingest([log], tmp_path / "store", zone=UTC, today=TODAY, progress=lambda done, total: told.append((done, total)))
    assert told[0] == told[1] == (len(lines(1000)), len(lines(1000)))
    history.parse_files([log], zone=UTC, today=TODAY, progress=lambda done, total: told.append((done, total)))
    assert told[2:] == told[:1]
    assert Work.of([log, packed]).total is None
    assert not Work.of([log, packed]).large


# The same from several processes as from one


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_the_parts_are_byte_for_byte_those_of_one_process(
    tmp_path: Path, parallel: None, monkeypatch: pytest.MonkeyPatch, pack: type[bytes]
) -> None:
    days = ["Nov 19", "Nov 20", "Nov 21"]
    texts = [line(number, days[number // 40]) for number in range(120)]
    log = write(tmp_path / "maillog", pack(b"".join(texts) + b"half a li"))
    result = add(tmp_path / "parallel", log)
    parsed = history.parse_files([log], zone=UTC, today=TODAY)
    monkeypatch.setattr(worker, "LARGE", 1 << 40)
    assert add(tmp_path / "alone", log) == result
    one, other = (
        {file.name: file.read_bytes() for file in (tmp_path / name).glob("*.parquet")} for name in ("parallel", "alone")
    )
    assert len(one) > 3
    assert one == other
    alone = history.parse_files([log], zone=UTC, today=TODAY)
    assert parsed.events.equals(alone.events)
    assert (parsed.coverage, parsed.notes, parsed.bad) == (alone.coverage, alone.notes, alone.bad)


def test_parts_of_several_blocks_say_the_same(tmp_path: Path, parallel: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("advisor.range.BLOCK", 300)
    log = write(
        tmp_path / "maillog", b"".join(line(number, "Dec 31" if number < 50 else "Jan  1") for number in range(99))
    )
    add(tmp_path / "parallel", log)
    monkeypatch.setattr(worker, "LARGE", 1 << 40)
    add(tmp_path / "alone", log)
    assert store.parts(tmp_path / "parallel") == store.parts(tmp_path / "alone")
    assert len(store.parts(tmp_path / "alone")) > 3
    assert store.read(tmp_path / "parallel").equals(store.read(tmp_path / "alone"))


def test_files_that_begin_alike_and_those_that_grew(tmp_path: Path, parallel: None) -> None:
    folder = tmp_path / "store"
    docker = [write(tmp_path / f"docker{n}", b"Attaching to postfix\n" + lines(30, 100 * n)) for n in range(3)]
    copy = write(tmp_path / "copy", docker[1].read_bytes())
    grown = write(tmp_path / "grown", lines(7))
    add(folder, grown)
    write(grown, lines(50))
    result = add(folder, *docker, copy, grown)
    assert (result.coverage.lines, result.known, result.bad) == (3 * 31 + 43, 1, ())
    assert store.coverage(folder).lines == 3 * 31 + 50
    assert len({part.first_time for part in store.parts(folder) if part.log == "grown"}) == 1
    assert add(folder, *docker, copy, grown).known == 5


def test_a_log_whose_process_dies_is_named_and_the_others_go_on(
    tmp_path: Path, parallel: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = write(tmp_path / "one", lines(60)), write(tmp_path / "other", lines(60, 70))
    with monkeypatch.context() as patch:
        patch.setattr(ingestion, "write", _deadly)
        result = add(tmp_path / "store", one, other)
    assert [str(error).split(":")[0] for error in result.bad] == [str(one), str(other)]
    assert 60 < result.coverage.lines < 120
    result = add(tmp_path / "store", one, other)
    assert result.bad == ()
    assert store.coverage(tmp_path / "store").lines == 120


def _deadly(folder: Path, found: Range) -> object:
    if found.place.offset == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    from advisor.temporary import write as work

    return work(folder, found)


def test_a_script_without_a_guard_is_not_run_again(tmp_path: Path) -> None:
    log = write(tmp_path / "maillog", lines(60))
    script = write(
        tmp_path / "script.py",
        f"""
from datetime import UTC, date
from advisor import history, worker
print("once")
worker.LARGE, worker.count = -1, lambda: 2
print(history.parse_files([{str(log)!r}], zone=UTC, today=date(2026, 11, 22)).coverage.lines)
""".encode(),
    )
    done = subprocess.run(
        [sys.executable, str(script)],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert (done.stdout, done.stderr) == ("once\n60\n", "")


def share(log: Log, full: int) -> list[Range]:
    first = log.first_line()
    assert first is not None
    origin = Origin("a", hashlib.sha256(first[0]).hexdigest(), log.name)
    return list(shares(Draft(origin, Place(0, (2026, None)), UTC), log, log.size(), full))


def test_a_log_that_the_workers_read_is_cut_as_one_that_is_laid_out(tmp_path: Path) -> None:
    data = lines(400) + b"half a line"
    with Log(write(tmp_path / "maillog", data)) as log:
        found = share(log, 1_000)
    assert b"".join(piece for shared in found for piece in shared.pieces()) == lines(400)
    assert all(1_000 <= size(shared) < 1_200 for shared in found[:-1])
    assert [shared.stop for shared in found[:-1]] == [shared.place.offset for shared in found[1:]]
    for shared in found:
        shared.close()


@pytest.mark.parametrize("anew", [b"", b"Nov 22 12:00:09 mx1 postfix/smtpd[7]: connect from a[192.0.2.1]\n" * 9_000])
def test_a_log_that_is_written_anew_before_a_worker_reads_it(tmp_path: Path, anew: bytes) -> None:
    """Truncated, or with another first line: nothing of it is kept."""
    path = write(tmp_path / "maillog", lines(400))
    with Log(path) as log:
        found = share(log, 10_000)
    path.write_bytes(anew)
    folder = tmp_path / "store"
    folder.mkdir()

    for shared in found:
        error = temporary.write(folder, shared)
        shared.close()
        assert isinstance(error, AdvisorError)
        assert "changed while it was being read" in str(error)
    assert list(folder.iterdir()) == []
