"""A cluster: Apache Spark's processes, on one machine or many, and tasks of ours that run in them.

Spark deals out what is to be done, and does once more what was lost with a process that died. What a task gives back
goes through Arrow's batch function (`mapInArrow`). Spark is an extra: nothing here is imported by who does not ask.
"""

import os
import pickle
import re
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any, TypeVar

import pyarrow as pa

from advisor.absence import Absence
from advisor.errors import AdvisorError

LOCAL = "local[*]"
"""The master's URL that stands for this machine's own cores, with no cluster."""

ENGINES = ("duckdb", "spark", "auto")

_RESULTS = pa.schema([("task", pa.int64()), ("result", pa.binary())])
_SETTINGS = {
    "spark.ui.enabled": "false",
    # Days and hours of the log are UTC's, in every session.
    "spark.sql.session.timeZone": "UTC",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    # A table of answers is handed to the session as Arrow.
    "spark.sql.execution.arrow.pyspark.enabled": "true",
}

# WARNING: Using incubator modules: jdk.incubator.vector
# Using Spark's default log4j profile: org/apache/spark/log4j2-defaults.properties
# Setting default log level to "WARN".   Setting Spark log level to "ERROR".
# To adjust logging level use sc.setLogLevel(newLevel). For SparkR, use setLogLevel(newLevel).
# 26/11/23 05:46:16 WARN NativeCodeLoader: Unable to load native-hadoop library for your platform... using builtin-java
_CHATTER = re.compile(
    rb"WARNING: Using incubator modules: .*|Using Spark's default log4j profile: .*|To adjust logging level use .*|"
    rb"Setting (?:default|Spark) log level to .*|\S+ \S+ WARN NativeCodeLoader: Unable to load native-hadoop .*"
)

Task = TypeVar("Task")
Result = TypeVar("Result")


@contextmanager
def connected(master: str | None = None, settings: dict[str, str] | None = None) -> Iterator[Any]:
    """Give a SparkSession at a master, such as `spark://host:7077`; the caller's own where one is open.

    `settings` are Spark's (spark.executor.memory and so on). AdvisorError where Spark is missing or the master is not
    there. Each worker needs this package in the Python that this process runs in, by the same path.
    """
    try:
        from pyspark.sql import SparkSession  # noqa: PLC0415 - an extra: most sites have no Spark

        _import_pandas()
    except ImportError:
        raise AdvisorError("--engine spark", "Spark is not installed", "pip install 'maillog-advisor[spark]'") from None
    session = SparkSession.getActiveSession()
    if session is not None:
        if master not in (None, session.sparkContext.master):
            what = f"a session is open already, at {session.sparkContext.master}"
            raise AdvisorError(str(master), what, "stop it first")
        yield session
        return
    # A session of our own asks for our own Python in the workers, unless somebody has named another.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    with warnings.catch_warnings():
        # What PySpark thinks of the pandas that there is; nothing of ours goes through pandas there.
        warnings.filterwarnings("ignore", category=FutureWarning, module="pyspark")
        with _told(master or LOCAL):
            session = _session(master or LOCAL, {**_SETTINGS, **(settings or {})})
        try:
            yield session
        finally:
            session.stop()


@contextmanager
def attached(engine: str, master: str | None = None) -> Iterator[Any]:
    """Give the session that an engine needs: duckdb none, spark one; auto, where a master is named.

    AdvisorError for any other engine.
    """
    if engine not in ENGINES:
        raise AdvisorError("--engine", f"'{engine}' is no engine", f"write one of: {', '.join(ENGINES)}")
    if engine == "duckdb" or (engine == "auto" and master is None):
        yield None
        return
    with connected(master) as session:
        yield session


def each(session: Any, work: Callable[[Task], Iterable[Result]], tasks: Sequence[Task]) -> list[tuple[Task, Result]]:  # noqa: ANN401 - PySpark may be missing
    """Do some work in the cluster, a task at a time in each core, and give all results in the order of the tasks.

    A task that a dying process took with it is done anew, up to four times (spark.task.maxFailures). AdvisorError where
    the job came to nothing.
    """
    if not tasks:
        return []

    def worked(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for number in (number for batch in batches for number in batch.column("id").to_pylist()):
            results = [pickle.dumps(result) for result in work(tasks[number])]
            yield pa.RecordBatch.from_arrays([pa.array([number] * len(results), pa.int64()), results], schema=_RESULTS)

    with _told(session.sparkContext.master):
        frame = session.range(0, len(tasks), 1, len(tasks)).mapInArrow(worked, "task long, result binary")
        found = frame.toArrow().to_pylist()
    found.sort(key=lambda row: row["task"])
    # Spark itself sends pickles to and fro: who can write one there runs what he likes already.
    return [(tasks[row["task"]], pickle.loads(row["result"])) for row in found]  # noqa: S301 - as said above


def _import_pandas() -> None:
    """Import what the commands do without and PySpark asks for, though they hide it while they run."""
    hiding = [finder for finder in sys.meta_path if isinstance(finder, Absence)]
    for finder in hiding:
        sys.meta_path.remove(finder)
    try:
        import_module("pandas")
    finally:
        sys.meta_path[:0] = hiding


def _session(master: str, settings: dict[str, str]) -> Any:  # noqa: ANN401 - PySpark may be missing
    """Start a session, and Java if none runs yet, whose standard error is ours but for _CHATTER."""
    from pyspark import SparkConf, SparkContext  # noqa: PLC0415 - an extra: most sites have no Spark
    from pyspark.java_gateway import launch_gateway  # noqa: PLC0415 - as above
    from pyspark.sql import SparkSession  # noqa: PLC0415 - as above

    conf = SparkConf().setAppName("maillog-advisor").setMaster(master).setAll([*settings.items()])
    # Nothing else tells whether Java runs.
    if SparkContext._gateway is None:
        told, tell = os.pipe()
        try:
            threading.Thread(target=_pass_on, args=(told,), daemon=True).start()
            gateway = launch_gateway(conf, {"stderr": tell})  # type: ignore[no-untyped-call] # PySpark has no types there
        finally:
            os.close(tell)
        SparkContext(conf=conf, gateway=gateway)
    return SparkSession.builder.config(conf=conf).getOrCreate()


def _pass_on(told: int) -> None:
    """Say what Java says, line by line, until it ends."""
    with os.fdopen(told, "rb") as lines:
        for line in lines:
            if not _CHATTER.fullmatch(line.rstrip()):
                sys.stderr.write(line.decode(errors="backslashreplace"))


@contextmanager
def _told(master: str) -> Iterator[None]:
    """Say in our words what Spark says in its own."""
    from py4j.protocol import Py4JError  # type: ignore[import-untyped]  # noqa: PLC0415 - PySpark's; it has no types
    from pyspark.errors import PySparkException  # noqa: PLC0415 - as above

    try:
        yield
    except (PySparkException, Py4JError, OSError) as error:
        # The first line of what Java threw says where; the second, if there is one, says what.
        lines = [*str(error).splitlines()[:2], type(error).__name__]
        what = f"could not do it: {lines[1 if lines[0].endswith('.') and len(lines) > 2 else 0]}"
        todo = "look at the master's own log, then run it again: what is done already is not done twice"
        raise AdvisorError(master, what, todo) from None
