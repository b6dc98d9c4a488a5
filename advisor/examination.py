"""An examination: whether this machine has what the commands need, and what to do where it has not.

It looks and asks nobody: whether a resolver answers is for `advisor lookup` and `advisor system` to find out.
"""

import os
import socket
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from advisor import journal, marks, postconf, store
from advisor.errors import AdvisorError
from advisor.line import Clock, read
from advisor.log import Log, UnreadableError
from advisor.network import LOOPBACK
from advisor.sendmail import PROGRAMS
from advisor.source import default_logs

FRESH = timedelta(days=1)
"""A store whose newest event is older is not fed any more."""


@dataclass(frozen=True)
class Check:
    """Something that was looked at: `state` is ok, missing (a command will fail) or note (it will do with less)."""

    what: str
    state: str
    found: str
    todo: str = ""


@dataclass(frozen=True)
class Machine:
    """Where to look; a test looks elsewhere."""

    logs: Path = Path("/var/log")
    store: Path = Path("/var/lib/maillog-advisor")
    resolv: Path = Path("/etc/resolv.conf")
    sendmail: tuple[Path, ...] = PROGRAMS
    postconf: str = "postconf"


def examine(machine: Machine, now: datetime) -> list[Check]:
    """Look at the log, Postfix, the store, the resolver, sendmail and the scanner, in this order."""
    return [
        _log(machine.logs, now),
        _postfix(machine.postconf),
        _store(machine.store, now),
        _resolver(machine.resolv),
        _sendmail(machine.sendmail),
        _scanner(),
    ]


def _log(folder: Path, now: datetime) -> Check:
    hint = "name a log, run as root, or give your user CAP_DAC_READ_SEARCH as packaging/ does"
    unreadable = [path for path in (folder / "maillog", folder / "mail.log") if path.exists() and not _may_read(path)]
    if unreadable:
        return Check("log", "missing", f"{unreadable[0]} may not be read by you", hint)
    try:
        logs = default_logs(folder)
    except AdvisorError as error:
        return Check("log", "missing", f"{error.where} {error.what}", error.todo)
    if logs == [journal.NAME]:
        return Check("log", "ok", f"the journal; there is no maillog in {folder}")
    newest = max((Path(path) for path in logs), key=lambda path: path.stat().st_mtime)
    line = _first_line(newest)
    if line is None or read(line, Clock(now.year, UTC)) is None:
        todo = "show it: advisor events --unrecognised"
        return Check("log", "missing", f"{newest} begins with no line that we know", todo)
    return Check("log", "ok", f"{len(logs)} files, the newest is {newest}")


def _may_read(path: Path) -> bool:
    return os.access(path, os.R_OK)


def _first_line(path: Path) -> str | None:
    try:
        with Log(path) as log:
            first = log.first_line()
    except UnreadableError:
        return None
    return first[0].decode(errors="replace") if first else None


def _postfix(command: str) -> Check:
    try:
        found = postconf.running(command)
    except AdvisorError as error:
        return Check("Postfix", "missing", f"{error.where} {error.what}", error.todo)
    if found is None:
        todo = "on another machine than the mail server give --config with a copy of main.cf"
        return Check("Postfix", "note", "there is no postconf here, or no main.cf", todo)
    name = found.value("myhostname") or socket.gethostname()
    return Check("Postfix", "ok", f"{found.origin}, of {name}")


def _store(folder: Path, now: datetime) -> Check:
    if not folder.exists():
        parent = next(each for each in folder.parents if each.exists())
        if os.access(parent, os.W_OK):
            todo = "advisor ingest makes it; a report of files needs none"
            return Check("store", "note", f"{folder} is not there yet", todo)
        todo = "run as root, or give --store DIR"
        return Check("store", "missing", f"{folder} is not there, and you may not make it", todo)
    if not os.access(folder, os.W_OK | os.X_OK):
        todo = "run as its owner, or give --store DIR"
        return Check("store", "missing", f"{folder} may not be written to by you", todo)
    try:
        held = store.parts(folder)
    except AdvisorError as error:
        return Check("store", "missing", f"{error.where} {error.what}", error.todo)
    newest = max((part.times[1] for part in held if part.times), default=None)
    size = sum(path.stat().st_size for path in folder.glob("*.parquet"))
    if newest is None:
        return Check("store", "note", f"{folder} holds no event", "advisor ingest fills it")
    last = datetime.fromtimestamp(newest / 1_000_000, now.tzinfo)
    said = f"{folder}: {size / 1e6:,.0f} MB, the newest event is of {last:%Y-%m-%d %H:%M}"
    if now - last > FRESH:
        return Check("store", "note", said, "nothing feeds it: a service or a cron job from packaging/ does")
    return Check("store", "ok", said)


def _resolver(file: Path) -> Check:
    try:
        words = [line.split() for line in file.read_text(errors="replace").splitlines()]
    except OSError as error:
        return Check("resolver", "missing", f"{file} cannot be read ({error.strerror})", "advisor lookup --resolver IP")
    servers = [line[1] for line in words if len(line) > 1 and line[0] == "nameserver"]
    if not servers:
        return Check("resolver", "missing", f"{file} names no server", "advisor lookup --resolver IP")
    if not any(map(_is_here, servers)):
        todo = "blocklists refuse resolvers that many share; install unbound or BIND on this machine"
        return Check("resolver", "note", f"{', '.join(servers)}, which is not on this machine", todo)
    return Check("resolver", "ok", ", ".join(servers))


def _is_here(server: str) -> bool:
    try:
        address = ip_address(server.partition("%")[0])
    except ValueError:
        return False
    return any(address in network for network in LOOPBACK)


def _sendmail(programs: Iterable[Path]) -> Check:
    found = next((path for path in programs if os.access(path, os.X_OK)), None)
    if found is None:
        return Check("sendmail", "note", "there is none", "report --send needs it; -o FILE does not")
    return Check("sendmail", "ok", str(found))


def _scanner() -> Check:
    if marks.scanner is None:
        todo = "logs take half as long again; a wheel for this machine, or a C compiler at installation, has it"
        return Check("scanner", "note", "it was not compiled", todo)
    return Check("scanner", "ok", "compiled")


def terminal(checks: Iterable[Check], shown: Callable[[str], str]) -> str:
    """The checks as lines of text; `shown` makes text harmless."""
    lines = []
    for check in checks:
        lines.append(f"{check.state:<8}{check.what:<10}{shown(check.found)}")
        if check.todo:
            lines.append(f"{'':18}{shown(check.todo)}")
    return "\n".join(lines) + "\n"


def as_dicts(checks: Iterable[Check]) -> list[dict[str, Any]]:
    """The checks for programs."""
    return [asdict(check) for check in checks]
