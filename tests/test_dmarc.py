"""DMARC records: read as the real libopendmarc reads them, and what follows from them for mail that failed."""

import ctypes
import ctypes.util
from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from advisor.dmarc import Record, is_record, parse, policy, questions
from advisor.response import FOUND, NO_DATA, NO_SUCH_NAME, TEMPORARY, Response, Responses
from advisor.restriction import Told
from advisor.restrictions.opendmarc import tell
from advisor.restrictions.opendmarc_required_headers import tell as tell_of_headers

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def said(**answers: str | list[str]) -> Responses:
    """What was recorded, by domain ('_' for a dot): the texts at its `_dmarc.`, or the status."""
    found = []
    for name, answer in answers.items():
        status = answer if isinstance(answer, str) else FOUND
        values = () if isinstance(answer, str) else tuple(answer)
        found.append(Response("_dmarc." + name.replace("_", "."), "TXT", status, values, NOW))
    return Responses(found)


class Library:
    """The real one, by way of ctypes."""

    def __init__(self) -> None:
        path = ctypes.util.find_library("opendmarc")
        if path is None:
            pytest.skip("libopendmarc is not installed (tests/packages.sh)")
        self.lib = ctypes.CDLL(path)
        self.lib.opendmarc_policy_connect_init.restype = ctypes.c_void_p
        context = ctypes.c_void_p(self.lib.opendmarc_policy_connect_init(b"203.0.113.10", 0))
        self.context = context

    def parse(self, text: bytes) -> Record | None:
        self.lib.opendmarc_policy_connect_rset(self.context)
        status = self.lib.opendmarc_policy_parse_dmarc(self.context, b"d.example", text)
        if status:
            return None
        words = {0: "", ord("n"): "none", ord("q"): "quarantine", ord("r"): "reject"}
        values = []
        for name in ("p", "sp", "pct"):
            value = ctypes.c_int()
            getattr(self.lib, f"opendmarc_policy_fetch_{name}")(self.context, ctypes.byref(value))
            values.append(value.value)
        return Record(words[values[0]], words[values[1]], values[2])


@pytest.fixture(scope="module")
def library() -> Library:
    return Library()


_WORDS = st.sampled_from(
    [
        "reject",
        "none",
        "quarantine",
        "rej",
        "R",
        "q",
        "rejected",
        "n o n e",
        "",
        " ",
        "bob",
        "DMARC1",
        "dmarc1",
        "1",
        "100",
        "0",
        "50",
        "101",
        "-1",
        "+7",
        "5x",
        "x",
        "007",
        "r",
        "s",
        "strict",
        "relaxed",
        "stricter",
        "afrf",
        "afrf,iodef",
        "afrf,",
        ",afrf",
        "mailto:a@b.example",
        "mailto:a@b.example,mailto:c@d.example",
        "a,,b",
        "0:1:d:s",
        "0:",
        ":1",
        "z",
        "86400",
        "86400x",
        "1=2",
        "=",
    ]
)
_TAGS = st.sampled_from(
    ["v", "p", "sp", "pct", "adkim", "aspf", "rf", "ri", "rua", "ruf", "fo", "V", " p ", "S P", "x", ""]
)
_TAG = st.builds("{}{}{}".format, _TAGS, st.sampled_from(["=", "=", "=", " = ", ""]), _WORDS)
RECORDS = st.lists(_TAG, max_size=6).map(lambda tags: ";".join(["v=DMARC1", *tags]))
NOT_EMPTY = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=80)


@pytest.mark.integration
@settings(max_examples=1_500)
@given(RECORDS | NOT_EMPTY)
@example("v=DMARC1; p=reject; pct=40; sp=none")
@example("v=DMARC1; p=reject; p=none")
@example("p=quarantine; v=DMARC1")
@example("v=DMARC2; p=reject")
@example("v=DMARC1; sp=reject")
@example("v=DMARC1; p=reject; rua=mailto:a@b.example; rua=mailto:a@b.example")
@example("v=DMARC1; p=reject; rua=" + "a" * 300)
@example("v=DMARC1; p=reject; x=" + "a" * 600)
@example("v=DMARC1; p=reject; ri=")
def test_as_the_real_library_reads_it(library: Library, text: str) -> None:
    assert parse(text) == library.parse(text.encode())


@pytest.mark.integration
def test_the_real_library_knows_good_records(library: Library) -> None:
    assert library.parse(b"v=DMARC1; p=rej; sp=q; pct=30") == Record("reject", "quarantine", 30)
    assert library.parse(b"v=DMARC1; p=bob") is None


def test_which_records_it_looks_at() -> None:
    assert is_record("v=DMARC1; p=none")
    assert is_record("a v=DMARC1")
    assert not is_record("v=dmarc1; p=none")
    assert not is_record("v=spf1 -all")


def test_whom_to_ask() -> None:
    assert questions("News.Shop.Example.") == ("_dmarc.news.shop.example", "_dmarc.shop.example")
    assert questions("shop.example") == ("_dmarc.shop.example",)
    assert questions("example") == ("_dmarc.example",)
    deep = questions("a.b.c.d.e.f.g.shop.example")
    assert (deep[0], deep[1], len(deep)) == ("_dmarc.a.b.c.d.e.f.g.shop.example", "_dmarc.d.e.f.g.shop.example", 6)


R, Q, N = "v=DMARC1; p=reject", "v=DMARC1; p=quarantine", "v=DMARC1; p=none"


@pytest.mark.parametrize(
    ("answers", "wanted"),
    [
        ({"news_shop_example": [R]}, ("reject", 100, "news.shop.example")),
        ({"news_shop_example": [R + "; sp=none; pct=20"]}, ("reject", 20, "news.shop.example")),
        ({"news_shop_example": ["v=spf1 -all", R]}, ("reject", 100, "news.shop.example")),
        ({"news_shop_example": NO_SUCH_NAME, "shop_example": [R]}, ("reject", 100, "shop.example")),
        ({"news_shop_example": NO_DATA, "shop_example": [R + "; sp=none"]}, ("none", 100, "shop.example")),
        ({"news_shop_example": ["v=spf1 -all"], "shop_example": [Q]}, ("quarantine", 100, "shop.example")),
        # Never asked, not answered, gone, not to be read, contradictory: nobody knows.
        ({"shop_example": [R]}, None),
        ({"news_shop_example": TEMPORARY, "shop_example": [R]}, None),
        ({"news_shop_example": NO_DATA}, None),
        ({"news_shop_example": NO_DATA, "shop_example": NO_SUCH_NAME}, None),
        ({"news_shop_example": ["v=DMARC1; p=bob"], "shop_example": [R]}, None),
        ({"news_shop_example": [R, N]}, None),
        ({"news_shop_example": [R, R + "; rua=mailto:a@b.example"]}, ("reject", 100, "news.shop.example")),
    ],
)
def test_whose_policy_counts(answers: dict[str, str | list[str]], wanted: tuple[str, int, str] | None) -> None:
    found = policy(said(**answers), "news.shop.example")

    assert (found and (found.word, found.pct, found.domain)) == wanted


@pytest.mark.parametrize(
    ("result", "record", "wanted"),
    [
        ("pass", None, Told("dunno", basis="derived")),
        ("none", None, Told("dunno", basis="derived")),
        ("permerror", None, Told("dunno", basis="derived")),
        ("multi_from", None, Told("dunno", basis="derived")),
        ("temperror", None, Told("defer", "451 4.7.1", basis="derived")),
        ("fail", R, Told("reject", "550 5.7.1", asked_at=NOW)),
        ("fail", R + "; pct=0", Told("dunno", asked_at=NOW)),
        ("fail", R + "; pct=99", None),
        ("fail", Q, Told("dunno", asked_at=NOW)),
        ("fail", N + "; pct=50", Told("dunno", asked_at=NOW)),
        ("fail", None, None),
        ("bad_headers", None, None),
        (None, R, None),
    ],
)
def test_what_opendmarc_answers(result: str | None, record: str | None, wanted: Told | None) -> None:
    dns = said(shop_example=[record]) if record else Responses()

    assert tell("", dns, None, result, "shop.example") == wanted


def test_a_failure_without_its_domain_is_no_evidence() -> None:
    assert tell("", said(shop_example=[R]), None, "fail", None) is None


def test_the_record_of_the_day_counts() -> None:
    then = Response("_dmarc.shop.example", "TXT", FOUND, (N,), NOW.replace(year=2025))
    dns = Responses([then, *said(shop_example=[R])])

    assert tell("", dns, then.asked_at, "fail", "shop.example") == Told("dunno", asked_at=then.asked_at)
    assert tell("", dns, NOW, "fail", "shop.example") == Told("reject", "550 5.7.1", asked_at=NOW)


def test_what_is_known_of_headers() -> None:
    refused = Told("reject", "550 5.7.1", basis="derived")
    for fault in ("bad_headers", "bad_from", "no_from"):
        assert tell_of_headers("", Responses(), None, fault) == refused
    for result in ("pass", "none", "fail", "multi_from", None):
        assert tell_of_headers("", Responses(), None, result) is None
