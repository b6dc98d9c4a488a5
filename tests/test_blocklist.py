"""What a list says: only after it passed its test, and never by an error."""

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor import blocklist
from advisor.blocklist import ADDRESSES, DEFAULTS, DOMAINS
from advisor.errors import AdvisorError
from advisor.response import FOUND, NO_DATA, NO_SUCH_NAME, TEMPORARY, Response, Responses

DAY = datetime(2026, 11, 22, tzinfo=UTC)
DEAD = ("sorbs", "njabl", "ahbl", "dsbl", "manitu", "spamcannibal", "orbs", "barracuda")


def answer(name: str, *values: str, status: str = "", at: datetime = DAY) -> Response:
    return Response(name, "A", status or (FOUND if values else NO_SUCH_NAME), values, at)


def passed(zone: str, at: datetime = DAY) -> list[Response]:
    """A list's answers to its test as they should be."""
    return [answer(test.name, *(["127.0.0.2"] if test.wanted else []), at=at) for test in blocklist.tests(zone)]


def listed(zone: str, what: str, *said: str, status: str = "") -> bool | None:
    plain = blocklist.split(zone)[0]
    asked = answer(blocklist.question(zone, what), *said, status=status)
    return blocklist.listed(Responses([*passed(plain), asked]), zone, what)[0]


def test_the_question_is_the_address_backwards() -> None:
    assert blocklist.question("zen.spamhaus.org=127.0.0.[2..11]", "192.0.2.1") == "1.2.0.192.zen.spamhaus.org"
    nibbles = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2"
    assert blocklist.question("list.example", "2001:DB8::1") == f"{nibbles}.list.example"
    assert blocklist.question("DBL.Example.", "Spam.Example.") == "spam.example.dbl.example"


def test_the_test_points_are_those_of_the_standard() -> None:
    # RFC 5782, sections 5 and 2.4
    names = {test.name: test.wanted for test in blocklist.tests("list.example")}
    nibbles = "0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.list.example"
    assert names == {
        "2.0.0.127.list.example": True,
        "1.0.0.127.list.example": False,
        f"2.0.0.{nibbles}": True,
        f"1.0.0.{nibbles}": False,
        "test.list.example": True,
        "invalid.list.example": False,
    }
    assert {test.names for test in blocklist.tests("zen.spamhaus.org")} == {ADDRESSES}
    assert {test.names for test in blocklist.tests("dbl.spamhaus.org")} == {DOMAINS}


@pytest.mark.parametrize("zone", ["zen.spamhaus.org", "my.list.example"])
def test_a_listing(zone: str) -> None:
    assert listed(zone, "192.0.2.1", "127.0.0.4") is True
    assert listed(zone, "2001:db8::1", "127.0.0.4") is True
    assert listed(zone, "192.0.2.1") is False
    assert listed(zone, "192.0.2.1", status=NO_DATA) is False
    assert listed(zone, "192.0.2.1", status=TEMPORARY) is None
    assert blocklist.listed(Responses(passed(zone)), zone, "192.0.2.1") == (None, None)


@pytest.mark.parametrize(
    "value",
    ["127.255.255.254", "127.255.255.255", "127.255.255.252", "127.0.0.1", "192.0.2.80", "0.0.0.0", "6.6.6.6"],
)
def test_an_error_is_no_listing(value: str) -> None:
    for said in ([value], ["127.0.0.2", value], [value, "127.0.0.2"]):
        assert listed("zen.spamhaus.org", "192.0.2.1", *said) is None
        assert listed("zen.spamhaus.org=127.0.0.[2..11]", "192.0.2.1", *said) is None
    assert value in blocklist.refusal("zen.spamhaus.org", answer("x", value))


def test_a_list_has_errors_of_its_own() -> None:
    assert listed("dbl.spamhaus.org", "spam.example", "127.0.1.2") is True
    assert listed("dbl.spamhaus.org", "spam.example", "127.0.1.255") is None
    assert listed("list.dnswl.org", "192.0.2.1", "127.0.0.255") is None
    assert listed("my.list.example", "192.0.2.1", "127.0.0.255") is True


@pytest.mark.parametrize(
    ("spoilt", "words"),
    [
        ({"2.0.0.127": ()}, "does not list the test point"),
        ({"1.0.0.127": ("127.0.0.2",)}, "answers for everything"),
        ({"1.0.0.0.0.0.f.7.f.f.f.f" + ".0" * 20: ("127.0.0.2",)}, "answers for everything"),
        ({"2.0.0.127": ("127.255.255.254",)}, "refuses public resolvers"),
        ({"2.0.0.127": ("192.0.2.80",), "1.0.0.127": ("192.0.2.80",)}, "which no list does"),
    ],
)
def test_a_list_that_fails_its_test_is_not_believed(spoilt: dict[str, tuple[str, ...]], words: str) -> None:
    zone = "zen.spamhaus.org"
    names = {f"{front}.{zone}": values for front, values in spoilt.items()}
    assert names.keys() <= {test.name for test in blocklist.tests(zone)}
    answers = [answer(r.name, *names[r.name]) if r.name in names else r for r in passed(zone)]
    dns = Responses([*answers, answer(f"1.2.0.192.{zone}", "127.0.0.2"), answer(f"2.2.0.192.{zone}")])
    assert blocklist.believed(dns, zone) is False
    assert blocklist.listed(dns, zone, "192.0.2.1")[0] is None
    assert blocklist.listed(dns, zone, "192.0.2.2")[0] is None
    (finding,) = blocklist.findings(dns, zone)
    assert words in finding


def test_no_ipv6_is_no_fault() -> None:
    zone = "zen.spamhaus.org"
    answers = [answer(r.name) if r.name.startswith("2.0.0.0.0.0.f") else r for r in passed(zone)]
    assert blocklist.believed(Responses(answers), zone) is True
    assert blocklist.findings(Responses(answers), zone) == []


def test_a_list_that_was_not_tested_or_is_silent_is_not_believed() -> None:
    zone = "zen.spamhaus.org"
    asked = answer(f"1.2.0.192.{zone}", "127.0.0.2")
    assert blocklist.believed(Responses([asked]), zone) is None
    assert blocklist.listed(Responses([asked]), zone, "192.0.2.1") == (None, asked)
    assert blocklist.findings(Responses([asked]), zone) == []
    silent = [answer(r.name, status=TEMPORARY) for r in passed(zone)]
    assert blocklist.believed(Responses([asked, *silent]), zone) is None
    assert blocklist.findings(Responses(silent), zone) == [f"{zone} does not answer: no evidence from it"]


def test_the_test_that_counts_is_the_one_nearest_to_the_answer() -> None:
    zone, later = "zen.spamhaus.org", DAY + timedelta(days=3)
    refused = [answer(r.name, "127.255.255.254", at=later) for r in passed(zone)]
    name = f"1.2.0.192.{zone}"
    dns = Responses([*passed(zone), *refused, answer(name, "127.0.0.2"), answer(name, "127.0.0.2", at=later)])
    assert blocklist.listed(dns, zone, "192.0.2.1", DAY)[0] is True
    assert blocklist.listed(dns, zone, "192.0.2.1", later)[0] is None
    assert blocklist.believed(dns, zone, DAY) is True
    assert blocklist.believed(dns, zone, later) is False


def test_an_unknown_list_is_believed_for_what_it_passes() -> None:
    zone = "rhsbl.example"
    answers = [answer(r.name) if r.name.endswith(f"127.{zone}") else r for r in passed(zone)]
    dns = Responses([*answers, answer(f"spam.example.{zone}", "127.0.1.2"), answer(f"1.2.0.192.{zone}", "127.0.0.2")])
    assert blocklist.listed(dns, zone, "spam.example")[0] is True
    assert blocklist.listed(dns, zone, "192.0.2.1")[0] is None
    assert blocklist.believed(dns, zone) is True
    assert blocklist.findings(dns, zone) == []


@pytest.mark.parametrize(
    ("what", "asked"),
    [
        ("Spam.Example", "spam.example"),
        ("offer@spam.example", "spam.example"),
        ("192.0.2.1", None),
        ("2001:db8::1", None),
        ("[192.0.2.1]", None),
        ("x@[192.0.2.1]", None),
        ("host.42", None),
        ("42", None),
        ("", None),
        ("unknown.", "unknown"),
        ("bad..name", None),
        ("bücher.example", None),
    ],
)
def test_an_rhsbl_is_never_asked_for_an_address(what: str, asked: str | None) -> None:
    assert blocklist.domain(what) == asked


def test_the_default_lists_tell_their_terms_and_live() -> None:
    assert len({found.zone for found in DEFAULTS}) == len(DEFAULTS)
    for found in DEFAULTS:
        assert found.terms
        assert found.page.startswith("https://")
        assert found.noted.year >= 2026
        assert not any(dead in found.zone for dead in DEAD)
    assert {found.names for found in DEFAULTS} == {ADDRESSES, DOMAINS}
    assert [found.zone for found in DEFAULTS if found.welcomes] == ["list.dnswl.org"]


BAD = ["", "127.0.0", "127.0.0.256", "127.0.0.[3..2]", "127.0.0.[]", "127.0.0.[2,4]", "127.0.0.2.1", "127.0.0.2x", "[]"]
BAD += [
    "127.0.0.[2..]",
    "127.[0.0].2",
    "127.0.0.3[6..9]",
    "١٢٧.0.0.2",
    "127.0.0.[2..11",
    "9999999999.0.0.1",
    "[127.0.0.2",
]


@pytest.mark.parametrize("pattern", BAD)
def test_a_bad_filter_is_told(pattern: str) -> None:
    with pytest.raises(AdvisorError, match="is no filter"):
        blocklist.split(f"zen.spamhaus.org={pattern}")


octet = st.integers(0, 255)
member = st.tuples(octet, octet).map(lambda pair: (min(pair), max(pair)))


def field(members: list[tuple[int, int]]) -> str:
    """Spell a field of a filter."""
    if len(members) == 1 and members[0][0] == members[0][1]:
        return str(members[0][0])
    return "[" + ";".join(f"{low}..{high}" if low < high else str(low) for low, high in members) + "]"


@given(
    st.lists(st.lists(member, min_size=1, max_size=3), min_size=4, max_size=4),
    st.lists(octet, min_size=4, max_size=4),
    st.booleans(),
)
def test_a_filter_lets_pass_what_it_names(fields: list[list[tuple[int, int]]], octets: list[int], outer: bool) -> None:
    pattern = ".".join(map(field, fields))
    octets = [members[0][1] if octet % 2 else octet for members, octet in zip(fields, octets, strict=True)]
    wanted = all(any(low <= n <= high for low, high in members) for n, members in zip(octets, fields, strict=True))
    found = blocklist.split(f"x=[{pattern}]" if outer else f"x={pattern}")[1]
    assert blocklist.passes(found, ".".join(map(str, octets))) == wanted
    assert blocklist.passes((), ".".join(map(str, octets)))


def test_a_filter_narrows_a_listing() -> None:
    assert listed("zen.spamhaus.org=127.0.0.[2..11]", "192.0.2.1", "127.0.0.4") is True
    assert listed("zen.spamhaus.org=127.0.0.[2..3]", "192.0.2.1", "127.0.0.4") is False
    assert listed("zen.spamhaus.org=127.0.0.[2..3]", "192.0.2.1", "127.0.0.4", "127.0.0.2") is True


@given(st.text(max_size=30), st.lists(st.ip_addresses(v=4).map(str), max_size=3))
def test_hostile_text_is_never_a_listing_of_another(what: str, values: list[str]) -> None:
    name = blocklist.question("zen.spamhaus.org", what)
    assert name.endswith(".zen.spamhaus.org")
    response = answer(name, *values)
    bad = any(IPv4Address(value) not in blocklist._LOOPBACK for value in values)
    assert not bad or blocklist.refusal("zen.spamhaus.org", response)
