"""A forecast: what greylisting would do to the mail that was accepted, as far as the log can tell.

Replaying the log alone would mislead (advisor.greylist): clients that were let in at once had no reason to come back.
So this gives two numbers, what is lost if nobody ever came back, and how long mail waits where the client was seen to
come back after a 4xx; and between them what nobody can know, since nothing ever made that client retry.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import tzinfo
from statistics import median_low
from textwrap import wrap
from typing import Any

import pyarrow as pa

from advisor.comeback import LOGGED, Comebacks, comebacks
from advisor.postgrey import Options, Whitelists
from advisor.prospect import DELAYED, LOST, PASSES, UNKNOWABLE, UNTOLD_ONE, prospects
from advisor.triplet import Questions, codes, questions

SHOWN = 50
"""Clients in a list, at most; the totals count all."""

EDGES = (0, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400, 172_800, 432_000)
"""Where the classes of the delays begin, in seconds; the last ends with the life of a message in a client's queue."""

QUANTILES = (5, 25, 50, 75, 95, 100)


@dataclass(frozen=True)
class Count:
    """Deliveries (one recipient of one message), the messages they are of, and the clients."""

    deliveries: int
    messages: int
    clients: int


@dataclass(frozen=True)
class Delays:
    """How long delayed deliveries wait, in seconds: by percent, and by class (from, deliveries).

    `logged` of them are of an address that was deferred before, `inferred` of one whose pool was.
    """

    quantiles: tuple[tuple[int, int], ...]
    histogram: tuple[tuple[int, int], ...]
    logged: int
    inferred: int


@dataclass(frozen=True)
class Late:
    """A client whose mail is delayed: deliveries, the median in seconds, and where it is known from."""

    address: str
    name: str
    deliveries: int
    seconds: int
    basis: str


@dataclass(frozen=True)
class Gone:
    """A client that was deferred so many times and never came back; `accepted` deliveries of its were let in."""

    address: str
    name: str
    deferred: int
    accepted: int


@dataclass(frozen=True)
class Moving:
    """A pool that comes back from other networks: its domain, how many networks, how often, the median in seconds."""

    name: str
    networks: int
    times: int
    seconds: int


@dataclass(frozen=True)
class Seen:
    """Clients that were deferred at all: came back, never did, came from another network, or nobody can tell."""

    returned: int
    gone: int
    moved: int
    unclear: int


@dataclass(frozen=True)
class Forecast:
    """What greylisting would do; `asked` is the sum of `passes`, `delayed`, `lost`, `unknowable` and `not_logged`.

    `lost` are deliveries of clients that were seen to give up; `if_nobody_returned` are those that the first try alone
    does not bring in. Lists hold SHOWN clients at most, the numbers beside them count all.
    """

    delay: int
    asked: Count
    passes: Count
    delayed: Count
    lost: Count
    unknowable: Count
    not_logged: Count
    if_nobody_returned: Count
    delays: Delays
    late: tuple[Late, ...]
    late_clients: int
    gone: tuple[Gone, ...]
    gone_clients: int
    pools: tuple[Moving, ...]
    pools_total: int
    seen: Seen

    @property
    def unknowable_share(self) -> float:
        """The share of the deliveries of which nobody can know what becomes; 0 where there are none."""
        return self.unknowable.deliveries / self.asked.deliveries if self.asked.deliveries else 0.0

    def as_dict(self) -> dict[str, Any]:
        """What goes into JSON."""
        return asdict(self) | {"unknowable_share": self.unknowable_share}


def forecast(
    attempts: pa.Table,
    options: Options = Options(),  # noqa: B008 - it is frozen
    whitelists: Whitelists = Whitelists(),  # noqa: B008 - it is frozen
    zone: tzinfo | None = None,
) -> Forecast:
    """Foresee what greylisting would have done to past attempts (columns of advisor.attempt.SCHEMA).

    Asked are the deliveries from outside that were accepted or that greylisting deferred: what is refused for another
    reason stays refused. `zone`, the server's, tells its nights, in which postgrey drops old entries.
    """
    asked = questions(attempts, options, whitelists)
    known = comebacks(attempts, asked, options.retry_window)
    table = prospects(attempts, asked, known, options, zone)
    count = _Counting(attempts, asked, table)
    late = _late(table, asked, count.names)
    gone = _gone(known, asked, count.names, Counter(count.clients))
    pools = _pools(known)
    return Forecast(
        delay=options.delay,
        asked=count.where(lambda _: True),
        passes=count.of(PASSES),
        delayed=count.of(DELAYED),
        lost=count.of(LOST),
        unknowable=count.of(UNKNOWABLE),
        not_logged=count.of(UNTOLD_ONE),
        if_nobody_returned=count.where(lambda row: bool(row["refused_first"])),
        delays=_delays(count.rows),
        late=tuple(late[:SHOWN]),
        late_clients=len(late),
        gone=tuple(gone[:SHOWN]),
        gone_clients=len(gone),
        pools=tuple(pools[:SHOWN]),
        pools_total=len(pools),
        seen=_seen(known),
    )


def _pools(known: Comebacks) -> list[Moving]:
    pools = known.pools.items()
    found = [Moving(name, len(one.networks), len(one.seconds), median_low(one.seconds)) for name, one in pools]
    return sorted(found, key=lambda pool: (-pool.times, pool.name))


class _Counting:
    """Deliveries, messages and clients of the rows for which something holds."""

    def __init__(self, attempts: pa.Table, asked: Questions, table: pa.Table) -> None:
        self.rows = table.to_pylist()
        places = [row["row"] for row in self.rows]
        self.messages = attempts["message"].take(places).to_pylist() if places else []
        self.clients = asked.client[places].tolist() if places else []
        name, texts = codes(attempts, "client_name")
        named = zip(asked.client.tolist(), name.tolist(), strict=True)
        self.names = {client: texts[one] for client, one in named if one >= 0 and texts[one] != "unknown"}

    def of(self, outcome: str) -> Count:
        return self.where(lambda row: row["outcome"] == outcome)

    def where(self, holds: Callable[[dict[str, Any]], bool]) -> Count:
        chosen = [place for place, row in enumerate(self.rows) if holds(row)]
        clients = {self.clients[place] for place in chosen} - {-1}
        return Count(len(chosen), len({self.messages[place] for place in chosen}), len(clients))


def _delays(rows: Iterable[dict[str, Any]]) -> Delays:
    delayed = [row for row in rows if row["outcome"] == DELAYED]
    seconds = sorted(row["delay"] for row in delayed)
    logged = sum(row["basis"] == LOGGED for row in delayed)
    quantiles = [(share, seconds[max(-(-len(seconds) * share // 100) - 1, 0)]) for share in QUANTILES if seconds]
    ends = (*EDGES[1:], None)
    below = [len(seconds) if end is None else bisect_left(seconds, end) for end in ends]
    classes = [(edge, end - start) for edge, start, end in zip(EDGES, [0, *below], below, strict=False)]
    return Delays(tuple(quantiles), tuple(classes), logged, len(delayed) - logged)


def _late(table: pa.Table, asked: Questions, names: dict[int, str]) -> list[Late]:
    """The clients whose mail is delayed, the longest delay first."""
    delays: dict[int, list[int]] = defaultdict(list)
    basis: dict[int, str] = {}
    for row in table.to_pylist():
        if row["outcome"] == DELAYED:
            client = int(asked.client[row["row"]])
            delays[client].append(row["delay"])
            basis[client] = row["basis"]
    found = [
        Late(asked.addresses[client], names.get(client, ""), len(all_), median_low(all_), basis[client])
        for client, all_ in delays.items()
    ]
    return sorted(found, key=lambda late: (-late.seconds, late.address))


def _gone(known: Comebacks, asked: Questions, names: dict[int, str], accepted: Counter[int]) -> list[Gone]:
    """The clients that never came back, those whose mail was let in at other times first: they would be missed."""
    found = [
        Gone(asked.addresses[client], names.get(client, ""), past.gone, accepted[client])
        for client, past in known.clients.items()
        if past.gone and not past.schedules and not past.moved
    ]
    return sorted(found, key=lambda gone: (-gone.accepted, -gone.deferred, gone.address))


def _seen(known: Comebacks) -> Seen:
    pasts = known.clients.values()
    return Seen(
        returned=sum(bool(past.schedules) for past in pasts),
        gone=sum(past.gone > 0 and not past.schedules and not past.moved for past in pasts),
        moved=sum(past.moved > 0 and not past.schedules for past in pasts),
        unclear=sum(not past.known and not past.moved for past in pasts),
    )


def terminal(found: Forecast, *, width: int = 80, color: bool = False) -> str:  # noqa: ARG001 - no colour is needed
    """The forecast as text."""
    asked = found.asked.deliveries
    lines = [
        f"Greylisting with a delay of {_span(found.delay)}, asked of {asked:,} deliveries "
        f"({found.asked.messages:,} messages of {found.asked.clients:,} clients):",
        "",
    ]
    rows = (
        ("let in at once", found.passes),
        ("delayed: the client comes back after a 4xx", found.delayed),
        ("lost: it was seen to give up", found.lost),
        ("unknowable: nothing ever made it retry", found.unknowable),
        ("not logged whole", found.not_logged),
    )
    size = max(len(words) for words, _ in rows)
    for words, count in rows:
        share = f"{100 * count.deliveries / asked:6.1f} %" if asked else ""
        lines.append(f"  {words:{size}} {count.deliveries:>9,} {share}  {count.clients:>7,} clients")
    never, least = found.if_nobody_returned.deliveries, found.lost.deliveries
    lines += [
        "",
        f"Lost would be {least:,} if all of whom nothing is known came back, up to "
        f"{least + found.unknowable.deliveries:,} if they did not; {never:,} if nobody at all did.",
    ]
    lines += _said(found)
    wrapped = [part for line in lines for part in ([line] if line[:1] in ("", " ") else wrap(line, width))]
    return "\n".join(wrapped) + "\n"


def _said(found: Forecast) -> list[str]:
    """What is known of delays, of who gave up, and of pools."""
    lines, seen = [], found.seen
    if found.delays.quantiles:
        wait = dict(found.delays.quantiles)
        lines.append(
            f"Of the delayed, half wait {_span(wait[50])} or less, 95 of 100 {_span(wait[95])} or less, the longest "
            f"{_span(wait[100])}; {found.delays.inferred:,} of them by what others of the same pool did."
        )
    lines.append(
        f"Clients that were ever deferred: {seen.returned:,} came back, {seen.gone:,} never did, {seen.moved:,} came "
        f"from another network, of {seen.unclear:,} it cannot be told."
    )
    known = [one for one in found.gone if one.accepted]
    if known:
        names = ", ".join(f"{one.name or 'unknown'} [{one.address}]" for one in known[:5])
        lines.append(f"Never came back, and mail of theirs was let in at other times: {names}.")
    if found.pools:
        lines.append(f"Pools that come back from other networks: {', '.join(one.name for one in found.pools[:5])}.")
    return lines


def _span(seconds: int) -> str:
    """Seconds, in the unit that people would use."""
    for unit, size in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f}".removesuffix(".0") + f" {unit}"
    return f"{seconds} seconds"
