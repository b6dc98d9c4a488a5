"""A retry: a client comes back with a message that was deferred. All its attempts have one name for the message."""

from collections.abc import Sequence

from advisor.message import LIFETIME
from advisor.record import instance_of
from advisor.session import Row

WINDOW = LIFETIME
"""How long a client comes back with a deferred message (maximal_queue_lifetime in postconf(5)), from the first time."""


Request = tuple[str, str, str | None, str, str]


def request_of(row: Row) -> Request:
    """What a retry asks for once more: of whom (host and instance), by whom, and from and to which address."""
    instance, sender, recipient = instance_of(row["syslog_name"]), row.get("sender"), row.get("recipient")
    return row["host"], instance, row["client_address"], (sender or "").lower(), (recipient or "").lower()


class _Names:
    """The names of messages, joined as it turns out that two are of one message: the one that began first stays."""

    def __init__(self, order: Sequence[str]) -> None:
        self._rank = {name: rank for rank, name in enumerate(order)}
        self._same: dict[str, str] = {}
        self._accepted: dict[str, set[str]] = {}

    def of(self, name: str) -> str:
        while name in self._same:
            name = self._same[name]
        return name

    def accepts(self, name: str, recipient: str) -> None:
        self._accepted.setdefault(self.of(name), set()).add(recipient)

    def join(self, before: str, now: str, asked: set[str]) -> None:
        """Call two messages by one name, unless the later one asks for somebody whom the earlier one has reached.

        A retry does not ask again for a recipient that was accepted: that is another message of the same sender.
        """
        before, now = self.of(before), self.of(now)
        if before != now and not asked & self._accepted.get(before, set()):
            stays, goes = sorted((before, now), key=self._rank.__getitem__)
            self._same[goes] = stays
            self._accepted.setdefault(stays, set()).update(self._accepted.pop(goes, ()))


def name_messages(rows: Sequence[Row]) -> None:
    """Name the message of each attempt, in log order: the recipients of a queue id, and who was deferred, share one."""
    asked: dict[str, set[str]] = {}
    for row in rows:
        row["message"] = row.get("message") or f"{row['source']}:{row['offset']}"
        asked.setdefault(row["message"], set()).add((row.get("recipient") or "").lower())
    names = _Names([*asked])
    waiting: dict[Request, tuple[str, int]] = {}
    for row in rows:
        name, recipient = row["message"], (row.get("recipient") or "").lower()
        key = request_of(row)
        before = waiting.get(key)
        if before is not None and row["time"] - before[1] <= WINDOW:
            names.join(before[0], name, asked[name])
        if row["action"] == "accept":
            names.accepts(name, recipient)
        if row["action"] != "defer":
            waiting.pop(key, None)
        elif recipient and (before is None or names.of(before[0]) != names.of(name)):
            waiting[key] = (name, row["time"])
    for row in rows:
        row["message"] = names.of(row["message"])
