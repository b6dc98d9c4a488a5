"""A network: what mynetworks calls ours, its exclusions included."""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

LOOPBACK: tuple[Network, ...] = (ipaddress.IPv4Network("127.0.0.0/8"), ipaddress.IPv6Network("::1/128"))
"""What is inside when nobody told us the server's networks; never a private range by guess."""


@dataclass(frozen=True)
class Networks:
    """What mynetworks says: an address is ours when it is in `inside` and not in `excluded`.

    `unread` are patterns that cannot be known from the configuration alone (files, tables, host names) or
    that Postfix does not accept; `stated` is False where loopback stands in for a mynetworks we do not know.
    """

    inside: tuple[Network, ...]
    excluded: tuple[Network, ...]
    unread: tuple[str, ...]
    stated: bool

    def ours(self) -> tuple[Network, ...]:
        """Cut what is excluded out of what is inside."""
        pieces = list(self.inside)
        for hole in self.excluded:
            pieces = [piece for network in pieces for piece in _without(network, hole)]
        return tuple(pieces)


def _network(pattern: str) -> Network | None:
    """Read an address or network of mynetworks: IPv6 in brackets, the prefix length behind (match_ops.c)."""
    found = re.fullmatch(r"\[([0-9A-Fa-f:.]+)\](/\d+)?|([\d.]+(?:/\d+)?)", pattern)
    try:
        return ipaddress.ip_network((found[1] or "") + (found[2] or "") + (found[3] or "")) if found else None
    except ValueError:
        return None


def _without(network: Network, hole: Network) -> list[Network]:
    """Cut a hole into a network."""
    if not network.overlaps(hole):  # nor do networks of different versions
        return [network]
    if network.prefixlen >= hole.prefixlen:
        return []
    return list(network.address_exclude(hole))  # type: ignore[arg-type]  # one version: they overlap


def read_networks(patterns: Iterable[str]) -> Networks:
    """Read the patterns of mynetworks, those that cannot be read here apart.

    The first match wins (match_list.c), so an exclusion behind the network it is part of has no effect.
    """
    inside: list[Network] = []
    excluded: list[Network] = []
    unread = []
    for pattern in patterns:
        negations = len(pattern) - len(pattern.lstrip("!"))
        network = _network(pattern[negations:])
        if network is None:
            unread.append(pattern)
        elif negations % 2 == 0:
            inside.append(network)
        else:
            left = [network]
            for hole in inside:
                left = [piece for part in left for piece in _without(part, hole)]
            excluded += left
    return Networks(tuple(inside), tuple(excluded), tuple(unread), stated=True)
