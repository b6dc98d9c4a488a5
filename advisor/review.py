"""A review of an existing map: which entries match nothing any more, which shadow others, which let spam through."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from advisor.dictionary import Unknown
from advisor.evidence import verdict
from advisor.existing import Entry, Existing, Remark

_COLUMNS = (
    "client_name", "client_address", "helo_sent", "helo_name", "sender", "sender_kind", "recipient",
)  # fmt: skip


@dataclass
class _Use:
    """What an entry did in this history."""

    first: int = 0
    behind: Counter[int] = field(default_factory=Counter)
    backed: Counter[int] = field(default_factory=Counter)
    spam: int = 0
    spammers: set[str] = field(default_factory=set)


def review(existing: Existing, attempts: pa.Table) -> list[Remark]:
    """What is odd about the entries of a map, by attempts from outside with their `reasons`; in order of lines."""
    uses: dict[int, _Use] = defaultdict(_Use)
    unknown = 0
    for row, (seen, spam) in _distinct(attempts).items():
        try:
            hits = existing.hits(dict(zip(_COLUMNS, row, strict=True)))
        except Unknown:
            unknown += seen
            continue
        for place, number in enumerate(dict.fromkeys(hits)):
            if place:
                uses[number].behind[hits[0]] += seen
        if hits:
            use = uses[hits[0]]
            use.first += seen
            same = next((n for n in hits[1:] if _says(existing, n) == _says(existing, hits[0]) and n != hits[0]), None)
            use.backed[-1 if same is None else same] += seen
            if existing.entries[hits[0]].permits and spam:
                use.spam += spam
                use.spammers.add(row[1])
    found = [*existing.remarks]
    never = {remark.line for remark in found if remark.kind == "shadowed"}
    for number, entry in enumerate(existing.entries):
        # Of what is never reached it goes without saying that it answers nothing.
        found += (one for one in _remarks(existing, entry, uses[number]) if one.line not in never)
    if unknown:
        found.append(Remark(existing.file, 0, "", "unread", f"of {unknown} attempts nobody can tell here", unknown))
    return sorted(found, key=lambda remark: (remark.line, remark.kind))


def holds(existing: Existing, found: dict[str, str | None]) -> bool:
    """Whether an entry lets an attempt with these values through already."""
    try:
        hits = existing.hits({**dict.fromkeys(_COLUMNS), **found})
    except Unknown:
        return False
    return bool(hits) and existing.entries[hits[0]].permits is True


def _says(existing: Existing, number: int) -> str:
    return existing.entries[number].value.lower()


def _remarks(existing: Existing, entry: Entry, use: _Use) -> Iterator[Remark]:
    def remark(kind: str, text: str, attempts: int = 0, clients: Iterable[str] = ()) -> Remark:
        return Remark(existing.file, entry.line, entry.key, kind, text, attempts, tuple(sorted(clients)))

    if not use.first and use.behind:
        other = existing.entries[use.behind.most_common(1)[0][0]]
        seen = use.behind.total()
        yield remark("shadowed", f"line {other.line} ({other.key}) answers first, for all {seen} attempts it holds")
    elif not use.first:
        yield remark("unused", "matches nothing in this history")
    elif -1 not in use.backed:
        other = existing.entries[use.backed.most_common(1)[0][0]]
        text = f"line {other.line} ({other.key}) says the same of all {use.first} attempts it answers"
        yield remark("redundant", text, use.first)
    if use.spam:
        text = f"lets through {use.spam} of {use.first} attempts that evidence calls unwanted and that were accepted"
        yield remark("lets_spam", text, use.spam, use.spammers)


def _distinct(attempts: pa.Table) -> dict[tuple[Any, ...], tuple[int, int]]:
    """What the attempts from outside showed, each once: how often, and how often unwanted mail was accepted so."""
    found: dict[tuple[Any, ...], tuple[int, int]] = {}
    spam = {reasons: verdict(reasons) is False for reasons in attempts["reasons"].unique().to_pylist()}
    for row in attempts.select([*_COLUMNS, "origin", "action", "reasons"]).to_pylist():
        if row["origin"] == "outside":
            key = tuple(row[name] for name in _COLUMNS)
            seen, bad = found.get(key, (0, 0))
            found[key] = seen + 1, bad + (row["action"] == "accept" and spam[row["reasons"]])
    return found
