"""A contrast: a period set against the one of the same length before it: counts, and what is new or gone."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from advisor.evidence import sentence, verdict
from advisor.recommendation import Contrast

COVERED = 0.9
"""The share of the earlier period that the history must reach back."""
TOP = 5
"""So many of what refused most in either period are counted by name."""
WORTH, SHARE = 20, 0.02
"""What refused fewer attempts, or a smaller share of those refused, is no news when it comes or goes."""
HOSTS = 3
"""So many hosts are named; of the others it is said how many there are."""

_COLUMNS = ["time", "origin", "action", "reasons", "restriction", "list", "client_address", "client_name"]
_OF_RECIPIENTS = (
    "reject_unlisted_recipient",
    "reject_unverified_recipient",
    "reject_unknown_recipient_domain",
    "reject_non_fqdn_recipient",
    "reject_unauth_destination",
    "defer_unauth_destination",
    "postgrey",
)
"""What refuses mail whoever sends it, or only for some minutes: no harm that a restriction does to a wanted client."""


def contrast(weighed: pa.Table, start: datetime, until: datetime) -> Contrast | None:
    """Set the attempts from `start` to before `until` against those of as long a time before.

    `weighed` are all attempts of a history, with the `reasons` of advisor.evidence.weigh. The period ends with its last
    attempt. None where the history does not reach back over COVERED of the time before.
    """
    weighed = weighed.select(_COLUMNS)  # attempts are wide, and are filtered several times here
    bounds = pc.min_max(weighed.filter(_before(until))["time"]).as_py()
    if bounds["min"] is None:
        return None
    long = bounds["max"] - start
    if bounds["max"] <= start or bounds["min"] > start - COVERED * long:
        return None
    now = _Period.of(weighed.filter(~_before(start) & _before(until)))
    then = _Period.of(weighed.filter(~_before(start - long) & _before(start)))
    return Contrast(start - long, start, tuple(_counts(now, then)), tuple(_news(now, then)))


def _before(when: datetime) -> pc.Expression:
    return pc.field("time") < pa.scalar(when, pa.timestamp("us", "UTC"))


@dataclass(frozen=True)
class _Refused:
    """A wanted client's refused attempts, by what refused them, and why it is wanted."""

    by: Counter[str]
    name: str
    evidence: str


@dataclass(frozen=True)
class _Period:
    """What came from outside in a time: attempts by what became of them, by what refused them, and whom that hurt."""

    actions: Counter[str]
    ways: Counter[bool | None]
    by: Counter[str]
    hurt: dict[str, _Refused]

    @classmethod
    def of(cls, attempts: pa.Table) -> "_Period":
        outside = attempts.filter(pc.field("origin") == "outside")
        accepted = outside.filter(pc.field("action") == "accept")
        ways: Counter[bool | None] = Counter()
        for each in pc.value_counts(accepted["reasons"]).to_pylist():
            ways[verdict(each["values"] or "")] += each["counts"]
        actions = Counter({each["values"]: each["counts"] for each in pc.value_counts(outside["action"]).to_pylist()})
        refused = outside.filter(pc.field("action") != "accept")
        return cls(actions, ways, _by(refused), _hurt(refused))

    @property
    def refused(self) -> int:
        """Attempts rejected or deferred."""
        return self.actions["reject"] + self.actions["defer"]


def _by(refused: pa.Table) -> Counter[str]:
    found: Counter[str] = Counter()
    for each in _grouped(refused, "restriction", "list"):
        found[_named(each)] += each["count_all"]
    return found


def _named(row: dict[str, Any]) -> str:
    """What refused an attempt; of a list its domain too, since lists come and go one by one."""
    return " ".join(part for part in (row["restriction"] or "other", row["list"]) if part)


def _hurt(refused: pa.Table) -> dict[str, _Refused]:
    """The clients refused whose mail is wanted, as far as the evidence may testify on what refused them."""
    rows = _grouped(refused, "client_address", "client_name", "restriction", "list", "reasons")
    ways: dict[str, set[bool | None]] = {}
    found: dict[str, _Refused] = {}
    for row in rows:
        address, name = row["client_address"], row["restriction"] or ""
        if address is None or name in _OF_RECIPIENTS:
            continue
        way = verdict(row["reasons"] or "", name)
        ways.setdefault(address, set()).add(way)
        one = found.setdefault(address, _Refused(Counter(), row["client_name"] or "", ""))
        one.by[_named(row)] += row["count_all"]
        if way and not one.evidence:
            found[address] = _Refused(one.by, one.name, sentence(row["reasons"], name))
    return {address: one for address, one in found.items() if ways[address] - {None} == {True}}


def _grouped(table: pa.Table, *names: str) -> list[dict[str, Any]]:
    # Without threads, so that the groups come in the order of the log.
    rows: list[dict[str, Any]] = (
        table.group_by(list(names), use_threads=False).aggregate([([], "count_all")]).to_pylist()
    )
    return rows


def _counts(now: _Period, then: _Period) -> Iterator[tuple[str, int, int]]:
    yield "attempts from outside", now.actions.total(), then.actions.total()
    yield "accepted", now.actions["accept"], then.actions["accept"]
    yield "of these wanted", now.ways[True], then.ways[True]
    yield "of these unwanted", now.ways[False], then.ways[False]
    yield "rejected or deferred", now.refused, then.refused
    yield "wanted clients refused", len(now.hurt), len(then.hurt)
    top = dict.fromkeys([name for found in (now.by, then.by) for name, _ in found.most_common(TOP)])
    for name in sorted(top, key=lambda name: (-now.by[name], -then.by[name], name)):
        yield f"refused by {name}", now.by[name], then.by[name]


def _news(now: _Period, then: _Period) -> Iterator[str]:
    newly = [(address, one) for address, one in now.hurt.items() if address not in then.hurt]
    newly.sort(key=lambda each: (-each[1].by.total(), each[0]))
    for address, one in newly[:HOSTS]:
        name = f" ({one.name})" if one.name and one.name != "unknown" else ""
        times = ", ".join(f"{number:,} times by {what}" for what, number in one.by.most_common(2))
        yield f"{address}{name} was refused {times}, and not in the time before; it is wanted: {one.evidence}."
    if len(newly) > HOSTS:
        yield f"{len(newly) - HOSTS:,} more wanted clients were refused that were not refused in the time before."
    for name, number in now.by.most_common():
        if not then.by[name] and number >= max(WORTH, SHARE * now.refused):
            yield f"New: {name} refused {number:,} of {now.refused:,} attempts, and none of {then.refused:,} before."
    for name, number in then.by.most_common():
        if not now.by[name] and number >= max(WORTH, SHARE * then.refused):
            yield f"Gone: {name} refused none of {now.refused:,} attempts, and {number:,} of {then.refused:,} before."
