"""Whether a client's mail is wanted, by all of its mail together."""

import random
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.standing import BALANCE, Bearing, Docket, Standing

NOON = datetime(2026, 10, 28, 12, tzinfo=UTC)
PTR = "reject_unknown_reverse_client_hostname"
CLEAN, BOTH = ";content_clean;filter_clean;", ";content_clean;blocklisted;"


def docket(*mail: tuple[str, int]) -> Docket:
    """Messages of one client: the reasons, and the day."""
    return Docket(
        pa.Table.from_pylist(
            [
                {
                    "time": NOON - timedelta(days=day),
                    "message": f"m{number}",
                    "client_address": "192.0.2.1",
                    "action": "accept",
                    "reasons": reasons,
                }
                for number, (reasons, day) in enumerate(mail)
            ]
        )
    )


def standing(*mail: tuple[str, int]) -> int:
    return int(Standing.on(docket(*mail), PTR).client[0])


@pytest.mark.parametrize(
    ("mail", "expected"),
    [
        ([("", 0)], 0),
        ([(";correspondent;", 0)], 1),
        ([(";unknown_recipients;", 0)], -1),
        # a filter misses spam, so one day of it is nothing, and two are
        ([(CLEAN, 0)], 0),
        ([(CLEAN, 0), (CLEAN, 0)], 0),
        ([(CLEAN, 0), (CLEAN, 3)], 1),
        # what the filter missed and a list names
        ([(BOTH, 0)], -1),
        # one accused among many is a mistake, among few it is not known
        ([(CLEAN, day) for day in range(BALANCE)] + [(";virus;", 9)], 1),
        ([(CLEAN, day) for day in range(BALANCE - 1)] + [(";virus;", 9)], 0),
        ([(CLEAN, 0), (";virus;", 9)], -1),
        # our users write there: then it is not unwanted, whatever one message was
        ([(";correspondent;", 0), (";virus;", 1)], 0),
        ([(";correspondent;", day) for day in range(BALANCE)] + [(";virus;", 9)], 1),
        # a label outranks all
        ([(";labelled_wanted;virus;", 0)], 1),
        # the filter scores reverse names itself
        ([(";filter_spam;", 0)], 0),
        ([(";content_spam;filter_spam;", 0)], -1),
    ],
)
def test_the_rule(mail: list[tuple[str, int]], expected: int) -> None:
    assert standing(*mail) == expected


def test_accused_mail_is_unwanted_whoever_sent_it() -> None:
    mail = [(CLEAN, day) for day in range(BALANCE)] + [(";virus;", 9)]
    found = Standing.on(docket(*mail), PTR)

    assert found.row.tolist() == [1] * BALANCE + [-1]


def test_many_recipients_of_one_message_are_one_message() -> None:
    rows = [
        {"time": NOON, "message": "m", "client_address": "192.0.2.1", "action": "accept", "reasons": ";virus;"}
    ] * 50
    good = [row | {"message": f"g{n}", "reasons": ";correspondent;"} for n, row in enumerate(rows[:BALANCE])]

    assert Standing.on(Docket(pa.Table.from_pylist(rows + good)), PTR).client.tolist() == [1]


_MAIL = st.lists(
    st.tuples(st.sampled_from(["", CLEAN, BOTH, ";correspondent;", ";virus;", ";regular;"]), st.integers(0, 20))
)


@given(_MAIL, _MAIL, st.randoms())
def test_neither_order_nor_others_make_a_difference(
    mail: list[tuple[str, int]], others: list[tuple[str, int]], dice: random.Random
) -> None:
    def rows(address: str, sent: list[tuple[str, int]]) -> list[dict[str, object]]:
        return [
            {
                "time": NOON - timedelta(days=day),
                "message": f"{address}{number}",
                "client_address": address,
                "action": "accept",
                "reasons": reasons,
            }
            for number, (reasons, day) in enumerate(sent)
        ]

    if not mail:
        return
    both = rows("a", mail) + rows("b", others)
    dice.shuffle(both)
    found = Docket(pa.Table.from_pylist(both))
    alone = Standing.on(Docket(pa.Table.from_pylist(rows("a", mail))), PTR).client[0]

    assert Standing.on(found, PTR).client[found.addresses.index("a")] == alone


@given(_MAIL.filter(bool))
def test_more_accusations_never_help(mail: list[tuple[str, int]]) -> None:
    assert standing(*mail, (";virus;", 5)) <= max(standing(*mail), 0)


@pytest.mark.parametrize(
    ("reasons", "expected"),
    [
        ("", Bearing()),
        (CLEAN, Bearing(passed=True)),
        (BOTH, Bearing(passed=True, accused=True)),
        (";content_clean;content_spam;", Bearing(accused=True)),
        (";correspondent;content_clean;", Bearing(firm=True, passed=True)),
        (";correspondent;virus;", Bearing(passed=True, accused=True)),
        (";regular;content_spam;filter_spam;junk;", Bearing(accused=True)),
        # silent on what the filter scores, unless the filter passed it
        (";filter_spam;junk;", Bearing()),
        (";filter_clean;junk;", Bearing(accused=True)),
        (";labelled_unwanted;correspondent;", Bearing(accused=True)),
    ],
)
def test_what_a_message_says(reasons: str, expected: Bearing) -> None:
    assert Bearing.of(reasons, PTR) == expected


def test_a_network_of_spam_speaks_against_who_slipped_through_and_not_against_who_is_known() -> None:
    def rows(address: str, reasons: str) -> list[dict[str, object]]:
        return [
            {
                "time": NOON - timedelta(days=day),
                "message": f"{address}{day}",
                "client_address": address,
                "action": "accept",
                "reasons": reasons,
            }
            for day in range(3)
        ]

    crowd = [row for last in range(4) for row in rows(f"192.0.2.{last}", ";content_spam;")]
    slipped, known = rows("192.0.2.20", CLEAN), rows("192.0.2.30", ";correspondent;")
    found = Docket(pa.Table.from_pylist(crowd + slipped + known))
    assert Standing.on(found, PTR).client.tolist() == [-1] * 4 + [-1, 1]
    few = Docket(pa.Table.from_pylist(crowd[:3] + slipped + known))
    assert Standing.on(few, PTR).client.tolist() == [-1, 1, 1]


def test_weeks_are_counted_back_from_the_last_attempt() -> None:
    found = docket(("", 0), ("", 6), ("", 7), ("", 20))

    assert found.age.tolist() == [0, 0, 1, 2]
    empty = pa.schema([(name, pa.string()) for name in ("message", "client_address", "action", "reasons")])
    assert Docket(empty.append(pa.field("time", pa.timestamp("us", "UTC"))).empty_table()).addresses == []
