"""How long a person waits: whole-process wall time of the smallest commands, set against bare Python.

Exits 1 when a median is at or over its limit. `python benchmarks/start.py [LOG]`, LOG being a compressed one.
"""

import gzip
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
LOG = ROOT / "sample_logs" / "maillog-20261101.gz"
LINES = 10_000
RUNS = 7


@dataclass(frozen=True)
class Case:
    """A command, and the seconds that its median must stay under; None for what only is compared with."""

    name: str
    command: tuple[str, ...]
    limit: float | None = None


def cut(log: Path, folder: Path) -> Path:
    """Write the first lines of a log into a folder, under its own name, which tells the year."""
    short = folder / log.stem
    with gzip.open(log, "rb") as lines:
        short.write_bytes(b"".join(islice(lines, LINES)))
    return short


def cases(log: Path) -> tuple[Case, ...]:
    """What is measured; the first is what the others are compared with."""
    advisor = (sys.executable, "-m", "advisor")
    config = str(ROOT / "sample_logs" / "main.cf")
    return (
        Case("python -c pass", (sys.executable, "-c", "pass")),
        Case("advisor --help", (*advisor, "--help"), 0.2),
        Case(f"advisor report, {LINES:,} lines", (*advisor, "report", str(log), "--config", config), 2.0),
    )


def seconds(case: Case) -> float:
    """Run a command once, as a new process, and wait for its end."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    start = time.perf_counter()
    subprocess.run(case.command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": path})
    return time.perf_counter() - start


def measure(found: tuple[Case, ...]) -> dict[Case, list[float]]:
    """Take turns, so that a busy minute falls on all alike; the first turn, which warms the caches up, is dropped."""
    turns = [[seconds(case) for case in found] for _ in range(RUNS + 1)]
    return {case: [turn[place] for turn in turns[1:]] for place, case in enumerate(found)}


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        times = measure(cases(cut(Path(sys.argv[1]) if sys.argv[1:] else LOG, Path(folder))))
    bare = median(next(iter(times.values())))
    print(f"{RUNS} runs each, whole processes, seconds\n")
    print(f"{'':28}  median   fastest  slowest  x python   limit")
    slow = []
    for case, found in times.items():
        middle = median(found)
        limit = "" if case.limit is None else f"< {case.limit}"
        row = f"{case.name:28}  {middle:6.3f}  {min(found):8.3f} {max(found):8.3f} {middle / bare:9.1f}   {limit}"
        print(row.rstrip())
        if case.limit is not None and middle >= case.limit:
            slow.append(case.name)
    for name in slow:
        print(f"\ntoo slow: {name}")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
