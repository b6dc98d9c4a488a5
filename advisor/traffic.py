"""The traffic of a period: what the log shows by itself, before any advice."""

from collections import Counter, defaultdict
from datetime import datetime, timedelta, tzinfo
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from advisor.attempt import client_network
from advisor.evidence import verdict
from advisor.recommendation import Day, Greylisting, Listing, Traffic

RETURN = timedelta(hours=24)
"""A greylisted triplet that has not come back after this long never will, for the count; a younger one is still open."""


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
        helo_known=accepted.num_rows - accepted["helo_name"].null_count,
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
    """Hits by DNS list: attempts that smtpd or postscreen refused with its name, and dnsblog's answers."""
    refused: Counter[str] = Counter()
    answered: Counter[str] = Counter()
    clients: dict[str, set[str]] = defaultdict(set)
    named = events.filter(pc.field("list").is_valid() & pc.field("kind").isin(["verdict", "listed"]))
    columns = ("list", "kind", "client_address")
    for name, kind, address in zip(*(named[column].to_pylist() for column in columns), strict=True):
        (refused if kind == "verdict" else answered)[name] += 1
        clients[name].add(address)
    names = sorted(clients, key=lambda name: (-refused[name] - answered[name], name))
    return tuple(Listing(name, refused[name], answered[name], len(clients[name])) for name in names)


def _greylisting(events: pa.Table) -> Greylisting | None:
    """What postgrey did; None where it never spoke.

    A triplet is, as in postgrey's own key, the client's network, the sender and the recipient.
    """
    rows = events.filter(pc.field("kind") == "greylist")
    if rows.num_rows == 0:
        return None
    names = ("action", "reason", "client_address", "sender", "recipient", "time", "delay")
    first: dict[tuple[Any, ...], datetime] = {}
    passed: set[tuple[Any, ...]] = set()
    delays: list[float] = []
    counts: Counter[str] = Counter()
    last: datetime | None = None
    for row in rows.select(names).to_pylist():
        last = row["time"] or last
        address = row["client_address"]
        key = (address and client_network(address), (row["sender"] or "").lower(), (row["recipient"] or "").lower())
        counts[row["action"]] += 1
        if row["action"] == "greylist":
            first.setdefault(key, row["time"])
        elif row["reason"] == "triplet found":
            passed.add(key)
            if row["delay"] is not None:
                delays.append(row["delay"])
        else:
            counts["allowlisted"] += 1
            passed.add(key)
    waiting = [time for key, time in first.items() if key not in passed]
    still_open = sum(1 for time in waiting if last is not None and time is not None and last - time < RETURN)
    return Greylisting(
        greylisted=counts["greylist"],
        triplets=len(first),
        passed=len(first.keys() & passed),
        never_returned=len(waiting) - still_open,
        still_open=still_open,
        allowlisted=counts["allowlisted"],
        delays=tuple(sorted(delays)),
    )
