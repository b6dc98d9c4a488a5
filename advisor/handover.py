"""A handover: which attempts a helper's line is about, by the queue id that it shows or by the Message-ID.

A queue id is Postfix's own. A Message-ID is the sender's, and anybody may copy one: where clients of two networks used
the same, a line that shows nothing else is about nobody.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from advisor.case import Case

Event = dict[str, Any]

_BEFORE = timedelta(days=5)
"""A message stays in the queue for so long (maximal_queue_lifetime)."""
_SLACK = timedelta(seconds=5)
"""Helpers log by another way than Postfix; their lines may come a little early."""
_COLUMNS = (
    "time",
    "host",
    "program",
    "queue_id",
    "message_id",
    "recipient",
    "sender",
    "result",
    "domain",
    "relay",
    "text",
    "reason",
)


class Handover:
    """The attempts by queue id and by Message-ID."""

    def __init__(self, case: Case) -> None:
        """Sort the attempts; `case.once(Handover)` does so once."""
        self._case = case
        times, names = case.column("time"), zip(case.column("host"), case.column("queue_id"), strict=True)
        self._by_queue: dict[tuple[str, str], list[tuple[datetime, int]]] = defaultdict(list)
        for row, (host, queue_id) in enumerate(names):
            if queue_id and times[row] is not None:
                self._by_queue[host, queue_id].append((times[row], row))
        for found in self._by_queue.values():
            found.sort()

    def each(self, events: pa.Table) -> Iterator[tuple[Event, list[int]]]:
        """Each event with the numbers of the attempts that it is about; those about none are left out."""
        for event in self._rows(events):
            rows = self._queued(event) or self._named(event)
            if rows:
                yield event, rows

    @staticmethod
    def _rows(events: pa.Table) -> list[Event]:
        rows: list[Event] = events.select(list(_COLUMNS)).to_pylist()
        return rows

    @cached_property
    def _by_message(self) -> dict[str, set[int]]:
        """The attempts by the Message-ID that cleanup logged for their queue id."""
        found: dict[str, set[int]] = defaultdict(set)
        for event in self._rows(self._case.events.filter(pc.field("kind") == "message_id")):
            if event["message_id"]:
                found[event["message_id"]].update(self._queued(event))
        return found

    def _queued(self, event: Event) -> list[int]:
        """The attempts of the message that had this queue id last."""
        found = self._by_queue.get((event["host"], event["queue_id"]))
        if not found or event["time"] is None:
            return []
        last = bisect_right(found, event["time"] + _SLACK, key=lambda one: one[0])
        if not last or found[last - 1][0] < event["time"] - _BEFORE:
            return []
        message = self._case.column("message")
        of = message[found[last - 1][1]]
        return [row for _, row in found[:last] if message[row] == of]

    def _named(self, event: Event) -> list[int]:
        """The attempts of this Message-ID, of one recipient where the line names one of theirs."""
        times, networks = self._case.column("time"), self._case.column("client_network")
        at = event["time"]
        if at is None or not event["message_id"]:
            return []
        rows = [
            row
            for row in sorted(self._by_message.get(event["message_id"], ()))
            if at - _BEFORE <= times[row] <= at + _SLACK
        ]
        if len({networks[row] for row in rows}) != 1:
            return []
        to = (event["recipient"] or "").strip("<>").lower()
        if not to or "," in to:
            return rows
        own = [row for row in rows if to in (self._case.recipients[row], _user(self._case.recipients[row]))]
        return own or (rows if len({self._case.recipients[row] for row in rows}) == 1 else [])


def _user(address: str | None) -> str:
    """The local part, which is what a mail store may call its user."""
    return (address or "").rpartition("@")[0]
