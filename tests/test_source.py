import bz2
import gzip
import io
import lzma
import os
import random
import resource
import sys
import tarfile
import threading
import time
import tracemalloc
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.errors import AdvisorError
from advisor.source import BLOCK, HEAD, Block, Log, UnreadableError, distinct, expand

TODAY = date(2026, 11, 22)
PACKERS: list[Callable[[bytes], bytes]] = [bytes, gzip.compress, bz2.compress, lzma.compress]


def line(number: int, day: str = "Nov 22") -> bytes:
    return f"{day} 12:00:{number % 60:02} mx1 postfix/smtpd[{number}]: connect from a.example[192.0.2.1]\n".encode()


def lines(count: int, start: int = 0) -> bytes:
    return b"".join(line(number) for number in range(start, start + count))


def write(path: Path, data: bytes, modified: date = TODAY) -> Path:
    path.write_bytes(data)
    seconds = datetime(modified.year, modified.month, modified.day, 12, tzinfo=UTC).timestamp()
    os.utime(path, (seconds, seconds))
    return path


def content(path: Path, size: int = BLOCK, start: int = 0) -> tuple[list[tuple[int, bytes]], Log]:
    with Log(path) as log:
        return [pair for block in log.blocks(start, size=size) for pair in block.lines()], log


# Blocks


@settings(deadline=None)
@given(
    st.lists(st.binary(max_size=30).map(lambda text: text.replace(b"\n", b"")), max_size=30),
    st.sampled_from(PACKERS),
    st.integers(1, 200),
    st.integers(0, 30),
)
def test_lines_come_out_as_they_went_in(
    tmp_path_factory: pytest.TempPathFactory, texts: list[bytes], pack: Callable[[bytes], bytes], size: int, skip: int
) -> None:
    # The first line makes it a log to the eye of Log.
    data = line(0) + b"\n".join(texts)
    whole = data.split(b"\n")
    if not whole[-1]:
        whole.pop()
    offsets = [sum(len(text) + 1 for text in whole[:number]) for number in range(len(whole))]
    path = write(tmp_path_factory.mktemp("log") / "maillog", pack(data))
    expected = list(zip(offsets, whole, strict=True))

    assert content(path, size)[0] == expected

    skip = min(skip, len(whole) - 1)
    assert content(path, size, offsets[skip])[0] == expected[skip:]


def test_a_range_of_blocks(tmp_path: Path) -> None:
    data = lines(10)
    for pack in PACKERS:
        with Log(write(tmp_path / "maillog", pack(data))) as log:
            found = list(log.blocks(len(line(0)), 3 * len(line(0)), size=20))
        assert found == [Block(len(line(0)), line(1)), Block(2 * len(line(0)), line(2))]


def test_an_unterminated_line_is_a_block_of_its_own(tmp_path: Path) -> None:
    with Log(write(tmp_path / "maillog", lines(2) + b"Nov 22 12:0")) as log:
        first, second = log.blocks()
        assert (first.terminated, second.terminated, second.data) == (True, False, b"Nov 22 12:0")
        assert log.first_line() == (line(0)[:-1], True)
    with Log(write(tmp_path / "maillog", line(0)[:-1])) as log:
        assert log.first_line() == (line(0)[:-1], False)
    with Log(write(tmp_path / "maillog", b"")) as log:
        assert log.first_line() is None
        assert list(log.blocks()) == []


def test_a_line_without_end_is_read_in_linear_time_and_bounded_memory(tmp_path: Path) -> None:
    long = 20 << 20
    path = write(tmp_path / "maillog", line(0) + b"x" * long + b"\n" + line(1))
    tracemalloc.start()
    # 5,120 pieces: joined each time, this would move 50 GB.
    began = time.process_time()
    with Log(path) as log:
        lengths = [len(block.data) for block in log.blocks(size=4096)]
    assert time.process_time() - began < 20  # the guard is against minutes, not for a speed
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sum(lengths) == path.stat().st_size
    assert peak < 3 * long


def test_memory_is_that_of_a_block(tmp_path: Path) -> None:
    # The others' decoders themselves need up to 9 MiB.
    for pack in PACKERS[:2]:
        path = write(tmp_path / "maillog", pack(lines(40_000)))
        tracemalloc.start()
        with Log(path) as log:
            assert sum(len(block.data) for block in log.blocks(size=1 << 16)) > 2 << 20
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 2 << 20


def test_a_name_that_goes_to_another_file_does_not_matter(tmp_path: Path) -> None:
    path = write(tmp_path / "maillog", lines(3))
    with Log(path) as log:
        path.rename(tmp_path / "maillog.1")
        write(path, lines(5, 90))
        assert b"".join(block.data for block in log.blocks()) == lines(3)


def test_a_survey(tmp_path: Path) -> None:
    size = len(line(0))
    with Log(write(tmp_path / "maillog", lines(3) + b"half")) as log:
        survey = log.survey([(0, size), (size, 3 * size), (0, 3 * size + 4), (size, 9 * size)])
        assert (survey.length, survey.pending) == (3 * size, True)
        assert set(survey.digests) == {(0, size), (size, 3 * size)}
        again = log.survey([(0, size)])
        assert again.digests[0, size] == survey.digests[0, size]
    with Log(write(tmp_path / "maillog", lines(3, 1))) as log:
        assert log.survey([(0, size)]).digests[0, size] != survey.digests[0, size]


# What cannot be read


@pytest.mark.parametrize("pack", PACKERS[1:])
@pytest.mark.parametrize("size", [50, BLOCK])
def test_of_a_cut_off_file_all_is_read_that_is_there(tmp_path: Path, pack: Callable[[bytes], bytes], size: int) -> None:
    noise = random.Random(1)  # so that it does not compress to nothing
    data = b"".join(line(noise.randrange(10**9)) for _ in range(30_000))
    packed = pack(data)
    found, log = content(write(tmp_path / "maillog.gz", packed[: len(packed) // 2]), size)
    assert log.fault is not None
    assert "cut off" in str(log.fault)
    assert len(data) * 0.3 < sum(len(text) + 1 for _, text in found)
    assert [text for _, text in found] == data.split(b"\n")[: len(found)]


def test_a_damaged_gz_is_named(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(lines(1000)))
    packed[-6] ^= 1
    found, log = content(write(tmp_path / "maillog.gz", bytes(packed)))
    assert len(found) == 1000
    assert log.fault is not None
    assert "damaged" in str(log.fault)


def test_several_members_of_one_gz(tmp_path: Path) -> None:
    path = write(tmp_path / "maillog.gz", gzip.compress(lines(2)) + gzip.compress(lines(2, 2)) + b"\0" * 512)
    found, log = content(path)
    assert b"".join(text + b"\n" for _, text in found) == lines(4)
    assert log.fault is None


def tar(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo("maillog")
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0", "binary"),
        (b"PAR1\x15\x04\x15\0\x15\x02", "binary"),
        (random.Random(1).randbytes(100_000), "binary"),
        (gzip.compress(random.Random(1).randbytes(100_000)), "binary"),
        (random.Random(2).randbytes(40).replace(b"\0", b"\1"), "binary"),
        (bytes(1000), "binary"),
        (b"\x28\xb5\x2f\xfd\x24\x00", "zstdcat"),
        (tar(lines(3)), "tar -xOf"),
        (gzip.compress(tar(lines(3))), "tar -xOf"),
        (gzip.compress(lines(3))[:10], "cut off"),
        (b"\x1f\x8b\x08 this is no gzip", "damaged"),
    ],
    ids=lambda value: value if isinstance(value, str) else len(value),
)
def test_what_is_no_log(tmp_path: Path, data: bytes, says: str) -> None:
    with pytest.raises(UnreadableError, match=says):
        Log(write(tmp_path / "maillog", data))


@pytest.mark.parametrize(
    "data",
    [
        lines(3) + bytes(5000) + lines(3),
        bytes(5000) + lines(3),
        bytes(3 * HEAD) + lines(3),
        lines(3) + bytes(3 * HEAD),
        b"".join(line(0)[:-1] + "Привет\n".encode("koi8-r") for _ in range(3)),
        "Доброе утро\n".encode() * 9000,
        b"Attaching to postfix\n\x1b[33mpostfix |\x1b[0m started\n",
        b"not a header in it\n",
        b"",
        b"\n\n\n",
    ],
    ids=len,
)
def test_what_is_a_log_for_all_that(tmp_path: Path, data: bytes) -> None:
    with Log(write(tmp_path / "maillog", data)) as log:
        assert b"".join(block.data for block in log.blocks()) == data


def test_files_that_cannot_be_opened_or_read(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match="Is a directory"):
        Log(tmp_path)
    with pytest.raises(UnreadableError, match="No such file"):
        Log(tmp_path / "maillog")
    # As root no permission stops us, but nobody reads where no memory is.
    with pytest.raises(UnreadableError, match="Input/output error"):
        Log(Path("/proc/self/mem"))


def test_no_file_is_left_open(tmp_path: Path) -> None:
    path = write(tmp_path / "image", b"\x89PNG\0\0")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        with pytest.raises(UnreadableError):
            Log(path)
        content(write(tmp_path / "maillog", lines(3)))
    assert len(list(Path("/proc/self/fd").iterdir())) == before


# The year


def test_the_year_by_name_by_time_by_today_and_as_told(tmp_path: Path) -> None:
    december = line(1, "Dec 30")
    with Log(write(tmp_path / "maillog", december, modified=date(2024, 1, 2))) as log:
        assert log.first_year(None, TODAY) == 2023
        assert log.first_year(2019, TODAY) == 2019
    with Log(write(tmp_path / "maillog-20220102.gz", gzip.compress(december), modified=date(2024, 1, 2))) as log:
        assert log.first_year(None, TODAY) == 2021
        assert log.first_year(2019, TODAY) == 2019


def test_the_year_of_standard_input_is_by_today(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(line(1, "Dec 30"))))
    [path] = expand(["-"])
    with Log(path) as log:
        assert log.name == "-"
        assert log.first_year(None, date(2021, 1, 1)) == 2020
    assert list(tmp_path.iterdir()) == []


def test_a_year_that_cannot_be(tmp_path: Path) -> None:
    with (
        Log(write(tmp_path / "maillog", line(1, "Feb 29"))) as log,
        pytest.raises(AdvisorError, match="cannot be of 2025; give --year"),
    ):
        log.first_year(2025, TODAY)


# Paths


def names(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


def test_the_logs_of_a_folder(tmp_path: Path) -> None:
    for name in ("maillog", "maillog.1", "mail.log.2.gz", "postfix.log", "syslog", "mail.py", "README.md", "mail.txt"):
        write(tmp_path / name, lines(1))
    write(tmp_path / ".maillog.swp", lines(1))
    (tmp_path / "mail").mkdir()
    write(tmp_path / "mail" / "maillog", lines(1))
    assert sorted(names(expand([str(tmp_path)]))) == ["mail.log.2.gz", "maillog", "maillog.1", "postfix.log"]


def test_a_folder_without_telling_names(tmp_path: Path) -> None:
    for name in ("one.log", "two", "main.cf", "events.parquet", ".hidden"):
        write(tmp_path / name, lines(1))
    assert sorted(names(expand([tmp_path]))) == ["one.log", "two"]


def test_globs_that_no_shell_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("maillog", "maillog.1", ".maillog", "other", "maillog[1]"):
        write(tmp_path / name, lines(1))
    (tmp_path / "maillog.d").mkdir()
    assert sorted(names(expand([f"{tmp_path}/maillog*"]))) == ["maillog", "maillog.1", "maillog[1]"]
    assert names(expand([f"{tmp_path}/.mail*"])) == [".maillog"]
    assert ".maillog" not in names(expand([f"{tmp_path}/*"]))
    assert names(expand([f"{tmp_path}/maillog[1]"])) == ["maillog[1]"]
    monkeypatch.chdir(tmp_path)
    assert names(expand(["m*.?"])) == ["maillog.1"]


@pytest.mark.parametrize("path", ["nothing", "nothing*", "nothing/maillog", "**x", "a\0b", "x" * 300, "", "folder"])
def test_what_is_not_there(tmp_path: Path, path: str) -> None:
    (tmp_path / "folder").mkdir()
    write(tmp_path / "folder" / "main.cf", b"")
    with pytest.raises(AdvisorError) as error:
        expand([str(tmp_path / path) if path else ""])
    assert "\n" not in str(error.value)


def test_older_logs_come_first(tmp_path: Path) -> None:
    january = write(tmp_path / "maillog", line(1, "Jan  3"), modified=date(2027, 1, 4))
    december = write(tmp_path / "maillog-20270101.gz", gzip.compress(line(1, "Dec 28")), modified=date(2027, 2, 1))
    november = write(tmp_path / "maillog.2", b"2026-11-01T00:00:00Z mx1 a: b\n", modified=date(2027, 2, 1))
    image = write(tmp_path / "maillog.png", b"\x89PNG\0\0")
    headless = write(tmp_path / "maillog.3", b"no header\n", modified=date(2026, 12, 1))
    assert expand([tmp_path]) == [image, november, headless, december, january]
    assert expand([january, december, january]) == [december, january]


def test_pipes_can_be_read_twice(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(gzip.compress(lines(3)),))
    writer.start()
    [path] = expand([str(pipe)])
    writer.join()
    assert expand([path]) == [path]
    for _ in range(2):
        found, log = content(path)
        assert len(found) == 3
        assert log.name == "-"


def test_standard_input_that_does_not_fit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines(3))))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nothing"))
    with pytest.raises(AdvisorError, match="TMPDIR"):
        expand(["-"])


# Copies


def test_copies_are_left_out(tmp_path: Path) -> None:
    older = write(tmp_path / "maillog.old", lines(50) + line(50)[:20])
    full = write(tmp_path / "maillog", lines(99))
    packed = write(tmp_path / "maillog.1.gz", gzip.compress(lines(99)))
    other = write(tmp_path / "maillog.2", lines(9, 500))
    kept, notes, faults = distinct([older, other, full, packed])
    assert faults == []
    assert kept == [full, other]
    assert len(notes) == 2
    assert notes[0] == f"{older}: left out, {full} holds the same lines"
    assert notes[1] == f"{packed}: left out, {full} holds the same lines"


def test_what_merely_begins_alike_is_kept(tmp_path: Path) -> None:
    attached = b"Attaching to postfix\n"
    one = write(tmp_path / "one", attached + lines(40))
    two = write(tmp_path / "two", attached + lines(39) + line(99))
    three = write(tmp_path / "three", attached + lines(20) + lines(20))
    assert distinct([one, two, three]) == ([one, two, three], [], [])
    copy = write(tmp_path / "copy", attached + lines(30))
    assert distinct([copy, one, two])[0] == [one, two]
    assert distinct([two, one, copy])[0] == [two, one]


def test_empty_and_bad_logs_are_left_for_others_to_name(tmp_path: Path) -> None:
    files = [write(tmp_path / "a", b""), write(tmp_path / "b", b""), write(tmp_path / "c", b"\x89PNG\0\0")]
    assert distinct(files) == (files, [], [])


def test_a_copy_that_was_cut_off_says_so(tmp_path: Path) -> None:
    noise = random.Random(1)
    data = b"".join(line(noise.randrange(10**9)) for _ in range(30_000))
    full = write(tmp_path / "maillog", data)
    cut = write(tmp_path / "maillog.gz", gzip.compress(data)[:100_000])
    kept, notes, faults = distinct([full, cut])
    assert (kept, notes) == ([full], [])
    assert "cut off" in str(faults[0])


def test_many_files_need_no_more_open_files(tmp_path: Path) -> None:
    files = [write(tmp_path / str(number), line(number)) for number in range(60)]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(list(Path("/proc/self/fd").iterdir())) + 20, hard))
    try:
        assert len(distinct(expand([str(tmp_path)]))[0]) == len(files)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
