"""The intake: logs that go into the store, once or for good. What analyses is not imported for that.

What the parts right of the store must not reach for themselves (the clock, the zone, where the store is) is looked up
here and handed to them.
"""

import os
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from advisor.errors import AdvisorError
from advisor.ingestion import Calendar, Ingested
from advisor.ingestion import ingest as _ingest
from advisor.period import moment
from advisor.service import Beside
from advisor.service import follow as _follow
from advisor.source import default_logs
from advisor.worker import Progress

if TYPE_CHECKING:
    from advisor.examination import Check
    from advisor.pruning import Pruned


def local_zone() -> tzinfo:
    """This machine's time zone, by name where it has one, so that summer time is known; UTC where nobody set one."""
    name = os.environ.get("TZ", "").lstrip(":")
    if not name and Path("/etc/localtime").is_symlink():
        name = str(Path("/etc/localtime").resolve()).partition("zoneinfo/")[2]
    return zone_named(name) if name else UTC


def zone_named(name: str) -> tzinfo:
    """A zone of the IANA database; AdvisorError for a name that is not in it."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        todo = "write a name such as Europe/Berlin or UTC"
        raise AdvisorError("--timezone", f"'{name}' is no time zone", todo) from None


def default_store() -> Path:
    """Where the store is when nobody says: the system's for root, one's own for others."""
    if os.geteuid() == 0:
        return Path("/var/lib/maillog-advisor")
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local/state")
    return Path(state) / "maillog-advisor"


def ingest(
    *files: str | Path,
    store: Path | None = None,
    year: int | None = None,
    zone: tzinfo | None = None,
    progress: Progress | None = None,
    session: Any = None,  # noqa: ANN401 - a SparkSession; Spark may be missing
) -> Ingested:
    """Add logs to the store, or this machine's own; what the store holds already is not added again.

    `progress` is told the bytes of log that are done, and how many there are where that is known. A cluster reads them
    where there is a `session` (advisor.cluster.connected).
    """
    zone = zone or local_zone()
    today = datetime.now(zone).date()
    paths, target = files or default_logs(), store or default_store()
    if session is not None:
        from advisor.shipment import ship  # noqa: PLC0415 - few sites have a cluster

        return ship(session, paths, target, year=year, zone=zone, today=today, progress=progress)
    return _ingest(paths, target, year=year, zone=zone, today=today, progress=progress)


def prune(
    older_than: str, *, store: Path | None = None, only_count: bool = False, now: datetime | None = None
) -> "Pruned":
    """Delete from the store what is older than `90d`, `12w` or a date; `only_count` only says how much that is.

    AdvisorError for a date to come: a slip in the year would delete everything.
    """
    from advisor.pruning import prune as delete  # noqa: PLC0415 - ingest need not wait for what deletes

    now = now or datetime.now(UTC)
    before = moment(older_than, "--older-than", now, local_zone())
    if before > now:
        raise AdvisorError("--older-than", f"{older_than} is still to come", "write 90d, 12w, or a date that is past")
    return delete(store or default_store(), before, only_count=only_count)


def doctor(*, store: Path | None = None) -> "list[Check]":
    """Look whether this machine has what the commands need."""
    from advisor.examination import Machine, examine  # noqa: PLC0415 - as in prune

    return examine(Machine(store=store or default_store()), datetime.now(local_zone()))


def follow(  # noqa: PLR0913 - the options of the command
    file: str | Path,
    *,
    store: Path | None = None,
    year: int | None = None,
    zone: tzinfo | None = None,
    say: Callable[[str], None] = print,
    beside: Beside | None = None,
) -> None:
    """Keep adding a log to the store while it grows, rotation included, until SIGTERM or SIGINT.

    `say` is told what is amiss: a full disk, and that it is over. `beside` runs along, such as an advisor.watch.Watch,
    until its event is set.
    """
    zone = zone or local_zone()
    calendar = Calendar(zone, datetime.now(zone).date(), year)
    _follow(Path(file), store or default_store(), calendar, say, beside)
