"""A pool: several addresses of one network that mail from one correspondent, held by one key.

A network is the narrowest safe key where at least 3 of its addresses have verified names below one domain and mail from
one sender domain, and where nobody else was ever seen in it. Otherwise each address is a key of its own.
"""

from collections import defaultdict
from collections.abc import Sequence
from ipaddress import ip_network

from advisor.footprint import Footprint, Footprints
from advisor.key import Address, address_key, as_network, safe_name, spells

ADDRESSES = 3
"""Addresses that make a pool."""


def pools(wanted: Sequence[Footprint], history: Footprints) -> dict[str, tuple[Footprint, ...]]:
    """The pools among wanted clients: the smallest network that holds each, as a CIDR, and its members."""
    groups: dict[tuple[str, str, str], list[Footprint]] = defaultdict(list)
    for found in wanted:
        domain = _domain(found)
        if domain is not None and len(found.networks) == 1:
            for sender in found.domains:
                groups[next(iter(found.networks)), domain, sender].append(found)
    chosen: dict[str, tuple[Footprint, ...]] = {}
    taken: set[str] = set()
    for (network, domain, _), members in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])):
        free = [found for found in members if found.value not in taken]
        cidr = _network(free)
        if cidr is not None and _alone(cidr, domain, history.neighbours[network]):
            chosen[cidr] = tuple(sorted(free, key=lambda found: found.value))
            taken |= {found.value for found in free}
    return chosen


def _domain(found: Footprint) -> str | None:
    """What stands behind the first label of a client's verified name; None where that says nothing."""
    name = safe_name(found.client_name)
    return None if name is None or spells(name, found.value) else name.partition(".")[2]


def _network(members: Sequence[Footprint]) -> str | None:
    addresses: list[Address] = [key for key in (address_key(found.value) for found in members) if key is not None]
    return as_network(addresses) if len(set(addresses)) >= ADDRESSES else None


def _alone(cidr: str, domain: str, neighbours: Sequence[Footprint]) -> bool:
    """Whether all clients that were ever seen in a network are of that domain, and none is unwanted."""
    network = ip_network(cidr)
    for found in neighbours:
        key = address_key(found.value)
        if key is not None and key in network and (found.unwanted or _domain(found) != domain):
            return False
    return True
