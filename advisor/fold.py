"""A fold: the answers of single restrictions made into what their lists come to, as smtpd_check.c does.

The first entry that decides ends its list. A permit ends its own list only, a refusal ends all. `defer_if_permit`
defers in the end what no list of the same command refuses; `defer_if_reject` makes a 4xx of a 5xx in its own group of
lists; after `discard` nothing is asked any more. Under warn_if_reject nothing is refused, but a permit permits.

Few combinations of answers ever occur, so each is folded once, in plain Python, and joined back to the rows that have
it. As expressions of an engine each step would hold the one before it several times over, and DuckDB writes that out.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import narwhals as nw
import pyarrow as pa

from advisor.restriction import REFUSES, Asked
from advisor.testimony import beside, distinct

ANSWER = "answer"
"""The column with the fold of all lists."""
TURNED_AWAY = "turned_away"
"""The column that says whether the lists turn the attempt away: True, False, or null where that is not known."""

UNLISTED = "smtpd_reject_unlisted_recipient"
"""The list of what smtpd_check_rcpt() asks by itself, once a defer_if_permit of the lists has been heeded."""
LATE = ("smtpd_data_restrictions", "smtpd_end_of_data_restrictions")
"""The lists that are asked after RCPT TO."""
# smtpd_check_rcpt() forgets defer_if_reject before these two, not between them.
_GROUPS = {"smtpd_relay_restrictions": "recipient", "smtpd_recipient_restrictions": "recipient"}
_KEY = "fold_key"

Answers = tuple[str | None, ...]
"""What each entry answered; None where there is no evidence."""


class _State(NamedTuple):
    """What smtpd remembers: a defer_if_permit, a defer_if_reject, and whether any list permitted."""

    waiting: bool = False
    softened: bool = False
    permitted: bool = False


class Verdict(NamedTuple):
    """What lists come to; None where missing evidence could change it."""

    answer: str | None
    turned: bool | None


class _Place(NamedTuple):
    """Before an entry: what smtpd may remember, what it may where the list has ended, and what it may have answered."""

    live: frozenset[_State]
    ended: frozenset[_State] = frozenset()
    outcomes: frozenset[str] = frozenset()


class Folding:
    """The fold of some lists; `asked` are in the order in which smtpd asks them.

    Attempts share what they begin with, so each step is taken once: what is remembered and answered leads to the same.
    """

    def __init__(self, asked: Sequence[Asked]) -> None:
        """Begin before the first entry."""
        self._asked = asked
        self._start = _Place(frozenset({_State()}))
        self._numbers: dict[tuple[int, _Place], int] = {(0, self._start): 0}
        self._places = [self._start]
        self._after: list[dict[str | None, int]] = [{}]
        self._verdicts: dict[int, Verdict] = {}

    def of(self, answers: Answers) -> Verdict:
        """Fold the answers to one attempt.

        A missing answer might have been any that the entry can give: what all of them lead to is known all the same.
        """
        number = 0
        for entry, answer in enumerate(answers):
            after = self._after[number].get(answer)
            number = self._taken(entry, number, answer) if after is None else after
        if number not in self._verdicts:
            self._verdicts[number] = _verdict(_next_command(_next_list(self._places[number])))
        return self._verdicts[number]

    def _taken(self, entry: int, number: int, answer: str | None) -> int:
        """Take the step that an answer of an entry is: the number of the place behind it."""
        one, place = self._asked[entry], self._places[number]
        before = self._asked[entry - 1].listed if entry else one.listed
        if one.listed != before:
            place = _next_list(place)
            if _command(one.listed) != _command(before):
                place = _next_command(place)
            elif _GROUPS.get(one.listed, one.listed) != _GROUPS.get(before, before):
                place = place._replace(live=frozenset(state._replace(softened=False) for state in place.live))
        place = _after_entry(place, one, answer)
        found = self._numbers.setdefault((entry + 1, place), len(self._places))
        if found == len(self._places):
            self._places.append(place)
            self._after.append({})
        self._after[number][answer] = found
        return found


def come_to(asked: Sequence[Asked], answers: Answers) -> Verdict:
    """Fold the answers to one attempt; `asked` are in the order in which smtpd asks them."""
    return Folding(asked).of(answers)


def _command(listed: str) -> str:
    """When a list is asked: all but a few at RCPT TO, where smtpd_delay_reject has them wait."""
    return listed if listed in (UNLISTED, *LATE) else ""


def _next_list(place: _Place) -> _Place:
    return place._replace(live=place.live | place.ended, ended=frozenset())


def _next_command(place: _Place) -> _Place:
    """A defer_if_permit is heeded once all lists of a command are through; then all but a permit is forgotten."""
    waits = {"defer"} if any(state.waiting for state in place.live) else set()
    live = frozenset(_State(permitted=state.permitted) for state in place.live if not state.waiting)
    return place._replace(live=live, outcomes=place.outcomes | waits)


def _verdict(place: _Place) -> Verdict:
    outcomes = place.outcomes | {"permit" if state.permitted else "dunno" for state in place.live}
    turned = {outcome in REFUSES for outcome in outcomes}
    return Verdict(min(outcomes) if len(outcomes) == 1 else None, min(turned) if len(turned) == 1 else None)


def _after_entry(place: _Place, one: Asked, answer: str | None) -> _Place:
    """What smtpd may remember and may have answered after an entry."""
    words = one.words | {"dunno"} if answer is None else {answer}
    going: set[_State] = set()
    ended, outcomes = set(place.ended), set(place.outcomes)
    for state in place.live:
        for word in words:
            _step(state, "dunno" if one.warn and word in REFUSES else word, (going, ended, outcomes))
    return _Place(frozenset(going), frozenset(ended), frozenset(outcomes))


def _step(state: _State, word: str, into: tuple[set[_State], set[_State], set[str]]) -> None:
    """One answer of one entry: the list goes on, ends, or all is decided."""
    going, ended, outcomes = into
    if word == "permit":
        ended.add(state._replace(permitted=True))
    elif word == "discard":
        outcomes.add("defer" if state.waiting else "discard")
    elif word == "reject":
        outcomes.add("defer" if state.softened else "reject")
    elif word == "defer":
        outcomes.add("defer")
    else:
        after = state._replace(
            waiting=state.waiting or word == "defer_if_permit", softened=state.softened or word == "defer_if_reject"
        )
        # generic_checks() asks no more of a list once nothing but a deferral can come of it.
        (ended if after.waiting and after.softened else going).add(after)


def fold(frame: Any, asked: Sequence[Asked], same: Any = None) -> Any:  # noqa: ANN401 - Narwhals frames
    """Add ANSWER and TURNED_AWAY to a frame with the columns `answer_N`. Its rows may come out in another order.

    `same` holds the same answers and takes less work to read, where there is such a frame.
    """
    own = [nw.col(f"answer_{number}").fill_null("?") for number in range(len(asked))]
    key = nw.concat_str([nw.lit("|"), *own], separator=" ").alias(_KEY)
    keys: list[str] = distinct((frame if same is None else same).select(key))[_KEY].to_pylist()
    answers = [tuple(None if word == "?" else word for word in each.split(" ")[1:]) for each in keys]
    folding = Folding(asked)
    verdicts = [folding.of(each) for each in answers]
    table = pa.table(
        {
            _KEY: pa.array(keys, pa.string()),
            ANSWER: pa.array([verdict.answer for verdict in verdicts], pa.string()),
            TURNED_AWAY: pa.array([verdict.turned for verdict in verdicts], pa.bool_()),
        }
    )
    return frame.with_columns(key).join(beside(frame, table), on=_KEY, how="left").drop(_KEY)
