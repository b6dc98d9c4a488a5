"""What is told alike must be: `tell` is asked about each value that it was not going to be asked about."""

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import product

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor import likeness
from advisor.blocklist import octets_backwards, question
from advisor.hearing import FLAGS
from advisor.response import Response, Responses
from advisor.restriction import Told
from advisor.restrictions import CATALOGUE

ALIKE = sorted(name for name, found in CATALOGUE.items() if found.alike is not None)
ARGUMENTS = {
    "reject_rbl_client": "zen.test=127.0.0.[2..11]",
    "permit_dnswl_client": "zen.test",
    "postscreen_dnsbl_action": "zen.test*2, other.test, threshold=2",
}
HELD = {**FLAGS, "helo_sent": (None, True), "helo_syntax": (None, "fqdn", "single", "literal", "invalid")}
KINDS = (None, "domain", "own", "rewritten")

addresses = st.one_of(
    st.ip_addresses().map(str),
    st.sampled_from(["192.0.2.1", "192.0.2.2", "2001:db8::1", "127.0.0.1", "::1", "::ffff:192.0.2.1", "192.0.2.01"]),
    st.text("0123456789.:af%", max_size=12),
)
labels = st.text("abzAZ09-_", min_size=0, max_size=4)
names = st.one_of(
    st.lists(labels, min_size=1, max_size=4).map(".".join),
    st.sampled_from(
        ["unknown", "mail.good.example", "MAIL.good.example", "x.example.", "[192.0.2.1]", "a.1", "mü.test"]
    ),
    st.integers(60, 66).map(lambda length: f"{'a' * length}.example"),
    st.integers(250, 256).map(lambda length: "a." * (length // 2 - 3) + "test"),
)


def values_of(column: str) -> st.SearchStrategy[str]:
    if column == "client_address":
        return addresses
    if column == "recipient":
        return st.one_of(st.tuples(st.text('ab@".', max_size=4), names).map("@".join), names)
    return names


def recorded(asked: list[str], others: list[str]) -> Responses:
    """Answers about some values, and of lists that pass their tests."""
    at = datetime(2026, 11, 22, tzinfo=UTC)
    found = [Response("test.dbl.test", "A", "found", ("127.0.0.2",), at)]
    found += [Response(f"2.0.0.127.{zone}", "A", "found", ("127.0.0.2",), at) for zone in ("zen.test", "other.test")]
    found += [Response(f"1.0.0.127.{zone}", "A", "no_data", (), at) for zone in ("zen.test", "other.test")]
    for value in asked:
        name = octets_backwards(value) or value
        found += [
            Response(question(zone, value), "A", "found", ("127.0.0.2",), at) for zone in ("zen.test", "dbl.test")
        ]
        found += [Response(f"{name}.in-addr.arpa", "PTR", "no_such_name", (), at)]
        bare = value.lower().removesuffix(".")
        found += [Response(bare, kind, "no_such_name", (), at) for kind in ("A", "AAAA", "MX")]
    return Responses([*found, *(Response(name, "A", "no_data", (), at) for name in others)])


@pytest.mark.parametrize("name", ALIKE)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_values_that_are_alike_are_told_alike(name: str, data: st.DataObject) -> None:
    found = CATALOGUE[name]
    subject = next(column for column in found.of if column in likeness_subjects())
    values = data.draw(st.lists(values_of(subject), min_size=1, max_size=12, unique=True))
    dns = recorded(data.draw(st.lists(st.sampled_from(values), max_size=4)), ["unrelated.example"])
    argument = ARGUMENTS.get(name, "dbl.test" if "rhs" in name else "")
    assert found.alike is not None
    assert found.tell is not None
    alike = found.alike(argument, dns, pa.chunked_array([pa.array([*values, None])])).to_pylist()

    assert alike[-1] is False
    chosen = [value for value, like in zip(values, alike, strict=False) if like]
    others = [column for column in found.of if column != subject]
    for held in product(*(KINDS if column == "sender_kind" else HELD[column] for column in others)):
        rest = dict(zip(others, held, strict=True))

        def told(value: str, rest: Mapping[str, object] = rest) -> Told | None:
            assert found.tell is not None
            return found.tell(argument, dns, None, *(value if name == subject else rest[name] for name in found.of))

        assert len({told(value) for value in chosen}) <= 1, (chosen, rest)


def likeness_subjects() -> set[str]:
    return {"client_address", "client_name", "reverse_client_name", "helo_name", "sender_domain", "recipient"}


def test_ordinary_values_are_alike() -> None:
    dns = recorded(["192.0.2.1", "bad.example"], [])
    clients = pa.chunked_array([["192.0.2.1", "192.0.2.2", "2001:db8::7", "fe80::1%eth0"]])
    domains = pa.chunked_array([["bad.example", "BAD.example", "good.example", "unknown", "a.b.", "1.2.3.4"]])

    assert likeness.listed_address("zen.test", dns, clients).to_pylist() == [False, True, True, False]
    assert likeness.listed_name("dbl.test", dns, domains).to_pylist() == [False, False, True, False, False, False]
    assert likeness.name("", dns, domains).to_pylist() == [False, False, True, False, False, False]


def test_an_address_of_ipv6_that_was_asked_for_is_not_alike() -> None:
    dns = recorded(["2001:db8::1"], [])
    found = likeness.listed_address("zen.test", dns, pa.chunked_array([["2001:db8::1", "2001:db8::2"]]))

    assert found.to_pylist() == [False, True]
