"""What we say to type, typed: into a real Postfix, which must take it, and give it back when it is undone."""

import subprocess
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor import allowlist, change
from advisor.postconf import Postconf, from_text
from advisor.question import Question
from advisor.recommendation import ENFORCE, RELAX, WARN, Advice, Host, Recommendation
from tests.conftest import MONTH, ROOT, real

MAIN_CF = ROOT / "sample_logs" / "main.cf"
NOON = datetime(2026, 10, 31, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def advice() -> Advice:
    return Question([MONTH], config=MAIN_CF).advise()


def host(address: str = "192.0.2.77", sender: str = "billing@partner.example", wanted: bool | None = True) -> Host:
    return Host(
        address,
        "unknown",
        "unknown",
        "mail.partner.example",
        wanted,
        "our users write to it",
        3,
        3,
        NOON,
        NOON,
        (sender,),
    )


def named(advice: Advice, name: str) -> Recommendation:
    return next(found for found in advice.recommendations if found.name == name)


def test_the_list_as_it_will_stand(advice: Advice) -> None:
    lines = named(advice, "reject_unknown_reverse_client_hostname").lines_to_type

    assert lines[1].startswith("# our users write to this sender; ")
    assert lines[2:5] == ("203.0.113.10 OK", "# then:", "postmap hash:/etc/postfix/client_access")
    at = lines.index("smtpd_client_restrictions =")
    assert lines[at + 1 : at + 5] == (
        "    permit_mynetworks",
        "    permit_sasl_authenticated",
        "    check_client_access hash:/etc/postfix/client_access",
        "    reject_unknown_reverse_client_hostname",
    )
    assert lines[-1] == "postfix check && postfix reload"


def test_two_changes_of_one_list_build_on_each_other() -> None:
    ptr = named(Question([MONTH], config=MAIN_CF).advise(), "reject_unknown_reverse_client_hostname")
    first = change.plan(replace(ptr, recommendation=WARN, hosts=()), None)
    second = change.plan(
        replace(ptr, name="reject_unknown_client_hostname", recommendation=WARN, hosts=()), first.config
    )

    assert "    warn_if_reject reject_unknown_reverse_client_hostname" in second.lines
    assert "    warn_if_reject reject_unknown_client_hostname" in second.lines


def test_a_warning_lets_nobody_through_yet(advice: Advice) -> None:
    ptr = replace(named(advice, "reject_unknown_reverse_client_hostname"), recommendation=WARN)
    typed = change.plan(ptr, None)

    assert not any("client_access" in line for line in typed.lines)
    assert "    warn_if_reject reject_unknown_reverse_client_hostname" in typed.lines


def test_relax_allows_the_hosts_where_it_is_on(advice: Advice) -> None:
    ptr = replace(named(advice, "reject_unknown_reverse_client_hostname"), recommendation=RELAX, hosts=(host(),))
    config = from_text("smtpd_sender_restrictions = reject_unknown_reverse_client_hostname\n", "main.cf")
    lines = change.plan(ptr, config).lines

    at = lines.index("smtpd_sender_restrictions =")
    assert lines[at + 3 : at + 5] == (
        "    check_client_access hash:/etc/postfix/client_access",
        "    reject_unknown_reverse_client_hostname",
    )


def test_the_table_type_is_the_hosts_own(advice: Advice) -> None:
    ptr = replace(named(advice, "reject_unknown_reverse_client_hostname"), recommendation=ENFORCE)
    lines = change.plan(ptr, Postconf({"default_database_type": "lmdb"}, "main.cf")).lines

    assert "postmap lmdb:/etc/postfix/client_access" in lines
    assert not any("hash:" in line for line in lines)


def test_only_wanted_hosts_are_let_through() -> None:
    hosts = [host("192.0.2.1", wanted=None), host("192.0.2.2", wanted=False), host("192.0.2.3"), host("2001:DB8::1")]

    entries = [line for line in allowlist.lines(hosts) if not line.startswith("#")]

    assert entries == ["192.0.2.3 OK", "2001:db8::1 OK"]


@given(st.text(max_size=80), st.text(max_size=200))
def test_nothing_from_a_log_becomes_an_entry(sender: str, evidence: str) -> None:
    """access(5): an entry is a line that does not begin with '#'; a line that begins with a blank goes on with it."""
    hostile = replace(host(sender=sender + "\n0.0.0.0/0 OK\n"), evidence=evidence + "\r\n.example OK")

    text = "\n".join(allowlist.lines([hostile]))

    assert [line for line in text.splitlines() if not line.startswith("#")] == ["192.0.2.77 OK"]
    assert text.isascii()


class Machine:
    """A Postfix configuration folder of its own, in which what we say is typed."""

    def __init__(self, folder: Path, main_cf: str) -> None:
        self.folder = folder
        for name in ("queue", "data"):
            (folder / name).mkdir()
        # Where things lie is this machine's own affair; the time limit belongs to a service of another master.cf.
        others = ("queue_", "command_", "daemon_", "data_", "compatibility_level", "policyd-spf_time_limit")
        kept = [line for line in main_cf.splitlines() if not line.startswith(others)]
        own = [f"queue_directory = {folder}/queue", f"data_directory = {folder}/data", "compatibility_level = 3.6"]
        told = [real("postconf"), "-d", "-h", "daemon_directory", "command_directory"]
        system = subprocess.run(told, capture_output=True, text=True, check=True).stdout.split()
        own += [f"daemon_directory = {system[0]}", f"command_directory = {system[1]}"]
        (folder / "main.cf").write_text("\n".join([*kept, *own]) + "\n")
        (folder / "master.cf").write_text("smtp inet n - n - - smtpd\n")

    def shell(self, line: str) -> str:
        """Type a line; the folder stands for /etc/postfix."""
        line = line.replace("/etc/postfix/", f"{self.folder}/").replace("postconf -", f"postconf -c {self.folder} -")
        line = line.replace("postfix reload", "true").replace("postfix check", f"postfix -c {self.folder} check")
        ran = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=60, check=False)
        assert (ran.returncode, ran.stderr) == (0, ""), line
        return ran.stdout

    def type(self, lines: Sequence[str]) -> None:
        """Do what the lines say: each head names a file or that commands follow."""
        target = ""
        for line in lines:
            if line.startswith(("# /etc/postfix/", "# then:", "# or,")):
                target = line
            elif target.startswith("# /etc/postfix/main.cf"):
                pass  # the same again as the command behind "or, instead of the editor"
            elif target.startswith("# /etc/postfix/"):
                path = self.folder / Path(target.removeprefix("# ").partition(",")[0]).name
                with path.open("a") as file:
                    file.write(f"{line}\n")
            else:
                self.shell(line)

    def settings(self) -> str:
        return self.shell("postconf -n")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    real("postconf")
    (tmp_path / "postfix").mkdir()
    return Machine(tmp_path / "postfix", MAIN_CF.read_text())


@pytest.mark.integration
def test_a_real_postfix_takes_what_we_say_to_type(advice: Advice, machine: Machine) -> None:
    ranked = [found for found in advice.recommendations if found.rank]
    assert len(ranked) == 3
    for found in sorted(ranked, key=lambda each: each.rank or 0):
        before = machine.settings()
        for line in found.try_first:
            machine.shell(line)
        if found.try_first:
            for line in found.undo:
                machine.shell(line)
            assert machine.settings() == before
        machine.type(found.lines_to_type)
        assert machine.settings() != before
        machine.shell("postfix check")
    allowed = machine.shell("postmap -q 203.0.113.10 hash:/etc/postfix/client_access")
    assert allowed == "OK\n"


@pytest.mark.integration
def test_undo_gives_back_what_was(advice: Advice, machine: Machine) -> None:
    settings = [machine.settings()]
    ranked = sorted((found for found in advice.recommendations if found.rank), key=lambda each: each.rank or 0)
    for found in ranked:
        machine.type(found.lines_to_type)
        settings.append(machine.settings())
    for found in reversed(ranked):
        assert machine.settings() == settings.pop()
        for line in found.undo:
            machine.shell(line)
    assert machine.settings() == settings.pop()


@pytest.mark.integration
def test_the_editors_lines_and_the_command_say_the_same(advice: Advice, machine: Machine) -> None:
    found = named(advice, "reject_unknown_reverse_client_hostname")
    lines = list(found.lines_to_type)
    start = lines.index("# /etc/postfix/main.cf:") + 1
    written = "\n".join(lines[start : lines.index("# or, instead of the editor:")])
    with (machine.folder / "main.cf").open("a") as file:
        file.write(written.replace("/etc/postfix/", f"{machine.folder}/") + "\n")
    by_hand = machine.shell("postconf -h smtpd_client_restrictions")
    machine.type(lines)

    assert (
        machine.shell("postconf -h smtpd_client_restrictions").replace(",", "").split()
        == by_hand.replace(",", "").split()
    )


def test_advise_is_the_same_twice(advice: Advice) -> None:
    assert Question([MONTH], config=MAIN_CF).advise() == advice
