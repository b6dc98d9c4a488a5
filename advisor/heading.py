"""The headings of a block of lines: when each line was logged, by whom, and where its own words begin.

A log writes one form of header for weeks. The form of a block's first line is read by the pattern (advisor.line), and
whatever else has just that form by arithmetic on its bytes; other lines are left to the pattern, one by one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC

import numpy as np
import numpy.typing as npt

from advisor.column import Mask, numbers
from advisor.line import ISO8601, MORE, RFC3164, Clock, decode, read
from advisor.marks import WORD, Marks, Positions, gather
from advisor.programs import NO_HEADER, Header, HeaderReader, Tag, tag_of
from advisor.stamp import MONTH_NAMES

_SECOND = 1_000_000
_HIGH = np.uint64(0x8080808080808080)
# What, added to a byte, sets its highest bit: more than 9, more than 5, more than 6, more than 0.
_DIGIT, _MINUTES, _SECONDS, _SAME, _FREE = 0x76, 0x7A, 0x79, 0x7F, 0x00

_FIRST = 16
# How a text may begin in which there is more of a header (advisor.line.MORE), by one, by two and by four bytes.
_FOUR = [*(f"{month} " for month in MONTH_NAMES), "post", "[ID ", "last", "mess"]
_TWO = ["19", "20", *(f"<{digit}" for digit in range(10))]
_MORE_BEGINS = np.array([int.from_bytes(text.encode(), "little") for text in _FOUR], np.uint64)
_BEGINS_MORE = np.isin(np.arange(256), [ord(text[0]) for text in _FOUR + _TWO])
_YEAR_OR_PRIORITY = np.isin(np.arange(1 << 16), [int.from_bytes(text.encode(), "little") for text in _TWO])

_TWO_BYTES, _FOUR_BYTES = "".join(_TWO).encode(), "".join(_FOUR).encode()

Words = npt.NDArray[np.uint64]

_Found = tuple[Mask, Positions, Mask]
"""Which lines were read, the microseconds since the hour there, and where date, hour and zone are as the line before
has them."""


@dataclass(frozen=True)
class Layout:
    """Where in a time stamp its parts are, from the line's start: the colon behind the hour, the fraction, the end."""

    hour: int
    fraction: int
    zone: int
    end: int
    spaces: int

    @classmethod
    def of(cls, text: str) -> "Layout | None":
        """The layout of a line's time stamp; None where the line has none, or a very odd one."""
        found = RFC3164.match(text) or ISO8601.match(text)
        if found is None:
            return None
        begin, end = found.span("clock")
        fraction = found.span("fraction") if found["fraction"] else (end, end)
        known = cls(begin + 2, fraction[0], fraction[1], found.end(), found[0].count(" "))
        # The parts that stay the same for an hour are compared by words.
        return known if WORD <= known.hour <= 2 * WORD and known.end - known.zone < WORD else None

    def times(self, marks: Marks) -> tuple[Mask, Positions]:
        """Tell which lines have a time of this form, and the microseconds since the hour there."""
        start = np.minimum(marks.start, len(marks.bytes) - self.end - 2 * WORD)
        clock = marks.words[start + self.hour] ^ np.uint64(int.from_bytes(b":00:00", "little"))
        limit = _bytes(_SAME, _MINUTES, _DIGIT, _SAME, _SECONDS, _DIGIT, _FREE, _FREE)
        inside = np.uint64((1 << 48) - 1)
        fit = ((clock | (clock + limit)) & _HIGH & inside) == 0
        seconds = (_digit(clock, 1) * 10 + _digit(clock, 2)) * 60 + _digit(clock, 4) * 10 + _digit(clock, 5)
        micros = seconds * _SECOND
        if self.zone > self.fraction:
            fit &= (marks.bytes[start + self.fraction] == ord(".")) | (marks.bytes[start + self.fraction] == ord(","))
            for place in range(self.fraction + 1, min(self.zone, self.fraction + 7)):
                digit = marks.bytes[start + place].astype(np.int64) - ord("0")
                fit &= (digit >= 0) & (digit <= 9)
                micros += digit * 10 ** (6 - (place - self.fraction))
            for place in range(self.fraction + 7, self.zone):
                digit = marks.bytes[start + place].astype(np.int64) - ord("0")
                fit &= (digit >= 0) & (digit <= 9)
        fit &= (marks.end - marks.start >= self.end) & (marks.bytes[start + self.end - 1] == ord(" "))
        return fit, micros

    def same(self, marks: Marks, rows: Positions) -> Mask:
        """Tell which of these lines have the date, the hour and the zone of the one before it among them."""
        start = marks.start[rows]
        same = np.zeros(len(rows), np.bool_)
        head, hour, tail = (
            marks.words[start],
            marks.words[start + self.hour - WORD],
            marks.words[start + self.end - WORD],
        )
        tail = tail >> np.uint64(8 * (WORD - (self.end - self.zone)))
        same[1:] = (head[1:] == head[:-1]) & (hour[1:] == hour[:-1]) & (tail[1:] == tail[:-1])
        return same


def _bytes(*values: int) -> np.uint64:
    return np.uint64(int.from_bytes(bytes(values), "little"))


def _digit(words: Words, place: int) -> Positions:
    return ((words >> np.uint64(8 * place)) & np.uint64(0xFF)).astype(np.int64)


class TagReader(HeaderReader):
    """Reads headers by the pattern, and knows the tags that it has met by number."""

    def __init__(self, clock: Clock) -> None:
        """Begin with no tag."""
        super().__init__(clock)
        self.tags: list[Tag] = []
        self._numbers: dict[str, int] = {}

    def number(self, key: str, text: str, said: int) -> int:
        """The number of the tag with this host and name; -1 where the pattern reads it otherwise than we do.

        `text` is a line with that tag, and `said` where we think that the program's own words begin.
        """
        known = self._numbers.get(key)
        if known is None:
            line = read(text, Clock(self.clock.year, UTC))
            # What is not as we think may be so in this line only; the next block tries another.
            if line is None or line.text != text[said:] or line.repeated > 1:
                return -1
            known = self._numbers[key] = len(self.tags)
            self.tags.append(tag_of(line))
        return known


class Headings:
    """Of each line: its `time` (microseconds, UTC), the number of its `tag` in `tags` (-1 for none), and its `pid`.

    `odd` are the lines that were read by the pattern, with what it found; the rest of `marks.text` is set here.
    """

    def __init__(self, marks: Marks, reader: "TagReader") -> None:
        """Read the headings of a block; the clock goes on to its last line."""
        self.marks = marks
        self.tags = reader.tags
        self.time: Positions = np.zeros(marks.count, np.int64)
        self.tag: Positions = np.full(marks.count, -1, np.int64)
        self.pid: Positions = np.full(marks.count, -1, np.int64)
        self.odd: dict[int, tuple[Header, str]] = {}
        layout = _layout(marks)
        if layout is not None and len(marks.data) > layout.end + 3 * WORD:
            find = self._count if marks.scanner is None else self._scan
            fast, micros, same = find(layout, reader)
            self._read_times(layout, (fast, micros, same), reader)
        else:
            for row in range(marks.count):
                self._read_odd(row, reader)

    def _scan(self, layout: Layout, reader: "TagReader") -> _Found:
        """Read the headings with the compiled scanner."""
        marks, count = self.marks, self.marks.count
        assert marks.scanner is not None
        fast, same = marks.plain.copy(), np.empty(count, np.bool_)
        micros, key = np.empty(count, np.int64), np.zeros(count, np.int64)
        keys, samples, more = marks.scanner.headings(
            *(marks.data, marks.start, marks.end),
            (layout.hour, layout.fraction, layout.zone, layout.end),
            (_TWO_BYTES, _FOUR_BYTES),
            (fast, micros, same, self.pid, marks.text, key),
        )
        known = self._numbers(keys, samples, reader)
        rows = np.flatnonzero(fast)
        self.tag[rows] = known[key[rows]]
        self._leave_layers(fast, more)
        return fast & (self.tag >= 0), micros, same

    def _count(self, layout: Layout, reader: "TagReader") -> _Found:
        """Read the headings by counting marks."""
        marks = self.marks
        fast, micros = layout.times(marks)
        fast &= marks.plain
        self._read_tags(layout, fast, reader)
        rows = np.flatnonzero(fast)
        rows = rows[_BEGINS_MORE[marks.bytes[marks.text[rows]]]]
        begin = marks.words[marks.text[rows]] & np.uint64(0xFFFFFFFF)
        rows = rows[np.isin(begin, _MORE_BEGINS) | _YEAR_OR_PRIORITY[begin & np.uint64(0xFFFF)]]
        self._leave_layers(fast, rows.tolist())
        rows = np.flatnonzero(fast)
        same = np.zeros(marks.count, np.bool_)
        same[rows] = layout.same(marks, rows)
        return fast, micros, same

    def _numbers(self, keys: Sequence[str], samples: Sequence[int], reader: "TagReader") -> Positions:
        """The numbers of tags, of each of which a line is given; -1 for one that the pattern reads otherwise."""
        marks = self.marks
        found = [
            reader.number(key, decode(marks.line(row)) or "", int(marks.text[row] - marks.start[row]))
            for key, row in zip(keys, samples, strict=True)
        ]
        return np.array(found, np.int64)

    def _read_tags(self, layout: Layout, fast: Mask, reader: "TagReader") -> None:
        """Find hosts, tags and processes; a line without is no longer `fast`."""
        marks = self.marks
        end = marks.start + (layout.end - 1)
        count = marks.first_space[:-1] + (layout.spaces - 1)
        here = marks.nth_space(count) == end
        for less in (1, -1):
            if not here.all():
                # `Nov  2` has a space more than `Nov 22`.
                other = marks.nth_space(count - less) == end
                count = np.where(here, count, np.where(other, count - less, count))
                here |= other
        tag_end = marks.nth_space(count + 2)
        bracket, closing = marks.nth_bracket(marks.first_bracket[:-1]), marks.nth_bracket(marks.first_bracket[:-1] + 1)
        # A tag ends in `]:` or `:`, and what ends there has begun before: behind a host of one letter at least.
        fast &= (
            here
            & (tag_end < marks.end)
            & (marks.bytes[tag_end - 1] == ord(":"))
            & (marks.nth_space(count + 1) > end + 1)
        )
        with_pid = marks.bytes[tag_end - 2] == ord("]")
        pid, good = marks.numbers(bracket + 1, closing)
        good &= (marks.bytes[bracket] == ord("[")) & (closing == tag_end - 2) & (bracket > marks.nth_space(count + 1))
        fast &= np.where(with_pid, good, bracket > tag_end)
        rows = np.flatnonzero(fast)
        chosen = with_pid[rows]
        self.pid[rows] = np.where(chosen, pid[rows], -1)
        marks.text[rows] = tag_end[rows] + 1
        marks.text_space[rows] = count[rows] + 3
        marks.text_bracket[rows] += np.where(chosen, 2, 0)
        keys = gather(marks.data, end[rows] + 1, np.where(chosen, bracket[rows], tag_end[rows] - 1)).dictionary_encode()
        codes = numbers(keys.indices)
        samples = np.zeros(len(keys.dictionary), np.int64)
        samples[codes[::-1]] = rows[::-1]
        known = self._numbers(keys.dictionary.to_pylist(), samples.tolist(), reader)
        self.tag[rows] = known[codes]
        fast &= self.tag >= 0

    def _leave_layers(self, fast: Mask, rows: Sequence[int]) -> None:
        """Leave those of some lines to the pattern whose words begin with more of a header."""
        marks = self.marks
        for row in rows:
            if MORE.match(marks.data[marks.text[row] : marks.end[row]].decode("ascii")):
                fast[row] = False

    def _read_times(self, layout: Layout, found: _Found, reader: "TagReader") -> None:
        """Give each line its time, in order: where the date or the hour changes, the clock is asked."""
        fast, micros, same = found
        rows = np.flatnonzero(fast)
        # Behind a line that only the pattern can read, the clock may stand elsewhere.
        same[1:] &= fast[:-1]
        same = same[rows]
        begins = np.flatnonzero(~same)
        base = np.zeros(len(begins), np.int64)
        bad: list[int] = []
        odd = np.flatnonzero(~fast)
        at = 0
        for number, begin in enumerate(begins.tolist()):
            row = int(rows[begin])
            while at < len(odd) and odd[at] < row:
                self._read_odd(int(odd[at]), reader)
                at += 1
            text = decode(self.marks.line(row))
            stamp = reader.clock.stamp(text) if text is not None else None
            reader.forget()
            # In an hour that comes twice each line's time depends on the one before.
            if stamp is not None and stamp[1] == layout.end and reader.clock.regular:
                base[number] = stamp[0] - micros[row]
            else:
                bad.append(number)
                stop = int(begins[number + 1]) if number + 1 < len(begins) else len(rows)
                for line in rows[begin:stop].tolist():
                    self._read_odd(line, reader)
        for row in odd[at:].tolist():
            self._read_odd(int(row), reader)
        run = np.cumsum(~same) - 1
        good = ~np.isin(run, bad) if bad else slice(None)
        self.time[rows[good]] = base[run][good] + micros[rows[good]]

    def _read_odd(self, row: int, reader: "TagReader") -> None:
        """Read a line by the pattern."""
        text = decode(self.marks.line(row))
        self.tag[row] = -1
        self.odd[row] = (NO_HEADER, "") if text is None else reader.read(text)


def _layout(marks: Marks) -> Layout | None:
    """The form of the block's first lines: of the first one that has any."""
    for row in range(min(_FIRST, marks.count)):
        text = decode(marks.line(row))
        if text is not None and (layout := Layout.of(text)) is not None:
            return layout
    return None
