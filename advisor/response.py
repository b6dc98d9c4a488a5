"""A response: what the DNS said to one question, and when; the memory of `advisor lookup`.

Whatever is derived from the DNS (is a name known, is an address listed, does SPF pass) is derived from these, so that
an analysis asks nobody, gives the same answer tomorrow, and can tell how old its answers are.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import pyarrow as pa

FOUND, NO_DATA, NO_SUCH_NAME, TEMPORARY, INVALID = "found", "no_data", "no_such_name", "temporary", "invalid"
"""What may become of a question: records; a name without such records; no such name; no answer to be had for the
moment (SERVFAIL, REFUSED, a time-out), after all retries; a name that cannot be asked for."""

_COLUMNS: tuple[tuple[str, pa.DataType, str], ...] = (
    ("name", pa.string(), "the name asked for: lower case, no dot at its end"),
    ("type", pa.string(), "the record type asked for: A, AAAA, MX, TXT, PTR"),
    ("status", pa.string(), "found, no_data, no_such_name, temporary or invalid"),
    ("values", pa.list_(pa.string()), "the records: an address, a name without its last dot, '10 mx.example', a text"),
    ("asked_at", pa.timestamp("us", "UTC"), "when it was asked"),
    ("resolver", pa.string(), "who was asked"),
)
SCHEMA = pa.schema([pa.field(name, kind, metadata={"meaning": meaning}) for name, kind, meaning in _COLUMNS])
"""One row a question and answer; see each field's `meaning`."""


@dataclass(frozen=True)
class Response:
    """One question's answer; the fields are the columns of SCHEMA."""

    name: str
    type: str
    status: str
    values: tuple[str, ...]
    asked_at: datetime
    resolver: str = ""


class Age(NamedTuple):
    """When some questions were asked: a report says how old the answers are that it goes by."""

    oldest: datetime
    median: datetime
    newest: datetime


def canonical(name: str) -> str:
    """The form of a name under which its responses are kept."""
    return name.lower().removesuffix(".")


class Responses:
    """All responses there are, by what was asked."""

    def __init__(self, responses: Iterable[Response] = ()) -> None:
        """Sort them by name and type, then by time."""
        self._by_question: dict[tuple[str, str], list[Response]] = {}
        self._asked: dict[tuple[str, ...], frozenset[str]] = {}
        self.derived: dict[tuple[Any, ...], Any] = {}
        """What was derived from them, for whoever would derive it again and again; forgotten when one is added."""
        for response in responses:
            self._by_question.setdefault((response.name, response.type), []).append(response)
        for found in self._by_question.values():
            found.sort(key=lambda response: response.asked_at)

    @classmethod
    def of(cls, table: pa.Table) -> "Responses":
        """Make them of a table with the columns of SCHEMA."""
        rows = table.select(SCHEMA.names).to_pylist()
        return cls(Response(**{**row, "values": tuple(row["values"] or ())}) for row in rows)

    def __bool__(self) -> bool:
        return bool(self._by_question)

    def __iter__(self) -> Iterator[Response]:
        for found in self._by_question.values():
            yield from found

    def add(self, response: Response) -> None:
        """Take in one more."""
        self._asked.clear()
        self.derived.clear()
        found = self._by_question.setdefault((response.name, response.type), [])
        insort(found, response, key=lambda each: each.asked_at)

    def asked(self, *kinds: str) -> frozenset[str]:
        """The names that somebody asked for, by any of these record types."""
        found = self._asked.get(kinds)
        if found is None:
            found = self._asked[kinds] = frozenset([name for name, kind in self._by_question if kind in kinds])
        return found

    def below(self, zone: str, kind: str = "A") -> frozenset[str]:
        """What stands before a zone in the names that somebody asked for by a record type."""
        end = f".{zone}"
        found = self._asked.get((kind, end))
        if found is None:
            size = -len(end)
            found = self._asked[kind, end] = frozenset([name[:size] for name in self.asked(kind) if name[size:] == end])
        return found

    def steady(self, names: Iterable[str], kind: str) -> bool:
        """Whether each of these names was asked for once at most, so that there is one answer for all times."""
        return all(len(self._by_question.get((name, kind), ())) < 2 for name in names)

    def find(self, name: str, kind: str, at: datetime | None = None) -> Response | None:
        """The response nearest to a time, or the latest; None where nobody asked."""
        found = self._by_question.get((name, kind)) or self._by_question.get((canonical(name), kind))
        if not found:
            return None
        if at is None or len(found) == 1:
            return found[-1]
        after = bisect_left(found, at, key=lambda response: response.asked_at)
        near = found[max(after - 1, 0) : after + 1]
        return min(near, key=lambda response: abs(response.asked_at - at))

    def age(self) -> Age | None:
        """When the oldest, the middle and the newest of them were asked for; None where there are none."""
        times = sorted(response.asked_at for response in self)
        return Age(times[0], times[len(times) // 2], times[-1]) if times else None

    def table(self) -> pa.Table:
        """All of them, with the columns of SCHEMA."""
        return pa.Table.from_pylist([vars(response) for response in self], schema=SCHEMA)
