"""The replay against the real postgrey, decision by decision, and what the real one cannot show."""

import getpass
import grp
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from advisor.attempt import client_network
from advisor.errors import AdvisorError
from advisor.greylist import AUTO, FIRST, SCHEMA, database, partition, purge_times, replay, replayed
from advisor.postgrey import Options, Whitelists, parse_options, whitelists
from advisor.triplet import NEEDS, normal_sender
from tests.conftest import real

START = 1_790_000_000
DAY = 86_400

# 2026/11/22-12:00:09 action=greylist, reason=new, client_name=mail.example, ...; on stderr Net::Server adds no time
_ANSWER = re.compile(r"action=(greylist|pass), reason=([^,]+)(?:, delay=(\d+))?, client_name=")


@dataclass(frozen=True)
class Event:
    time: int
    client_address: str
    client_name: str
    sender: str
    recipient: str


def table(events: Sequence[Event]) -> pa.Table:
    columns: dict[str, Any] = {name: [getattr(event, name) for event in events] for name in NEEDS}
    columns["time"] = pa.array([1_000_000 * moment for moment in columns["time"]], pa.timestamp("us", "UTC"))
    return pa.table(columns)


class Postgrey:
    """The real one, with an empty database, and a clock of ours: `policy_test_time`, or a false one for all it does."""

    def __init__(self, folder: Path, options: Sequence[str], zone: str = "") -> None:
        self.log = folder / "log"
        self.folder, self.zone = folder, ZoneInfo(zone) if zone else None
        path = folder / "socket"
        owner = (f"--user={getpass.getuser()}", f"--group={grp.getgrgid(os.getgid()).gr_name}")
        if zone:
            self.set_clock(START)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [real("postgrey"), f"--unix={path}", f"--dbdir={folder}", *owner, *options],
                stderr=log,
                stdout=log,
                env=os.environ | (self._false_clock(zone) if zone else {}),
            )
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        for _ in range(200):
            if self.process.poll() is None and path.exists():
                try:
                    self.socket.connect(str(path))
                except ConnectionRefusedError:
                    pass
                else:
                    break
            time.sleep(0.05)  # until it listens; nothing depends on how long that takes
        else:
            raise AssertionError(self.log.read_text(errors="replace"))

    def _false_clock(self, zone: str) -> dict[str, str]:
        real("faketime")
        library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
        clock = {"FAKETIME_TIMESTAMP_FILE": str(self.folder / "clock"), "FAKETIME_NO_CACHE": "1"}
        return {"LD_PRELOAD": str(library), "TZ": zone, **clock}

    def set_clock(self, moment: int) -> None:
        new = self.folder / "clock.new"
        new.write_text(f"{datetime.fromtimestamp(moment, self.zone):%Y-%m-%d %H:%M:%S}")
        new.replace(self.folder / "clock")

    def ask(self, events: Sequence[Event], instances: Sequence[str] = ()) -> None:
        """Ask one after the other: it loses what comes before it has answered (mux_input)."""
        for place, event in enumerate(events):
            instance = f"instance={instances[place]}\n" if instances else ""
            self.socket.sendall(f"{instance}{self._question(event)}".encode())
            answer = b""
            while not answer.endswith(b"\n\n"):
                more = self.socket.recv(4096)
                assert more, self.log.read_text(errors="replace")[-2000:]
                answer += more

    def _question(self, event: Event) -> str:
        if self.zone:
            self.set_clock(event.time)
        moment = "" if self.zone else f"policy_test_time={event.time}\n"
        return (
            f"request=smtpd_access_policy\n{moment}client_address={event.client_address}\n"
            f"client_name={event.client_name}\nsender={event.sender}\nrecipient={event.recipient}\n\n"
        )

    def answers(self) -> list[tuple[str, str, int | None]]:
        """Action, reason and delay of all questions, as it logged them."""
        found = _ANSWER.findall(self.log.read_text(errors="replace"))
        return [(action, reason, int(delay) if delay else None) for action, reason, delay in found]

    def stop(self) -> None:
        self.socket.close()
        self.process.kill()  # it does not always hear SIGTERM; its database is thrown away
        self.process.wait(20)
        for left in (f"faketime_shm_{self.process.pid}", f"sem.faketime_sem_{self.process.pid}"):
            Path("/dev/shm", left).unlink(missing_ok=True)


@contextmanager
def postgrey(options: Sequence[str], zone: str = "") -> Iterator[Postgrey]:
    # A short path for the socket, in memory where that is possible: the real one waits for the disk at each answer.
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        started = Postgrey(Path(folder), options, zone)
        try:
            yield started
        finally:
            started.stop()


CLIENT_FILE = rb"""
# by name
listed.example
.dotted.example      # a name that begins with a dot
two..dots.example
/^smtp\d+\.pool\.example$/
/^s?relay.*\.mixed\.example$/
/(?:^|\.)any[0-9a-f]{2,3}\.example$/
/^a\.b|^mail-(\w+)-\1\./
/^[^.]+\.[]x_-]+\.class\.example/
/\.UPPER\.example$/
# by address
198.51.100.7
198.51.100.64/27
198.51.101
203.0
010.1.1.1
10.2.2.2/32
256.1.1.1
10.9.9.9/33
2001:db8:1::/48
2001:DB8:2::7
::cb00:7100/126
2001:db8:5::1.2.3.4
2001:db8:6::/064
2001:db8:7::/129
0:0:1:2:3:4:5::
::012.0.0.1
2001:db8::7::1
a:b:c
x:y:z
1:2:3:4:5:6:7:8:9
two words
"""
RECIPIENT_FILE = rb"""
postmaster@
Abuse@first.example
free.example
user+sub@first.example
/^list-.*@/
/-request@.*\.example$/
@second.example
two words
"""

ADDRESSES = (
    *(f"192.0.2.{last}" for last in (1, 2, 130)),
    *(f"192.0.3.{last}" for last in (1, 9)),
    *("198.51.100.7", "198.51.100.8", "198.51.100.65", "198.51.100.96", "198.51.101.1", "198.51.102.1"),
    *("203.0.0.1", "203.0.1.1", "203.0.113.1", "203.0.113.5", "8.1.1.1", "10.1.1.1", "10.2.2.2", "10.2.2.3"),
    *("2001:db8:1::1", "2001:db8:2::7", "2001:db8:2::8", "2001:db8:2:1::8", "2001:0db8:3:0:0:0:0:1", "2001:db8:3::1"),
    *("2001:db8:5::102:304", "2001:db8:6::9", "2001:db8:7::1", "0:0:1:2:3:4:5:0", "::a00:1", "::c00:1", "2001:db8::7"),
)
NAMES = (
    *("unknown", "a.host.example", "b.host.example", "listed.example", "sub.LISTED.example", "unlisted.example"),
    *("x.dotted.example", "x..dotted.example", ".dotted.example", "two..dots.example", "smtp12.pool.example"),
    *("smtpx.pool.example", "SMTP3.pool.example", "relay.mixed.example", "srelay9.mixed.example", "any1f.example"),
    *(
        "many1f.example",
        "x.any1F2.example",
        "any12345.example",
        "a.b.example",
        "mail-xy-xy.example",
        "mail-x-y.example",
    ),
    *("q.x-_.class.example", "q.].class.example", "q.y.class.example", "z.upper.example", "upper.example"),
)
SENDERS = (
    *(
        "",
        "a@one.example",
        "A@One.Example",
        "a+1@one.example",
        "a+2@one.example",
        "nodomain",
        "no+domain",
        "12@one.example",
    ),
    *("bounce-4711-x@news.example", "bounce-4712-x@news.example", "b4711@news.example", "b4712@news.example"),
    *("b_1_2@news.example", "prvs=0123456789=user@batv.example", "prvs=abcdefghij=user@batv.example"),
    *(
        "prvs=user=0123456789@batv.example",
        "prvs=a=b@batv.example",
        "prvs=a=b=@batv.example",
        "prvs=a=b=c@batv.example",
    ),
    *("x/y@slash.example", "x@slash.example/y", "a@b@c.example", "@empty.example", "trail@", "1-2+3@one.example"),
    *("Prvs=0123456789=user@batv.example", "prvs=0123456789=1234567890ab@batv.example", "über9 ü@one.example"),
)
RECIPIENTS = (
    *("u1@first.example", "U1@First.example", "u2@first.example", "u3@second.example", "y@slash.example/u", "u"),
    *(
        "postmaster@first.example",
        "PostMaster+x@other.example",
        "postmaster+@other.example",
        "xpostmaster@first.example",
    ),
    *("abuse@first.example", "abuse+a+b@FIRST.example", "abuse@second.example", "u@free.example", "u@sub.free.example"),
    *("u@notfree.example", "user@first.example", "user+sub@first.example", "user+sub+y@first.example"),
    *(
        "list-a@first.example",
        "a-list-a@first.example",
        "foo-request@x.example",
        "@second.example",
        "+x@second.example",
    ),
)

OPTION_SETS: dict[str, str] = {
    "default": "",
    "host": "--lookup-by-host --delay=60 --auto-whitelist-clients=2",
    "cidr": "--ipv4cidr=20 --ipv6cidr=48 --auto-whitelist-clients=0 --delay=900",
    "lists": "--whitelist-clients={clients} --whitelist-clients={more} --whitelist-recipients={recipients}",
    "window": "--retry-window=3h --delay=600 --auto-whitelist-clients --privacy --lookup-by-subnet",
}


def events(seed: int, count: int) -> list[Event]:
    """Messages of 40 days that are tried again and again, early and late, from one address or from neighbours."""
    chance = random.Random(seed)
    found: list[Event] = []
    homes = {address: chance.choice(NAMES) for address in ADDRESSES}
    while len(found) < count:
        moment = START + chance.randrange(40 * DAY)
        address, sender, to = chance.choice(ADDRESSES), chance.choice(SENDERS), chance.choice(RECIPIENTS)
        if chance.random() < 0.7:
            # A correspondence of its own, else all triplets would be known after some days.
            sender = f"{chance.choice(('p', 'q', 'r'))}{chance.getrandbits(24):x}@{chance.choice('abc')}.example"
            to = chance.choice(RECIPIENTS[:6])
        if chance.random() < 0.7:
            # A client of its own, else all would be auto-whitelisted after some days.
            where = chance.getrandbits(20)
            address = chance.choice(
                (f"11.{where >> 12}.{where >> 4 & 255}.{where & 15}", f"2001:db8:{where >> 4:x}::1")
            )
        for _ in range(chance.randrange(1, 6)):
            name = homes.get(address, "unknown") if chance.random() < 0.9 else chance.choice(NAMES)
            found.append(Event(moment, address, name, sender, to))
            moment += chance.choice(
                (0, 1, 59, 60, 61, 299, 300, 301, 700, 3599, 3600, 3601, 10_800, 10_801, 2 * DAY, 3 * DAY)
            )
            if chance.random() < 0.1:
                address = chance.choice(ADDRESSES)
            elif chance.random() < 0.1 and "." in address:
                address = f"{address.rpartition('.')[0]}.{chance.randrange(256)}"
    found.sort(key=lambda event: event.time)
    del found[count:]
    # A clock that is set back.
    for place in range(0, count, 997):
        found[place] = Event(max(0, found[place].time - 7200), *(getattr(found[place], name) for name in NEEDS[1:]))
    return found


def written(options: str, folder: Path) -> list[str]:
    """The options, with the files that they name."""
    files = {"clients": CLIENT_FILE, "more": b"a.host.example\n", "recipients": RECIPIENT_FILE}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    text = options.format(**{name: folder / name for name in files})
    for kind in ("clients", "recipients"):
        if f"--whitelist-{kind}" not in text:
            text += f" --whitelist-{kind}=/dev/null"
    return text.split()


def content(name: str) -> bytes | None:
    path = Path(name)
    return path.read_bytes() if path.exists() else None


def replayed_here(happened: Sequence[Event], words: Sequence[str]) -> list[tuple[str, str, int | None]]:
    options = parse_options(" ".join(words))
    found = replay(table(happened), options, whitelists(options, content))
    answers = found["answer"].to_pylist()
    assert answers == [
        {"greylist": "defer_if_permit", "pass": "dunno"}[action] for action in found["action"].to_pylist()
    ]
    return list(zip(*(found[name].to_pylist() for name in ("action", "reason", "delay")), strict=True))


def compare(name: str, count: int, folder: Path) -> Counter[str]:
    """Play the same events to the real one and to ours; how often each reason was given."""
    happened = events(sum(name.encode()), count)
    words = written(OPTION_SETS[name], folder)
    with postgrey(words) as real_one:
        real_one.ask(happened)
        theirs = real_one.answers()
    ours = replayed_here(happened, words)
    assert len(theirs) == len(happened)
    differ = [(event, mine, their) for event, mine, their in zip(happened, ours, theirs, strict=True) if mine != their]
    assert not differ, (len(differ), differ[:5])
    return Counter(reason.partition(" (")[0] for _, reason, _ in theirs)


def every_reason_was_given(name: str, seen: Counter[str], count: int) -> None:
    expected = {"new", "early-retry", "triplet found"}
    expected |= {"client AWL"} if name != "cidr" else set()
    expected |= {"client whitelist", "recipient whitelist"} if name == "lists" else set()
    assert seen.keys() == expected
    assert min(seen.values()) >= count / 100, seen


@pytest.mark.integration
@pytest.mark.parametrize("name", OPTION_SETS)
def test_the_real_postgrey_answers_alike(name: str, tmp_path: Path) -> None:
    every_reason_was_given(name, compare(name, 4000, tmp_path), 4000)


@pytest.mark.integration
@pytest.mark.long
@pytest.mark.parametrize("name", OPTION_SETS)
def test_the_real_postgrey_answers_alike_to_100_000_events(name: str, tmp_path: Path) -> None:
    every_reason_was_given(name, compare(name, 100_000, tmp_path), 100_000)


def expiring(seed: int, count: int) -> list[Event]:
    """Events in the order of their time, with quiet days between some."""
    happened = sorted(events(seed, count), key=lambda event: event.time)
    return [event for event in happened if (event.time - START) // DAY % 9 < 6]


@pytest.mark.integration
@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"])
def test_the_real_postgrey_forgets_alike(zone: str, tmp_path: Path) -> None:
    happened = expiring(5, 4000)
    words = written("--max-age=2 --retry-window=12h --delay=60 --auto-whitelist-clients=2", tmp_path)
    with postgrey(words, zone) as real_one:
        real_one.ask(happened)
        theirs = real_one.answers()
        assert real_one.log.read_text(errors="replace").count("cleaning up old entries") > 10
    options = parse_options(" ".join(words))
    columns = ("action", "reason", "delay")
    forgetting = replay(table(happened), options, whitelists(options, content), ZoneInfo(zone)).select(columns)
    ours = list(zip(*(forgetting[name].to_pylist() for name in columns), strict=True))
    assert [pair for pair in zip(happened, ours, theirs, strict=True) if pair[1] != pair[2]] == []
    remembering = replay(table(happened), options, whitelists(options, content)).select(columns)
    assert forgetting != remembering


FEW = st.sampled_from(
    (
        "a@one.example",
        "b+1@one.example",
        "n1@one.example",
        "n-1@one.example",
        "n-2@one.example",
        "",
        "x",
        "x/y@x.example",
    )
)
STEPS = st.sampled_from((0, 1, 59, 60, 61, 3539, 3540, 3600, 3601, 3 * 3600 - 1, 3 * 3600, 3 * 3600 + 1, -100))
# `x` to `y@x.example/u` and `x/y@x.example` to `u` have one key.
RECIPIENT = st.sampled_from(("u@x.example", "U@x.example", "v@x.example", "y@x.example/u", "u"))
SHORT = st.lists(st.tuples(STEPS, st.integers(0, 3), FEW, RECIPIENT))


@pytest.fixture(scope="module")
def answering() -> Iterator[tuple[Postgrey, list[str], list[int]]]:
    words = ["--delay=60", "--retry-window=3h", "--auto-whitelist-clients=2", "--ipv4cidr=31"]
    words += ["--whitelist-clients=/dev/null", "--whitelist-recipients=/dev/null"]
    with postgrey(words) as real_one:
        yield real_one, words, [0]


@pytest.mark.integration
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SHORT)
def test_the_real_postgrey_answers_short_histories_alike(
    answering: tuple[Postgrey, list[str], list[int]], short: list[tuple[int, int, str, str]]
) -> None:
    real_one, words, turns = answering
    # Clients of its own for each history: the real one does not forget the one before.
    turns[0] += 1
    moment, network, happened = START, f"10.{turns[0] >> 8}.{turns[0] & 255}", []
    for step, last, sender, recipient in short:
        moment += step
        happened.append(Event(moment, f"{network}.{last}", "unknown", sender, recipient))
    before = len(real_one.answers())
    real_one.ask(happened)
    assert real_one.answers()[before:] == replayed_here(happened, words)


@pytest.mark.integration
def test_the_delay_of_a_message_is_logged_for_one_of_its_recipients() -> None:
    words = ["--whitelist-clients=/dev/null", "--whitelist-recipients=/dev/null"]
    one = [Event(START, "192.0.2.1", "unknown", "a@one.example", f"u{number}@x.example") for number in range(3)]
    happened = one + [Event(START + 400, *(getattr(event, name) for name in NEEDS[1:])) for event in one]
    with postgrey(words) as real_one:
        real_one.ask(happened, instances=["first"] * 3 + ["second"] * 3)
        theirs = real_one.answers()
    ours = replayed_here(happened, words)
    assert [answer[:2] for answer in ours] == [answer[:2] for answer in theirs]
    assert [delay for _, _, delay in theirs] == [None, None, None, 400, None, None]
    assert [delay for _, _, delay in ours] == [None, None, None, 400, 400, 400]


def one_by_one(count: int) -> pa.Table:
    """Attempts of two hosts, with the columns that tell their place."""
    found = table(events(3, count))
    found = found.append_column("host", pa.array([("mx1", "mx2")[row % 2] for row in range(count)]))
    networks = [client_network(one) for one in found["client_address"].to_pylist()]
    found = found.append_column("client_network", pa.array(networks))
    found = found.append_column("source", pa.array(["maillog"] * count))
    return found.append_column("offset", pa.array(range(count)))


def test_each_host_has_a_postgrey_of_its_own() -> None:
    both = one_by_one(2000)
    hosts = both["host"].to_pylist()
    together = replay(both)
    for host in ("mx1", "mx2"):
        rows = [row for row, name in enumerate(hosts) if name == host]
        assert together.take(rows) == replay(both.take(rows))
    assert together != replay(both.drop_columns(["host"]))


def test_parts_are_answered_as_the_whole() -> None:
    options = parse_options("--auto-whitelist-clients=2 --delay=60")
    lists = Whitelists()
    # In the order of time: a worker that gets a part knows no other.
    whole = one_by_one(800).sort_by([("time", "ascending"), ("offset", "ascending")])
    answers = replay(whole, options, lists)
    frame = whole.to_pandas()
    parts = [replayed(options, lists)(part) for _, part in frame.groupby([*partition(options)])]
    found = {int(row.offset): row.greylist_reason for part in parts for row in part.itertuples()}
    assert len(parts) > 100
    assert {"client AWL", "triplet found"} < set(found.values())
    assert [found[offset] for offset in whole["offset"].to_pylist()] == answers["reason"].to_pylist()


def test_wide_networks_are_not_split() -> None:
    assert partition(Options()) == ("host", "client_network")
    assert partition(Options(ipv4cidr=28, ipv6cidr=64)) == ("host", "client_network")
    assert partition(Options(ipv4cidr=20)) == ("host",)
    assert partition(Options(ipv6cidr=48)) == ("host",)
    assert partition(Options(ipv4cidr=20, lookup_by_host=True)) == ("host", "client_network")


def test_what_was_not_logged_is_not_answered_and_changes_nothing() -> None:
    whole = table(
        [Event(START + 100 * row, "192.0.2.1", "unknown", "a@one.example", "u@x.example") for row in range(6)]
    )
    alone = replay(whole.take([0, 5]))
    for name in ("client_address", "sender", "recipient"):
        values = whole[name].to_pylist()
        values[1:5] = [None] * 4
        some = whole.set_column(whole.column_names.index(name), name, pa.array(values, pa.string()))
        answers = replay(some)
        assert answers.take([0, 5]) == alone
        assert set(answers.slice(1, 4)["answer"].to_pylist()) == {None}
        assert set(answers.slice(1, 4)["reason"].to_pylist()) == {None}


def test_a_client_without_a_logged_name_may_be_whitelisted_by_name() -> None:
    nameless = table([Event(START, "192.0.2.1", "", "a@one.example", "u@x.example")])
    nameless = nameless.set_column(2, "client_name", pa.array([None], pa.string()))
    files = {"by_name": b"listed.example", "by_address": b"192.0.2.0/24", "other": b"192.0.3.0/24"}

    def answer(name: str) -> Any:
        options = Options(client_files=(name,), recipient_files=())
        return replay(nameless, options, whitelists(options, files.get))["answer"][0].as_py()

    assert (answer("by_name"), answer("by_address"), answer("other")) == (None, "dunno", "defer_if_permit")


def test_what_is_no_address_is_not_answered() -> None:
    # The real one dies of it.
    found = replay(table([Event(START, "unknown", "unknown", "a@one.example", "u@x.example")]))
    assert found.to_pylist() == [dict.fromkeys(SCHEMA.names)]


def test_no_attempts() -> None:
    assert replay(table([]), zone=UTC) == SCHEMA.empty_table()
    assert purge_times([], UTC) == []


def test_a_column_is_missing() -> None:
    with pytest.raises(AdvisorError, match="no column sender"):
        replay(table([]).drop_columns(["sender"]))


def test_another_action_is_another_answer() -> None:
    one = table([Event(START, "192.0.2.1", "unknown", "a@one.example", "u@x.example")])
    assert replay(one, parse_options("--greylist-action=451"))["answer"].to_pylist() == ["defer"]
    assert replay(one, parse_options("--greylist-action=dunno"))["answer"].to_pylist() == ["dunno"]


def test_times_are_whole_seconds() -> None:
    two = table([Event(START, "192.0.2.1", "unknown", "a@one.example", "u@x.example")] * 2)
    early = datetime.fromtimestamp(START, UTC) + timedelta(seconds=0.9)
    late = datetime.fromtimestamp(START, UTC) + timedelta(seconds=300)
    two = two.set_column(0, "time", pa.array([early, late], pa.timestamp("us", "UTC")))
    assert replay(two)["delay"].to_pylist() == [None, 300]


def test_an_extension_goes_and_numbers_are_one() -> None:
    assert normal_sender(b"Bounce-4711-x+y@News.Example") == b"bounce-#-x@news.example"
    assert normal_sender(b"b4711@news.example") == b"b4711@news.example"


def test_a_first_time_in_the_future_is_corrected() -> None:
    ask = database(Options(), keys=1, clients=1)
    assert [ask(moment, 0, 0) for moment in (1000, 900, 1150)] == [-300, -300, -50]


@pytest.mark.integration
@pytest.mark.long
def test_spark_answers_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real("java")
    from pyspark.sql import SparkSession

    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)

    whole = one_by_one(400).sort_by([("time", "ascending"), ("offset", "ascending")])
    options = parse_options("--auto-whitelist-clients=2 --delay=60")
    pq.write_table(whole, tmp_path / "attempts.parquet")
    settings_ = {"ui.enabled": "false", "driver.host": "127.0.0.1", "driver.bindAddress": "127.0.0.1"}
    builder = SparkSession.builder.master("local[1]").config("spark.sql.session.timeZone", "UTC")
    for name, value in (settings_ | {"sql.shuffle.partitions": "1"}).items():
        builder = builder.config(f"spark.{name}", value)
    spark = builder.getOrCreate()
    try:
        frame = spark.read.parquet(str(tmp_path / "attempts.parquet"))
        kinds = "greylist_answer string, greylist_action string, greylist_reason string, greylist_delay long"
        shape = ", ".join(f"{field.name} {field.dataType.simpleString()}" for field in frame.schema)
        groups = frame.groupBy(*partition(options))
        found = groups.applyInPandas(replayed(options, Whitelists()), f"{shape}, {kinds}").toArrow()
    finally:
        spark.stop()
    found = found.sort_by([("time", "ascending"), ("offset", "ascending")])
    expected = replay(whole, options)
    for name in SCHEMA.names:
        assert found[f"greylist_{name}"].to_pylist() == expected[name].to_pylist()


def test_a_success_counts_for_the_client_once_an_hour() -> None:
    for pause, fourth in ((3599, -60), (3600, AUTO)):
        ask = database(Options(delay=60, auto_whitelist=2), keys=3, clients=1)
        assert [ask(0, 0, 0), ask(0, 1, 0), ask(60, 0, 0)] == [-60, -60, FIRST + 60]
        assert ask(60 + pause, 1, 0) == FIRST + 60 + pause
        assert ask(9000, 2, 0) == fourth


def test_an_auto_whitelisted_client_is_remembered_from_its_last_hour() -> None:
    options = Options(delay=60, auto_whitelist=1, max_age=1000)

    def found(*seen: int) -> int:
        ask = database(options, keys=2, clients=1, purges=(10_000,))
        assert [ask(8000, 0, 0), ask(9500, 0, 0)] == [-60, FIRST + 1500]
        for moment in seen:
            assert ask(moment, 1, 0) == AUTO
        return ask(11_000, 1, 0)

    # It is dropped at 10,000 where it was last noted 1,000 seconds before; a clock that was set back notes it anew.
    assert (found(), found(9600), found(8900)) == (AUTO, AUTO, -60)
