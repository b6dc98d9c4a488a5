"""An aftermath: the restrictions that began to refuse within a log, each with its sequel."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from advisor.decision import decide
from advisor.evidence import sentence, verdict
from advisor.recommendation import LEAVE, RELAX, Host, Recommendation, Terms
from advisor.restriction import REFUSES, Asked
from advisor.sequel import Complaints, FirstWeek, Held, Sequel, foreseen
from advisor.standing import Codes, Docket, Flags, Standing

BEFORE = timedelta(days=1)
"""So much log there must be on either side of the first refusal; of less nobody can say how much a day."""
WEEK = timedelta(days=7)
HOSTS = 12
"""Hosts at fault that are named, those with most attempts first."""
_MICROSECOND = timedelta(microseconds=1)
_DAY = timedelta(days=1)
_MOMENT = pa.timestamp("us", "UTC")


class _Log:
    """The attempts from outside of a frame of advisor.simulation.answers, each row with its time and its client."""

    def __init__(self, frame: pa.Table) -> None:
        timed = _flags(pc.and_(pc.equal(frame["origin"], "outside"), pc.is_valid(frame["time"])))
        # The frame is wide: it is copied only where it must be.
        self.frame = frame if timed.all() else frame.filter(pa.array(timed))
        self.time: Codes = self.frame["time"].cast(_MOMENT).to_numpy().astype("datetime64[us]").astype(np.int64)
        self.accepted = self.where("action", "accept")

    def where(self, column: str, *values: str) -> Flags:
        """The rows that have one of these values; null is none of them."""
        return _flags(pc.is_in(self.frame[column], pa.array(values, pa.string())))

    def rows(self, flags: Flags, *names: str) -> pa.Table:
        """Some columns of these rows."""
        return self.frame.select(list(names)).filter(pa.array(flags))

    def refused_by(self, asked: Asked) -> Flags:
        """What a restriction refused; a list's own refusals are told by its name."""
        own = ~self.accepted & self.where("restriction", asked.restriction.name)
        if asked.argument:
            own &= self.where("list", asked.argument.partition("=")[0])
        return own

    @cached_property
    def docket(self) -> Docket:
        """All rows as if they had been accepted: what is known of a client is known of its refused mail, too."""
        at = self.frame.schema.get_field_index("action")
        return Docket(self.frame.set_column(at, "action", pa.array(["accept"] * self.frame.num_rows, pa.string())))

    def clients(self, flags: Flags, start: int) -> Codes:
        """On how many days each client of these rows came, a day being 24 hours since `start`."""
        day = (self.time[flags] - start) // (_DAY // _MICROSECOND)
        pairs = np.unique(np.stack([self.docket.client[flags], day]), axis=1)
        days: Codes = np.unique(pairs[0], return_counts=True)[1].astype(np.int64)
        return days


def _flags(found: Any) -> Flags:  # noqa: ANN401 - an array of pyarrow, chunked or not
    flags: Flags = pc.fill_null(found, fill_value=False).to_numpy().astype(np.bool_)
    return flags


def sequels(frame: pa.Table, asked: Sequence[Asked], terms: Terms) -> tuple[Sequel, ...]:
    """Find the restrictions that were switched on within a frame of advisor.simulation.answers, with `reasons`.

    Switched on is what refused nothing for a day at least although mail was accepted that it would refuse, and then
    did. What refused from the start, what would have refused nothing before, and what lets pass as much a day after it
    as before, or half of that, is no sequel: the first refusal behind an old permit looks like that. `terms` are those
    of the decision whose foresight is held against the first week.
    """
    log = _Log(frame)
    found = (_sequel(log, one, number, terms) for number, one in enumerate(asked) if one.restriction.says)
    return tuple(sorted((one for one in found if one), key=lambda one: one.since))


def relaxed(draft: Recommendation, found: Sequel | None) -> Recommendation:
    """The recommendation on what is on, once its own log shows whom it refuses: those hosts, and why to let them in."""
    if found is None or found.recommendation != RELAX or draft.state not in ("enforced", "risky"):
        return draft
    low, high = found.hurt.foreseen
    why = (
        f"Since {found.since:%-d %b %Y} it refuses wanted clients, {found.hurt.seen:,} counted once a day each; "
        f"{low:,} to {high:,} were foreseen. Allow them."
    )
    named = {host.client_address for host in found.hosts}
    others = tuple(host for host in draft.hosts if draft.recommendation == RELAX and host.client_address not in named)
    return replace(
        draft,
        recommendation=RELAX,
        hosts=(*found.hosts, *others)[:HOSTS],
        reasons=(why, *draft.reasons),
    )


@dataclass(frozen=True)
class _Switch:
    """When a restriction began to refuse, and the rows that matter: refused by it before (as foreseen) and after."""

    log: _Log
    asked: Asked
    number: int
    since: int
    own: Flags
    turned: Flags

    @property
    def after(self) -> Flags:
        return self.log.time >= self.since

    @property
    def expected(self) -> Flags:
        """What it would have turned away before, had it refused."""
        return self.turned & self.log.accepted & ~self.after

    @property
    def passed(self) -> Flags:
        """What came in after it all the same."""
        return self.turned & self.log.accepted & self.after

    @cached_property
    def standing(self) -> Standing:
        return Standing.on(self.log.docket, self.asked.restriction.name)

    @property
    def days(self) -> tuple[float, float]:
        """Of log before it and after it."""
        day = _DAY / _MICROSECOND
        return (self.since - int(self.log.time.min())) / day, (int(self.log.time.max()) - self.since) / day

    def held(self, kind: Flags) -> Held:
        """The clients of one kind: those that it would have turned away before, and those that it refused."""
        days = self.log.clients(self.expected & kind, int(self.log.time.min()))
        before, seen = int(days.sum()), int(self.log.clients(self.own & kind, self.since).sum())
        return Held(before, foreseen(before, *self.days, _spread(days, self.days[0])), seen)


def _spread(days: Codes, of: float) -> float:
    """By how much the sum of these varies more than that of as many single days (a compound Poisson process).

    Clients that came on more than half of the days come again, and vary less.
    """
    now_and_then = days[days <= of / 2]
    return max(1.0, float((now_and_then**2).sum() / days.sum())) if len(days) else 1.0


def _sequel(log: _Log, asked: Asked, number: int, terms: Terms) -> Sequel | None:
    own = log.refused_by(asked)
    if not own.any():
        return None
    turned = log.where(f"answer_{number}", *REFUSES)
    switch = _Switch(log, asked, number, int(log.time[own].min()), own, turned)
    before, after = switch.days
    if min(before, after) < BEFORE / _DAY or not switch.expected.any():
        return None
    if switch.passed.sum() / after > switch.expected.sum() / before / 2:
        return None
    ways = switch.standing.row
    hosts = _hosts(switch)
    return Sequel(
        name=asked.column,
        since=_moment(switch.since),
        days_before=before,
        days_after=after,
        warned_before=None if asked.argument else _warned(switch),
        turned=switch.held(own | turned),
        stopped=switch.held(ways == -1),
        hurt=switch.held(ways == 1),
        undecided=switch.held(ways == 0),
        first_week=_first_week(switch, terms),
        complaints=_complaints(switch),
        elsewhere=int((switch.after & turned & ~log.accepted & ~own).sum()),
        passed=int(switch.passed.sum()),
        hosts=hosts,
        recommendation=RELAX if hosts else LEAVE,
    )


def _moment(microseconds: int) -> datetime:
    found: datetime = pa.scalar(microseconds, _MOMENT).as_py()
    return found


def _warned(switch: _Switch) -> bool:
    warned = switch.log.rows(~switch.after, "warned")["warned"]
    named = pc.match_substring(pc.fill_null(warned, ""), f";{switch.asked.restriction.name} ")
    return pc.any(named).as_py() or False


def _hosts(switch: _Switch) -> tuple[Host, ...]:
    """The clients refused whose mail is wanted, those with most attempts first."""
    fault = switch.own & (switch.standing.row == 1)
    names = (
        "client_address",
        "client_name",
        "reverse_client_name",
        "helo_name",
        "sender",
        "recipient",
        "message",
        "time",
    )
    by_client: dict[str, list[dict[str, Any]]] = {}
    for row in switch.log.rows(fault, *names).to_pylist():
        if row["client_address"] is not None:
            by_client.setdefault(row["client_address"], []).append(row)
    most = sorted(by_client.items(), key=lambda each: (-len(each[1]), each[0]))[:HOSTS]
    return tuple(_host(switch, rows) for _, rows in most)


def _host(switch: _Switch, rows: list[dict[str, Any]]) -> Host:
    last, own = rows[-1], switch.asked.restriction.name
    its = switch.log.where("client_address", last["client_address"]) & (switch.standing.row == 1)
    reasons = pc.unique(switch.log.rows(its, "reasons")["reasons"]).to_pylist()
    return Host(
        client_address=last["client_address"],
        client_name=last["client_name"],
        reverse_client_name=last["reverse_client_name"],
        helo_name=next((row["helo_name"] for row in reversed(rows) if row["helo_name"]), None),
        wanted=True,
        evidence=sentence(max(reasons, key=lambda each: verdict(each, own) is True), own),
        attempts=len(rows),
        messages=len({row["message"] for row in rows}),
        first_seen=min(row["time"] for row in rows),
        last_seen=max(row["time"] for row in rows),
        senders=tuple(dict.fromkeys(row["sender"] for row in rows if row["sender"]))[:3],
        last=Host.newest(rows),
    )


def _complaints(switch: _Switch) -> Complaints:
    fault = switch.own & (switch.standing.row != -1)
    rows = switch.log.rows(fault, "client_address", "sender", "recipient", "time").to_pylist()
    times: dict[tuple[str, str, str], list[datetime]] = {}
    for row in rows:
        if row["sender"] is not None and row["recipient"] is not None:
            triplet = (row["client_address"], row["sender"].lower(), row["recipient"].lower())
            times.setdefault(triplet, []).append(row["time"])
    again = {triplet: min(found) for triplet, found in times.items() if len(found) > 1}
    in_later = _accepted(switch, {sender for _, sender, _ in again})
    came_in = sum(in_later.get(triplet[1:], first) > first for triplet, first in again.items())
    return Complaints(len(again), came_in, sum(row["sender"] == "" for row in rows))


def _accepted(switch: _Switch, senders: set[str]) -> dict[tuple[str, str], datetime]:
    """When mail of these senders was last accepted since, by sender and recipient."""
    rows = switch.log.rows(switch.after & switch.log.accepted, "sender", "recipient", "time")
    rows = rows.set_column(0, "sender", pc.utf8_lower(rows["sender"]))
    rows = rows.filter(pc.is_in(rows["sender"], pa.array(sorted(senders), pa.string())))
    found: dict[tuple[str, str], datetime] = {}
    for row in rows.to_pylist():
        key = (row["sender"], (row["recipient"] or "").lower())
        found[key] = max(found.get(key, row["time"]), row["time"])
    return found


def _first_week(switch: _Switch, terms: Terms) -> FirstWeek | None:
    if switch.days[1] * _DAY < WEEK:
        return None
    answered = {f"{kind}_0": f"{kind}_{switch.number}" for kind in ("answer", "basis")}
    frame = switch.log.frame
    plain = [name for name in frame.column_names if not name.startswith(("answer_", "basis_", "reply_"))]
    earlier = switch.log.rows(~switch.after, *plain, *answered.values()).rename_columns([*plain, *answered])
    (decision,) = decide(earlier, (switch.asked,), terms)
    if decision.before.next_week is None or decision.after.next_week is None:
        return None
    docket, standing = switch.log.docket, switch.standing
    _, judged = docket.answers(switch.number)
    first = switch.after & (switch.log.time < switch.since + WEEK // _MICROSECOND)
    wanted = docket.clients(first & (switch.own | (judged & switch.log.accepted))) & (standing.client == 1)
    hurt = docket.clients(first & switch.own & (standing.row != -1)) & (standing.client == 1)
    return FirstWeek(int(hurt.sum()), int(wanted.sum()), decision.before.next_week, decision.after.next_week)
