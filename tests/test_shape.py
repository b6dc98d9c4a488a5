"""What was not understood: one row for all lines of a shape, and nothing in it that a terminal would obey."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.event import UNRECOGNISED
from advisor.shape import CUT, SAMPLES, listing, shape, shapes


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("4F1D61C0: odd thing 17 from <a@b.example>", "DEADBEEF: odd thing 4 from <>"),
        ("odd a+b@c.example[192.0.2.1]", "odd x.y@z.example[2001:db8::1]"),
        ("Nov 22 12:00:00 mx1 postfix/smtpd[1]: odd", "Nov  3 01:02:03 mx1 postfix/smtpd[99]: odd"),
    ],
)
def test_lines_that_differ_in_what_varies_have_one_shape(one: str, other: str) -> None:
    assert shape(one).replace("  ", " ") == shape(other).replace("  ", " ")


def test_lines_that_say_something_else_have_another_shape() -> None:
    assert shape("odd thing") != shape("other thing")


def test_the_most_frequent_come_first_with_their_first_sample() -> None:
    found = shapes(["odd 1", "even 1", "odd 2", *(f"{letter}{letter}" for letter in "abcdefghijklm")])

    assert found[0] == ("odd N", 2, "odd 1")
    assert len(found) == SAMPLES


def test_a_long_line_is_cut() -> None:
    assert shapes(["x" * 9_000])[0] == ("x" * CUT, 1, "x" * CUT)


def events(*texts: str) -> pa.Table:
    return pa.table({"kind": [UNRECOGNISED, *[UNRECOGNISED] * (len(texts) - 1), "connect"], "text": [*texts, "known"]})


def test_only_what_was_not_understood_is_listed() -> None:
    said = listing(events("odd 1", "odd 2"))

    assert said.startswith("2 lines were not understood; by shape:\n")
    assert "odd N" in said
    assert "known" not in said


def test_nothing_to_list() -> None:
    assert listing(events("odd").slice(1)) == "Every line of the programs we know was understood.\n"


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60))
def test_no_text_reaches_a_terminal_as_it_is(text: str) -> None:
    said = listing(events(text))

    assert all(letter.isprintable() or letter == "\n" for letter in said)
    assert said.count("\n") == 4
