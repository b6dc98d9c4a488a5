"""Existence: whether the DNS knows a name, as smtpd judges it from what was asked and answered.

Each function gives a word: `known`, `unknown`, `malformed`, `null_mx` or `temporary`, and when that was asked; None
where a question that would decide was never asked. Source: reject_unknown_hostname() and reject_unknown_mailhost() in
smtpd_check.c, dns_lookup_l() in dns_lookup.c, smtpd_peer.c.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from ipaddress import ip_address

from advisor.blocklist import HELD, octets_backwards
from advisor.hostname import valid_hostname, valid_ipv4, valid_ipv6
from advisor.response import FOUND, NO_SUCH_NAME, TEMPORARY, Response, Responses

KNOWN, UNKNOWN, MALFORMED, NULL_MX, WAITING = "known", "unknown", "malformed", "null_mx", "temporary"

# dns.h: of several types the status that stands highest counts (dns_lookup_l()).
_RANK = (UNKNOWN, NULL_MX, MALFORMED, WAITING, KNOWN)

Found = tuple[str, datetime]
"""A word and when the newest of the questions that it rests on was asked."""


@lru_cache(maxsize=HELD)
def _valid(name: str) -> bool:
    """Whether dns_lookup.c takes a name in a record (valid_rr_name()): a host name, or a number with a warning."""
    return valid_hostname(name) or valid_ipv4(name) or valid_ipv6(name)


def _status(response: Response) -> str:
    """What dns_lookup() makes of an answer."""
    if response.status == TEMPORARY:
        return WAITING
    if response.status != FOUND:
        return UNKNOWN
    if response.type != "MX":
        return KNOWN
    hosts = [value.rpartition(" ")[2] for value in response.values]
    if any(host in ("", ".") for host in hosts):
        return NULL_MX
    return KNOWN if any(_valid(host.removesuffix(".")) for host in hosts) else MALFORMED


def _judged(name: str, kinds: Sequence[str], dns: Responses, at: datetime | None) -> Found | None:
    """Ask one type after the other until one is known; else the status that stands highest counts.

    Without one that is known all are needed, unless one said that there is no such name, which holds for every type.
    """
    found = [dns.find(name, kind, at) for kind in kinds]
    asked = [response for response in found if response is not None]
    for response in asked:
        if _status(response) == KNOWN:
            return KNOWN, response.asked_at
    if not asked or (len(asked) < len(found) and all(response.status != NO_SUCH_NAME for response in asked)):
        return None
    return max(map(_status, asked), key=_RANK.index), max(response.asked_at for response in asked)


def helo(name: str, dns: Responses, at: datetime | None) -> Found | None:
    """Whether a HELO name of valid syntax has an address or a mail exchanger; a null MX will do."""
    found = _judged(name, ("A", "AAAA", "MX"), dns, at)
    return (KNOWN, found[1]) if found and found[0] == NULL_MX else found


def mail_domain(name: str, dns: Responses, at: datetime | None) -> Found | None:
    """Whether a domain can receive mail: by its mail exchangers, or without any by its addresses."""
    exchangers = dns.find(name, "MX", at)
    if exchangers is not None and _status(exchangers) in (NULL_MX, MALFORMED):
        return _status(exchangers), exchangers.asked_at
    addresses = _judged(name, ("MX", "A", "AAAA"), dns, at)
    # An address will not do where nobody asked for exchangers, which might be a null MX.
    return None if exchangers is None and (addresses is None or addresses[0] != UNKNOWN) else addresses


@lru_cache(maxsize=HELD)
def _pointer(address: str) -> str:
    """The name of an address in the DNS; '' for what is none."""
    octets = octets_backwards(address)
    if octets:
        return f"{octets}.in-addr.arpa"
    try:
        return ip_address(address).reverse_pointer
    except ValueError:
        return ""


def reverse(address: str, dns: Responses, at: datetime | None) -> tuple[Found, tuple[str, ...]] | None:
    """Whether an address has a name that smtpd takes, and which; what is no host name or a number it does not take."""
    pointer = _pointer(address)
    response = dns.find(pointer, "PTR", at) if pointer else None
    if response is None:
        return None
    if _status(response) != KNOWN:
        return (_status(response), response.asked_at), ()
    taken = tuple(name for name in response.values if valid_hostname(name.removesuffix(".")))
    if taken and len(taken) < len(response.values):
        # smtpd takes whichever comes first.
        return None
    return (KNOWN if taken else UNKNOWN, response.asked_at), taken


def forward(address: str, names: Sequence[str], dns: Responses, at: datetime | None) -> Found | None:
    """Whether the names of an address lead back to it; None where they differ, since smtpd takes any one of them."""
    kind = "AAAA" if ":" in address else "A"
    words = set()
    asked_at = None
    for name in names:
        response = dns.find(name, kind, at)
        if response is None:
            return None
        values = response.values if response.status == FOUND else ()
        back = address in values or ip_address(address) in map(ip_address, values)
        words.add(KNOWN if back else WAITING if response.status == TEMPORARY else UNKNOWN)
        asked_at = response.asked_at
    return (words.pop(), asked_at) if len(words) == 1 and asked_at is not None else None
