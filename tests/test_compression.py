import bz2
import gzip
import lzma
import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.log import BLOCK, UnreadableError
from tests.conftest import real, write
from tests.test_log import PACKERS, content, line, lines, zstd

# One that decoders have to skip.
SKIPPABLE = b"\x50\x2a\x4d\x18\x04\0\0\0skip"


def noisy(count: int) -> bytes:
    """Lines that do not compress to nothing."""
    noise = random.Random(1)
    return b"".join(line(noise.randrange(10**9)) for _ in range(count))


def joined(found: list[tuple[int, bytes]]) -> bytes:
    return b"".join(text + b"\n" for _, text in found)


@pytest.mark.parametrize("pack", PACKERS[1:])
@pytest.mark.parametrize("size", [50, BLOCK])
def test_of_a_cut_off_file_all_is_read_that_is_there(tmp_path: Path, pack: Callable[[bytes], bytes], size: int) -> None:
    data = noisy(30_000)
    packed = pack(data)
    found, log = content(write(tmp_path / "maillog.gz", packed[: len(packed) // 2]), size)
    assert log.fault is not None
    assert "cut off" in str(log.fault)
    assert len(data) * 0.3 < len(joined(found))
    assert data.startswith(joined(found))


@pytest.mark.parametrize("pack", PACKERS[1:])
@pytest.mark.parametrize("size", [50, BLOCK])
def test_what_is_whole_before_the_cut_is_read_to_its_end(
    tmp_path: Path, pack: Callable[[bytes], bytes], size: int
) -> None:
    data, second = noisy(3_000), pack(noisy(1_000))
    found, log = content(write(tmp_path / "maillog", pack(data) + second[: len(second) // 3]), size)
    assert joined(found)[: len(data)] == data
    assert "cut off" in str(log.fault)
    assert content(write(tmp_path / "maillog", pack(data) + second[:-1]), size)[1].fault is not None


@pytest.mark.parametrize(
    "pack",
    [gzip.compress, zstd, lambda data: lzma.compress(data, check=lzma.CHECK_CRC32), bz2.compress],
)
def test_damage_is_named(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    data = noisy(30_000)
    packed = bytearray(pack(data))
    middle = len(packed) // 2
    packed[middle : middle + 64] = bytes(64)
    found, log = content(write(tmp_path / "maillog.gz", bytes(packed)))
    # What is told from its checksum is so only after it was read.
    assert joined(found)[: len(data) // 4] == data[: len(data) // 4]
    assert "damaged" in str(log.fault)


@given(st.sampled_from(PACKERS[1:]), st.integers(0, 4_000), st.binary(min_size=1, max_size=9), st.integers(0, 9))
def test_damage_anywhere_ends_the_content_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, pack: Callable[[bytes], bytes], at: int, noise: bytes, cut: int
) -> None:
    packed = pack(noisy(200))
    path = write(tmp_path_factory.mktemp("log") / "maillog", packed[:at] + noise + packed[at + cut :])
    try:
        content(path, 100)
    except UnreadableError as error:
        assert str(path) in str(error)  # noqa: PT017 - not every damage is found, so none is expected


def test_a_wrong_checksum_is_named_and_all_is_read(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(lines(1000)))
    packed[-6] ^= 1
    found, log = content(write(tmp_path / "maillog.gz", bytes(packed)))
    assert len(found) == 1000
    assert "damaged" in str(log.fault)


@pytest.mark.parametrize(
    ("pack", "end"),
    [
        (gzip.compress, b"\0" * 512),
        (bz2.compress, b""),
        (lzma.compress, b""),
        (zstd, b""),
        (zstd, SKIPPABLE),
        (lambda data: SKIPPABLE + zstd(data), b""),
    ],
)
@pytest.mark.parametrize("size", [50, BLOCK])
def test_several_members_of_one_file(tmp_path: Path, pack: Callable[[bytes], bytes], end: bytes, size: int) -> None:
    data = lines(2), b"", noisy(5_000), lines(1)
    found, log = content(write(tmp_path / "maillog.gz", b"".join(map(pack, data)) + end), size)
    assert log.fault is None
    assert joined(found) == b"".join(data)


@pytest.mark.integration
@pytest.mark.parametrize(
    "command",
    [
        "gzip -9",
        "bzip2",
        "xz -T2",
        "zstd -q",
        "zstd -q --long=27",
        "zstd -q -T2 --adapt --no-check",
        "zstd -q --ultra -22",
    ],
)
def test_what_the_programs_of_logrotate_write(tmp_path: Path, command: str) -> None:
    data = noisy(30_000)
    program, *options = command.split()
    packed = subprocess.run([real(program), *options], input=data, stdout=subprocess.PIPE, check=True).stdout
    found, log = content(write(tmp_path / "maillog", packed))
    assert log.fault is None
    assert joined(found) == data
