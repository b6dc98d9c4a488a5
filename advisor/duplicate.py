"""A duplicate: a file whose lines another one has already, as a copy or an older copy."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from advisor.errors import AdvisorError
from advisor.log import Log, UnreadableError


class Distinct(NamedTuple):
    """The logs that hold something of their own, a note for each that was left out, and the faults of those."""

    kept: list[Path]
    notes: list[str]
    faults: list[AdvisorError]


def distinct(files: Sequence[Path]) -> Distinct:
    """Drop the files whose content another has or begins with (copies, older copies), with a note of each."""
    kept: list[Path] = []
    notes: list[str] = []
    faults: list[AdvisorError] = []
    first_lines: dict[Path, bytes] = {}
    for path in files:
        line = first_lines[path] = _first_line(path)
        for rival in [other for other in kept if line and first_lines[other] == line]:
            if (found := _redundant(path, rival)) is not None:
                shorter, note, fault = found
                if fault is None:
                    notes.append(note)
                else:
                    faults.append(fault)
                if shorter == rival:
                    kept[kept.index(rival)] = path
                break
        else:
            kept.append(path)
    return Distinct(kept, notes, faults)


def _first_line(path: Path) -> bytes:
    """Read the first line; empty for a log that has none or cannot be read, which is like no other."""
    try:
        with Log(path) as log:
            return (log.first_line() or (b"", False))[0]
    except UnreadableError:
        return b""


def _redundant(one: Path, other: Path) -> tuple[Path, str, AdvisorError | None] | None:
    """Name the one with which the other begins (`one`, if they are the same) and say so; None where they differ."""
    with Log(one) as first, Log(other) as second:
        left, right = first.pieces(), second.pieces()
        a = b = b""
        while (a := a or next(left, b"")) and (b := b or next(right, b"")):
            size = min(len(a), len(b))
            if a[:size] != b[:size]:
                return None
            a, b = a[size:], b[size:]
        shorter, longer = (second, first) if a else (first, second)
        return shorter.path, f"{shorter.name}: left out, {longer.name} holds the same lines", shorter.fault
