"""A shelf: the access tables that restriction lists name, opened for reading.

The only place that reads them: everything right of it is given what was read. hash, btree and lmdb files are dumped by
this machine's postmap, once each (`postmap -s`); a cdb file, which postmap cannot dump, is read here. What would have
to be asked over a network or a socket (ldap, mysql, pgsql, tcp, proxy and others) is never asked.
"""

import os
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from advisor.dictionary import PLAIN, TEXTS, Dictionary, entries, read
from advisor.entry import Entry
from advisor.errors import AdvisorError

DUMPED = ("hash", "btree", "lmdb")
"""Types that postmap dumps."""
_SUFFIX = {"hash": ".db", "btree": ".db", "lmdb": ".lmdb", "cdb": ".cdb"}


@dataclass(frozen=True)
class Shelf:
    """Tables by how they were spelled (`texthash:/etc/postfix/helo`), and what is wrong with those not there."""

    tables: dict[str, Dictionary] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def stocked(lists: Iterable[Entry], folder: Path | None = None, config_directory: str = "/etc/postfix") -> Shelf:
    """Open the tables that check_..._access entries name.

    A table of the configuration directory is looked for in `folder`, where the configuration was read, first. A table
    that is not there or cannot be read is a note, and of it there is no evidence.
    """
    tables: dict[str, Dictionary] = {}
    notes: list[str] = []
    for argument in dict.fromkeys(entry.argument for entry in lists if entry.name.startswith("check_")):
        kind, _, name = argument.partition(":")
        if not name or argument.startswith("unix:") or kind == "inet":
            continue
        try:
            table = _opened(kind, name, _place(name, folder, config_directory))
        except AdvisorError as error:
            notes.append(str(error))
            continue
        if table is None:
            notes.append(f"{argument} is not asked: no evidence of what it says")
        else:
            tables[argument] = table
            notes += table.faults
    return Shelf(tables, tuple(notes))


def _place(name: str, folder: Path | None, config_directory: str) -> Path:
    path = Path(name)
    if folder is not None and path.is_relative_to(config_directory):
        moved = folder / path.relative_to(config_directory)
        if any(Path(f"{moved}{suffix}").exists() for suffix in ("", *_SUFFIX.values())):
            return moved
    return path


def _opened(kind: str, name: str, path: Path) -> Dictionary | None:
    """A table; None of a type that is not asked."""
    if kind in PLAIN:
        return read(kind, name)
    if kind in TEXTS:
        try:
            text = path.read_bytes().decode("utf-8", "surrogateescape")
        except OSError as error:
            raise AdvisorError(f"{kind}:{path}", f"cannot be read ({error.strerror})", "look for it there") from error
        return read(kind, str(path), text)
    if kind in DUMPED:
        return _dumped(kind, path)
    return _cdb(path) if kind == "cdb" else None


def _dumped(kind: str, path: Path) -> Dictionary:
    """What postmap says the file holds. It needs some main.cf, and it is not to use one that might name more."""
    where = f"{kind}:{path}"
    if not Path(f"{path}{_SUFFIX[kind]}").exists():
        raise AdvisorError(where, f"there is no {path}{_SUFFIX[kind]}", f"make it with: postmap {where}")
    program = shutil.which("postmap") or shutil.which("postmap", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        raise AdvisorError(where, "cannot be read without postmap", "run this where Postfix is installed")
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "main.cf"
        settings.touch()
        # Postfix waits two seconds for a file that may still be written to.
        os.utime(settings, (0, 0))
        try:
            # S603: the program is Postfix's own, and no shell reads the name of the file
            told = subprocess.run(  # noqa: S603
                [program, "-c", folder, "-s", where], capture_output=True, check=False, timeout=60
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise AdvisorError(where, f"cannot be read by postmap ({error})", "try: postmap -s " + where) from error
    if told.returncode:
        said = told.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise AdvisorError(where, f"postmap cannot read it ({said})", "install the type for Postfix, or use texthash")
    pairs = (line.partition("\t") for line in told.stdout.decode("utf-8", "surrogateescape").splitlines())
    return entries({key: value for key, _, value in pairs})


def _cdb(path: Path) -> Dictionary:
    """The records of a cdb file: they lie between its header of 2048 bytes and its first hash table."""
    try:
        data = Path(f"{path}.cdb").read_bytes()
        tables = struct.unpack_from("<512I", data)[::2]
        found: dict[str, str] = {}
        at, end = 2048, min(tables)
        while at < end:
            key_length, value_length = struct.unpack_from("<II", data, at)
            key, value = struct.unpack_from(f"{key_length}s{value_length}s", data, at + 8)
            at += 8 + key_length + value_length
            # Postfix may have written the zero byte behind each.
            name = key.removesuffix(b"\0").decode("utf-8", "surrogateescape")
            found.setdefault(name, value.removesuffix(b"\0").decode("utf-8", "surrogateescape"))
    except OSError as error:
        raise AdvisorError(f"cdb:{path}", f"cannot be read ({error.strerror})", "look for it there") from error
    except struct.error as error:
        raise AdvisorError(f"cdb:{path}", "is no cdb file", f"make it with: postmap cdb:{path}") from error
    return entries(found)
