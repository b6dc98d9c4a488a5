"""A campaign: many runs, shared out among several worlds, each in namespaces of its own."""

import gzip
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from shutil import rmtree

from tests.lab import namespace

WORLDS = 2
"""At the same time."""
TIMEOUT = 1800.0
"""Seconds for one world's share."""


def sample(folder: Path, names: Sequence[str], target: Path) -> None:
    """Keep the logs of runs, packed, named as logrotate would: the day tells the year of their lines."""
    for name in names:
        log = folder / f"{name}.maillog"
        day = datetime.fromtimestamp(log.stat().st_mtime, UTC)
        packed = gzip.compress(log.read_bytes(), mtime=0)
        (target / f"{name}.maillog-{day:%Y%m%d}.gz").write_bytes(packed)


def play(folder: Path, names: Sequence[str], worlds: int = WORLDS) -> str:
    """Play the configurations that the folder has no result of; what was played, and how long each took.

    RuntimeError with all that was said where a world broke.
    """
    wanted = [name for name in names if not (folder / f"{name}.json").exists()]
    shares = [share for number in range(worlds) if (share := wanted[number::worlds])]
    try:
        with ThreadPoolExecutor(worlds) as pool:
            done = list(pool.map(lambda share: namespace.enter(folder, share, TIMEOUT), shares))
    finally:
        for work in folder.glob("work-*"):
            rmtree(work)
    for each in done:
        if each.returncode:
            raise RuntimeError(each.stdout)
    return "".join(each.stdout for each in done)
