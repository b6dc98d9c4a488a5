"""Pseudonyms: the same for the same, networks stay networks, and nothing of the original is left in any format."""

import re
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from ipaddress import ip_address, ip_network

import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor import pseudonym
from advisor.pseudonym import Pseudonyms, hidden, known, table
from advisor.question import Question
from advisor.reports import FORMATS, render
from tests.conftest import LAB, MONTH, ROOT

KEY = bytes(range(32))
BY = Pseudonyms(KEY, ["mx1", "alice.login"])
PUBLIC = {"unknown", "localhost", "mail", "root", "info", "postmaster", "support", "news"}


@given(st.ip_addresses(v=4), st.ip_addresses(v=4), st.integers(1, 32))
def test_networks_stay_networks(one: object, other: object, length: int) -> None:
    made = [ip_address(BY.address(str(each))) for each in (one, other)]
    if str(one).startswith("127.") or str(other).startswith("127."):
        return
    together = ip_address(str(other)) in ip_network(f"{one}/{length}", strict=False)
    assert (made[1] in ip_network(f"{made[0]}/{length}", strict=False)) is together


@given(st.ip_addresses(v=6), st.integers(1, 128))
def test_a_network_is_that_of_its_addresses(address: object, length: int) -> None:
    network = ip_network(f"{address}/{length}", strict=False)
    if str(address) == "::1" or str(network.network_address) == "::1":
        return
    assert ip_address(BY.address(str(address))) in ip_network(BY.network(str(network)))


def test_the_same_is_the_same_and_another_key_is_another() -> None:
    assert BY.name("Mail.Good.Example") == BY.name("mail.good.example")
    assert BY.mailbox("anna@good.example").endswith(f"@{BY.name('good.example')}")
    assert BY.name("mail.good.example").endswith(BY.name("good.example"))
    assert BY.name("good.example") != Pseudonyms(b"x" * 32).name("good.example")


@pytest.mark.parametrize("kept", ["", "unknown", "localhost", "127.0.0.1", "::1"])
def test_what_tells_of_nobody_stays(kept: str) -> None:
    assert BY.text(kept) == kept


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("Client host [203.0.113.7] blocked using zen.spamhaus.org; https://x.example/q/203.0.113.7", "203.0.113.7"),
        ("connect from mail.good.example[2001:db8::7]:25", "2001:db8::7"),
        ("7.113.0.203.zen.spamhaus.org", "113"),
        ('to=<"a b"@secret.example>', "a b"),
        ("HELO mx1; alice.login was here", "mx1"),
        ("HELO mx1; alice.login was here", "alice"),
        ("host mx.secret.example[203.0.113.9] said: 550 no", "secret"),
        ("fe80::1%eth0.12 is local", "eth0"),
        ("[IPv6:2001:db8::7]", "db8::7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
    ],
)
def test_text_is_searched(text: str, gone: str) -> None:
    found = BY.text(text)
    assert gone not in found
    if "zen.spamhaus.org" in text:
        assert "zen.spamhaus.org" in found


@pytest.mark.parametrize(
    "ours", ["in main.cf, e.g. smtpd_helo_restrictions", "450 4.7.1 at 12:00:09, 99.9 %", "Postfix 3.7.11"]
)
def test_words_of_ours_stay(ours: str) -> None:
    assert BY.text(ours) == ours


def identities(question: Question) -> set[str]:
    """What in a log is somebody's: addresses, names, mailboxes, logins and their parts."""
    events, found = question.history.events, set[str]()
    for column in ("client_address", "client_name", "reverse_client_name", "helo_name", "domain", "sasl_username"):
        found |= {value.lower() for value in pc.unique(events[column]).to_pylist() if value}
    for column in ("sender", "recipient", "orig_recipient"):
        for value in pc.unique(events[column]).to_pylist():
            local, _, domain = (value or "").lower().rpartition("@")
            found |= {domain, f"{local}@{domain}"} if local else set()
    private = {value for value in found if not value.startswith("127.") and value not in ("::1", "unknown[unknown]")}
    return {value for value in private - PUBLIC if len(value) > 4 and not value.isalpha()}


@pytest.fixture(scope="module", params=[MONTH, LAB], ids=["month", "lab"])
def question(request: pytest.FixtureRequest) -> Question:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    return Question([request.param], config=ROOT / "sample_logs" / "main.cf", zone=UTC, now=now, year=2026)


def left(text: str, of: set[str]) -> list[str]:
    """Those that still stand in a text as words of their own."""
    words = set(re.findall(r"[^\s<>()\[\]{},;\"'=/|\\\\]+", text.lower()))
    words |= {part for word in words for part in word.rpartition("@")[::2]} | {word.rstrip(".:") for word in words}
    return sorted(of & words)


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_is_left_in_a_report(question: Question, form: str) -> None:
    by = Pseudonyms(KEY, known(question.history.events))
    shown = render(hidden(question.advise(), by), form, now=question.now)
    if isinstance(shown, bytes):
        mail = message_from_bytes(shown, policy=default)
        bodies = [mail.get_body((kind,)) for kind in ("plain", "html")]
        shown = str(mail["Subject"]) + "".join(body.get_content() for body in bodies if body is not None)
    mine = identities(question)
    assert len(mine) > 100
    assert left(shown, mine) == []
    # It would be noticed.
    plain = render(question.advise(), form, now=question.now)
    assert form in ("mail", "prometheus") or left(plain if isinstance(plain, str) else "", mine)


@pytest.mark.parametrize("what", ["events", "attempts"])
def test_nothing_is_left_in_a_table(question: Question, what: str) -> None:
    by = Pseudonyms(KEY, known(question.history.events))
    made = table(getattr(question, what), by)
    # `single.` is a kind of HELO, and somebody's HELO.
    columns = [name for name in made.column_names if name != "helo_syntax"]
    text = "\n".join(str(value) for name in columns for value in pc.unique(made[name]).to_pylist())
    assert left(text, identities(question)) == []


def test_joins_still_join(question: Question) -> None:
    made = table(question.attempts, Pseudonyms(KEY))
    for column in ("client_address", "sender", "recipient", "queue_id"):
        before, after = pc.count_distinct(question.attempts[column]), pc.count_distinct(made[column])
        assert after.as_py() <= before.as_py() <= after.as_py() * 1.05 + 2


def test_every_text_column_is_thought_of() -> None:
    from advisor.attempt import SCHEMA as ATTEMPTS
    from advisor.event import SCHEMA as EVENTS

    harmless = {"source", "syslog_name", "program", "kind", "stage", "action", "proto", "reply", "dsn", "restriction"}
    harmless |= {"list", "status", "commands", "session", "message", "origin", "client_status", "helo_syntax", "warned"}
    harmless |= {
        "helo_basis",
        "sender_basis",
        "sender_kind",
        "filter_result",
        "spf",
        "dkim",
        "dmarc",
        "greylist_answer",
    }
    kinds = (
        pseudonym.ADDRESSES,
        pseudonym.NETWORKS,
        pseudonym.NAMES,
        pseudonym.MAILBOXES,
        pseudonym.CODES,
        pseudonym.TEXTS,
    )
    columns = {field.name for schema in (EVENTS, ATTEMPTS) for field in schema if str(field.type) == "string"}
    assert columns <= harmless | set().union(*kinds)
