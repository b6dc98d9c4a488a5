import bz2
import gzip
import io
import lzma
import os
import random
import tarfile
import time
import tracemalloc
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.errors import AdvisorError
from advisor.log import BLOCK, HEAD, Block, Log, UnreadableError
from tests.conftest import TODAY, write


def zstd(data: bytes) -> bytes:
    packed: bytes = pa.Codec("zstd").compress(data, asbytes=True)
    return packed


PACKERS: list[Callable[[bytes], bytes]] = [bytes, gzip.compress, bz2.compress, lzma.compress, zstd]


def line(number: int, day: str = "Nov 22") -> bytes:
    return f"{day} 12:00:{number % 60:02} mx1 postfix/smtpd[{number}]: connect from a.example[192.0.2.1]\n".encode()


def lines(count: int, start: int = 0) -> bytes:
    return b"".join(line(number) for number in range(start, start + count))


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


def test_a_log_that_grows_while_it_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "maillog", lines(2) + line(2)[:9])
    with Log(path) as log, path.open("ab") as writer:
        blocks = log.blocks(size=len(line(0)))
        assert next(blocks).data == line(0)
        writer.write(line(2)[9:] + line(3)[:5])
        writer.flush()
        found = list(blocks)
        assert b"".join(block.data for block in found) == lines(4, 1)[: 2 * len(line(0)) + 5]
        assert [block.terminated for block in found] == [True] * (len(found) - 1) + [False]
        # Half a line is no end: what comes later is read from where the last whole line ended.
        writer.write(line(3)[5:])
        writer.flush()
        assert [block.data for block in log.blocks(found[-1].offset)] == [line(3)]
        assert log.fault is None


@pytest.mark.parametrize("left", [0, 3 * len(line(0)) + 5])
def test_a_log_that_is_emptied_while_it_is_read(tmp_path: Path, left: int) -> None:
    path = write(tmp_path / "maillog", lines(9))
    with Log(path) as log:
        blocks = log.blocks(size=5 * len(line(0)) + 9)
        assert next(blocks).data == lines(5)
        os.truncate(path, left)
        # The half line that was read already may never have been written to its end.
        assert list(blocks) == []
        assert "became shorter while it was being read; read it again" in str(log.fault)
    with Log(path) as log:
        assert list(log.blocks(5 * len(line(0)))) == []
        assert log.fault is None


def test_two_can_read_a_log_at_once(tmp_path: Path) -> None:
    with Log(write(tmp_path / "maillog", lines(9))) as log:
        both = zip(log.blocks(size=len(line(0))), log.blocks(size=len(line(0))), strict=True)
        assert all(one == other for one, other in both)


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
        (b"\x28\xb5\x2f\xfd\x24\x00", "cut off|damaged"),
        (b"LPKSHHRH" + bytes(200), "journalctl --file"),
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
        b"<22>1 2026-11-22T12:00:09.123456Z mx1 postfix/smtpd 695 - - \xef\xbb\xbfconnect\n" * 9,
        b"\x1b[33mmail-1  |\x1b[0m Nov 22 12:00:09 mx1 postfix/smtpd[695]: connect\n" * 9,
        b'{"__REALTIME_TIMESTAMP":"1795348809123456","_HOSTNAME":"mx1","MESSAGE":"connect"}\n' * 9,
        b"2026 Nov 22 12:00:09.123 mx1 postfix/smtpd[695]: connect\r\n" * 9,
        # More binary than text, but one of its lines has a header, whatever stands before that.
        b"\x80\x81\x82\x83\n" * 99 + b"<22>Nov 22 12:00:09 mx1 postfix/smtpd[695]: connect\n",
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


def test_a_year_that_cannot_be(tmp_path: Path) -> None:
    with (
        Log(write(tmp_path / "maillog", line(1, "Feb 29"))) as log,
        pytest.raises(AdvisorError, match="cannot be of 2025; give --year"),
    ):
        log.first_year(2025, TODAY)
