"""Labels: which line means what, which label counts, and what is said of lines that cannot be read."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.attempt import attempts
from advisor.errors import AdvisorError
from advisor.evidence import verdict, weigh
from advisor.label import Label, Labels, parse, read
from tests.test_attempt import INSIDE
from tests.test_attempt import parse as events_of
from tests.test_evidence import OURS, Log

LOG = str(
    Log()
    .mail("203.0.113.10", "info@partner.example")
    .mail("203.0.113.11", "Boss@partner.example")
    .mail("2001:db8::7", "x@other.example")
)


def weighed(text: str) -> list[str]:
    events = events_of(LOG.encode())
    found: list[str] = weigh(attempts(events, networks=INSIDE), events, OURS, labels=parse(text))["reasons"].to_pylist()
    return found


WANTED, UNWANTED = ";labelled_wanted;", ";labelled_unwanted;"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("wanted 203.0.113.10", [WANTED, "", ""]),
        ("WANTED 203.0.113.10 # our tax adviser", [WANTED, "", ""]),
        ("unwanted 203.0.113.0/24", [UNWANTED, UNWANTED, ""]),
        ("wanted 2001:db8::/64", ["", "", WANTED]),
        ("wanted [2001:db8::7]", ["", "", WANTED]),
        ("wanted boss@PARTNER.example", ["", WANTED, ""]),
        ("wanted @partner.example", [WANTED, WANTED, ""]),
        ("wanted @example", ["", "", ""]),
        ("unwanted 00000003", ["", "", UNWANTED]),
        ("# nothing\n\n", ["", "", ""]),
        ("verdict,key,why\nwanted,203.0.113.10,a friend\nunwanted, @other.example ,\n", [WANTED, "", UNWANTED]),
        ("key,verdict\r\n203.0.113.10,wanted\r\n", [WANTED, "", ""]),
    ],
)
def test_what_a_label_fits(text: str, expected: list[str]) -> None:
    assert weighed(text) == expected


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ("@partner.example", "203.0.113.0/24"),
        ("203.0.113.0/24", "203.0.113.10"),
        ("203.0.113.10", "info@partner.example"),
        ("info@partner.example", "00000001"),
    ],
)
@pytest.mark.parametrize("order", [1, -1])
def test_the_narrowest_counts(wide: str, narrow: str, order: int) -> None:
    lines = [f"wanted {narrow}", f"unwanted {wide}"][::order]
    assert weighed("\n".join(lines))[0] == WANTED


@pytest.mark.parametrize(
    "line",
    [
        "wanted", "203.0.113.10", "good 203.0.113.10", "wanted 203.0.113.10 and more", "wanted 203.0.113.10/24",
        "wanted 203.0.113.300", "wanted partner.example", "wanted @-bad.example", "wanted <>", "wanted a@b@c.example",
        "wanted a\x1bb@c.example", "wanted xyz",
    ],
)  # fmt: skip
def test_a_line_that_cannot_be_read_is_named(line: str) -> None:
    with pytest.raises(AdvisorError, match=r"labels\.txt:3"):
        parse(f"# mine\nwanted 203.0.113.10\n{line}\n", "labels.txt")


def test_two_verdicts_on_one_key() -> None:
    with pytest.raises(AdvisorError, match=r"f:2.*f:1"):
        parse("wanted a@b.example\nunwanted A@b.example\n", "f")
    assert len(parse("wanted a@b.example\nwanted a@b.example\n")) == 2


def test_a_table_without_the_columns() -> None:
    with pytest.raises(AdvisorError, match="f:1"):
        parse("label,address\nwanted,203.0.113.10\n", "f")
    with pytest.raises(AdvisorError, match="f:3"):
        parse("verdict,key\nwanted,203.0.113.10\nwanted\n", "f")
    with pytest.raises(AdvisorError, match=r"f:2.*CSV"):
        parse("verdict,key\nwanted,203.0.113.10\rx\n", "f")


def test_labels_that_fit_nothing_are_told() -> None:
    lines = "wanted 203.0.113.10\nwanted 203.0.113.0/24\nwanted 198.51.100.1\nwanted a@b.example\nwanted @b.example\n"
    found = attempts(events_of(LOG.encode()), networks=INSIDE)
    unused = parse(f"{lines}unwanted ABCDEF01\n", "f").unused(found)
    assert [(label.key, label.where) for label in unused] == [
        ("198.51.100.1/32", "f:3"),
        ("a@b.example", "f:4"),
        ("b.example", "f:5"),
        ("ABCDEF01", "f:6"),
    ]


def test_files(tmp_path: Path) -> None:
    file = tmp_path / "labels"
    file.write_bytes("\ufeffwanted 203.0.113.10\n".encode())
    assert len(read(file)) == 1
    file.write_bytes(b"wanted 203.0.113.10\nwanted \xff\n")
    with pytest.raises(AdvisorError, match=r"labels:2.*UTF-8"):
        read(file)
    with pytest.raises(AdvisorError, match="No such file"):
        read(tmp_path / "none")


@given(st.text())
def test_no_text_does_worse_than_an_error_that_names_its_line(text: str) -> None:
    try:
        found = parse(text, "f")
    except AdvisorError as error:
        assert str(error).startswith("f:")  # noqa: PT017 - most texts are no labels; those that are need no error
    else:
        assert isinstance(found, Labels)


@given(st.lists(st.booleans()), st.booleans())
def test_a_label_decides_whatever_else_is_known(others: list[bool], wanted: bool) -> None:
    rest = "".join("correspondent;" if other else "virus;" for other in others)
    assert verdict(f";labelled_{'wanted' if wanted else 'unwanted'};{rest}", "opendmarc") is wanted


def test_a_label_is_what_was_written() -> None:
    (label,) = parse("unwanted 203.0.113.10", "f")._all
    assert label == Label(wanted=False, kind="client", key="203.0.113.10/32", where="f:1")
