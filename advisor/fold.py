"""A fold: the answers of single restrictions made into what their lists come to, as smtpd_check.c does.

The first entry that decides ends its list. A permit ends its own list only, a refusal ends all. `defer_if_permit`
defers in the end what no list of the same command refuses; `defer_if_reject` makes a 4xx of a 5xx in its own group of
lists; after `discard` nothing is asked any more. Under warn_if_reject nothing is refused, but a permit permits.
"""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

import narwhals as nw

from advisor.restriction import Asked

ANSWER = "answer"
"""The column with the fold of all lists."""
TURNED_AWAY = "turned_away"
"""The column that says whether the lists turn the attempt away: True, False, or null where that is not known."""

_REFUSES = frozenset({"reject", "defer", "defer_if_permit"})
_DATA, _END = "smtpd_data_restrictions", "smtpd_end_of_data_restrictions"
# smtpd_check_rcpt() forgets defer_if_reject before these two, not between them.
_RELAY, _RECIPIENT = "smtpd_relay_restrictions", "smtpd_recipient_restrictions"
_NEXT, _NEXT_TURNED = "next_answer", "next_turned_away"

_Numbered = list[tuple[int, Asked]]
_Fold = Callable[[Any, _Numbered], Any]


def _stage(entry: tuple[int, Asked]) -> str:
    """The command at which a list is asked: all but two at RCPT TO, where smtpd_delay_reject has them wait."""
    listed = entry[1].listed
    return listed if listed in (_DATA, _END) else ""


def _group(entry: tuple[int, Asked]) -> str:
    listed = entry[1].listed
    return _RECIPIENT if listed == _RELAY else listed


def fold(frame: Any, asked: Sequence[Asked]) -> Any:  # noqa: ANN401 - a frame of any engine
    """Add ANSWER and TURNED_AWAY to a frame with the columns `answer_N`: what the lists come to.

    `asked` are in the order in which smtpd asks them, each with the list that it stands in. Computed from the end, one
    entry a step: what stands behind an entry counts when that entry has no objection. Each step is a column of its own,
    since an expression that held the one before it several times over would grow beyond all bounds with the list.
    """
    frame = _nothing(frame)
    stages = [list(entries) for _, entries in groupby(enumerate(asked), key=_stage)]
    for entries in reversed(stages):
        frame = _before(frame, _fold_stage, entries, "stage")
    return frame


def _nothing(frame: Any) -> Any:  # noqa: ANN401 - a frame of any engine
    """Start with what a list without entries comes to."""
    return frame.with_columns(nw.lit("dunno").alias(ANSWER), nw.lit(value=False).alias(TURNED_AWAY))


def _before(frame: Any, folded: _Fold, entries: _Numbered, level: str) -> Any:  # noqa: ANN401 - a frame of any engine
    """Put the fold of some lists before what later ones come to: what they do not refuse is asked further."""
    kept = {f"later_{level}_answer": ANSWER, f"later_{level}_turned": TURNED_AWAY}
    frame = frame.with_columns(*(nw.col(name).alias(later) for later, name in kept.items()))
    frame = folded(_nothing(frame), entries)
    own, turned = nw.col(ANSWER), nw.col(TURNED_AWAY)
    rest, rest_turned = (nw.col(later) for later in kept)
    answer: nw.Expr = nw.when(_is(own, "dunno")).then(rest)
    away = turned | rest_turned
    if any("discard" in one.words for _, one in entries):
        # It may have thrown the mail away, and then nobody asks the rest.
        passing = nw.when(~turned).then(rest_turned & nw.col("not_logged"))
        unknown = nw.when(turned).then(nw.lit(value=True)).otherwise(passing)
        away = nw.when(_is(own, "discard")).then(nw.lit(value=False)).otherwise(away)
        away = nw.when(own.is_null()).then(unknown).otherwise(away)
    else:
        # Permitted or not: what is not refused in the end was permitted if any list said so.
        maybe = own.is_null() & (~turned).fill_null(value=False) & ~_is(rest, "dunno")
        answer = nw.when(maybe).then(rest).otherwise(answer)
    answer = nw.when(_is(own, "permit")).then(_permitted(rest)).otherwise(answer)
    answer = nw.when(_is(own, "defer_if_permit")).then(_waiting(rest, rest_turned)).otherwise(answer)
    answer = nw.when(_is(own, "reject", "defer", "discard")).then(own).otherwise(answer)
    return frame.with_columns(answer.alias(ANSWER), away.alias(TURNED_AWAY)).drop(*kept)


def _fold_stage(frame: Any, numbered: _Numbered) -> Any:  # noqa: ANN401 - a frame of any engine
    """Fold the lists of one command; at its end a defer_if_permit defers."""
    for entries in reversed([list(entries) for _, entries in groupby(numbered, key=_group)]):
        frame = _before(frame, _fold_group, entries, "group")
    answer = nw.when(_is(nw.col(ANSWER), "defer_if_permit")).then(nw.lit("defer")).otherwise(nw.col(ANSWER))
    return frame.with_columns(answer.alias(ANSWER))


def _fold_group(frame: Any, numbered: _Numbered) -> Any:  # noqa: ANN401 - a frame of any engine
    """Fold the lists whose defer_if_reject holds for one another."""
    frame = frame.with_columns(nw.lit("permit").alias(_NEXT), nw.lit(value=False).alias(_NEXT_TURNED))
    lists = [list(entries) for _, entries in groupby(numbered, key=lambda entry: entry[1].listed)]
    for position, entries in enumerate(reversed(lists)):
        if position:
            following = (_permitted(nw.col(ANSWER)).alias(_NEXT), nw.col(TURNED_AWAY).alias(_NEXT_TURNED))
            frame = frame.with_columns(*following)
        for number, one in reversed(entries):
            frame = _fold_entry(frame, nw.col(f"answer_{number}"), one)
    return frame.drop(_NEXT, _NEXT_TURNED)


def _permitted(rest: nw.Expr) -> nw.Expr:
    """What a permit comes to, with the lists behind its own."""
    return nw.when(_is(rest, "dunno")).then(nw.lit("permit")).otherwise(rest)


def _fold_entry(frame: Any, own: nw.Expr, one: Asked) -> Any:  # noqa: ANN401 - a frame of any engine
    """Put an entry before what stands behind it."""
    words = one.words
    if one.warn and words & _REFUSES:
        own = nw.when(_is(own, *_REFUSES)).then(nw.lit("dunno")).otherwise(own)
        words -= _REFUSES
    if not words:
        return frame
    return frame.with_columns(_answer(own, words).alias(ANSWER), _turned(own, words).alias(TURNED_AWAY))


def _answer(own: nw.Expr, words: frozenset[str]) -> nw.Expr:
    """What a list that begins with this entry comes to, from what the rest of it does.

    Where the entry's answer is missing, the list's is known only if each that it could give leads to the same.
    """
    rest, following = nw.col(ANSWER), nw.col(_NEXT)
    decided = nw.when(_is(own, "reject", "defer", "discard")).then(own).otherwise(rest)
    same = ~rest.is_null()
    if "permit" in words:
        decided = nw.when(_is(own, "permit")).then(following).otherwise(decided)
        same = same & (rest == following)
    for word in {"reject", "defer", "discard"} & words:
        same = same & (rest == word)
    if "defer_if_permit" in words:
        waiting = _waiting(rest, nw.col(TURNED_AWAY))
        decided = nw.when(_is(own, "defer_if_permit")).then(waiting).otherwise(decided)
        same = same & _is(rest, "reject", "defer", "defer_if_permit")
    if "defer_if_reject" in words:
        softened = nw.when(_is(rest, "reject")).then(nw.lit("defer")).otherwise(rest)
        decided = nw.when(_is(own, "defer_if_reject")).then(softened).otherwise(decided)
        same = same & ~_is(rest, "reject")
    return nw.when(~own.is_null()).then(decided).otherwise(nw.when(same).then(rest))


def _waiting(rest: nw.Expr, rest_turned: nw.Expr) -> nw.Expr:
    """What becomes of a defer_if_permit: a refusal behind it wins, and it wins over all else."""
    refused = _is(rest, "reject", "defer")
    passed = ~rest.is_null() | (~rest_turned).fill_null(value=False)
    return nw.when(refused).then(rest).otherwise(nw.when(passed).then(nw.lit("defer_if_permit")))


def _turned(own: nw.Expr, words: frozenset[str]) -> nw.Expr:
    """Whether a list that begins with this entry turns away; null where missing evidence could change that.

    A missing answer is asked for by name: in pandas a comparison with a missing word may be False instead of null.
    """
    rest, following, missing = nw.col(TURNED_AWAY), nw.col(_NEXT_TURNED), nw.col("not_logged")
    decided = nw.when(_is(own, *_REFUSES)).then(nw.lit(value=True)).otherwise(rest)
    unknown = rest
    if words & _REFUSES:
        unknown = unknown | missing
    if "discard" in words:
        decided = nw.when(_is(own, "discard")).then(nw.lit(value=False)).otherwise(decided)
        unknown = unknown & missing
    if "permit" in words:
        decided = nw.when(_is(own, "permit")).then(following).otherwise(decided)
        # Known where both ways lead to the same.
        unknown = (unknown & following) | ((unknown | following) & missing)
    return nw.when(~own.is_null()).then(decided).otherwise(unknown)


def _is(value: nw.Expr, *words: str) -> nw.Expr:
    """Whether a word is one of these; never null."""
    first, *others = sorted(words)
    found = value == first
    for word in others:
        found = found | (value == word)
    return found.fill_null(value=False)
