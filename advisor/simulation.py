"""A simulation: what a restriction list, spelled as in main.cf, would have answered to past attempts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw

from advisor.entry import ALIASES, KNOWN, Entry, parse_list, suggest
from advisor.errors import AdvisorError
from advisor.restriction import Asked, Restriction, ask
from advisor.restrictions import CATALOGUE

ANSWER = "answer"
"""The column with the fold of the list."""
TURNED_AWAY = "turned_away"
"""The column that says whether the list turns the attempt away: True, False, or null where that is not known."""

POLICIES = ("postgrey", "policyd-spf", "opendmarc")
"""Third-party checks by their short names; what they did is in the log, what they would do is not simulated yet."""


def _silent() -> nw.Expr:
    return nw.col("not_logged")


def _logged_only(name: str) -> Restriction:
    """A check that we do not simulate: it answers where Postfix logged its refusal, and nothing else."""
    fields: dict[str, Any] = {"parameter": "smtpd_recipient_restrictions", "needs": (), "since": ""}
    if not name.startswith("permit"):
        fields |= {"says": name, "reply": "550 5.7.1"}
    return Restriction(_silent, named=name, **fields)


def asked_for(entries: Sequence[Entry], codes: Mapping[str, str] | None = None) -> tuple[Asked, ...]:
    """The restrictions that list entries stand for.

    Raises AdvisorError for a name that Postfix does not know; a check that Postfix knows and we do not simulate answers
    only where the log shows its own refusals.
    """
    found = []
    for entry in entries:
        if entry.name in CATALOGUE:
            found.append(ask(CATALOGUE[entry.name], codes or {}, entry.argument, warn=entry.warn))
        elif entry.name in KNOWN or entry.name in POLICIES:
            found.append(Asked(_logged_only(entry.name), entry.argument, entry.warn, simulated=False))
        else:
            near = suggest(entry.name, [*KNOWN, *POLICIES, *CATALOGUE])
            near = ALIASES.get(near, near) if near else None
            todo = f"did you mean {near}?" if near else "see 'advisor explain' for the names"
            raise AdvisorError("simulate", f"unknown restriction '{entry.name}'", todo)
    return tuple(found)


def answers(attempts: Any, asked: Sequence[Asked]) -> Any:  # noqa: ANN401 - a frame of any engine, and the same back
    """Add to attempts (a frame of DuckDB, pandas, Spark or another engine of Narwhals) what each restriction answers.

    For the restriction number N three columns: `answer_N`, its own answer as if it stood alone (`permit`, `reject`,
    `defer`, `dunno` or null), `basis_N` and `reply_N`. Then ANSWER, the list's own, and TURNED_AWAY.
    """
    frame = nw.from_native(attempts)
    numbered = list(enumerate(asked))
    frame = frame.with_columns(*(one.answer().alias(f"answer_{number}") for number, one in numbered))
    frame = frame.with_columns(
        *(one.basis().alias(f"basis_{number}") for number, one in numbered),
        *(_reply(one, number).alias(f"reply_{number}") for number, one in numbered),
    )
    return fold(frame, asked).to_native()


def _reply(one: Asked, number: int) -> nw.Expr:
    answer = nw.col(f"answer_{number}")
    return nw.when((answer == "reject") | (answer == "defer")).then(one.reply())


def named(frame: Any, asked: Sequence[Asked]) -> Any:  # noqa: ANN401 - a frame of any engine
    """The frame of `answers` with the columns named as the restrictions were asked: `NAME`, `NAME:basis`, `NAME:reply`.

    Last of all, since a restriction's argument may hold dots, which Spark reads as a path into the column.
    """
    frame = nw.from_native(frame)
    keep: dict[str, str] = {}
    drop: list[str] = []
    for number, one in enumerate(asked):
        name = one.column
        own = {f"answer_{number}": name, f"basis_{number}": f"{name}:basis", f"reply_{number}": f"{name}:reply"}
        if name in keep.values():
            drop.extend(own)
        else:
            keep |= own
    return frame.drop(*drop).rename(keep).to_native() if drop else frame.rename(keep).to_native()


def fold(frame: Any, asked: Sequence[Asked]) -> Any:  # noqa: ANN401 - a frame of any engine
    """Add ANSWER and TURNED_AWAY: what the whole list comes to, as smtpd_check.c does; the first that decides counts.

    Computed from the end, one entry a step: what stands behind an entry counts when that entry has no objection. An
    entry under warn_if_reject never decides. Each step is a column of its own, since an expression that held the one
    before it several times over would grow beyond all bounds with the list.
    """
    frame = frame.with_columns(nw.lit("dunno").alias(ANSWER), nw.lit(value=False).alias(TURNED_AWAY))
    for number, one in reversed(list(enumerate(asked))):
        if not one.warn:
            own = nw.col(f"answer_{number}")
            answer, turned = _answer_before(one, own), _turned_before(one, own)
            frame = frame.with_columns(answer.alias(ANSWER), turned.alias(TURNED_AWAY))
    return frame


def _answer_before(one: Asked, own: nw.Expr) -> nw.Expr:
    """The answer of a list that begins with this entry, from that of the rest in ANSWER.

    Where the entry's answer is missing, the list's is known only if every answer it could give leads to the same.
    `defer_if_permit` lets a later refusal win and defers what would else have passed.
    """
    rest = nw.col(ANSWER)
    only = "permit" if one.restriction.permits else one.refusal()
    missing = nw.when(rest == (only or "")).then(rest)
    deferred = nw.when((rest == "permit") | (rest == "dunno")).then(nw.lit("defer")).otherwise(rest)
    decided = nw.when(own == "defer_if_permit").then(deferred).otherwise(own)
    return nw.when(own.is_null()).then(missing).otherwise(nw.when(own == "dunno").then(rest).otherwise(decided))


def _turned_before(one: Asked, own: nw.Expr) -> nw.Expr:
    """Whether a list that begins with this entry turns away; null where missing evidence could change that.

    A missing answer is asked for by name: in pandas a comparison with a missing word may be False instead of null.
    """
    rest, missing = nw.col(TURNED_AWAY), nw.col("not_logged")
    if one.restriction.permits:
        known, unknown = (own != "permit") & rest, rest & missing
    else:
        known, unknown = (own != "dunno") | rest, rest | missing
    return nw.when(own.is_null()).then(unknown).otherwise(known)


@dataclass(frozen=True)
class Simulation:
    """The answers of a list to some attempts: `frame` has a row an attempt, with the columns that `answers` adds."""

    asked: tuple[Asked, ...]
    frame: Any

    @property
    def attempts(self) -> Any:  # noqa: ANN401 - a frame of the engine that was asked
        """The attempts with the answers, each column named as its restriction was asked."""
        return named(self.frame, self.asked)

    @property
    def not_simulated(self) -> tuple[str, ...]:
        """The entries that answer only where the log shows their own refusals."""
        return tuple(one.column for one in self.asked if not one.simulated)


def simulate(restrictions: str, attempts: Any, codes: Mapping[str, str] | None = None) -> Simulation:  # noqa: ANN401
    """Ask a list, spelled as in main.cf, of past attempts (a frame of any engine).

    `codes` are reply codes set by the site, by parameter: {"unknown_client_reject_code": "550"}.
    Raises AdvisorError where the list cannot be read.
    """
    asked = asked_for(parse_list(restrictions), codes)
    return Simulation(asked, answers(attempts, asked))
