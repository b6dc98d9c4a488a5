"""What each program says: one file each, named as in the log; what no one understands becomes `unrecognised`.

A file here names its PROGRAMS, says whether they are POSTFIX's own, and lists its FAMILIES, the frequent ones first.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import pyarrow as pa

from advisor.event import SCHEMA, UNRECOGNISED, Coverage, Parsed
from advisor.family import LEVEL, Family, Fields
from advisor.line import Clock, Line, read

LONG = 65_536
"""Bytes. No syslog daemon passes on a line this long; what is longer is kept, not understood."""

SYSLOG_NAME = "postfix"
"""What the tag of Postfix's own lines begins with (syslog_name in postconf(5)): `postfix/smtpd`, `postfix-in/smtpd`."""


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


def understand(line: Line) -> Fields | None:
    """The fields of a line's event; an empty dict for a line of a program that is none of ours, None if not understood."""
    if line.syslog_name is not None and line.syslog_name.startswith(SYSLOG_NAME):
        families = POSTFIX.get(line.program, ())
    elif line.program in OTHERS:
        families = OTHERS[line.program]
    else:
        return {}
    for family in families:
        if (fields := family.read(line.text)) is not None:
            return fields
    return None


def parse(lines: Iterable[tuple[int, bytes]], clock: Clock, source: str) -> Parsed:
    """Turn lines, each with its offset and without its newline, into events and an account of every one of them.

    A bad line never raises: what is not understood becomes a row of kind 'unrecognised' with its whole text.
    """
    coverage = Coverage()
    columns: dict[str, list[Any]] = {name: [] for name in SCHEMA.names}
    appends = [(name, column.append) for name, column in columns.items()]
    for fields in _rows(lines, clock, coverage):
        fields["source"] = source
        get = fields.get
        for name, append in appends:
            append(get(name))
    coverage.ignored = sum(coverage.ignored_by_program.values())
    coverage.events = coverage.lines - coverage.ignored - coverage.unrecognised
    arrays = [pa.array(columns[field.name], field.type) for field in SCHEMA]
    return Parsed(pa.Table.from_arrays(arrays, schema=SCHEMA), coverage)


def _rows(lines: Iterable[tuple[int, bytes]], clock: Clock, coverage: Coverage) -> Iterator[Fields]:
    """The fields of each line that is kept; counts all lines on the way."""
    ignored: Counter[str] = coverage.ignored_by_program
    for offset, raw in lines:
        coverage.lines += 1
        if not raw.strip():
            ignored["(blank)"] += 1
            continue
        line, fields = _row(raw, clock)
        if fields is None:
            coverage.unrecognised += 1
            fields = {"kind": UNRECOGNISED, "text": raw.decode("utf-8", "backslashreplace")}
        elif not fields and line is not None:
            ignored[line.program] += 1
            continue
        fields["offset"] = offset
        fields["repeated"] = 1
        if line is not None:
            fields["time"], fields["host"], fields["syslog_name"], fields["program"], fields["pid"], _ = line
        yield fields


def _row(raw: bytes, clock: Clock) -> tuple[Line | None, Fields | None]:
    """A line's header and fields, each None where it is not understood.

    Damaged lines (NUL bytes of a crash, a broken UTF-8 sequence, no end) are never understood: what remains of them
    could be half of one line and half of another.
    """
    if b"\0" in raw or len(raw) > LONG:
        return None, None
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return None, None
    line = read(text.rstrip("\r"), clock)
    return (None, None) if line is None else (line, understand(line))
