"""A mail is sent by the machine's sendmail, and only where there is one to send."""

from email import message_from_bytes
from email.policy import SMTP
from pathlib import Path

import pytest

from advisor import sendmail
from advisor.errors import AdvisorError
from tests.conftest import MONTH, ROOT

MAIN_CF = str(ROOT / "sample_logs" / "main.cf")
MESSAGE = b"From: Maillog advisor <root@mx1.example>\nTo: postmaster@example.org\nSubject: mx1: 1 to fix\n\n.\nDone.\n"


def program(folder: Path, does: str) -> tuple[Path, ...]:
    path = folder / "sendmail"
    path.write_text(f'#!/bin/sh\ncd {folder} && printf "%s\\n" "$@" > words && cat > mail\n{does}\n')
    path.chmod(0o755)
    return (folder / "none", path)


def test_it_is_given_the_message_as_it_is(tmp_path: Path) -> None:
    sendmail.send(MESSAGE, program(tmp_path, "exit 0"))

    assert (tmp_path / "mail").read_bytes() == MESSAGE
    assert (tmp_path / "words").read_text().split() == ["-t", "-i", "-f", "root@mx1.example"]


def test_what_it_says_when_it_refuses_is_passed_on(tmp_path: Path) -> None:
    with pytest.raises(AdvisorError, match=r"exited with 75 and said: postdrop: no room\\x1b"):
        sendmail.send(MESSAGE, program(tmp_path, "printf 'postdrop: no room\\033' >&2; exit 75"))


def test_without_one_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(AdvisorError, match="there is no"):
        sendmail.send(MESSAGE, (tmp_path / "none",))


@pytest.fixture
def sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sendmail.send, "__defaults__", (program(tmp_path, "exit 0"),))
    return tmp_path / "mail"


def run(*words: str) -> int:
    from typer.testing import CliRunner

    from advisor.cli import app

    return CliRunner().invoke(app, [*words], catch_exceptions=False).exit_code


def test_report_sends(sent: Path) -> None:
    assert run("report", str(MONTH), "--config", MAIN_CF, "--send", "--quiet", "--to", "me@example.org") == 0

    mail = message_from_bytes(sent.read_bytes(), policy=SMTP)
    assert mail["To"] == "me@example.org"
    assert "to change" in mail["Subject"]


def test_a_quiet_report_of_nothing_sends_nothing(sent: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("Nov 22 09:00:00 mx1 postfix/anvil[1]: statistics: max cache size 1 at Nov 22 08:59:59\n")

    assert run("report", str(log), "--config", MAIN_CF, "--send", "--quiet") == 0

    assert not sent.exists()


def test_it_does_not_write_beside(tmp_path: Path) -> None:
    with pytest.raises(AdvisorError, match="sends a mail"):
        run("report", str(MONTH), "--send", "-o", str(tmp_path / "x.html"))
