"""What each program says: one file each, named as in the log; what no one understands becomes `unrecognised`.

A file here names its PROGRAMS, says whether they are POSTFIX's own, and lists its FAMILIES, the frequent ones first.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC
from importlib import import_module
from itertools import islice
from pkgutil import iter_modules
from typing import Any, NamedTuple

import pyarrow as pa

from advisor.column import of_values
from advisor.event import SCHEMA, UNRECOGNISED, Coverage, Parsed
from advisor.family import IGNORED, LEVEL, Family, Fields
from advisor.line import ISO8601, MORE, REPEATED, RFC3164, Clock, Line, decode, is_marker, read

SYSLOG_NAME = "postfix"
"""What the tag of Postfix's own lines begins with (syslog_name in postconf(5)): `postfix/smtpd`, `postfix-in/smtpd`."""

BATCH = 1_024
"""Lines that become columns at a time: rows that die young cost the garbage collector little."""


def _find() -> tuple[dict[str, tuple[Family, ...]], dict[str, tuple[Family, ...]]]:
    """The families by program: Postfix's own, and those of other packages."""
    own: dict[str, tuple[Family, ...]] = {}
    others: dict[str, tuple[Family, ...]] = {}
    for file in iter_modules(__path__):
        module = import_module(f"{__name__}.{file.name}")
        for program in module.PROGRAMS:
            if module.POSTFIX:
                own[program] = (*module.FAMILIES, LEVEL)
            else:
                others[program] = module.FAMILIES
    return own, others


POSTFIX, OTHERS = _find()
UNKNOWN = (LEVEL,)
"""What a program of Postfix may say that has no file here."""

# The year of a line of which only the words matter.
_ANY_YEAR = 2000

# 695], what stands behind the bracket of a tag
PID = re.compile(r"\d{1,10}\]\Z", re.ASCII)


def families(syslog_name: str | None, program: str) -> tuple[Family, ...] | None:
    """What the program of a tag may say; None where it is none of ours.

    Whatever Postfix is told to call itself, a tag such as `mta/smtpd` has one of its programs behind the slash.
    """
    if syslog_name is None:
        return OTHERS.get(program)
    return POSTFIX.get(program, UNKNOWN if syslog_name.startswith(SYSLOG_NAME) else None)


def understand(known: tuple[Family, ...], text: str) -> Fields | None:
    """The fields of the first family that a text is of; None where it is of none."""
    for family in known:
        if (found := family.pattern.match(text)) and (fields := family.fields(found)):
            return fields
    return None


class Tag(NamedTuple):
    """Who logged a line, but for the process, and what that program may say."""

    host: str | None
    syslog_name: str | None
    program: str | None
    families: tuple[Family, ...] | None


def tag_of(line: Line) -> Tag:
    """Who logged a line."""
    return Tag(line.host, line.syslog_name, line.program, families(line.syslog_name, line.program))


NO_TAG = Tag(None, None, None, ())

Header = tuple[int | None, Tag, int | None, int]
"""When a line was logged, by whom, the process, and how often it stands for itself."""

NO_HEADER: Header = (None, NO_TAG, None, 1)

Row = tuple[int, Header, Fields]
"""A line that becomes an event: its offset, its header, and what it says."""


def parse(lines: Iterable[tuple[int, bytes]], clock: Clock, source: str) -> Parsed:
    """Turn lines, each with its offset and without its newline, into events and an account of every one of them.

    A bad line never raises: what is not understood becomes a row of kind 'unrecognised' with its whole text. This is
    the specification; advisor.parser does the same, only faster.
    """
    coverage = Coverage()
    rows = _rows(lines, clock, coverage)
    tables = [table_of(batch, source) for batch in iter(lambda: list(islice(rows, BATCH)), [])]
    coverage.complete()
    return Parsed(pa.concat_tables([SCHEMA.empty_table(), *tables]).combine_chunks(), coverage)


def _rows(lines: Iterable[tuple[int, bytes]], clock: Clock, coverage: Coverage) -> Iterator[Row]:
    """Each line that becomes an event; counts all lines on the way."""
    header = HeaderReader(clock)
    previous = ""
    for offset, raw in lines:
        coverage.lines += 1
        text = decode(raw)
        head, said = (NO_HEADER, "") if text is None else header.read(text)
        if is_repetition(head):
            head, said = repeat(head, previous)
        elif reason := remark(raw, text, head):
            coverage.ignored_by_program[reason] += 1
            continue
        else:
            previous = text or ""
        fields = read_said(raw, head[1], said, coverage)
        if fields is not None:
            yield offset, head, fields


def read_said(raw: bytes, tag: Tag, said: str, coverage: Coverage) -> Fields | None:
    """The fields of a line's event; None for one that is ignored. Counts it unless it was understood."""
    fields = None if tag.families is None else understand(tag.families, said)
    if tag.families is None or (fields is not None and fields["kind"] == IGNORED):
        coverage.ignored_by_program[str(tag.program)] += 1
        return None
    if fields is None:
        coverage.unrecognised += 1
        return {"kind": UNRECOGNISED, "text": raw.decode("utf-8", "backslashreplace")}
    return fields


def remark(raw: bytes, text: str | None, head: Header) -> str | None:
    """Say why a line is not to be understood at all; None for a line of some program."""
    if not raw or raw.isspace():
        return "(blank)"
    if head is NO_HEADER and text is not None and is_marker(text):
        return "(remark of a syslog daemon)"
    return None


def is_repetition(head: Header) -> bool:
    """Tell whether a line says no more than how often the one before it came again."""
    return head[1].program == REPEATED


def repeat(head: Header, previous: str) -> tuple[Header, str]:
    """The header and the words of a line that repeats the one before; none where that is not of the same host."""
    time, tag, _, repeated = head
    line = read(previous, Clock(_ANY_YEAR, UTC))
    if line is None or line.host != tag.host:
        return (time, NO_TAG._replace(host=tag.host), None, repeated), ""
    return (time, tag_of(line), line.pid, repeated), line.text


class HeaderReader:
    """Reads headers as advisor.line.read() does, but each moment and each tag only once: both come in runs."""

    def __init__(self, clock: Clock) -> None:
        """Begin where a clock stands."""
        self.clock = clock
        self._moment = ""
        self._time: int | None = None
        self._tags: dict[str, Tag] = {}

    def forget(self) -> None:
        """Ask the clock again, which has been moved by somebody else."""
        self._moment = ""

    def read(self, text: str) -> tuple[Header, str]:
        """A line's header, and what was said; no time and nobody where there is no header that we know."""
        stamp = None
        end = len(self._moment) if self._moment and text.startswith(self._moment) else 0
        if not end and (stamp := RFC3164.match(text) or ISO8601.match(text)):
            end = stamp.end()
        head, colon, said = text[end:].partition(": ")
        name, _, pid = head.partition("[")
        tag = self._tags.get(name)
        if end and tag is not None and colon and PID.match(pid) and not MORE.match(said):
            if stamp is not None:
                self._time, self._moment = self.clock.complete(stamp), stamp[0]
            return (NO_HEADER, "") if self._time is None else ((self._time, tag, int(pid[:-1]), 1), said)
        self._moment = ""
        line = read(text, self.clock)
        if line is None:
            return NO_HEADER, ""
        tag = tag_of(line)
        full_name = (
            f"{line.host} {line.program}"
            if line.syslog_name is None
            else f"{line.host} {line.syslog_name}/{line.program}"
        )
        if line.text == said and PID.match(pid) and name == full_name:
            self._tags[name] = tag
        return (line.time, tag, line.pid, line.repeated), line.text


def table_of(rows: list[Row], source: str) -> pa.Table:
    """Rows as columns of SCHEMA."""
    count = len(rows)
    # A line fills a dozen of the columns; the others hold None from the start.
    columns: dict[str, Any] = defaultdict(lambda: [None] * count)
    for number, (_, _, fields) in enumerate(rows):
        for name, value in fields.items():
            columns[name][number] = value
    offsets, headers, _ = zip(*rows, strict=True)
    times, tags, pids, repeated = zip(*headers, strict=True)
    columns |= {"offset": offsets, "time": times, "pid": pids, "source": [source] * count, "repeated": repeated}
    columns |= zip(Tag._fields[:3], zip(*tags, strict=True), strict=False)
    arrays = [
        of_values(columns[field.name], field.type) if field.name in columns else pa.nulls(count, field.type)
        for field in SCHEMA
    ]
    return pa.Table.from_arrays(arrays, schema=SCHEMA)
