"""A retry: a client comes back with a message that was deferred. All its attempts have one name for the message."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from advisor.message import LIFETIME
from advisor.record import instance_of
from advisor.session import Row

WINDOW = LIFETIME
"""How long a client comes back with a deferred message (maximal_queue_lifetime in postconf(5)), from the first time."""

NOBODY = hash("")
"""The recipient of an attempt that names none."""

Request = tuple[str, str, str | None, str, str]
Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_SLICE = 1 << 15


def request_of(row: Row) -> Request:
    """What a retry asks for once more: of whom (host and instance), by whom, and from and to which address."""
    instance, sender, recipient = instance_of(row["syslog_name"]), row.get("sender"), row.get("recipient")
    return row["host"], instance, row["client_address"], (sender or "").lower(), (recipient or "").lower()


def recipient_number(recipient: str | None) -> int:
    """A recipient as Tries have it; in whatever case it was written."""
    return hash((recipient or "").lower())


class Tries(NamedTuple):
    """Attempts in log order, an element each.

    `message`, `request` and `recipient` (NOBODY where none is named) are numbers, equal where these are: hashes of 64
    bits, of which two are the same by chance in one of some 200,000 logs with ten million attempts. `time` is in
    microseconds.
    """

    message: Numbers
    request: Numbers
    recipient: Numbers
    time: Numbers
    accepted: Flags
    deferred: Flags

    def rows(self) -> Iterator[tuple[int, int, int, int, bool, bool]]:
        """The rows as Python values, a few at a time."""
        for start in range(0, len(self.message), _SLICE):
            yield from zip(*(column[start : start + _SLICE].tolist() for column in self), strict=True)


class _Messages:
    """Messages, joined as it turns out that two are one: the one that began first, of the lower number, stays."""

    def __init__(self, message: Numbers, recipient: Numbers) -> None:
        order = np.lexsort((recipient, message))
        self._recipients = recipient[order]
        self._starts = np.searchsorted(message[order], np.arange(int(message.max(initial=-1)) + 2))
        self.same: dict[int, int] = {}
        self._accepted: dict[int, set[int]] = {}

    def of(self, message: int) -> int:
        while message in self.same:
            message = self.same[message]
        return message

    def accepts(self, message: int, recipient: int) -> None:
        self._accepted.setdefault(self.of(message), set()).add(recipient)

    def join(self, before: int, now: int) -> None:
        """Take two messages for one, unless the later one asks for somebody whom the earlier one has reached.

        A retry does not ask again for a recipient that was accepted: that is another message of the same sender.
        """
        asked = self._recipients[self._starts[now] : self._starts[now + 1]]
        before, now = self.of(before), self.of(now)
        if before != now and self._accepted.get(before, set()).isdisjoint(asked.tolist()):
            stays, goes = min(before, now), max(before, now)
            self.same[goes] = stays
            self._accepted.setdefault(stays, set()).update(self._accepted.pop(goes, ()))


def first_tries(tries: Tries) -> Numbers:
    """For each attempt the first one of its message: the recipients of a queue id, and who was deferred, share one."""
    _, firsts, inverse = np.unique(tries.message, return_index=True, return_inverse=True)
    # In the order in which they began.
    places = np.argsort(firsts)
    ranks = np.empty_like(places)
    ranks[places] = np.arange(len(places))
    message = ranks[inverse.reshape(-1)]
    found = _Messages(message, tries.recipient)
    waiting: dict[int, tuple[int, int]] = {}
    for now, request, recipient, time, accepted, deferred in tries._replace(message=message).rows():
        before = waiting.get(request)
        if before is not None and time - before[1] <= WINDOW:
            found.join(before[0], now)
        if accepted:
            found.accepts(now, recipient)
        if not deferred:
            waiting.pop(request, None)
        elif recipient != NOBODY and (before is None or found.of(before[0]) != found.of(now)):
            waiting[request] = now, time
    whole = np.arange(len(places))
    whole[[*found.same]] = [found.of(goes) for goes in found.same]
    return firsts[places][whole[message]]
