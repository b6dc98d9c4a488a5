"""Access tables: read and asked as Postfix reads and asks them, with its own postmap to compare."""

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from advisor import pattern
from advisor.access import Settings, action, address_keys, domain_keys, mail_keys
from advisor.attempt import SCHEMA
from advisor.dictionary import Unknown, read
from advisor.entry import parse_list
from advisor.errors import AdvisorError
from advisor.shelf import stocked
from advisor.simulation import simulate
from tests.conftest import real

PLAIN = Settings()


def cool(path: Path) -> None:
    """Make a file old: Postfix waits for one that may still be written to."""
    os.utime(path, (1_000_000_000, 1_000_000_000))


def ask_postmap(table: str, keys: list[str], folder: Path) -> dict[str, str]:
    """What the real postmap says of keys."""
    (folder / "main.cf").touch()
    cool(folder / "main.cf")
    command = [real("postmap"), "-c", str(folder), "-q", "-", table]
    told = subprocess.run(
        command, input="\n".join(keys) + "\n", capture_output=True, text=True, check=False, timeout=60
    )
    return dict(line.split("\t", 1) for line in told.stdout.splitlines())


def agrees(kind: str, text: str, keys: list[str], folder: Path) -> int:
    """Compare; gives how many keys we could tell."""
    path = folder / "table"
    path.write_text(text)
    cool(path)
    table = read(kind, str(path), text)
    theirs = ask_postmap(f"{kind}:{path}", keys, folder)
    told = 0
    for key in keys:
        try:
            ours = table.find(key)
        except Unknown:
            continue
        told += 1
        assert ours == theirs.get(key), (kind, text, key)
    return told


names = st.sampled_from(
    ["mail.good.example", "good.example", "example", "localhost", "Mail.GOOD.example", "a-b.example"]
)
addresses = st.sampled_from(
    ["192.0.2.1", "192.0.2.255", "198.51.100.7", "2001:db8::25", "2001:DB8::25", "::1", "1.2.3"]
)
mailboxes = st.sampled_from(["a@good.example", "a+b@good.example", "bob@mail.good.example", "<>", "a@[192.0.2.1]"])
keys = st.lists(st.one_of(names, addresses, mailboxes), min_size=1, max_size=8, unique_by=str.lower)
values = st.sampled_from(["OK", "REJECT", "reject no", "550 5.7.1 go away", "DUNNO", "DEFER_IF_PERMIT  later ", "$$5"])
real_part = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
blanks = st.sampled_from([" ", "\t", "  ", "\n ", "\n# no\n "])
notes = st.sampled_from(["", "# a comment\n", "\n", "   \n", " continues nothing\n"])


@pytest.mark.integration
@real_part
@given(st.lists(st.tuples(notes, keys.map(lambda some: some[0]), blanks, values), max_size=8), keys)
def test_texthash_is_read_as_postfix_reads_it(
    tmp_path: Path, rows: list[tuple[str, str, str, str]], asked: list[str]
) -> None:
    unique = {row[1].lower(): row for row in rows}.values()
    text = "".join(f"{note}{key}{blank}{value}\n" for note, key, blank, value in unique)
    if text.startswith(" "):
        text = "x.example OK\n" + text
    assert agrees("texthash", text, asked, tmp_path) == len(asked)


networks = st.sampled_from(
    ["192.0.2.0/24", "192.0.2.1", "192.0.2.1/24", "0.0.0.0/0", "2001:db8::/32", "[2001:db8::25]", "[2001:db8::]/32",
     "[192.0.2.0/24]", "::/0", "192.0.2.0/33", "nonsense", "192.0.2.0/x", "[192.0.2.1"]
)  # fmt: skip
negation = st.sampled_from(["", "", "!", "! ", "!!"])


@st.composite
def cidr_tables(draw: st.DrawFn) -> str:
    lines = []
    for _ in range(draw(st.integers(0, 6))):
        what = draw(st.sampled_from(["rule", "rule", "rule", "if", "endif"]))
        if what == "endif":
            lines.append(draw(st.sampled_from(["endif", "ENDIF", "endif x"])))
        else:
            network = draw(negation) + draw(networks)
            lines.append(f"{what} {network}" if what == "if" else f"{network} {draw(values)}")
    return "\n".join(lines) + "\n"


@pytest.mark.integration
@real_part
@given(cidr_tables(), keys)
def test_cidr_is_read_as_postfix_reads_it(tmp_path: Path, text: str, asked: list[str]) -> None:
    assert agrees("cidr", text, asked, tmp_path) == len(asked)


atoms = st.sampled_from(
    ["mail", "good", r"\.", ".", "[a-z]", "[^.]", "[[:alpha:]]", "[[:digit:].]", r"\d", r"[\w.-]", "@", "example",
     "a|b",
     "(good|mail)", "(a)(b)", "(?:x)", r"\b", "[]x]", r"[\.]", "192", "x", r"\<", "(?=m)", "[^]a]", r"\@", "-"]
)  # fmt: skip
counts = st.sampled_from(["", "", "", "*", "+", "?", "{2}", "{1,2}", "*?", "++", "{,2}", "{"])
ends = st.sampled_from(["", "$", r"\z", r"\Z"])


@st.composite
def regular_tables(draw: st.DrawFn) -> str:
    lines = []
    for _ in range(draw(st.integers(0, 5))):
        what = draw(st.sampled_from(["rule", "rule", "rule", "if", "endif"]))
        if what == "endif":
            lines.append("endif")
            continue
        parts = draw(st.lists(st.tuples(atoms, counts), max_size=3))
        text = draw(st.sampled_from(["", "^"])) + "".join(atom + count for atom, count in parts) + draw(ends)
        slash = draw(st.sampled_from("///%~"))
        letters = draw(st.sampled_from(["", "", "", "i", "x", "m", "A", "s", "U", "z"]))
        value = draw(st.one_of(values, st.sampled_from(["REJECT $1", "OK ${1}x", "$1", "REJECT $3", "$x no"])))
        rule = f"{draw(negation)}{slash}{text}{slash}{letters}"
        lines.append(f"if {rule}" if what == "if" else f"{rule} {value}")
    return "\n".join(lines) + "\n"


@pytest.mark.integration
@pytest.mark.parametrize("kind", ["pcre", "regexp"])
def test_patterns_are_read_as_postfix_reads_them(kind: str, tmp_path: Path) -> None:
    if kind not in subprocess.run([real("postconf"), "-m"], capture_output=True, text=True, check=True).stdout.split():
        pytest.skip(f"this Postfix has no {kind} (tests/packages.sh)")
    told = asked = 0

    @real_part
    @given(regular_tables(), keys)
    def compare(text: str, some: list[str]) -> None:
        nonlocal told, asked
        told += agrees(kind, text, some, tmp_path)
        asked += len(some)

    compare()
    # Much of what is drawn is odd on purpose; what can be told must be enough for the comparison to be worth something.
    assert told > asked / 10


@pytest.mark.integration
@pytest.mark.parametrize("kind", ["hash", "btree", "lmdb", "cdb"])
def test_databases_are_dumped(kind: str, tmp_path: Path) -> None:
    if kind not in subprocess.run([real("postconf"), "-m"], capture_output=True, text=True, check=True).stdout.split():
        pytest.skip(f"this Postfix has no {kind} (tests/packages.sh)")
    table = tmp_path / "helo"
    table.write_text("Good.example OK\n.bad.example REJECT  no\n")
    (tmp_path / "main.cf").touch()
    cool(tmp_path / "main.cf")
    subprocess.run([real("postmap"), "-c", str(tmp_path), f"{kind}:{table}"], check=True, timeout=60)

    shelf = stocked(parse_list(f"check_helo_access {kind}:{table}"))

    assert shelf.notes == ()
    found = shelf.tables[f"{kind}:{table}"]
    assert [found.find(key) for key in ("good.example", ".bad.example", "x.example")] == ["OK", "REJECT  no", None]


def test_what_is_not_asked_is_said(tmp_path: Path) -> None:
    spelled = ("ldap:/x", f"texthash:{tmp_path}/none", f"hash:{tmp_path}/h")
    entries = parse_list(", ".join(f"check_client_access {table}" for table in spelled))

    shelf = stocked(entries)

    assert shelf.tables == {}
    assert [note.split(":")[0] for note in shelf.notes] == ["ldap", "texthash", "hash"]
    assert "no evidence" in shelf.notes[0]


def test_a_broken_cdb_is_said(tmp_path: Path) -> None:
    (tmp_path / "h.cdb").write_bytes(b"x" * 3000)

    assert "is no cdb file" in stocked(parse_list(f"check_client_access cdb:{tmp_path}/h")).notes[0]


def test_tables_are_taken_from_where_the_configuration_was_read(tmp_path: Path) -> None:
    (tmp_path / "clients").write_text("bad.example REJECT\n")

    shelf = stocked(parse_list("check_client_access texthash:/etc/postfix/clients"), tmp_path)

    assert shelf.tables["texthash:/etc/postfix/clients"].find("bad.example") == "REJECT"


def test_a_key_twice_is_a_table_that_postfix_refuses() -> None:
    with pytest.raises(AdvisorError, match="line 2 has A for the second time"):
        read("texthash", "x", "a OK\nA REJECT\n")


def test_inline_and_static_need_no_file() -> None:
    inline = read("inline", "{a.example=OK, {b.example = REJECT no way}}")

    assert [inline.find(key) for key in ("a.example", "B.example", "c.example")] == ["OK", "REJECT no way", None]
    assert read("static", "{INFO seen}").find("anything") == "INFO seen"
    with pytest.raises(AdvisorError):
        read("inline", "{nothing}")


@pytest.mark.parametrize(
    ("keys_of", "expected"),
    [
        (domain_keys("mail.good.example", dotted=False), ["mail.good.example", "good.example", "example"]),
        (domain_keys("mail.good.example", dotted=True), ["mail.good.example", ".good.example", ".example"]),
        (domain_keys("192.0.2.7", dotted=False), ["192.0.2.7"]),
        (domain_keys("good.example.", dotted=False), ["good.example.", "example."]),
        (address_keys("192.0.2.7"), ["192.0.2.7", "192.0.2", "192.0", "192"]),
        (address_keys("2001:db8::7"), ["2001:db8::7", "2001:db8:", "2001:db8", "2001"]),
        (
            mail_keys("a+x@m.good.example", Settings(delimiter="+")),
            ["a+x@m.good.example", "a@m.good.example", "m.good.example", "good.example", "example", "a+x@", "a@"],
        ),
        (mail_keys("a+x@example", Settings()), ["a+x@example", "example", "a+x@"]),
        (mail_keys("owner-x@example", Settings(delimiter="-")), ["owner-x@example", "example", "owner-x@"]),
    ],
)
def test_the_keys_that_smtpd_asks_for(keys_of: list[tuple[str, bool]], expected: list[str]) -> None:
    asked = list(keys_of)

    assert [key for key, _ in asked] == expected
    assert [whole for _, whole in asked] == [True] + [False] * (len(asked) - 1)


@pytest.mark.parametrize(
    ("value", "word", "reply"),
    [
        ("OK", "permit", ""), ("ok now", "permit", ""), ("RELAY", "permit", ""), ("1234567", "permit", ""),
        ("REJECT", "reject", ""), ("reject no", "reject", ""), ("DEFER x", "defer", "450"), ("DUNNO", "dunno", ""),
        ("550 5.7.1 no", "reject", "550"), ("450 later", "reject", "450"), ("550", "permit", ""),
        ("DEFER_IF_PERMIT", "defer_if_permit", "450"), ("defer_if_reject x", "defer_if_reject", "450"),
        ("DISCARD", "discard", ""), ("WARN x", "dunno", ""), ("PREPEND X: y", "dunno", ""), ("HOLD", "dunno", ""),
        ("FILTER smtp:x", "dunno", ""), ("permit", "permit", ""), ("reject", "reject", ""),
        ("permit_mynetworks, reject", None, ""), ("HANGUP", None, ""), ("hash:/etc/x", "defer", "451 4.3.5"),
    ],
)  # fmt: skip
def test_what_a_value_makes_of_mail(value: str, word: str | None, reply: str) -> None:
    told = action(value, PLAIN)

    assert (told and told.word, told.reply if told else "") == (word, reply)


def attempts(**columns: list[object]) -> pa.Table:
    length = len(next(iter(columns.values())))
    rows: list[dict[str, object]] = [{name: values[at] for name, values in columns.items()} for at in range(length)]
    for at, row in enumerate(rows):
        row |= {"offset": at, "stage": "RCPT", "action": "accept", "origin": "outside"}
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def answered(restriction: str, table: pa.Table, codes: dict[str, str] | None = None) -> list[tuple[str, str, str]]:
    rows = simulate(restriction, duckdb.from_arrow(table), codes).attempts.to_arrow_table().to_pylist()
    return [(row[restriction], row[f"{restriction}:basis"], row[f"{restriction}:reply"]) for row in rows]


def test_a_map_answers_for_attempts() -> None:
    table = attempts(
        client_name=["unknown", "mail.bad.example", "mail.good.example", None, "x.example"],
        client_address=["192.0.2.7", "198.51.100.1", "198.51.100.2", "198.51.100.3", "203.0.113.9"],
    )

    found = answered("check_client_access inline:{{bad.example=REJECT}, {192.0.2 = 450 later}, {203.0.113=OK}}", table)

    assert found == [
        ("defer", "derived", "450"),
        ("reject", "derived", "554"),
        ("dunno", "derived", None),
        (None, None, None),
        ("permit", "derived", None),
    ]


def test_the_code_of_a_map_is_the_sites() -> None:
    table = attempts(sender=["", "a@b.example"], sender_kind=["null", "domain"])
    spelled = "check_sender_access inline:{<>=REJECT, b.example=DEFER}"

    assert answered(spelled, table, {"access_map_reject_code": "521", "access_map_defer_code": "451"}) == [
        ("reject", "derived", "521"),
        ("defer", "derived", "451"),
    ]


def test_an_ok_for_a_reverse_name_is_a_mistake() -> None:
    table = attempts(reverse_client_name=["mail.good.example"], client_address=["192.0.2.7"])

    assert answered("check_reverse_client_hostname_access inline:{good.example=OK}", table) == [
        ("defer", "derived", "451")
    ]


def test_a_table_that_nobody_has_is_no_evidence() -> None:
    table = attempts(client_name=["mail.good.example"], client_address=["192.0.2.7"])
    found = simulate("check_client_access hash:/none, reject", duckdb.from_arrow(table))

    # It may have said OK, and then nobody is turned away.
    row = found.attempts.to_arrow_table().to_pylist()[0]
    assert (row["answer"], row["turned_away"]) == (None, None)
    assert found.not_simulated == ("check_client_access hash:/none",)


def test_what_python_reads_otherwise_is_not_read() -> None:
    readers: dict[str, Callable[[str, str], pattern.Matches | None]] = {"pcre": pattern.pcre, "ere": pattern.ere}
    odd = {"pcre": [r"a\Kb", "a{,3}", "(?R)", r"\Qx\E", r"\h"], "ere": [r"\d", "a+?", "a||b", "(?i)a"]}
    for kind, text in [(kind, text) for kind, texts in odd.items() for text in texts]:
        assert readers[kind](text, "") is None, text
    table = read("pcre", "t", "/^a/ OK\n/b\\Kc/ REJECT\n")
    assert table.find("a") == "OK"
    with pytest.raises(Unknown):
        table.find("b")
    assert [re.sub(r".*(line \d).*", r"\1", fault) for fault in table.faults] == ["line 2"]


def test_patterns_are_asked_for_whole_names_only() -> None:
    table = attempts(helo_sent=[True, True], helo_name=["mail.good.example", "good.example"])
    patterns = read("pcre", "t", "/^good/ REJECT\n")
    spelled = "check_helo_access pcre:t"

    rows = (
        simulate(spelled, duckdb.from_arrow(table), tables={"pcre:t": patterns}).attempts.to_arrow_table().to_pylist()
    )

    assert [row[spelled] for row in rows] == ["dunno", "reject"]


@pytest.mark.integration
@pytest.mark.parametrize(
    ("kind", "text", "key"),
    [
        ("cidr", "if 192.0.2.0/24\nendif x\n2001:db8::/32 OK\n", "2001:db8::25"),
        ("regexp", "if /a/\nendif x\n/b/ OK\n", "b"),
    ],
)
def test_what_stands_behind_an_endif(kind: str, text: str, key: str, tmp_path: Path) -> None:
    assert agrees(kind, text, [key], tmp_path) == 1
