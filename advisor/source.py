"""Where lines come from: the files, globs, folders and streams that names stand for, in the order they were written."""

import os
import shutil
import stat
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO

from advisor import journal, rotation, spool
from advisor.duplicate import Distinct, distinct
from advisor.errors import AdvisorError
from advisor.log import BLOCK, Block, Log, Survey, UnreadableError

__all__ = [
    "BLOCK",
    "Block",
    "Distinct",
    "Log",
    "Survey",
    "UnreadableError",
    "default_logs",
    "distinct",
    "expand",
    "is_journal",
]

_NOT_LOGS = (".md", ".py", ".cf", ".json", ".parquet", ".html", ".ipynb", ".txt", ".events")


def expand(paths: Sequence[str | Path]) -> list[Path]:
    """Find the files that paths, globs, folders and `-` (standard input) stand for, those that begin earlier first.

    `journal` stands for what the mail system told this machine's journal.
    """
    found = dict.fromkeys(file for path in paths for file in _files(str(path)))
    return sorted(found, key=_age) if len(found) > 1 else list(found)


def is_journal(path: str | Path) -> bool:
    """Tell whether a name stands for the journal, and for no file of that name."""
    return str(path) == journal.NAME and not Path(path).is_file()


def default_logs(folder: Path = Path("/var/log")) -> list[Path | str]:
    """Find where this machine's mail system logs: maillog or mail.log, with what was rotated of it, or the journal.

    A file that is empty or may not be read does not count: where no syslog daemon runs, maillog is empty.
    """
    for name in ("maillog", "mail.log", "mail"):
        files = (file for file in _listed(folder) if rotation.is_rotated(file.name, name))
        if found := [file for file in files if _holds_something(file)]:
            return [*found]
    if shutil.which("journalctl"):
        return [journal.NAME]
    raise AdvisorError(str(folder), "holds no maillog or mail.log that you may read", "name a log, or be root")


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _holds_something(file: Path) -> bool:
    try:
        return file.is_file() and file.stat().st_size > 0 and os.access(file, os.R_OK)
    except OSError:
        return False


def _age(path: Path) -> tuple[float, int, str]:
    try:
        with Log(path) as log:
            begin = log.first_time()
    except UnreadableError:
        begin = 0
    return begin, rotation.rank(path.name), str(path)


def _files(path: str) -> list[Path]:
    """Find the files that one path, glob or folder stands for, at least one."""
    if not path:
        raise AdvisorError("''", "is no file name", "name a log, a folder of logs, or - for standard input")
    if path == "-":
        return [_spool(sys.stdin.buffer)]
    if is_journal(path):
        return [journal.collect().path]
    try:
        mode = Path(path).stat().st_mode
    except (OSError, ValueError) as error:
        if found := _glob(path):
            return found
        what = "matches no file" if set(path) & set("*?[") else f"cannot be read: {getattr(error, 'strerror', error)}"
        raise AdvisorError(path, what, "name a log, a folder of logs, or - for standard input") from None
    if stat.S_ISDIR(mode):
        return _folder(Path(path))
    if stat.S_ISREG(mode):
        return [Path(path)]
    try:
        with Path(path).open("rb") as pipe:
            return [_spool(pipe)]
    except OSError as error:
        raise AdvisorError(path, f"cannot be read: {error.strerror}", "name a log, or a folder of logs") from None


def _glob(pattern: str) -> list[Path]:
    """Find the files that a shell would have found."""
    path = Path(pattern)
    try:
        found = [file for file in Path(path.anchor).glob(str(path.relative_to(path.anchor))) if file.is_file()]
    except (OSError, ValueError, NotImplementedError):
        return []
    return sorted(file for file in found if path.name.startswith(".") or not file.name.startswith("."))


def _folder(folder: Path) -> list[Path]:
    """Find the logs in a folder: by their names, or else everything that is not known to be something else."""
    try:
        files = sorted(file for file in folder.iterdir() if not file.name.startswith(".") and file.is_file())
    except OSError as error:
        raise AdvisorError(str(folder), f"cannot be read: {error.strerror}", "check who may read it") from None
    files = [file for file in files if file.suffix not in _NOT_LOGS]
    named = [file for file in files if "mail" in file.name or "postfix" in file.name]
    if not files:
        raise AdvisorError(str(folder), "holds no log", "name the log itself, or the folder it is in")
    return named or files


def _spool(stream: BinaryIO) -> Path:
    return spool.keep(iter(partial(stream.read, BLOCK), b""), "-")
