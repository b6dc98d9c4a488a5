"""The outcome of a simulation, counted: what each restriction answered by itself, and what the list came to."""

from collections import Counter
from typing import Any

import narwhals as nw

from advisor.simulation import ANSWER, TURNED_AWAY, Simulation

SCHEMA = 1
"""The number of the JSON form; it grows when a key changes its meaning or goes."""

_WORDS = ("permit", "reject", "defer", "defer_if_permit", "dunno", None)


def outcome(simulation: Simulation) -> dict[str, Any]:
    """Count a simulation by the origin of the attempts; `no_evidence` stands beside the answers, never among them."""
    frame = nw.from_native(simulation.frame)
    columns = [(one.column, f"answer_{number}") for number, one in enumerate(simulation.asked)]
    return {
        "schema": SCHEMA,
        "list": [
            {
                "name": column,
                "warn_if_reject": one.warn,
                "simulated": one.simulated,
                "answers": _counts(frame, answer),
            }
            for one, (column, answer) in zip(simulation.asked, columns, strict=True)
        ],
        "answer": _counts(frame, ANSWER),
        "turned_away": _turned(frame),
        "not_simulated": list(simulation.not_simulated),
    }


def _grouped(frame: Any, column: str) -> list[tuple[str, str, Any, int]]:  # noqa: ANN401 - a frame of any engine
    found = frame.group_by("origin", "action", column).agg(nw.len().alias("attempts"))
    rows = found.collect("pyarrow") if isinstance(found, nw.LazyFrame) else found
    names = ("origin", "action", column, "attempts")
    return [tuple(row[name] for name in names) for row in rows.to_arrow().to_pylist()]  # type: ignore[misc] # four columns


def _counts(frame: Any, column: str) -> dict[str, dict[str, int]]:  # noqa: ANN401 - a frame of any engine
    """Answers to attempts from outside that were accepted, to those that were refused, and to all others."""
    counts: dict[str, Counter[Any]] = {"accepted": Counter(), "refused": Counter(), "inside": Counter()}
    for origin, action, word, number in _grouped(frame, column):
        kind = "inside" if origin != "outside" else "accepted" if action == "accept" else "refused"
        counts[kind][word] += number
    return {kind: {word or "no_evidence": found[word] for word in _WORDS} for kind, found in counts.items()}


def _turned(frame: Any) -> dict[str, dict[str, int]]:  # noqa: ANN401 - a frame of any engine
    counts: dict[str, Counter[Any]] = {"accepted": Counter(), "refused": Counter(), "inside": Counter()}
    for origin, action, turned, number in _grouped(frame, TURNED_AWAY):
        kind = "inside" if origin != "outside" else "accepted" if action == "accept" else "refused"
        counts[kind][turned] += number
    words = ((True, "yes"), (False, "no"), (None, "no_evidence"))
    return {kind: {word: found[turned] for turned, word in words} for kind, found in counts.items()}


def terminal(found: dict[str, Any], *, width: int = 80, color: bool = False) -> str:  # noqa: ARG001 - no colour is needed
    """The counts as text: accepted attempts from outside, which is what a new restriction would change."""
    lines = ["Of the attempts from outside that were accepted:", ""]
    head = ("", "refuse", "defer", "permit", "no objection", "no evidence")
    rows = [(_name(one), one["answers"]["accepted"]) for one in found["list"]]
    rows.append(("the list", found["answer"]["accepted"]))
    size = max(len(name) for name, _ in rows)
    lines.append(f"{head[0]:{size}}  " + "  ".join(f"{word:>12}" for word in head[1:]))
    for name, counts in rows:
        numbers = [counts["reject"], counts["defer"] + counts["defer_if_permit"], counts["permit"], counts["dunno"]]
        numbers.append(counts["no_evidence"])
        wide = size + 2 + 14 * len(numbers) > max(width, 80)
        joined = "  ".join(f"{number:>12,}" for number in numbers)
        lines.append(f"{name}\n{'':4}{joined}" if wide else f"{name:{size}}  {joined}")
    turned = found["turned_away"]
    total = sum(turned["accepted"].values())
    lines += [
        "",
        f"The list turns away {turned['accepted']['yes']:,} of {total:,} accepted attempts from outside;"
        f" of {turned['accepted']['no_evidence']:,} there is no evidence.",
        f"Of {sum(turned['refused'].values()):,} that were refused anyway it turns away {turned['refused']['yes']:,}.",
        f"Of {sum(turned['inside'].values()):,} of our own networks and users it turns away {turned['inside']['yes']:,}.",
    ]
    lines += [f"Not simulated: {name}; it answers only where the log shows its own refusals." for name in found["not_simulated"]]
    return "\n".join(lines) + "\n"


def _name(one: dict[str, Any]) -> str:
    return f"warn_if_reject {one['name']}" if one["warn_if_reject"] else str(one["name"])
