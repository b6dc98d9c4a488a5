from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.recommendation import Advice, Greylisting, Tally
from advisor.reports import card, week, wording
from advisor.reports.visible import cut, visible
from tests.reports.conftest import advised, moment


@pytest.mark.parametrize(
    ("part", "whole", "words"),
    [
        (612, 1391, "612 of 1,391 (44.0 %)"),
        (3, 12, "3 of 12"),
        (3, 12406, "3 of 12,406 (0.024 %)"),
        (1, 100, "1 of 100 (1.0 %)"),
        (1, 101, "1 of 101 (0.99 %)"),
        (0, 1391, "0 of 1,391"),
        (1391, 1391, "1,391 of 1,391 (100.0 %)"),
        (99_999, 100_000, "99,999 of 100,000 (over 99.9 %)"),
        (1, 2_000_000_000, "1 of 2,000,000,000 (under 0.000001 %)"),
    ],
)
def test_shares(part: int, whole: int, words: str) -> None:
    assert wording.share(part, whole) == words


@given(st.integers(1, 10**7), st.integers(20, 10**7))
def test_a_share_is_never_rounded_to_none_or_all(part: int, whole: int) -> None:
    words = wording.share(min(part, whole), whole)
    assert "(0 %)" not in words
    assert ("(100.0 %)" in words) == (part >= whole)


@given(st.text())
def test_visible_text_is_printable_and_says_the_same(text: str) -> None:
    shown = visible(text, ascii_only=True)
    assert shown.isascii()
    assert shown == "" or shown.isprintable()
    if text.isascii() and text.isprintable():
        assert shown == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31m", r"\x1b[31m"),
        ("a\u202eb", r"a\u202eb"),
        ("\u2066\u200b\ufeff", r"\u2066\u200b\ufeff"),
        ("line\r\nbreak\u2028", r"line\x0d\x0abreak\u2028"),
        ("\udcff\x80\U000e0041", r"\udcff\x80\U000e0041"),
        ("no\u00a0break", r"no\xa0break"),
        ("grüße", "grüße"),
        ("tab\t", r"tab\x09"),
    ],
)
def test_what_is_not_seen_is_spelled_out(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_in_ascii_all_else_is_spelled_out() -> None:
    assert visible("grüße", ascii_only=True) == r"gr\xfc\xdfe"


@given(st.text(), st.integers(10, 80))
def test_cut_text_keeps_both_ends(text: str, longest: int) -> None:
    shown = cut(text, longest)
    assert len(shown) <= longest
    assert shown == text or ("..." in shown and text.startswith(shown[0]) and text.endswith(shown[-1]))
    assert len(cut("x" * 99)) == 60


def test_harm_is_measured_on_what_could_be_judged() -> None:
    one = advised("x", hurt=Tally(), wanted=Tally(1000, 9, 9), harm_interval=(0.0, 0.5), no_evidence=Tally(14970, 9, 9))
    assert card.cells(one)[2] == "0/1,000"
    none = advised("x", hurt=Tally(), wanted_judged=Tally(), harm_interval=None)
    assert card.cells(none)[2] == "no evidence"
    assert card.hurts(none) == "no evidence"
    assert card.stops(none).startswith("612 of 1,391")  # unwanted mail was judged all the same


def test_harm_that_was_seen_is_shown_even_without_an_interval() -> None:
    assert card.hurts(advised("x", harm_interval=None)).startswith("3 of 12,406 wanted attempts")


def test_gain_that_cannot_be_known_is_not_zero() -> None:
    one = advised("x", stopped=Tally(), marginal=Tally(), unwanted=Tally())
    assert card.cells(one)[:2] == ("no evidence", "no evidence")
    assert card.stops(one) == "no evidence: no accepted mail is known to be unwanted"


def test_delays_are_those_that_somebody_had() -> None:
    found = Greylisting(10, 10, 10, 0, 0, 0, tuple(float(n) for n in range(1, 11)))
    assert wording.delays(found) == {"median": 5.5, "p90": 9.0, "max": 10.0}
    assert wording.delays(Greylisting(1, 1, 0, 1, 0, 0, ())) is None
    assert wording.greylisted(Greylisting(1, 1, 0, 1, 0, 0, ()))[-1] == "delay of the passed: no evidence"


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (119, "119 s"), (300, "5.0 min"), (7200, "2.0 hours"), (604800, "7.0 days")]
)
def test_durations(seconds: float, words: str) -> None:
    assert wording.duration(seconds) == words


def test_news_are_no_silence(rich_advice: Advice, weekly_advice: Advice) -> None:
    calm = replace(rich_advice, recommendations=rich_advice.recommendations[4:], findings=())
    assert week.calm(calm)
    assert weekly_advice.contrast is not None
    assert week.calm(replace(calm, contrast=replace(weekly_advice.contrast, news=())))
    assert not week.calm(replace(calm, contrast=weekly_advice.contrast))
    assert not week.calm(replace(calm, sequels=weekly_advice.sequels))
    assert not week.calm(replace(calm, findings=rich_advice.findings))


def test_advice_that_was_read_before_is_repeated_once_a_month(rich_advice: Advice) -> None:
    old = moment(16)
    stood = tuple(replace(one, stood=old) if one.rank else one for one in rich_advice.recommendations)
    quiet = replace(rich_advice, recommendations=stood, findings=())
    ends = [replace(quiet, end=moment(day)) for day in range(1, 29)]
    assert [each.end.day for each in ends if each.end and not week.calm(each)] == [1, 2, 3, 4, 5, 6, 7]
    new = tuple(replace(one, stood=None) if one.rank == 2 else one for one in stood)
    assert not week.calm(replace(ends[20], recommendations=new))
    assert week.calm(ends[20])
