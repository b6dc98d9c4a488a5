"""Which restrictions are advised on: the tips, and the lists that were asked and passed their test."""

from datetime import UTC, datetime
from ipaddress import IPv4Address

from advisor.blocklist import ADDRESSES, DOMAINS, split
from advisor.candidate import CLAIMS, candidates, claim, spelled, zones
from advisor.response import FOUND, NO_SUCH_NAME, Response, Responses
from advisor.restrictions import TIPS

AT = datetime(2026, 11, 1, tzinfo=UTC)


def answer(name: str, *values: str) -> Response:
    return Response(name, "A", FOUND if values else NO_SUCH_NAME, values, AT)


def of_test(zone: str, *, of: str = ADDRESSES) -> list[Response]:
    """The answers of a list that serves addresses or domains, to all test points."""
    yes = {ADDRESSES: ("2.0.0.127", "2.0.0.0.7.f"), DOMAINS: ("test",)}[of]
    points = ("2.0.0.127", "1.0.0.127", "test", "invalid")
    return [answer(f"{point}.{zone}", *(["127.0.0.2"] if point in yes else [])) for point in points]


def listing(zone: str, address: str, value: str = "127.0.0.2") -> Response:
    return answer(".".join(reversed(address.split("."))) + f".{zone}", value)


def test_the_tips_are_always_candidates() -> None:
    assert tuple(one.column for one in candidates({}, Responses())) == TIPS
    assert all(name in CLAIMS for name in TIPS)


def test_a_list_that_passed_its_test_is_one_and_others_are_not() -> None:
    dns = Responses(
        [
            *of_test("good.example"),
            listing("good.example", "192.0.2.9"),
            *of_test("names.example", of=DOMAINS),
            # lists everything, and so nothing
            *[answer(f"{point}.all.example", "127.0.0.2") for point in ("2.0.0.127", "1.0.0.127", "test", "invalid")],
            # a list of good hosts
            *of_test("list.dnswl.org"),
        ]
    )

    assert list(zones(dns, ADDRESSES)) == ["good.example"]
    assert list(zones(dns, DOMAINS)) == ["names.example"]
    found = [one for one in candidates({}, dns) if not one.restriction.tip]
    assert [one.column for one in found] == [
        "reject_rbl_client good.example=127.0.0.[2..254]",
        "reject_rhsbl_sender names.example=127.0.0.[2..254]",
        "reject_rhsbl_helo names.example=127.0.0.[2..254]",
        "reject_rhsbl_reverse_client names.example=127.0.0.[2..254]",
    ]
    assert claim(found[0]) == "refuse clients that good.example names"


def test_the_filter_lets_through_what_was_answered_and_no_error() -> None:
    dns = Responses(
        [
            *of_test("a.example"),
            listing("a.example", "192.0.2.9", "127.0.1.4"),
            listing("a.example", "192.0.2.10", "127.255.255.254"),
        ]
    )
    zone, octets = split(spelled(dns, "a.example"))

    def passes(value: str) -> bool:
        return all(number in octet for number, octet in zip(IPv4Address(value).packed, octets, strict=True))

    assert zone == "a.example"
    assert passes("127.0.0.2")
    assert passes("127.0.1.4")
    assert not passes("127.255.255.254")
    assert not passes("127.0.0.1")
    assert not passes("127.0.1.255")


def test_a_list_with_answers_of_its_own_kind_has_no_filter_made_up() -> None:
    dns = Responses([*of_test("a.example"), listing("a.example", "192.0.2.9", "127.9.0.4")])

    assert spelled(dns, "a.example") == "a.example"
