"""The file that -o names: replaced as a whole; a link is followed, a pipe and a device stay what they are."""

import os
import stat
import threading
from pathlib import Path

import pytest
from typer.testing import CliRunner

from advisor.cli import app
from advisor.errors import AdvisorError
from advisor.output import replacing
from tests.conftest import MONTH


def half(path: Path) -> None:
    path.write_text("half")
    raise ValueError("midway")


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    file = tmp_path / "report.txt"
    file.write_text("old")
    with pytest.raises(ValueError, match="midway"), replacing(file) as path:
        half(path)
    assert file.read_text() == "old"
    with replacing(file) as path:
        path.write_text("new")
    assert file.read_text() == "new"
    assert [*tmp_path.iterdir()] == [file]


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    link = tmp_path / "link"
    link.symlink_to("real")
    with replacing(link) as path:
        path.write_text("new")
    assert link.is_symlink()
    assert (tmp_path / "real").read_text() == "new"


@pytest.mark.parametrize("command", [["report"], ["attempts", "--format", "csv"]])
def test_a_pipe_stays_a_pipe(tmp_path: Path, command: list[str]) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    heard: list[bytes] = []
    reader = threading.Thread(target=lambda: heard.append(pipe.read_bytes()))
    reader.start()
    done = CliRunner().invoke(app, [*command, str(MONTH), "-o", str(pipe)])
    reader.join()

    assert done.exit_code == 0, done.output
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert len(heard[0]) > 1_000


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(AdvisorError, match="cannot be written"), replacing(tmp_path / "none" / "x") as path:
        path.write_text("x")
    with pytest.raises(AdvisorError, match="cannot be written"), replacing(tmp_path) as path:
        path.write_text("x")
