"""An excerpt: advice that is made of it is the same to the last letter as advice that is made of all events."""

import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from advisor import excerpt, ingestion
from advisor.clearance import clear
from advisor.event import SCHEMA
from advisor.excerpt import COLUMNS, Period
from advisor.history import History
from advisor.ingestion import ingest
from advisor.question import Question
from advisor.reports import render
from advisor.store import read
from tests import month
from tests.conftest import LAB, MONTH, TODAY, lab_log, write

NOW = datetime(2026, 12, 31, 12, tzinfo=UTC)
PERIODS = [Period(), Period(datetime(2026, 11, 21, 12, tzinfo=UTC), datetime(2026, 11, 22, tzinfo=UTC))]


class Excerpted(Question):
    """A question whose events are an excerpt."""

    @cached_property
    def history(self) -> History:
        assert self.store is not None
        bounds = [None if text is None else datetime.fromisoformat(text) for text in (self.since, self.until)]
        return replace(Question(store=self.store).history, read=excerpt.read(self.store, Period(*bounds)))


def stored(folder: Path, *logs: Path) -> Path:
    """A store of parts so small that a kind is spread over several."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ingestion, "PART", 700_000)
        ingest(logs, folder / "store", zone=UTC, today=TODAY)
    return folder / "store"


def helpers() -> bytes:
    """A log with what helpers say that know a Message-ID only, and with what is in none of ours."""
    log = lab_log("baseline")
    for name in sorted(set(re.findall(rb"message-id=<(s\d+\.\d@lab\.example)>", log)))[:40:2]:
        log += b"Nov 22 22:10:38 mx1 dovecot: lmtp(a@ourdom.test)<3><z>: sieve: msgid=<%s>: " % name
        log += b"stored mail into mailbox 'Junk'\n"
        log += b"Nov 22 22:10:38 mx1 rspamd[9]: <7f1b2c>; proxy; rspamd_task_write_log: id: <%s>, " % name
        log += b"(default: F (no action): [0.20/15.00] [ARC_NA(0.00){}]), len: 2381, time: 120.101ms\n"
    smtpd = b"Nov 22 22:10:39 mx1 postfix/smtpd[9]: warning: "
    log += (smtpd + b"mail.good.example[203.0.113.10]: SASL PLAIN authentication failed: no\n") * 12
    log += (
        smtpd + b"hostname a.example does not resolve to address 192.0.2.9: Temporary failure in name resolution\n"
    ) * 999
    log += b"Nov 22 22:10:39 mx1 postfix/smtpd[9]: what nobody has ever logged\n"
    return log.replace(b" mx1 ", b" mx2 ")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a real Postfix and its helpers logged, a small month with a content filter, and helpers()."""
    folder = tmp_path_factory.mktemp("excerpt")
    write(folder / "helpers.log", helpers())
    write(folder / "month.log", month.write(5, 30).text(0, month.DAYS).encode(), date(2026, 11, 1))
    return stored(folder, LAB, folder / "helpers.log", folder / "month.log")


def test_message_ids_count(store: Path) -> None:
    """They are read only where somebody names them, and there they tell."""
    found = excerpt.read(store)
    named = found.filter(pc.field("kind") == "message_id").num_rows
    assert 0 < named < read(store, ["kind"]).filter(pc.field("kind") == "message_id").num_rows / 4
    weighed = Counter(";".join(Excerpted(store=store, zone=UTC, now=NOW).weighed["reasons"].to_pylist()).split(";"))
    assert weighed["junk"] > 5
    assert weighed["filter_clean"] > 5


def test_advice_is_the_same(store: Path) -> None:
    assert_same(store, None, None)


@pytest.mark.long
def test_advice_on_a_month_and_allowlists_are_the_same(tmp_path: Path) -> None:
    store = stored(tmp_path, MONTH, LAB)
    assert_same(store, None, None)
    assert_same(store, "2026-10-12T00:00:00+00:00", "2026-10-20T06:00:00+00:00")
    for name in ("client_access", "helo_access"):
        whole, part = Question(store=store, zone=UTC, now=NOW), Excerpted(store=store, zone=UTC, now=NOW)
        assert clear(part, name) == clear(whole, name)


def test_a_postfix_that_does_not_count_commands(tmp_path: Path) -> None:
    log = re.sub(rb"(: disconnect from \S+\]) .*", rb"\1", lab_log("baseline"))
    write(tmp_path / "old.log", log)
    assert_same(stored(tmp_path, tmp_path / "old.log"), None, None)


def assert_same(store: Path, since: str | None, until: str | None) -> None:
    whole = Question(store=store, since=since, until=until, zone=UTC, now=NOW)
    part = Excerpted(store=store, since=since, until=until, zone=UTC, now=NOW)
    assert part.history.events.num_rows < whole.history.events.num_rows / 2
    assert part.weighed.equals(whole.weighed)
    assert render(part.advise(), "json", now=NOW) == render(whole.advise(), "json", now=NOW)


def test_an_excerpt_takes_a_fraction_of_the_memory(store: Path) -> None:
    assert excerpt.read(store).nbytes < read(store).nbytes / 4


def test_who_asks_for_another_column_gets_an_error(store: Path) -> None:
    assert set(COLUMNS) < set(SCHEMA.names)
    with pytest.raises(KeyError):
        excerpt.read(store)["helo_name"]


def test_each_kind_is_in_log_order_and_each_host_there(store: Path) -> None:
    found, events = excerpt.read(store), read(store)
    whole = dict.fromkeys(("started", "dkim_signature", "scanned", "stored"), COLUMNS)
    some = dict.fromkeys(("pregreet", "screen_pass", "screen_rank"), ("time", "client_address"))
    for kind, columns in {**whole, **some, "spf": ("time", "result"), "disconnect": ("time", "commands")}.items():
        wanted = events.filter(pc.field("kind") == kind).select(columns)
        assert found.filter(pc.field("kind") == kind).select(columns).equals(wanted)
        assert wanted.num_rows > 0
    assert set(found["host"].to_pylist()) - {None} == set(events["host"].to_pylist()) - {None}


def test_one_postfix_of_several(store: Path) -> None:
    found = excerpt.read(store, syslog_name="other")
    assert set(found["kind"].to_pylist()).isdisjoint({"connect", "verdict"})
    assert "spf" in found["kind"].to_pylist()


def test_the_edges_of_a_period_stay(store: Path) -> None:
    """What begins it may be an event that nobody reads."""
    times = read(store)["time"]
    for period in PERIODS:
        found = period.of(excerpt.read(store, period))["time"]
        inside = period.of(pa.table({"time": times}))["time"]
        assert pc.min_max(found) == pc.min_max(inside)
