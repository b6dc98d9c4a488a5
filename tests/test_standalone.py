"""A standalone cluster: a master and two workers, on real TCP, answer as this machine alone does, whoever is killed."""

import gzip
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple, Self

import pyarrow.compute as pc
import pytest

from advisor import ingestion
from advisor.cluster import connected
from advisor.ingestion import ingest
from advisor.question import Question
from advisor.reports import render
from advisor.store import parts, read
from benchmarks import generated_log
from tests import month
from tests.conftest import ROOT, write
from tests.month.log import OURS
from tests.spark import SMALL, Standalone, children, standalone
from tests.test_cluster import LIST, assert_same

TODAY = date(2026, 12, 31)
NOW = datetime(2026, 12, 31, 12, tzinfo=UTC)
PART = 400_000
pytestmark = [pytest.mark.integration, pytest.mark.long]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    with standalone(tmp_path_factory.mktemp("cluster")) as found:
        yield found


def advisor(*arguments: str | Path) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SPARK_LOCAL_IP": "127.0.0.1"}
    command = [sys.executable, "-m", "advisor", *map(str, arguments), "--timezone", "UTC"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT, check=True)
    # Spark's own words about its start are no news.
    assert not re.search(r"WARN|log4j|log level|incubator", done.stderr), done.stderr
    return done.stdout


def assert_alike(engine: tuple[str, ...], near: Path, far: Path, *arguments: str | Path) -> None:
    """Every command that asks a store says the same on both engines, to the last number."""
    assert_same(far, near)
    for command in (("simulate", LIST, "--since", "2026-10-15"), ("report",), ("advise",), ("allowlist",)):
        wished = (*command, *arguments, "--format", "json")
        local = advisor(*wished, "--store", near, "--engine", "duckdb")
        assert len(local) > 1_000
        # The report names no store: nothing else may differ.
        assert advisor(*wished, "--store", far, *engine) == local


def test_the_commands_answer_alike_on_both_engines(cluster: Standalone, tmp_path: Path) -> None:
    engine = ("--engine", "spark", "--master", cluster.master)
    advisor("ingest", ROOT / "sample_logs", "--store", tmp_path / "near")
    advisor("ingest", ROOT / "sample_logs", "--store", tmp_path / "far", *engine)
    assert_alike(engine, tmp_path / "near", tmp_path / "far", "--config", ROOT / "sample_logs" / "main.cf")


def test_a_month_of_three_hosts_with_the_same_ids(cluster: Standalone, tmp_path: Path) -> None:
    """Two hosts have the same queue ids, process ids and times; the third one has mail of its own."""
    engine = ("--engine", "spark", "--master", cluster.master)
    logs, config = tmp_path / "logs", tmp_path / "main.cf"
    logs.mkdir()
    config.write_text(f"mydestination = {OURS}\nsmtpd_recipient_restrictions = reject_unauth_destination\n")
    for host, seed in (("mx1", 1), ("mx2", 1), ("mx3", 2)):
        text = month.write(seed, 40).text(0, month.DAYS).replace(" mx ", f" {host} ")
        write(logs / f"{host}.log", text.encode(), date(2026, 11, 1))
    advisor("ingest", logs, "--store", tmp_path / "near")
    advisor("ingest", logs, "--store", tmp_path / "far", *engine)
    assert_alike(engine, tmp_path / "near", tmp_path / "far", "--config", config)

    # Of what is not mixed each host has as much as it has alone.
    alone = Question((logs / "mx1.log",), config=config, zone=UTC, now=NOW, year=2026)
    both = Question(store=tmp_path / "far", config=config, zone=UTC, now=NOW)
    own = alone.attempts.drop_columns(["source", "host", "session", "message"])
    for host in ("mx1", "mx2"):
        found = both.attempts.filter(pc.field("host") == host)
        assert found.drop_columns(["source", "host", "session", "message"]).equals(own)


DRIVER = """
import json, sys
from datetime import UTC
from pathlib import Path
from advisor import ingestion
from advisor.cluster import connected
from advisor.question import Question
from advisor.reports import render
from advisor.shipment import ship
from tests.spark import SMALL
from tests.test_standalone import NOW, PART, TODAY
ingestion.PART = PART
master, logs, store = sys.argv[1:]
with connected(master, SMALL) as session:
    print("begun", flush=True)
    ship(session, [logs], Path(store), zone=UTC, today=TODAY, progress=lambda done, _: print(done, flush=True))
    print("stored", flush=True)
    question = Question(store=Path(store), zone=UTC, now=NOW, session=session)
    print("report", json.dumps(render(question.advise(), "json", now=NOW)), flush=True)
"""


class Expected(NamedTuple):
    logs: Path
    store: Path
    report: str


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Expected:
    """Three hosts' logs, one of them packed; the store and the report that a local run makes of them."""
    folder = tmp_path_factory.mktemp("expected")
    logs, store = folder / "logs", folder / "near"
    logs.mkdir()
    for seed in (1, 2):
        lines = "".join(f"{line}\n" for line in generated_log.log(60_000, seed)).encode()
        write(logs / f"{seed}.log", lines.replace(b" mx", b" s%dmx" % seed))
    write(logs / "3.log.gz", gzip.compress(lines.replace(b" mx", b" s3mx"), mtime=0))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ingestion, "PART", PART)
        ingest([logs], store, zone=UTC, today=TODAY)
    report = render(Question(store=store, zone=UTC, now=NOW).advise(), "json", now=NOW)
    return Expected(logs, store, f"report {json.dumps(report)}\n")


class Driver:
    """A process that reads logs on a cluster and prints the report; what it says is read line by line."""

    def __init__(self, cluster: Standalone, logs: Path, store: Path) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "SPARK_LOCAL_IP": "127.0.0.1"}
        command = [sys.executable, "-c", DRIVER, cluster.master, str(logs), str(store)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Kill it, unless it has ended."""
        self.process.kill()
        self.process.wait()

    def until(self, *words: str) -> str:
        """Wait until it says a line that begins with one of these."""
        assert self.process.stdout is not None
        return next(line for line in self.process.stdout if line.startswith(words))

    def report(self) -> str:
        said = self.until("report")
        assert self.process.wait() == 0
        return said


def test_a_driver_that_is_killed_and_run_again(cluster: Standalone, expected: Expected, tmp_path: Path) -> None:
    """Three times in mid-ingest; once when all is stored and the attempts are being joined."""
    store, every = tmp_path / "store", len(parts(expected.store))

    def held() -> int:
        return len(parts(store)) if store.is_dir() else 0

    for _ in range(3):
        before = held()
        with Driver(cluster, expected.logs, store) as driver:
            driver.until("begun")
            while held() <= before:
                driver.until(*"0123456789")
        assert before < held() < every
    with Driver(cluster, expected.logs, store) as driver:
        driver.until("stored")
    assert held() == every
    with Driver(cluster, expected.logs, store) as driver:
        assert driver.report() == expected.report
    assert_same(store, expected.store)


@pytest.mark.parametrize("victim", ["worker", "executor"])
@pytest.mark.parametrize("moment", ["123456789", "stored"], ids=["ingesting", "joining"])
def test_a_worker_that_is_killed(victim: str, moment: str, expected: Expected, tmp_path: Path) -> None:
    """A worker that dies takes its executor with it; where an executor alone dies the worker starts another."""
    with standalone(tmp_path) as cluster, Driver(cluster, expected.logs, tmp_path / "store") as driver:
        driver.until(*(tuple(moment) if moment.isdigit() else (moment,)))
        if victim == "worker":
            cluster.workers[0].kill()
        else:
            (executor,) = children(cluster.workers[0].pid, "CoarseGrainedExecutorBackend")
            os.kill(executor, signal.SIGKILL)
        assert driver.report() == expected.report
    assert_same(tmp_path / "store", expected.store)


def test_a_session_of_ones_own(cluster: Standalone, expected: Expected) -> None:
    with connected(cluster.master, SMALL) as session:
        report = render(Question(store=expected.store, zone=UTC, now=NOW, session=session).advise(), "json", now=NOW)
    assert f"report {json.dumps(report)}\n" == expected.report
    assert read(expected.store).num_rows > 100_000
