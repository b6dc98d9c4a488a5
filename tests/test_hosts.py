"""Several hosts, and several instances of Postfix, in one store: nothing of one gets into the attempts of another."""

from collections.abc import Sequence
from datetime import UTC, date
from functools import cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from advisor.attempt import attempts, attempts_of_host
from advisor.ingestion import ingest
from advisor.row import Ours
from advisor.store import read
from tests.conftest import lab_log, write
from tests.test_attempt import HERE, INSIDE, LABS, SCENARIOS, parse

Row = dict[str, Any]

_PLACES = ("session", "message")


def scenario(name: str) -> list[bytes]:
    """The lines of a log."""
    text = (HERE / f"{name}.log").read_bytes() if name in SCENARIOS else lab_log(name)
    return [line for line in text.splitlines(keepends=True) if not line.startswith(b"#")]


@cache
def host_of(name: str) -> bytes:
    """The host that most lines of a log are of."""
    hosts = [line.split()[3] for line in scenario(name) if len(line.split()) > 3]
    return max(set(hosts), key=hosts.count)


@cache
def one_host(name: str) -> tuple[bytes, ...]:
    """The lines of one host, whose name is put where HOST stands."""
    own = b" " + host_of(name) + b" "
    return tuple(line.replace(own, b" HOST ", 1) for line in scenario(name) if own in line[:40])


def merged(threads: Sequence[Sequence[bytes]], choices: Any) -> list[tuple[int, int, bytes]]:
    """Lines of several logs in one, each log's in their order: which log, which line of it, and the line."""
    order = [number for number, thread in enumerate(threads) for _ in thread]
    choices.shuffle(order)
    at = [0] * len(threads)
    found = []
    for number in order:
        found.append((number, at[number], threads[number][at[number]]))
        at[number] += 1
    return found


Line = tuple[int, int]
"""Which log, and which line of it."""


def by_line(table: pa.Table, line_at: dict[tuple[str, int], Line]) -> list[Row]:
    """Attempts with the line that they name where its place in the log stood."""
    rows: list[Row] = table.drop_columns(["host", "syslog_name"]).to_pylist()
    for row in rows:
        row["offset"] = line_at[row.pop("source"), row["offset"]]
        for column in _PLACES:
            source, _, offset = row[column].rpartition(":")
            row[column] = line_at[source, int(offset)]
    return rows


def alone(lines: Sequence[bytes], which: int = 0) -> list[Row]:
    """The attempts of one log, by itself."""
    offsets, at = {}, 0
    for number, line in enumerate(lines):
        offsets["log", at] = which, number
        at += len(line)
    found = attempts(parse(b"".join(lines), "log"), networks=INSIDE, domains=["ourdom.test"])
    return by_line(found, offsets)


HOSTS = (b"mx1", b"mx2", b"mx3")
LOGS = [name for name in (*SCENARIOS, *LABS) if len(one_host(name)) < 1_500]


@settings(max_examples=10, deadline=None)
@given(st.sampled_from(LOGS), st.sampled_from(LOGS), st.randoms(use_true_random=False))
def test_two_hosts_in_one_file(name: str, other: str, random: Any) -> None:
    # Twice the same log: the same process ids, queue ids, clients and times.
    threads = [one_host(name), one_host(name), one_host(other)]
    lines = merged([[line.replace(b" HOST ", b" %s " % host, 1) for line in thread]
                    for thread, host in zip(threads, HOSTS, strict=True)], random)  # fmt: skip
    line_at, at = {}, 0
    for which, number, line in lines:
        line_at["log", at] = which, number
        at += len(line)
    found = attempts(parse(b"".join(line for *_, line in lines)), networks=INSIDE, domains=["ourdom.test"])
    offsets = found["offset"].to_pylist()
    assert offsets == sorted(offsets)
    for which, (host, thread) in enumerate(zip(HOSTS, threads, strict=True)):
        own = found.filter(pc.field("host") == host.decode())
        assert by_line(own, line_at) == alone([line.replace(b" HOST ", b" mx1 ", 1) for line in thread], which)
    assert found.num_rows == sum(len(alone(thread)) for thread in threads)


@settings(max_examples=10, deadline=None)
@given(st.sampled_from(LOGS), st.randoms(use_true_random=False))
def test_two_instances_on_one_host(name: str, random: Any) -> None:
    # Helpers do not say whose message they speak of; so Postfix's own lines, and a queue manager for each.
    own = [line for line in one_host(name) if b" HOST postfix/" in line]
    begins = b"Nov 01 00:00:00 HOST postfix/qmgr[1]: FFFFFF: removed\n"
    threads = [[begins, *own], [line.replace(b" HOST postfix/", b" HOST postfix-in/") for line in [begins, *own]]]
    lines = [*((number, 0, thread[0]) for number, thread in enumerate(threads))]
    lines += [(which, number + 1, line) for which, number, line in merged([thread[1:] for thread in threads], random)]
    line_at, at = {}, 0
    for which, number, line in lines:
        line_at["log", at] = which, number
        at += len(line)
    found = attempts(parse(b"".join(line for *_, line in lines)), networks=INSIDE, domains=["ourdom.test"])
    for which, instance in enumerate(("postfix", "postfix-in")):
        its = found.filter(pc.or_(pc.equal(found["syslog_name"], instance),
                                  pc.starts_with(found["syslog_name"], f"{instance}/")))  # fmt: skip
        assert by_line(its, line_at) == alone(threads[0], which)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(LOGS), st.sampled_from(LOGS), st.integers(1, 3), st.randoms(use_true_random=False))
def test_two_hosts_in_one_store(
    tmp_path_factory: pytest.TempPathFactory, name: str, other: str, parts: int, random: Any
) -> None:
    folder = tmp_path_factory.mktemp("hosts")
    line_at: dict[tuple[str, int], Line] = {}
    expected = []
    for which, (host, log) in enumerate(zip(HOSTS, (name, name, other), strict=True)):
        lines = [line.replace(b" HOST ", b" %s " % host, 1) for line in one_host(log)]
        expected.append(alone(lines, which))
        at = 0
        for number, line in enumerate(lines):
            line_at[host.decode(), at] = which, number
            at += len(line)
        write(folder / f"{host.decode()}.log", b"".join(lines))
    logs = sorted(folder.glob("*.log"))
    random.shuffle(logs)
    for some in (logs[:parts], logs[parts:]):
        if some:
            ingest(some, folder / "store", zone=UTC, today=date(2026, 12, 31), year=2026)
    events = read(folder / "store")
    found = attempts(events, networks=INSIDE, domains=["ourdom.test"])
    hosts = dict(zip(events["source"].to_pylist(), events["host"].to_pylist(), strict=True))
    line_at = {(source, at): line_at[host, at] for source, host in hosts.items() for of, at in line_at if of == host}
    for host, rows in zip(HOSTS, expected, strict=True):
        assert by_line(found.filter(pc.field("host") == host.decode()), line_at) == rows


def test_a_client_that_two_hosts_know_by_one_private_address_has_two_habits() -> None:
    visit = (
        b"Nov 22 11:00:0%d %s postfix/smtpd[1]: connect from unknown[10.0.0.9]\n"
        b"Nov 22 11:00:0%d %s postfix/smtpd[1]: NOQUEUE: reject: RCPT from unknown[10.0.0.9]: 450 4.7.25 Client host "
        b"rejected: cannot find your hostname, [10.0.0.9]; from=<a@b.example> to=<c@ourdom.test> proto=ESMTP "
        b"helo=<printer.example>\n"
        b"Nov 22 11:00:0%d %s postfix/smtpd[1]: disconnect from unknown[10.0.0.9] ehlo=1 mail=1 rcpt=0/1 commands=2/3\n"
    )
    silent = (
        b"Nov 22 11:00:09 %s postfix/smtpd[1]: connect from unknown[10.0.0.9]\n"
        b"Nov 22 11:00:09 %s postfix/smtpd[1]: A1B2C3D: client=unknown[10.0.0.9]\n"
        b"Nov 22 11:00:09 %s postfix/smtpd[1]: disconnect from unknown[10.0.0.9] ehlo=1 mail=1 rcpt=1 commands=3\n"
    )
    visits = b"".join(visit % (at, b"mx1", at, b"mx1", at, b"mx1") for at in range(3))
    for host, helo in ((b"mx1", "printer.example"), (b"mx2", None)):
        last = attempts(parse(visits + silent % (host, host, host))).to_pylist()[-1]
        assert last["helo_name"] == helo


@pytest.mark.parametrize("name", ["amavis", "postscreen_deep", "spf"])
def test_the_attempts_of_a_host_in_batches(name: str) -> None:
    events = parse(b"".join(one_host(name)))
    whole = attempts(events, networks=INSIDE, domains=["ourdom.test"])
    ours = Ours.of(INSIDE, ["ourdom.test"], ())
    found = [*attempts_of_host(events.to_batches(max_chunksize=97), ours)]
    assert pa.Table.from_batches(found, whole.schema).equals(whole)
