"""A contrast: two periods of made-up attempts, of which it is known what is new and what is gone."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.contrast import contrast
from advisor.question import Question
from advisor.recommendation import Contrast
from tests.conftest import MONTH

START = datetime(2026, 11, 9, tzinfo=UTC)
WEEK = timedelta(days=7)
END = START + WEEK
SCHEMA = pa.schema(
    [("time", pa.timestamp("us", "UTC"))]
    + [(name, pa.string()) for name in ("origin", "action", "reasons", "restriction", "list")]
    + [(name, pa.string()) for name in ("client_address", "client_name")]
)
RBL: dict[str, Any] = {"action": "reject", "restriction": "reject_rbl_client", "list": "bl.example.net"}
PTR: dict[str, Any] = {"action": "reject", "restriction": "reject_unknown_reverse_client_hostname"}
WANTED = {"client_address": "192.0.2.77", "client_name": "mail.partner.example", "reasons": ";correspondent;"}


def attempt(time: datetime, **fields: Any) -> dict[str, Any]:
    known = dict.fromkeys(SCHEMA.names) | {"origin": "outside", "action": "accept", "reasons": ""}
    return known | {"client_address": "198.51.100.1", "client_name": "unknown", "time": time} | fields


def of(*rows: dict[str, Any], since: datetime = START - WEEK) -> Contrast | None:
    """The contrast of these and of an attempt at the first and at the last moment of the two weeks."""
    edges = [attempt(since), attempt(END - timedelta(seconds=1))]
    return contrast(pa.Table.from_pylist([*edges, *rows], schema=SCHEMA), START, END)


def found(*rows: dict[str, Any]) -> Contrast:
    made = of(*rows)
    assert made is not None
    return made


def now(number: int, **fields: Any) -> list[dict[str, Any]]:
    return [attempt(START + timedelta(minutes=n), **fields) for n in range(number)]


def before(number: int, **fields: Any) -> list[dict[str, Any]]:
    return [attempt(START - timedelta(minutes=n + 1), **fields) for n in range(number)]


def test_both_counts_stand_side_by_side() -> None:
    made = found(
        *now(3, reasons=";correspondent;"), *now(4, reasons=";filter_spam;"), *before(9, reasons=";filter_spam;"),
        *now(30, **PTR), *before(25, **PTR), *now(6, origin="authenticated"), *before(5, action="defer"),
    )  # fmt: skip
    assert (made.start, made.end) == (START - WEEK + timedelta(seconds=1), START)
    # The attempt at the very first moment lies one second before as long a time: the last attempt ends the period.
    assert made.counts == (
        ("attempts from outside", 38, 39),
        ("accepted", 8, 9),
        ("of these wanted", 3, 0),
        ("of these unwanted", 4, 9),
        ("rejected or deferred", 30, 30),
        ("wanted clients refused", 0, 0),
        ("refused by reject_unknown_reverse_client_hostname", 30, 25),
        ("refused by other", 0, 5),
    )
    assert made.news == ()


def test_what_refuses_anew_and_what_refuses_no_more_is_news() -> None:
    assert found(*now(100, **PTR), *before(50, **PTR), *before(40, **RBL)).news == (
        "Gone: reject_rbl_client bl.example.net refused none of 100 attempts, and 40 of 90 before.",
    )
    assert found(*before(50, **PTR), *now(40, **RBL), *now(50, **PTR)).news == (
        "New: reject_rbl_client bl.example.net refused 40 of 90 attempts, and none of 50 before.",
    )


@pytest.mark.parametrize(("number", "others"), [(19, 0), (20, 990)])
def test_what_refused_little_is_no_news(number: int, others: int) -> None:
    rows = [*now(number, **RBL), *now(others, **PTR), *before(others, **PTR)]
    assert found(*rows).news == ()
    assert found(*rows, *now(5, **RBL)).news


def test_a_wanted_host_that_is_refused_for_the_first_time_is_the_first_news() -> None:
    rows = [*now(4, **PTR | WANTED), *now(2, **RBL | WANTED), *now(30, **PTR)]
    first, second = found(*rows).news
    assert first == (
        "192.0.2.77 (mail.partner.example) was refused 4 times by reject_unknown_reverse_client_hostname, 2 times by "
        "reject_rbl_client bl.example.net, and not in the time before; it is wanted: our users write to this sender."
    )
    assert second.startswith("New: reject_unknown_reverse_client_hostname")
    assert found(*rows).counts[5] == ("wanted clients refused", 1, 0)
    # It was refused before, too.
    assert not any("192.0.2.77" in words for words in found(*rows, *before(1, **PTR | WANTED)).news)


def test_of_many_hosts_three_are_named_and_the_others_counted() -> None:
    rows = [row for n in range(1, 6) for row in now(n, **PTR | WANTED | {"client_address": f"192.0.2.{n}"})]
    named = [words for words in found(*rows).news if "wanted" in words]
    assert [words.partition(" ")[0] for words in named] == ["192.0.2.5", "192.0.2.4", "192.0.2.3", "2"]


@pytest.mark.parametrize(
    "fields",
    [
        {"reasons": ";correspondent;virus;"},  # contradictory
        {"restriction": "reject_unlisted_recipient"},  # whoever sends it
        {"restriction": "postgrey", "action": "defer"},  # for some minutes
        {"reasons": ";filter_clean;"},  # the filter may not testify on the PTR record
        {"client_address": None},
    ],
)
def test_whom_nobody_harmed_is_no_news(fields: dict[str, Any]) -> None:
    assert found(*now(4, **PTR | WANTED | fields)).news == ()


def test_a_host_that_something_accuses_once_is_no_news() -> None:
    assert found(*now(4, **PTR | WANTED), *now(1, **PTR | WANTED | {"reasons": ";virus;"})).news == ()


def test_nothing_is_compared_with_a_time_that_the_log_does_not_hold() -> None:
    assert of(since=START - WEEK * 0.91) is not None
    assert of(since=START - WEEK * 0.89) is None
    assert contrast(SCHEMA.empty_table(), START, END) is None
    assert contrast(pa.Table.from_pylist([attempt(START - WEEK)], schema=SCHEMA), START, END) is None


@given(
    st.lists(
        st.tuples(
            st.integers(-8 * 24, 9 * 24),
            st.sampled_from(["accept", "reject", "defer"]),
            st.sampled_from(["", ";correspondent;", ";filter_spam;"]),
            st.sampled_from([None, "reject_rbl_client", "postgrey"]),
            st.sampled_from([None, "192.0.2.1", "192.0.2.2"]),
        ),
        max_size=40,
    )
)
def test_the_parts_add_up(rows: list[tuple[int, str, str, str | None, str | None]]) -> None:
    made = found(
        *(
            attempt(START + timedelta(hours=hour), action=action, reasons=reasons, restriction=by, client_address=who)
            for hour, action, reasons, by, who in rows
        )
    )
    counts = {name: (now, before) for name, now, before in made.counts}
    for at, kept in enumerate((range(7 * 24), range(-7 * 24 + 1, 0))):
        actions = [action for hour, action, *_ in rows if hour in kept]
        assert counts["attempts from outside"][at] == len(actions) + (at == 0)
        assert counts["accepted"][at] == actions.count("accept") + (at == 0)
        assert counts["accepted"][at] + counts["rejected or deferred"][at] == counts["attempts from outside"][at]
        assert counts["of these wanted"][at] + counts["of these unwanted"][at] <= counts["accepted"][at]
        refused = [each[at] for name, each in counts.items() if name.startswith("refused by ")]
        assert sum(refused) == counts["rejected or deferred"][at]


def test_a_question_with_a_beginning_is_set_against_the_time_before() -> None:
    def question(since: str | None, until: str | None = None) -> Question:
        return Question((MONTH,), since=since, until=until, zone=UTC, now=datetime(2026, 11, 1, tzinfo=UTC))

    def asked(since: str | None, until: str | None = None) -> Contrast | None:
        return question(since, until)._contrast()

    made = question("7d").advise().contrast
    assert made is not None
    assert made.end == datetime(2026, 10, 25, tzinfo=UTC)
    assert asked("30d") is None
    assert asked(None) is None
    earlier = asked("2026-10-18", "2026-10-25")
    assert earlier is not None
    # The time before the last week is the week before it, but for what came after the last attempt.
    assert abs(earlier.counts[0][1] - made.counts[0][2]) < 10
