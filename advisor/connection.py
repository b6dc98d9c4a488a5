"""A connection to DuckDB, within what this machine has: what does not fit into memory goes to a disk.

DuckDB itself takes four fifths of the memory, beside what Python holds already.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SHARE = 0.25
"""Of the memory that is free: frames that DuckDB reads, and what it answers, are there as well."""

LEAST, MOST = 256 << 20, 2 << 30
"""Bytes: with less than the first it fails instead of writing to the disk; 4 GB are to do for all of us."""

_MEMORY = Path("/proc/meminfo")
_GROUP = Path("/sys/fs/cgroup")


def limit(meminfo: str, allowed: int | None = None) -> int:
    """Choose the bytes that DuckDB may take, of what proc_meminfo(5) says is available and a cgroup allows."""
    for line in meminfo.splitlines():
        if line.startswith("MemAvailable:"):
            free = int(line.split()[1]) << 10
            break
    else:
        free = LEAST
    free = free if allowed is None else min(free, allowed)
    return int(min(max(free * SHARE, LEAST), MOST))


def allowed(group: Path = _GROUP) -> int | None:
    """Tell how many bytes the cgroup of a container or a service has left (cgroup v2); None where there is no bound."""
    try:
        bound, used = (group / "memory.max").read_text().strip(), (group / "memory.current").read_text()
    except OSError:
        return None
    return None if bound == "max" else max(0, int(bound) - int(used))


@contextmanager
def connected() -> Iterator[Any]:
    """Open DuckDB with an empty database in memory, and a folder to write to that goes when it is closed."""
    import duckdb  # noqa: PLC0415 - a tenth of a second that the other commands need not pay

    with tempfile.TemporaryDirectory(prefix="advisor-") as folder:
        memory = limit(_MEMORY.read_text() if _MEMORY.exists() else "", allowed())
        settings: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": f"{memory >> 20}MiB",
            "temp_directory": folder,
            "threads": len(os.sched_getaffinity(0)),
        }
        with duckdb.connect(config=settings) as engine:
            yield engine
