"""What we say to type, typed: into a real Postfix, which must take it, and give it back when it is undone."""

import subprocess
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor import change, exemption
from advisor.master import from_text as services
from advisor.postconf import Postconf, from_text, read
from advisor.question import Question
from advisor.recommendation import ENFORCE, RELAX, WARN, Advice, Host, Recommendation
from tests.conftest import BOLD, MONTH, ROOT, real
from tests.lab import trial
from tests.lab.trial import typed

MAIN_CF = ROOT / "sample_logs" / "main.cf"
PTR, HELO = "reject_unknown_reverse_client_hostname", "smtpd_helo_restrictions"
NOON = datetime(2026, 10, 31, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def advice() -> Advice:
    return Question([MONTH], config=MAIN_CF, terms=BOLD).advise()


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


@cache
def a_recommendation() -> Recommendation:
    found = Question([MONTH], config=MAIN_CF).advise().recommendations
    return replace(next(each for each in found if each.name == PTR), recommendation=ENFORCE)


def named(advice: Advice, name: str) -> Recommendation:
    return next(found for found in advice.recommendations if found.name == name)


def test_the_list_as_it_will_stand(advice: Advice) -> None:
    lines = named(advice, "reject_unknown_client_hostname").lines_to_type

    assert lines[1].startswith("# our users write to this sender; ")
    assert [line for line in lines if line.endswith(" OK")] == [f"203.0.113.{last} OK" for last in (10, 11, 12, 15)]
    assert lines[9:11] == ("# then:", "postmap hash:/etc/postfix/client_access")
    at = lines.index("smtpd_client_restrictions =")
    assert lines[at + 1 : at + 5] == (
        "    permit_mynetworks",
        "    permit_sasl_authenticated",
        "    check_client_access hash:/etc/postfix/client_access",
        "    reject_unknown_client_hostname",
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


@pytest.mark.parametrize(
    ("main", "table", "postmap"),
    [
        ("default_database_type = lmdb\n", "lmdb:/etc/postfix/client_access", True),
        ("default_database_type = texthash\n", "texthash:/etc/postfix/client_access", False),
        (f"{HELO} = check_client_access cidr:{exemption.FILE}\n", "cidr:/etc/postfix/client_access", False),
        (f"{HELO} = check_client_access btree:{exemption.FILE}\n", "btree:/etc/postfix/client_access", True),
        (f"{HELO} = check_client_access pcre:{exemption.FILE}\n", "hash:/etc/postfix/client_access_allow", True),
    ],
)
def test_the_map_is_of_the_type_that_is_there(advice: Advice, main: str, table: str, postmap: bool) -> None:
    ptr = replace(named(advice, PTR), recommendation=ENFORCE)
    lines = change.plan(ptr, from_text(main, "main.cf")).lines

    assert f"    check_client_access {table}" in lines
    assert (f"postmap {table}" in lines) == postmap
    assert f"# {table.partition(':')[2]}, add:" in lines


def test_the_diff_is_of_the_file_as_it_is(advice: Advice) -> None:
    config = read(MAIN_CF)
    ptr = replace(named(advice, PTR), recommendation=ENFORCE)
    typed = change.plan(ptr, config)

    assert typed.diff[:2] == ("--- /etc/postfix/main.cf", "+++ /etc/postfix/main.cf")
    assert [line for line in typed.diff[2:] if line.startswith("-")] == []
    assert [line for line in typed.diff[2:] if line.startswith("+")] == [
        "+smtpd_client_restrictions =",
        "+    permit_mynetworks",
        "+    permit_sasl_authenticated",
        "+    check_client_access hash:/etc/postfix/client_access",
        f"+    {PTR}",
    ]
    assert typed.config.lists() == from_text(typed.config.text, "main.cf").lists()


def test_without_the_file_the_diff_is_of_what_postconf_says(advice: Advice) -> None:
    ptr = replace(named(advice, PTR), recommendation=WARN)
    config = from_text("a = 1\nsmtpd_client_restrictions = permit_mynetworks\n", "postconf -n")

    diff = change.plan(ptr, config).diff
    assert diff[:2] == ("--- postconf -n", "+++ postconf -n")
    assert diff[-2:] == (
        "-smtpd_client_restrictions = permit_mynetworks",
        f"+smtpd_client_restrictions = permit_mynetworks, permit_sasl_authenticated, warn_if_reject {PTR}",
    )
    assert change.plan(ptr, None).diff == ()


def test_several_changes_are_one_course(advice: Advice) -> None:
    config = read(MAIN_CF)
    ranked = [found for found in advice.recommendations if found.rank]
    course = change.plan_of(ranked, config)

    assert [step.lines for step in course.steps] == [found.lines_to_type for found in ranked]
    assert course.config.text == course.steps[-1].config.text
    assert course.undo[-1] == "postfix reload"
    assert course.undo.count("postfix reload") == 1
    assert course.undo[0] == course.steps[-1].undo[0]
    assert change.plan_of([], config).undo == ()
    assert change.plan_of(ranked, None).diff == ()


def test_a_host_is_added_to_the_map_once() -> None:
    first = replace(a_recommendation(), hosts=(host("192.0.2.1"), host("192.0.2.2")))
    second = replace(first, name="reject_unknown_client_hostname", hosts=(host("192.0.2.2"), host("192.0.2.3")))
    third = replace(first, name="reject_unknown_sender_domain", parameter="smtpd_sender_restrictions")
    steps = change.plan_of([first, second, third], read(MAIN_CF)).steps

    added = [[line for line in step.lines if line.endswith(" OK")] for step in steps]
    assert added == [["192.0.2.1 OK", "192.0.2.2 OK"], ["192.0.2.3 OK"], []]
    table = "hash:/etc/postfix/client_access"
    assert [f"postmap {table}" in step.lines for step in steps] == [True, True, False]
    assert all(f"    check_client_access {table}" in step.lines for step in steps)


def test_what_master_cf_overrides_is_said_before(advice: Advice) -> None:
    master = services("smtp inet n - y - - smtpd -o smtpd_client_restrictions=\n", "master.cf")
    config = replace(read(MAIN_CF), master=master)

    lines = change.plan(replace(named(advice, PTR), recommendation=WARN), config).lines
    assert lines[0].startswith("# smtp/inet in master.cf has its own smtpd_client_restrictions, so this has no effect")
    assert lines[1] == "# /etc/postfix/main.cf:"


def test_a_setting_is_given_back_as_it_was() -> None:
    config = from_text("smtpd_helo_required = ${nope?yes}\n", "main.cf")

    assert change.set_to(config, "smtpd_helo_required", "yes").undo == (
        "postconf -e 'smtpd_helo_required = ${nope?yes}'",
        "postfix reload",
    )
    assert change.set_to(config, "smtpd_log_access_permit_actions", "static:all").lines[3] == (
        "postconf -e 'smtpd_log_access_permit_actions = static:all'"
    )


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_nothing_from_a_log_enters_main_cf(name: str, hello: str, sender: str) -> None:
    hostile = replace(host(sender=sender), client_name=name, reverse_client_name=name, helo_name=hello, evidence=hello)
    ptr = replace(a_recommendation(), hosts=(hostile,))
    plain = replace(a_recommendation(), hosts=(host(),))
    config = read(MAIN_CF)

    typed, expected = change.plan(ptr, config), change.plan(plain, config)
    assert (typed.diff, typed.undo, typed.trial) == (expected.diff, expected.undo, expected.trial)
    start = typed.lines.index("# /etc/postfix/main.cf:")
    assert typed.lines[start:] == expected.lines[expected.lines.index("# /etc/postfix/main.cf:") :]


def test_only_wanted_hosts_are_let_through() -> None:
    hosts = [host("192.0.2.1", wanted=None), host("192.0.2.2", wanted=False), host("192.0.2.3"), host("2001:DB8::1")]

    entries = [line for line in exemption.lines(hosts) if not line.startswith("#")]

    assert entries == ["192.0.2.3 OK", "2001:db8::1 OK"]


@given(st.text(max_size=80), st.text(max_size=200))
def test_nothing_from_a_log_becomes_an_entry(sender: str, evidence: str) -> None:
    """access(5): an entry is a line that does not begin with '#'; a line that begins with a blank goes on with it."""
    hostile = replace(host(sender=sender + "\n0.0.0.0/0 OK\n"), evidence=evidence + "\r\n.example OK")

    text = "\n".join(exemption.lines([hostile]))

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
        """Do what the lines say."""
        typed(lines, self.folder, self.shell)

    def settings(self) -> str:
        return self.shell("postconf -n")

    def lists(self) -> dict[str, list[str]]:
        """The settings without what only lays them out."""
        shown = from_text(self.settings(), "postconf -n").parameters
        return {name: value.replace(",", " ").split() for name, value in shown.items()}


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
def test_the_diff_says_what_the_commands_do(advice: Advice, machine: Machine) -> None:
    program, file = real("patch"), machine.folder / "main.cf"
    ranked = sorted((found for found in advice.recommendations if found.rank), key=lambda each: each.rank or 0)
    original, settings = file.read_bytes(), machine.settings()
    course = change.plan_of(ranked, read(machine.folder))
    for step in course.steps:
        machine.type(step.lines)
    typed = machine.lists()
    for line in course.undo:
        machine.shell(line)
    assert machine.settings() == settings

    file.write_bytes(original)
    told = "\n".join(course.diff).replace("/etc/postfix/", f"{machine.folder}/") + "\n"
    for option, expected in (("-N", typed), ("-R", None)):
        command = [program, option, "--fuzz=0", "--quiet", str(file)]
        subprocess.run(command, input=told, text=True, check=True, capture_output=True)
        machine.shell("postfix check")
        if expected:
            assert machine.lists() == expected
    assert file.read_bytes() == original


@pytest.mark.integration
@pytest.mark.parametrize("kind", ["hash", "btree", "lmdb", "cdb", "texthash"])
def test_the_map_is_made_in_the_type_of_this_postfix(advice: Advice, machine: Machine, kind: str) -> None:
    real("postmap")
    machine.shell(f"postconf -e default_database_type={kind}")
    ptr = replace(named(advice, PTR), recommendation=ENFORCE)
    machine.type(change.plan(ptr, read(machine.folder)).lines)

    assert machine.shell(f"postmap -q 203.0.113.10 {kind}:/etc/postfix/client_access") == "OK\n"
    machine.shell("postfix check")


@pytest.mark.integration
def test_the_editors_lines_and_the_command_say_the_same(advice: Advice, machine: Machine) -> None:
    found = named(advice, "reject_unknown_client_hostname")
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
    assert Question([MONTH], config=MAIN_CF, terms=BOLD).advise() == advice


def judged(found: dict[str, Any]) -> None:
    for base, seen in found.items():
        assert seen["said"] == [], base
        before, on, after = seen["settings"]
        assert before == after != on
        for kind, codes in (("wanted", "222"), ("unwanted", "2x2"), ("relaying", "xxx")):
            for now, code in zip(seen["replies"], codes, strict=True):
                assert now[kind]
                for client, reply in now[kind].items():
                    assert reply[:1] in ("2" if code == "2" else "45"), (base, kind, client, reply)
        refusals = {reply.partition(":")[2].partition(",")[0] for reply in seen["replies"][1]["unwanted"].values()}
        assert len(refusals) == len(seen["replies"][1]["unwanted"]), refusals


@pytest.mark.integration
def test_wanted_clients_pass_unwanted_are_refused_and_nobody_relays() -> None:
    judged(trial.entered("trial", "short"))


@pytest.mark.integration
@pytest.mark.long
def test_wanted_clients_pass_and_unwanted_are_refused_by_every_tip() -> None:
    found = trial.entered("trial")

    assert len(found) == len(trial.BASES)
    judged(found)
