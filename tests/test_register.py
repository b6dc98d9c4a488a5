"""The register: attempts that were written down early are those of one look at everything."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor import correlation, pile, register
from advisor.attempt import attempts
from advisor.bcc import Copies
from advisor.correlation import KINDS, Correlation
from advisor.habit import infer_helos
from advisor.pile import Pile
from advisor.recipient import recipients
from advisor.record import records
from advisor.register import Register
from advisor.row import SCHEMA, Completion, Ours
from advisor.session import Row
from tests.conftest import lab_log
from tests.test_attempt import HERE, INSIDE, LABS, SCENARIOS, parse
from tests.test_retry import name_messages

OURS = Ours.of(INSIDE, ["ourdom.test"], ())


def at_once(events: pa.Table) -> pa.Table:
    """The attempts of one host, all of them as Python values until the end."""
    copies, rows = Copies(), []
    for session in Correlation().sessions(records(events.to_batches(), KINDS)):
        found = recipients(session, copies)
        copies.passed += len(found)
        rows += found
    dropped = copies.found()
    rows = [row for number, row in enumerate(rows) if number not in dropped]
    order = {source: rank for rank, source in enumerate(dict.fromkeys(events["source"].to_pylist()))}
    rows.sort(key=lambda row: (order[row["source"]], row["offset"]))
    name_messages(rows)
    infer_helos(rows)
    completion = Completion(OURS)
    for row in rows:
        completion.complete(row)
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def registered(events: pa.Table, size: int = 1_000) -> pa.Table:
    found = Register(OURS)
    for batch in events.to_batches(max_chunksize=size):
        found.add(batch)
    return pa.Table.from_batches(found.batches(), SCHEMA)


def small(patch: pytest.MonkeyPatch, full: int, slice_: int, late: int) -> None:
    """Batches, slices and a delay so small that there are many of them."""
    patch.setattr(register, "_FULL", full)
    patch.setattr(register, "_LATE", late)
    patch.setattr(register, "SLICE", slice_)
    patch.setattr(pile, "SLICE", slice_)


@pytest.mark.parametrize("name", [*SCENARIOS, "amavis", "postscreen_deep", "spf"])
def test_as_in_one_look(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    events = parse((HERE / f"{name}.log").read_bytes() if name in SCENARIOS else lab_log(name))
    expected = at_once(events)
    assert expected.num_rows > 3
    assert registered(events).equals(expected)
    small(monkeypatch, 3, 5, 0)
    assert registered(events, 7).equals(expected)


LINES = [line for name in (*LABS, "retries", "habits", "recipients") for line in
         (lab_log(name) if name in LABS else (HERE / f"{name}.log").read_bytes()).splitlines(keepends=True)
         if b" mx1 " in line[:30]]  # fmt: skip


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from(LINES), max_size=300), st.integers(1, 9), st.integers(1, 9), st.integers(0, 10**9))
def test_lines_in_disorder(lines: list[bytes], full: int, slice_: int, late: int) -> None:
    events = parse(b"".join(lines))
    with pytest.MonkeyPatch.context() as patch:
        small(patch, full, slice_, late)
        assert registered(events, full).equals(at_once(events))


DELAYS = "delay=0, delays=0/0/0/0, dsn=2.0.0, status=sent (ok)"


def visit(minute: int, client: int, recipients: int, reply: str = "", *, helo: bool = True) -> str:
    """A visit that is deferred, or taken in with a copy for the archive."""
    head = f"Nov 22 {minute // 60:02d}:{minute % 60:02d}:00 mx1 postfix"
    who, queue_id = f"c{client}.example[203.0.113.{client}]", f"A{minute:05X}"
    said = f" proto=ESMTP helo=<h{client}.example>" if helo else ""
    names = [f"r{number}m{minute % 3}" for number in range(recipients)]
    lines = [f"{head}/smtpd[{minute + 100}]: connect from {who}"]
    if reply:
        lines += [
            f"{head}/smtpd[{minute + 100}]: NOQUEUE: reject: RCPT from {who}: {reply} <{name}@ourdom.test>: Recipient "
            f"address rejected: Greylisted; from=<s{client % 3}@c.example> to=<{name}@ourdom.test>{said}"
            for name in names
        ]
    else:
        lines += [
            f"{head}/smtpd[{minute + 100}]: {queue_id}: client={who}",
            f"{head}/qmgr[9]: {queue_id}: from=<s{client % 3}@c.example>, size=4, nrcpt=1 (queue active)",
            *(
                f"{head}/virtual[8]: {queue_id}: to=<{name}@ourdom.test>, relay=virtual, {DELAYS}"
                for name in [*names, "archive"]
            ),
            f"{head}/qmgr[9]: {queue_id}: removed",
        ]
    return "\n".join([*lines, f"{head}/smtpd[{minute + 100}]: disconnect from {who}", ""])


VISITS = st.tuples(
    *(st.integers(1, 4), st.integers(1, 3), st.sampled_from(["", "", "450 4.2.0", "554 5.7.1"]), st.booleans()),
    st.integers(0, 3),
)


@settings(max_examples=12, deadline=None)
@given(st.lists(VISITS, min_size=45, max_size=60), st.integers(1, 9), st.integers(1, 9), st.integers(0, 10**9))
def test_retries_habits_and_copies(
    visits: list[tuple[int, int, str, bool, int]], full: int, slice_: int, late: int
) -> None:
    text, ends = "", ""
    for minute, (client, count, reply, helo, stays) in enumerate(visits):
        lines = visit(minute, client, count, reply, helo=helo)
        # One in four hangs up when all is over, so its attempts are known last.
        end = lines.rindex("Nov") if stays == 0 else len(lines)
        text, ends = text + lines[:end], ends + lines[end:]
    events = parse((text + ends).encode())
    with pytest.MonkeyPatch.context() as patch:
        small(patch, full, slice_, late)
        patch.setattr(correlation, "_SWEEP", 1)
        assert registered(events, full).equals(at_once(events))


def test_what_is_looked_for_is_there() -> None:
    # Else the test above would compare nothing with nothing.
    late = [visit(minute, 1, 2, "450 4.2.0") for minute in (0, 3)] + [visit(6, 1, 2, helo=False)]
    text = "".join(late + [visit(minute, 2, 1) for minute in range(7, 37)])
    rows = registered(parse(text.encode())).to_pylist()
    assert {row["recipient"] for row in rows} == {f"r{one}@ourdom.test" for one in ("0m0", "1m0", "0m1", "0m2")}
    assert len({row["message"] for row in rows if row["client_address"] == "203.0.113.1"}) == 1
    assert [row["helo_name"] for row in rows if row["helo_basis"] == "inferred"] == ["h1.example"] * 2


def test_attempts_that_are_known_are_no_python_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(register, "_FULL", 100)
    found = Register(OURS)
    for day in range(4):
        text = "".join(visit(minute, minute % 200, 1) for minute in range(1440)).replace("Nov 22", f"Nov {22 + day}")
        found.add(parse(text.encode(), f"day{day}").combine_chunks().to_batches()[0])
        # Besides those, only what the correlation has not swept yet.
        assert sum(len(rows) for rows in found._rows.values()) < 2 * 100
        assert len(found._correlation) < 3_000
        assert len(found._pile) > 2 * 1440 * day
    assert sum(each.size for each in found._pile._packed if each) < 250 * len(found._pile)


NUMBERED = pa.schema([("source", pa.string()), ("offset", pa.int64()), ("value", pa.string())])


def add(found: Pile, rows: list[Row], batches: list[list[tuple[str, int]]]) -> None:
    for batch in batches:
        new = [{"source": source, "offset": at, "value": f"v{len(rows)}"} for source, at in batch]
        rows += [row | {"value": f"v{len(rows) + number}"} for number, row in enumerate(new)]
        found.add(pa.RecordBatch.from_pylist(rows[len(rows) - len(batch) :], schema=NUMBERED))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 20)), max_size=12), max_size=8), st.data())
def test_a_pile_in_log_order(batches: list[list[tuple[str, int]]], data: Any) -> None:
    rows: list[Row] = []
    found = Pile(NUMBERED)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pile, "HELD", data.draw(st.sampled_from([0, 1_000, pile.HELD])))
        add(found, rows, batches)
    assert len(found) == len(rows)
    ranks = {"b": 0, "a": 1, "c": 2}
    order = found.log_order(ranks)
    wanted = sorted(rows, key=lambda row: (ranks[row["source"]], row["offset"]))
    some = np.asarray(data.draw(st.lists(st.integers(0, max(0, len(rows) - 1)), max_size=9 if rows else 0)), np.int64)
    assert found.take(some, ["value"]).to_pylist() == [{"value": rows[number]["value"]} for number in some]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pile, "SLICE", 3)
        handed = [(numbers, batch.to_pylist()) for numbers, batch in found.hand_out(order)]
    assert [row for _, given in handed for row in given] == wanted
    assert [row for numbers, given in handed for row in given] == [
        rows[number] for numbers, _ in handed for number in numbers
    ]


def test_no_events_no_attempts() -> None:
    assert attempts(parse(b"")).equals(SCHEMA.empty_table())
    assert registered(parse(b"")).equals(SCHEMA.empty_table())
