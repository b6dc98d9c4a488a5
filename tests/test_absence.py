"""A package that nobody finds for a while: commands do without pandas, and a notebook's frames do not."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from advisor.absence import Absence
from tests.conftest import LAB, ROOT

LOG = LAB / "spf.maillog-20261122.gz"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    name = "made_up_for_the_absence"
    (tmp_path / f"{name}.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, name, raising=False)
    return name


def test_what_is_hidden_is_found_again_afterwards(package: str) -> None:
    before = list(sys.meta_path)
    with Absence(package), pytest.raises(ModuleNotFoundError, match="not needed here"):
        importlib.import_module(package)
    assert sys.meta_path == before
    assert importlib.import_module(package)


def test_it_is_found_again_when_the_work_fails(package: str) -> None:
    before = list(sys.meta_path)
    with pytest.raises(ZeroDivisionError), Absence(package):
        _ = 1 / 0
    assert sys.meta_path == before


def test_others_are_found_and_what_is_imported_stays(package: str) -> None:
    found = importlib.import_module(package)
    with Absence(package):
        assert importlib.import_module(package) is found
    with Absence("another"):
        del sys.modules[package]
        assert importlib.import_module(package) is not found


COMMANDS = [
    ["report"],
    ["advise", "--format", "html"],
    ["simulate", "reject_unknown_client_hostname", "--attempts", "--format", "csv"],
    ["attempts", "--format", "json"],
    ["events", "--format", "csv"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=[command[0] for command in COMMANDS])
def test_a_command_does_without_pandas_and_a_frame_does_not(command: list[str], tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "import pytest\n"
        "from advisor.__main__ import main\n"
        "with pytest.raises(SystemExit) as ended:\n"
        "    main()\n"
        "assert not ended.value.code\n"
        "assert 'pandas' not in sys.modules\n"
        "from advisor import attempts\n"
        "assert len(attempts(sys.argv[-1]).dtypes)\n"
        "assert 'pandas' in sys.modules\n"
    )
    arguments = [*command, "--output", str(tmp_path / "out"), "--timezone", "UTC", str(LOG)]
    subprocess.run([sys.executable, "-c", program, *arguments], check=True, cwd=ROOT)
