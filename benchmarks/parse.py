"""How fast logs are read: `advisor ingest` as whole processes, in turns with pflogsumm, `wc -l` and `grep -c reject`.

`python -m benchmarks.parse [--lines N] [--pairs N] [--quick]`. Prints Markdown; exits 1 when a gate fails, and names
it. What it reads is made by benchmarks.generated_log.
"""

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from operator import attrgetter
from pathlib import Path
from statistics import median

from benchmarks import generated_log

ROOT = Path(__file__).resolve().parent.parent
LINES, PAIRS = 10_000_000, 5
SHORT = 10_000
"""Lines of a log on which nobody wants to wait."""

CPUS = sorted(os.sched_getaffinity(0))


@dataclass(frozen=True)
class Program:
    """What is measured: a command without the log, on how many CPUs it may run, and how many lines it says it read."""

    name: str
    command: tuple[str, ...]
    cpus: int = 1
    ours: bool = False


@dataclass(frozen=True)
class Run:
    """One run of a process and of those that it started: seconds, and the MB of the largest process."""

    wall: float
    cpu: float
    peak: float


@dataclass(frozen=True)
class Gate:
    """A bound: what it is of, whether it was kept, and the numbers."""

    name: str
    kept: bool
    found: str


_INGEST = (sys.executable, "-m", "advisor", "ingest", "--timezone", "UTC")
ONE = Program("advisor ingest, 1 process", _INGEST, 1, ours=True)
TWO = Program("advisor ingest, 2 workers", _INGEST, 2, ours=True)
PFLOGSUMM = Program("pflogsumm", ("pflogsumm",))
PROGRAMS = (
    *((ONE, TWO) if len(CPUS) > 1 else (ONE,)),
    PFLOGSUMM,
    Program("wc -l", ("wc", "-l")),
    Program("grep -c reject", ("grep", "-c", "reject")),
)

Runs = dict[Program, list[Run]]
Value = Callable[[Run], float]
WALL: Value = attrgetter("wall")
CPU: Value = attrgetter("cpu")
PEAK: Value = attrgetter("peak")


def environment() -> dict[str, str]:
    """The caller's, with compiled modules kept, as an installed package has them, and no locale to slow grep down."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": path, "LC_ALL": "C"}


def make_log(folder: Path, lines: int) -> Path:
    """Write a log, in a process of its own: what this process weighs would be counted in each of those it starts."""
    path = folder / f"{lines}.log"
    with path.open("wb") as log:
        command = (sys.executable, "-m", "benchmarks.generated_log", str(lines))
        subprocess.run(command, check=True, stdout=log, env=environment())
    return path


def run(program: Program, log: Path, lines: int) -> Run:
    """Run a program on a log once; one that did not read it all is no measurement."""
    with tempfile.TemporaryDirectory(dir=log.parent) as folder:
        said = Path(folder) / "said"
        store = ("--store", str(Path(folder) / "store")) if program.ours else ()
        with said.open("wb") as output:
            start = time.perf_counter()
            process = subprocess.Popen(
                (*program.command, *store, str(log)),
                stdout=output,
                env=environment(),
                preexec_fn=lambda: os.sched_setaffinity(0, CPUS[: program.cpus]),  # noqa: PLW1509 - there are no threads
            )
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode or (program.ours and not said.read_bytes().startswith(f"{lines:,} lines added".encode())):
            sys.exit(f"{program.name} did not read the log; it exited with {process.returncode}")
    # The usage of a process that was waited for holds that of the processes it waited for: times added, peaks compared.
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6)


def measure(programs: Sequence[Program], log: Path, lines: int, pairs: int) -> Runs:
    """Take turns, so that a busy minute falls on all alike, every other turn backwards."""
    runs: Runs = {program: [] for program in programs}
    for pair in range(pairs):
        for program in programs if pair % 2 == 0 else reversed(programs):
            runs[program].append(run(program, log, lines))
    return runs


def ratios(runs: Runs, program: Program, value: Value) -> list[float]:
    """How many times faster than pflogsumm in the same turn, for every turn, in order."""
    pairs = zip(runs[PFLOGSUMM], runs[program], strict=True)
    return sorted(value(theirs) / max(value(own), 1e-3) for theirs, own in pairs)


def spread(found: Sequence[float]) -> str:
    """The median, with the least and the most."""
    return f"{median(found):.2f} ({min(found):.2f} to {max(found):.2f})"


def middle(runs: Runs, program: Program, value: Value) -> float:
    return median(value(found) for found in runs[program])


def table(runs: Runs, lines: int) -> Iterator[str]:
    """The medians of each program, and the ratios with their spread."""
    yield f"\n{lines:,} lines:\n"
    yield "| | wall s | CPU s | lines / CPU s | peak MB a process | CPU, x pflogsumm | wall, x pflogsumm |"
    yield "|---|---|---|---|---|---|---|"
    for program in runs:
        times = middle(runs, program, WALL), middle(runs, program, CPU)
        cells = [
            program.name,
            *(f"{seconds:.2f}" for seconds in times),
            f"{lines / max(times[1], 1e-3):,.0f}",
            f"{middle(runs, program, PEAK):.0f}",
            spread(ratios(runs, program, CPU)),
            spread(ratios(runs, program, WALL)),
        ]
        yield f"| {' | '.join(cells)} |"


def gates(found: dict[int, Runs], lines: int, *, quick: bool) -> Iterator[Gate]:
    """What must hold; of a machine with one CPU no speed of two workers is asked."""
    small, runs = lines // 10, found[lines // 10]
    rates = ratios(runs, ONE, CPU)
    yield Gate(f"{small:,} lines, 1 process: at least 2 x pflogsumm in CPU", median(rates) >= 2, spread(rates))
    if not quick and TWO in found[lines]:
        rates = ratios(found[lines], TWO, WALL)
        yield Gate(f"{lines:,} lines, 2 workers: at least 4.5 x pflogsumm in wall", median(rates) >= 4.5, spread(rates))
    for program in (program for program in runs if program.ours):
        most = max(each.peak for runs in found.values() for each in runs.get(program, ()))
        yield Gate(f"{program.name}: peak under 350 MB a process", most < 350, f"{most:.0f}")
        if not quick:
            growth = middle(found[lines], program, PEAK) / middle(runs, program, PEAK)
            yield Gate(
                f"{program.name}: peak at {lines:,} at most 1.15 x that at {small:,}", growth <= 1.15, f"{growth:.2f}"
            )
    waited = median(each.wall for each in found[SHORT][ONE])
    yield Gate(f"{SHORT:,} lines: under 1 s", waited < 1, f"{waited:.2f}")


def grown(found: dict[int, Runs], lines: int) -> Iterator[str]:
    """How time and memory grow with ten times the lines."""
    before, after = found[lines // 10], found[lines]
    yield f"\nFrom {lines // 10:,} to {lines:,} lines grow:\n"
    yield "| | wall | CPU | peak |"
    yield "|---|---|---|---|"
    for program in after:
        factors = (
            middle(after, program, value) / max(middle(before, program, value), 1e-3) for value in (WALL, CPU, PEAK)
        )
        yield f"| {program.name} | {' | '.join(f'{factor:.2f} x' for factor in factors)} |"


def conditions(pairs: int) -> Iterator[str]:
    """When and with what; nothing that tells whose machine it was."""
    theirs = subprocess.run(("pflogsumm", "--version"), check=True, capture_output=True, text=True).stdout.split()
    mix = " ".join((generated_log.__doc__ or "").partition("\n\n")[2].partition("\n\n")[2].split())
    yield (
        f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, pyarrow {version('pyarrow')}, "
        f"pflogsumm {theirs[-1]}, {len(CPUS)} CPUs."
    )
    yield f"Medians of {pairs} runs in turns, with the least and the most. The log is generated. {mix}"


def need_pflogsumm() -> None:
    """Get what we are compared with."""
    if shutil.which("pflogsumm") is None:
        if os.geteuid():
            sys.exit("pflogsumm is missing; Debian: apt install pflogsumm")
        subprocess.run(("apt-get", "install", "--yes", "pflogsumm"), check=True, stdout=sys.stderr)


def say(lines: Iterable[str]) -> None:
    for line in lines:
        print(line, flush=True)


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m benchmarks.parse")
    options.add_argument("--lines", type=int, default=LINES, help=f"of the long log; a tenth of the other ({LINES:,})")
    options.add_argument("--pairs", type=int, default=PAIRS, help=f"turns ({PAIRS})")
    options.add_argument("--quick", action="store_true", help="without the long log")
    chosen = options.parse_args()
    need_pflogsumm()
    found: dict[int, Runs] = {}
    with tempfile.TemporaryDirectory() as folder:
        sizes = (SHORT, chosen.lines // 10) if chosen.quick else (SHORT, chosen.lines // 10, chosen.lines)
        for lines in sizes:
            log = make_log(Path(folder), lines)
            if lines == SHORT:
                # The first runs fill the caches.
                measure(PROGRAMS, log, lines, 1)
            elif lines == chosen.lines // 10:
                say(conditions(chosen.pairs))
            found[lines] = measure(PROGRAMS, log, lines, chosen.pairs)
            log.unlink()
            if lines != SHORT:
                say(table(found[lines], lines))
    if not chosen.quick:
        say(grown(found, chosen.lines))
    judged = list(gates(found, chosen.lines, quick=chosen.quick))
    say(["", "Gates:", ""])
    say(f"- {'kept' if gate.kept else 'FAILED'}: {gate.name}: {gate.found}" for gate in judged)
    return 0 if all(gate.kept for gate in judged) else 1


if __name__ == "__main__":
    sys.exit(main())
