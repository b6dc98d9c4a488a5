"""The traffic of a period: what the log shows by itself, before any advice."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import timedelta, tzinfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from advisor.attempt import client_network
from advisor.evidence import verdict
from advisor.poll import day, quarter, rows_counted
from advisor.recommendation import Day, Greylisting, Listing, Traffic
from advisor.triplet import Numbers, codes, dense
from advisor.visitor import counted

RETURN = timedelta(hours=24)
"""A greylisted triplet that has not come back after this long never will, for the count; a younger one is open."""

_ATTEMPTS = (
    *("time", "origin", "action", "reasons", "restriction", "client_status"),
    *("helo_name", "helo_basis", "helo_sent"),
)
_EVENTS = (
    *("time", "host", "kind", "action", "reason", "result", "list", "delay"),
    *("client_address", "sender", "recipient"),
)

# bounce-4711-list@news.example, as Perl's \b\d+\b has it
_NUMBER = re.compile(r"\b\d+\b", re.ASCII)


def traffic(attempts: pa.Table, events: pa.Table, zone: tzinfo) -> Traffic:
    """Count what came of all attempts, by day in this zone, and what the helpers did, as logged.

    `attempts` must have the `reasons` column of advisor.evidence.weigh.
    """
    # Of a wide table each choice of rows is a copy of all columns.
    attempts, events = attempts.select([*_ATTEMPTS]), events.select([*_EVENTS])
    outside = attempts.filter(pc.field("origin") == "outside")
    actions, origins = counted(outside["action"]), counted(attempts["origin"])
    accepted = outside.filter(pc.field("action") == "accept")
    ways: Counter[bool | None] = Counter()
    for reasons, number in counted(accepted["reasons"]).items():
        ways[verdict(reasons or "")] += number
    refused = counted(outside.filter(pc.field("action") != "accept")["restriction"])
    known = _not_inferred(accepted)
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
        refused_by=_most(refused, "other"),
        client_status=dict(_most(counted(outside["client_status"]), "not logged")),
        days=_days(outside, zone),
        greylisting=_greylisting(events),
        lists=_lists(events),
        spf=_results(events, "spf"),
        dmarc=_results(events, "dmarc"),
        helo_known=known.num_rows,
    )


def _not_inferred(accepted: pa.Table) -> pa.Table:
    """Those whose HELO the log shows, or that there was none: what was inferred it does not show."""
    named = pc.field("helo_name").is_valid() & (pc.field("helo_basis") != "inferred")
    return accepted.filter(named | ~pc.field("helo_sent"))


def _most(counts: Counter[str | None], nothing: str) -> tuple[tuple[str, int], ...]:
    """The values with their counts, the most frequent first; `nothing` is what an empty one is called."""
    found: Counter[str] = Counter()
    for name, number in counts.items():
        found[name or nothing] += number
    return tuple(found.most_common())


def _days(outside: pa.Table, zone: tzinfo) -> tuple[Day, ...]:
    timed = outside.select(["time", "action"]).filter(pc.field("time").is_valid())
    quarters = pa.table({"quarter": quarter(timed["time"]), "action": timed["action"]})
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for moment, action, number in rows_counted(quarters, ["quarter", "action"]):
        counts[day(moment, zone)][action] += number
    return tuple(Day(one, found["accept"], found["reject"], found["defer"]) for one, found in sorted(counts.items()))


def _results(events: pa.Table, kind: str) -> dict[str, int]:
    """How often each result was logged. policyd-spf answers for the HELO and the sender; the sender's counts here."""
    found = events.filter(pc.field("kind") == kind)
    if kind == "spf":
        found = found.filter((pc.field("reason") != "helo") | pc.field("reason").is_null())
    results: dict[str, int] = dict(counted(found["result"]).most_common())
    return results


def _lists(events: pa.Table) -> tuple[Listing, ...]:
    """Hits by DNS list: refusals by smtpd or postscreen in its name, and answers to warn_if_reject and dnsblog."""
    refused: Counter[str] = Counter()
    answered: Counter[str] = Counter()
    clients: dict[str, set[str]] = defaultdict(set)
    named = events.filter(pc.field("list").is_valid() & pc.field("kind").isin(["verdict", "listed"]))
    for name, action, address, number in rows_counted(named, ["list", "action", "client_address"]):
        (refused if action == "reject" else answered)[name] += number
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
    triplet = _triplets(rows)
    greylisted = pc.equal(rows["action"], "greylist").to_numpy()
    known = pc.equal(pc.fill_null(rows["reason"], ""), "triplet found").to_numpy()
    held, places = np.unique(triplet[greylisted], return_index=True)
    returned = np.isin(held, triplet[~greylisted])
    first = rows["time"].filter(pa.array(greylisted)).take(pa.array(places[~returned]))
    waiting = pc.subtract(pc.max(events["time"]), first)
    still_open = int(pc.sum(pc.less(waiting, pa.scalar(RETURN, waiting.type))).as_py() or 0)
    delays = rows["delay"].filter(pa.array(~greylisted & known)).drop_null()
    return Greylisting(
        greylisted=int(greylisted.sum()),
        triplets=len(held),
        passed=int(returned.sum()),
        never_returned=len(first) - still_open,
        still_open=still_open,
        allowlisted=int((~greylisted & ~known).sum()),
        delays=tuple(sorted(delays.to_pylist())),
    )


def _triplets(rows: pa.Table) -> Numbers:
    """A number for each row, the same for the same triplet."""
    made: dict[str, Callable[[str], str]] = {
        "host": str,
        "client_address": client_network,
        "sender": _sender,
        "recipient": str.lower,
    }
    found = np.zeros(rows.num_rows, np.int64)
    for name, make in made.items():
        numbers, texts = codes(rows, name)
        same: dict[str, int] = {}
        # A null sender or recipient is an empty one, here as in postgrey's key.
        places = [same.setdefault(make(text), len(same)) for text in [*texts, ""]]
        # Each time without gaps: the product stays small enough.
        found = dense(found * len(same) + np.array(places, np.int64)[numbers])[0]
    return found


def _sender(sender: str) -> str:
    """What postgrey takes for the same: do_sender_substitutions() drops extensions, and numbers count as one."""
    user, at, domain = sender.lower().partition("@")
    if at:
        user = _NUMBER.sub("#", user.partition("+")[0])
    return f"{user}{at}{domain}"
