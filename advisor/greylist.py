"""A greylist: what postgrey would have answered to past attempts, each after all those before it.

The decision follows smtpd_access_policy() of postgrey 1.37 to the letter, and is tested against the program itself.

The replay answers exactly the attempts it is given, from an empty database on. It is no forecast: without greylisting
nobody retries, and the next message days later plays the retry (advisor.forecast).
"""

from array import array
from bisect import bisect_right
from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from advisor.postgrey import Options, Whitelists
from advisor.triplet import ASKED, CLIENT, NEEDS, RECIPIENT, UNTOLD, Numbers, Questions, of_hosts, questions

_COLUMNS: tuple[tuple[str, pa.DataType, str], ...] = (
    ("answer", pa.string(), "of postgrey as a restriction: defer_if_permit or dunno; null where it cannot be told"),
    ("action", pa.string(), "in postgrey's own words: greylist or pass"),
    (
        "reason",
        pa.string(),
        "new, early-retry (Ns missing), triplet found, client AWL, client whitelist, recipient whitelist",
    ),
    ("delay", pa.int64(), "seconds since the triplet was first seen, where it passes for the first time"),
)
SCHEMA = pa.schema([pa.field(name, kind, metadata={"meaning": meaning}) for name, kind, meaning in _COLUMNS])
"""The answers, a row an attempt; see each field's `meaning`."""

FOUND, AUTO = 0, 1
"""What the database answers: a triplet that has passed before; an auto-whitelisted client. A triplet that passes for
the first time: 2 and the seconds it took. A greylisted one: the seconds that are missing, below 0."""
FIRST = 2

_HOUR = 3600
_NEVER = -(1 << 62)
_BLOCK = 1 << 16

Ask = Callable[[int, int, int], int]


def database(options: Options, keys: int, clients: int, purges: Sequence[int] = ()) -> Ask:
    """An empty database of postgrey: ask(now, key, client) gives FOUND and its kin.

    `keys` and `clients` say how many there will be; they are numbered from 0. `purges` are the times at which it drops
    what it has not seen for `max_age` (purge_times); none: it never does.
    """
    delay, window, age, enough = options.delay, options.retry_window, options.max_age, options.auto_whitelist
    first_seen, last_seen = array("q", [_NEVER]) * keys, array("q", [_NEVER]) * keys
    successes, counted = array("q", [0]) * clients, array("q", [_NEVER]) * clients

    def purged(last: int, now: int) -> bool:
        next_one = bisect_right(purges, last + age)
        return next_one < len(purges) and purges[next_one] < now

    def ask(now: int, key: int, client: int) -> int:
        if enough and successes[client]:
            last = counted[client]
            if purges and now - last > age and purged(last, now):
                successes[client], counted[client] = 0, _NEVER
            elif successes[client] >= enough:
                if now >= last + _HOUR or last > now:
                    counted[client] = now
                return AUTO
        first, before = first_seen[key], False
        if first == _NEVER:
            first = now
        else:
            last = last_seen[key]
            if purges and now - last > age and purged(last, now):
                first = now
            elif last - first >= delay:
                before = True
            elif now - first > window:
                first = now
            first = min(first, now)
        first_seen[key], last_seen[key] = first, now
        missing = delay - (now - first)
        if missing > 0:
            return -missing
        if before:
            return FOUND
        if enough and now >= counted[client] + _HOUR:
            successes[client] += 1
            counted[client] = now
        return FIRST + now - first

    return ask


def purge_times(times: Sequence[int] | Numbers, zone: tzinfo) -> list[int]:
    """When a postgrey that is asked at these times (seconds, in order) drops old entries (do_maintenance).

    It looks after a question, once an hour at most, and drops them between 2 and 7 o'clock, once in 23 hours.
    """
    moments = np.maximum.accumulate(np.asarray(times, np.int64))
    found: list[int] = []
    looked, dropped, place = int(moments[0]) if len(moments) else 0, 0, 0
    while (place := int(np.searchsorted(moments, looked + _HOUR))) < len(moments):
        looked = int(moments[place])
        if 1 < datetime.fromtimestamp(looked, zone).hour < 7 and looked - dropped >= 82_800:
            found.append(looked)
            dropped = looked
    return found


def replay(
    attempts: pa.Table,
    options: Options = Options(),  # noqa: B008 - it is frozen
    whitelists: Whitelists = Whitelists(),  # noqa: B008 - it is frozen
    zone: tzinfo | None = None,
) -> pa.Table:
    """Answer attempts, in log order, as a postgrey would that is first started before them (columns of SCHEMA).

    Of several hosts each has a postgrey. An attempt that lacks something postgrey looks at (one refused before RCPT TO
    has no recipient) gets no answer, and leaves no trace in the database, since Postfix did not ask.
    `zone`, the server's, tells its nights, in which postgrey drops what is older than `max_age`; without it, it never
    does. Raises AdvisorError where a column is missing.
    """
    asked = questions(attempts, options, whitelists)
    found = np.zeros(len(asked.time), np.int64)
    for rows in of_hosts(attempts):
        purges = purge_times(asked.time[rows[asked.kind[rows] != UNTOLD]], zone) if zone else ()
        _walk(
            asked, rows[asked.kind[rows] == ASKED], database(options, asked.keys, len(asked.addresses), purges), found
        )
    return _table(asked.kind, found, options)


def _walk(asked: Questions, rows: Numbers, ask: Ask, found: Numbers) -> None:
    """Ask, in blocks: Python's own numbers for all attempts at once would take ten times their memory."""
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        columns = (asked.time[block].tolist(), asked.key[block].tolist(), asked.client[block].tolist())
        found[block] = list(map(ask, *columns))


def _table(kind: Numbers, found: Numbers, options: Options) -> pa.Table:
    """The answers as columns."""
    greylisted = (kind == ASKED) & (found < 0)
    early = greylisted & (found > -options.delay)
    seconds, place = np.unique(found[early], return_inverse=True)
    words = ["client whitelist", "recipient whitelist", "new", "client AWL", "triplet found"]
    number = np.select([kind == CLIENT, kind == RECIPIENT, greylisted, found == AUTO], [0, 1, 2, 3], 4)
    number[early] = len(words) + place
    words += [f"early-retry ({-second}s missing)" for second in seconds.tolist()]
    untold = kind == UNTOLD
    action = pa.array(np.where(greylisted, 0, 1), mask=untold)
    columns = (
        pc.take(pa.array([options.answer, "dunno"]), action),
        pc.take(pa.array(["greylist", "pass"]), action),
        pc.take(pa.array(words), pa.array(number, mask=untold)),
        pa.array(found - FIRST, mask=(kind != ASKED) | (found < FIRST)),
    )
    return pa.table(list(columns), schema=SCHEMA)


def partition(options: Options) -> tuple[str, ...]:
    """The columns of the attempt by which a replay may be split among workers: no answer depends on another part.

    All that postgrey keeps belongs to one client address or to one network of `ipv4cidr` and `ipv6cidr` bits; where
    these are wider than `client_network` (/24 and /64), only a whole host can be replayed alone. A part may hold
    several of them, such as all with the same remainder of a hash: many small parts are slow.
    """
    whole = options.lookup_by_host or (options.ipv4cidr >= 24 and options.ipv6cidr >= 64)
    return ("host", "client_network") if whole else ("host",)


def replayed(options: Options, whitelists: Whitelists) -> Callable[[Any], Any]:
    """A function that adds `greylist_answer` and so on to one part of the attempts, as Spark's applyInPandas calls it.

    The part, a pandas frame, may come in any order: it is put into that of time, then of source and offset. Old
    entries stay, since a part does not know when postgrey looked after its database.
    """

    def add(frame: Any) -> Any:  # noqa: ANN401 - a pandas frame; pandas is not imported where it is not used
        ordered = frame.sort_values(["time", "source", "offset"], kind="stable")
        table = pa.Table.from_pandas(ordered[[*NEEDS]], preserve_index=False)
        answers = replay(table, options, whitelists).to_pandas()
        return ordered.assign(**{f"greylist_{name}": answers[name].array for name in SCHEMA.names})

    return add
