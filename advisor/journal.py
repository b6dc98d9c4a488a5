"""The journal of systemd: its export format as log lines, and what journalctl tells of the mail system.

Sources: systemd.io/JOURNAL_EXPORT_FORMATS, systemd.journal-fields(7), journalctl(1).
"""

import hashlib
import re
import subprocess
import tempfile
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache, partial
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from advisor import spool
from advisor.errors import AdvisorError

NAME = "journal"
"""What stands for the journal where a file's name is asked for."""

MAGIC = b"__CURSOR="
"""How an export begins, and every entry in it."""

LARGEST = 16 << 20
"""Bytes of an entry that is waited for; what is longer is no entry, or none of a mail system."""

MATCHES = ("SYSLOG_FACILITY=2", "+", "_SYSTEMD_UNIT=postfix.service", "_SYSTEMD_UNIT=postfix@-.service")
"""The mail facility, to which Postfix and its policy services log, and Postfix where syslog_facility is another one."""

_FIELDS = (
    b"__CURSOR",
    b"__REALTIME_TIMESTAMP",
    b"_MACHINE_ID",
    b"_HOSTNAME",
    b"SYSLOG_IDENTIFIER",
    b"_COMM",
    b"SYSLOG_PID",
    b"_PID",
    b"MESSAGE",
)
_CURSOR, _TIME, _MACHINE, _HOST, _IDENTIFIER, _COMM, _SYSLOG_PID, _PID, _MESSAGE = _FIELDS
_NEXT = b"\n\n" + MAGIC
_DAMAGED = b""
_SHOWN = 1 << 12
_CHUNK = 1 << 18
_TODO = "be root or in the group systemd-journal, or name a log"

# MESSAGE, before the length of a value with control characters
_BINARY = re.compile(rb"[A-Z_][A-Z0-9_]{0,63}\Z")
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_ESCAPES = {bytes([byte]): b"#%03o" % byte for byte in (*range(0x20), 0x7F)}


class Entry(NamedTuple):
    """The fields of an entry; not `whole` where the export ends within it."""

    fields: dict[bytes, bytes]
    whole: bool = True


@dataclass(frozen=True)
class Journal:
    """Entries of a journal as the lines of a file, the cursor of the last, and whose journal it is.

    `cursor` is the one that was continued after where nothing new came. `identity` has 16 hex digits.
    """

    path: Path
    cursor: str | None
    identity: str

    def close(self) -> None:
        """Give up the file."""
        spool.drop(self.path)


def lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Convert an export: every chunk to the lines of the entries that end in it; a last half entry has no newline.

    2026-11-22T12:00:09.123456+00:00 mx1 postfix/smtpd[695]: connect from mail.good.example[203.0.113.10]
    """
    for found in _entries(chunks):
        yield b"".join(line(entry) for entry in found)


def entries(chunks: Iterable[bytes], after: str | None = None) -> Iterator[Entry]:
    """Read the entries of an export; where it begins with the one whose cursor is `after`, those that follow it.

    A damaged entry has no time among its fields.
    """
    found = chain.from_iterable(_entries(chunks))
    for entry in found:
        if after is None or entry.fields.get(_CURSOR) != after.encode():
            yield entry
        break
    yield from found


def line(entry: Entry) -> bytes:
    """Write an entry as rsyslog would; a damaged one becomes a line that no program is known by."""
    fields, whole = entry
    try:
        second, fraction = divmod(int(fields[_TIME]), 1_000_000)
        begin = _second(second)
    except (KeyError, ValueError, OverflowError, OSError):
        shown = b" ".join(name + b"=" * bool(name) + value for name, value in fields.items())
        text = b"damaged journal entry: " + shown[:_SHOWN]
    else:
        name = fields.get(_IDENTIFIER) or fields.get(_COMM, b"unknown")
        pid = fields.get(_SYSLOG_PID) or fields.get(_PID)
        tag = b"%s[%s]" % (name, pid) if pid else name
        text = b"%s.%06d+00:00 %s %s: %s" % (begin, fraction, fields.get(_HOST, b"-"), tag, fields.get(_MESSAGE, b""))
    if _CONTROL.search(text):
        # Not sub(): a million newlines would be a million pieces.
        for control, escape in _ESCAPES.items():
            text = text.replace(control, escape)
    return text + b"\n" if whole else text


@lru_cache(maxsize=16)
def _second(second: int) -> bytes:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S").encode()


def _entries(chunks: Iterable[bytes]) -> Iterator[list[Entry]]:
    """Take the entries out of each chunk that end in it."""
    rest = b""
    for chunk in chunks:
        data, at, found = rest + chunk, 0, []
        while taken := _take(data, at):
            entry, at = taken
            found.append(entry)
        rest = data[at:]
        yield found
    yield list(_last_entries(rest))


def _last_entries(rest: bytes) -> Iterator[Entry]:
    """Read what an export ends with: half an entry, or a damaged one that seemed to go on, and those after it."""
    data, at, last = rest + b"\n\n", 0, len(rest.rstrip(b"\n"))
    while at < last:
        if taken := _take(data, at):
            entry, at = taken
            yield entry._replace(whole=at <= len(rest))
        else:
            end = data.find(_NEXT, at)
            yield Entry({_DAMAGED: data[at:end][:_SHOWN]}, whole=end >= 0)
            at = end if end >= 0 else last


def _take(data: bytes, at: int) -> tuple[Entry, int] | None:
    """Read the entry that begins there, and where it ends; None while it may go on."""
    while data[at : at + 1] == b"\n":
        at += 1
    end = data.find(b"\n\n", at)
    if end < 0:
        return None if len(data) - at < LARGEST else _damaged(data, at)
    if data.find(b"\n" + MAGIC, at, end) >= 0:
        return _take_binary(data, at)
    try:
        return Entry(dict(field.split(b"=", 1) for field in data[at:end].split(b"\n"))), end + 2
    except ValueError:
        # A value with control characters; the empty line that was found may be in it.
        return _take_binary(data, at)


def _take_binary(data: bytes, begin: int) -> tuple[Entry, int] | None:
    """Read an entry with fields of the binary form: a name, a newline, 64 bits of length, the value, a newline."""
    fields: dict[bytes, bytes] = {}
    at = begin
    while (end := data.find(b"\n", at)) > at:
        name, text, value = data[at:end].partition(b"=")
        at = end + 1
        if not text:
            if len(data) < at + 8:
                return None
            end = at + 8 + int.from_bytes(data[at : at + 8], "little")
            if not _BINARY.match(name) or end - begin > LARGEST or data[end : end + 1] not in (b"\n", b""):
                return _damaged(data, begin)
            value, at = data[at + 8 : end], end + 1
        if name == _CURSOR and fields:
            # Two that have become one.
            return _damaged(data, begin)
        fields[name] = value
    return (Entry(fields), at + 1) if end == at else None


def _damaged(data: bytes, at: int) -> tuple[Entry, int] | None:
    """Go on where the next entry begins; None while it may still come."""
    end = data.find(_NEXT, at)
    if end < 0:
        if len(data) - at < LARGEST:
            return None
        end = len(data)
    return Entry({_DAMAGED: data[at : min(end, at + _SHOWN)]}), end


def identity(command: Sequence[str] = ("journalctl",)) -> str:
    """Tell whose journal journalctl shows, in 16 hex digits that do not give away the machine id."""
    found = list(entries(_exported(command, "--lines=1")))
    return _hash(found[0].fields.get(_MACHINE, b"") if found else b"")


def collect(after: str | None = None, command: Sequence[str] = ("journalctl",)) -> Journal:
    """Keep what the mail system told the journal, or what is new in it since the entry whose cursor is `after`.

    AdvisorError where journalctl is missing or fails, and where it shows nothing at all.
    """
    machine, cursor = b"", after

    def kept(chunks: Iterable[bytes]) -> Iterator[bytes]:
        nonlocal machine, cursor
        for entry in entries(chunks, after):
            machine = machine or entry.fields.get(_MACHINE, b"")
            cursor = entry.fields.get(_CURSOR, b"").decode() or cursor
            yield line(entry)
        if cursor is None:
            raise AdvisorError(NAME, "shows no line of a mail system", _TODO)

    # Not --after-cursor: once that entry is vacuumed, it leaves out the oldest that there is (systemd 252).
    options = () if after is None else (f"--cursor={after}",)
    with closing(_exported(command, *options, *MATCHES)) as chunks:
        path = spool.keep(kept(chunks), NAME)
    return Journal(path, cursor, _hash(machine) if machine else identity(command))


def _hash(machine: bytes) -> str:
    return hashlib.sha256(machine).hexdigest()[:16]


def _exported(command: Sequence[str], *options: str) -> Generator[bytes, None, None]:
    """Run journalctl and hand over what it writes; AdvisorError where it cannot be run, or fails in the end."""
    fields = b",".join(_FIELDS).decode()
    words = [*command, "--quiet", "--all", "--output=export", f"--output-fields={fields}", *options]
    with tempfile.TemporaryFile() as complaints:
        try:
            # S603: the command is ours, and no shell reads it
            running = subprocess.Popen(  # noqa: S603
                words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=complaints, bufsize=0, pipesize=_CHUNK
            )
        except (FileNotFoundError, PermissionError) as error:
            what = f"{command[0]} cannot be run: {error.strerror}"
            raise AdvisorError(NAME, what, "name a log, or its folder") from None
        with running:
            assert running.stdout is not None
            yield from iter(partial(running.stdout.read, _CHUNK), b"")
        if running.returncode:
            complaints.seek(0)
            said = complaints.read().decode(errors="replace").strip().splitlines() or ["it says nothing"]
            raise AdvisorError(NAME, f"{command[0]} failed: {said[-1]}", _TODO)
