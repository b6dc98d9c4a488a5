"""A clearance: the allowlist that a question asks for: which hosts a map has to let through, and what it holds now."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from advisor.admission import left_over
from advisor.allowlists import MAPS
from advisor.dictionary import TEXTS
from advisor.entry import Entry, parse_list, suggest
from advisor.errors import AdvisorError
from advisor.exemption import Exemption, Map, clean, comment
from advisor.existing import SYNTAXES, Existing, Remark, opened
from advisor.footprint import Footprint, footprints
from advisor.postconf import Postconf
from advisor.question import Greylisting, Question
from advisor.restrictions import CATALOGUE
from advisor.review import holds, review

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SCHEMA = 1
"""The number of the JSON form; it grows when a key changes its meaning or goes."""
_BEYOND = frozenset({"smtpd_helo_required", "opendmarc", "opendmarc_required_headers", "postscreen_dnsbl_action"})
# hash and its like are made of a text of the same name; the text is what people edit
_MADE = ("hash", "btree", "lmdb", "cdb", "dbm", "sdbm")
_LEFT = 5
_LONGEST = 200
_WHITELIST = "Whitelist = "


@dataclass(frozen=True)
class Allowlist:
    """A map: its entries, what stands in the maps there are, and the wanted clients that no entry holds.

    `restrictions` are those asked about. `held` counts the wanted clients that an existing map lets through already;
    `database` is default_database_type, '' where it is not known; `kept` is what a line of Whitelist holds already.
    """

    map: Map
    restrictions: tuple[str, ...]
    entries: tuple[Exemption, ...]
    remarks: tuple[Remark, ...]
    left_over: tuple[str, ...]
    held: int
    notes: tuple[str, ...]
    database: str = ""
    kept: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """The map, ready for its file."""
        kept = "".join(f"{network}," for network in self.kept)
        body = [
            _WHITELIST + kept + line.removeprefix(_WHITELIST) if line.startswith(_WHITELIST) else line
            for line in self.map.written(self.entries)
        ]
        head = [text.replace("{type}", self.database or "hash") for text in self.map.head]
        if head != [*self.map.head] and not self.database:
            head.append("hash, unless `postconf -h default_database_type` says another.")
        head.append(f"Lets through wanted mail that is else turned away by: {', '.join(self.restrictions)}.")
        return (*comment(*head), *body, *self._rest())

    def _rest(self) -> "Iterator[str]":
        if not self.entries:
            yield from comment("No wanted mail would be refused that this map could let through.")
        if self.held:
            yield from comment(f"{self.held} wanted clients are let through by an entry there is.")
        if self.left_over:
            some = ", ".join(clean(text) for text in self.left_over[:_LEFT])
            more = f" and {len(self.left_over) - _LEFT} more" if len(self.left_over) > _LEFT else ""
            yield from comment(f"No safe key here for {some}{more}; see client_access.")
        for remark in self.remarks:
            yield from comment(
                f"{clean(remark.file)} line {remark.line} ({clean(remark.key)}): {clean(remark.text, _LONGEST)}"
            )
        for note in self.notes:
            yield from comment(clean(note, _LONGEST))

    def json(self) -> str:
        """The same for programs; text from the log stands there as logged, in ASCII."""
        found = {
            "schema": SCHEMA,
            "map": self.map.name,
            "path": self.map.path,
            "restrictions": list(self.restrictions),
            "entries": [_plain(asdict(entry)) for entry in self.entries],
            "lines": list(self.lines),
            "existing": [asdict(remark) for remark in self.remarks],
            "held": self.held,
            "left_over": list(self.left_over),
            "notes": list(self.notes),
        }
        return json.dumps(found, indent=2, ensure_ascii=True) + "\n"


def _plain(entry: dict[str, Any]) -> dict[str, Any]:
    times = {name: entry[name] and entry[name].isoformat() for name in ("first_seen", "last_seen")}
    return entry | times


def allowlist(
    *files: str | Path,
    map: str = "client_access",  # noqa: A002 - as the command's option is called
    restrictions: str | None = None,
    existing: "Iterable[Path]" = (),
    **options: Any,  # noqa: ANN401 - the fields of Question
) -> Allowlist:
    """Which hosts to let through, as the lines of a map (client_access, postgrey, ...; see advisor.allowlists).

    `restrictions` are asked about instead of those that the map is usually for, spelled as in main.cf; `existing` are
    files of that kind to review.
    """
    return clear(Question(files, **options), map, restrictions, existing)


def clear(
    question: Question,
    name: str,
    restrictions: str | None = None,
    existing: "Iterable[Path]" = (),
    greylisting: Greylisting | None = None,
) -> Allowlist:
    """Make the map of this name. Raises AdvisorError where the map cannot excuse from what is asked about."""
    chosen = _map(name)
    asked = _asked(chosen, restrictions)
    simulation = question.simulate(", ".join(str(entry) for entry in asked), greylisting, here=True)
    weighed: pa.Table = question.weighed
    frame = simulation.rows().to_native().to_arrow_table().append_column("reasons", weighed["reasons"])
    history = footprints(frame, [one.restriction.name for one in simulation.asked], question.domains)
    maps, notes = _maps(question, chosen, existing)
    held = {value for value, found in history.clients.items() if found.wanted and _held(found, maps, chosen)}
    history = replace(history, clients={key: found for key, found in history.clients.items() if key not in held})
    entries = tuple(chosen.keys(history))
    return Allowlist(
        map=chosen,
        restrictions=tuple(dict.fromkeys(str(entry) for entry in asked)),
        entries=entries,
        remarks=tuple(remark for one in maps for remark in review(one, weighed)),
        left_over=tuple(found.value for found in left_over(history, entries)),
        held=len(held),
        notes=(*simulation.notes, *notes),
        kept=tuple(_networks(maps)) if chosen.existing == "policyd-spf" else (),
        database=question.configuration.database_type() if question.configuration is not None else "",
    )


def _map(name: str) -> Map:
    if name not in MAPS:
        near = suggest(name, MAPS)
        raise AdvisorError("--map", f"there is no map '{name}'", f"did you mean {near}?" if near else ", ".join(MAPS))
    return MAPS[name]


def _asked(chosen: Map, text: str | None) -> tuple[Entry, ...]:
    """The restrictions asked about, that the map can excuse from."""
    entries = tuple(parse_list(", ".join(chosen.asked) if text is None else text))
    for entry in entries:
        wrong = entry.name in _BEYOND if not chosen.exempts else entry.name not in chosen.exempts
        if wrong or (entry.name in CATALOGUE and CATALOGUE[entry.name].permits):
            fits = [found.name for found in MAPS.values() if entry.name in found.exempts]
            todo = f"use --map {fits[0]}" if fits else "name a restriction that refuses mail"
            raise AdvisorError("--for", f"the map {chosen.name} cannot excuse from {entry.name}", todo)
    if not entries:
        raise AdvisorError("--for", "names no restriction", "write for example --for reject_unknown_client_hostname")
    return entries


def _held(found: Footprint, maps: Sequence[Existing], chosen: Map) -> bool:
    """Whether a map of this kind that is there lets the client through, whatever name it comes with."""
    if chosen.existing not in ("client", "client cidr", "postgrey", "policyd-spf", "opendmarc"):
        return False
    return any(
        all(holds(one, {"client_address": found.value, "client_name": name or "unknown"}) for name in found.names)
        for one in maps
    )


def _maps(question: Question, chosen: Map, files: "Iterable[Path]") -> tuple[list[Existing], list[str]]:
    """The maps to review: the files named, and those that check_..._access entries of the configuration name."""
    maps = [opened(str(file), _text(file), chosen.existing) for file in files]
    notes: list[str] = []
    config = question.configuration
    check = SYNTAXES.get(chosen.existing)
    if config is not None and check is not None and not maps and not chosen.exempts:
        for table in _tables(config, check):
            kind, _, path = table.partition(":")
            if kind not in (*TEXTS, *_MADE):
                notes.append(f"{table} is not reviewed: its entries are not in a file of text")
                continue
            place = _place(Path(path), question.config, config)
            try:
                maps.append(opened(str(place), _text(place), chosen.existing, kind if kind in TEXTS else "texthash"))
            except AdvisorError as error:
                notes.append(str(error))
    return maps, notes


def _networks(maps: Sequence[Existing]) -> "Iterator[str]":
    """The networks of a line of Whitelist that can be read; another would let everybody pass."""
    for entry in dict.fromkeys(entry.key for one in maps for entry in one.entries):
        try:
            yield str(ip_network(entry)) if "/" in entry else str(ip_address(entry))
        except ValueError:
            continue


def _tables(config: Postconf, check: str) -> list[str]:
    entries = [entry for found in config.lists().values() for entry in found]
    return list(dict.fromkeys(entry.argument.removeprefix("proxy:") for entry in entries if entry.name == check))


def _place(path: Path, config: Path | None, settings: Postconf) -> Path:
    """A file of the configuration directory is looked for beside the main.cf that was read, first."""
    directory = settings.value("config_directory") or "/etc/postfix"
    if config is not None and path.is_relative_to(directory):
        moved = (config if config.is_dir() else config.parent) / path.relative_to(directory)
        if moved.exists():
            return moved
    return path


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8", "surrogateescape")
    except OSError as error:
        raise AdvisorError(str(file), f"cannot be read ({error.strerror})", "name a file that is there") from error
