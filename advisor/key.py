"""A key: what a map may be asked for, and which text from the log may become one.

All of that text comes from strangers. A key is therefore not cleaned but judged: what is not, to the letter, an
address, a host name or a mail address of the plainest kind is no key. Never `unknown`, which stands for every client
without a verified name (access(5)), and never a bare domain: parent_domain_matches_subdomains makes it stand for all
hosts below.
"""

import re
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from advisor.footprint import Footprint, Footprints
from advisor.hostname import valid_hostname

Address = IPv4Address | IPv6Address

# billing+2026@mail.partner.example: no quotes, no blanks, nothing that any map's syntax gives a meaning
_MAIL = re.compile(r"([A-Za-z0-9_](?:[A-Za-z0-9_=+-]|\.(?!\.))*(?<!\.))@([A-Za-z0-9.-]+)\Z")
# com.au  co.uk  gouv.fr: what stands before a country's two letters is often no one's domain. These are the usual ones
# of four letters and more (Public Suffix List, publicsuffix.org); a name in doubt is a bare domain.
_SECOND = frozenset((
    "agro", "arts", "asso", "conf", "coop", "firm", "gouv", "govt", "health", "hotel", "info", "media", "mobi",
    "museum", "name", "perso", "police", "press", "presse", "priv", "school", "shop", "store", "tourism", "travel",
    "univ",
))  # fmt: skip
_SHORT = 3
_LONGEST_MAIL = 254
# ::ffff:0:0/96 and ::/96 are IPv4 in another dress, which each program undresses in its own way
_DRESSED = (IPv6Network("::ffff:0:0/96"), IPv6Network("::/96"))
NETWORKS = 3
"""Networks from which a HELO name or a sender must have come before it is a key: with fewer, the clients are named."""


def address_key(text: str) -> Address | None:
    """The address of a client, which str() writes as Postfix does; None where it cannot be a key."""
    try:
        found = ip_address(text)
    except ValueError:
        return None
    if "%" in text or found.is_multicast or found.is_loopback or found.is_link_local:
        return None
    if found.is_unspecified or (found.version == 6 and any(found in network for network in _DRESSED)):
        return None
    return found


def safe_name(name: str | None) -> str | None:
    """A host name that is no bare domain, in lower case; None where it cannot be a key.

    A bare domain is one of two labels, or of three where the last two look like co.uk.
    """
    if name is None or not name.isascii() or not valid_hostname(name):
        return None
    labels = name.lower().split(".")
    if len(labels) < 3 or not labels[-1].replace("-", "").isalnum() or labels[-1].isdigit():
        return None
    country = len(labels[-1]) == 2 and (len(labels[-2]) <= _SHORT or labels[-2] in _SECOND)
    return None if country and len(labels) == 3 else ".".join(labels)


def name_key(found: Footprint, history: Footprints) -> str | None:
    """The verified name of a client, where that is a safe key; None where its address must do.

    The name must be verified at each visit, be nobody's mail domain, not spell the address (it is the hoster's then),
    and no unwanted client may have come with it or with a name below it.
    """
    name = safe_name(found.client_name)
    if name is None or name in history.spoiled or name in history.sender_domains or _inside(name, history.domains):
        return None
    return None if spells(name, found.value) else name


def helo_key(found: Footprint, history: Footprints) -> str | None:
    """A HELO name, where clients of several networks show it and none of them is unwanted; anybody may say it."""
    name = safe_name(found.value)
    if name is None or len(found.networks) < NETWORKS or _inside(name, history.domains):
        return None
    return None if name in history.spoiled or name in history.sender_domains else name


def mail_key(found: Footprint, history: Footprints) -> str | None:
    """A sender's address, where several networks send from it and none of its mail is unwanted; anybody may say it."""
    address = plain_mail(found.value)
    if address is None or len(found.networks) < NETWORKS or _inside(address.rpartition("@")[2], history.domains):
        return None
    return address


def plain_mail(text: str) -> str | None:
    """A mail address of letters, digits and `_=+-.`, in lower case; None for any other."""
    match = _MAIL.match(text) if len(text) <= _LONGEST_MAIL else None
    if match is None or "." not in match[2] or not valid_hostname(match[2]) or match[2].rpartition(".")[2].isdigit():
        return None
    return text.lower()


def spells(name: str, address: str) -> bool:
    """Whether a host name is made of the address: 192-0-2-77.dyn.example, host-4d0002c0.example."""
    found = address_key(address)
    if found is None:
        return True
    digits = found.packed.hex()
    plain = re.sub(r"[^0-9a-z]", "", name)
    octets = [str(octet) for octet in found.packed] if found.version == 4 else []
    numbers = [number.lstrip("0") or "0" for number in re.findall(r"\d+", name)]
    ordered = any(
        numbers[place : place + 4] in (octets, octets[::-1]) for place in range(max(0, len(numbers) - 3)) if octets
    )
    return digits in plain or ordered


def _inside(name: str, domains: frozenset[str]) -> bool:
    """Whether a name is one of these domains, or below one."""
    return any(name == domain or name.endswith(f".{domain}") for domain in domains)


def as_network(addresses: list[Address]) -> str:
    """The smallest network that holds all of them, as a CIDR."""
    low, high = min(int(each) for each in addresses), max(int(each) for each in addresses)
    width = addresses[0].max_prefixlen
    return str(ip_network((addresses[0], width - (low ^ high).bit_length()), strict=False))


def recipient_key(found: Footprint, history: Footprints) -> str | None:
    """A recipient of ours, to whom clients of several networks write and none of them unwanted."""
    address = plain_mail(found.value)
    if address is None or len(found.networks) < NETWORKS or address.rpartition("@")[2] not in history.domains:
        return None
    return address
