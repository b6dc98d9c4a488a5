"""What greylisting would do: small histories whose answer one knows, and what holds for all."""

import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.comeback import Past, comebacks, pool_of
from advisor.forecast import EDGES, Forecast, forecast, terminal
from advisor.greylist import replay
from advisor.postgrey import Options, Whitelists
from advisor.question import Question
from advisor.triplet import questions
from tests.conftest import MONTH

START = 1_790_000_000
HOUR, DAY = 3600, 86_400
COLUMNS = (
    *("time", "host", "client_address", "client_name", "sender", "recipient"),
    *("action", "restriction", "origin", "message"),
)
QUIET: dict[str, Any] = {"client_address": "203.0.113.99", "sender": "end@quiet.example", "recipient": "end@x.example"}


def attempt(at: int, **fields: Any) -> dict[str, Any]:
    usual = {
        "host": "mx1",
        "client_address": "192.0.2.1",
        "client_name": "mail.one.example",
        "sender": "a@one.example",
        "recipient": "u@x.example",
        "action": "accept",
        "restriction": None,
        "origin": "outside",
        "message": f"m{at}",
    }
    return usual | {"time": START + at} | fields


def deferred(at: int, **fields: Any) -> dict[str, Any]:
    return attempt(at, action="defer", restriction="reject_unknown_client_hostname", **fields)


def greylisted(at: int, **fields: Any) -> dict[str, Any]:
    return attempt(at, action="defer", restriction="postgrey", **fields)


def table(rows: Sequence[dict[str, Any]]) -> pa.Table:
    columns: dict[str, Any] = {name: pa.array([row[name] for row in rows], pa.string()) for name in COLUMNS[1:]}
    moments = pa.array([1_000_000 * row["time"] for row in rows], pa.timestamp("us", "UTC"))
    return pa.table({"time": moments, **columns})


def foreseen(*rows: dict[str, Any], options: Options | None = None) -> Forecast:
    return forecast(table(rows), options or Options())


def counts(found: Forecast) -> dict[str, int]:
    names = ("passes", "delayed", "lost", "unknowable", "not_logged")
    return {name: number for name in names if (number := getattr(found, name).deliveries)}


def test_of_a_client_that_was_never_deferred_nobody_knows() -> None:
    found = foreseen(attempt(0))
    assert counts(found) == {"unknowable": 1}
    assert found.unknowable_share == 1
    assert found.if_nobody_returned.deliveries == 1


def test_a_client_that_came_back_after_another_4xx_is_delayed_as_long() -> None:
    found = foreseen(deferred(0), attempt(900), attempt(DAY, sender="b@one.example"))
    # The first delivery, at 900, is another triplet than the second.
    assert counts(found) == {"delayed": 2}
    assert [late.seconds for late in found.late] == [900]
    assert (found.delays.logged, found.delays.inferred) == (2, 0)
    assert found.seen.returned == 1


def test_a_client_that_was_let_in_early_repeats_its_pause() -> None:
    found = foreseen(deferred(0), deferred(40), attempt(110), attempt(DAY, sender="b@one.example"))
    # Tries after 40 and 110 seconds; the pause of 70 seconds again: 180, 250, 320.
    assert found.delays.quantiles[-1] == (100, 320)


def test_a_client_that_gave_up_is_lost() -> None:
    late = attempt(9 * DAY, sender="b@one.example")
    found = foreseen(deferred(0), late)
    assert counts(found) == {"lost": 1}
    assert [(gone.address, gone.deferred, gone.accepted) for gone in found.gone] == [("192.0.2.1", 1, 1)]
    assert (found.gone_clients, found.seen.gone) == (1, 1)


def test_who_may_still_come_back_has_not_given_up() -> None:
    found = foreseen(attempt(0, sender="b@one.example"), deferred(DAY), attempt(DAY + HOUR, **QUIET))
    assert counts(found) == {"unknowable": 2}
    assert (found.gone_clients, found.seen.unclear) == (0, 1)


def test_a_comeback_after_the_retry_window_is_none() -> None:
    found = foreseen(deferred(0), attempt(2 * DAY + 1))
    assert counts(found) == {"lost": 1}
    assert (found.seen.gone, found.seen.returned) == (1, 0)


def test_a_client_that_can_never_be_in_time_is_lost() -> None:
    # With a delay above the retry window every try is a first one, until the client gives up after five days.
    found = foreseen(deferred(0), attempt(900), options=Options(delay=3 * DAY))
    assert counts(found) == {"lost": 1}


def test_a_neighbour_of_the_same_pool_tells_something_another_neighbour_nothing() -> None:
    seen = (deferred(0, client_name="out1.one.example"), attempt(600, client_name="out1.one.example"))
    same = attempt(DAY, client_address="192.0.2.2", client_name="out2.one.example", sender="b@one.example")
    other = attempt(DAY, client_address="192.0.2.3", client_name="out2.two.example", sender="c@one.example")
    found = foreseen(*seen, same, other)
    assert counts(found) == {"delayed": 2, "unknowable": 1}
    assert (found.delays.logged, found.delays.inferred) == (1, 1)
    assert {late.address: late.basis for late in found.late} == {"192.0.2.1": "logged", "192.0.2.2": "inferred"}


def test_a_pool_comes_back_from_another_network() -> None:
    found = foreseen(
        deferred(0, client_address="192.0.2.1", client_name="out1.pool.example"),
        attempt(700, client_address="198.51.100.1", client_name="out2.pool.example"),
        attempt(9 * DAY, **QUIET),
    )
    assert [(pool.name, pool.networks, pool.times, pool.seconds) for pool in found.pools] == [
        ("pool.example", 2, 1, 700)
    ]
    # It came back, but a greylist that looks at networks would not have known it again.
    assert (found.seen.moved, found.seen.gone, found.gone) == (1, 0, ())
    assert counts(found) == {"unknowable": 2}


def test_somebody_else_with_the_same_addresses_is_no_comeback() -> None:
    pool = "out1.pool.example"
    for first, name in ((pool, "out2.other.example"), (pool, "unknown"), (pool, None), ("unknown", "unknown")):
        found = foreseen(
            deferred(0, client_address="192.0.2.1", client_name=first),
            attempt(700, client_address="198.51.100.1", client_name=name),
            attempt(9 * DAY, **QUIET),
        )
        assert found.pools == ()
        assert (found.seen.unclear, found.seen.gone, found.seen.moved) == (1, 0, 0), name


def test_tries_that_the_log_shows_are_made_again() -> None:
    found = foreseen(greylisted(0, message="m"), greylisted(200, message="m"), attempt(480, message="m"))
    assert counts(found) == {"delayed": 1}
    assert (found.asked.deliveries, found.asked.messages, found.delays.quantiles[-1]) == (1, 1, (100, 480))
    # With a shorter delay the second try is let in.
    shorter = foreseen(greylisted(0), greylisted(200), attempt(480), options=Options(delay=60))
    assert shorter.delays.quantiles[-1] == (100, 200)
    # With a longer one a fourth is needed, after the pause before.
    longer = foreseen(greylisted(0), greylisted(200), attempt(480), options=Options(delay=500))
    assert longer.delays.quantiles[-1][1] > 500


def test_who_was_greylisted_and_gave_up_is_lost() -> None:
    found = foreseen(greylisted(0), attempt(9 * DAY, **QUIET))
    assert counts(found) == {"lost": 1, "unknowable": 1}


def test_what_others_refuse_is_not_asked() -> None:
    refused = attempt(0, action="reject", restriction="reject_unauth_destination")
    inside = attempt(1, origin="own network")
    assert foreseen(refused, inside, deferred(2), attempt(9 * DAY, **QUIET)).asked.deliveries == 1


def test_the_next_message_passes_and_does_not_hide_the_first() -> None:
    found = foreseen(attempt(0), attempt(DAY))
    # Whether the client retries or not, the second message is let in; replaying alone calls the first "delayed a day".
    assert counts(found) == {"passes": 1, "unknowable": 1}
    assert found.delays.quantiles == ()


def test_what_is_not_logged_is_counted_apart() -> None:
    assert counts(foreseen(attempt(0, sender=None))) == {"not_logged": 1}


def test_each_host_has_a_list_of_its_own_and_both_see_a_comeback() -> None:
    found = foreseen(deferred(0), attempt(900, host="mx2"), attempt(DAY, host="mx1"))
    assert counts(found) == {"delayed": 2}


def test_no_attempts() -> None:
    found = forecast(table([]))
    assert (found.asked.deliveries, found.unknowable_share, found.delays.quantiles) == (0, 0, ())
    assert "asked of 0 deliveries" in terminal(found)


def test_names_of_a_pool() -> None:
    assert pool_of("mail-ot1-f41.Google.example") == "google.example"
    assert [pool_of(name) for name in ("unknown", "", "one.example", "a.b.c.example")] == ["", "", "", "b.c.example"]


def test_the_median_of_several_comebacks() -> None:
    past = Past(schedules=[(60, 400), (1000,), (5000,)])
    assert (past.after(300), past.after(50)) == (1000, 1000)
    assert Past(schedules=[(0,)]).after(300) == 300
    assert Past(gone=1).after(300) is None


CLIENTS = (
    ("192.0.2.1", "out1.pool.example"),
    ("192.0.2.2", "out2.pool.example"),
    ("198.51.100.1", "out3.pool.example"),
    ("198.51.100.2", "unknown"),
    ("203.0.113.1", None),
)
KINDS = (attempt, attempt, deferred, greylisted)
HISTORIES = st.lists(
    st.tuples(
        st.sampled_from((0, 1, 60, 299, 300, 301, 3600, 40_000, 2 * DAY, 2 * DAY + 1, 5 * DAY)),
        st.sampled_from(CLIENTS),
        st.sampled_from(("a@x.example", "b@x.example", "", None)),
        st.sampled_from(KINDS),
        st.sampled_from(("mx1", "mx2")),
    ),
    max_size=30,
)


def happened(history: Sequence[Any]) -> pa.Table:
    rows, at = [], 0
    for pause, (address, name), sender, kind, host in history:
        at += pause
        rows.append(kind(at, client_address=address, client_name=name, sender=sender, host=host))
    return table(rows)


@given(HISTORIES, st.sampled_from((Options(), Options(delay=60, lookup_by_host=True), Options(auto_whitelist=1))))
def test_the_counts_add_up(history: Sequence[Any], options: Options) -> None:
    attempts = happened(history)
    found = forecast(attempts, options)
    assert sum(counts(found).values()) == found.asked.deliveries
    assert sum(number for _, number in found.delays.histogram) == found.delayed.deliveries
    assert found.delays.logged + found.delays.inferred == found.delayed.deliveries
    assert [edge for edge, _ in found.delays.histogram] == list(EDGES)
    seconds = [one for _, one in found.delays.quantiles]
    assert seconds == sorted(seconds)
    # A last try may begin within the five days of a queue and come as late as the retry window lets it.
    assert all(0 < one <= 7 * DAY for one in seconds)
    assert sum(late.deliveries for late in found.late) == found.delayed.deliveries
    least, most = found.lost.deliveries, found.lost.deliveries + found.unknowable.deliveries
    assert 0 <= least <= most <= found.asked.deliveries
    assert 0 <= found.unknowable_share <= 1
    assert json.loads(json.dumps(found.as_dict()))["asked"]["deliveries"] == found.asked.deliveries
    assert terminal(found).isascii()


@given(HISTORIES)
def test_without_a_4xx_the_worst_is_the_replay(history: Sequence[Any]) -> None:
    attempts = happened([(pause, client, sender, attempt, host) for pause, client, sender, _, host in history])
    found = forecast(attempts)
    answers = replay(attempts)["answer"].to_pylist()
    assert found.if_nobody_returned.deliveries == answers.count("defer_if_permit")
    assert found.not_logged.deliveries == answers.count(None)
    assert found.lost.deliveries == found.delayed.deliveries == 0
    assert found.seen.returned == found.seen.gone == found.seen.moved == 0
    assert found.unknowable.deliveries == answers.count("defer_if_permit")


@given(HISTORIES)
def test_each_4xx_ends_in_one_way(history: Sequence[Any]) -> None:
    attempts = happened(history)
    options = Options()
    known = comebacks(attempts, questions(attempts, options, Whitelists()), options.retry_window)
    pasts = known.clients.values()
    ends = sum(len(past.schedules) + past.gone + past.moved + past.unclear + past.open for past in pasts)
    rows = attempts.to_pylist()
    tries = sum(row["action"] == "defer" and row["sender"] is not None for row in rows)
    assert ends <= tries
    assert (ends == 0) == (tries == 0)
    assert all(one >= 0 for past in pasts for times in past.schedules for one in times)


def test_the_sample_month() -> None:
    attempts = Question([MONTH]).attempts
    found = forecast(attempts)
    outside = [row for row in attempts.select(["origin", "action"]).to_pylist() if row["origin"] == "outside"]
    assert found.asked.deliveries == sum(row["action"] == "accept" for row in outside)
    # Nothing greylists in that month, and policyd-spf's few temporary errors are all that tells who comes back.
    assert found.unknowable_share > 0.5
    assert 0 < found.delayed.deliveries < found.unknowable.deliveries
    assert "unknowable: nothing ever made it retry" in terminal(found)


@pytest.mark.parametrize("options", [Options(), Options(delay=60)])
def test_who_comes_back_is_never_lost(options: Options) -> None:
    rows = [deferred(0), attempt(400), *(attempt(DAY * day, sender=f"s{day}@one.example") for day in range(1, 9))]
    assert counts(foreseen(*rows, options=options)).keys() <= {"passes", "delayed"}
