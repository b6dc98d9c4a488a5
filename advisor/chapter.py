"""A chapter of the log: the lines of one session, of its messages, and of what content filters made of these."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from advisor.queue import QUEUED_AS

Row = dict[str, Any]
Node = tuple[str, int]

# queued_as: 0A1B2C3D/0A1B2C3E: what a content filter handed back to several recipients
_QUEUED = re.compile(r"queued_as: (?P<queue_ids>[0-9A-Za-z/]+)")
# A helper speaks of a client, and a filter hands a message back, within this.
_NEAR = timedelta(minutes=5)
_BEGINS = frozenset({"client", "pickup"})
_READ = [
    *("source", "offset", "time", "host", "syslog_name", "program", "pid", "kind", "queue_id", "client_address"),
    *("text", "reason"),
]
_HEADING = frozenset({"source", "offset", "time", "host", "syslog_name", "program", "pid", "kind", "queue_id"})


@dataclass(frozen=True)
class Line:
    """One log line: `time` is its own (UTC), `said` what its event holds; the log itself is not read again."""

    time: datetime | None
    host: str | None
    program: str | None
    queue_id: str | None
    source: str
    offset: int
    said: str


class Book:
    """Which lines belong together: a session with its messages, and what content filters made of these."""

    def __init__(self, events: pa.Table) -> None:
        """Read events in log order."""
        self._events = events
        self._rows: list[Row] = events.select(_READ).to_pylist()
        self._node: dict[tuple[str, int], Node] = {}
        self._parent: dict[Node, Node] = {}
        self._open: dict[Any, Node] = {}
        self._life: dict[Any, Node] = {}
        self._gone: set[Node] = set()
        self._seen: dict[Any, tuple[Node, datetime]] = {}
        self._warned: dict[Any, list[tuple[str, int]]] = {}
        for number, row in enumerate(self._rows):
            self._node[_at(row)] = self._place(number, row)

    def root_at(self, place: tuple[str, int]) -> Node | None:
        """The chapter that the line at a place belongs to."""
        node = self._node.get(place)
        while node is not None and node in self._parent:
            node = self._parent[node]
        return node

    def chapters(self, roots: set[Node | None]) -> Iterator[tuple[Node, list[Line]]]:
        """The lines of each chapter, in log order."""
        found: dict[Node, list[Line]] = {}
        held = [(root, number) for number, row in enumerate(self._rows) if (root := self.root_at(_at(row))) in roots]
        rows = self._events.take(pa.array([number for _, number in held], pa.int64())).to_pylist()
        for (root, _), row in zip(held, rows, strict=True):
            assert root is not None
            found.setdefault(root, []).append(_line(row))
        yield from found.items()

    def _place(self, number: int, row: Row) -> Node:
        """The session or message that a line belongs to; a node is its kind and the number of its first line."""
        life = self._message(number, row) if row["queue_id"] else None
        session = self._session(number, row) if row["program"] in ("smtpd", "postscreen") else self._helper(row)
        if life is not None:
            # What a content filter hands back belongs to its message, not to the filter's visit.
            if session is not None and session != life and row["kind"] == "client":
                self._parent.setdefault(life, session)
            self._children(row, life)
            return life
        return session or ("line", number)

    def _message(self, number: int, row: Row) -> Node:
        key = (row["host"], row["queue_id"])
        life = self._life.get(key)
        again = row["kind"] in _BEGINS or (row["kind"] == "message_id" and life in self._gone)
        if life is None or again:
            life = self._life[key] = ("message", number)
        if row["kind"] == "removed":
            self._gone.add(life)
        return life

    def _session(self, number: int, row: Row) -> Node | None:
        process = (row["host"], row["syslog_name"], row["pid"])
        place, kind = _at(row), row["kind"]
        if kind in ("hostname_warning", "numeric_hostname"):
            self._warned.setdefault(process, []).append(place)
            return None
        if row["client_address"] is None and kind not in ("proxied",):
            return None
        key = (*process, row["client_address"])
        if kind in ("connect", "screen_connect") or key not in self._open:
            self._open[key] = ("session", number)
            for warned in self._warned.pop(process, ()):
                self._node[warned] = self._open[key]
        session = self._open[key]
        if row["time"] is not None:
            self._seen[row["host"], row["client_address"]] = (session, row["time"])
        if kind == "disconnect":
            del self._open[key]
        return session

    def _helper(self, row: Row) -> Node | None:
        """The visit that postgrey's or policyd-spf's line is about: that of this client just before."""
        node, time = self._seen.get((row["host"], row["client_address"]), (None, None))
        if row["client_address"] is None or row["time"] is None or time is None:
            return None
        return node if row["time"] - time <= _NEAR else None

    def _children(self, row: Row, life: Node) -> None:
        """What a content filter made of a message: a delivery line or the filter's own names it."""
        found = QUEUED_AS.search(row["text"] or "") if row["kind"] in ("delivery", "verdict") else None
        named = _QUEUED.search(row["reason"] or "") if row["kind"] == "filtered" else None
        for queue_id in [found["queue_id"]] if found else named["queue_ids"].split("/") if named else []:
            child = self._life.get((row["host"], queue_id))
            # The filter hands back before it answers, so the child is the younger one and is known.
            if child is not None and child[1] > life[1] and self._parent.get(child, child)[0] != "message":
                began = self._rows[child[1]]["time"]
                if began is not None and row["time"] is not None and row["time"] - began <= _NEAR:
                    self._parent[child] = life


def _at(row: Row) -> tuple[str, int]:
    return row["source"], row["offset"]


def _line(row: Row) -> Line:
    return Line(row["time"], row["host"], row["program"], row["queue_id"], *_at(row), _said(row))


def _said(row: Row) -> str:
    """What the event holds, every field of it: the verdicts and deliveries worded as Postfix does, the rest by name."""
    kind, left = row["kind"], {name: value for name, value in row.items() if value is not None and name not in _HEADING}
    if left.get("repeated") == 1:
        del left["repeated"]
    words = [] if kind in ("unrecognised", "notice") else [kind.replace("_", " ")]
    client, address = left.pop("client_name", None), left.pop("client_address", None)
    for name in ("action", "stage"):
        words += [str(left.pop(name))] if name in left else []
    if client or address:
        words.append(f"from {client or ''}[{address or 'unknown'}]")
    for name in ("reply", "dsn", "status", "result", "text"):
        words += [str(left.pop(name))] if name in left else []
    names = {"sender": "from", "recipient": "to", "orig_recipient": "orig_to", "helo_name": "helo"}
    fields = [f"{names[name]}=<{value}>" if name in names else f"{name}={value}" for name, value in left.items()]
    return "; ".join(part for part in (" ".join(words), ", ".join(fields)) if part)
