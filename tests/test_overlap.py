"""Which lists name the same clients: counted as a reader would with pen and paper, and never more than is known."""

from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from advisor import event
from advisor.entry import parse_list
from advisor.overlap import SETS, ListNamed, Overlap, overlap
from advisor.question import Question
from advisor.simulation import asked_for
from tests.conftest import LAB

ASKED = asked_for(parse_list("reject_rbl_client a.test, reject_rbl_client b.test=127.0.0.2"))
NOTHING = event.SCHEMA.empty_table()
Row = tuple[str | None, str | None, str | None]


def frame(*rows: Row) -> pa.Table:
    """Clients and what the two lists of ASKED answer."""
    names = ("client_address", "answer_0", "answer_1")
    return pa.table({name: pa.array([row[at] for row in rows], pa.string()) for at, name in enumerate(names)})


def events(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist([{"kind": "verdict", **row} for row in rows], schema=event.SCHEMA)


def test_each_list_says_what_it_adds_to_those_above() -> None:
    found = overlap(
        frame(
            ("192.0.2.1", "reject", "reject"),
            ("192.0.2.1", "reject", "reject"),  # the same client again
            ("192.0.2.2", "dunno", "reject"),
            ("192.0.2.3", "dunno", "reject"),
            ("192.0.2.4", "reject", "dunno"),
            ("192.0.2.5", "dunno", "dunno"),
            (None, "reject", None),
        ),
        ASKED,
        NOTHING,
    )

    assert found == Overlap(
        4,
        (ListNamed("b.test", 3, 3, 2, 5), ListNamed("a.test", 2, 1, 1, 5)),
        ((("b.test",), 2), (("a.test",), 1), (("b.test", "a.test"), 1)),
    )


def test_no_answer_is_not_known_and_no_zero() -> None:
    found = overlap(frame(("192.0.2.1", "reject", None), ("192.0.2.2", None, None)), ASKED, NOTHING)
    assert found is not None
    assert [(one.name, one.known) for one in found.lists] == [("a.test", 1)]
    assert overlap(frame(("192.0.2.1", None, "dunno")), ASKED, NOTHING) is None


def test_hits_of_the_log_count_for_lists_that_nobody_looked_up() -> None:
    found = overlap(
        frame(("192.0.2.1", "reject", None)),
        ASKED,
        events(
            {"list": "c.test", "client_address": "192.0.2.1", "text": "blocked using c.test"},
            {"list": "c.test", "client_address": "192.0.2.9", "text": None},
            {"list": "c.test", "client_address": "192.0.2.8", "kind": "listed", "result": "127.0.0.2"},
            {"list": "c.test", "client_address": "192.0.2.7", "kind": "other"},
        ),
    )
    assert found is not None
    assert found.lists == (ListNamed("c.test", 3, 3, 2, None), ListNamed("a.test", 1, 0, 0, 1))


def test_an_error_in_an_answers_place_names_nobody() -> None:
    wrong = (
        {"text": "Service unavailable; blocked using c.test; Error: open resolver; https://c.test/returnc/pub"},
        {"kind": "listed", "result": "127.255.255.254"},
        {"kind": "listed", "result": "127.0.0.1"},
    )
    hits = events(*({"list": "c.test", "client_address": "192.0.2.9", **each} for each in wrong))
    assert overlap(frame(("192.0.2.1", None, None)), ASKED, hits) is None


def test_further_sets_are_counted_together() -> None:
    names = [f"l{number}.test" for number in range(SETS + 3)]
    hits = events(*({"list": name, "client_address": f"192.0.2.{at}"} for at, name in enumerate(names)))
    found = overlap(frame(), ASKED, hits)
    assert found is not None
    assert (len(found.together), found.others) == (SETS, 3)


_ANSWERS = st.sampled_from(["reject", "defer", "dunno", None])
_ROWS = st.lists(st.tuples(st.sampled_from([f"192.0.2.{n}" for n in range(6)]), _ANSWERS, _ANSWERS), max_size=30)


@given(_ROWS)
def test_it_counts_as_sets_do(rows: list[Row]) -> None:
    named = {
        zone: {row[0] for row in rows if row[at] in ("reject", "defer")} for at, zone in ((1, "a.test"), (2, "b.test"))
    }
    found = overlap(frame(*rows), ASKED, NOTHING)
    if found is None:
        assert not any(named.values())
        return
    above: set[str | None] = set()
    for one in found.lists:
        others = set().union(*(clients for name, clients in named.items() if name != one.name))
        assert one.clients == len(named[one.name])
        assert one.adds == len(named[one.name] - above)
        assert one.alone == len(named[one.name] - others)
        above |= named[one.name]
    assert found.clients == len(above) == sum(number for _, number in found.together) + found.others
    for names, number in found.together:
        inside = set.intersection(*(named[name] for name in names))
        assert number == len(inside - set().union(*(named[name] for name in named if name not in names)))


def test_the_lab_has_one_client_on_two_lists() -> None:
    """postscreen asks all its lists about a client, smtpd stops at the first: a real log of each."""
    logs = sorted([*LAB.glob("all.*"), *LAB.glob("postscreen_deep.*")])
    found = Question(logs).advise().overlap
    assert found is not None
    assert (("zen.dnsbl.test", "bl.dnsbl.test"), 1) in found.together
    assert all(one.known is None for one in found.lists)
