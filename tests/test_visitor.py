"""The clients to look at first: which they are, and that their story is the log's."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor import attempt
from advisor.evidence import verdict
from advisor.question import Question
from advisor.visitor import BUSIEST, LAST, UNWANTED, Try, visitors
from tests.conftest import MONTH, ROOT

START = datetime(2026, 10, 1, tzinfo=UTC)
SCHEMA = attempt.SCHEMA.append(pa.field("reasons", pa.string()))
GOOD, BAD = ";filter_clean;", ";filter_spam;"


def attempts(*rows: dict[str, Any]) -> pa.Table:
    made = [
        {"time": START + timedelta(minutes=number), "action": "accept", "reasons": "", **row}
        for number, row in enumerate(rows)
    ]
    return pa.Table.from_pylist(made, schema=SCHEMA)


def test_a_story_is_what_the_attempts_say() -> None:
    (one,) = visitors(
        attempts(
            {"client_address": "192.0.2.1", "client_name": "a.example", "sender": "x@x.example", "reasons": GOOD},
            {"client_address": "192.0.2.1", "client_name": None, "sender": "", "reasons": BAD, "helo_name": "h"},
            {"client_address": "192.0.2.1", "client_name": "unknown", "sender": "x@x.example"},
            {"client_address": "192.0.2.1", "action": "reject", "reply": "554", "text": "no", "restriction": "r"},
            {"client_address": "192.0.2.1", "action": "defer", "time": None, "recipient": "us@us.example"},
            {"client_address": None},
        )
    )

    assert (one.attempts, one.accepted, one.rejected, one.deferred) == (5, 3, 1, 1)
    assert (one.wanted, one.unwanted) == (1, 1)
    assert (one.client_name, one.helo_name, one.reverse_client_name) == ("unknown", "h", None)
    assert (one.first_seen, one.last_seen) == (START, START + timedelta(minutes=3))
    assert dict(one.evidence) == {"the content filter passed it": 1, "the content filter called it spam": 1}
    assert one.refused_by == (("r", 1), ("other", 1))
    assert one.senders == ("x@x.example", "")
    assert one.last == (
        Try(START + timedelta(minutes=2), "x@x.example", None, "accept", None, None),
        Try(START + timedelta(minutes=3), None, None, "reject", "554", "no"),
        Try(None, None, "us@us.example", "defer", None, None),
    )


def test_nobody_came() -> None:
    assert visitors(attempts()) == ()
    assert visitors(attempts({"client_address": None})) == ()


@given(st.lists(st.tuples(st.integers(0, 40), st.sampled_from([GOOD, BAD, ""]), st.booleans()), max_size=120))
def test_the_busiest_and_the_worst_are_told(mail: list[tuple[int, str, bool]]) -> None:
    rows = [
        {"client_address": f"192.0.2.{who:03}", "reasons": why, "action": "accept" if let_in else "reject"}
        for who, why, let_in in mail
    ]
    found = [one.client_address for one in visitors(attempts(*rows))]

    all_ = Counter(row["client_address"] for row in rows)
    bad = Counter(row["client_address"] for row in rows if row["action"] == "accept" and row["reasons"] == BAD)
    by = [sorted(counts, key=lambda one, counts=counts: (-counts[one], one)) for counts in (all_, bad)]  # type: ignore[misc]  # mypy knows no type for a default
    assert set(found) == {*by[0][:BUSIEST], *by[1][:UNWANTED]}
    assert found == sorted(found, key=lambda one: (-all_[one], one))


@pytest.fixture(scope="module")
def question() -> Question:
    return Question([MONTH], config=ROOT / "sample_logs" / "main.cf")


def test_those_of_the_month_are_counted_right(question: Question) -> None:
    outside = question.weighed.filter(pc.field("origin") == "outside")
    for one in visitors(outside):
        mail = outside.filter(pc.field("client_address") == one.client_address).to_pylist()
        accepted = [row for row in mail if row["action"] == "accept"]
        assert (one.attempts, one.accepted) == (len(mail), len(accepted))
        assert one.accepted + one.rejected + one.deferred == one.attempts
        assert one.unwanted == sum(verdict(row["reasons"]) is False for row in accepted)
        assert [each.time for each in one.last] == [row["time"] for row in mail[-LAST:]]
