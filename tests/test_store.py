import bz2
import fcntl
import gzip
import json
import random
from collections.abc import Callable, Collection
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from advisor import draft, ingestion, part, programs, recognition, store
from advisor.errors import AdvisorError
from advisor.event import SCHEMA, VERSION, Coverage
from advisor.ingestion import Ingested, ingest
from advisor.line import Clock
from advisor.source import Log, Survey
from advisor.store import read
from tests.conftest import TODAY, write

PACKERS: list[Callable[[bytes], bytes]] = [bytes, gzip.compress, bz2.compress]


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of about ten lines, on a disk that is not asked to be sure of them."""
    monkeypatch.setattr(ingestion, "PART", 1000)
    monkeypatch.setattr("os.fsync", lambda _: None)


def line(number: int, day: str = "Nov 20", host: str = "mx1") -> bytes:
    start = f"{day} 12:{number // 60 % 60:02}:{number % 60:02} {host}"
    return [
        f"{start} postfix/smtpd[{number}]: connect from mail.good.example[203.0.113.10]\n",
        f"{start} postfix/smtpd[{number}]: disconnect from mail.good.example[203.0.113.10] ehlo=1 quit=1 commands=2\n",
        f"{start} dovecot: imap-login: Login\n",
        f"{start} postfix/smtpd[{number}]: something new\n",
        "no header at all\n",
        "\n",
        f"{start} postfix/smtpd[{number}]: damaged \0\0\0\n",
    ][number % 7].encode()


def lines(count: int, start: int = 0) -> bytes:
    return b"".join(line(number) for number in range(start, start + count))


def add(folder: Path, *paths: Path, year: int | None = None) -> Ingested:
    return ingest([str(path) for path in paths], folder, year=year, zone=UTC, today=TODAY)


def rows(table: pa.Table) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = table.to_pylist()
    return found


def parsed(data: bytes, source: str, year: int = 2026) -> tuple[pa.Table, Coverage]:
    """What the parser makes of a log in one go."""
    texts = data.split(b"\n")[:-1]
    offsets = [0]
    for text in texts:
        offsets.append(offsets[-1] + len(text) + 1)
    found = programs.parse(zip(offsets, texts, strict=False), Clock(year, UTC), source)
    return found.events, found.coverage


def assert_holds(folder: Path, data: bytes, year: int = 2026) -> None:
    """The store holds this log and nothing else."""
    found = read(folder)
    assert len(set(found["source"].to_pylist())) == 1
    events, coverage = parsed(data, found["source"][0].as_py(), year)
    assert rows(found) == rows(events)
    assert store.coverage(folder) == coverage


# Once and only once


def test_an_ingest_and_another(tmp_path: Path) -> None:
    log = write(tmp_path / "maillog", lines(100))
    first = add(tmp_path / "store", log)
    assert_holds(tmp_path / "store", lines(100))
    assert first.coverage.lines == 100
    assert (first.files, first.known, first.pending, first.bad, first.notes) == (1, 0, (), (), ())
    before = {path: path.read_bytes() for path in (tmp_path / "store").iterdir()}
    again = add(tmp_path / "store", log)
    assert again == Ingested(Coverage(), 1, 1, (), (), ())
    assert {path: path.read_bytes() for path in (tmp_path / "store").iterdir()} == before
    assert (tmp_path / "store").stat().st_mode & 0o777 == 0o700


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_way_to_ingest_a_log_bit_by_bit_is_as_good_as_at_once(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("ingest")
    # The first line has a header, or what follows could be taken for an image.
    numbers = [0, *data.draw(st.lists(st.integers(0, 200), max_size=30))]
    days = ["Nov 20", "Dec 31", "Jan  1", "Jan  2"]
    turns = sorted(data.draw(st.lists(st.integers(0, 30), min_size=3, max_size=3)))
    texts = [line(number, days[sum(at >= turn for turn in turns)]) for at, number in enumerate(numbers)]
    whole = b"".join(texts)
    cuts = [*data.draw(st.lists(st.integers(0, len(whole)), max_size=4)), len(whole)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ingestion, "PART", data.draw(st.sampled_from([1, 300, 1000, 10**6])))
        for at in data.draw(st.permutations(cuts)):
            pack = data.draw(st.sampled_from(PACKERS))
            log = write(folder / f"maillog.{data.draw(st.integers(0, 3))}", pack(whole[:at]), modified=date(2027, 1, 2))
            add(folder / "store", log)
        events, coverage = parsed(whole, "", 2027 if whole.startswith(b"Jan") else 2026)
        assert rows(read(folder / "store").drop_columns("source")) == rows(events.drop_columns("source"))
        assert store.coverage(folder / "store") == coverage
        assert len(store.parts(folder / "store")) <= len(texts)


def test_a_growing_log_rewrites_its_last_part_until_that_is_full(tmp_path: Path) -> None:
    log = tmp_path / "maillog"
    names: list[list[str]] = []
    for count in range(1, 60):
        add(tmp_path / "store", write(log, lines(count)))
        assert_holds(tmp_path / "store", lines(count))
        names.append([part.name for part in store.parts(tmp_path / "store")])
    assert all(earlier == later[: len(earlier)] for earlier, later in pairwise(names))
    sizes = [part.size for part in store.parts(tmp_path / "store")]
    assert all(1000 <= size < 1150 for size in sizes[:-1])
    assert len(sizes) == 4


def test_half_a_line_is_left_for_the_next_run(tmp_path: Path) -> None:
    log = tmp_path / "maillog"
    first = add(tmp_path / "store", write(log, line(0)[:30]))
    assert (first.pending, first.notes) == ((str(log),), ())
    assert read(tmp_path / "store").num_rows == 0
    for cut in (5, 1):
        result = add(tmp_path / "store", write(log, lines(23)[:-cut]))
        assert result.pending == (str(log),)
        assert result.coverage.lines == (22 if cut == 5 else 0)
    result = add(tmp_path / "store", write(log, lines(23)))
    assert (result.pending, result.coverage.lines) == ((), 1)
    assert_holds(tmp_path / "store", lines(23))


def test_rotated_renamed_and_compressed(tmp_path: Path) -> None:
    log, folder = tmp_path / "maillog", tmp_path / "store"
    add(folder, write(log, lines(40)))
    log.rename(tmp_path / "maillog.1")
    write(tmp_path / "maillog.1", lines(50))
    new = b"".join(line(number, "Nov 21") for number in range(30))
    write(log, new)
    result = add(folder, log, tmp_path / "maillog.1")
    assert result.coverage.lines == 10 + 30
    for pack in PACKERS:
        write(tmp_path / "maillog-20261122.gz", pack(lines(50)))
        assert add(folder, tmp_path / "maillog-20261122.gz").known == 1
    assert store.coverage(folder).lines == 80
    days = [time.day for time in read(folder)["time"].to_pylist() if time]
    assert days == sorted(days)
    assert len(set(read(folder)["source"].to_pylist())) == 2


def test_a_log_that_grew_while_it_was_compressed(tmp_path: Path) -> None:
    add(tmp_path / "store", write(tmp_path / "maillog", lines(33)))
    result = add(tmp_path / "store", write(tmp_path / "maillog.1.gz", gzip.compress(lines(55))))
    assert result.coverage.lines == 22
    assert_holds(tmp_path / "store", lines(55))


@pytest.mark.parametrize("count", range(1, 60, 3))
def test_an_older_copy_adds_nothing(tmp_path: Path, count: int) -> None:
    add(tmp_path / "store", write(tmp_path / "maillog", lines(60)))
    # Restored from a backup: its own time would give it another year, had its lines not been dated already.
    older = write(tmp_path / "maillog.old", lines(count) + line(count)[:9], modified=date(2028, 1, 1))
    result = add(tmp_path / "store", older)
    assert (result.known, result.coverage.lines, result.pending) == (1, 0, ())
    assert_holds(tmp_path / "store", lines(60))


@pytest.mark.parametrize("size", [1000, 10**6])
def test_an_older_copy_of_a_log_that_grew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(ingestion, "PART", size)
    log, folder = tmp_path / "maillog", tmp_path / "store"
    stages = [line(0, "Nov 20"), *(b"".join(line(n, day) for n in range(5)) for day in ("Nov 20", "Jan  1", "Jan  9"))]
    for number in range(1, 5):
        add(folder, write(log, b"".join(stages[:number]), modified=date(2027, 1, 9)))
    for number in (1, 2, 3):
        assert add(folder, write(log, b"".join(stages[:number]), modified=date(2028, 1, 1))).known == 1
    assert_holds(folder, b"".join(stages))


def test_logs_that_differ_in_what_is_ignored_differ(tmp_path: Path) -> None:
    add(tmp_path / "store", write(tmp_path / "one", lines(9)))
    other = write(tmp_path / "two", lines(9).replace(b"Login", b"Ligon"))
    assert add(tmp_path / "store", other).coverage.lines == 9


@pytest.mark.parametrize("at", [1, 5, 12, 40, 58])
def test_a_log_that_begins_alike_is_another(tmp_path: Path, at: int) -> None:
    first = lines(60)
    second = lines(at) + lines(59 - at, at + 1)
    add(tmp_path / "store", write(tmp_path / "one", first))
    assert add(tmp_path / "store", write(tmp_path / "two", second)).coverage.lines == 59
    for name, data in (("one", first), ("two", second)):
        assert add(tmp_path / "store", write(tmp_path / name, data)).known == 1
    found = read(tmp_path / "store")
    source = found["source"][0].as_py()
    for name, data in ((source, first), (f"{source}.1", second)):
        assert rows(found.filter(pc.equal(found["source"], name))) == rows(parsed(data, name)[0])


def test_many_logs_that_begin_alike(tmp_path: Path) -> None:
    logs = []
    for number in range(12):
        log = write(tmp_path / f"docker{number}", b"Attaching to postfix\n" + lines(15, 20 * number))
        logs.append(log)
        add(tmp_path / "store", log)
    assert add(tmp_path / "store", *logs).known == 12
    for number, log in enumerate(logs):
        write(log, log.read_bytes() + lines(10, 500 + number))
    assert add(tmp_path / "store", *reversed(logs)).coverage.lines == 120
    assert store.coverage(tmp_path / "store").lines == 12 * 26
    sources = {part.source for part in store.parts(tmp_path / "store")}
    assert {name.partition(".")[2] for name in sources} == {"", *map(str, range(1, 12))}


def test_a_part_that_was_lost_is_read_again(tmp_path: Path) -> None:
    log = write(tmp_path / "maillog", lines(90))
    add(tmp_path / "store", log)
    for lost in ([0], [1], [-1], [1, 2], [0, 2]):
        names = [part.name for part in store.parts(tmp_path / "store")]
        assert len(names) >= 3
        for number in lost:
            (tmp_path / "store" / names[number]).unlink()
        assert add(tmp_path / "store", log).coverage.lines > 0
        assert_holds(tmp_path / "store", lines(90))


def test_an_older_copy_where_a_part_was_lost(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    add(folder, write(tmp_path / "maillog", lines(90)))
    first, second = store.parts(folder)[:2]
    (folder / second.name).unlink()
    older = write(tmp_path / "older", lines(90)[: second.start + 500])
    result = add(folder, older)
    assert (result.pending, result.notes) == ((), ())
    assert 0 < result.coverage.lines < 90
    assert add(folder, tmp_path / "maillog").coverage.lines > 0
    assert_holds(folder, lines(90))
    # Where nothing is left to compare it with, it is another log.
    (folder / first.name).unlink()
    other = write(tmp_path / "other", line(0) + lines(3, 300))
    assert add(folder, other).coverage.lines == 4
    assert len({part.source for part in store.parts(folder)}) == 2


@pytest.mark.parametrize("size", [1000, 10**6])
def test_the_year_goes_on_where_the_last_run_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(ingestion, "PART", size)
    log = tmp_path / "maillog"
    december = b"".join(line(number, "Dec 31") for number in range(30))
    january = b"".join(line(number, "Jan  1") for number in range(30))
    add(tmp_path / "store", write(log, december, modified=date(2024, 12, 31)))
    # Its time is of no use any more: it was copied.
    add(tmp_path / "store", write(log, december + january, modified=date(2026, 6, 1)))
    assert_holds(tmp_path / "store", december + january, 2024)
    years = [time.year for time in read(tmp_path / "store")["time"].to_pylist() if time]
    assert set(years) == {2024, 2025}


def test_a_year_that_is_told(tmp_path: Path) -> None:
    add(tmp_path / "store", write(tmp_path / "maillog", lines(9)), year=2019)
    assert_holds(tmp_path / "store", lines(9), 2019)
    with pytest.raises(AdvisorError, match="cannot be of 2019"):
        add(tmp_path / "store", write(tmp_path / "leap", line(0, "Feb 29")), year=2019)


# Bad files


def test_bad_files_do_not_stop_the_others(tmp_path: Path) -> None:
    noise = random.Random(1)
    data = b"".join(line(7 * noise.randrange(10**8)) for _ in range(3000))
    packed = gzip.compress(data)
    cut = write(tmp_path / "cut.gz", packed[: len(packed) // 2])
    image = write(tmp_path / "image", b"\x89PNG\0\0")
    empty = write(tmp_path / "empty", b"")
    other = write(tmp_path / "other", b"Nov 22 12:00:00 mx1 dovecot: login\n" * 1200)
    mixed = write(tmp_path / "mixed", line(0) + b"Nov 22 12:00:00 mx1 dovecot: login\n" * 2999)
    good = write(tmp_path / "good", lines(30))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ingestion, "PART", 50_000)
        result = add(tmp_path / "store", cut, image, empty, Path("/proc/self/mem"), other, mixed, good)
        assert sorted(str(error).split(":")[0] for error in result.bad) == sorted(
            map(str, (cut, image, "/proc/self/mem"))
        )
        assert sorted(result.notes) == [f"{empty}: empty, just rotated?", f"{other}: no Postfix line among 1,200"]
        assert result.coverage.lines > 4230
        assert result.pending == ()
        assert add(tmp_path / "store", cut).pending == ()
        # What came before the cut is there already when the file is whole.
        rest = add(tmp_path / "store", write(cut, packed))
    assert result.coverage.lines - 4230 + rest.coverage.lines == 3000
    assert rest.bad == ()


def test_a_log_that_changes_under_our_hands_is_not_mixed_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = write(tmp_path / "maillog", lines(5))
    add(tmp_path / "store", log)
    survey = Log.survey

    def truncated_afterwards(self: Log, ranges: Collection[tuple[int, int]]) -> Survey:
        found = survey(self, ranges)
        log.write_bytes(lines(60, 100))
        return found

    monkeypatch.setattr(Log, "survey", truncated_afterwards)
    write(log, lines(9))
    assert "changed" in str(add(tmp_path / "store", log).bad[0])
    assert_holds(tmp_path / "store", lines(5))


def test_a_new_log_that_changes_under_our_hands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = write(tmp_path / "maillog", lines(9))
    start = ingestion.Calendar.start

    def truncated_afterwards(self: ingestion.Calendar, log_: Log) -> part.Place:
        found = start(self, log_)
        log.write_bytes(lines(60, 100))
        return found

    with monkeypatch.context() as patch:
        patch.setattr(ingestion.Calendar, "start", truncated_afterwards)
        assert "changed" in str(add(tmp_path / "store", log).bad[0])
    assert add(tmp_path / "store", log).coverage.lines == 60
    assert_holds(tmp_path / "store", lines(60, 100))


def test_filtered_copies_and_joined_files_are_logs_of_their_own(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    one, other = lines(40), b"".join(line(number, "Nov 21") for number in range(40))
    # grep postfix maillog, whose first line may be the same; cat maillog.1 maillog
    filtered = b"".join(text for text in one.splitlines(keepends=True) if b"postfix" in text)
    logs = [one, other, filtered, one + other, filtered[len(line(0)) :]]
    paths = [write(tmp_path / f"maillog.{number}", data) for number, data in enumerate(logs)]
    assert filtered.startswith(line(0))
    for path in paths:
        add(folder, path)
    # The joined one begins as the first does, and is taken for that, grown.
    sources = {part.source for part in store.parts(folder)}
    assert len(sources) == 4
    assert store.coverage(folder).lines == sum(data.count(b"\n") for data in logs) - 40
    assert add(folder, *paths).known == 5


# The folder


def test_a_part_says_what_it_holds(tmp_path: Path) -> None:
    add(tmp_path / "store", write(tmp_path / "maillog", lines(40)))
    for file in sorted((tmp_path / "store").glob("*.parquet")):
        found = {key.decode(): json.loads(value) for key, value in pq.read_schema(file).metadata.items()}
        assert file.name == f"{found['advisor.source']}-{found['advisor.start']:020}.parquet"
        assert found["advisor.schema"] == found["advisor.parser"] == VERSION
        assert found["advisor.log"] == "maillog"
        assert found["advisor.hosts"] == ["mx1"]
        assert found["advisor.clock_after"] == [2026, "2026-11-20"]
        first = datetime(2026, 11, 20, 12, tzinfo=UTC)
        assert found["advisor.first_time"] == first.timestamp() * 1e6
        assert pq.read_metadata(file).row_group(0).column(0).compression == "SNAPPY"
    assert pq.read_table(tmp_path / "store").num_rows == read(tmp_path / "store").num_rows


def test_columns_and_batches(tmp_path: Path) -> None:
    add(tmp_path / "store", write(tmp_path / "maillog", lines(40)))
    whole = read(tmp_path / "store")
    assert whole.schema == SCHEMA
    assert read(tmp_path / "store", ["text", "offset"]).equals(whole.select(["text", "offset"]))
    assert pa.Table.from_batches(store.batches(tmp_path / "store")).equals(whole)
    assert len(list(store.batches(tmp_path / "store"))) == len(store.parts(tmp_path / "store"))


def test_log_order_is_by_the_first_time_of_the_source(tmp_path: Path) -> None:
    headless = write(tmp_path / "headless", b"no header\n" * 200)
    late = write(tmp_path / "late", b"".join(line(7 * number, "Nov 21") for number in range(30)))
    # A thousand bytes without a time come before its first.
    early = write(tmp_path / "early", b"\n" * 1200 + b"".join(line(7 * number, "Nov 19") for number in range(30)))
    for log in (headless, late, early):
        add(tmp_path / "store", log)
    # A log that grows keeps its place.
    grown = tmp_path / "grown"
    add(tmp_path / "store", write(grown, line(0, "Nov 18")))
    add(tmp_path / "store", write(grown, line(0, "Nov 18") + line(0, "Nov 22")))
    days = [time and time.day for time in read(tmp_path / "store")["time"].to_pylist()]
    assert days == [18, 22] + [19] * 30 + [21] * 30 + [None] * 200


def test_an_empty_store_and_none(tmp_path: Path) -> None:
    add(tmp_path / "store", write(tmp_path / "maillog", b""))
    assert read(tmp_path / "store").schema == SCHEMA
    assert store.coverage(tmp_path / "store") == Coverage()
    for call in (read, store.coverage):
        with pytest.raises(AdvisorError, match="ingest"):
            call(tmp_path / "nothing")


@pytest.mark.parametrize("where", ["file", "file/store", "/proc/nothing", "/proc/nothing/store"])
def test_a_store_that_cannot_be(tmp_path: Path, where: str) -> None:
    write(tmp_path / "file", b"")
    with pytest.raises(AdvisorError, match="choose another --store"):
        add(tmp_path / where, write(tmp_path / "maillog", lines(3)))


def test_a_full_disk_stops_everything_and_costs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, folder = write(tmp_path / "maillog", lines(60)), tmp_path / "store"
    synced: list[int] = []

    def full(descriptor: int) -> None:
        synced.append(descriptor)
        if len(synced) == 5:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(AdvisorError, match="No space left"):
        add(folder, log)
    assert len(store.parts(folder)) == 2
    assert not list(folder.glob(".*.tmp"))
    assert add(folder, log).coverage.lines > 0
    assert_holds(folder, lines(60))


def newer(file: Path) -> None:
    table = pq.read_table(file)
    metadata = {**table.schema.metadata, b"advisor.schema": str(VERSION + 1).encode()}
    pq.write_table(table.select(["time"]).replace_schema_metadata(metadata), file)


def test_a_newer_store_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    add(folder, write(tmp_path / "maillog", lines(60)))
    newer(folder / store.parts(folder)[2].name)
    write(folder / ".x.tmp", b"of the newer one")
    before = {path: path.read_bytes() for path in folder.iterdir()}
    other = write(tmp_path / "other", lines(3, 700))
    for call in (lambda: add(folder, other), lambda: read(folder), lambda: store.coverage(folder)):
        with pytest.raises(AdvisorError, match="newer advisor"):
            call()
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_a_part_of_an_older_parser_is_not_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = write(tmp_path / "maillog", lines(5))
    add(tmp_path / "store", log)
    for module in (draft, part, recognition):
        monkeypatch.setattr(module, "VERSION", VERSION + 1)
    add(tmp_path / "store", write(log, lines(9)))
    assert [found.parser for found in store.parts(tmp_path / "store")] == [VERSION, VERSION + 1]
    assert_holds(tmp_path / "store", lines(9))


@pytest.mark.parametrize("damage", ["empty", "text", "renamed", "foreign"])
def test_a_damaged_part_is_named(tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "store"
    add(folder, write(tmp_path / "maillog", lines(60)))
    file = folder / store.parts(folder)[1].name
    if damage == "renamed":
        file = file.rename(folder / f"{'0' * 16}-{'0' * 20}.parquet")
    elif damage == "foreign":
        pq.write_table(pa.table({"time": [1]}), file)
    else:
        file.write_bytes(b"" if damage == "empty" else b"x" * 500)
    for call in (lambda: read(folder), lambda: add(folder, tmp_path / "maillog")):
        with pytest.raises(AdvisorError, match="is not a part of a store") as error:
            call()
        assert file.name in str(error.value)


def test_other_files_in_the_store_are_no_matter(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    add(folder, write(tmp_path / "maillog", lines(9)))
    write(folder / "notes.parquet", b"x")
    write(folder / ".0-0.parquet.tmp", b"x")
    add(folder, tmp_path / "maillog")
    assert_holds(folder, lines(9))
    assert sorted(path.suffix for path in folder.iterdir()) == ["", ".parquet", ".parquet"]


def test_a_second_ingest_waits_only_so_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingestion, "PATIENCE", 0)
    folder, log = tmp_path / "store", write(tmp_path / "maillog", lines(9))
    folder.mkdir()
    with (folder / ".lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(AdvisorError, match="another ingest is at work"):
            add(folder, log)
    assert add(folder, log).coverage.lines == 9
