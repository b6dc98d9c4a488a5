"""A statement: what a lookup found, as text for a terminal and as JSON.

What the DNS says comes from strangers: no character of it reaches a terminal that a reader would not see as such.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from advisor.mention import Named
from advisor.reports.visible import visible
from advisor.response import FOUND, INVALID, NO_DATA, NO_SUCH_NAME, TEMPORARY
from advisor.survey import Recorded

SCHEMA = 1
"""The number of the JSON form; it grows when a key changes its meaning or goes."""

_MEANS = {
    FOUND: "found",
    NO_DATA: "without such records",
    NO_SUCH_NAME: "no such name",
    TEMPORARY: "no answer for the moment",
    INVALID: "not askable",
}
_WORDS = {True: "listed", False: "not listed", None: "no evidence"}


def recorded(done: Recorded, form: str | None) -> str:
    """A lookup, as `json` or for a terminal."""
    return json.dumps(_recorded_data(done), indent=1) + "\n" if form == "json" else _recorded_text(done)


def named(found: Named, form: str | None) -> str:
    """What the lists say of one name or address, as `json` or for a terminal."""
    return json.dumps({"schema": SCHEMA, **asdict(found)}, indent=1) + "\n" if form == "json" else _named_text(found)


def _recorded_data(done: Recorded) -> dict[str, Any]:
    """A lookup as data."""
    age = done.age and {name: time.isoformat() for name, time in done.age._asdict().items()}
    return {
        "schema": SCHEMA,
        "resolver": done.resolver,
        "asked": {status: done.asked.get(status, 0) for status in _MEANS},
        "known": done.known,
        "age": age,
        "lists": [asdict(found) for found in done.lists],
        "findings": list(done.findings),
        "notes": list(done.notes),
    }


def _recorded_text(done: Recorded) -> str:
    """A lookup for a terminal."""
    asked = sum(done.asked.values())
    parts = [f"{done.asked[status]:,} {words}" for status, words in _MEANS.items() if done.asked.get(status)]
    lines = [f"{asked:,} questions asked of {done.resolver}" + (f": {', '.join(parts)}" if parts else "")]
    lines.append(f"{done.known:,} were answered already")
    if done.age:
        oldest, median, newest = (f"{time:%Y-%m-%d %H:%M}" for time in done.age)
        lines.append(f"all answers: asked from {oldest} to {newest} UTC, half of them since {median}")
    if done.lists:
        lines += ["", f"{'list':30} {'names':10} {'to ask':>9} {'asked':>9} {'answered':>9} {'listed':>9}"]
    for found in done.lists:
        numbers = " ".join(f"{number:9,}" for number in (found.wanted, found.asked, found.answered, found.listed))
        lines.append(f"{visible(found.zone):30} {found.names or '-':10} {numbers}")
    if done.lists:
        lines += ["", "On whose terms:", *(f"  {visible(found.zone)}: {found.terms}" for found in done.lists)]
    return _with_findings([*lines, *([""] if done.notes else []), *done.notes], done.findings)


def _named_text(found: Named) -> str:
    """What the lists say of one name or address, list by list, for a terminal."""
    lines = [f"{visible(found.name)}, asked of {found.resolver}"]
    for each in found.lists:
        said = " ".join(filter(None, (", ".join(each.values), each.reason, each.why)))
        lines.append(f"  {visible(each.zone):28} {_WORDS[each.listed]:12} {visible(said)}".rstrip())
    return _with_findings(lines, found.findings)


def _with_findings(lines: list[str], findings: Sequence[str]) -> str:
    told = ["", "Findings:", *(f"  {visible(finding)}" for finding in findings)] if findings else []
    return "\n".join([*lines, *told]) + "\n"
