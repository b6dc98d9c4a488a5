"""Shell completion: the script that we print, sourced by a real bash, which is then asked as readline asks it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT


@pytest.fixture
def bash(tmp_path: Path) -> Path:
    """A bash, which every system that we name has."""
    found = shutil.which("bash")
    assert found is not None, "bash is not installed"
    command = tmp_path / "bin" / "advisor"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m advisor "$@"\n')
    command.chmod(0o755)
    return Path(found)


def completed(bash: Path, tmp_path: Path, *words: str) -> set[str]:
    """What bash offers for the last of these words, after `eval` of the script."""
    line = (
        'eval "$(_ADVISOR_COMPLETE=source_bash advisor)"; complete -p advisor >/dev/null || exit 1; '
        'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _advisor_completion advisor; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    done = subprocess.run(
        [bash, "--norc", "-c", line, "bash", *words],
        env={"PATH": path, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return set(done.stdout.split())


def test_commands_are_offered(bash: Path, tmp_path: Path) -> None:
    assert completed(bash, tmp_path, "advisor", "a") == {"advise", "allowlist", "attempts"}


def test_options_are_offered(bash: Path, tmp_path: Path) -> None:
    assert completed(bash, tmp_path, "advisor", "report", "--s") == {"--store", "--syslog-name", "--since", "--send"}


def test_it_is_installed_where_bash_looks(bash: Path, tmp_path: Path) -> None:
    """As the installation page has it, in an interactive bash's stead."""
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    environment = {"PATH": path, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    subprocess.run(
        # A single last command would take bash's own place, and no shell be found above it.
        [bash, "--norc", "-c", "advisor --install-completion; exit $?"],
        env=environment,
        capture_output=True,
        check=True,
        timeout=60,
    )
    shown = subprocess.run(
        [bash, "--norc", "-c", ". ~/.bashrc; complete -p advisor"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "-F _advisor_completion advisor" in shown.stdout
