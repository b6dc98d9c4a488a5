"""A sequel: what was said of a restriction by the time before it was switched on, and what was then logged."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from advisor.evidence import verdict
from advisor.harm import measure
from advisor.interval import exact_binomial
from advisor.recommendation import LEAVE, RELAX, Host
from advisor.restriction import REFUSES, Asked

BEFORE = timedelta(days=1)
"""So much log there must be on either side of the first refusal; of less nobody can say how much a day."""
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Rates:
    """What a restriction turns away in `days` days: attempts, and by independent evidence.

    `clients` counts a client once in each 24 hours: a 450 brings one back many times a day.
    """

    days: float
    attempts: int
    clients: int
    stopped: int
    hurt: int
    undecided: int

    @property
    def a_day(self) -> float:
        """Attempts a day."""
        return self.attempts / self.days

    @property
    def clients_a_day(self) -> float:
        """Clients a day."""
        return self.clients / self.days


@dataclass(frozen=True)
class Sequel:
    """A restriction that began to refuse within the log, at `since`: `expected` by the time before, `seen` after it.

    `agrees` compares clients a day: given all clients of both times, those seen after are a binomial share of them if
    the rate stayed the same, and the exact 95 % interval of that share (Clopper and Pearson) must hold the share of
    the days. A client that comes every day is not independent of itself, so a difference may be chance more often than
    one time in 20. `elsewhere` are attempts after `since` that it would have refused and that another restriction
    refused first, `passed` those that were accepted all the same (an allowlist, a permit, or switched off again).
    `hosts` are refused since although their mail is wanted by evidence. `warned_before` says that warn_if_reject
    logged it before. `recommendation` is relax or leave.
    """

    name: str
    since: datetime
    warned_before: bool
    expected: Rates
    seen: Rates
    agrees: bool
    elsewhere: int
    passed: int
    hosts: tuple[Host, ...]
    recommendation: str

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, for JSON; times are in UTC."""
        found = asdict(self) | {"since": self.since.isoformat()}
        for host in found["hosts"]:
            host |= {name: host[name].isoformat() for name in ("first_seen", "last_seen")}
        return found


def sequels(frame: pa.Table, asked: Sequence[Asked]) -> tuple[Sequel, ...]:
    """Find the restrictions that were switched on within a frame of advisor.simulation.answers, with `reasons`.

    Switched on is what refused nothing for a day at least although mail was accepted that it would refuse, and then
    did. What refused from the start, what would have refused nothing before, and what lets pass as much a day after it
    as before, or half of that, is no sequel: the first refusal behind an old permit looks like that.
    """
    timed = frame.filter(pc.field("origin") == "outside").filter(pc.field("time").is_valid())
    found = (_sequel(timed, one, number) for number, one in enumerate(asked) if one.restriction.says)
    return tuple(sorted((one for one in found if one), key=lambda one: one.since))


def _sequel(frame: pa.Table, asked: Asked, number: int) -> Sequel | None:
    own = asked.restriction.name
    refused = (pc.field("action") != "accept") & (pc.field("restriction") == own)
    logged = frame.filter(refused)
    if not logged.num_rows:
        return None
    since = pc.min(logged["time"]).as_py()
    start, end = pc.min(frame["time"]).as_py(), pc.max(frame["time"]).as_py()
    if since - start < BEFORE or end - since < BEFORE:
        return None
    at = pa.scalar(since, pa.timestamp("us", "UTC"))
    before, after = frame.filter(pc.field("time") < at), frame.filter(pc.field("time") >= at)
    turned = pc.field(f"answer_{number}").isin(sorted(REFUSES))
    accepted = pc.field("action") == "accept"
    expected = _rates(before.filter(turned & accepted), own, start, since)
    if not expected.attempts:
        return None
    passed = after.filter(turned & accepted).num_rows
    seen = _rates(after.filter(refused), own, since, end)
    if passed / seen.days > expected.a_day / 2:
        return None
    hosts = measure(after, asked, number).refused_hosts
    other = ~accepted & ~(pc.field("restriction") == own)
    return Sequel(
        name=own,
        since=since,
        warned_before=pc.any(pc.match_substring(pc.fill_null(before["warned"], ""), f";{own} ")).as_py() or False,
        expected=expected,
        seen=seen,
        agrees=_agrees(expected, seen),
        elsewhere=after.filter(turned & other).num_rows,
        passed=passed,
        hosts=hosts,
        recommendation=RELAX if hosts else LEAVE,
    )


def _rates(rows: pa.Table, own: str, start: datetime, end: datetime) -> Rates:
    ways = [verdict(reasons, own) for reasons in rows["reasons"].to_pylist()]
    times, addresses = rows["time"].to_pylist(), rows["client_address"].to_pylist()
    clients = {(address, (time - start) // _DAY) for address, time in zip(addresses, times, strict=True)}
    counts = (ways.count(False), ways.count(True), ways.count(None))
    return Rates((end - start) / _DAY, len(ways), len(clients), *counts)


def _agrees(expected: Rates, seen: Rates) -> bool:
    """Whether the clients seen are as many as the days let expect, within the interval of their share."""
    interval = exact_binomial(seen.clients, expected.clients + seen.clients)
    share = seen.days / (expected.days + seen.days)
    return interval is not None and interval[0] <= share <= interval[1]


def sentences(found: Sequel, zone: tzinfo) -> Iterator[str]:
    """What a report says of it; text from the log is as logged, so it goes through advisor.reports.visible."""
    before = " (it had warned before)" if found.warned_before else ""
    yield f"Since {found.since.astimezone(zone):%-d %b %Y %H:%M} {found.name} refuses{before}."
    yield (
        f"Expected by the {found.expected.days:.1f} days before: {found.expected.a_day:,.1f} attempts and "
        f"{found.expected.clients_a_day:,.1f} clients a day; seen in {found.seen.days:.1f} days: "
        f"{found.seen.a_day:,.1f} and {found.seen.clients_a_day:,.1f} "
        f"({'agrees' if found.agrees else 'does not agree'}, by clients)."
    )
    if found.elsewhere:
        yield f"Another restriction refused {found.elsewhere:,} attempts first that it would have refused too."
    if found.passed:
        yield f"{found.passed:,} attempts that it would have refused were accepted all the same: allowed, or not asked."
    if found.hosts:
        names = ", ".join(host.client_address for host in found.hosts)
        plural = f"{len(found.hosts)} hosts whose mail is wanted were" if len(found.hosts) > 1 else "1 wanted host was"
        yield f"{plural} refused: allow {names}."
