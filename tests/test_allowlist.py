"""The allowlist: which keys it gets, which it never gets, and what it says of the maps there are."""

import json
import re
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from advisor.allowlists import MAPS
from advisor.clearance import Allowlist, allowlist, clear
from advisor.commands import allowlist as command
from advisor.errors import AdvisorError
from advisor.exemption import Exemption
from advisor.existing import Remark, opened
from advisor.key import address_key, plain_mail, safe_name, spells
from advisor.question import Question
from advisor.review import holds, review
from benchmarks.allowlist import Score, hold
from tests.allowlists.made import (
    FCRDNS,
    PTR,
    UNDECIDED,
    UNWANTED,
    attempt,
    entries,
    frame,
    keys,
    pool,
)
from tests.conftest import MONTH, ROOT, TODAY, write
from tests.month import write as generated
from tests.test_evidence import PARTNER, Log

MAIN_CF = ROOT / "sample_logs" / "main.cf"
CLIENT_MAPS = ("client_access", "client_cidr", "postgrey", "postscreen", "policyd-spf", "opendmarc")
HOSTILE = (
    "x\n0.0.0.0/0 OK", "x\r\n.example OK", "OK", "unknown", "UNKNOWN", "unknown ", " mail.evil.example", "*",
    "", "mail.evil.example OK", "mail.evil.example\tOK", "mail.evil.example#", "#", "/./", "/^/ OK", "!/x/",
    "if /x/", "0.0.0.0/0", "::/0", "192.0.2.0/24", "192.0.2", "192.0.2.", "0", "localhost", ".example",
    "example", "evil.example", "evil.co.uk", "a.b..evil.example", "mail.evil.example.", "-a.evil.example",
    "fe80::1%eth0", "::ffff:192.0.2.1", "::192.0.2.1", "::", "::1", "127.0.0.1", "0.0.0.0", "224.0.0.1",
    "2001:db8::1%25", "[192.0.2.1]", "192.0.2.010", "1.2.3.4.5.6", "a." * 200 + "example",
    "m\u0430il.evil.example", "mail.evil.example\u2028OK", "mail\x00.evil.example", "a,b",
    "192.0.2.1,0.0.0.0/0", "Whitelist = ::/0", "!mail.evil.example", "mail.evil.example/0", "\\", '"', "$1",
    "`id`", "x@", "@evil.example", "<>", '"a b"@evil.example', "a@b@evil.example", "a@[192.0.2.1]",
    "a@evil.example OK", "a..b@evil.example", ".a@evil.example", "a@evil", "\ufeffa@evil.example",
    "a@evil.example\n@ OK", "192\u06602.2.1",
)  # fmt: skip
"""What an attacker may write into a log line, to have it in a map."""


def body(kind: str, found: list[Exemption]) -> list[str]:
    """The lines of a map that are no comments, as a program reads them."""
    text = "\n".join(MAPS[kind].written(found))
    return [line for line in text.split("\n") if line and not line.startswith("#")]


# --- which key ---------------------------------------------------------------------------------------------------


def test_a_client_with_a_verified_name_is_known_by_it() -> None:
    named = attempt(client_name="mail.partner.example")

    assert keys("client_access", named) == ["mail.partner.example"]
    assert keys("postgrey", named) == ["mail.partner.example"]
    for kind in ("client_cidr", "postscreen", "policyd-spf", "opendmarc"):
        assert keys(kind, named) == ["192.0.2.77"]


@pytest.mark.parametrize("tip", [PTR, FCRDNS])
@pytest.mark.parametrize("kind", CLIENT_MAPS)
@pytest.mark.parametrize("name", ["unknown", "mail.partner.example"])
def test_clients_that_fail_tip_1_or_3_are_known_by_their_address_alone(tip: str, kind: str, name: str) -> None:
    assert keys(kind, attempt(client_name=name), asked=tip) == ["192.0.2.77"]


@pytest.mark.parametrize(
    "more",
    [
        [attempt(client_name="unknown", answer_0="dunno")],
        [attempt(client_name="other.partner.example", answer_0="dunno")],
        [attempt("192.0.2.5", client_name="a.mail.partner.example", reasons=UNWANTED)],
        [attempt("192.0.2.5", client_name="mail.partner.example", reasons=UNWANTED, answer_0="dunno")],
        [attempt("192.0.2.5", sender="x@mail.partner.example", answer_0="dunno")],
        [attempt("192.0.2.5", recipient="x@partner.example", answer_0="dunno")],
    ],
    ids=["not always", "another", "a spammer below", "a spammer", "a mail domain", "our domain"],
)
def test_a_name_that_is_not_safe_gives_way_to_the_address(more: list[dict[str, Any]]) -> None:
    assert keys("client_access", attempt(client_name="mail.partner.example"), *more)[:1] == ["192.0.2.77"]


@pytest.mark.parametrize("name", ["partner.example", "mail.co.uk", "partner.co.uk", "a.com.au", "example", "x.firm.in"])
def test_a_bare_domain_is_never_a_key(name: str) -> None:
    assert safe_name(name) is None
    assert keys("client_access", attempt(client_name=name)) == ["192.0.2.77"]
    assert keys("postgrey", attempt(client_name=name)) == ["192.0.2.77"]
    assert keys("helo_access", *(attempt(f"192.0.{n}.1", helo_name=name) for n in range(5))) == []


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("192-0-2-77.dyn.hoster.example", "192.0.2.77"),
        ("77.2.0.192.static.hoster.example", "192.0.2.77"),
        ("ip-c000024d.hoster.example", "192.0.2.77"),
        ("20010db8000000000000000000000001.hoster.example", "2001:db8::1"),
    ],
)
def test_a_name_made_of_the_address_is_the_hosters(name: str, address: str) -> None:
    assert spells(name, address)
    assert keys("client_access", attempt(address, client_name=name)) == [address]
    assert not spells("mail7.partner.example", address)


@pytest.mark.parametrize(
    "more",
    [
        attempt(reasons=UNWANTED, answer_0="dunno"),
        attempt(reasons=UNWANTED, action="reject"),
    ],
    ids=["accepted", "refused"],
)
def test_a_client_that_also_sends_unwanted_mail_is_not_let_through(more: dict[str, Any]) -> None:
    for kind in CLIENT_MAPS:
        assert keys(kind, attempt(), more) == []


def test_only_mail_that_would_be_turned_away_needs_an_entry() -> None:
    assert keys("client_access", attempt(answer_0="dunno")) == []
    assert keys("client_access", attempt(answer_0=None)) == []
    assert keys("client_access", attempt(reasons=UNDECIDED)) == []
    assert keys("client_access", attempt(origin="authenticated")) == []
    assert keys("client_access", attempt(answer_0="defer_if_permit", action="reject")) == ["192.0.2.77"]


def test_each_entry_has_its_reason_its_evidence_its_times_and_its_count_above_it() -> None:
    found = entries("client_access", attempt(message="a"), attempt(message="b"), attempt("192.0.2.5"))
    lines = MAPS["client_access"].written(found)

    assert lines[-4:] == (
        "# 192.0.2.77: our users write to this sender, in this network; 2 attempts on",
        "#   2026-11-01; from billing@partner.example",
        "# else turned away by: reject_non_fqdn_helo_hostname",
        "192.0.2.77 OK",
    )
    assert (found[1].attempts, found[1].messages, found[1].clients) == (2, 2, ("192.0.2.77",))
    assert found[1].first_seen is not None
    assert found[1].last_seen is not None
    assert found[1].first_seen < found[1].last_seen
    assert [entry.key for entry in found] == ["192.0.2.5", "192.0.2.77"]


# --- pools -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["client_cidr", "postgrey", "postscreen", "policyd-spf", "opendmarc"])
def test_a_pool_is_one_network(kind: str) -> None:
    assert keys(kind, *pool(4)) == ["192.0.2.8/30"]
    assert entries(kind, *pool(4))[0].clients == ("192.0.2.10", "192.0.2.11", "192.0.2.8", "192.0.2.9")


def test_an_indexed_table_has_no_networks() -> None:
    assert keys("client_access", *pool(3)) == [f"out{number}.pool.partner.example" for number in range(3)]
    assert keys("client_access", *pool(3), asked=PTR) == ["192.0.2.8", "192.0.2.9", "192.0.2.10"]


SINGLE = ["192.0.2.8", "192.0.2.9", "192.0.2.10"]


@pytest.mark.parametrize(
    "rows",
    [
        pool(3, client_name="unknown"),
        [*pool(3), attempt("192.0.2.11", client_name="evil.hoster.example", reasons=UNDECIDED)],
        [*pool(3), attempt("192.0.2.11", client_name="out9.pool.partner.example", reasons=UNWANTED)],
        [*pool(3), attempt("192.0.2.11", client_name="unknown", reasons=UNDECIDED, action="reject")],
        [row | {"client_name": f"{row['client_address'].replace('.', '-')}.compute.hoster.example"} for row in pool(3)],
        [row | {"sender": f"x@firm{number}.example"} for number, row in enumerate(pool(3))],
    ],
    ids=["no names", "a stranger", "a spammer", "one without a name", "a hoster's names", "several correspondents"],
)
def test_what_is_no_pool_is_single_addresses(rows: list[dict[str, Any]]) -> None:
    assert keys("client_cidr", *rows) == SINGLE


def test_two_addresses_are_no_pool() -> None:
    assert keys("client_cidr", *pool(2)) == SINGLE[:2]


@given(st.sets(st.integers(1, 254), min_size=3, max_size=8), st.sets(st.integers(1, 254), max_size=4))
def test_no_network_ever_holds_a_stranger(own: set[int], strangers: set[int]) -> None:
    rows = [attempt(f"192.0.2.{last}", client_name=f"m{last}.pool.partner.example") for last in own]
    rows += [attempt(f"192.0.2.{last}", reasons=UNWANTED) for last in strangers - own]

    found = [ip_network(key) for key in keys("client_cidr", *rows)]

    for last in strangers - own:
        assert not any(address_key(f"192.0.2.{last}") in network for network in found)
    for last in own:
        assert any(address_key(f"192.0.2.{last}") in network for network in found)


# --- keys that anybody may say -----------------------------------------------------------------------------------


def roaming(count: int, **more: Any) -> list[dict[str, Any]]:
    return [attempt(f"198.51.{number}.7", **more) for number in range(count)]


def test_a_helo_is_a_key_only_where_several_networks_show_it() -> None:
    assert keys("helo_access", *roaming(2)) == []
    found = entries("helo_access", *roaming(3))
    assert [entry.key for entry in found] == ["mail.partner.example"]
    assert any("WARNING: anybody may say this name" in line for line in found[0].comments)


@pytest.mark.parametrize(
    "helo", ["localhost", "WIN-8A", "[192.0.2.1]", "192.0.2.1", "mx1.ourdom.test", "partner.example"]
)
def test_a_helo_that_says_nothing_is_no_key(helo: str) -> None:
    assert keys("helo_access", *roaming(5, helo_name=helo)) == []


def test_a_helo_that_a_spammer_shows_too_is_no_key() -> None:
    assert keys("helo_access", *roaming(5), attempt("192.0.2.99", reasons=UNWANTED)) == []
    assert keys("helo_access", *roaming(5, helo_basis="inferred")) == []


def test_a_sender_is_a_key_only_where_several_networks_send_it() -> None:
    assert keys("sender_access", *roaming(2)) == []
    found = entries("sender_access", *roaming(3))
    assert [entry.key for entry in found] == ["billing@partner.example"]
    assert any(line.startswith("# WARNING: anybody may write this sender") for line in found[0].comments)
    for sender in ("", "ceo@ourdom.test", "x@[192.0.2.1]", '"a b"@partner.example', "@partner.example"):
        assert keys("sender_access", *roaming(5, sender=sender)) == []
    assert keys("sender_access", *roaming(5, sender_kind="rewritten")) == []


def test_a_recipient_is_a_key_where_nothing_unwanted_comes_to_it() -> None:
    assert keys("postgrey_recipients", *roaming(2)) == []
    assert keys("postgrey_recipients", *roaming(3)) == ["bob@ourdom.test"]
    assert keys("postgrey_recipients", *roaming(3), attempt("192.0.2.99", reasons=UNWANTED)) == []


# --- what an attacker may write -----------------------------------------------------------------------------------

_ENTRY = re.compile(r"[A-Za-z0-9_.:/@=+-]+(?: OK| permit)?\Z")
_VALUES = {"client_access": " OK", "client_cidr": " OK", "helo_access": " OK", "sender_access": " OK"}
_VALUES |= {"postscreen": " permit", "postgrey": "", "postgrey_recipients": "", "opendmarc": ""}


def judged(kind: str, rows: list[dict[str, Any]], asked: str) -> None:
    """Every line is a comment or one key of the plainest kind with the map's own value."""
    found = entries(kind, *rows, asked=asked)
    text = "\n".join(MAPS[kind].written(found))
    assert all(" " <= letter <= "~" or letter == "\n" for letter in text)
    for line in text.split("\n"):
        assert len(line) <= 80 or not line.startswith("#")
        assert not line.startswith((" ", "\t"))
    lines = body(kind, found)
    if kind == "policyd-spf":
        assert len(lines) <= 1
        lines = lines[0].removeprefix("Whitelist = ").split(",") if lines else []
    else:
        assert all(line.endswith(_VALUES[kind]) for line in lines if line != "127.0.0.1")
        lines = [line.removesuffix(_VALUES[kind]) for line in lines if line != "127.0.0.1"]
    assert lines == [entry.key for entry in found]
    for key in lines:
        assert _ENTRY.match(key)
        assert "unknown" not in key.split(".")
        network = ip_network(key) if "/" in key else None
        if network is not None:
            assert network.num_addresses <= (256 if network.version == 4 else 2**64)
        else:
            assert address_key(key) is not None or safe_name(key) == key or plain_mail(key) == key


TEXT = st.sampled_from(HOSTILE) | st.text(max_size=40) | st.from_regex(r"[a-c#\s/]{0,6}\.evil\.example", fullmatch=True)


@settings(max_examples=60)
@given(
    st.lists(
        st.builds(
            attempt,
            TEXT | st.sampled_from(["192.0.2.8", "192.0.2.9", "192.0.2.10", "2001:db8::5"]),
            client_name=TEXT,
            helo_name=TEXT,
            sender=TEXT,
            recipient=TEXT,
            client_network=st.sampled_from(["192.0.2", "198.51.100", "203.0.113"]),
        ),
        min_size=1,
        max_size=12,
    ),
    st.sampled_from([PTR, "reject_non_fqdn_helo_hostname"]),
)
def test_nothing_from_a_log_becomes_an_entry(rows: list[dict[str, Any]], asked: str) -> None:
    for kind in MAPS:
        judged(kind, rows, asked)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_is_no_key(text: str) -> None:
    everywhere = {"client_name": text, "helo_name": text, "sender": text, "recipient": text}
    rows = [attempt(f"198.51.{number}.7", **everywhere) for number in range(4)]
    for kind in MAPS:
        judged(kind, rows, "reject_non_fqdn_helo_hostname")
        assert set(keys(kind, *rows)) <= {f"198.51.{number}.7" for number in range(4)}, kind
        assert keys(kind, attempt(text)) == [], kind


def test_a_hostile_log_line_by_line(tmp_path: Path) -> None:
    """The same through the parser: texts that try to enter a map, in every place of a line."""
    log = Log().writes().days(1)
    lines = [str(log)]
    texts = [text.replace("\n", "\\n") for text in HOSTILE if text.strip()]
    for number, text in enumerate(texts):
        client = f"{text}[203.0.113.{number}]"
        tail = f"from=<{PARTNER}> to=<{text}@ourdom.test> proto=ESMTP helo=<{text}>"
        said = "450 4.7.25 Client host rejected: cannot find your hostname, [203.0.113.9]"
        lines.append(f"Nov  3 01:00:00 mx1 postfix/smtpd[9]: NOQUEUE: reject: RCPT from {client}: {said}; {tail}\n")
    for kind in MAPS:
        found = clear(question(tmp_path, "".join(lines)), kind)
        text = "\n".join(found.lines)
        assert [line for line in text.split("\n") if not line.startswith("#")] in ([], ["127.0.0.1"])


# --- a spammer who imitates a correspondent ------------------------------------------------------------------------


def question(tmp_path: Path, log: Log | str) -> Question:
    """A log whose clients have no name; 192.0.2.0/24 is ours."""
    (tmp_path / "main.cf").write_text("mynetworks = 192.0.2.0/24\nmydestination = ourdom.test\n")
    text = str(log).replace("c.example[", "unknown[")
    return Question([write(tmp_path / "maillog", text.encode(), TODAY)], config=tmp_path)


def cleared(tmp_path: Path, log: Log) -> list[str]:
    return [entry.key for entry in clear(question(tmp_path, log), "client_access").entries]


def test_a_correspondent_without_a_name_is_let_through(tmp_path: Path) -> None:
    log = Log().writes().mail("203.0.113.10", PARTNER, spf="Pass")

    assert cleared(tmp_path, log) == ["203.0.113.10"]


@pytest.mark.parametrize("spf", ["", "None", "Softfail", "Fail", "Neutral"])
@pytest.mark.parametrize("days", [1, 3])
def test_who_imitates_a_correspondent_is_not(tmp_path: Path, spf: str, days: int) -> None:
    """The correspondent is known by SPF elsewhere; the imitator says the same address, even for days."""
    log = Log().writes().mail("203.0.113.10", PARTNER, spf="Pass")
    for _ in range(days):
        log.days(1).mail("198.51.100.66", PARTNER, spf=spf)

    assert cleared(tmp_path, log) == ["203.0.113.10"]


# --- the whole -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def month() -> Question:
    return Question([MONTH], config=MAIN_CF)


def test_the_month(month: Question) -> None:
    found = clear(month, "client_access")

    assert [entry.key for entry in found.entries] == ["203.0.113.10", "203.0.113.11", "203.0.113.12", "203.0.113.15"]
    assert found.entries[0].restrictions == (FCRDNS, PTR)
    assert found.lines[0].startswith("# check_client_access hash:/etc/postfix/client_access")


@pytest.mark.parametrize("kind", MAPS)
def test_every_map_of_the_month(month: Question, kind: str) -> None:
    found = clear(month, kind)

    assert isinstance(found, Allowlist)
    assert all(len(line) <= 80 for line in found.lines if line.startswith("#"))
    told = json.loads(found.json())
    assert told["map"] == kind
    assert [entry["key"] for entry in told["entries"]] == [entry.key for entry in found.entries]
    assert told["lines"] == list(found.lines)


def test_one_restriction_asked_about(month: Question) -> None:
    assert [entry.key for entry in clear(month, "client_access", PTR).entries] == ["203.0.113.10"]


@pytest.mark.parametrize(
    ("kind", "text", "todo"),
    [
        ("client_acess", None, "did you mean client_access?"),
        ("client_access", "smtpd_helo_required", "cannot excuse from smtpd_helo_required"),
        ("client_access", "opendmarc", "use --map opendmarc"),
        ("postgrey", PTR, "cannot excuse from"),
        ("client_access", "permit_mynetworks", "name a restriction that refuses mail"),
        ("client_access", " ", "names no restriction"),
    ],
)
def test_what_no_map_excuses_from(month: Question, kind: str, text: str | None, todo: str) -> None:
    with pytest.raises(AdvisorError, match=re.escape(todo)):
        clear(month, kind, text)


def test_what_is_there_already_is_not_written_again(tmp_path: Path, month: Question) -> None:
    file = tmp_path / "client_access"
    file.write_text("203.0.113.10 OK\n203.0.113.11 REJECT\n")

    found = clear(month, "client_access", existing=[file])

    assert [entry.key for entry in found.entries] == ["203.0.113.11", "203.0.113.12", "203.0.113.15"]
    assert found.held == 1


def test_the_whitelist_of_policyd_spf_is_kept(tmp_path: Path, month: Question) -> None:
    file = tmp_path / "policyd-spf.conf"
    file.write_text("debugLevel = 1\nWhitelist = 192.0.2.0/28,198.51.100.13,192.0.2.1/24\n")
    found = clear(month, "policyd-spf", existing=[file])

    made = replace(found, entries=tuple(entries("policyd-spf", attempt(), attempt("2001:db8::5"))))

    assert "Whitelist = 192.0.2.0/28,198.51.100.13,192.0.2.77,2001:db8::5" in made.lines


def test_a_network_that_policyd_spf_cannot_read_lets_everybody_pass(tmp_path: Path, month: Question) -> None:
    file = tmp_path / "policyd-spf.conf"
    file.write_text("Whitelist = 192.0.2.1/24\n")

    found = clear(month, "policyd-spf", existing=[file])

    assert [remark.kind for remark in found.remarks] == ["lets_spam"]


def test_the_maps_of_the_configuration_are_reviewed(tmp_path: Path) -> None:
    settings = MAIN_CF.read_text() + (
        "\nsmtpd_client_restrictions = check_client_access hash:/etc/postfix/clients, "
        "check_client_access cidr:/etc/postfix/more, check_client_access ldap:/etc/postfix/x\n"
    )
    (tmp_path / "main.cf").write_text(settings)
    (tmp_path / "clients").write_text("# old\n203.0.113.10 OK\n192.0.2.250 OK\n")

    found = allowlist(MONTH, config=tmp_path)

    assert [(remark.line, remark.kind) for remark in found.remarks] == [(3, "unused")]
    assert found.held == 1
    assert any("ldap:/etc/postfix/x is not reviewed" in note for note in found.notes)
    assert any("more: cannot be read" in note for note in found.notes)


def run(*arguments: str | Path) -> Result:
    """The command by itself, as a person types it."""
    app = typer.Typer()
    app.command()(command.allowlist)
    return CliRunner().invoke(app, [str(MONTH), "--config", str(MAIN_CF), *map(str, arguments)])


def test_the_command_writes_a_file_that_is_the_map(tmp_path: Path) -> None:
    file = tmp_path / "client_access"

    assert run("--for", PTR, "-o", file).exit_code == 0
    assert file.read_text() == run("--for", PTR).output
    assert [line for line in file.read_text().splitlines() if not line.startswith("#")] == ["203.0.113.10 OK"]


def test_the_command_for_programs(month: Question) -> None:
    done = run("--map", "postgrey", "--format", "json", "--postgrey-opts=--delay=60")

    assert json.loads(done.output)["schema"] == 1
    assert json.loads(done.output)["map"] == "postgrey"
    assert json.loads(run("--format", "json").output) == json.loads(clear(month, "client_access").json())


def test_the_command_and_a_format_that_there_is_not() -> None:
    assert str(run("--format", "html").exception) == (
        "--format: 'html' is no format of an allowlist; write terminal or json"
    )


def test_a_period(month: Question) -> None:
    late = replace(month, since="2026-10-29")

    assert [entry.key for entry in clear(late, "client_access").entries] == ["203.0.113.12"]


# --- maps that are there -------------------------------------------------------------------------------------------

SEEN = (
    attempt("192.0.2.1", client_name="mail.partner.example"),
    attempt("192.0.2.2", client_name="mx.spam.example", reasons=UNWANTED),
    attempt("192.0.2.3", client_name="unknown", sender="x@news.example", helo_name="news.example"),
)


def told(syntax: str, text: str, kind: str = "") -> list[tuple[int, str]]:
    return [(remark.line, remark.kind) for remark in remarks(syntax, text, kind)]


def remarks(syntax: str, text: str, kind: str = "") -> list[Remark]:
    return review(opened("f", text, syntax, kind), frame(*SEEN))


@pytest.mark.parametrize(
    ("syntax", "kind", "text", "expected"),
    [
        ("client", "", "# c\n\nmail.partner.example OK\n", []),
        ("client", "", "192.0.2.9 OK\n192.0.2.1 OK", [(1, "unused")]),
        ("client", "", "192.0.2 OK\n", [(1, "lets_spam")]),
        ("client", "", "spam.example REJECT\n", []),
        ("client", "", "spam.example DUNNO\n192.0.2.2 OK\n", [(2, "shadowed")]),
        ("client", "", "mail.partner.example OK\npartner.example OK\n", [(1, "redundant"), (2, "shadowed")]),
        ("client", "", "192.0.2.1 OK\n192.0.2.1 REJECT\n", [(2, "shadowed")]),
        ("client", "", "192.0.2.1\n  OK\nnonsense\n", [(3, "unread")]),
        ("client cidr", "", "192.0.2.0/24 OK\n192.0.2.2 REJECT\n", [(1, "lets_spam"), (2, "shadowed")]),
        ("client cidr", "", "192.0.2.2 REJECT\n192.0.2.0/24 OK\n", []),
        ("client cidr", "", "192.0.2.7/24 OK\n", [(1, "unread")]),
        ("client cidr", "", "192.0.2.2 permit\n", [(1, "lets_spam")]),
        ("client", "regexp", "/partner/ OK\n/^mail/ OK\n", [(1, "redundant"), (2, "shadowed")]),
        ("helo", "", "news.example OK\nold.example OK\n", [(2, "unused")]),
        ("sender", "", "news.example OK\nx@news.example OK\n", [(1, "shadowed"), (2, "redundant")]),
        ("postgrey", "", "partner.example # c\n192.0.2.0/24\n", [(1, "redundant"), (2, "lets_spam")]),
        ("postgrey", "", "192.0.2.0/24\n/spam/\n", [(1, "lets_spam"), (2, "shadowed")]),
        ("postgrey recipients", "", "bob@\nalice@ourdom.test\n", [(1, "lets_spam"), (2, "unused")]),
        ("policyd-spf", "", "debugLevel = 1\nWhitelist = 192.0.2.1,192.0.2.7\n", [(2, "unused")]),
        ("policyd-spf", "", "Whitelist = 192.0.2.1/24\n", [(1, "lets_spam")]),
        ("opendmarc", "", "127.0.0.1\nmx.spam.example\n.partner.example\n", [(1, "unused"), (2, "lets_spam")]),
    ],
)  # fmt: skip
def test_what_is_said_of_the_entries_of_a_map(
    syntax: str, kind: str, text: str, expected: list[tuple[int, str]]
) -> None:
    assert told(syntax, text, kind) == expected


def test_who_comes_through_an_entry_is_named() -> None:
    found = remarks("client", "192.0.2.2 OK\n")[0]

    assert (found.attempts, found.clients) == (1, ("192.0.2.2",))
    assert found.text == "lets through 1 of 1 attempts that evidence calls unwanted and that were accepted"


def test_what_cannot_be_reviewed_says_so() -> None:
    with pytest.raises(AdvisorError, match="line 1 is a condition"):
        opened("f", "if /x/\n/y/ OK\nendif\n", "client", "pcre")
    with pytest.raises(AdvisorError, match="!mx is an exception"):
        opened("f", "!mx\n", "opendmarc")


@given(st.text(max_size=60), st.sampled_from(["client", "client cidr", "policyd-spf", "postgrey recipients"]))
def test_any_text_can_be_reviewed(text: str, syntax: str) -> None:
    try:
        existing = opened("f", text, syntax)
    except AdvisorError:
        return
    review(existing, frame(*SEEN))
    holds(existing, {"client_address": "192.0.2.1", "client_name": "unknown"})


@pytest.mark.long
@pytest.mark.parametrize(("size", "seeds"), [(400, 6), (1500, 3)])
def test_who_is_let_in_is_wanted_and_few_are_forgotten(size: int, seeds: int) -> None:
    """On months that no rule was tuned on: `python -m benchmarks.allowlist` has the same in numbers."""
    score = Score()
    for seed in range(400, 400 + seeds):
        hold(generated(seed, size), score)

    assert score.right >= 0.99 * score.held
    assert score.covered >= 0.9 * score.lost
