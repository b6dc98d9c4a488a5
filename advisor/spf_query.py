"""An SPF query: pyspf, the library that policyd-spf asks, over answers that were recorded.

RFC 7208 as pyspf 2.0.14 reads it, in the mode that policyd-spf uses (strict, no guesses). The one thing that is ours is
who answers its questions. It loads a DNS library, which most commands need not wait for.

Over the same answers pyspf goes by the client only where it matches its address with networks. So the ways that it took
for a domain make a tree, with the networks at the forks and what it found at the ends; another client walks the tree,
and pyspf is asked again only where none has gone. What goes by more (a macro, `ptr`) is never walked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_network
from typing import Any

import dns.exception
import dns.name
import spf  # type: ignore[import-untyped]  # it ships no type information

from advisor.response import FOUND, INVALID, TEMPORARY, canonical
from advisor.spf_check import BROKE_OFF, VOID_LIMIT, Check, Memory, Recorded, number_of


class _NotRecordedError(Exception):
    """A question that nobody has asked."""


class _BrokenError(Exception):
    """A name that dnspython would not ask for."""


_RAISED = (
    *(_BrokenError, dns.exception.DNSException),
    *(AssertionError, AttributeError, LookupError, TypeError, ValueError),
)
"""What pyspf may let through; spf_engine's _spfcheck() catches it, logs `Ouch, caught exc` and has no objection."""


class _Unknown:
    """A HELO that nobody knows: a macro that asks for it cannot be expanded."""

    def __bool__(self) -> bool:
        raise _NotRecordedError("HELO")


_Ranges = tuple[tuple[int, int], ...]
"""Networks, each as its first and its last address."""


@dataclass(frozen=True, slots=True)
class _End:
    """What pyspf found, and what it asked for that; None where it went by more than the client's address."""

    check: Check | None
    recorded: Recorded


@dataclass(slots=True)
class _Fork:
    """Where pyspf matches the client with networks: the way on for those outside and for those inside, once gone."""

    networks: _Ranges
    outside: "_Fork | _End | None" = None
    inside: "_Fork | _End | None" = None


@lru_cache(maxsize=100_000)
def _ranges(addresses: tuple[str, ...], length: int) -> _Ranges:
    """The networks that query.cidrmatch() of pyspf makes of addresses; raises ValueError where it does."""
    networks = [ip_network(address).supernet(new_prefix=length) for address in addresses]
    return tuple((int(network[0]), int(network[-1])) for network in networks)


_PLAIN_MACROS = frozenset("do")
"""Those that say the same for all clients, HELOs and local parts; so do `%%`, `%_` and `%-`."""


class _Query(spf.query):  # type: ignore[misc]  # a class of a library without types
    """pyspf's own query, with other people's answers."""

    def __init__(self, client: str, sender: str, helo: Any, recorded: Recorded, void_limit: int) -> None:  # noqa: ANN401 - a name or _Unknown
        # No time limit: it would be that of our machine, now.
        super().__init__(i=client, s=sender, h=helo, querytime=0)
        self._recorded = recorded
        self._void_limit = void_limit
        self._explaining = False
        self.forks: list[tuple[_Ranges, bool]] = []
        """The networks that the client was matched with, and whether it is in one of them."""
        self.plain = True
        """Whether nothing but these has told clients apart so far."""

    def cidrmatch(self, ipaddrs: Sequence[str], n: int) -> bool:
        """As pyspf's, and noted."""
        try:
            networks = _ranges(tuple(ipaddrs), n)
        except ValueError:
            # Whether pyspf comes to the one that is none goes by those before it.
            self.plain = False
        found: bool = super().cidrmatch(ipaddrs, n)
        if self.plain:
            self.forks.append((networks, found))
        return found

    def expand(self, s: str, stripdot: bool = True) -> str:  # noqa: FBT001, FBT002 - pyspf's own signature
        """As pyspf's; the text of an explanation decides nothing, but for a name that it asks the DNS for."""
        if not self._explaining and any(
            macro[0][1] == "{" and macro[0][2].lower() not in _PLAIN_MACROS for macro in spf.RE_CHAR.finditer(s)
        ):
            self.plain = False
        expanded: str = super().expand(s, stripdot)
        return expanded

    def get_explanation(self, spec: str) -> str | None:
        """As pyspf's."""
        self._explaining = True
        try:
            text: str | None = super().get_explanation(spec)
        finally:
            self._explaining = False
        return text

    def validated_ptrs(self) -> list[Any]:
        """As pyspf's: it goes by the client's own names."""
        self.plain = False
        found: list[Any] = super().validated_ptrs()
        return found

    def dns(self, name: Any, qtype: str, cnames: object = None, ignore_void: bool = False) -> list[Any]:  # noqa: ANN401, ARG002, FBT001, FBT002 - pyspf's own signature
        """As query.dns() of pyspf with dnspython below it, which follows CNAMEs by itself."""
        name = canonical(str(name))
        if not all(0 < len(label) < 64 for label in name.split(".")):
            return []
        found: list[Any] = self.cache.get((name, qtype), [])
        if not found:
            found = self.cache[name, qtype] = self._look_up(name, qtype)
        if not found and not ignore_void:
            self.void_lookups += 1
            if self.void_lookups > self._void_limit:
                raise spf.PermError(f"Void lookup limit of {self._void_limit} exceeded")
        return found

    def _look_up(self, name: str, qtype: str) -> list[Any]:
        response = self._recorded.find(name, qtype)
        if response is None:
            raise _NotRecordedError(name)
        if response.status == INVALID:
            raise _BrokenError(name)
        if response.status == TEMPORARY and not self._recorded.lenient:
            raise spf.TempError(f"DNS {name} {qtype}")
        return [_value(qtype, text) for text in response.values] if response.status == FOUND else []


def _value(kind: str, text: str) -> Any:  # noqa: ANN401 - what pyspf wants for each type
    """A record as DNSLookup_dnspython() of pyspf gives it."""
    if kind == "TXT":
        return (text.encode(errors="surrogateescape"),)
    if kind == "MX":
        preference, _, exchange = text.partition(" ")
        return (int(preference), dns.name.from_text(exchange))
    return text


def check(client: str, sender: str, helo: str | None, recorded: Recorded, void_limit: int = VOID_LIMIT) -> Check:
    """Ask SPF whether a client may send in the name of a sender (an address, or a domain).

    `helo` is None where nobody knows it; then there is a result only if no macro asks for it. Deterministic: the same
    answers give the same result. Where `recorded` asks a Memory, the ways that pyspf takes are kept there.
    """
    number = _number(client)
    if number is None or not sender or not isinstance(recorded.ask, Memory):
        return _asked(client, sender, helo, recorded, void_limit)[0]
    version, value = number
    way = (sender.partition("@")[2] or sender, version, void_limit, recorded.lenient)
    root = recorded.ask.ways.setdefault(way, _Fork(()))
    end = _walked(root, value)
    if end is None:
        alone = Recorded(recorded.ask, recorded.lenient)
        found, query = _asked(client, sender, helo, alone, void_limit)
        _keep(root, query.forks, _End(found if query.plain else None, alone))
        recorded.take(alone)
        return found
    if end.check is None:
        return _asked(client, sender, helo, recorded, void_limit)[0]
    recorded.take(end.recorded)
    return end.check


@lru_cache(maxsize=100_000)
def _number(client: str) -> tuple[int, int] | None:
    """The version and the number of an address, as set_ip() of pyspf takes it; None for one with a zone."""
    found = None if "%" in client else number_of(client)
    if found is not None and found[0] == 6 and found[1] >> 32 == 0xFFFF:  # ::ffff:192.0.2.1
        return 4, found[1] & 0xFFFFFFFF
    return found


def _walked(fork: _Fork, client: int) -> _End | None:
    """Where a client comes out; None where none has gone yet."""
    found: _Fork | _End | None = fork
    while isinstance(found, _Fork):
        for first, last in found.networks:
            if first <= client <= last:
                found = found.inside
                break
        else:
            found = found.outside
    return found


def _keep(fork: _Fork, forks: Sequence[tuple[_Ranges, bool]], end: _End) -> None:
    """Put a way into the tree."""
    inside = False
    for networks, found in forks:
        after = fork.inside if inside else fork.outside
        if not isinstance(after, _Fork):
            after = _Fork(networks)
            if inside:
                fork.inside = after
            else:
                fork.outside = after
        fork, inside = after, found
    if inside:
        fork.inside = end
    else:
        fork.outside = end


def _asked(client: str, sender: str, helo: str | None, recorded: Recorded, void_limit: int) -> tuple[Check, _Query]:
    """Ask pyspf itself."""
    result: str | None
    query = _Query(client, sender, _Unknown() if helo is None else helo, recorded, void_limit)
    try:
        result = query.check()[0]
    except _NotRecordedError:
        result = None
    except _RAISED:
        result = BROKE_OFF
    # The name that policyd-spf would find the record under, which pyspf has asked first.
    own = recorded.ask(canonical(sender.partition("@")[2] or sender), "TXT") if result else None
    return Check(result, own.values if own else ()), query
