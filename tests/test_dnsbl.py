"""postscreen's DNSBL rank: read as postscreen reads its parameter, and exact or not at all."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor import blocklist
from advisor.dnsbl import Rank, Sites, rank, read_sites
from advisor.errors import AdvisorError
from advisor.response import FOUND, NO_SUCH_NAME, Response, Responses
from advisor.restriction import Told
from advisor.restrictions.postscreen_dnsbl_action import tell

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
CLIENT = "203.0.113.10"


def recorded(**answers: str | None) -> Responses:
    """Lists that pass their tests, and what each said of the client ('' no listing)."""
    found = []
    for name, answer in answers.items():
        zone = name.replace("_", ".")
        for test in blocklist.tests(zone):
            listed = test.wanted and test.names == blocklist.ADDRESSES
            values = ("127.0.0.2",) if listed else ()
            found.append(Response(test.name, "A", FOUND if listed else NO_SUCH_NAME, values, NOW))
        if answer is not None:
            status, values = (FOUND, (answer,)) if answer else (NO_SUCH_NAME, ())
            found.append(Response(blocklist.question(zone, CLIENT), "A", status, values, NOW))
    return Responses(found)


def test_sites_as_in_main_cf() -> None:
    text = "{ zen.example=127.0.0.[2..11]*3, b.example\tdnswl.example=127.0.[0..255].[1..3]*-2 threshold=3 }"

    assert read_sites(text) == Sites(
        (("zen.example=127.0.0.[2..11]", 3), ("b.example", 1), ("dnswl.example=127.0.[0..255].[1..3]", -2)), 3
    )
    assert read_sites("zen.example").threshold == 1


@pytest.mark.parametrize("text", ["zen.example*x", "zen.example*", "*3", "", "threshold=3", "a.example threshold=0"])
def test_what_postscreen_would_not_start_with(text: str) -> None:
    with pytest.raises(AdvisorError):
        read_sites(text)


def test_a_bad_filter_is_found_at_once() -> None:
    with pytest.raises(AdvisorError, match=r"127\.0\.0"):
        read_sites("zen.example=127.0.0*3")


@pytest.mark.parametrize(
    ("answers", "wanted"),
    [
        ({"zen_example": "127.0.0.2", "good_example": ""}, (3, 3)),
        ({"zen_example": "127.0.0.2", "good_example": "127.0.5.1"}, (1, 1)),
        ({"zen_example": "127.0.0.200", "good_example": ""}, (0, 0)),
        ({"zen_example": "", "good_example": ""}, (0, 0)),
        # Not asked, or an error: it may be or not.
        ({"zen_example": None, "good_example": ""}, (0, 3)),
        ({"zen_example": "127.0.0.2", "good_example": None}, (1, 3)),
        ({"zen_example": "127.255.255.254", "good_example": ""}, (0, 3)),
    ],
)
def test_the_rank_lies_between(answers: dict[str, str | None], wanted: tuple[int, int]) -> None:
    found = rank(recorded(**answers), read_sites("zen.example=127.0.0.[2..11]*3 good.example*-2"), CLIENT)

    assert (found.lowest, found.highest) == wanted


def test_a_zone_with_two_filters_counts_twice() -> None:
    dns = recorded(zen_example="127.0.0.4")
    sites = read_sites("zen.example=127.0.0.[2..11]*3 zen.example=127.0.0.4*2 zen.example=127.0.0.5*9")

    assert rank(dns, sites, CLIENT) == Rank(5, 5, NOW)


REJECT, DUNNO = Told("reject", asked_at=NOW), Told("dunno", asked_at=NOW)


@pytest.mark.parametrize(
    ("answers", "threshold", "wanted"),
    [
        ({"zen_example": "127.0.0.2", "good_example": ""}, 3, REJECT),
        ({"zen_example": "127.0.0.2", "good_example": ""}, 4, DUNNO),
        ({"zen_example": "127.0.0.2", "good_example": None}, 3, None),
        ({"zen_example": "127.0.0.2", "good_example": None}, 1, REJECT),
        ({"zen_example": None, "good_example": ""}, 3, None),
        ({"zen_example": None, "good_example": ""}, 4, DUNNO),
    ],
)
def test_what_it_comes_to(answers: dict[str, str | None], threshold: int, wanted: Told | None) -> None:
    sites = f"{{ zen.example*3 good.example*-2 threshold={threshold} }}"

    assert tell(sites, recorded(**answers), None, CLIENT, False, None) == wanted
    # Postscreen does not test who is ours, and of who is not known to be ours or not nobody knows.
    assert tell(sites, recorded(**answers), None, CLIENT, True, None) == Told("dunno", basis="derived")
    assert tell(sites, recorded(**answers), None, CLIENT, None, True) is None


@given(st.dictionaries(st.sampled_from("abcd"), st.sampled_from(["127.0.0.2", "", None])), st.integers(1, 6))
def test_missing_answers_never_decide(answers: dict[str, str | None], threshold: int) -> None:
    sites = f"a.example*3 b.example*2 c.example*-2 d.example*-1 threshold={threshold}"

    def said(of: dict[str, str | None]) -> Told | None:
        return tell(
            sites, recorded(**{f"{name}_example": answer for name, answer in of.items()}), None, CLIENT, False, None
        )

    found = said(answers)
    for listed in ("127.0.0.2", ""):
        whole = said({name: answers.get(name) if answers.get(name) is not None else listed for name in "abcd"})
        assert found is None or (whole is not None and whole.word == found.word)
