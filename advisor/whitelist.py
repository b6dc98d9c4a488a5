"""A whitelist: the clients or the recipients that postgrey never greylists, read as postgrey 1.37 reads its files.

Its source is followed to the letter, oddities included: `1.2` stands for 1.2.0.0/24, whatever the manual says, an
address with leading zeros is octal, and an IPv6 network may hold IPv4 clients (`::/0` holds everything), since
NetAddr::IP keeps both in 128 bits. What postgrey passes over, with a warning or without, stands in `ignored`.
"""

import re
import socket
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from advisor.errors import AdvisorError

LONGEST = 512
"""postgrey cuts off each attribute after so many bytes (mux_input)."""

# /^smtp\d+\.mail\.example$/
_PATTERN = re.compile(rb"/(\S+)/")
# 192.0.2.1 or 192.0.2.0/24
_IPV4 = re.compile(rb"(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})(?:/(\d{1,2}))?")
# 192.0.2 or 192.0
_PARTIAL = re.compile(rb"\d{1,3}\.\d{1,3}(?:\.\d{1,3})?")
# whatever has two colons
_IPV6_LIKE = re.compile(rb".*:.*:.*")
# 2001:db8::/32; not with a colon too many, of which NetAddr::IP makes something of its own
_IPV6 = re.compile(rb"(?!:[^:])([0-9A-Fa-f:.]+)(?<![^:]:)(?:/(\d{1,3}))?")
# the zero of ::012.0.0.1
_ZEROS = re.compile(rb"(?<![0-9A-Fa-f])0{1,2}(?=\d{1,2}\.)|(?<=\.)0{1,2}(?=\d{1,2}(?!\d))")
# letters that no IPv6 address has, such as those of tcp:host:25
_NO_IPV6 = re.compile(rb"(?=.*[g-z_])[0-9a-z:._/-]+", re.IGNORECASE)
# ^smtp and so on: what it matches begins with an s; not ^s?, ^s*, ^s{0}, nor what has an alternative
_BEGINNING = re.compile(rb"\^([A-Za-z0-9])(?![?*{])[^|]*")
# one step of a Perl pattern outside a class; what is not here may mean something else in Python
_STEP = re.compile(
    rb"\\(?:[dDwWsSbBAZtnrf]|x[0-9A-Fa-f]{2}|[1-9](?!\d)|[^0-9A-Za-z])"
    rb"|\((?:\?(?::|=|!|<=|<!|>|[ims]+:|-[ims]+:))?(?!\?)|\{\d+(?:,\d*)?\}|[^\\(\[{]|\{(?![\d,])"
)
# a class: [0-9a-f], []x], [^\d]; without [:names:] and doubled signs, which Python may come to read as something else
_CLASS = re.compile(rb"\[\^?\]?(?:\\(?:[dDwWsStnrf]|x[0-9A-Fa-f]{2}|[^0-9A-Za-z])|(?!--|&&|~~|\|\|)[^\]\\\[])*\]")

Network = tuple[int, int]
"""A mask and a network, of 128 bits."""


def _perl(text: bytes, where: str) -> re.Pattern[bytes]:
    """Read a pattern of Perl's that means the same in Python; AdvisorError for any other."""
    place = 0
    while place < len(text):
        step = _CLASS.match(text, place) if text[place] == ord("[") else _STEP.match(text, place)
        if step is None:
            break
        place = step.end()
    else:
        try:
            return re.compile(text, re.IGNORECASE)
        except (re.error, OverflowError):
            pass  # told below
    shown = text.decode("ascii", "backslashreplace")
    raise AdvisorError(where, f"the pattern /{shown}/ cannot be read", "write it with plainer signs, or take it out")


class Patterns:
    """Patterns of which one must be found; those that say how a text begins are looked up by that."""

    def __init__(self, patterns: Iterable[re.Pattern[bytes]]) -> None:
        """Sort them by their first character."""
        self._anywhere: list[re.Pattern[bytes]] = []
        self._by_first: dict[bytes, list[re.Pattern[bytes]]] = {}
        for pattern in patterns:
            beginning = _BEGINNING.fullmatch(pattern.pattern)
            found = self._by_first.setdefault(beginning[1].lower(), []) if beginning else self._anywhere
            found.append(pattern)

    def found(self, text: bytes) -> bool:
        """Whether one of them is found in a text."""
        return any(pattern.match(text) for pattern in self._by_first.get(text[:1].lower(), ())) or any(
            pattern.search(text) for pattern in self._anywhere
        )


def _ends(text: bytes, separators: bytes) -> Iterator[bytes]:
    """What stands behind each separator."""
    for place, sign in enumerate(text):
        if sign in separators:
            yield text[place + 1 :]


def packed(text: str) -> bytes | None:
    """The 4 or 16 bytes of an address; None for what is none."""
    try:
        return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)
    except (OSError, ValueError):
        return None


@dataclass(frozen=True)
class Clients:
    """The clients never greylisted: `domains` with their hosts, `patterns` of names, `networks` of 128 bits.

    `masks` are those of the networks, `names` says whether any entry is about a name, `ignored` is passed over.
    """

    domains: frozenset[bytes] = frozenset()
    patterns: Patterns = field(default_factory=lambda: Patterns(()))
    networks: frozenset[Network] = frozenset()
    ignored: tuple[str, ...] = ()
    masks: frozenset[int] = frozenset()
    names: bool = False

    def has_name(self, name: str) -> bool:
        """Whether a client of this verified name is on it."""
        text = name.encode()[:LONGEST]
        low = text.lower()
        ends = low in self.domains or any(end in self.domains for end in _ends(low, b"."))
        return ends or self.patterns.found(text)

    def has_address(self, address: bytes) -> bool:
        """Whether a client of this address is on it."""
        number = int.from_bytes(address)
        return any((mask, number & mask) in self.networks for mask in self.masks)


@dataclass(frozen=True)
class Recipients:
    """The recipients whose mail is never greylisted: `users` anywhere, `addresses`, `domains` and their subdomains."""

    users: frozenset[bytes] = frozenset()
    addresses: frozenset[tuple[bytes, bytes]] = frozenset()
    domains: frozenset[bytes] = frozenset()
    patterns: Patterns = field(default_factory=lambda: Patterns(()))
    ignored: tuple[str, ...] = ()

    def has(self, recipient: str) -> bool:
        """Whether this address is on it; `user+extension` counts as `user`."""
        text = recipient.encode()[:LONGEST]
        low = text.lower()
        if any(end in self.domains for end in _ends(low, b"@.")):
            return True
        user, at, domain = low.partition(b"@")
        if at:
            plus = (place for place, sign in enumerate(user[:-1]) if sign == ord("+"))
            names = (user, *(user[:place] for place in plus))
            if any(name in self.users or (name, domain) in self.addresses for name in names):
                return True
        return self.patterns.found(text)


def _lines(files: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """Each entry of the files, and where it stands."""
    for file, content in files.items():
        for number, line in enumerate(content.split(b"\n"), 1):
            text = line.partition(b"#")[0].strip()
            if text:
                yield f"{file} line {number}", text


def clients(files: Mapping[str, bytes]) -> Clients:
    """Read files of clients, by name; AdvisorError for a line that cannot be read (read_clients_whitelists)."""
    domains, patterns, networks, ignored = set(), [], set(), []
    for where, text in _lines(files):
        if pattern := _PATTERN.fullmatch(text):
            patterns.append(_perl(pattern[1], where))
        elif _IPV4.fullmatch(text) or _PARTIAL.fullmatch(text) or _IPV6_LIKE.fullmatch(text):
            network = _network(text, where)
            if network is None:
                ignored.append(where)
            else:
                networks.add(network)
        elif len(text.split()) == 1:
            domains.add(text.lower())
        else:
            ignored.append(where)
    return Clients(
        domains=frozenset(domains),
        patterns=Patterns(patterns),
        networks=frozenset(networks),
        ignored=tuple(ignored),
        masks=frozenset(mask for mask, _ in networks),
        names=bool(domains or patterns),
    )


def _network(text: bytes, where: str) -> Network | None:
    """The network of an entry that looks like one; None where postgrey passes over it."""
    if found := _IPV4.fullmatch(text):
        return _ipv4(found[1], 32 if found[2] is None else int(found[2]))
    if _PARTIAL.fullmatch(text):
        return _ipv4(text + b".0" * (3 - text.count(b".")), 24)
    found = _IPV6.fullmatch(text)
    if found is None:
        if _NO_IPV6.fullmatch(text):
            return None
        shown = text.decode("ascii", "backslashreplace")
        raise AdvisorError(where, f"'{shown}' cannot be read as a network", "write it as 2001:db8::/32")
    # Here NetAddr::IP takes zeros at the beginning for nothing.
    address = packed(_ZEROS.sub(b"", found[1]).decode())
    length = 128 if found[2] is None else int(found[2])
    return None if address is None or length > 128 else _masked(int.from_bytes(address), length)


def _ipv4(text: bytes, length: int) -> Network | None:
    """An IPv4 network; inet_aton() takes numbers with a leading zero for octal ones, as postgrey does."""
    try:
        address = int.from_bytes(socket.inet_aton(text.decode()))
    except OSError:
        return None
    return None if length > 32 else _masked(address, 96 + length)


def _masked(address: int, length: int) -> Network:
    mask = ((1 << length) - 1) << (128 - length)
    return mask, address & mask


def recipients(files: Mapping[str, bytes]) -> Recipients:
    """Read files of recipients, by name; AdvisorError for a line that cannot be read (read_recipients_whitelists)."""
    users, addresses, domains, patterns, ignored = set(), set(), set(), [], []
    for where, text in _lines(files):
        user, at, domain = text.lower().partition(b"@")
        if pattern := _PATTERN.fullmatch(text):
            patterns.append(_perl(pattern[1], where))
        elif len(text.split()) > 1:
            ignored.append(where)
        elif domain:
            addresses.add((user, domain))
        elif at:
            users.add(user)
        else:
            domains.add(user)
    return Recipients(frozenset(users), frozenset(addresses), frozenset(domains), Patterns(patterns), tuple(ignored))
