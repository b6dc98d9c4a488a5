"""A map file: whether a table that main.cf names is there, and whether what postmap made of it is still its source.

Source: DATABASE_README; dict_db.c and dict_lmdb.c, which warn of a database older than its source and go on with it.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from advisor.entry import LISTS, Entry, words
from advisor.errors import AdvisorError
from advisor.postconf import Postconf
from advisor.setting import logical_lines

BUILT = {
    "hash": ".db", "btree": ".db", "lmdb": ".lmdb", "cdb": ".cdb", "dbm": ".pag", "sdbm": ".pag",
}  # fmt: skip
"""The types that postmap makes a file of, and how that file's name ends."""
TEXTS = ("texthash", "cidr", "regexp", "pcre")
"""The types that are read as they were written, and need no postmap."""


@dataclass(frozen=True)
class MapFile:
    """A table as it lies on the disk: when its source and what postmap made of it were written (seconds, Unix time).

    `table` is how main.cf spells it, `source` and `built` are None where there is no such file. `needs_postmap` tells
    which of the two Postfix opens; `only_ok`: the source is there, and all its entries say OK. `text` is the source.
    """

    table: str
    needs_postmap: bool
    source: float | None
    built: float | None
    only_ok: bool = False
    text: str = ""

    @property
    def missing(self) -> bool:
        """Whether the file that Postfix opens is not there: it then answers 451 to all who are looked up."""
        return (self.built if self.needs_postmap else self.source) is None

    @property
    def nowhere(self) -> bool:
        """Whether neither the source nor what postmap made of it is there."""
        return self.source is None and self.built is None

    @property
    def stale(self) -> bool:
        """Whether the source was written after postmap ran last."""
        return self.needs_postmap and None not in (self.source, self.built) and (self.source or 0) > (self.built or 0)


def tables_of(config: Postconf, folder: Path) -> dict[str, MapFile]:
    """Look for the tables of all lists in the folder that the configuration was read from, or that Postfix reads.

    A copy without master.cf is taken for one without its maps: then of a table that is not in it nothing is known. A
    list that cannot be read is left to Postconf.problems().
    """
    entries: list[Entry] = []
    for parameter in LISTS:
        with suppress(AdvisorError):
            entries += config.entries(parameter)
    directory = config.value("config_directory")
    whole = folder == Path(directory) or (folder / "master.cf").exists()
    found = look(entries, folder, directory)
    return {table: file for table, file in found.items() if whole or not file.nowhere}


def look(entries: Iterable[Entry], folder: Path, config_directory: str = "/etc/postfix") -> dict[str, MapFile]:
    """Look for the tables that check_..._access entries name, by how they are spelled.

    `folder` stands for the configuration directory. Only what lies in that is looked at: of another machine's tables
    elsewhere nothing is known, and they are left out.
    """
    found: dict[str, MapFile] = {}
    for table in dict.fromkeys(entry.argument for entry in entries if entry.name.startswith("check_")):
        kind, _, name = table.removeprefix("proxy:").partition(":")
        path = Path(name)
        if (kind in BUILT or kind in TEXTS) and path.is_absolute() and path.is_relative_to(config_directory):
            here = folder / path.relative_to(config_directory)
            built = _written(Path(f"{here}{BUILT[kind]}")) if kind in BUILT else None
            text = _text(here)
            found[table] = MapFile(table, kind in BUILT, _written(here), built, _only_ok(text), text)
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _only_ok(text: str) -> bool:
    """Whether all entries of a table's source permit: `OK`, or a number (access(5))."""
    actions = [words(line.text)[1:2] for line in logical_lines(text)]
    return bool(actions) and all(action and (action[0].upper() == "OK" or action[0].isdecimal()) for action in actions)


def _written(path: Path) -> float | None:
    try:
        return path.stat().st_mtime
    except OSError:
        return None
