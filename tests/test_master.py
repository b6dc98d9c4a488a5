"""master.py against master(5) and a real postconf -M and -P."""

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.master import Service, from_text, read
from advisor.question import Question
from tests.conftest import real

MASTER = """\
# service type  private unpriv  chroot  wakeup  maxproc command + args
smtp      inet  n       -       y       -       1       postscreen
smtpd     pass  -       -       y       -       -       smtpd
  -o smtpd_client_restrictions=permit_mynetworks,reject
# a comment between
  -osmtpd_helo_required=no
  -o { smtpd_sender_restrictions = permit_mynetworks, reject }
  -o smtpd_client_restrictions=
submission inet n - y - - smtpd -o smtpd_tls_security_level=encrypt -v
127.0.0.1:10025 inet n - n - - smtpd
[::1]:25 inet n - n - - smtpd
192.0.2.1:25 inet n - n - - smtpd
#628 inet n - y - - qmqpd
policyd-spf unix - n n - 0 spawn user=nobody
    argv=/usr/bin/policyd-spf {/etc/my policy.conf}
"""


def test_services_and_their_overrides() -> None:
    found = from_text(MASTER, "master.cf")

    assert found.faults == ()
    assert [str(each) for each in found.services] == [
        "smtp/inet",
        "smtpd/pass",
        "submission/inet",
        "127.0.0.1:10025/inet",
        "[::1]:25/inet",
        "192.0.2.1:25/inet",
        "policyd-spf/unix",
    ]
    assert found.services[1].overrides == {
        "smtpd_client_restrictions": "",
        "smtpd_helo_required": "no",
        "smtpd_sender_restrictions": "permit_mynetworks, reject",
    }
    assert found.services[2].arguments == ("-o", "smtpd_tls_security_level=encrypt", "-v")
    assert found.services[-1].arguments[-1] == "/etc/my policy.conf"
    assert found.has("policyd-spf", "unix")
    assert not found.has("policyd-spf", "inet")


def test_who_hears_mail_from_outside() -> None:
    found = from_text(MASTER, "master.cf")

    assert [str(each) for each in found.mail_servers()] == ["smtpd/pass", "192.0.2.1:25/inet"]
    assert found.mail_servers("other") == (found.services[5],)
    without = from_text("smtpd pass - - y - - smtpd\nsubmission inet n - y - - smtpd\n", "master.cf")
    assert without.mail_servers() == ()


@pytest.mark.parametrize(
    "line", ["smtp inet n - y -", "smtp imap n - y - - smtpd", "  -o a=b", "smtp inet n - y - - smtpd -o { a = b"]
)
def test_what_is_no_service_is_a_fault(line: str) -> None:
    found = from_text(f"{line}\nsmtp inet n - y - - smtpd\n", "master.cf")

    assert [str(each) for each in found.services] == ["smtp/inet"]
    (fault,) = found.faults
    assert fault.startswith("master.cf, line 1: ")
    assert fault.endswith(".")


@given(st.text())
def test_no_text_breaks_the_reader(text: str) -> None:
    found = from_text(text, "master.cf")

    assert all(isinstance(each, Service) for each in found.mail_servers())
    assert "\x1b" not in "".join(found.faults)


def test_a_folder_without_one(tmp_path: Path) -> None:
    assert read(tmp_path / "master.cf") is None


@pytest.mark.integration
def test_it_reads_what_postconf_reads(tmp_path: Path) -> None:
    postconf = real("postconf")
    (tmp_path / "main.cf").touch()
    # Postfix 3.7's postconf garbles -oname=value, which smtpd takes.
    (tmp_path / "master.cf").write_text(MASTER.replace("-osmtpd", "-o smtpd"))
    for name in ("main.cf", "master.cf"):
        os.utime(tmp_path / name, (1, 1))

    def told(option: str) -> str:
        command = [postconf, "-c", str(tmp_path), option]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    ours = read(tmp_path / "master.cf")
    assert ours is not None
    again = from_text(told("-M"), "postconf -M")
    assert again.faults == ()
    assert [(str(each), each.command, each.overrides) for each in again.services] == [
        (str(each), each.command, each.overrides) for each in ours.services
    ]
    overrides = {
        f"{each}/{name} = {value}".rstrip() for each in ours.services for name, value in each.overrides.items()
    }
    assert {line.rstrip() for line in told("-P").splitlines()} == overrides


def test_a_simulation_of_main_cf_asks_what_port_25_asks(tmp_path: Path) -> None:
    (tmp_path / "main.cf").write_text("smtpd_client_restrictions = reject_unknown_client_hostname\n")
    (tmp_path / "master.cf").write_text(
        "smtp inet n - y - - smtpd\n  -o smtpd_client_restrictions=permit_mynetworks,reject_unauth_pipelining\n"
        "submission inet n - y - - smtpd -o smtpd_client_restrictions=reject\n"
    )
    (tmp_path / "maillog").write_text("Nov 22 11:00:00 mx1 postfix/smtpd[1]: connect from unknown[203.0.113.10]\n")

    asked = Question([tmp_path / "maillog"], config=tmp_path).simulate("main.cf").asked

    listed = [one.column for one in asked if one.listed == "smtpd_client_restrictions"]
    assert listed == ["permit_mynetworks", "reject_unauth_pipelining"]
