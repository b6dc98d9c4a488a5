import gzip
import random
import resource
from pathlib import Path

from advisor.source import distinct, expand
from tests.conftest import write
from tests.test_log import line, lines


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
