"""An attempt: one recipient that one client asked us to accept (RCPT TO), and what became of it.

A session refused before that (CONNECT, HELO, MAIL, postscreen) is one attempt with its stage and no recipient.
What a content filter hands back, copies by always_bcc and the targets of an alias are not attempts.

Hosts have nothing to do with one another: process ids, queue ids and times are the same on several. So each host's
events are walked through apart, in one process after the other or in several at once, with the same result.
"""

from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from advisor.correlation import KINDS
from advisor.network import LOOPBACK, Network
from advisor.pile import Pile
from advisor.record import COLUMNS
from advisor.register import Register
from advisor.row import SCHEMA, Ours, client_network

__all__ = ["SCHEMA", "attempts", "attempts_of_host", "attempts_of_hosts", "client_network", "merged"]

_BATCH = 65_536
_KINDS = pa.array(sorted(KINDS), pa.string())


def attempts(
    events: pa.Table | Iterable[pa.RecordBatch],
    *,
    networks: Sequence[Network] = LOOPBACK,
    domains: Iterable[str] = (),
    relayed: Iterable[str] = (),
) -> pa.Table:
    """Join events of any hosts, in log order, to attempts (columns of SCHEMA, in log order).

    `networks` are the server's own (mynetworks), `domains` those that it takes mail for, `relayed` those of them that
    it only passes on: of a sender there smtpd asks the DNS as of any other (RESOLVE_CLASS_FINAL in resolve_clnt.h).
    """
    batches = events.to_batches(max_chunksize=_BATCH) if isinstance(events, pa.Table) else events
    return pa.Table.from_batches(attempts_of_hosts(batches, Ours.of(networks, domains, relayed)), SCHEMA)


def attempts_of_hosts(events: Iterable[pa.RecordBatch], ours: Ours) -> Iterator[pa.RecordBatch]:
    """Join events of any hosts, in log order, to attempts (columns of SCHEMA, in log order), each host's apart."""
    sources: dict[str, None] = {}
    registers: dict[str | None, Register] = {}
    for batch in events:
        sources.update(dict.fromkeys(pc.unique(batch.column("source")).to_pylist()))
        for host, its in _by_host(batch):
            if host not in registers:
                registers[host] = Register(ours)
            registers[host].add(its)
    yield from merged([register.batches() for register in registers.values()], sources)


def attempts_of_host(events: Iterable[pa.RecordBatch], ours: Ours | None = None) -> Iterator[pa.RecordBatch]:
    """Join the events of one host, in log order, to its attempts (columns of SCHEMA, in log order).

    It needs nothing but what it is given, so it runs in a process of its own or in a cluster's worker as well. Of the
    events it holds what belongs to open sessions and to messages in the queue.
    """
    register = Register(ours or Ours())
    for batch in events:
        register.add(batch)
    yield from register.batches()


def merged(found: Sequence[Iterable[pa.RecordBatch]], sources: Iterable[str]) -> Iterator[pa.RecordBatch]:
    """Merge attempts of several hosts, each in log order, to log order; `sources` are in that order, too."""
    if len(found) == 1:
        yield from found[0]
        return
    pile = Pile(SCHEMA)
    for batches in found:
        for batch in batches:
            pile.add(batch)
    order = pile.log_order({source: rank for rank, source in enumerate(sources)})
    for _, batch in pile.hand_out(order):
        yield batch


def _by_host(events: pa.RecordBatch) -> Iterator[tuple[str | None, pa.RecordBatch]]:
    """Cut events by their host; those that nobody reads are left out where that costs nothing."""
    hosts = pc.unique(events.column("host")).to_pylist()
    if len(hosts) == 1:
        yield hosts[0], events
        return
    read, column = pc.is_in(events.column("kind"), value_set=_KINDS), events.column("host")
    for host in hosts:
        its = pc.is_null(column) if host is None else pc.fill_null(pc.equal(column, host), fill_value=False)
        yield host, events.select(COLUMNS).filter(pc.and_(read, its))
