"""Host names and addresses as Postfix judges them (src/util/valid_hostname.c)."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.hostname import LABEL, LENGTH, helo_syntax, sender_domain, valid_hostname, valid_ipv4, valid_ipv6


@pytest.mark.parametrize(
    ("name", "syntax"),
    [
        ("mail.good.example", "fqdn"),
        ("MAIL.Good.Example", "fqdn"),
        ("xn--bcher-kva.example", "fqdn"),
        ("bad_name.example", "fqdn"),
        ("localhost", "single"),
        ("mail.good.example.", "fqdn."),
        ("localhost.", "single."),
        ("[192.0.2.1]", "literal"),
        ("[IPv6:2001:db8::1]", "literal"),
        ("[ipv6:::1]", "literal"),
        ("[2001:db8::1]", "bad_literal"),
        ("[192.0.2.256]", "bad_literal"),
        ("[192.0.2.1", "bad_literal"),
        ("[]", "bad_literal"),
        ("192.0.2.1", "address"),
        ("2001:db8::1", "address"),
        ("192.0.2.1.", "address"),
        ("192.0.2", "invalid"),
        ("12345", "invalid"),
        ("mail..example", "invalid"),
        ("mail.example..", "invalid"),
        (".example", "invalid"),
        ("-a.example", "invalid"),
        ("a-.example", "invalid"),
        ("a b.example", "invalid"),
        ("bücher.example", "invalid"),
        ("", "invalid"),
        (".", "invalid"),
    ],
)
def test_what_a_helo_name_is(name: str, syntax: str) -> None:
    assert helo_syntax(name) == syntax


def test_lengths() -> None:
    assert valid_hostname("a" * LABEL + ".example")
    assert not valid_hostname("a" * (LABEL + 1) + ".example")
    longest = ".".join(["a" * LABEL] * 4)
    assert len(longest) == LENGTH
    assert valid_hostname(longest)
    assert not valid_hostname(longest + "a.b")


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        *(("192.0.2.1", True), ("192.0.02.001", True), ("0.0.0.0", True), ("0.1.2.3", False), ("256.1.1.1", False)),
        *(("1.2.3", False), ("1.2.3.4.5", False), ("1.2.3.٣", False), ("1.2.3.", False), ("", False)),
    ],
)
def test_ipv4(text: str, valid: bool) -> None:
    assert valid_ipv4(text) is valid


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        *(("::", True), ("2001:db8::1", True), ("::ffff:192.0.2.1", True), ("1:2:3", True), ("1:2:3:4:5:6:7:8", True)),
        *(("1:2:3:4:5:6:7:8:9", False), ("1::2::3", False), (":::", False), ("fe80::1%eth0", False), (":1:2", False)),
        *(("1:2:", False), ("12345::1", False), ("::192.0.2.256", False)),
    ],
)
def test_ipv6(text: str, valid: bool) -> None:
    assert valid_ipv6(text) is valid


@given(st.ip_addresses(v=4))
def test_every_ipv4_address_is_one(address: ipaddress.IPv4Address) -> None:
    assert valid_ipv4(str(address)) is (int(address) >> 24 != 0 or int(address) == 0)


@given(st.ip_addresses(v=6))
def test_every_ipv6_address_is_one(address: ipaddress.IPv6Address) -> None:
    assert valid_ipv6(str(address))
    assert valid_ipv6(address.exploded)


@given(st.text(max_size=40))
def test_any_text_is_judged(text: str) -> None:
    assert helo_syntax(text) in {
        *("literal", "bad_literal", "address", "fqdn", "single", "fqdn.", "single.", "invalid"),
    }


@pytest.mark.parametrize(
    ("sender", "domain"),
    [
        ("a@B.Example", "b.example"),
        ("a@b.example.", "b.example"),
        ('"a@c"@b.example', "b.example"),
        ("", ""),
        ("a", ""),
    ],
)
def test_the_domain_of_a_sender(sender: str, domain: str) -> None:
    assert sender_domain(sender) == domain
