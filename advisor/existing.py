"""An existing map: its entries, and which of them an attempt would meet, the one that counts first.

Each kind of map is asked as its program asks it: access(5) and cidr_table(5) by advisor.access and advisor.dictionary,
postgrey's files by advisor.whitelist, Whitelist of policyd-spf.conf(5) and IgnoreHosts of opendmarc.conf(5) here
(_spfbypass() of spf_engine; dmarcf_checkhost(), dmarcf_checkip() and dmarcf_loadlist() of opendmarc.c).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from advisor import whitelist
from advisor.access import KEYS, Settings, action
from advisor.dictionary import Dictionary, lines, read
from advisor.errors import AdvisorError
from advisor.restrictions import CATALOGUE

SYNTAXES = {
    "client": "check_client_access", "client cidr": "check_client_access", "helo": "check_helo_access",
    "sender": "check_sender_access", "recipient": "check_recipient_access",
}  # fmt: skip
"""The access tables by the syntax that advisor.exemption.Map names, and what asks them."""
_Row = Mapping[str, Any]


@dataclass(frozen=True)
class Entry:
    """A line of a map: where it stands, what it says, and whether that lets mail through (None: cannot be told)."""

    line: int
    key: str
    value: str
    permits: bool | None


@dataclass(frozen=True)
class Remark:
    """What is odd about one entry: `unused`, `shadowed`, `redundant`, `lets_spam` or `unread`; `text` says it.

    `attempts` are those that the entry answered, or, for lets_spam, the accepted ones that evidence calls unwanted.
    """

    file: str
    line: int
    key: str
    kind: str
    text: str
    attempts: int = 0
    clients: tuple[str, ...] = ()


Hits = Callable[[_Row], list[int]]
"""The numbers of the entries that match, the one that counts first. Raises Unknown where that cannot be told."""


@dataclass(frozen=True)
class Existing:
    """A map that is there: its entries, and which of them an attempt would meet."""

    file: str
    entries: tuple[Entry, ...]
    hits: Hits
    remarks: tuple[Remark, ...] = ()


def opened(file: str, text: str, syntax: str, kind: str = "") -> Existing:
    """Read a map. `syntax` is that of advisor.exemption.Map; `kind` the type of an access table."""
    if syntax in SYNTAXES:
        kind = kind or ("cidr" if syntax.endswith("cidr") else "texthash")
        if kind in ("cidr", "pcre", "regexp"):
            return _ruled(file, text, kind, SYNTAXES[syntax])
        return _indexed(file, text, SYNTAXES[syntax])
    return {
        "postgrey": _postgrey,
        "postgrey recipients": _postgrey_recipients,
        "policyd-spf": _policyd_spf,
        "opendmarc": _opendmarc,
    }[syntax](file, text)


def _permits(value: str) -> bool | None:
    if value.lower() == "permit":
        return True
    told = action(value, Settings())
    return None if told is None else told.word == "permit"


def _asked(check: str, row: _Row) -> list[tuple[str, bool]]:
    keys = KEYS[check](Settings(), *(row[name] for name in CATALOGUE[check].of))
    return [] if keys is None else list(keys)


def _indexed(file: str, text: str, check: str) -> Existing:
    """KEY VALUE; of a key that stands there twice the first counts (dict_db.c, with DICT_FLAG_DUP_WARN)."""
    entries: list[Entry] = []
    places: dict[str, int] = {}
    remarks = []
    for number, line in lines(text):
        key, _, value = (
            line.strip().partition(" ") if "\t" not in line else line.strip().replace("\t", " ").partition(" ")
        )
        value = value.strip()
        if not value:
            remarks.append(Remark(file, number, key, "unread", "no key with a value; Postfix ignores it"))
        elif key.lower() in places:
            first = entries[places[key.lower()]].line
            remarks.append(Remark(file, number, key, "shadowed", f"line {first} has the same key"))
        else:
            places[key.lower()] = len(entries)
            entries.append(Entry(number, key, value, _permits(value)))

    def hits(row: _Row) -> list[int]:
        return [places[key.lower()] for key, _ in _asked(check, row) if key.lower() in places]

    return Existing(file, tuple(entries), hits, tuple(remarks))


def _ruled(file: str, text: str, kind: str, check: str) -> Existing:
    """Rules in their order, each read by itself; `if` and `endif` cannot be."""
    entries: list[Entry] = []
    rules: list[Dictionary] = []
    remarks = []
    before: dict[_Place, Entry] = {}
    for number, line in lines(text):
        key, _, value = line.strip().replace("\t", " ").partition(" ")
        if key.lower() in ("if", "endif") or line.lower().startswith(("if/", "if!")):
            raise AdvisorError(file, f"line {number} is a condition, which is not reviewed", "leave this map out")
        rule = read(kind, file, f"{line}\n")
        if rule.faults:
            remarks.append(Remark(file, number, key, "unread", "cannot be read; see cidr_table(5), pcre_table(5)"))
        else:
            entry = Entry(number, key, value.strip(), _permits(value.strip()))
            if kind == "cidr":
                remarks += _held(file, entry, before)
            entries.append(entry)
            rules.append(rule)

    matching = _in_networks(entries, rules) if kind == "cidr" else _each(rules)

    def hits(row: _Row) -> list[int]:
        return [number for key, whole in _asked(check, row) if whole for number in matching(key)]

    return Existing(file, tuple(entries), hits, tuple(remarks))


Matching = Callable[[str], list[int]]
"""The numbers of the rules that match a key, in their order."""


def _each(rules: Sequence[Dictionary], numbers: Sequence[int] | None = None) -> Matching:
    """Asks one rule after the other, once for each key."""
    asked = range(len(rules)) if numbers is None else numbers

    @lru_cache(maxsize=100_000)
    def matching(key: str) -> list[int]:
        return [number for number in asked if rules[number].find(key) is not None]

    return matching


def _in_networks(entries: Sequence[Entry], rules: Sequence[Dictionary]) -> Matching:
    """Looks an address up in the networks of each length; those behind a `!` are asked one by one."""
    places: dict[tuple[int, int], dict[int, list[int]]] = {}
    others = []
    for number, entry in enumerate(entries):
        network = _network(entry.key)
        if network is None:
            others.append(number)
        else:
            found = places.setdefault((network.version, network.max_prefixlen - network.prefixlen), {})
            found.setdefault(int(network.network_address) >> (network.max_prefixlen - network.prefixlen), []).append(
                number
            )
    rest = _each(rules, others)

    @lru_cache(maxsize=100_000)
    def matching(key: str) -> list[int]:
        address = address_of(key)
        if address is None:
            return []
        held = [
            number
            for (version, bits), found in places.items()
            if version == address.version
            for number in found.get(int(address) >> bits, ())
        ]
        return sorted([*held, *(rest(key) if others else [])])

    return matching


_Place = tuple[int, int, int]
"""A network: its version, its length, and the bits of its prefix."""


def _held(file: str, entry: Entry, before: dict[_Place, Entry]) -> Iterator[Remark]:
    """A network within one of a line before it: never reached, whatever comes. It is added to those before."""
    own = _network(entry.key)
    if own is None:
        return
    number, longest = int(own.network_address), own.max_prefixlen
    above = ((own.version, length, number >> (longest - length)) for length in range(own.prefixlen + 1))
    other = min((before[place] for place in above if place in before), key=lambda one: one.line, default=None)
    if other is not None:
        yield Remark(file, entry.line, entry.key, "shadowed", f"line {other.line} ({other.key}) holds all of it")
    before.setdefault((own.version, own.prefixlen, number >> (longest - own.prefixlen)), entry)


def _network(text: str) -> Any:  # noqa: ANN401 - either version
    try:
        return ip_network(text.strip("[]"))
    except ValueError:
        return None


def _listed(file: str, found: Iterable[tuple[int, str]], matches: Callable[[str], Callable[[_Row], bool]]) -> Existing:
    """Entries without a value, each of which lets through what it matches."""
    entries: list[Entry] = []
    tests: list[Callable[[_Row], bool]] = []
    for number, key in found:
        entries.append(Entry(number, key, "", permits=True))
        tests.append(matches(key))
    return Existing(file, tuple(entries), lambda row: [number for number, test in enumerate(tests) if test(row)])


def _plain(text: str) -> list[tuple[int, str]]:
    """The lines that hold something before a '#'."""
    found = ((number, line.partition("#")[0].strip()) for number, line in enumerate(text.split("\n"), 1))
    return [(number, line) for number, line in found if line]


def _postgrey(file: str, text: str) -> Existing:
    def matches(key: str) -> Callable[[_Row], bool]:
        one = whitelist.clients({file: key.encode("utf-8", "surrogateescape")})

        def test(row: _Row) -> bool:
            packed = whitelist.packed(row["client_address"] or "")
            return one.has_name(row["client_name"] or "") or (packed is not None and one.has_address(packed))

        return test

    return _listed(file, _plain(text), matches)


def _postgrey_recipients(file: str, text: str) -> Existing:
    def matches(key: str) -> Callable[[_Row], bool]:
        one = whitelist.recipients({file: key.encode("utf-8", "surrogateescape")})
        return lambda row: bool(row["recipient"]) and one.has(row["recipient"])

    return _listed(file, _plain(text), matches)


def _policyd_spf(file: str, text: str) -> Existing:
    """The networks of the last line with Whitelist. One that cannot be read lets everybody pass (_spfbypass)."""
    found: list[tuple[int, str]] = []
    for number, line in _plain(text):
        name, equals, value = (part.strip() for part in line.partition("="))
        if name == "Whitelist" and equals:
            found = [(number, network) for network in value.split(",")]

    def matches(key: str) -> Callable[[_Row], bool]:
        network = _network(key)
        return lambda row: network is None or _in(row["client_address"], network)

    return _listed(file, found, matches)


def _opendmarc(file: str, text: str) -> Existing:
    """Names and addresses to the letter, .domain for the hosts below, networks; `!` before one excepts it."""

    def matches(key: str) -> Callable[[_Row], bool]:
        network, low = _network(key), key.lower()

        def test(row: _Row) -> bool:
            name = (row["client_name"] or "").lower()
            named = name == low or (low.startswith(".") and name.endswith(low))
            return named or (network is not None and _in(row["client_address"], network))

        return test

    found = [(number, line.split()[0]) for number, line in _plain(text)]
    refused = [key for _, key in found if key.startswith("!")]
    if refused:
        raise AdvisorError(file, f"{refused[0]} is an exception, which is not reviewed", "leave this map out")
    return _listed(file, found, matches)


def _in(text: str | None, network: Any) -> bool:  # noqa: ANN401 - either version
    address = address_of(text)
    return address is not None and address in network


@lru_cache(maxsize=100_000)
def address_of(text: str | None) -> IPv4Address | IPv6Address | None:
    """The address that a text is; None for what is none."""
    try:
        return None if text is None or "%" in text else ip_address(text)
    except ValueError:
        return None
