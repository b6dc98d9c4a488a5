"""What a history costs as it grows: `advisor ingest`, a simulation and advice, here and on a Spark cluster.

`python -m benchmarks.scale [--lines N]... [--log FILE]... [--only here|spark] [--without STEP]...`. Prints Markdown.
The cluster is a standalone master with two workers of a core each on this machine. Both sides read the same log into a
store of their own, join its attempts, ask the same list and advise; where their outcomes differ it ends with 1.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb

from advisor.cluster import connected
from advisor.ingestion import ingest
from advisor.levy import raised
from advisor.muster import muster
from advisor.outcome import outcome
from advisor.question import Question
from advisor.reports import render
from advisor.shipment import ship
from advisor.simulation import simulate
from benchmarks.parse import ROOT, environment, make_log
from tests.spark import LOOPBACK, standalone

STEPS = ("ingest", "simulate", "advise")
LINES = (1_000_000, 10_000_000)
LIST = (
    "permit_mynetworks, reject_unknown_client_hostname, reject_unknown_reverse_client_hostname, "
    "reject_invalid_helo_hostname, reject_non_fqdn_helo_hostname, reject_unknown_sender_domain"
)
SETTINGS = {**LOOPBACK, "spark.executor.memory": "512m", "spark.sql.shuffle.partitions": "2"}
"""Of the session: what the workers have to give, and a shuffle for their two cores."""
_TODAY = date(2026, 12, 31)
_NOW = datetime(2026, 12, 31, 12, tzinfo=UTC)
_OFTEN = 0.25
"""Seconds between two looks at the processes."""
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass
class Cost:
    """What processes cost: seconds, those of all CPUs, and at the worst moment the MB of the largest and of all."""

    wall: float = 0.0
    cpu: float = 0.0
    largest: float = 0.0
    together: float = 0.0


def _descendants(roots: Sequence[int]) -> dict[tuple[int, int], tuple[float, float]]:
    """The CPU seconds and MB of some processes and of all that they started, by process id and start."""
    found: dict[int, tuple[int, tuple[int, int], tuple[float, float]]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(") ")[2].split()
        except OSError:
            # It has ended since its name was read.
            continue
        seconds = (int(fields[11]) + int(fields[12])) / _TICKS
        pid = int(stat.parent.name)
        found[pid] = int(fields[1]), (pid, int(fields[19])), (seconds, int(fields[21]) * _PAGE / 1e6)
    ours = set(roots)
    while more := {pid for pid, (parent, _, _) in found.items() if parent in ours} - ours:
        ours |= more
    return {found[pid][1]: found[pid][2] for pid in ours if pid in found}


@contextmanager
def _watched(cost: Cost, roots: Sequence[int]) -> Iterator[None]:
    """Look at some processes now and then: what one used after the last look at it is not counted."""
    before = {process: seconds for process, (seconds, _) in _descendants(roots).items()}
    seen = dict(before)
    over = threading.Event()

    def look() -> None:
        now = _descendants(roots)
        seen.update({process: seconds for process, (seconds, _) in now.items()})
        weights = [weight for _, weight in now.values()]
        cost.largest = max(cost.largest, *weights, 0)
        cost.together = max(cost.together, sum(weights))

    def watch() -> None:
        while not over.wait(_OFTEN):
            look()

    watcher = threading.Thread(target=watch)
    start = time.perf_counter()
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
        cost.wall = time.perf_counter() - start
        cost.cpu = sum(seconds - before.get(process, 0) for process, seconds in seen.items())


def _step(step: str, log: Path, store: Path, master: str | None, others: Sequence[int]) -> tuple[Cost, dict[str, Any]]:
    """Run one step in a process of its own; what it says is JSON."""
    cost = Cost()
    command = [sys.executable, "-m", "benchmarks.scale", "--step", step, "--log", str(log), "--store", str(store)]
    command += ["--master", master] if master else []
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment(), cwd=ROOT)
    with _watched(cost, [process.pid, *others]):
        said, _ = process.communicate()
    if process.returncode:
        sys.exit(f"{step} came to nothing; it exited with {process.returncode}")
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return cost, found


def ingest_here(log: Path, store: Path) -> dict[str, Any]:
    """Read a log as `advisor ingest` does."""
    return {"lines": ingest([log], store, zone=UTC, today=_TODAY).coverage.lines}


def ingest_there(log: Path, store: Path, master: str) -> dict[str, Any]:
    """Have a cluster read a log."""
    with connected(master, SETTINGS) as session:
        return {"lines": ship(session, [log], store, zone=UTC, today=_TODAY).coverage.lines}


def simulate_here(store: Path) -> dict[str, Any]:
    """Join the attempts of a store and ask the list, in this process and its workers."""
    found = muster(store)
    return {"attempts": found.num_rows, "outcome": outcome(simulate(LIST, duckdb.from_arrow(found)))}


def simulate_there(store: Path, master: str) -> dict[str, Any]:
    """Join the attempts of a store and ask the list on a cluster; only counts come back."""
    with connected(master, SETTINGS) as session:
        frame = raised(session, store).persist()
        return {"attempts": frame.count(), "outcome": outcome(simulate(LIST, frame))}


def advise(store: Path, session: Any = None) -> dict[str, Any]:  # noqa: ANN401 - a SparkSession
    """Make the advice of a store; two that are one to the last number have one digest."""
    report = render(Question(store=store, zone=UTC, now=_NOW, session=session).advise(), "json", now=_NOW)
    return {"advice": hashlib.sha256(report if isinstance(report, bytes) else report.encode()).hexdigest()}


def advise_there(store: Path, master: str) -> dict[str, Any]:
    """Have a cluster join the attempts that the advice is made of."""
    with connected(master, SETTINGS) as session:
        return advise(store, session)


def _do(step: str, log: Path, store: Path, master: str | None) -> dict[str, Any]:
    if step == "ingest":
        return ingest_there(log, store, master) if master else ingest_here(log, store)
    if step == "advise":
        return advise_there(store, master) if master else advise(store)
    return simulate_there(store, master) if master else simulate_here(store)


def measure(log: Path, folder: Path, sides: Sequence[str], steps: Sequence[str] = STEPS) -> bool:
    """Print a line for each side and step of one log; tell whether the sides agree."""
    said = []
    for side in sides:
        there = standalone(folder / f"cluster-{log.stem}") if side == "spark" else nullcontext(None)
        (folder / f"cluster-{log.stem}").mkdir(exist_ok=True)
        with there as cluster:
            others = [process.pid for process in cluster.processes] if cluster else []
            store = folder / f"{side}-{log.stem}"
            results: dict[str, Any] = {}
            for step in steps:
                cost, found = _step(step, log, store, cluster.master if cluster else None, others)
                results |= found
                held = sum(path.stat().st_size for path in store.glob("*.parquet"))
                lines, attempts = results["lines"], results.get("attempts", 0)
                print(
                    f"| {lines:,} | {side} | {step} | {cost.wall:.1f} | {cost.cpu:.1f} | {cost.largest:,.0f} "
                    f"| {cost.together:,.0f} | {held:,} | {attempts:,} |",
                    flush=True,
                )
            said.append(results)
    return all(results == said[0] for results in said)


def main() -> None:
    """Measure, or do one step."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--lines", type=int, action="append")
    asked.add_argument("--log", type=Path, action="append")
    asked.add_argument("--only", choices=("here", "spark"))
    asked.add_argument("--without", choices=STEPS[1:], action="append", default=[])
    asked.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    asked.add_argument("--store", type=Path, help=argparse.SUPPRESS)
    asked.add_argument("--master", help=argparse.SUPPRESS)
    chosen = asked.parse_args()
    if chosen.step:
        print(json.dumps(_do(chosen.step, chosen.log[0], chosen.store, chosen.master)))
        return
    print(
        "| lines | where | step | wall s | CPU s | largest MB | together MB | store bytes | attempts |\n"
        + "|---" * 9
        + "|"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lengths = chosen.lines or ([] if chosen.log else LINES)
        logs = [*(chosen.log or ()), *(make_log(folder, lines) for lines in lengths)]
        sides = (chosen.only,) if chosen.only else ("here", "spark")
        if not all(measure(log, folder, sides, [step for step in STEPS if step not in chosen.without]) for log in logs):
            sys.exit("the cluster came to other numbers")


if __name__ == "__main__":
    main()
