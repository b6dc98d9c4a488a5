"""A muster: the attempts of all that a store holds, read from it bit by bit, several hosts in processes at once."""

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from advisor import worker
from advisor.attempt import SCHEMA, attempts_of_hosts, merged
from advisor.depot import Depot, located
from advisor.errors import AdvisorError
from advisor.part import Part
from advisor.record import COLUMNS
from advisor.row import Ours
from advisor.store import batches, parts

_PACKED = pa.ipc.IpcWriteOptions(compression="lz4")


class Share(NamedTuple):
    """Some hosts of a store, for one process, and a file without a name that the other has open for their attempts."""

    store: Path | Depot
    hosts: tuple[str, ...]
    ours: Ours
    syslog_name: str | None
    process: int
    descriptor: int

    def close(self) -> None:
        """Nothing: the attempts are still to be read."""


def muster(store: Path | Depot, ours: Ours | None = None, syslog_name: str | None = None) -> pa.Table:
    """Join all events of a store to attempts (columns of advisor.attempt.SCHEMA, in log order).

    The arguments and the errors are those of mustered(), which need not have all attempts in memory.
    """
    return pa.Table.from_batches(mustered(store, ours, syslog_name), SCHEMA)


def mustered(store: Path | Depot, ours: Ours | None = None, syslog_name: str | None = None) -> Iterator[pa.RecordBatch]:
    """Join all events of a store to attempts, and give these some ten thousand at a time, in log order.

    `ours` is what the configuration calls its own, `syslog_name` asks about one Postfix of several. Of the events each
    process holds a row group, and what is open. AdvisorError for a part that cannot be read, where a process was
    killed, and where there is no room for temporary files.
    """
    target, ours = located(store), ours or Ours()
    found = parts(target)
    large = worker.count() > 1 and sum(part.size for part in found) > worker.LARGE
    shares = _shares(_weights(target, found), worker.count()) if large else []
    if len(shares) < 2:
        yield from attempts_of_hosts(_events(target, None, syslog_name), ours)
        return
    with ExitStack() as stack:
        files = [stack.enter_context(tempfile.TemporaryFile()) for _ in shares]
        tasks = [
            Share(store, hosts, ours, syslog_name, os.getpid(), file.fileno())
            for hosts, file in zip(shares, files, strict=True)
        ]
        with closing(worker.each(_join, tasks)) as results:
            for share, said in results:
                if said != "":
                    raise _failed(share, said)
        sources = dict.fromkeys(part.source for part in found)
        for file in files:
            file.seek(0)
        yield from merged([pa.ipc.open_stream(file) for file in files], sources)


def _weights(store: Path | Depot, found: Sequence[Part]) -> dict[str, int]:
    """Count the events of each host. A part says which hosts it holds; how many lines each has is in a column."""
    weights = dict.fromkeys((host for part in found for host in part.hosts), 0)
    if len(weights) > 1:
        for batch in batches(store, ["host"], found):
            for each in pc.value_counts(batch.column("host").drop_null()).to_pylist():
                weights[each["values"]] = weights.get(each["values"], 0) + each["counts"]
    return weights


def _shares(weights: Mapping[str, int], processes: int) -> list[tuple[str, ...]]:
    """Deal the hosts out so that each process has about as much to read; one host is never in two."""
    dealt: list[tuple[int, list[str]]] = [(0, []) for _ in range(processes)]
    for host in sorted(weights, key=lambda host: (-weights[host], host)):
        least = min(range(processes), key=lambda number: dealt[number][0])
        dealt[least] = dealt[least][0] + weights[host], [*dealt[least][1], host]
    return [tuple(hosts) for _, hosts in dealt if hosts]


def _events(store: Path | Depot, hosts: Sequence[str] | None, syslog_name: str | None) -> Iterator[pa.RecordBatch]:
    """The events of some hosts, or of all; of one Postfix, and of what is no Postfix."""
    target = located(store)
    found = [part for part in parts(target) if hosts is None or not {*hosts}.isdisjoint(part.hosts)]
    for batch in batches(target, COLUMNS, found):
        chosen = batch
        if hosts is not None:
            chosen = chosen.filter(pc.is_in(chosen.column("host"), value_set=pa.array(hosts, pa.string())))
        yield chosen if syslog_name is None else chosen.filter(of_postfix(chosen.column("syslog_name"), syslog_name))


def of_postfix(names: pa.Array | pa.ChunkedArray, syslog_name: str) -> pa.Array | pa.ChunkedArray:
    """Tell which events are of one Postfix, as it calls itself in the log, or of what is no Postfix."""
    service = pc.starts_with(names, f"{syslog_name}/")
    return pc.or_kleene(pc.is_null(names), pc.or_(pc.equal(names, syslog_name), service))


def _join(share: Share) -> str:
    """Do one share, in a process of its own; what to say to the user where that failed, or ''."""
    try:
        events = _events(share.store, share.hosts, share.syslog_name)
        _write(share, attempts_of_hosts(events, share.ours))
    except AdvisorError as error:
        return str(error)
    except OSError as error:
        return f"{tempfile.gettempdir()}: cannot be written: {error.strerror or error}"
    return ""


def _write(share: Share, found: Iterable[pa.RecordBatch]) -> None:
    path = f"/proc/{share.process}/fd/{share.descriptor}"
    with pa.OSFile(path, "wb") as file, pa.ipc.new_stream(file, SCHEMA, options=_PACKED) as stream:
        for batch in found:
            stream.write_batch(batch)


def _failed(share: Share, said: str | None) -> AdvisorError:
    if said is None:
        return worker.died(f"{share.store} ({', '.join(share.hosts)})")
    return AdvisorError(str(share.store), f"could not be read as a whole: {said}", "mend that and ask again")
