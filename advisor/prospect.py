"""A prospect: what greylisting would have done to one delivery, that is one recipient of a message as often as tried.

The tries that the log shows are made again, at their times; after the last of them, the client does what it was seen to
do after a 4xx (advisor.comeback). Where nobody knows whether it comes back, two worlds are played: in one it does, as
soon as postgrey lets it in, in the other it never does. What is the same in both is foreseen, all else is unknowable.
"""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import tzinfo

import numpy as np
import pyarrow as pa

from advisor.comeback import LOGGED, Comebacks, pools_of
from advisor.greylist import Ask, database, purge_times
from advisor.postgrey import Options
from advisor.retry import WINDOW
from advisor.triplet import ASKED, UNTOLD, Questions, codes, of_hosts

PASSES, DELAYED, LOST, UNKNOWABLE, UNTOLD_ONE = "passes", "delayed", "lost", "unknowable", "not logged"
"""What becomes of a delivery: let in at once; later, or never, by what its client was seen to do; one of these, and
nobody knows which; the log lacks something that postgrey looks at."""

GREYLISTERS = ("postgrey", "milter-greylist")
"""What the log calls a refusal that greylisting was the reason of."""

_COLUMNS: tuple[tuple[str, pa.DataType, str], ...] = (
    ("row", pa.int64(), "the place of the first try among the attempts"),
    ("outcome", pa.string(), "passes, delayed, lost, unknowable or not logged"),
    ("delay", pa.int64(), "seconds, of one that is delayed"),
    (
        "basis",
        pa.string(),
        "logged: by what this address did after a 4xx; inferred: by what its pool did; null: neither",
    ),
    ("refused_first", pa.bool_(), "whether it would be lost if nobody ever came back"),
)
SCHEMA = pa.schema([pa.field(name, kind, metadata={"meaning": meaning}) for name, kind, meaning in _COLUMNS])
"""One row a delivery; see each field's `meaning`."""

_LIFETIME = WINDOW // 1_000_000


@dataclass(slots=True)
class Delivery:
    """One recipient of a message: the attempts (their places) at it, and whether the last was deferred.

    `open` says that the log ends before the client can be said to have given up.
    """

    rows: list[int]
    client: int
    network: int
    pool: str
    host: int
    deferred: bool = False
    open: bool = False


def deliveries(attempts: pa.Table, asked: Questions, window: int) -> list[Delivery]:
    """The deliveries from outside that were accepted, or that greylisting deferred: what else was refused, still is."""
    sender, _ = codes(attempts, "sender")
    recipient, recipients = codes(attempts, "recipient")
    action = attempts["action"].to_pylist()
    restriction = attempts["restriction"].to_pylist()
    origin = attempts["origin"].to_pylist()
    host = np.zeros(attempts.num_rows, np.int64)
    for number, rows in enumerate(of_hosts(attempts)):
        host[rows] = number
    name, pools = pools_of(attempts)
    last = int(asked.time.max(initial=0))
    found: list[Delivery] = []
    waiting: dict[tuple[int, int], Delivery] = {}
    pair = (sender * len(recipients) + recipient).tolist()
    for row in np.argsort(asked.time, kind="stable").tolist():
        greylisted = action[row] == "defer" and restriction[row] in GREYLISTERS
        if origin[row] != "outside" or not (greylisted or action[row] == "accept"):
            continue
        client, network = int(asked.client[row]), int(asked.network[row])
        delivery = waiting.pop((pair[row], network), None) if asked.kind[row] != UNTOLD else None
        if delivery is None or asked.time[row] - asked.time[delivery.rows[-1]] > _LIFETIME:
            delivery = Delivery([], client, network, pools[name[row]], int(host[row]))
            found.append(delivery)
        delivery.rows.append(row)
        delivery.deferred = greylisted
        if greylisted:
            waiting[pair[row], network] = delivery
    for delivery in waiting.values():
        delivery.open = last - int(asked.time[delivery.rows[-1]]) < window
    return found


Return = Callable[[Delivery, int], int | None]
"""When a client comes back that is deferred although the log shows no further try: after how many seconds, `missing`
at least, or never."""


def _play(found: Sequence[Delivery], asked: Questions, asks: Sequence[Ask], again: Return | None) -> list[int]:
    """The delay of each delivery in a world, in seconds; -1: it never gets in. Without `again` none is retried."""
    done: list[int | None] = [None] * len(found)
    time, key, kind = asked.time.tolist(), asked.key.tolist(), asked.kind.tolist()
    queue = [
        (time[row], row, number, place)
        for number, delivery in enumerate(found)
        for place, row in enumerate(delivery.rows if again else delivery.rows[:1])
    ]
    heapq.heapify(queue)
    while queue:
        now, row, number, place = heapq.heappop(queue)
        delivery = found[number]
        if done[number] is not None:
            continue
        start = time[delivery.rows[0]]
        answer = asks[delivery.host](now, key[row], delivery.client) if kind[row] == ASKED else 0
        if answer >= 0:
            done[number] = max(now - start, 0)
        elif place + 1 >= len(delivery.rows) and again:
            pause = again(delivery, -answer)
            if pause is not None and now + pause - start <= _LIFETIME:
                heapq.heappush(queue, (now + pause, row, number, place + 1))
    return [-1 if delay is None else delay for delay in done]


def prospects(
    attempts: pa.Table, asked: Questions, known: Comebacks, options: Options, zone: tzinfo | None = None
) -> pa.Table:
    """Foresee what becomes of each delivery (columns of SCHEMA, in the order of the first tries).

    `asked` and `known` are these attempts as advisor.triplet and advisor.comeback see them; `zone` as in
    advisor.greylist.replay.
    """
    found = deliveries(attempts, asked, options.retry_window)
    purges = [
        purge_times(asked.time[rows[asked.kind[rows] != UNTOLD]], zone) if zone else () for rows in of_hosts(attempts)
    ]
    told = {number for number, delivery in enumerate(found) if asked.kind[delivery.rows[0]] != UNTOLD}

    def world(again: Return | None) -> list[int]:
        return _play(found, asked, [database(options, asked.keys, len(asked.addresses), one) for one in purges], again)

    def returning(*, all_others: bool) -> Return:
        def again(delivery: Delivery, missing: int) -> int | None:
            past = known.known(delivery.client, delivery.network, delivery.pool)
            if delivery.deferred:
                # The log shows that it gave this one up, or ends too soon to show it.
                return missing if delivery.open and all_others else None
            if past is None:
                return missing if all_others else None
            return past[0].after(missing)

        return again

    best, worst = world(returning(all_others=True)), world(returning(all_others=False))
    never = world(None)
    rows = []
    for number, delivery in enumerate(found):
        past = known.known(delivery.client, delivery.network, delivery.pool)
        outcome = _outcome(best[number], worst[number]) if number in told else UNTOLD_ONE
        delay = best[number] if outcome == DELAYED else None
        by_log = LOGGED if outcome in (DELAYED, LOST) and len(delivery.rows) > 1 else past and past[1]
        basis = by_log if outcome in (DELAYED, LOST) else None
        rows.append((delivery.rows[0], outcome, delay, basis, number in told and never[number] < 0))
    columns = zip(*rows, strict=True) if rows else ((),) * len(SCHEMA)
    return pa.table([pa.array(column, kind) for column, kind in zip(columns, SCHEMA.types, strict=True)], schema=SCHEMA)


def _outcome(best: int, worst: int) -> str:
    if best != worst:
        return UNKNOWABLE
    return PASSES if best == 0 else LOST if best < 0 else DELAYED
