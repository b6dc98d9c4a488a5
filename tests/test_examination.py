"""What the doctor says of a machine; each thing by itself, with everything else in order."""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from advisor.examination import Check, Machine, examine
from advisor.ingestion import ingest
from tests.conftest import ROOT

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LINE = "Nov 22 09:00:00 mx1 postfix/smtpd[1]: connect from mail.example[203.0.113.7]\n"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine that has all of it."""
    logs, kept = tmp_path / "log", tmp_path / "store"
    logs.mkdir()
    (logs / "maillog").write_text(LINE)
    ingest([logs / "maillog"], kept, year=2026, zone=UTC, today=date(2026, 11, 22))
    resolv, sendmail, postconf = (tmp_path / name for name in ("resolv.conf", "sendmail", "postconf"))
    resolv.write_text("search example\nnameserver 127.0.0.1\n")
    postconf.write_text('#!/bin/sh\n[ "$1" = -n ] && echo "myhostname = mx1.example"\nexit 0\n')
    for program in (sendmail, postconf):
        program.touch()
        program.chmod(0o755)
    return Machine(logs, kept, resolv, (sendmail,), str(postconf))


def check(machine: Machine, what: str) -> Check:
    return next(each for each in examine(machine, NOW) if each.what == what)


def test_a_machine_that_has_all(machine: Machine) -> None:
    found = {each.what: each.state for each in examine(machine, NOW)}
    assert found.pop("scanner") in ("ok", "note")
    assert found == dict.fromkeys(("log", "Postfix", "store", "resolver", "sendmail"), "ok")


def test_a_log_that_is_none(machine: Machine) -> None:
    (machine.logs / "maillog").write_text("hello\n")
    assert "begins with no line that we know" in check(machine, "log").found


def test_no_log(machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/none")
    assert check(replace(machine, logs=tmp_path / "none"), "log").state == "missing"


@pytest.mark.skipif(os.geteuid() != 0, reason="root becomes somebody who may read nothing")
def test_a_log_that_one_may_not_read(machine: Machine) -> None:
    # Not below pytest's folder, which is closed to others, and which each pytest of the same user closes anew.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        log = Path(folder) / "maillog"
        log.write_bytes((machine.logs / "maillog").read_bytes())
        log.chmod(0o600)
        code = (
            "import os, sys; from pathlib import Path; os.setuid(65534); from advisor import examination; "
            f"print(examination._log(Path({folder!r}), None).found)"
        )
        done = subprocess.run(
            [sys.executable, "-c", f"import advisor.examination; {code}"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    assert "may not be read by you" in done.stdout


def test_no_postfix(machine: Machine) -> None:
    found = check(replace(machine, postconf="/none/postconf"), "Postfix")
    assert found.state == "note"
    assert "--config" in found.todo


def test_a_store_that_nothing_feeds(machine: Machine) -> None:
    later = datetime(2026, 12, 24, tzinfo=UTC)
    found = next(each for each in examine(machine, later) if each.what == "store")
    assert found.state == "note"
    assert "2026-11-22 09:00" in found.found


def test_no_store(machine: Machine, tmp_path: Path) -> None:
    assert check(replace(machine, store=tmp_path / "none"), "store").state == "note"
    assert check(replace(machine, store=Path("/proc/none")), "store").state in ("missing", "note")


def test_what_is_no_store(machine: Machine) -> None:
    (machine.store / f"{'0' * 16}-{'0' * 20}.parquet").write_text("no")
    assert check(machine, "store").state == "missing"


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("nameserver 8.8.8.8\n", "note"),
        ("nameserver 8.8.8.8\nnameserver ::1\n", "ok"),
        ("nameserver fe80::1%eth0\n", "note"),
        ("nameserver x\n", "note"),
        ("options rotate\n", "missing"),
    ],
)
def test_the_resolver(machine: Machine, text: str, state: str) -> None:
    machine.resolv.write_text(text)
    assert check(machine, "resolver").state == state


def test_no_resolver_and_no_sendmail(machine: Machine, tmp_path: Path) -> None:
    bare = replace(machine, resolv=tmp_path / "none", sendmail=(tmp_path / "none",))
    assert (check(bare, "resolver").state, check(bare, "sendmail").state) == ("missing", "note")


def test_the_command(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "advisor", "doctor", "--store", str(tmp_path / "store"), "--format", "json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    found = json.loads(done.stdout)
    assert done.returncode == any(each["state"] == "missing" for each in found)
    assert [each["what"] for each in found] == ["log", "Postfix", "store", "resolver", "sendmail", "scanner"]
