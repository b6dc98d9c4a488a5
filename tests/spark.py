"""A Spark standalone cluster for tests: a master and two workers, real processes that speak TCP on loopback."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from urllib.request import urlopen

from tests.conftest import ROOT, real
from tests.named import free_port

LOOPBACK = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
SMALL = {
    **LOOPBACK,
    "spark.executor.memory": "512m",
    "spark.sql.shuffle.partitions": "2",
    # For a few rows Java's compiler takes longer than the rows.
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.adaptive.enabled": "false",
}
"""Settings of a session that is to be small."""


class Standalone(NamedTuple):
    """A master's URL, its workers' processes, and all processes."""

    master: str
    workers: "list[subprocess.Popen[bytes]]"
    processes: "list[subprocess.Popen[bytes]]"


@contextmanager
def standalone(folder: Path, workers: int = 2) -> Iterator[Standalone]:
    """Start a master and its workers, of a core each; all end with the test."""
    port, web = free_port(), free_port()
    url = f"spark://127.0.0.1:{port}"
    processes: list[subprocess.Popen[bytes]] = []
    try:
        processes.append(_start(folder / "master", "master.Master", "--port", str(port), "--webui-port", str(web)))
        _wait(port, processes[0])
        for number in range(workers):
            work = folder / f"worker{number}"
            asked = ("--cores", "1", "--memory", "1g", "--webui-port", str(free_port()), "--work-dir", str(work), url)
            processes.append(_start(work, "worker.Worker", *asked))
        _wait_for_workers(web, workers, processes)
        yield Standalone(url, processes[1:], processes)
    finally:
        for process in reversed(processes):
            process.kill()
            process.wait()


def _start(folder: Path, name: str, *arguments: str) -> "subprocess.Popen[bytes]":
    import pyspark

    real("java")
    home = Path(pyspark.__file__).parent
    folder.mkdir()
    environment = {
        **os.environ,
        "SPARK_HOME": str(home),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_NO_DAEMONIZE": "1",
        "SPARK_DAEMON_MEMORY": "256m",
        "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "PYSPARK_PYTHON": sys.executable,
    }
    command = [str(home / "bin" / "spark-class"), f"org.apache.spark.deploy.{name}", "--host", "127.0.0.1", *arguments]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, env=environment)


def _wait(port: int, process: "subprocess.Popen[bytes]") -> None:
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), 1):
                return
        except OSError:
            _pause([process])


def _wait_for_workers(web: int, workers: int, processes: "list[subprocess.Popen[bytes]]") -> None:
    """Ask the master's page until all have come."""
    while True:
        try:
            with urlopen(f"http://127.0.0.1:{web}/json/", timeout=5) as page:
                if page.read().count(b"ALIVE") > workers:
                    return
        except OSError:
            pass
        _pause(processes)


def _pause(processes: "list[subprocess.Popen[bytes]]") -> None:
    """Wait a little, and no longer once a process has ended."""
    with suppress(subprocess.TimeoutExpired):
        processes[-1].wait(0.1)
    assert all(process.poll() is None for process in processes), "a process of the cluster ended"


def children(pid: int, name: str) -> list[int]:
    """The processes that a process started, that are still there, and in whose command this name stands."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parent = int(stat.read_text().rpartition(") ")[2].split()[1])
            if parent == pid and name in (stat.parent / "cmdline").read_text():
                found.append(int(stat.parent.name))
    return found
