"""A trace: the whole story of one client, address or message, and nothing of another's."""

import json
from datetime import UTC

import pytest

from advisor.attempt import attempts
from advisor.errors import AdvisorError
from advisor.evidence import weigh
from advisor.response import Responses
from advisor.restriction import ask
from advisor.restrictions import CATALOGUE, TIPS
from advisor.story import SHOWN, Trace, kind_of, terminal, trace
from tests.conftest import lab_log
from tests.test_attempt import INSIDE, parse

ASKED = tuple(ask(CATALOGUE[name], {}) for name in TIPS)


def story(log: bytes, key: str) -> Trace:
    events = parse(log)
    return trace(key, events, weigh(attempts(events, networks=INSIDE), events), ASKED, Responses())


def words(found: Trace) -> str:
    return terminal(found, UTC, everything=True)


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("203.0.113.10", "address"),
        ("2001:db8::1", "address"),
        ("203.0.113.0/24", "network"),
        ("mail.good.example", "name"),
        ("a@b.example", "mail"),
        ("<>", "mail"),
        ("765C2B0", "queue id"),
        ("3kXn5Y0zqHz2mQz1", "queue id"),
    ],
)
def test_a_key_is_known_by_its_form(key: str, kind: str) -> None:
    assert kind_of(key) == kind


def test_what_no_line_names_is_refused() -> None:
    with pytest.raises(AdvisorError, match=r"\\x1b"):
        kind_of("\x1b[31m what")


@pytest.mark.parametrize("key", ["765C2B0", "017C6C9"])
def test_a_message_comes_with_its_session_and_what_the_filter_handed_back(key: str) -> None:
    found = story(lab_log("amavis"), key)
    (chapter,) = found.chapters
    ids = {line.queue_id for line in chapter.lines}
    assert ids == {None, "765C2B0", "017C6C9"}
    assert "connect from mail.good.example[203.0.113.10]" in chapter.lines[0].said
    assert [(line.source, line.offset) for line in chapter.lines] == sorted(
        (line.source, line.offset) for line in chapter.lines
    )
    (fate,) = chapter.attempts
    assert (fate.action, fate.status, fate.evidence) == ("accept", "sent", "the content filter passed it")
    said = {one.restriction: (one.answer, one.basis) for one in fate.answers}
    assert said["reject_unknown_client_hostname"] == ("dunno", "derived")
    assert said["reject_non_fqdn_helo_hostname"] == (None, None)


def test_every_line_and_attempt_of_a_client_and_of_no_other() -> None:
    log = lab_log("baseline")
    found = story(log, "203.0.113.10")
    events = parse(log)
    made = attempts(events, networks=INSIDE)
    own = [row for row in made.to_pylist() if row["client_address"] == "203.0.113.10"]
    assert sum(len(chapter.attempts) for chapter in found.chapters) == len(own) > 0
    assert {fate.client for chapter in found.chapters for fate in chapter.attempts} == {
        f"{row['client_name']}[{row['client_address']}]" for row in own
    }
    places = {line.offset for chapter in found.chapters for line in chapter.lines}
    named = {row["offset"] for row in events.to_pylist() if row["client_address"] == "203.0.113.10"}
    assert named <= places


def test_a_long_story_is_cut_and_says_so() -> None:
    found = story(lab_log("baseline"), "203.0.113.0/24")
    assert "--all shows them" in terminal(found, UTC)
    assert len(terminal(found, UTC).splitlines()) < SHOWN + 10 < len(words(found).splitlines())
    assert max(map(len, words(found).splitlines())) <= 80


def test_nothing_found_names_what_is_near() -> None:
    found = story(lab_log("baseline"), "mail.godd.example")
    assert not found.chapters
    assert "mail.good.example" in words(found)


def test_hostile_text_is_made_visible() -> None:
    log = (
        b"Nov 22 11:00:00 mx1 postfix/smtpd[1]: connect from a.example[203.0.113.9]\n"
        b"Nov 22 11:00:01 mx1 postfix/smtpd[1]: NOQUEUE: reject: RCPT from a.example[203.0.113.9]: 504 5.5.2 "
        b"<\x1b[31mx>: Helo command rejected: need fully-qualified hostname; from=<a@b.example> to=<c@d.example> "
        b"proto=ESMTP helo=<\x1b[31mx>\n"
        b"Nov 22 11:00:02 mx1 postfix/smtpd[1]: disconnect from a.example[203.0.113.9]\n"
    )
    found = story(log, "203.0.113.9")
    assert "\x1b" not in words(found)
    assert "reject_non_fqdn_helo_hostname: reject (logged)" in words(found)
    assert json.loads(json.dumps(found.as_dict()))["chapters"][0]["attempts"][0]["reply"] == "504"
