"""Every adversarial case ends harmless: what strangers choose, all the way from log lines to what we write.

Who is hostile here has the evidence of a wanted correspondent otherwise: our users write to him, he answers, SPF passes
or his network is the one that takes his mail. So nothing but the rules about text keep him out.
"""

import csv
import email
import io
import json
import re
import subprocess
import unicodedata
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from email.policy import SMTP
from html.parser import HTMLParser
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from typer.testing import CliRunner

from advisor import pseudonym, story, table
from advisor.allowlists import MAPS
from advisor.clearance import Allowlist, clear
from advisor.cli import app
from advisor.existing import opened
from advisor.outcome import outcome, terminal
from advisor.question import Question
from advisor.recommendation import Advice, Terms
from advisor.reports import FORMATS, render
from advisor.review import holds
from advisor.shape import listing
from tests.conftest import ROOT, TODAY, real, write
from tests.reports.browser import look
from tests.reports.reading import part
from tests.test_evidence import Log
from tests.test_greylist import START, Event, postgrey

NOW = datetime(2026, 11, 23, tzinfo=UTC)
MAIN_CF = "mynetworks = 192.0.2.0/24\nmydestination = ourdom.test\nmyhostname = mx1.ourdom.test\n"
TEXTS = (
    # what ends an entry or a comment, as Postfix, syslog daemons and others spell a line break
    "x\\n0.0.0.0/0 OK", "x#012.example OK", "x\\r\\n* OK", "x\x0b0.0.0.0/0\x0bOK", "x\x0c::/0 OK", "x\x1c.example OK",
    "x\x85.example OK", "x\u2028.example OK", "x\u2029.example OK", "x\r.example OK",
    # what says more than itself as a key
    "OK", "unknown", "UNKNOWN", "Unknown.", "mail.evil.example OK", "mail.evil.example\tOK", "#", "# OK", "*",
    "mail.evil.example#", " mail.evil.example", "permit", "0.0.0.0/0", "::/0", "203.0.113.0/24", "203.0.113", "203",
    "example", "evil.example", "evil.co.uk", "evil.gouv.fr", "co.uk", "com", ".evil.example", "localhost",
    "localhost.localdomain", "ourdom.test", "mx1.ourdom.test", "a.mx1.ourdom.test", "mail.evil.example.",
    "-o.evil.example", "xn--80ak6aa92e.com", "m\u0430il.partner.example", "192.0.2.5", "[192.0.2.5]", "127.0.0.1",
    "x.arpa",
    # what is a pattern, a table, a setting
    "/./", "/^/ OK", "!/x/", "if /x/", "endif", "(a+)+$", "[", "[[:alnum:]]*", ".*", "\\", "$mynetworks", "${x?y}",
    "$(id)", "`id`", "hash:/etc/passwd", "pcre:{{/./ OK}}", "Whitelist = ::/0", "203.0.113.9,0.0.0.0/0", "@",
    "@evil.example", "a@b@ourdom.test",
    # what is more than text in a terminal, a page, a spreadsheet, a shell, a mail
    "\x1b[2J\x1b]0;owned\x07", "\x9b31m", "\x08\x08\x08", "\u202etxt.exe", "\u2066x", "\ufeffx", "\u200bx", "\x7f",
    "<script>alert(1)</script>", "</script><img src=x onerror=alert(1)>", '"onload="alert(1)',
    "'><svg/onload=alert(1)>", "<!--", "]]>", "{{7*7}}", "{%x%}", "%s%n%0d%0aBcc:eve@evil.example", "&lt;b&gt;",
    "javascript:alert(1)", "=cmd|'/C calc'!A0", "+1+1", "-1+1", "@SUM(1)", "=HYPERLINK(1)", "\t=1+1", " =1+1", "x;=1+1",
    "--help", "-rf", "; rm -rf /", "|id", "'; id; '", "\rBcc: eve@evil.example", "=?utf-8?q?x?=", "[bold]x[/bold]",
    "\udcff", "\xe9", "", "a" * 2000, "a." * 600 + "example",
)  # fmt: skip
"""What an attacker writes wherever he may choose."""
BOTS = 1800
PLACES = ("client_name", "reverse_client_name", "helo_name", "sender", "recipient", "sasl_username")
RESTRICTIONS = "reject_unknown_client_hostname, reject_non_fqdn_helo_hostname"
WANTED = ("mail.wanted.friend.example", "info@friend.example")
"""A correspondent's server and address: where nothing is odd, a map does get an entry."""


class Post(Log):
    """A log of Postfix with policyd-spf, which shows HELO names (smtpd_log_access_permit_actions)."""

    def days(self, count: int) -> "Post":
        """Let some days pass."""
        super().days(count)
        return self

    def ours(self, recipient: str, relay: str, login: str = "alice") -> "Post":
        """One of our users writes to somebody, whose server takes it."""
        self.number += 1
        queue_id, client = f"{self.number:08X}", "desk.ourdom.test[192.0.2.5]"
        self.line("postfix/smtpd[101]", f"connect from {client}")
        self.line("postfix/smtpd[101]", f"{queue_id}: client={client}, sasl_method=PLAIN, sasl_username={login}")
        self.line("postfix/qmgr[301]", f"{queue_id}: from=<alice@ourdom.test>, size=4, nrcpt=1 (queue active)")
        rest = f"relay=mx.r.example[{relay}]:25, delay=0, delays=0/0/0/0, dsn=2.0.0, status=sent (250 OK)"
        self.line("postfix/smtp[401]", f"{queue_id}: to=<{recipient}>, {rest}")
        self.line("postfix/qmgr[301]", f"{queue_id}: removed")
        self.line("postfix/smtpd[101]", f"disconnect from {client}")
        return self

    def visit(
        self,
        address: str,
        sender: str,
        client_name: str = "unknown",
        helo_name: str = "pc",
        recipient: str = "bob@ourdom.test",
        spf: str = "Pass",
        reverse_client_name: str = "",
    ) -> "Post":
        """A message from outside that is accepted and delivered."""
        self.number += 1
        queue_id, client = f"{self.number:08X}", f"{client_name}[{address}]"
        smtpd = "postfix/smtpd[101]"
        if reverse_client_name:
            self.line(smtpd, f"warning: hostname {reverse_client_name} does not resolve to address {address}")
        self.line(smtpd, f"connect from {client}")
        if spf:
            who = f"client-ip={address}; helo={helo_name}; envelope-from={sender}; receiver=ourdom.test"
            self.line("policyd-spf[601]", f": prepend Received-SPF: {spf} (mailfrom) identity=mailfrom; {who}")
        tail = f"from=<{sender}> to=<{recipient}> proto=ESMTP helo=<{helo_name}>"
        permit = f"NOQUEUE: permit: RCPT from {client}: action=permit for Recipient address={recipient}"
        self.line(smtpd, f"{permit} ; {tail}")
        self.line(smtpd, f"{queue_id}: client={client}")
        self.line("postfix/cleanup[201]", f"{queue_id}: message-id=<{queue_id}@x.example>")
        self.line("postfix/qmgr[301]", f"{queue_id}: from=<{sender}>, size=4, nrcpt=1 (queue active)")
        rest = "relay=virtual, delay=0, delays=0/0/0/0, dsn=2.0.0, status=sent (delivered to maildir)"
        self.line("postfix/virtual[401]", f"{queue_id}: to=<{recipient}>, {rest}")
        self.line("postfix/qmgr[301]", f"{queue_id}: removed")
        self.line(smtpd, f"disconnect from {client}")
        return self

    def bot(self, address: str) -> "Post":
        """A message of a machine that spoke before its turn: there must be something to stop, to have advice."""
        self.number += 1
        queue_id, client = f"{self.number:08X}", f"unknown[{address}]"
        self.line("postfix/postscreen[550]", f"PREGREET 14 after 0 from [{address}]:4711: EHLO pc\\r\\n")
        self.line("postfix/smtpd[101]", f"connect from {client}")
        self.line("postfix/smtpd[101]", f"{queue_id}: client={client}")
        self.line("postfix/qmgr[301]", f"{queue_id}: from=<x@spam.example>, size=4, nrcpt=1 (queue active)")
        self.line("postfix/smtpd[101]", f"disconnect from {client}")
        return self

    def question(self, folder: Path) -> Question:
        """What the commands are asked about: this log, and the configuration of ourdom.test."""
        (folder / "main.cf").write_text(MAIN_CF)
        text = str(self).encode("utf-8", "surrogateescape")
        return Question(
            [write(folder / "maillog", text, TODAY)], config=folder, terms=Terms(0.999, 0.5, 10), now=NOW, zone=UTC
        )


def addresses(place: str, text: str) -> list[str]:
    """The clients of an attacker, each in a network of its own; three where a key needs as many."""
    ways = 3 if place in ("helo_name", "sender", "recipient") else 1
    return [f"10.{3 * PLACES.index(place) + way + 1}.{TEXTS.index(text)}.7" for way in range(ways)]


def attack() -> Post:
    """Each text in each place, from three networks, with all that speaks for a correspondent."""
    log = Post()
    for way in range(3):
        log.ours(WANTED[1], f"198.51.{way}.25")
    visits = []
    for place in PLACES:
        for number, text in enumerate(TEXTS):
            for way, address in enumerate(addresses(place, text)):
                sender = f"answer{way}@{place.replace('_', '-')}{number}.foe.example"
                if place == "sender":
                    sender = text if text[1:] and text[0] == "@" else f"{text}@{number}.foe.example"
                login = text if place == "sasl_username" else f"{place}{number}"
                log.ours(sender, f"{address.removesuffix('7')}25", login)
                values = {place: f"{text}@ourdom.test" if place == "recipient" else text}
                visits.append((address, sender, values if place not in ("sender", "sasl_username") else {}))
    log.days(8)
    for address, sender, values in visits:
        # Where SPF fails, the network that takes their mail still speaks for them: policyd-spf would refuse it.
        log.visit(address, sender, **values, spf="Pass" if values else "Fail")
    for way in range(3):
        log.visit(f"198.51.{way}.7", WANTED[1], f"mail{way}.wanted.friend.example", recipient="sales@ourdom.test")
        log.visit(f"198.51.{way}.8", WANTED[1], helo_name=WANTED[0], recipient="sales@ourdom.test")
    for number in range(BOTS):
        log.bot(f"172.16.{number // 250}.{number % 250 + 1}")
    return log


@pytest.fixture(scope="module")
def question(tmp_path_factory: pytest.TempPathFactory) -> Question:
    return attack().question(tmp_path_factory.mktemp("attack"))


@pytest.fixture(scope="module")
def advice(question: Question) -> Advice:
    return question.advise()


@pytest.fixture(scope="module")
def maps(question: Question) -> dict[str, Allowlist]:
    return {kind: clear(question, kind, None if MAPS[kind].exempts else RESTRICTIONS) for kind in MAPS}


# --- maps ----------------------------------------------------------------------------------------------------------


def test_the_attackers_have_what_a_correspondent_has(maps: dict[str, Allowlist]) -> None:
    """Else the tests below would show nothing."""
    found = {entry.key for entry in maps["client_access"].entries}
    refused = {place: [text for text in TEXTS if not found & {*addresses(place, text)}] for place in PLACES}
    # A name with a blank or a bracket is no name that a line of smtpd could show: such a line is not understood.
    assert all(re.search(r"[\s\[\]]", text) for text in refused.pop("client_name"))
    # Nor is a login with a comma, which nobody but the server's owner could make.
    assert refused.pop("sasl_username") == ["203.0.113.9,0.0.0.0/0"]
    assert not any(refused.values())


@pytest.mark.parametrize("kind", MAPS)
def test_no_map_holds_what_an_attacker_wrote(maps: dict[str, Allowlist], kind: str) -> None:
    found = maps[kind]
    keys = {entry.key for entry in found.entries}
    own = {address for place in PLACES for text in TEXTS for address in addresses(place, text)}
    own |= {f"198.51.{way}.{last}" for way in range(3) for last in (7, 8)}
    if kind in ("client_access", "client_cidr", "postgrey"):
        names = {f"mail{way}.wanted.friend.example" for way in range(3)} if kind != "client_cidr" else set()
        assert names <= keys
        assert keys <= own | names
    elif kind == "helo_access":
        assert keys == {WANTED[0]}
    elif kind == "sender_access":
        assert WANTED[1] in keys
        assert all(re.fullmatch(r"[a-z0-9_][a-z0-9_.=+-]*@\d+\.foe\.example", key) for key in keys - {WANTED[1]})
    elif kind == "postgrey_recipients":
        assert "sales@ourdom.test" in keys
        assert all(re.fullmatch(r"[a-z0-9_][a-z0-9_.=+-]*@ourdom\.test", key) for key in keys)
    elif kind == "policyd-spf":
        assert set(addresses("sender", TEXTS[0])) <= keys <= own
    else:
        assert not keys


def strangers() -> list[tuple[str, str]]:
    """Clients that no entry may let in: neighbours of wanted ones, and whoever could call himself as a text does."""
    near = [f"198.51.{way}.{last}" for way in range(3) for last in (6, 9, 25, 70)]
    near += [f"10.{way}.{number}.{last}" for way in (1, 9, 18) for number in range(0, 90, 9) for last in (6, 8, 70)]
    far = ["0.0.0.0", "127.0.0.2", "192.0.2.66", "203.0.113.9", "255.255.255.255", "2001:db8::1", "::ffff:10.1.1.7"]
    names = [text for text in TEXTS if text.isascii() and len(text) < 255 and text != "127.0.0.1"]
    names += ["wanted.friend.example", "friend.example", "mail.friend.example", "mail9.wanted.friend.example"]
    names += ["xmail0.wanted.friend.example", "mail0.wanted.friend.example.evil.example"]
    return [*((address, "unknown") for address in near + far), *(("203.0.113.9", name) for name in names)]


@pytest.mark.parametrize("kind", ["client_access", "client_cidr", "postgrey", "policyd-spf", "opendmarc"])
def test_no_map_lets_a_stranger_in(maps: dict[str, Allowlist], kind: str) -> None:
    there = opened("map", "\n".join(maps[kind].lines) + "\n", MAPS[kind].existing)

    assert there.remarks == ()
    for address, name in strangers():
        assert not holds(there, {"client_address": address, "client_name": name}), (address, name)
    if kind in ("client_access", "client_cidr", "postgrey"):
        assert holds(there, {"client_address": "198.51.0.8", "client_name": "unknown"})


@pytest.mark.integration
@pytest.mark.parametrize("table_type", ["hash", "lmdb", "cdb", "texthash", "cidr"])
def test_postfix_finds_the_wanted_ones_alone(maps: dict[str, Allowlist], tmp_path: Path, table_type: str) -> None:
    found = maps["client_cidr" if table_type == "cidr" else "client_access"]
    path = f"{table_type}:{tmp_path / 'map'}"
    (tmp_path / "map").write_text("\n".join(found.lines) + "\n")
    (tmp_path / "main.cf").touch()

    def postmap(*arguments: str, keys: list[str]) -> set[str]:
        command = [real("postmap"), "-c", str(tmp_path), *arguments, path]
        text = "\n".join(keys).encode("utf-8", "surrogateescape")
        done = subprocess.run(command, input=text, capture_output=True, check=False, timeout=60)
        assert not done.stderr, done.stderr
        return {line.partition("\t")[0] for line in done.stdout.decode().splitlines()}

    if table_type not in ("texthash", "cidr"):
        postmap(keys=[])
    keys = [entry.key for entry in found.entries]
    assert postmap("-q", "-", keys=keys) == set(keys)
    asked = [key for address, name in strangers() for key in _asked(address, name)]
    assert postmap("-q", "-", keys=asked) == set()


@pytest.mark.integration
def test_postgrey_lets_the_wanted_ones_alone_pass(maps: dict[str, Allowlist], tmp_path: Path) -> None:
    (tmp_path / "clients").write_text("\n".join(maps["postgrey"].lines) + "\n")
    (tmp_path / "recipients").write_text("\n".join(maps["postgrey_recipients"].lines) + "\n")
    wanted = [("198.51.0.8", "unknown"), ("203.0.113.9", "mail0.wanted.friend.example"), ("10.4.0.7", "unknown")]
    # postgrey reads lines, and Postfix hands it no name with a blank, which valid_hostname() refuses.
    others = [(address, name) for address, name in strangers() if not re.search(r"[\s\x00-\x1f]", name)]
    events = [Event(START, *who, "a@b.example", f"x{n}@else.test") for n, who in enumerate([*wanted, *others])]
    events += [
        Event(START, "192.0.2.66", "unknown", "a@b.example", f"{who}@ourdom.test") for who in ("sales", "al", "")
    ]

    with postgrey([f"--whitelist-clients={tmp_path}/clients", f"--whitelist-recipients={tmp_path}/recipients"]) as one:
        one.ask(events)
        reasons = [reason for _, reason, _ in one.answers()]
        log = one.log.read_text()

    assert reasons[:3] == ["client whitelist"] * 3
    assert set(reasons[3:-3]) == {"new"}
    assert reasons[-3:] == ["recipient whitelist", "new", "new"]
    assert "doesn't look like" not in log


def _asked(address: str, name: str) -> Iterator[str]:
    """What smtpd looks up for a client (access(5)): the name and all above it, the address and all before it."""
    labels = name.split(".")
    yield from filter(None, (".".join(labels[place:]) for place in range(len(labels))))
    parts = re.split(r"(?<=[.:])", address)
    yield from ("".join(parts[: place + 1]).rstrip(".:") or address for place in range(len(parts)))


@pytest.mark.parametrize("kind", MAPS)
def test_whatever_is_no_entry_is_a_comment_on_one_line(maps: dict[str, Allowlist], kind: str) -> None:
    found = maps[kind]
    written = "\n".join(found.lines)

    assert set(written) <= {chr(code) for code in range(32, 127)} | {"\n"}
    body = [line for line in written.split("\n") if not line.startswith("#")]
    values = {"OK", "permit"} if kind not in ("postgrey", "postgrey_recipients", "opendmarc", "policyd-spf") else {""}
    if kind == "policyd-spf":
        assert len(body) == 1
        body = body[0].removeprefix("Whitelist = ").split(",")
    keys = [line.partition(" ")[0] for line in body if kind != "opendmarc" or line != "127.0.0.1"]
    assert keys == [entry.key for entry in found.entries]
    assert {line.partition(" ")[2] for line in body} <= values
    json.loads(found.json())


# --- reports -------------------------------------------------------------------------------------------------------


def harmless(text: str) -> bool:
    """Whether a terminal shows a text as it is: no controls, no marks of direction, no line ends but ours."""
    return not {letter for letter in text if letter != "\n" and unicodedata.category(letter)[0] in "CZ"} - {" "}


def test_what_is_typed_is_ours(advice: Advice) -> None:
    """Comments, entries of plain addresses, and commands that would be the same for any log."""
    lines = [line for found in advice.recommendations for line in (*found.lines_to_type, *found.undo, *found.try_first)]
    lines += advice.allowlist
    entries = [line for line in lines if re.fullmatch(r"(?:10|198\.51)(?:\.\d+)+ OK", line)]
    assert len(set(entries)) > 100
    others = {line for line in lines if not line.startswith("#")} - set(entries)
    words = r"post(?:conf -e|conf -X|map) .*|postfix check && postfix reload|postfix reload|smtpd_\w+ =.*| {4}\w.*"
    assert all(re.fullmatch(words, line) for line in others), others
    assert not any(foe in line for line in others for foe in ("foe", "evil", "alert", "10."))
    assert all(harmless(line) for line in lines)


@pytest.mark.parametrize("form", FORMATS)
def test_a_report_in_each_format(advice: Advice, form: str) -> None:
    """Read by what reads it: nothing of a stranger is more than text there."""
    shown = render(advice, form, now=NOW)
    CHECKS[form](shown)


def _terminal(shown: str | bytes) -> None:
    assert isinstance(shown, str)
    assert shown.isascii()
    assert harmless(shown)


class _Elements(HTMLParser):
    """The elements of a page, and the names of their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)


def _page(shown: str | bytes) -> None:
    assert isinstance(shown, str)
    _elements(shown)
    assert harmless(shown.replace("\u00a0", " ").replace("\u202f", " ").replace("\u2009", " "))


def _elements(page: str) -> None:
    """No element and no attribute but our own."""
    found = _Elements(page)
    assert found.tags["script"] <= 3
    assert not found.tags.keys() & {"iframe", "object", "embed", "base", "form", "x", "bold"}
    assert not [name for name, _ in found.attributes if name.startswith("on")]
    links = {value for name, value in found.attributes if name in ("href", "src", "srcset", "action", "formaction")}
    assert all(value.startswith(("#", "data:,", "data:image/svg+xml;base64,", "cid:")) for value in links), links


def _json(shown: str | bytes) -> None:
    assert isinstance(shown, str)
    assert shown.isascii()
    json.loads(shown)


def _mail(shown: str | bytes) -> None:
    assert isinstance(shown, bytes)
    found = email.message_from_bytes(shown, policy=SMTP.clone(raise_on_defect=True))
    assert {name.lower() for name in found} == {
        "from", "to", "subject", "date", "message-id", "auto-submitted", "list-id", "mime-version", "content-type",
    }  # fmt: skip
    for inner in found.walk():
        assert not any(foe in str(value) for value in inner.values() for foe in ("foe", "evil", "alert"))
    assert harmless(part(shown, "plain"))
    _elements(part(shown, "html"))


def _metrics(shown: str | bytes) -> None:
    assert isinstance(shown, str)
    families = list(text_string_to_metric_families(shown))
    assert len({family.name for family in families}) == len(families)
    assert all(family.name.startswith("maillog_advisor_") for family in families)


CHECKS = {"terminal": _terminal, "html": _page, "json": _json, "mail": _mail, "prometheus": _metrics}


@pytest.mark.integration
def test_chromium_runs_nothing_of_theirs(advice: Advice, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(str(render(advice, "html", now=NOW)))

    seen = look(page, tmp_path / "profile", expression="document.querySelectorAll('[onload],[onerror]').length")

    assert (seen.console, seen.dialogs, seen.value) == ([], [], 0)
    assert all(request.startswith(("file:", "data:")) for request in seen.requests)


# --- the other commands --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["client_name", "recipient"])
def test_the_story_of_an_attacker(question: Question, place: str) -> None:
    network = addresses(place, TEXTS[0])[0].rsplit(".", 2)[0]
    told = question.trace(f"{network}.0.0/16")

    assert len(told.chapters) > 80
    assert harmless(story.terminal(told, UTC, everything=True))
    json.loads(json.dumps(told.as_dict()))


def test_what_a_simulation_and_a_shape_print(question: Question) -> None:
    found = outcome(question.simulate(RESTRICTIONS))

    assert harmless(terminal(found))
    json.loads(json.dumps(found))
    assert question.history.coverage.unrecognised
    assert harmless(listing(question.events))


@pytest.mark.parametrize("what", ["events", "attempts"])
def test_a_spreadsheet_finds_no_formula(question: Question, tmp_path: Path, what: str) -> None:
    rows = getattr(question, what)
    table.write(rows, tmp_path / "x.csv")
    read = list(csv.reader(io.StringIO((tmp_path / "x.csv").read_text(encoding="utf-8"), newline="")))

    assert len(read) == rows.num_rows + 1
    assert {len(row) for row in read} == {rows.num_columns}
    cells = {cell for row in read for cell in row}
    assert any("cmd|" in cell for cell in cells)
    numbers = {cell for cell in cells if re.fullmatch(r"-?\d+(?:\.\d+)?", cell)}
    # Where the comma is for decimals, the same file is parted at ';', and quotes do not hold.
    cells |= {cell for line in (tmp_path / "x.csv").read_text(encoding="utf-8").split("\n") for cell in line.split(";")}
    assert not [cell for cell in cells - numbers if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_a_table_on_a_terminal(question: Question, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(shown, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdout", shown)
    table.write(question.attempts, None)

    assert harmless(shown.getvalue().replace("\r\n", "\n"))


@pytest.fixture(scope="module")
def hidden(question: Question, advice: Advice) -> Advice:
    events = question.history.events
    by = pseudonym.Pseudonyms(bytes(32), pseudonym.known(events), pseudonym.codes(events))
    return pseudonym.hidden(advice, by)


@pytest.mark.parametrize("form", ["terminal", "html", "json"])
def test_a_pseudonymised_report_names_nobody(hidden: Advice, maps: dict[str, Allowlist], form: str) -> None:
    shown = render(hidden, form, now=NOW)
    CHECKS[form](shown)
    text = str(shown)
    assert not re.search(r"(?:foe|friend|evil)\.example|ourdom\.test", text)
    assert not {*re.findall(r"\d+\.\d+\.\d+\.\d+", text)} & {found.key for found in maps["client_cidr"].entries}


def alone(folder: Path, text: str) -> list[str]:
    """A log with one attacker, who writes the same text everywhere, so that every report names him; and its options."""
    sender = text if text[1:] and text[0] == "@" else f"{text}@a.foe.example"
    log = Post().ours(sender, "10.1.1.25", text)
    for _ in range(3):
        log.days(4)
        log.visit("10.1.1.7", sender, "unknown", text, f"{text}@ourdom.test", reverse_client_name=text)
        log.visit("10.1.1.8", sender, text, text, f"{text}@ourdom.test")
    for number in range(5):
        log.bot(f"172.16.1.{number + 1}")
    said = f"504 5.5.2 <{text}>: Helo command rejected: need fully-qualified hostname"
    tail = f"from=<{sender}> to=<bob@ourdom.test> proto=ESMTP helo=<{text}>"
    log.line("postfix/smtpd[101]", f"NOQUEUE: reject: RCPT from unknown[10.1.1.9]: {said}; {tail}")
    log.line("postfix/smtpd[101]", f"{text} is nothing that smtpd would say")
    log.question(folder)
    return [str(folder / "maillog"), "--year", "2026", "--timezone", "UTC"]


def printed(*arguments: str) -> bytes:
    done = CliRunner().invoke(app, arguments)
    assert (done.exit_code, done.exception) == (0, None), arguments
    return done.stdout_bytes


def read(folder: Path, text: str) -> str:
    """What the commands for people print on a terminal."""
    log = alone(folder, text)
    config = [*log, "--config", str(folder)]
    commands = [("report", *config), ("advise", *config), ("allowlist", *config), ("trace", "10.1.1.7", *config)]
    commands += [("simulate", RESTRICTIONS, *config), ("events", "--unrecognised", *log)]
    return "".join(printed(*command).decode() for command in commands)


@pytest.mark.parametrize(("text", "shown"), [
    ("\x1b[2J\x1b]0;owned\x07", r"\x1b[2J\x1b]0;owned\x07"),
    ("\u202etxt.exe", r"\u202etxt.exe"),
])  # fmt: skip
def test_what_a_terminal_would_obey_is_spelled_out(tmp_path: Path, text: str, shown: str) -> None:
    told = read(tmp_path, text)

    assert shown in told
    assert harmless(told)


@pytest.mark.long
@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_each_text_alone(tmp_path: Path, text: str) -> None:
    assert harmless(read(tmp_path, text))
    for form in FORMATS:
        found = printed("report", *alone(tmp_path, text), "--config", str(tmp_path), "--format", form)
        CHECKS[form](found if form == "mail" else found.decode())


# --- who imitates a correspondent ----------------------------------------------------------------------------------

PARTNER, NAME, SERVER, BOT = "info@partner.example", "mail.partner.example", "203.0.113.10", "198.51.100.66"


def friends() -> Post:
    """Our users write to a partner, whose server takes it and answers."""
    return Post().ours(PARTNER, "203.0.113.25").days(1).visit(SERVER, PARTNER)


def daily(log: Post, days: int, address: str, sender: str, said: str = "", **values: str) -> Post:
    """A message on each of so many days; `said` is what amavis makes of each."""
    for _ in range(days):
        log.days(1).visit(address, sender, **values)
        if said:
            who = f"[{address}]:1 <{sender}> -> <bob@ourdom.test>, Queue-ID: {log.number:08X}, mail_id: x"
            log.line("amavis[501]", f"(1-1) {said.format(who)}, size: 9, 1 ms")
    return log


def helper(log: Post, tag: str, text: str) -> Post:
    """What another program says of the last message."""
    log.line(tag, f"{log.number:08X}: {text}")
    return log


def keys(folder: Path, log: Post, kind: str = "client_access") -> list[str]:
    return [entry.key for entry in clear(log.question(folder), kind, RESTRICTIONS).entries]


CLEAN = "Passed CLEAN {{X}}, {}, Hits: 1.0, size: 9, Tests: [BAYES_50=0.8,HTML_MESSAGE=0.2]"
SPAM = "Blocked SPAM {{X}}, {}, Hits: 9.0, size: 9, Tests: [BAYES_99=8.8,HTML_MESSAGE=0.2]"
VIRUS = "Blocked INFECTED {{X}}, {}"


@pytest.mark.parametrize("values", [{}, {"helo_name": NAME}, {"reverse_client_name": NAME}], ids=str)
@pytest.mark.parametrize("spf", ["", "None", "Neutral", "Softfail", "Fail"])
def test_a_partners_address_from_another_network(tmp_path: Path, spf: str, values: dict[str, str]) -> None:
    """What protects: SPF binds the address to the partner's network, and no HELO and no PTR binds anybody."""
    assert keys(tmp_path, daily(friends(), 5, BOT, PARTNER, spf=spf, **values)) == [SERVER]


def test_a_partners_helo_is_no_key_once_a_spammer_says_it(tmp_path: Path) -> None:
    """What protects: a HELO is a key for three networks at least, and for none where unwanted mail came with it."""
    log = Post()
    for way in range(3):
        log.ours(PARTNER, f"198.51.{way}.25")
    for way in range(3):
        log.visit(f"198.51.{way}.7", PARTNER, helo_name=NAME)
    assert keys(tmp_path, log, "helo_access") == [NAME]

    assert keys(tmp_path, daily(log, 1, BOT, "x@spam.example", VIRUS, helo_name=NAME), "helo_access") == []


def test_a_partners_neighbour_who_says_his_address_is_taken_for_him(tmp_path: Path) -> None:
    """What protects: nothing, and the reason's page says so; but whoever says another address there is a stranger."""
    neighbour = "203.0.113.66"
    assert keys(tmp_path, daily(friends(), 1, neighbour, PARTNER, spf="Fail")) == [SERVER, neighbour]
    assert "A forger in the same network" in (ROOT / "docs" / "evidence.md").read_text()

    assert keys(tmp_path, daily(friends(), 5, neighbour, "x@spam.example")) == [SERVER]


def test_a_partner_who_publishes_nothing_and_never_wrote_is_whoever_stays(tmp_path: Path) -> None:
    """What protects: the partner's first message, or SPF, or five days; the reason's page says so."""
    log = Post().ours(PARTNER, "203.0.113.25")
    assert keys(tmp_path, daily(log, 5, BOT, PARTNER, spf="None")) == []
    assert keys(tmp_path, daily(log, 1, BOT, PARTNER, spf="None")) == [BOT]
    assert "publishes\nnothing and the real sender never wrote" in (ROOT / "docs" / "evidence.md").read_text()

    for _ in range(2):
        log.days(1).visit(SERVER, PARTNER, spf="None")
    assert BOT not in keys(tmp_path, log)


def test_a_signature_of_another_domain(tmp_path: Path) -> None:
    """What protects: a signature binds its own domain only, and those above and below it."""
    log = friends()
    for domain in ("spam.example", "example", "notpartner.example", "partner.example.spam.example"):
        daily(log, 1, BOT, PARTNER, spf="None")
        helper(log, "opendkim[34]", f'signature=a domain={domain} selector=s result="no signature error"')
        helper(log, "opendkim[34]", "DKIM verification successful")
        helper(log, "opendmarc[40]", f"{domain} pass")
    assert keys(tmp_path, log) == [SERVER]


@pytest.mark.parametrize("sender", ["", "MAILER-DAEMON", "bob@ourdom.test"])
def test_whoever_gets_an_automatic_answer_of_ours(tmp_path: Path, sender: str) -> None:
    """What protects: a bounce has no sender, and what no user sent by smtpd is nobody's letter."""
    log, victim = Post(), "victim@forged.example"
    log.line("postfix/pickup[7]", f"0000AA01: uid=1000 from=<{sender}>")
    log.line("postfix/bounce[9]", "0000AA02: sender non-delivery notification: 0000AA01")
    log.line("postfix/qmgr[301]", f"0000AA01: from=<{sender}>, size=4, nrcpt=1 (queue active)")
    rest = "relay=mx.forged.example[198.51.100.25]:25, delay=0, delays=0/0/0/0, dsn=2.0.0, status=sent (250 OK)"
    log.line("postfix/smtp[401]", f"0000AA01: to=<{victim}>, {rest}")
    log.line("postfix/qmgr[301]", "0000AA01: removed")
    assert keys(tmp_path, daily(log, 5, BOT, victim)) == []


def test_a_server_that_only_says_it_took_our_mail(tmp_path: Path) -> None:
    """What protects: the status is Postfix's own, not what a server's reply or an address spells."""
    for reply in ("550 no), status=sent (250 OK", "550 no; to=<info@spam.example>, relay=x[198.51.100.25]:25"):
        log = Post().ours("info@spam.example", "198.51.100.25")
        log.lines = [
            line.replace("dsn=2.0.0, status=sent (250 OK", f"dsn=5.0.0, status=bounced ({reply}") for line in log.lines
        ]
        assert keys(tmp_path, daily(log, 5, BOT, "info@spam.example")) == []


def test_who_spells_a_line_in_his_address(tmp_path: Path) -> None:
    """What protects: a line is read to its end, so what stands in quotes stays the sender."""
    for said in (
        f"{PARTNER}; receiver=ourdom.test ",
        f"x; client-ip={SERVER}; helo=h; envelope-from={PARTNER}; receiver=ourdom.test ",
        f"x> to=<bob@ourdom.test> proto=ESMTP helo=<{NAME}> ",
        f"x>, size=4, nrcpt=1 (queue active) from=<{PARTNER}",
    ):
        assert keys(tmp_path, daily(friends(), 5, BOT, f'"{said}"@spam.example')) == [SERVER]


@pytest.mark.parametrize(("spam", "expected"), [(0, ["203.0.113.200"]), (2, ["203.0.113.200"]), (9, [])])
def test_spam_by_way_of_a_forwarder(tmp_path: Path, spam: int, expected: list[str]) -> None:
    """What protects: a client is judged by all of its mail; who forwards little spam is let in, and nobody else."""
    log = Post().ours(PARTNER, "203.0.113.25")
    for _ in range(9):
        daily(log, 1, "203.0.113.200", PARTNER, CLEAN, spf="None")
        helper(log, "opendkim[34]", 'signature=a domain=partner.example selector=s result="no signature error"')
        helper(log, "opendkim[34]", "DKIM verification successful")
    assert keys(tmp_path, daily(log, spam, "203.0.113.200", "x@spam.example", SPAM)) == expected


def test_a_filter_that_misses_for_three_days(tmp_path: Path) -> None:
    """What protects: what looks infected must come for five days, and bots last no week. Others pass until caught.

    Who lacks a PTR but says a proper HELO is no more odd than many a small firm.
    """
    log = daily(Post(), 3, BOT, "x@spam.example", CLEAN)
    assert keys(tmp_path, log) == []
    assert keys(tmp_path, daily(log, 1, BOT, "x@spam.example", SPAM)) == []
    assert keys(tmp_path, daily(Post(), 7, "203.0.113.20", "x@alarm.example", CLEAN)) == ["203.0.113.20"]

    log = daily(Post(), 3, BOT, "x@spam.example", CLEAN, helo_name="mail.out.spam.example")
    assert keys(tmp_path, log) == [BOT]
    assert keys(tmp_path, daily(log, 1, BOT, "x@spam.example", SPAM, helo_name="mail.out.spam.example")) == []


def test_a_month_of_spam_for_one_user(tmp_path: Path) -> None:
    """What protects: that nothing speaks against mail is no reason for it; regular mail goes to three of us."""
    assert keys(tmp_path, daily(Post(), 28, BOT, "x@snow.example")) == []
    assert keys(tmp_path, daily(Post(), 28, BOT, "x@snow.example", client_name="m.out.snow.example")) == []


@pytest.mark.parametrize("name", ["mx1.ourdom.test", "ourdom.test", NAME, "localhost"])
def test_a_name_that_does_not_lead_back(tmp_path: Path, name: str) -> None:
    """What protects: a PTR is the word of whoever owns the address; only a name that leads back to it may be a key."""
    for kind in ("client_access", "client_cidr"):
        assert keys(tmp_path, daily(friends(), 5, BOT, PARTNER, spf="None", reverse_client_name=name), kind) == [SERVER]


@pytest.mark.parametrize("name", ["mx1.ourdom.test", "www.ourdom.test"])
def test_a_wanted_client_that_is_called_as_we_are(tmp_path: Path, name: str) -> None:
    """What protects: no name of ours, and none below, is a key: then its address is."""
    assert keys(tmp_path, daily(friends(), 2, SERVER, PARTNER, client_name=name)) == [SERVER]


def test_an_address_that_passes_into_other_hands(tmp_path: Path) -> None:
    """What protects: a name goes with its owner; an address that had two is no key once anything speaks against it."""
    log = daily(Post().ours(PARTNER, "203.0.113.25"), 20, SERVER, PARTNER, client_name=NAME)
    there = opened(
        "map", "\n".join(clear(log.question(tmp_path), "client_access", RESTRICTIONS).lines) + "\n", "client"
    )
    assert holds(there, {"client_address": SERVER, "client_name": NAME})
    for name in ("unknown", "vps10.hoster.example"):
        assert not holds(there, {"client_address": SERVER, "client_name": name})

    daily(log, 4, SERVER, "x@spam.example", VIRUS, client_name="vps10.hoster.example")
    for kind in ("client_access", "client_cidr"):
        assert keys(tmp_path, log, kind) == []
