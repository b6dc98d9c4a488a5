"""What stands in for a column: the cheap one holds the same as the exact one, unless a value is out of the ordinary."""

from collections.abc import Sequence

import narwhals as nw
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.substitute import ANYONE, CLIENT, HELO, SENDER, Substitute

COLUMNS = ("client_address", "helo_name", "helo_syntax", "sender_domain", "sender_kind")
rows = st.tuples(
    st.sampled_from([None, "192.0.2.1", "127.0.0.1", "::1", "::ffff:192.0.2.1", "2001:db8::1"]),
    st.sampled_from([None, "mail.good.example", "PC", "[192.0.2.1]", "bad name", "a..b"]),
    st.sampled_from([None, "fqdn", "single", "literal", "bad_literal", "invalid"]),
    st.sampled_from([None, "", "good.example", "a..b", ".example", "a" * 62, "a" * 63]),
    st.sampled_from([None, "null", "domain", "own", "rewritten", "literal"]),
)


def table(found: Sequence[tuple[str | None, ...]]) -> pa.Table:
    return pa.table({name: pa.array([row[at] for row in found], pa.string()) for at, name in enumerate(COLUMNS)})


def held(values: pa.Table, expr: nw.Expr) -> list[str | None]:
    found: list[str | None] = nw.from_native(values, eager_only=True).select("helo_name", it=expr)["it"].to_list()
    return found


@pytest.mark.parametrize("one", [CLIENT, HELO, SENDER])
@given(found=st.lists(rows, max_size=4))
def test_the_plain_one_is_the_same_where_no_value_is_odd(one: Substitute, found: list[tuple[str | None, ...]]) -> None:
    values = table(found)
    assert held(values, one.made([values])) == held(values, one.exact)
    odd = held(values, one.odd.fill_null(value=True))
    differ = [a != b for a, b in zip(held(values, one.exact), held(values, one.plain), strict=True)]
    assert not any(different and not strange for different, strange in zip(differ, odd, strict=True))


def test_ordinary_values_need_the_plain_one_only() -> None:
    values = table(
        [
            ("192.0.2.1", "mail.good.example", "fqdn", "good.example", "domain"),
            ("2001:db8::1", None, None, "", "null"),
            ("192.0.2.9", "[192.0.2.1]", "literal", None, None),
        ]
    )
    for one in (CLIENT, HELO, SENDER):
        assert one.made([values]) is one.plain
        assert one.made([]) is one.exact
        assert one.made([values.select(["helo_syntax"])]) is one.exact


@pytest.mark.parametrize(
    ("one", "row"),
    [
        (CLIENT, ("127.0.0.1", None, None, None, None)),
        (HELO, (None, "a..b", "invalid", None, None)),
        (SENDER, (None, None, None, "a..b", "domain")),
        (SENDER, (None, None, None, None, "domain")),
    ],
)
def test_one_odd_value_needs_the_exact_one(one: Substitute, row: tuple[str | None, ...]) -> None:
    ordinary = ("192.0.2.1", "mail.good.example", "fqdn", "good.example", "domain")
    assert one.made([table([ordinary, row])]) is one.exact


def test_anyone_is_of_the_same_domain() -> None:
    senders = ["bounce-1@good.example", "", "@good.example", "a@b@good.example", "nodomain", "x\ny@good.example", None]
    values = nw.from_native(pa.table({"sender": senders}), eager_only=True)

    found = values.select(it=ANYONE.made([]))["it"].to_list()

    assert found == ["a@good.example", "", "a@good.example", "a@b@good.example", "nodomain", "a@good.example", None]
