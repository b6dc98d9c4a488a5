"""The marks of a block against what one finds byte by byte."""

import re

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from advisor import marks
from advisor.line import LONG
from advisor.marks import BRACKETS, WORD, Marks, Positions, gather

pytestmark = pytest.mark.usefixtures("way")

# Everything that is a mark or looks like one, and enough else for lines of some length.
ODD = st.sampled_from(list(b' <>[]"\n\n09.:/a\0\r\t\x7f\x80\xc3\xff'))
BLOCKS = st.lists(ODD, min_size=1, max_size=80).map(bytes) | st.binary(min_size=1, max_size=80)


def counted(data: bytes) -> Marks:
    """The marks as numpy finds them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(marks, "scanner", None)
        return Marks(data)


def positions(*values: int) -> Positions:
    return np.array(values, np.int64)


@given(BLOCKS)
@example(b"\n")
@example(b"a")
@example(b"\n\na")
@example(b"a " * 300_000)
@example(b"a [\n" * 100_000)
def test_lines(data: bytes) -> None:
    """And which of them are plain."""
    marks = Marks(data)
    lines = data.removesuffix(b"\n").split(b"\n")

    assert marks.count == len(lines)
    assert [marks.line(number) for number in range(marks.count)] == lines
    assert marks.text.tolist() == marks.start.tolist()
    assert marks.plain.tolist() == [all(0x20 <= byte < 0x7F for byte in line) and len(line) <= LONG for line in lines]


@given(BLOCKS)
def test_the_next_mark(data: bytes) -> None:
    """From any place on, up to a limit within the line."""
    marks = Marks(data)
    length = len(data)
    at = np.repeat(np.arange(length), 2)
    limit = np.tile(np.array([length, length // 2]), length)
    limit = np.maximum(at, limit)
    odd = [
        number for number, byte in enumerate(data) if (byte in BRACKETS or byte < 0x20 or byte >= 0x7F) and byte != 10
    ]
    spaces = [number for number, byte in enumerate(data) if byte == ord(" ")]
    for found, places in ((marks.next_space(at, limit), spaces), (marks.next_bracket(at, limit), odd)):
        for begin, stop, place in zip(at.tolist(), limit.tolist(), found.tolist(), strict=True):
            expected = next((each for each in places if begin <= each < stop), None)
            line_end = data.find(b"\n", begin)
            if expected is not None and (line_end < 0 or expected < line_end):
                assert place == expected
            elif expected is None and not begin <= line_end < stop:
                assert place >= stop


@given(BLOCKS)
@example(b"\n")
@example(b"a")
@example(b"\n\na")
@example(b"a " * 300_000)
@example(b"a [\n" * 100_000)
def test_marks(data: bytes) -> None:
    """Lines, spaces, and brackets, among which is whatever no line should hold."""
    marks = counted(data)
    lines = data.removesuffix(b"\n").split(b"\n")

    assert marks.count == len(lines)
    assert [marks.line(number) for number in range(marks.count)] == lines
    for number, line in enumerate(lines[:1_000]):
        start = int(marks.start[number])
        assert start == sum(len(before) + 1 for before in lines[:number])
        assert int(marks.end[number]) == start + len(line)
        space = marks.spaces[marks.first_space[number] : marks.first_space[number + 1]] - start
        bracket = marks.brackets[marks.first_bracket[number] : marks.first_bracket[number + 1]] - start
        assert space.tolist() == [at for at, byte in enumerate(line) if byte == ord(" ")]
        odd = [at for at, byte in enumerate(line) if byte in BRACKETS or byte < 0x20 or byte >= 0x7F]
        assert bracket.tolist() == odd
    assert marks.text.tolist() == marks.start.tolist()
    assert marks.printable == all(0x20 <= byte < 0x7F or byte == ord("\n") for byte in data)


@given(BLOCKS)
def test_beyond_the_last_mark_is_the_end(data: bytes) -> None:
    marks = counted(data)
    end = len(data) + (not data.endswith(b"\n"))
    spaces, brackets = len(marks.spaces), len(marks.brackets)

    assert marks.nth_space(positions(spaces - 1, spaces, spaces + 9)).tolist() == [end] * 3
    assert marks.nth_bracket(positions(brackets - 1, brackets, brackets + 9)).tolist() == [end] * 3


@given(BLOCKS, st.binary(min_size=1, max_size=40), st.data())
def test_says(data: bytes, other: bytes, more: st.DataObject) -> None:
    at = more.draw(st.integers(0, len(data) - 1))
    own = data[at : at + more.draw(st.integers(1, 40))]
    # One byte off, at any place: each word of the comparison counts.
    place = more.draw(st.integers(0, len(own) - 1))
    wrong = own[:place] + bytes([own[place] ^ more.draw(st.integers(1, 255))]) + own[place + 1 :]
    marks, padded = Marks(data + bytes(40)), data + bytes(40)
    for literal in (own, wrong, other):
        found = marks.says(positions(*range(len(data))), literal)
        assert found.tolist() == [padded.startswith(literal, begin) for begin in range(len(data))]


# 695
NUMBER = re.compile(rb"[0-9]{1,8}")
# 203.0.113.10
IPV4 = re.compile(rb"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
DIGITS = st.text(st.sampled_from("0123456789"), max_size=10) | st.text(st.sampled_from("09/:;.a\x80\xb0"), max_size=10)
DOTTED = st.text(st.sampled_from("0123456789.."), max_size=17) | st.lists(DIGITS, min_size=3, max_size=5).map(".".join)


def fields_of(texts: list[str]) -> tuple[Marks, Positions, Positions]:
    """Some fields in a block behind a header of some bytes, with a digit around each: its end is not that of a word."""
    pieces = [text.encode("latin-1").replace(b"\n", b"") for text in texts]
    length = positions(*map(len, pieces))
    end = WORD + np.cumsum(length + 1) - 1
    return Marks(b"9" * WORD + b"9".join(pieces) + b"9"), end - length, end


@given(st.lists(DIGITS, min_size=1, max_size=9))
@example(["00000000", "99999999", "999999999", "", "1", "0"])
def test_numbers(texts: list[str]) -> None:
    marks, begin, end = fields_of(texts)
    numbers, good = marks.numbers(begin, end)

    assert good.tolist() == [NUMBER.fullmatch(text.encode("latin-1")) is not None for text in texts]
    assert numbers[good].tolist() == [int(text) for text, fit in zip(texts, good.tolist(), strict=True) if fit]


@pytest.mark.parametrize("length", range(1, WORD + 2))
def test_no_byte_but_a_digit_is_one(length: int) -> None:
    for place in range(length):
        for byte in range(256):
            text = ("7" * place + chr(byte) + "7" * length)[:length]
            marks, begin, end = fields_of([text.replace("\n", "x")])
            assert marks.numbers(begin, end)[1].tolist() == [length <= WORD and 0x30 <= byte <= 0x39]


@given(st.lists(DOTTED, min_size=1, max_size=9))
@example(
    ["1.2.3.4", "255.255.255.255", "999.999.999.999", "1.2.3.", ".1.2.3", "1.2.3", "1..2.3", "1.2.3.4.5", "1111.2.3.4"]
)
@example(["1.2.3.4444", "1.2.3.4a", "1.2.3./", "1.2.3.:", "1234567", "...1234", "1.2.33.4444", "111.111.111.1111"])
def test_ipv4(texts: list[str]) -> None:
    marks, begin, end = fields_of(texts)
    wanted = [IPV4.fullmatch(text.encode("latin-1")) is not None for text in texts]

    assert marks.ipv4(begin, end).tolist() == wanted


@given(st.lists(st.text(st.sampled_from("ab "), max_size=17), min_size=1, max_size=12))
@example(["a" * 16, "a" * 15, "a" * 8, "a" * 7, ""])
@example(["a" * 17])
@example([f"{number:04}" for number in range(1_000)])
def test_encoded(texts: list[str]) -> None:
    codes, words = Marks.encoded(*fields_of(texts))

    assert [words[code] for code in codes.tolist()] == texts
    assert len(words) == len(set(texts))


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), max_size=9), st.integers(0, 9))
def test_gather(steps: list[tuple[int, int]], rest: int) -> None:
    """Ranges with gaps between them or none, empty ones among them, and one that ends where the bytes end."""
    data = bytes(ord("a") + number % 26 for number in range(sum(map(sum, steps)) + rest))
    ranges, at = [], 0
    for gap, length in steps:
        ranges.append((at + gap, at + gap + length))
        at += gap + length
    begin, end = (positions(*(part[side] for part in ranges)) for side in (0, 1))
    found = gather(data, begin, end)
    found.validate(full=True)

    assert found.to_pylist() == [data[start:stop].decode() for start, stop in ranges]
    assert Marks(data + b"\n").strings(begin, end).equals(found)
