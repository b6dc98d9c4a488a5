"""A listing: what smtpd answers for what a DNS list says, found in the answers that were recorded.

Source: find_dnsxl_addr(), find_dnsxl_domain() and their callers in smtpd_check.c. Where a list did not answer, smtpd
lets the mail pass with a warning. An error in an answer's place, and an answer of a list that failed its test, are no
evidence: Postfix without a filter takes an error for a listing, but whether it got one depends on the resolver.
"""

from datetime import datetime

from advisor import blocklist
from advisor.response import TEMPORARY, Responses
from advisor.restriction import Flag, Told

_NOT_ASKED = Told("dunno", basis="derived")


def refused(dns: Responses, zone: str, address: str, at: datetime | None) -> Told | None:
    """The answer of reject_rbl_client for an address, or of its kin for a domain."""
    on, response = blocklist.listed(dns, zone, address, at)
    if response is None:
        return None
    if on is None and response.status != TEMPORARY:
        return None
    return Told("reject" if on else "dunno", asked_at=response.asked_at)


def refused_name(dns: Responses, zone: str, name: str, at: datetime | None) -> Told | None:
    """The answer for a name or mail address; some of them smtpd never asks for."""
    if not name.isascii():
        return None
    if name.endswith("."):
        # valid_hostname() takes no dot at the end, so smtpd does not ask.
        return _NOT_ASKED
    domain = blocklist.domain(name)
    return _NOT_ASKED if domain is None else refused(dns, zone, domain, at)


def refused_client(dns: Responses, zone: str, name: str | None, at: datetime | None) -> Told | None:
    """The answer for a client's name."""
    if name is None:
        return None
    return _NOT_ASKED if name.lower() == "unknown" else refused_name(dns, zone, name, at)


def refused_sender(dns: Responses, zone: str, domain: str | None, kind: str | None, at: datetime | None) -> Told | None:
    """The answer for a sender's domain; of a sender without one nothing is known."""
    if kind == "null":
        return _NOT_ASKED
    return refused_name(dns, zone, domain, at) if domain and kind not in (None, "rewritten") else None


def welcomed(dns: Responses, zone: str, what: str | None, ours: Flag, at: datetime | None) -> Told | None:
    """The answer of permit_dnswl_client for an address: never for a recipient that is not ours."""
    if ours is False:
        return _NOT_ASKED
    if what is None:
        return None
    on, response = blocklist.listed(dns, zone, what, at)
    if response is None:
        return None
    if on is None:
        waiting = response.status == TEMPORARY and ours
        return Told("defer_if_reject", asked_at=response.asked_at) if waiting else None
    if on and ours is None:
        return None
    return Told("permit" if on else "dunno", asked_at=response.asked_at)


def welcomed_client(dns: Responses, zone: str, name: str | None, ours: Flag, at: datetime | None) -> Told | None:
    """The answer of permit_rhswl_client for a client's name."""
    if name is None:
        return _NOT_ASKED if ours is False else None
    domain = None if name.lower() == "unknown" or not name.isascii() else blocklist.domain(name)
    return _NOT_ASKED if domain is None else welcomed(dns, zone, domain, ours, at)
