"""A prediction: what the advisor says Postfix would have answered under a configuration, from a baseline's log."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import duckdb
import pyarrow as pa

from advisor.entry import parse_list
from advisor.greylist import replay
from advisor.postgrey import Options, Whitelists
from advisor.response import Responses
from advisor.restriction import Asked
from advisor.simulation import ANSWER, answers, asked_for
from tests.lab.companion import GREYLIST_DELAY, WHITELISTED
from tests.lab.configuration import DATA_LISTS, LISTS, MILTERS, Configuration

Key = tuple[str, int]
"""A recipient, and which of its visits."""

RELAY = "permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination"
_UNKNOWN_USERS = "reject_unlisted_recipient"
_REFUSES = ("reject", "defer", "defer_if_permit")


@dataclass(frozen=True)
class Prediction:
    """The answer to one attempt; None: no evidence. `code` is '' where the list's answer is not one entry's.

    `basis` is where it comes from; `before` the reply that the baseline gave, 2xx or a refusal of its own.
    """

    answer: str | None
    code: str
    basis: str
    before: str


def predictions(configuration: Configuration, attempts: pa.Table, dns: Responses) -> dict[Key, Prediction]:
    """Ask the advisor about each attempt."""
    table = attempts
    if configuration.asks == "postgrey":
        found = replay(table, Options(delay=GREYLIST_DELAY), Whitelists.of(*WHITELISTED))
        rows = [{"answer_0": word, "reply_0": "450", "basis_0": "derived", ANSWER: word} for word in found["answer"].to_pylist()]
        return dict(_keyed(table, rows, 1))
    asked = _asked(configuration)
    rows = answers(duckdb.from_arrow(table), asked, dns).to_arrow_table().to_pylist()
    return dict(_keyed(table, rows, len(asked)))


def _asked(configuration: Configuration) -> tuple[Asked, ...]:
    """One restriction or list by itself, or all lists in the order in which smtpd asks them."""
    if configuration.asks:
        return asked_for(parse_list(configuration.asks), configuration.codes)
    lists = {"smtpd_relay_restrictions": RELAY, **configuration.lists}
    lists["smtpd_recipient_restrictions"] = ", ".join(filter(None, (lists.get("smtpd_recipient_restrictions"), _UNKNOWN_USERS)))
    return tuple(
        replace(one, listed=name)
        for name in LISTS
        for one in asked_for(parse_list(lists.get(name, "")), configuration.codes)
    )


def _keyed(attempts: pa.Table, rows: list[dict[str, Any]], entries: int) -> Iterator[tuple[Key, Prediction]]:
    """The predictions by recipient; attempts that name none have nothing to be told apart by."""
    visits: Counter[str] = Counter()
    for attempt, row in zip(attempts.select(["recipient", "reply", "action"]).to_pylist(), rows, strict=True):
        recipient = attempt["recipient"]
        if recipient is None:
            continue
        code, basis = _decided(row, entries)
        before = "250" if attempt["action"] == "accept" else attempt["reply"]
        yield (recipient.lower(), visits[recipient.lower()]), Prediction(row[ANSWER], code, basis, before)
        visits[recipient.lower()] += 1


def _decided(row: Mapping[str, Any], entries: int) -> tuple[str, str]:
    """The code and the basis of the entry that decided; '' where none did, or nobody knows which."""
    for number in range(entries):
        answer = row[f"answer_{number}"]
        if answer in _REFUSES:
            return row[f"reply_{number}"] or "", row[f"basis_{number}"] or ""
        if answer != "dunno":
            return "", row[f"basis_{number}"] or ""
    return "", row[f"basis_{entries - 1}"] or ""
