"""Retries: what is done by numbers is what is done by names, and the cases that tell a retry from another message."""

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from advisor.retry import WINDOW, Request, Tries, first_tries, recipient_number, request_of
from advisor.session import Row


class Names:
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
        """A retry does not ask again for a recipient that was accepted: that is another message of the same sender."""
        before, now = self.of(before), self.of(now)
        if before != now and not asked & self._accepted.get(before, set()):
            stays, goes = sorted((before, now), key=self._rank.__getitem__)
            self._same[goes] = stays
            self._accepted.setdefault(stays, set()).update(self._accepted.pop(goes, ()))


def name_messages(rows: Sequence[Row]) -> None:
    """Name the message of each attempt, in log order: what advisor.retry does by numbers, done by names."""
    asked: dict[str, set[str]] = {}
    for row in rows:
        row["message"] = row.get("message") or f"{row['source']}:{row['offset']}"
        asked.setdefault(row["message"], set()).add((row.get("recipient") or "").lower())
    names = Names([*asked])
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


def named(rows: Sequence[Row]) -> list[str]:
    """The names of the messages, found by numbers."""
    tries = Tries(
        np.array([hash(row["message"]) for row in rows], np.int64),
        np.array([hash(request_of(row)) for row in rows], np.int64),
        np.array([recipient_number(row["recipient"]) for row in rows], np.int64),
        np.array([row["time"] for row in rows], np.int64),
        np.array([row["action"] == "accept" for row in rows], np.bool_),
        np.array([row["action"] == "defer" for row in rows], np.bool_),
    )
    return [rows[first]["message"] for first in first_tries(tries).tolist()]


def row(message: str, time: int, action: str, recipient: str | None = "r@ourdom.test", sender: str = "s@a.test") -> Row:
    """An attempt."""
    own = {"host": "mx1", "syslog_name": "postfix/smtpd", "client_address": "192.0.2.1"}
    return {**own, "message": message, "time": time, "action": action, "recipient": recipient, "sender": sender}


def test_nobody_comes_back_with_a_connection() -> None:
    """What was deferred before RCPT TO named no recipient: nobody knows which message it was."""
    assert named([row("a", 0, "defer", None), row("b", 9, "defer", None)]) == ["a", "b"]
    assert named([row("a", 0, "defer"), row("b", 9, "defer")]) == ["a", "a"]


def test_the_window_begins_with_the_first_try() -> None:
    tries = [row("a", 0, "defer"), row("a", WINDOW - 1, "defer"), row("b", WINDOW + 1, "accept")]
    assert named(tries) == ["a", "a", "b"]
    assert named([row("a", 0, "defer"), row("a", WINDOW - 1, "defer"), row("b", WINDOW, "accept")]) == ["a", "a", "a"]


def test_who_was_reached_is_not_asked_again() -> None:
    first = [row("a", 0, "accept", "x@ourdom.test"), row("a", 1, "defer", "y@ourdom.test")]
    again = [row("b", 9, "accept", "x@ourdom.test"), row("b", 9, "accept", "y@ourdom.test")]
    assert named([*first, *again]) == ["a", "a", "b", "b"]
    assert named([*first, again[1]]) == ["a", "a", "a"]


ROWS = st.lists(
    st.builds(
        row,
        st.sampled_from("abcdef"),
        st.integers(0, 5).map(lambda steps: steps * WINDOW // 2),
        st.sampled_from(["accept", "defer", "defer", "reject"]),
        st.sampled_from([None, "", "r@ourdom.test", "R@ourdom.test", "q@ourdom.test"]),
        st.sampled_from(["s@a.test", "S@a.test", "t@a.test"]),
    ),
    max_size=14,
)


@given(ROWS)
def test_numbers_do_as_names(rows: list[Row]) -> None:
    rows = sorted(rows, key=lambda each: each["time"])
    found = named(rows)
    name_messages(rows)
    assert found == [each["message"] for each in rows]
