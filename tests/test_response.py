"""The memory of what the DNS said: found again by time, dated, and the same from a table."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from advisor.response import FOUND, NO_SUCH_NAME, SCHEMA, TEMPORARY, Age, Response, Responses

DAY = datetime(2026, 11, 22, tzinfo=UTC)


def said(hours: int, name: str = "mail.good.example", *values: str) -> Response:
    return Response(name, "A", FOUND if values else NO_SUCH_NAME, values, DAY + timedelta(hours=hours), "127.0.0.1")


def test_the_nearest_answer_is_found() -> None:
    dns = Responses([said(10), said(0, "mail.good.example", "192.0.2.1"), said(30)])
    assert dns.find("Mail.Good.Example.", "A") == said(30)
    assert dns.find("mail.good.example", "A", DAY + timedelta(hours=4)) == said(0, "mail.good.example", "192.0.2.1")
    assert dns.find("mail.good.example", "A", DAY + timedelta(hours=6)) == said(10)
    assert dns.find("mail.good.example", "AAAA") is None


@given(st.lists(st.integers(0, 100), unique=True), st.integers(0, 100))
def test_what_is_added_is_found_as_if_it_had_been_there(hours: list[int], at: int) -> None:
    dns = Responses()
    for hour in hours:
        dns.add(said(hour))
    whole = Responses(map(said, hours))
    when = DAY + timedelta(hours=at)
    assert dns.find("mail.good.example", "A", when) == whole.find("mail.good.example", "A", when)
    assert dns.find("mail.good.example", "A") == (said(max(hours)) if hours else None)


def test_a_table_holds_them() -> None:
    both = [said(0, "a.example", "192.0.2.1", "192.0.2.2"), Response("b.example", "MX", TEMPORARY, (), DAY, "::1")]
    table = Responses(both).table()
    assert table.schema == SCHEMA
    assert list(Responses.of(table)) == both


def test_age() -> None:
    assert Responses().age() is None
    assert Responses(map(said, (5, 1, 3))).age() == Age(*(DAY + timedelta(hours=hour) for hour in (1, 3, 5)))
