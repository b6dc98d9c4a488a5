"""The traffic of a period: what the log shows by itself, before any advice."""

import re
from collections import Counter, defaultdict
from datetime import datetime, timedelta, tzinfo
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from advisor.attempt import client_network
from advisor.evidence import verdict
from advisor.recommendation import Day, Greylisting, Listing, Traffic

RETURN = timedelta(hours=24)
"""A greylisted triplet that has not come back after this long never will, for the count; a younger one is open."""

# bounce-4711-list@news.example, as Perl's \b\d+\b has it
_NUMBER = re.compile(r"\b\d+\b", re.ASCII)


def traffic(attempts: pa.Table, events: pa.Table, zone: tzinfo) -> Traffic:
    """Count what came of all attempts, by day in this zone, and what the helpers did, as logged.

    `attempts` must have the `reasons` column of advisor.evidence.weigh.
    """
    outside = attempts.filter(pc.field("origin") == "outside")
    actions = Counter(outside["action"].to_pylist())
    origins = Counter(attempts["origin"].to_pylist())
    accepted = outside.filter(pc.field("action") == "accept")
    ways = Counter(verdict(reasons) for reasons in accepted["reasons"].to_pylist())
    refused = outside.filter(pc.field("action") != "accept")["restriction"].to_pylist()
    return Traffic(
        attempts=attempts.num_rows,
        outside=outside.num_rows,
        accepted=actions["accept"],
        rejected=actions["reject"],
        deferred=actions["defer"],
        authenticated=origins["authenticated"],
        own_network=origins["own network"],
        local_messages=events.filter(pc.field("kind") == "pickup").num_rows,
        wanted=ways[True],
        unwanted=ways[False],
        undecided=ways[None],
        refused_by=tuple(Counter(name or "other" for name in refused).most_common()),
        client_status=dict(
            Counter(status or "not logged" for status in outside["client_status"].to_pylist()).most_common()
        ),
        days=_days(outside, zone),
        greylisting=_greylisting(events),
        lists=_lists(events),
        spf=_results(events, "spf"),
        dmarc=_results(events, "dmarc"),
        # Not what was inferred: the question is whether the log shows it.
        helo_known=accepted.filter(
            (pc.field("helo_name").is_valid() & (pc.field("helo_basis") != "inferred")) | ~pc.field("helo_sent")
        ).num_rows,
    )


def _days(outside: pa.Table, zone: tzinfo) -> tuple[Day, ...]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for time, action in zip(outside["time"].to_pylist(), outside["action"].to_pylist(), strict=True):
        if time is not None:
            counts[time.astimezone(zone).date().isoformat()][action] += 1
    return tuple(Day(day, found["accept"], found["reject"], found["defer"]) for day, found in sorted(counts.items()))


def _results(events: pa.Table, kind: str) -> dict[str, int]:
    """How often each result was logged. policyd-spf answers for the HELO and the sender; the sender's counts here."""
    found = events.filter(pc.field("kind") == kind)
    if kind == "spf":
        found = found.filter((pc.field("reason") != "helo") | pc.field("reason").is_null())
    return dict(Counter(found["result"].to_pylist()).most_common())


def _lists(events: pa.Table) -> tuple[Listing, ...]:
    """Hits by DNS list: refusals by smtpd or postscreen in its name, and answers to warn_if_reject and dnsblog."""
    refused: Counter[str] = Counter()
    answered: Counter[str] = Counter()
    clients: dict[str, set[str]] = defaultdict(set)
    named = events.filter(pc.field("list").is_valid() & pc.field("kind").isin(["verdict", "listed"]))
    columns = ("list", "action", "client_address")
    for name, action, address in zip(*(named[column].to_pylist() for column in columns), strict=True):
        (refused if action == "reject" else answered)[name] += 1
        clients[name].add(address)
    names = sorted(clients, key=lambda name: (-refused[name] - answered[name], name))
    return tuple(Listing(name, refused[name], answered[name], len(clients[name])) for name in names)


def _greylisting(events: pa.Table) -> Greylisting | None:
    """What postgrey did; None where it never spoke.

    A triplet is, as in postgrey's own key, the client's network, the sender and the recipient; each host has its own.
    """
    rows = events.filter(pc.field("kind") == "greylist")
    if rows.num_rows == 0:
        return None
    first: dict[tuple[Any, ...], datetime] = {}
    passed: set[tuple[Any, ...]] = set()
    delays: list[float] = []
    counts: Counter[str] = Counter()
    columns = ["host", "action", "reason", "client_address", "sender", "recipient", "time", "delay"]
    for row in rows.select(columns).to_pylist():
        triplet = _triplet(row)
        counts[row["action"]] += 1
        if row["action"] == "greylist":
            first.setdefault(triplet, row["time"])
            continue
        passed.add(triplet)
        if row["reason"] != "triplet found":
            counts["allowlisted"] += 1
        elif row["delay"] is not None:
            delays.append(row["delay"])
    waiting = [time for triplet, time in first.items() if triplet not in passed]
    last = pc.max(events["time"]).as_py()
    still_open = sum(1 for time in waiting if last - time < RETURN)
    return Greylisting(
        greylisted=counts["greylist"],
        triplets=len(first),
        passed=len(first.keys() & passed),
        never_returned=len(waiting) - still_open,
        still_open=still_open,
        allowlisted=counts["allowlisted"],
        delays=tuple(sorted(delays)),
    )


def _triplet(row: dict[str, Any]) -> tuple[Any, ...]:
    """What postgrey takes for the same: do_sender_substitutions() drops extensions, and numbers count as one."""
    user, at, domain = (row["sender"] or "").lower().partition("@")
    if at:
        user = _NUMBER.sub("#", user.partition("+")[0])
    address = row["client_address"]
    return (row["host"], address and client_network(address), f"{user}{at}{domain}", (row["recipient"] or "").lower())
