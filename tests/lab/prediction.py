"""A prediction: what the advisor says Postfix would have answered under a configuration, from a baseline's log."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from advisor import postconf
from advisor.fold import LATE, UNLISTED
from advisor.greylist import replay
from advisor.postgrey import Options, Whitelists
from advisor.response import Responses
from advisor.restriction import Asked, ask
from advisor.restrictions import CATALOGUE
from advisor.shelf import stocked
from advisor.simulation import ANSWER, answers, whole
from advisor.whitelist import clients, recipients
from tests.lab.companion import GREYLIST_DELAY, WHITELISTED_CLIENTS, WHITELISTED_RECIPIENTS
from tests.lab.configuration import END, Configuration

Key = tuple[str, int]
"""A recipient (its local part), and which of its visits."""

_WHITELISTS = Whitelists(clients({"clients": WHITELISTED_CLIENTS}), recipients({"recipients": WHITELISTED_RECIPIENTS}))


@dataclass(frozen=True)
class Prediction:
    """What the whole configuration answers to one attempt; None: no evidence. `code` is '' where it is not known.

    `entries` are the answers and bases of its single entries, to find out who was wrong.
    """

    answer: str | None
    code: str
    entries: tuple[tuple[str, str | None, str | None], ...]

    @property
    def inferred(self) -> bool:
        """Whether it rests on what the same client did at another time."""
        return any(basis == "inferred" for _, _, basis in self.entries)

    @property
    def expected(self) -> str | None:
        """The reply code that Postfix is expected to end with, or its first digit; None: no evidence."""
        if self.answer is None:
            return None
        return {"reject": self.code or "5", "defer": self.code or "4"}.get(self.answer, "2")


def local_part(recipient: str) -> str:
    """What tells a recipient from all others, with a domain or without."""
    return recipient.partition("@")[0].lower()


def predictions(asked: tuple[Asked, ...], attempts: pa.Table, dns: Responses) -> dict[Key, Prediction]:
    """Ask the advisor about each attempt that names a recipient: the others have nothing to be told apart by."""
    greylisted = replay(attempts, Options(delay=GREYLIST_DELAY), _WHITELISTS)["answer"]
    attempts = attempts.set_column(attempts.schema.get_field_index("greylist_answer"), "greylist_answer", greylisted)
    # The frame is Arrow's own: ten times as fast as DuckDB for so few rows; that engines agree is another test.
    table = answers(attempts, asked, dns)
    wanted = [f"{name}_{number}" for number in range(len(asked)) for name in ("answer", "reply", "basis")]
    rows = table.select([ANSWER, *wanted]).to_pylist()
    visits: Counter[str] = Counter()
    found = {}
    for attempt, row in zip(attempts.column("recipient").to_pylist(), rows, strict=True):
        if attempt is not None:
            entries = tuple((one.column, row[f"answer_{n}"], row[f"basis_{n}"]) for n, one in enumerate(asked))
            name = local_part(attempt)
            found[name, visits[name]] = Prediction(row[ANSWER], _code(row, asked), entries)
            visits[name] += 1
    return found


def asked_by(configuration: Configuration, main: Path) -> tuple[Asked, ...]:
    """All that the configuration asks, in the order in which it is asked: postscreen, smtpd, milters."""
    config = postconf.read(main)
    entries = [entry for found in config.lists().values() for entry in found]
    asked = whole(config, stocked(entries, main.parent).tables)
    return (*_beside(configuration.first, "before"), *asked, *_beside(configuration.last, END))


def _beside(text: str, listed: str) -> Iterator[Asked]:
    """What is asked that is no entry of a list."""
    name, _, argument = text.partition(" ")
    if name:
        yield replace(ask(CATALOGUE[name], {}, argument), listed=listed)


def _code(row: Mapping[str, Any], asked: tuple[Asked, ...]) -> str:
    """The code of the entry that decides; '' where none does, or what is missing could have."""
    ended, waiting = "", ""
    for number, one in enumerate(asked):
        answer, code = row[f"answer_{number}"], row[f"reply_{number}"] or ""
        if one.warn or one.listed == ended:
            continue
        if waiting and one.listed in (UNLISTED, *LATE):
            return waiting
        if answer is None or answer in ("reject", "defer", "discard"):
            return "" if answer is None else code
        if answer == "permit":
            ended = one.listed
        elif answer == "defer_if_permit":
            waiting = waiting or code
    return waiting
