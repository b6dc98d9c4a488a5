"""What each program says: golden pairs, every family's own line, all real logs, and lines that are none."""

import json
import random
import re
from collections import Counter
from datetime import UTC
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor import programs
from advisor.event import Parsed
from advisor.family import LEVEL, Family
from advisor.line import LONG, Clock
from advisor.verdict import SAYS, read_verdict
from tests.conftest import LAB, MONTH, lab_log
from tests.programs.golden import HERE, read

PAIRS = sorted(path.stem for path in HERE.glob("*.log"))
MODULES = [import_module(f"advisor.programs.{file.name}") for file in iter_modules(programs.__path__)]
FAMILIES = [(module.PROGRAMS[0], family) for module in MODULES for family in module.FAMILIES]


def parse(*lines: bytes) -> Parsed:
    return programs.parse(enumerate(lines), Clock(2026, UTC), "log")


@pytest.mark.parametrize("name", PAIRS)
def test_golden_pair(name: str) -> None:
    expected = [json.loads(line) for line in (HERE / f"{name}.events").read_text().splitlines()]

    assert read(HERE / f"{name}.log") == expected


def test_every_file_has_a_pair_with_every_kind() -> None:
    for module in MODULES:
        names = {module.__name__.rpartition(".")[2], *module.PROGRAMS}
        pairs = names & set(PAIRS)
        assert pairs, names
        kinds = {event["kind"] for pair in pairs for event in read(HERE / f"{pair}.log")}
        assert {family.kind for family in module.FAMILIES} <= kinds


@pytest.mark.parametrize(("program", "family"), FAMILIES, ids=[f"{p}-{n}" for n, (p, _) in enumerate(FAMILIES)])
def test_a_family_reads_its_own_line_first(program: str, family: Family) -> None:
    known = programs.POSTFIX.get(program) or programs.OTHERS[program]
    first = next(one for one in known if one.read(family.sample) is not None)

    assert first is family


def test_every_program_of_postfix_may_warn() -> None:
    assert all(known[-1] is LEVEL for known in programs.POSTFIX.values())


@pytest.mark.parametrize("path", sorted(LAB.glob("*.gz")), ids=lambda path: path.name.partition(".")[0])
def test_every_line_of_the_lab_is_understood(path: Path) -> None:
    lines = lab_log(path.name.partition(".")[0]).splitlines()
    found = parse(*lines).coverage

    assert (found.lines, found.unrecognised, found.ignored) == (len(lines), 0, 0)
    assert found.events == len(lines)


def test_every_line_of_the_month_is_accounted_for() -> None:
    import gzip

    lines = gzip.decompress(MONTH.read_bytes()).splitlines()
    found = parse(*lines)

    assert found.coverage.ignored_by_program == Counter({"dovecot": 44, "systemd": 31, "sshd": 3})
    assert (found.coverage.lines, found.coverage.events, found.coverage.unrecognised) == (30_156, 30_078, 0)
    assert found.events.num_rows == 30_078
    connects = pc.sum(pc.equal(found.events["kind"], "connect")).as_py()
    assert connects == sum(b"]: connect from " in line and b"smtpd[" in line for line in lines)


DAMAGED = [
    b"Nov 22 12:00:00 mx1 postfix/smtpd[1]: connect from a\0[192.0.2.1]",
    b"Nov 22 12:00:00 mx1 postfix/smtpd[1]: connect from \xff[192.0.2.1]",
    b"Nov 22 12:00:00 mx1 postfix/smtpd[1]: connect from " + b"a" * LONG + b"[192.0.2.1]",
    b"Nov 22 12:00:00 mx1 postfix/smtpd[1]: connect from unknown[192.0.2",
    b"Nov 22 12:00:00 mx1 postfix/smt",
    b"Nov 32 12:00:00 mx1 postfix/smtpd[1]: connect from unknown[192.0.2.1]",
    b"\0" * 4096,
    b"no header at all",
]


@pytest.mark.parametrize("raw", DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_line_is_kept_and_not_understood(raw: bytes) -> None:
    found = parse(raw, b"Nov 22 12:00:00 mx1 postfix/smtpd[1]: connect from unknown[192.0.2.1]")

    assert (found.coverage.lines, found.coverage.events, found.coverage.unrecognised) == (2, 1, 1)
    assert found.events["kind"].to_pylist() == ["unrecognised", "connect"]
    assert len(found.events["text"][0].as_py()) >= len(raw)


def test_blank_lines_and_other_programs_are_ignored() -> None:
    found = parse(
        b"", b"  ", b"Nov 22 12:00:00 mx1 smtpd[1]: OpenSMTPD is not Postfix", b"Nov 22 12:00:00 mx1 cron[1]: x"
    )

    assert sum(found.coverage.ignored_by_program.values()) == found.coverage.ignored == 4
    assert found.coverage.ignored_by_program["smtpd"] == 1
    assert found.events.num_rows == 0


def test_a_program_of_postfix_that_nobody_knows_is_not_ignored() -> None:
    assert parse(b"Nov 22 12:00:00 mx1 postfix/newd[1]: hello").coverage.unrecognised == 1


def test_cut_and_mutated_lines_are_all_accounted_for() -> None:
    dice = random.Random(7)
    lines = [line for path in sorted(LAB.glob("*.gz")) for line in lab_log(path.name.partition(".")[0]).splitlines()]
    mutated = []
    for line in dice.sample(lines, 6_000):
        at, cut = dice.randrange(len(line)), dice.random()
        mutated.append(line[:at] if cut < 0.5 else line[:at] + bytes([dice.randrange(256)]) + line[at + 1 :])
    found = parse(*mutated).coverage

    assert found.lines == len(mutated) == found.events + found.ignored + found.unrecognised


@pytest.mark.parametrize(("says", "name"), SAYS)
def test_words_lead_to_their_restriction(says: str, name: str) -> None:
    line = (
        f"Nov 22 12:00:00 mx1 postfix/smtpd[1]: NOQUEUE: reject: RCPT from unknown[192.0.2.1]: 554 {says} and more; "
        "from=<a@b.example> to=<c@d.example> proto=ESMTP helo=<x>"
    )
    event = parse(line.encode()).events.to_pylist()[0]

    assert (event["kind"], event["restriction"], event["reply"]) == ("verdict", name, "554")


# What a client may say in HELO, and what an address may hold once Postfix has printed it.
ODD = st.text(st.sampled_from("ab.@-_<>;:= ,[]1\"'"), max_size=12)
TRAPS = st.sampled_from(
    ["x>; from=<a> to=<b> proto=SMTP helo=<y", "a; from=<b@c>", "x> to=<y", "helo=<x>", "Relay access denied"]
)
PLAIN = st.from_regex(re.compile(r"[a-z0-9.+-]{1,12}@[a-z0-9.-]{1,12}", re.ASCII), fullmatch=True)


@settings(max_examples=400, deadline=None)
@given(helo=ODD | TRAPS, sender=PLAIN | st.just(""), recipient=PLAIN)
def test_a_hostile_helo_changes_nothing_else(helo: str, sender: str, recipient: str) -> None:
    """The words of a HELO reject carry the HELO twice; sender and recipient come from the end of the line."""
    text = (
        f"504 5.5.2 <{helo}>: Helo command rejected: need fully-qualified hostname; "
        f"from=<{sender}> to=<{recipient}> proto=ESMTP helo=<{helo}>"
    )
    found: dict[str, Any] | None = read_verdict(text)

    assert found is not None
    assert (found["sender"], found["recipient"], found["helo_name"]) == (sender, recipient, helo)
    assert (found["reply"], found["dsn"]) == ("504", "5.5.2")
