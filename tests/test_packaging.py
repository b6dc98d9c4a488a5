"""What is packaged for the system: systemd takes the units, the commands are ours, and the mail arrives."""

import os
import re
import shlex
import subprocess
import sys
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.conftest import MONTH, ROOT, real
from tests.lab import namespace

PACKAGING = ROOT / "packaging"
UNITS = sorted((PACKAGING / "systemd").iterdir())
COMMAND = re.compile(r"(?:^ExecStart=|root |&& )(?:/usr/local/bin/)?(advisor [^>&\n]*)", re.MULTILINE)


def commands() -> list[str]:
    files = (*UNITS, PACKAGING / "maillog-advisor.cron")
    return [found.strip() for path in files for found in COMMAND.findall(path.read_text())]


@pytest.mark.parametrize("command", commands())
def test_what_is_run_is_a_command_of_ours(command: str) -> None:
    from typer.main import get_command

    from advisor.cli import app

    name, *words = shlex.split(command)[1:]
    get_command(app).commands[name].make_context(name, words)  # type: ignore[attr-defined]  # a group has them


def test_there_are_commands() -> None:
    assert len(commands()) == 6


@pytest.mark.integration
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    for unit in UNITS:
        (tmp_path / unit.name).write_text(unit.read_text().replace("/usr/local/bin/advisor", "/bin/true"))
    paths = [str(tmp_path / unit.name) for unit in UNITS]

    done = subprocess.run([real("systemd-analyze"), "verify", *paths], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.integration
def test_the_weekly_mail_arrives_as_the_service_sends_it() -> None:
    namespace.require("setpriv", "postconf", "policyd-spf", "openssl", "ip")
    with TemporaryDirectory(prefix="letter-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        # As RHEL keeps its maillog: for root alone.
        (folder / "log").write_bytes(MONTH.read_bytes())
        (folder / "log").chmod(0o600)
        main_cf = folder / "main.cf"
        main_cf.write_bytes((ROOT / "sample_logs" / "main.cf").read_bytes())
        main_cf.chmod(0o644)

        done = namespace.enter(folder, [str(folder / "log"), str(main_cf)], 120, "tests.lab.letter")

        assert done.returncode == 0, done.stdout
        letter = message_from_bytes((folder / "letter").read_bytes(), policy=default)
    text = letter.get_body(("plain",))
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["Subject"].startswith("mail: ")
    assert text is not None
    assert "CHANGE, in this order" in text.get_content()
    assert letter.get_body(("html",)) is not None


def test_the_manual_page_is_what_help_says() -> None:
    done = subprocess.run(
        [sys.executable, "packaging/manpage.py"], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert (PACKAGING / "advisor.1").read_text() == done.stdout, "python packaging/manpage.py > packaging/advisor.1"
    requests = {line.split()[0] for line in done.stdout.splitlines() if line.startswith((".", "'"))}
    assert requests <= {".TH", ".SH", ".SS", ".TP", ".PP", ".B", ".I", ".nf", ".fi"}
    assert not re.search(r"\\(?![e&-])", done.stdout)


def test_the_shell_completes_commands_and_pages() -> None:
    def completed(words: str) -> list[str]:
        asked = {"_ADVISOR_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
        command = [sys.executable, "-c", "from advisor.cli import app; app(prog_name='advisor')"]
        done = subprocess.run(command, cwd=ROOT, env=os.environ | asked, capture_output=True, text=True, check=False)
        return done.stdout.split()

    assert completed("advisor re") == ["report"]
    assert completed("advisor explain reject_unknown_c") == ["reject_unknown_client_hostname"]
