"""What each program says: one file each, named as in the log; what no one understands becomes `unrecognised`.

A file here names its PROGRAMS, says whether they are POSTFIX's own, and lists its FAMILIES, the frequent ones first.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from importlib import import_module
from itertools import islice
from pkgutil import iter_modules
from typing import Any, NamedTuple

import pyarrow as pa

from advisor.event import SCHEMA, UNRECOGNISED, Coverage, Parsed
from advisor.family import LEVEL, Family, Fields
from advisor.line import Clock, decode, read

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

# 695], what stands behind the bracket of a tag
PID = re.compile(r"\d{1,10}\]\Z", re.ASCII)


def families(syslog_name: str | None, program: str) -> tuple[Family, ...] | None:
    """What the program of a tag may say; None where it is none of ours."""
    if syslog_name is not None and syslog_name.startswith(SYSLOG_NAME):
        return POSTFIX.get(program, (LEVEL,))
    return OTHERS.get(program)


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


_NO_TAG = Tag(None, None, None, ())

Header = tuple[int | None, Tag, int | None]
"""When a line was logged, by whom, and the process."""

_NO_HEADER: Header = (None, _NO_TAG, None)

Row = tuple[int, Header, Fields]
"""A line that becomes an event: its offset, its header, and what it says."""


def parse(lines: Iterable[tuple[int, bytes]], clock: Clock, source: str) -> Parsed:
    """Turn lines, each with its offset and without its newline, into events and an account of every one of them.

    A bad line never raises: what is not understood becomes a row of kind 'unrecognised' with its whole text.
    """
    coverage = Coverage()
    rows = _rows(lines, clock, coverage)
    tables = [_table(batch, source) for batch in iter(lambda: list(islice(rows, BATCH)), [])]
    coverage.ignored = coverage.ignored_by_program.total()
    coverage.events = coverage.lines - coverage.ignored - coverage.unrecognised
    return Parsed(pa.concat_tables([SCHEMA.empty_table(), *tables]).combine_chunks(), coverage)


def _rows(lines: Iterable[tuple[int, bytes]], clock: Clock, coverage: Coverage) -> Iterator[Row]:
    """Each line that becomes an event; counts all lines on the way."""
    ignored = coverage.ignored_by_program
    header = _Header(clock)
    for offset, raw in lines:
        coverage.lines += 1
        if not raw or raw.isspace():
            ignored["(blank)"] += 1
            continue
        text = decode(raw)
        head, said = (_NO_HEADER, "") if text is None else header.read(text)
        tag = head[1]
        if tag.families is None:
            ignored[str(tag.program)] += 1
            continue
        fields = understand(tag.families, said)
        if fields is None:
            coverage.unrecognised += 1
            fields = {"kind": UNRECOGNISED, "text": raw.decode("utf-8", "backslashreplace")}
        yield offset, head, fields


class _Header:
    """Reads headers as advisor.line.read() does, but each moment and each tag only once: both come in runs."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._moment = ""
        self._time: int | None = None
        self._tags: dict[str, Tag] = {}

    def read(self, text: str) -> tuple[Header, str]:
        """A line's header, and what was said; no time and nobody where there is no header that we know."""
        if not self._moment or not text.startswith(self._moment):
            stamp = self._clock.stamp(text)
            if stamp is None:
                return _NO_HEADER, ""
            self._time, end = stamp
            self._moment = text[:end]
        head, colon, said = text[len(self._moment) :].partition(": ")
        name, _, pid = head.partition("[")
        tag = self._tags.get(name)
        if tag is not None and colon and PID.match(pid):
            return (self._time, tag, int(pid[:-1])), said
        line = read(text, self._clock)
        if line is None:
            return _NO_HEADER, ""
        tag = Tag(line.host, line.syslog_name, line.program, families(line.syslog_name, line.program))
        if line.text == said and line.pid is not None:
            self._tags[name] = tag
        return (self._time, tag, line.pid), line.text


def _table(rows: list[Row], source: str) -> pa.Table:
    """Rows as columns of SCHEMA."""
    count = len(rows)
    # A line fills a dozen of the columns; the others hold None from the start.
    columns: dict[str, Any] = defaultdict(lambda: [None] * count)
    for number, (_, _, fields) in enumerate(rows):
        for name, value in fields.items():
            columns[name][number] = value
    offsets, headers, _ = zip(*rows, strict=True)
    times, tags, pids = zip(*headers, strict=True)
    columns |= {"offset": offsets, "time": times, "pid": pids, "source": [source] * count, "repeated": [1] * count}
    columns |= zip(Tag._fields[:3], zip(*tags, strict=True), strict=False)
    arrays = [
        pa.array(columns[field.name], field.type) if field.name in columns else pa.nulls(count, field.type)
        for field in SCHEMA
    ]
    return pa.Table.from_arrays(arrays, schema=SCHEMA)
