"""A comeback: what a client did after a 4xx, whatever that was for; the evidence of what it would do if greylisted.

The same sender and recipient from the same network again is taken for the deferred message; so is a later message of
theirs, where the first was given up. From another network it is a comeback only where both clients have verified
names that differ in their first label alone (out1.pool.example, out2.pool.example): anybody may use an address.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from statistics import median_low

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from advisor.triplet import Numbers, Questions, codes

LOGGED, INFERRED = "logged", "inferred"
"""Where it is known from: this address was deferred before; another one of the same pool and network was. A neighbour
of another name tells nothing: one network of a hoster has clients of all kinds."""


@dataclass(slots=True)
class Past:
    """What a client, or a network, did after each 4xx.

    `schedules` has a tuple for each time that it came back: the seconds from the first 4xx to each try that followed.
    `gone` counts the times that it did not within the retry window; `moved` came back from another network of the same
    pool; `unclear`: somebody else used the same sender and recipient meanwhile; `open`: the log ends too soon.
    """

    schedules: list[tuple[int, ...]] = field(default_factory=list)
    gone: int = 0
    moved: int = 0
    unclear: int = 0
    open: int = 0

    @property
    def known(self) -> bool:
        """Whether it tells if this client comes back."""
        return bool(self.schedules) or self.gone > 0

    def after(self, missing: int) -> int | None:
        """How many seconds after a 4xx it tries again, `missing` at least; None: it was seen to give up, and only that.

        Of several times the median; where it had been let in before, its last pause is repeated.
        """
        return median_low(_reached(times, missing) for times in self.schedules) if self.schedules else None


def _reached(times: tuple[int, ...], missing: int) -> int:
    for moment in times:
        if moment >= missing:
            return moment
    pause = max(times[-1] - (times[-2] if len(times) > 1 else 0), 1)
    return times[-1] + -(-(missing - times[-1]) // pause) * pause


@dataclass(slots=True)
class Pool:
    """Clients of one name but for its first label, which come back from one another's networks, and after how long."""

    networks: set[int] = field(default_factory=set)
    seconds: list[int] = field(default_factory=list)


@dataclass(slots=True)
class _Wait:
    """A deferred message whose client has not come back, or not for the last time."""

    client: int
    network: int
    pool: str
    first: int
    last: int
    offsets: list[int] = field(default_factory=list)
    moved: bool = False
    elsewhere: bool = False


@dataclass
class Comebacks:
    """All comebacks, by the number that Questions has for the client's address; of pools, by network and name, too."""

    clients: dict[int, Past] = field(default_factory=dict)
    neighbours: dict[tuple[int, str], Past] = field(default_factory=dict)
    pools: dict[str, Pool] = field(default_factory=dict)

    def known(self, client: int, network: int, pool: str) -> tuple[Past, str] | None:
        """What is known of a client, and where from: the address itself, else its neighbours of the same pool."""
        for past, basis in ((self.clients.get(client), LOGGED), (self.neighbours.get((network, pool)), INFERRED)):
            if past is not None and past.known:
                return past, basis
        return None

    def _close(self, wait: _Wait, *, soon: bool) -> None:
        found = [self.clients.setdefault(wait.client, Past())]
        if wait.pool:
            found.append(self.neighbours.setdefault((wait.network, wait.pool), Past()))
        for past in found:
            if wait.offsets:
                past.schedules.append(tuple(wait.offsets))
            elif wait.moved:
                past.moved += 1
            elif wait.elsewhere:
                past.unclear += 1
            elif soon:
                past.open += 1
            else:
                past.gone += 1

    def _move(self, wait: _Wait, now: int, network: int, pool: str) -> None:
        """Somebody else says the same sender and recipient."""
        if not pool or pool != wait.pool:
            wait.elsewhere = True
            return
        found = self.pools.setdefault(pool, Pool())
        found.networks |= {wait.network, network}
        if not wait.moved:
            found.seconds.append(now - wait.first)
        wait.moved = True

    def take(self, waits: dict[int, _Wait], try_: "_Try", window: int) -> None:
        """Take in one attempt; `waits` are those of the same sender and recipient, by network."""
        for network, wait in list(waits.items()):
            if try_.time - wait.last > window:
                self._close(waits.pop(network), soon=False)
            elif network != try_.network:
                self._move(wait, try_.time, try_.network, try_.pool)
        own = waits.get(try_.network)
        if own is not None:
            own.offsets.append(try_.time - own.first)
            own.last = try_.time
            if not try_.deferred:
                self._close(waits.pop(try_.network), soon=False)
        elif try_.deferred:
            waits[try_.network] = _Wait(try_.client, try_.network, try_.pool, try_.time, try_.time)

    def end(self, waits: Iterable[_Wait], last: int, window: int) -> None:
        """The log ends: who has not come back by now, has gone, or may still be waiting."""
        for wait in waits:
            self._close(wait, soon=last - wait.last < window)


@dataclass(slots=True, frozen=True)
class _Try:
    time: int
    client: int
    network: int
    pool: str
    deferred: bool


def pool_of(name: str) -> str:
    """The name without its first label; '' where that leaves no domain, or where there is no verified name."""
    rest = name.lower().partition(".")[2]
    return rest if "." in rest else ""


def pools_of(attempts: pa.Table) -> tuple[Numbers, list[str]]:
    """The pool of each attempt's client, as a number, -1 where there is no name, and the pools; the last is ''."""
    name, names = codes(attempts, "client_name")
    return name, [*(pool_of(one) for one in names), ""]


def comebacks(attempts: pa.Table, asked: Questions, window: int) -> Comebacks:
    """Find out what clients did after each 4xx, within a window of seconds.

    `asked` are these attempts as advisor.triplet.questions puts them. Several hosts are one server here: a client may
    come back to another of them.
    """
    found = Comebacks()
    waiting: dict[int, dict[int, _Wait]] = {}
    last = int(asked.time.max(initial=0))
    for pair, try_ in _tries(attempts, asked):
        waits = waiting.get(pair)
        if waits is None:
            if not try_.deferred:
                continue
            waits = waiting[pair] = {}
        found.take(waits, try_, window)
        if not waits:
            del waiting[pair]
    for waits in waiting.values():
        found.end(waits.values(), last, window)
    return found


def _tries(attempts: pa.Table, asked: Questions) -> Iterator[tuple[int, _Try]]:
    """The attempts from outside whose client, sender and recipient are known, in the order of time."""
    sender, _ = codes(attempts, "sender")
    recipient, recipients = codes(attempts, "recipient")
    name, pools = pools_of(attempts)
    deferred = _is(attempts, "action", "defer")
    known = (asked.client >= 0) & (sender >= 0) & (recipient >= 0) & _is(attempts, "origin", "outside")
    rows = np.flatnonzero(known)
    rows = rows[np.argsort(asked.time[rows], kind="stable")]
    pair: Numbers = sender * len(recipients) + recipient
    columns = (pair, asked.time, asked.client, asked.network, name, deferred)
    for one, time, client, network, called, again in zip(*(column[rows].tolist() for column in columns), strict=True):
        yield one, _Try(time, client, network, pools[called], again)


def _is(attempts: pa.Table, column: str, value: str) -> npt.NDArray[np.bool_]:
    """Which attempts have a value in a column."""
    numbers, values = codes(attempts, column)
    return np.asarray(numbers == (values.index(value) if value in values else -2))
