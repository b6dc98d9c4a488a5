"""What a history asks the DNS, how often, and what is kept of it; against a real BIND."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor import archive, blocklist
from advisor.attempt import SCHEMA
from advisor.errors import AdvisorError
from advisor.hostname import helo_syntax
from advisor.inquiry import Inquiry, Seen, shuffled
from advisor.mention import Named, public
from advisor.plan import Plan, asked_about, plan
from advisor.quota import Limits, Pace
from advisor.resolver import Patience, Server
from advisor.response import FOUND, NO_SUCH_NAME, TEMPORARY, Response, Responses
from advisor.spf_policy import judge
from advisor.store import parts
from advisor.survey import Recorded, look_up
from advisor.temporary import ENDING
from tests.conftest import MONTH, ROOT
from tests.named import asked, free_port, named

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
ZEN, RHSBL, ALL, REFUSES, SILENT = (f"{name}.lists.test" for name in ("zen", "rhsbl", "all", "refuses", "silent"))
TESTS = "2.0.0.127 A 127.0.0.2\n"
TURNS = "203.0.113.77"
CLIENTS = 60
ZONES: dict[str, str | None] = {
    "example": """
mail.good MX 10 mx.good
mail.good A 203.0.113.10
good MX 10 mail.good
good TXT "v=spf1 include:_spf.good.example a:relay.good.example -all"
_spf.good TXT "v=spf1 redirect=more.good.example"
more.good TXT "v=spf1 exists:%{l}.users.good.example ip4:203.0.113.10 -all"
relay.good A 203.0.113.11
anna.users.good A 127.0.0.1
_dmarc.good TXT "v=DMARC1; p=reject"
""",
    "113.0.203.in-addr.arpa": "10 PTR mail.good.example.\n20 PTR not\\(valid\\).example.\n",
    "8.b.d.0.1.0.0.2.ip6.arpa": "",
    ZEN: TESTS + '*.113.0.203 A 127.0.0.4\n*.113.0.203 TXT "see http://x/\\027[31m"\n',
    RHSBL: "test A 127.0.1.2\nspam.example A 127.0.1.2\n",
    ALL: "* A 127.0.0.2\n",
    REFUSES: "* A 127.255.255.254\n",
    SILENT: None,
    "turns.lists.test": TESTS + "77.113.0.203 A 127.255.255.255\n",
}

pytestmark = pytest.mark.integration


class Bind:
    """A BIND that remembers what it was asked."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server, self.folder = server, folder
        self.read = 0

    def asked(self) -> list[str]:
        """What it was asked since the last time: it writes a line before it answers."""
        names, self.read = asked(self.folder, self.read)
        return names


@pytest.fixture(scope="module")
def _bind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bind]:
    folder = tmp_path_factory.mktemp("named")
    with named(folder, ZONES, log=True) as server:
        yield Bind(server, folder)


@pytest.fixture
def bind(_bind: Bind) -> Bind:
    _bind.asked()
    return _bind


def row(address: str, helo: str | None = None, sender: str | None = None, **more: Any) -> dict[str, Any]:
    kind = None if sender is None else "null" if not sender else "domain"
    syntax = helo_syntax(helo) if helo else None
    facts = {"client_address": address, "helo_name": helo, "helo_syntax": syntax, "sender": sender, "sender_kind": kind}
    return {"origin": "outside", "helo_sent": None if helo is None else bool(helo), **facts, **more}


def seen(*rows: dict[str, Any]) -> Seen:
    return Seen.of(pa.Table.from_pylist(rows, schema=SCHEMA))


HISTORY = seen(
    row("203.0.113.10", "mail.good.example", "Anna@Good.Example", reverse_client_name="mail.good.example"),
    row("203.0.113.10", "mail.good.example", "bert@good.example", dmarc_domain="News.Author.example"),
    row("2001:db8::5", "[203.0.113.5]", "offer@spam.example", client_name="unknown"),
    row("203.0.113.20", "bad..name", "", client_name="host.20"),
    row("203.0.113.21", "203.0.113.21", "x@[203.0.113.21]", sender_kind="literal"),
    row("192.0.2.1", "laptop", "own@ours.example", origin="authenticated"),
    row("10.0.0.1", "printer.example", "own@ours.example", origin="own network"),
)
MANY = seen(*(row(f"203.0.113.{number}") for number in range(50, 50 + CLIENTS)))
FREE = Limits(0, 0)
REFUSED = {"localhost A", "[203.0.113.5] TXT"}
"""BIND has no such zone. The first is the lookup's way to see whether anybody is there; SPF asks the second."""
HASTY = Patience((0.5, 1, 2), (0.01,))


def run(bind: Bind, store: Path, what: Seen = HISTORY, now: datetime = NOW, **options: Any) -> Recorded:
    wishes = {"lists": (), "limits": FREE, **options}
    return look_up(what, store, Plan((bind.server,), patience=HASTY, **wishes), lambda: now)


def test_what_a_history_asks(bind: Bind, tmp_path: Path) -> None:
    done = run(bind, tmp_path)
    questions = Counter(bind.asked())
    names = {*questions} - REFUSED
    assert set(questions.values()) == {1}
    helo = {f"mail.good.example {kind}" for kind in ("A", "AAAA", "MX")}
    pointers = {f"{end}.113.0.203.in-addr.arpa PTR" for end in (10, 20, 21)}
    v6 = {blocklist.question("ip6.arpa", "2001:db8::5") + " PTR"}
    domains = {f"{each}.example {kind}" for each in ("good", "spam") for kind in ("MX", "A", "AAAA", "TXT")}
    dmarc = {f"_dmarc.{name}.example TXT" for name in ("good", "spam", "news.author", "author")}
    # SPF of the HELO and of the sender; the record speaks of the sender, so both are asked about.
    spf = {"mail.good.example TXT", "_spf.good.example TXT", "more.good.example TXT", "relay.good.example A"}
    spf |= {"anna.users.good.example A", "bert.users.good.example A"}
    assert names >= helo | pointers | v6 | domains | dmarc | (spf - {"relay.good.example A"})
    assert names <= helo | pointers | v6 | domains | dmarc | spf
    assert not any("ours" in name or "printer" in name or "2.0.192" in name for name in names)
    assert sum(done.asked.values()) == len(names) + 1
    assert done.known == 0


def test_the_answers_are_enough_for_spf(bind: Bind, tmp_path: Path) -> None:
    run(bind, tmp_path)
    dns = archive.read(tmp_path)
    for visit in HISTORY.visits:
        found = judge(visit.client, visit.helo, visit.sender, dns.find)
        assert found.missing == ()
        assert found.word is not None
    assert dns.find("mail.good.example", "A") == Response(
        "mail.good.example", "A", FOUND, ("203.0.113.10",), NOW, str(bind.server)
    )
    assert dns.find("spam.example", "MX") == Response("spam.example", "MX", NO_SUCH_NAME, (), NOW, str(bind.server))


def test_nothing_is_asked_twice_before_it_is_stale(bind: Bind, tmp_path: Path) -> None:
    first = run(bind, tmp_path, lists=(ZEN,))
    bind.asked()
    again = run(bind, tmp_path, now=NOW + timedelta(days=6), lists=(ZEN,))
    # The list takes its test again: it may have turned against us.
    assert {*bind.asked()} - REFUSED == {f"{test.name} A" for test in blocklist.tests(ZEN)}
    assert again.known == sum(first.asked.values()) - len(blocklist.tests(ZEN)) - first.asked[TEMPORARY]
    late = run(bind, tmp_path, now=NOW + timedelta(days=8), lists=(ZEN,))
    assert late.asked == first.asked
    assert late.age is not None
    assert (late.age.oldest, late.age.newest) == (NOW, NOW + timedelta(days=8))


def test_a_failure_is_asked_again_soon(bind: Bind, tmp_path: Path) -> None:
    # BIND has no such zone, and refuses.
    what = seen(row("198.51.100.1"))
    assert run(bind, tmp_path, what).asked == {TEMPORARY: 1}
    assert run(bind, tmp_path, what, NOW + timedelta(minutes=10)).asked == {}
    assert run(bind, tmp_path, what, NOW + timedelta(minutes=20)).asked == {TEMPORARY: 1}
    assert "no evidence yet" in run(bind, tmp_path, what, NOW + timedelta(hours=1)).notes[0]


def test_lists_are_asked_for_what_they_name(bind: Bind, tmp_path: Path) -> None:
    done = run(bind, tmp_path, lists=(ZEN, f"{RHSBL}=127.0.1.[2..99]"))
    names = bind.asked()
    of_rhsbl = {name.removesuffix(f".{RHSBL} A") for name in names if RHSBL in name}
    assert of_rhsbl == {"test", "invalid", "good.example", "spam.example", "mail.good.example"}
    of_zen = {name.removesuffix(f".{ZEN} A") for name in names if ZEN in name}
    clients = {blocklist.question("x", client).removesuffix(".x") for client in HISTORY.clients}
    tests = {test.name.removesuffix(f".{ZEN}") for test in blocklist.tests(ZEN)}
    assert of_zen == clients | tests
    assert len(clients) == 4
    dns = archive.read(tmp_path)
    assert blocklist.listed(dns, ZEN, "203.0.113.20")[0] is True
    assert blocklist.listed(dns, ZEN, "2001:db8::5")[0] is False
    assert blocklist.listed(dns, RHSBL, "spam.example")[0] is True
    assert [(found.zone, found.names, found.wanted, found.answered, found.listed) for found in done.lists] == [
        (ZEN, "addresses", 4, 4, 3),
        (RHSBL, "domains", 3, 3, 1),
    ]
    assert done.findings == ()


def test_a_list_that_fails_its_test_is_not_asked(bind: Bind, tmp_path: Path) -> None:
    done = run(bind, tmp_path, MANY, lists=(ALL, REFUSES, SILENT))
    names = Counter(name.partition(".lists.test")[0].rpartition(".")[2] for name in bind.asked() if "lists" in name)
    assert names["all"] == 6
    assert names["refuses"] == 1
    assert "answers for everything" in done.findings[0]
    assert "refuses public resolvers" in done.findings[1]
    assert "does not answer" in done.findings[2]
    assert [(found.asked, found.listed) for found in done.lists][:2] == [(6, 0), (1, 0)]
    dns = archive.read(tmp_path)
    assert all(blocklist.listed(dns, zone, TURNS)[0] is None for zone in (ALL, REFUSES, SILENT))
    # Refused once is refused for the day, but not for the next.
    run(bind, tmp_path, MANY, NOW + timedelta(hours=14), lists=(REFUSES,))
    assert not any(REFUSES in name for name in bind.asked())
    run(bind, tmp_path, MANY, NOW + timedelta(hours=15), lists=(REFUSES,))
    assert sum(REFUSES in name for name in bind.asked()) == 1


def test_the_first_error_stops_a_list_for_the_day(bind: Bind, tmp_path: Path) -> None:
    turns = "turns.lists.test"
    seed, place = next(
        (seed, place) for seed in range(99) if 10 < (place := shuffled(MANY.clients, seed).index(TURNS)) < 30
    )
    done = run(bind, tmp_path, MANY, lists=(turns,), limits=Limits(500, 0), seed=seed)
    asked_of_it = [name for name in bind.asked() if turns in name]
    # Those under way when the error came may still arrive.
    assert place + 1 <= len(asked_of_it) - len(blocklist.tests(turns)) <= place + 20
    assert "was asked too much" in done.findings[0]
    assert "2026-11-22" in done.findings[0]
    assert done.lists[0].listed == 0
    assert 0 < done.lists[0].answered < CLIENTS
    run(bind, tmp_path, MANY, NOW + timedelta(hours=2), lists=(turns,))
    assert not any(turns in name for name in bind.asked())


def test_a_budget_is_a_random_sample(bind: Bind, tmp_path: Path) -> None:
    budget = 20
    done = run(bind, tmp_path, MANY, lists=(ZEN,), limits=Limits(0, budget))
    first = {name for name in bind.asked() if ZEN in name}
    assert len(first) == budget
    assert "random sample" in done.notes[0]
    assert f"{budget - 6} of {CLIENTS}" in done.notes[0]
    # The same day nothing more, the next day other clients.
    run(bind, tmp_path, MANY, NOW + timedelta(hours=3), lists=(ZEN,), limits=Limits(0, budget))
    assert not any(ZEN in name for name in bind.asked())
    run(bind, tmp_path, MANY, NOW + timedelta(days=1), lists=(ZEN,), limits=Limits(0, budget))
    second = {name for name in bind.asked() if ZEN in name}
    assert len(second) == budget
    assert first & second == {f"{test.name} A" for test in blocklist.tests(ZEN)}


@given(st.sets(st.text(max_size=5)), st.sets(st.text(max_size=5)), st.integers(0, 3))
def test_a_sample_stays_when_others_come(some: set[str], others: set[str], seed: int) -> None:
    order = shuffled(some, seed)
    assert set(order) == some
    assert [value for value in shuffled(some | others, seed) if value in some] == order


def test_a_rate_keeps_questions_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def turns() -> None:
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: 5.0)
        pace, free = Pace(10), Pace(0)
        for _ in range(4):
            await pace.turn()
            await free.turn()

    monkeypatch.setattr(asyncio, "sleep", sleep)
    with asyncio.Runner() as runner:
        runner.run(turns())
        monkeypatch.undo()
    assert slept == pytest.approx([0.1, 0.2, 0.3])


def test_a_list_is_not_asked_faster(bind: Bind, tmp_path: Path) -> None:
    began = time.monotonic()
    run(bind, tmp_path, MANY, lists=(ZEN,), limits=Limits(100, 0))
    took = time.monotonic() - began
    assert sum(ZEN in name for name in bind.asked()) == CLIENTS + 12  # two tests, for it was asked a lot
    assert took >= (CLIENTS + 11) / 100


def test_the_defaults_do_no_harm() -> None:
    assert (plan().limits.rate, plan().limits.budget) == (10, 5_000)
    assert plan(rate=0, budget=0).limits.ordinary == 0
    assert plan().lists == tuple(found.zone for found in blocklist.DEFAULTS)
    (finding,) = public([Server("8.8.8.8"), Server("127.0.0.1")])
    assert "Google Public DNS, a public resolver" in finding


@pytest.mark.parametrize(
    "options",
    [{"resolver": "dns.example"}, {"lists": ["192.0.2.1"]}, {"lists": ["x=y"]}, {"rate": -1}, {"stale": "soon"}],
)
def test_what_cannot_be_meant(options: dict[str, Any]) -> None:
    with pytest.raises(AdvisorError):
        plan(**options)


@pytest.mark.parametrize(
    ("what", "target"),
    [
        (("203.0.113.10",), "203.0.113.10"),
        (("2001:db8::1",), "2001:db8::1"),
        (("Spam.Example",), "spam.example"),
        (("maillog-20261101.gz",), None),
        (("maillog",), None),
        (("maillog.1",), None),
        (("/var/log/mail.log",), None),
        ((str(MONTH),), None),
        (("a.example", "b.example"), None),
        ((), None),
    ],
)
def test_what_is_a_name_and_what_a_log(what: tuple[str, ...], target: str | None) -> None:
    assert asked_about(what) == target


def test_a_file_by_the_name_of_a_domain_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mail.example").touch()
    monkeypatch.chdir(tmp_path)
    assert asked_about(("mail.example",)) is None


def advisor(*arguments: object, **more: Any) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "advisor", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=100, **more)


def test_which_lists_name_an_address(bind: Bind) -> None:
    lists = [word for zone in (ZEN, RHSBL, ALL, REFUSES) for word in ("--list", zone)]
    ran = advisor("lookup", "203.0.113.9", *lists, "--rate", 0, "--resolver", bind.server)
    assert ran.returncode == 0, ran.stderr
    lines = [line.split(maxsplit=1)[1] for line in ran.stdout.splitlines()[1:]]
    assert lines[0] == "listed       127.0.0.4 see http://x/\\x1b[31m"
    assert lines[1] == "no evidence  not asked: it names domains"
    assert "answers for everything" in lines[2]
    assert "refuses public resolvers" in lines[3]
    assert not any(f"9.113.0.203.{zone}" in name for zone in (RHSBL, ALL, REFUSES) for name in bind.asked())
    named = advisor("lookup", "spam.example", *lists, "--rate", 0, "--resolver", bind.server, "--format", "json")
    found = json.loads(named.stdout)
    assert found["schema"] == 1
    assert {each["zone"]: each["listed"] for each in found["lists"]} == {
        ZEN: None,
        RHSBL: True,
        ALL: None,
        REFUSES: None,
    }


def test_the_function_is_the_command(bind: Bind, tmp_path: Path) -> None:
    import advisor as package

    found = package.lookup("203.0.113.9", lists=[f"{ZEN}=127.0.0.[2..3]"], resolver=str(bind.server), rate=0)
    assert isinstance(found, Named)
    assert found.lists[0].listed is False
    done = package.lookup(MONTH, store=tmp_path, lists=[ZEN], resolver=str(bind.server), rate=0, budget=0)
    assert isinstance(done, Recorded)
    assert done.lists[0].answered == done.lists[0].wanted > 100


def test_a_resolver_that_does_not_answer(tmp_path: Path) -> None:
    nobody = Server("127.0.0.1", free_port())
    told = f"{nobody}: does not answer; name another name server with --resolver IP[:PORT]"
    with pytest.raises(AdvisorError) as raised:
        look_up(HISTORY, tmp_path, Plan((nobody,), patience=HASTY), lambda: NOW)
    assert str(raised.value) == told


def test_a_kill_loses_seconds_and_the_next_run_goes_on(bind: Bind, tmp_path: Path) -> None:
    options = ["--resolver", str(bind.server), "--list", ZEN, "--rate", "40", "--budget", "0"]
    command = [sys.executable, "-m", "advisor", "lookup", str(MONTH), "--store", str(tmp_path), *options]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    folder = tmp_path / archive.FOLDER
    deadline = time.monotonic() + 60
    while not list(folder.glob("*.parquet")) and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.05)  # until the first file is there; nothing depends on how long that takes
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = list(archive.read(tmp_path))
    before = bind.asked()
    # At 40 a second to the list and 200 of the others, so much in the seconds that may be lost, and before the check.
    assert len(before) - len(kept) <= (archive.INTERVAL + 2) * 240
    assert len(kept) > 100
    (folder / f".x.parquet.1{ENDING}").write_bytes(b"half")
    ran = advisor("lookup", MONTH, "--store", tmp_path, *options[:-4], "--rate", 0, "--budget", 0, "--format", "json")
    assert ran.returncode == 0, ran.stderr
    fresh = {f"{response.name} {response.type}" for response in kept if response.status != TEMPORARY}
    assert not fresh & {*bind.asked()} - {f"{test.name} A" for test in blocklist.tests(ZEN)}
    done = json.loads(ran.stdout)
    assert sum(done["asked"].values()) > 100
    assert done["lists"][0]["answered"] == done["lists"][0]["wanted"]
    assert not list(folder.glob(".*.tmp"))


def test_one_lookup_at_a_time(tmp_path: Path) -> None:
    with (
        archive.opened(tmp_path, NOW, time.monotonic),
        pytest.raises(AdvisorError, match="another lookup is at work"),
        archive.opened(tmp_path, NOW, time.monotonic, patience=0),
    ):
        pass


def test_an_archive_is_saved_as_it_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(archive, "FULL", 5)
    with archive.opened(tmp_path, NOW, lambda: now) as kept:
        for number in range(12):
            kept.add(Response(f"h{number}.example", "A", FOUND, ("192.0.2.1",), NOW))
            if number == 6:
                now += archive.INTERVAL
        assert len(list(archive.read(tmp_path))) == 10
    assert {response.name for response in archive.read(tmp_path)} == {f"h{number}.example" for number in range(12)}
    assert len(list((tmp_path / archive.FOLDER).glob("*.parquet"))) == 3
    # A store takes no notice of it.
    assert parts(tmp_path) == []


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    def fill() -> None:
        with archive.opened(tmp_path, NOW, time.monotonic) as kept:
            kept.add(Response("a.example", "A", FOUND, ("192.0.2.1",), NOW))
            monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(AdvisorError, match="No space left on device"):
        fill()
    assert not list((tmp_path / archive.FOLDER).glob("*parquet*"))


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    folder = tmp_path / archive.FOLDER
    folder.mkdir()
    (folder / "x.parquet").write_bytes(b"PAR1 broken PAR1")
    with pytest.raises(AdvisorError, match=r"x\.parquet: cannot be read"):
        archive.read(tmp_path)
    pq.write_table(pa.table({"other": [1]}), folder / "x.parquet")
    with pytest.raises(AdvisorError, match=r"x\.parquet: cannot be read"):
        archive.read(tmp_path)


def test_answers_without_a_history_are_no_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who looks something up for a file, and has no store, still gets reports of the machine's own logs."""
    from advisor import question

    with archive.opened(tmp_path, NOW, time.monotonic) as kept:
        kept.add(Response("a.example", "A", FOUND, ("192.0.2.1",), NOW))
    monkeypatch.setattr(question, "default_store", lambda: tmp_path)
    monkeypatch.setattr(question, "default_logs", lambda: [MONTH])
    assert question.Question(now=NOW).history.coverage.lines > 1_000


HOOK = """
import os
import sys
def forbid(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname", "socket.bind"):
        os.write(2, f"NETWORK: {event} {arguments}".encode())
        os._exit(3)
sys.addaudithook(forbid)
import advisor, advisor.survey, advisor.mention, advisor.question
from advisor.__main__ import main
sys.argv = ["advisor", *sys.argv[1:]]
main()
"""


@pytest.mark.parametrize("command", [["report"], ["simulate", "reject_rbl_client zen.spamhaus.org"], ["lookup"]])
def test_only_lookup_asks_the_network(command: list[str], tmp_path: Path) -> None:
    more = ["--store", str(tmp_path)] if command == ["lookup"] else []
    arguments = [sys.executable, "-c", HOOK, *command, str(MONTH), *more]
    ran = subprocess.run(arguments, capture_output=True, text=True, check=False, cwd=ROOT, timeout=100)
    assert ("NETWORK" in ran.stderr) == (command == ["lookup"]), ran.stderr
    assert bool(ran.returncode) == (command == ["lookup"])


def test_a_forgotten_question_does_not_go_on_for_ever() -> None:
    """An inquiry raises what is missing again and again; each is asked once."""
    inquiry = Inquiry(HISTORY, lambda *_: None)
    first = inquiry.missing()
    assert len(first) == len(set(first)) > 10
    assert set(inquiry.missing()) <= set(first) | set(inquiry.missing())


def test_responses_of_a_run_are_dated(bind: Bind, tmp_path: Path) -> None:
    run(bind, tmp_path, lists=(ZEN,))
    dns = archive.read(tmp_path)
    assert isinstance(dns, Responses)
    assert {response.asked_at for response in dns} == {NOW}
    assert {response.resolver for response in dns} == {str(bind.server)}
