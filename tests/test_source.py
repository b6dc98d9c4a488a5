import gzip
import io
import os
import sys
import threading
from datetime import date
from pathlib import Path

import pytest

from advisor.errors import AdvisorError
from advisor.log import Log
from advisor.source import default_logs, expand
from tests.conftest import TODAY, write
from tests.test_log import content, line, lines, zstd


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


def test_the_year_of_standard_input_is_by_today(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(line(1, "Dec 30"))))
    [path] = expand(["-"])
    with Log(path) as log:
        assert log.name == "-"
        assert log.first_year(None, date(2021, 1, 1)) == 2020
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("modified", [None, date(2027, 6, 1)])
@pytest.mark.parametrize(
    "names",
    [
        ["maillog.3.gz", "maillog.2.gz", "maillog.1", "maillog"],
        ["maillog-20261227.gz", "maillog-20270103.gz", "maillog-20270104", "maillog"],
        ["mail.log-2026122700.zst", "mail.log-2027010300.zst", "mail.log-2027010400", "mail.log"],
    ],
)
def test_a_rotated_set_over_new_year(tmp_path: Path, names: list[str], modified: date | None) -> None:
    days = [
        (["Dec 20", "Dec 27"], date(2026, 12, 27), 2026),
        (["Dec 27", "Jan  3"], date(2027, 1, 3), 2026),
        (["Jan  3", "Jan  4"], date(2027, 1, 4), 2027),
        (["Jan  4", "Jan  5"], date(2027, 1, 5), 2027),
    ]
    for name, (dates, last, _) in zip(names, days, strict=True):
        data = b"".join(line(number, day) for number, day in enumerate(dates))
        packed = gzip.compress(data) if name.endswith("gz") else zstd(data) if name.endswith("zst") else data
        write(tmp_path / name, packed, modified or last)
    found = expand([tmp_path])
    assert [path.name for path in found] == names
    for path, (_, _, year) in zip(found, days, strict=True):
        with Log(path) as log:
            assert log.first_year(None, TODAY) == year


@pytest.mark.parametrize(
    "names",
    [
        ["maillog.12", "maillog.2", "maillog.1", "maillog"],
        ["maillog-20261121", "maillog-2026112203", "maillog-2026112214", "maillog"],
    ],
)
def test_logs_that_begin_in_the_same_second_go_by_their_names(tmp_path: Path, names: list[str]) -> None:
    for number, name in enumerate(sorted(names)):
        write(tmp_path / name, line(60 * number))
    assert [path.name for path in expand([tmp_path])] == names


# Where this machine logs


def found_in(folder: Path) -> list[str]:
    return [path.name if isinstance(path, Path) else path for path in default_logs(folder)]


def test_the_default_is_maillog_with_its_set_else_mail_log(tmp_path: Path) -> None:
    for name in ("mail.log", "mail.log.1", "mail.log.2.gz", "mail.err", "mail.log.pos"):
        write(tmp_path / name, lines(1))
    write(tmp_path / "maillog", b"")
    assert found_in(tmp_path) == ["mail.log", "mail.log.1", "mail.log.2.gz"]
    write(tmp_path / "maillog-20261101", lines(1))
    (tmp_path / "maillog-20261108").mkdir()
    (tmp_path / "maillog-20261115").symlink_to("nothing")
    assert found_in(tmp_path) == ["maillog-20261101"]
    write(tmp_path / "maillog", lines(1))
    assert found_in(tmp_path) == ["maillog", "maillog-20261101"]


def test_the_default_is_the_journal_where_no_log_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "maillog", b"")
    program = write(tmp_path / "journalctl", b"")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert found_in(tmp_path) == found_in(tmp_path / "nothing") == ["journal"]
    program.unlink()
    with pytest.raises(AdvisorError, match=r"holds no maillog or mail\.log"):
        default_logs(tmp_path)


def test_a_log_that_may_not_be_read_is_no_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "maillog", lines(1))
    write(tmp_path / "mail.log", lines(1))
    # As root no permission stops us.
    monkeypatch.setattr(os, "access", lambda path, _: Path(path).name != "maillog")
    assert found_in(tmp_path) == ["mail.log"]
