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
    return [tuple(row[name] for name in names) for row in rows.to_arrow().to_pylist()]


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
        numbers = [counts["reject"], counts["defer"] + counts["defer_if_permit"], counts["permit"], counts["dunno"]]
        joined = "".join(f"{number:>10,}" for number in (*numbers, counts["no_evidence"]))
        lines.append(f"{name:{size}}{joined}" if len(name) <= size else f"{name}\n{'':{size}}{joined}")
    lines += ["", *_sentences(found["turned_away"])]
    skipped = found["not_simulated"]
    lines += [f"Not simulated: {name}; it answers only where the log shows its own refusals." for name in skipped]
    return "\n".join(lines) + "\n"


def _sentences(turned: dict[str, dict[str, int]]) -> list[str]:
    total = {kind: sum(counts.values()) for kind, counts in turned.items()}
    accepted, refused, inside = (turned[kind] for kind in ("accepted", "refused", "inside"))
    return [
        f"The list turns away {accepted['yes']:,} of {total['accepted']:,} that were accepted; for "
        f"{accepted['no_evidence']:,} there is no evidence.",
        f"Of {total['refused']:,} that were refused anyway it turns away {refused['yes']:,}; for "
        f"{refused['no_evidence']:,} there is no evidence.",
        f"Of {total['inside']:,} of our own networks and users it turns away {inside['yes']:,}.",
    ]


def _name(one: dict[str, Any]) -> str:
    return f"warn_if_reject {one['name']}" if one["warn_if_reject"] else str(one["name"])
