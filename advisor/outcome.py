"""The outcome of a simulation, counted: what each restriction answered by itself, and what the list came to.

All of it is counted from one table, of how often which answers stood together.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa

from advisor.census import COUNT, names
from advisor.fold import Folding
from advisor.restriction import REFUSES, WORDS
from advisor.simulation import Simulation

SCHEMA = 1
"""The number of the JSON form; it grows when a key changes its meaning or goes."""

_WORDS = (*WORDS, None)
_KINDS = ("accepted", "refused", "inside")
_SHOWN = 12
"""Pairs of restrictions that a terminal shows, those that agree most often first."""


@dataclass(frozen=True)
class _Pattern:
    """Attempts that had the same answers: how many, of which kind, and what Postfix made of them."""

    number: int
    kind: str
    action: str
    answers: tuple[str | None, ...]
    answer: str | None
    turned: bool | None


def _patterns(simulation: Simulation) -> list[_Pattern]:
    """Which answers stood together, and how often."""
    own = names(simulation.asked)
    folding = Folding(simulation.asked)
    counted = simulation.counted()
    columns = [_words(counted[name]) for name in ("origin", "action", *own)]
    patterns = []
    for number, origin, action, *row in zip(counted[COUNT].to_pylist(), *columns, strict=True):
        answers = tuple(row)
        kind = "inside" if origin != "outside" else "accepted" if action == "accept" else "refused"
        patterns.append(_Pattern(number, kind, action, answers, *folding.of(answers)))
    return patterns


def _words(column: pa.ChunkedArray) -> list[str | None]:
    """The words of a column, each made once: they are looked up again and again."""
    encoded = column.combine_chunks().dictionary_encode(null_encoding="encode")
    words = encoded.dictionary.to_pylist()
    return [words[number] for number in encoded.indices.to_pylist()]


def outcome(simulation: Simulation) -> dict[str, Any]:
    """Count a simulation by the origin of the attempts; `no_evidence` stands beside the answers, never among them.

    Of each restriction of the list: its `answers`, and of the accepted attempts that it turns away how many it turns
    away `alone`, which another one turns away as well (`shared`), and where that is not known (`unclear`). `overlap`
    sets any two of them against each other, over all attempts from outside. `code_changes` are attempts that were
    refused anyway and that the list, asked first, would answer with another kind of code.
    """
    patterns = _patterns(simulation)
    refusing = [number for number, one in enumerate(simulation.asked) if one.words & REFUSES]
    return {
        "schema": SCHEMA,
        "list": [
            {
                "name": one.column,
                "listed": one.listed or None,
                "warn_if_reject": one.warn,
                "simulated": one.simulated,
                "asked_at": _age(simulation, number),
                "answers": _counts((pattern.kind, pattern.answers[number], pattern.number) for pattern in patterns),
                "turned_away": _marginal(patterns, number, refusing),
            }
            for number, one in enumerate(simulation.asked)
        ],
        "answer": _counts((pattern.kind, pattern.answer, pattern.number) for pattern in patterns),
        "turned_away": _turned(patterns),
        "code_changes": _code_changes(patterns),
        "overlap": list(_overlap(simulation, patterns, refusing)),
        "not_simulated": list(simulation.not_simulated),
        "notes": list(simulation.notes),
    }


def _age(simulation: Simulation, number: int) -> dict[str, str] | None:
    """When the DNS answers that a restriction used were given."""
    age = simulation.ages.get(number)
    return {"oldest": age[0].isoformat(), "newest": age[1].isoformat()} if age else None


def _counts(found: Iterable[tuple[str, str | None, int]]) -> dict[str, dict[str, int]]:
    """Answers to attempts from outside that were accepted, to those that were refused, and to all others."""
    counts: dict[str, Counter[Any]] = {kind: Counter() for kind in _KINDS}
    for kind, word, number in found:
        counts[kind][word] += number
    return {kind: {word or "no_evidence": words[word] for word in _WORDS} for kind, words in counts.items()}


def _turned(patterns: Iterable[_Pattern]) -> dict[str, dict[str, int]]:
    counts: dict[str, Counter[Any]] = {kind: Counter() for kind in _KINDS}
    for pattern in patterns:
        counts[pattern.kind][pattern.turned] += pattern.number
    words = ((True, "yes"), (False, "no"), (None, "no_evidence"))
    return {kind: {word: found[turned] for turned, word in words} for kind, found in counts.items()}


def _marginal(patterns: Iterable[_Pattern], number: int, refusing: Sequence[int]) -> dict[str, int]:
    """Of the accepted attempts that a restriction turns away: which it alone does."""
    counts = dict.fromkeys(("alone", "shared", "unclear"), 0)
    others = [other for other in refusing if other != number]
    for pattern in patterns:
        if pattern.kind != "accepted" or pattern.answers[number] not in REFUSES:
            continue
        said = {pattern.answers[other] for other in others}
        counts["shared" if said & REFUSES else "unclear" if None in said else "alone"] += pattern.number
    return counts


def _code_changes(patterns: Iterable[_Pattern]) -> dict[str, int]:
    """Refused attempts whose code the list changes: a 450 before a 550 has the client come back for days."""
    counts = {"reject_to_defer": 0, "defer_to_reject": 0}
    for pattern in patterns:
        words = {pattern.action, pattern.answer}
        if pattern.kind == "refused" and words == {"reject", "defer"}:
            counts[f"{pattern.action}_to_{pattern.answer}"] += pattern.number
    return counts


def _overlap(simulation: Simulation, patterns: Sequence[_Pattern], refusing: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Any two restrictions: how many attempts from outside both turn away, only one, and where one is not known.

    There are many pairs, so all are counted at once: for each two words how often they stood together.
    """
    outside = [pattern for pattern in patterns if pattern.kind != "inside"]
    size = len(simulation.asked)
    shape = len(outside), size
    away = np.array([[word in REFUSES for word in each.answers] for each in outside], np.int64).reshape(shape)
    missing = np.array([[word is None for word in each.answers] for each in outside], np.int64).reshape(shape)
    weighed = away * np.array([each.number for each in outside], np.int64).reshape(-1, 1)
    both, unclear, all_away = weighed.T @ away, weighed.T @ missing, weighed.sum(axis=0)
    columns = {simulation.asked[number].column: number for number in reversed(refusing)}
    for first, second in combinations(sorted(columns.values()), 2):
        counts = {
            "both": int(both[first, second]),
            "first_only": int(all_away[first] - both[first, second] - unclear[first, second]),
            "second_only": int(all_away[second] - both[first, second] - unclear[second, first]),
            "unclear": int(unclear[first, second] + unclear[second, first]),
        }
        yield {"names": [simulation.asked[first].column, simulation.asked[second].column], **counts}


def terminal(found: dict[str, Any], *, width: int = 80, color: bool = False) -> str:  # noqa: ARG001 - no colour is needed
    """The counts as text: accepted attempts from outside, which is what a new restriction would change."""
    lines = ["Attempts from outside that were accepted, by what each entry would answer:", ""]
    rows = [(_name(one), one["answers"]["accepted"]) for one in found["list"]]
    rows.append(("the list", found["answer"]["accepted"]))
    size = max(len(name) for name, _ in rows)
    if size + 50 > width:
        size = 20
    lines.append(
        f"{'':{size}}" + "".join(f"{word:>10}" for word in ("refuse", "defer", "permit", "nothing", "no evid."))
    )
    for name, counts in rows:
        joined = "".join(f"{number:>10,}" for number in sorted_out(counts).values())
        lines.append(f"{name:{size}}{joined}" if len(name) <= size else f"{name}\n{'':{size}}{joined}")
    return "\n".join([*lines, "", *sentences(found)]) + "\n"


def sorted_out(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts by answer, in the five columns that a reader is shown."""
    return {
        "refuse": counts["reject"],
        "defer": counts["defer"] + counts["defer_if_permit"],
        "permit": counts["permit"] + counts["discard"],
        "nothing": counts["dunno"] + counts["defer_if_reject"],
        "no evidence": counts["no_evidence"],
    }


def sentences(found: dict[str, Any]) -> list[str]:
    """What an outcome comes to, in words; an empty one between paragraphs."""
    skipped = found["not_simulated"]
    return [
        *_sentences(found["turned_away"], found["code_changes"]),
        *_alone(found),
        *_ages(found),
        *(f"Not simulated: {name}; it answers only where the log shows its own refusals." for name in skipped),
        *found["notes"],
    ]


def _sentences(turned: dict[str, dict[str, int]], changes: dict[str, int]) -> Iterator[str]:
    total = {kind: sum(counts.values()) for kind, counts in turned.items()}
    accepted, refused, inside = (turned[kind] for kind in _KINDS)
    if 0 < total["accepted"] == accepted["no_evidence"]:
        yield f"Nothing is known of what the list does to the {total['accepted']:,} that were accepted."
    else:
        yield (
            f"The list turns away {accepted['yes']:,} of {total['accepted']:,} that were accepted; for "
            f"{accepted['no_evidence']:,} there is no evidence."
        )
    if 0 < total["refused"] == refused["no_evidence"]:
        yield f"Nothing is known of what it does to the {total['refused']:,} that were refused anyway."
    else:
        yield (
            f"Of {total['refused']:,} that were refused anyway it turns away {refused['yes']:,}; for "
            f"{refused['no_evidence']:,} there is no evidence."
        )
    if changes["reject_to_defer"]:
        yield (
            f"Asked first, it makes a 4xx of the 5xx of {changes['reject_to_defer']:,} of these: "
            "such clients come back for days."
        )
    if changes["defer_to_reject"]:
        yield f"Asked first, it makes a 5xx of the 4xx of {changes['defer_to_reject']:,} of these."
    yield f"Of {total['inside']:,} of our own networks and users it turns away {inside['yes']:,}."


def _alone(found: dict[str, Any]) -> Iterator[str]:
    """What each adds to the others, and which go together."""
    refusing = [one for one in found["list"] if sum(one["turned_away"].values())]
    if len(refusing) < 2:
        return
    yield ""
    for one in refusing:
        counts = one["turned_away"]
        unclear = f", {counts['unclear']:,} where that is not known" if counts["unclear"] else ""
        yield (
            f"{_name(one)} turns away {counts['alone']:,} accepted that nothing else here does, "
            f"{counts['shared']:,} that another does as well{unclear}."
        )
    pairs = sorted((pair for pair in found["overlap"] if pair["both"]), key=lambda pair: -pair["both"])
    for pair in pairs[:_SHOWN]:
        first, second = pair["names"]
        yield (
            f"Both {first} and {second}: {pair['both']:,} from outside; only the first {pair['first_only']:,}, "
            f"only the second {pair['second_only']:,}, not known {pair['unclear']:,}."
        )
    if len(pairs) > _SHOWN:
        yield f"And {len(pairs) - _SHOWN:,} more pairs (--format json)."


def _ages(found: dict[str, Any]) -> Iterator[str]:
    for one in found["list"]:
        if one["asked_at"]:
            oldest, newest = (one["asked_at"][name][:16].replace("T", " ") for name in ("oldest", "newest"))
            yield f"{one['name']}: the DNS was asked from {oldest} to {newest} UTC."


def _name(one: dict[str, Any]) -> str:
    return f"warn_if_reject {one['name']}" if one["warn_if_reject"] else str(one["name"])
