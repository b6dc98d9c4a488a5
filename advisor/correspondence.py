"""Correspondence: whom our users write to, and which client is bound to such an address.

A sender address is quickly forged, so that our users write to it says nothing of who merely claims it.
What binds a message: SPF passed for its sender's domain; DMARC passed for that domain, or one above or below it; a
valid signature of that domain. What binds a network: mail of ours for that domain was taken there, or SPF passed there.
A DKIM signature travels with a forwarded message, so it binds the message and never the forwarder's network.
"""

import re
from collections import Counter, defaultdict
from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc

from advisor.attempt import client_network
from advisor.case import Case, Mask, mask
from advisor.handover import Handover
from advisor.hostname import sender_domain

MASS = 100
"""Who writes to more addresses than these in a day sends a newsletter, or was robbed of the password."""
SMARTHOST = 3
"""A relay that took mail for more domains than these is a smarthost or a large provider, and binds nobody."""
APART = 5
"""Days at least between uses of an address by a network that nothing else binds to it; bots last no week."""

# mx.partner.example[198.51.100.5]:25
_RELAY = re.compile(r"[^\[\]\s]+\[(?P<address>[0-9A-Fa-f:.]+)\](?::\d+)?")


@dataclass(frozen=True)
class Correspondence:
    """The addresses that our users write to, their local parts by domain, and the networks that took such mail."""

    addresses: frozenset[str]
    local_parts: dict[str, set[str]]
    networks: dict[str, set[str]]


def correspondence(case: Case) -> Correspondence:
    """Whom our users write to: mail that left, for domains that are not ours.

    The null sender is a bounce or an automatic answer: nobody wrote that. Mass mail (MASS) does not count either.
    """
    inside = np.flatnonzero(~case.outside & case.where("status", ["sent"]))
    writers, days, senders = case.column("sasl_username"), case.days, case.senders
    written: dict[tuple[str, int | None], set[str]] = defaultdict(set)
    for row in inside.tolist():
        recipient, sender = case.recipients[row], senders[row]
        if recipient and sender and sender_domain(recipient) not in case.local:
            written[writers[row] or sender, days[row]].add(recipient)
    addresses = {address for found in written.values() if len(found) <= MASS for address in found}
    parts: dict[str, set[str]] = defaultdict(set)
    for address in addresses:
        parts[sender_domain(address)].add(address.rpartition("@")[0])
    return Correspondence(frozenset(addresses), dict(parts), _relays(case, set(parts)))


def _relays(case: Case, domains: set[str]) -> dict[str, set[str]]:
    """The networks that took mail for these domains, but for those that take everybody's."""
    events = case.events.filter((pc.field("kind") == "delivery") & (pc.field("status") == "sent"))
    pairs = events.select(["recipient", "relay"]).group_by(["recipient", "relay"]).aggregate([]).to_pylist()
    taken: dict[str, set[str]] = defaultdict(set)
    for pair in pairs:
        found = _RELAY.fullmatch(pair["relay"] or "")
        domain = sender_domain((pair["recipient"] or "").lower())
        if found and domain and domain not in case.local:
            taken[client_network(found["address"])].add(domain)
    networks: dict[str, set[str]] = defaultdict(set)
    for network, served in taken.items():
        for domain in served & domains if len(served) <= SMARTHOST else ():
            networks[domain].add(network)
    return dict(networks)


def authentic(case: Case) -> Mask:
    """The attempts whose message is bound to the sender's domain by SPF, DMARC or DKIM."""
    found = case.where("spf", ["pass"]) & mask(pc.not_equal(case.attempts["sender"], ""))
    return (found | case.once(signed)) & case.outside


def signed(case: Case) -> Mask:
    """The attempts whose message is bound to the sender's domain by DKIM or DMARC, whatever SPF says."""
    found = case.rows(())
    domains, about = case.sender_domains, case.column("dmarc_domain")
    for row in np.flatnonzero(case.where("dmarc", ["pass"])).tolist():
        found[row] |= _aligned(about[row], domains[row])
    signatures = case.events.filter(
        (pc.field("kind") == "dkim_signature") & (pc.field("result") == "no signature error")
    )
    if signatures.num_rows:
        valid = case.where("dkim", ["pass"])
        for event, rows in case.once(Handover).each(signatures):
            for row in rows:
                found[row] |= valid[row] and _aligned(event["domain"], domains[row])
    return found & case.outside


def disowned(case: Case) -> Mask:
    """The attempts of which SPF or DMARC says that the sender's domain does not know them."""
    return case.where("spf", ["fail", "softfail"]) | case.where("dmarc", ["fail"])


def _aligned(one: str | None, domain: str) -> bool:
    """Whether two domains are one, or one lies above the other; a top-level domain is above nobody."""
    first = (one or "").lower().rstrip(".")
    if "." not in first or "." not in domain:
        return False
    return first == domain or first.endswith(f".{domain}") or domain.endswith(f".{first}")


def steady(case: Case, bound: Mask) -> Mask:
    """The attempts out of the one network that uses an address on two days at least, APART days from one another.

    Where SPF binds a network to the address, no other counts; where several networks use it on two days, none does:
    nobody can tell who imitates whom.
    """
    networks, senders, days = case.column("client_network"), case.senders, case.days
    seen: dict[tuple[str, str], set[int | None]] = defaultdict(set)
    rows = np.flatnonzero(case.outside).tolist()
    sure = case.where("spf", ["pass"]) & bound
    known: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        sender, network = senders[row], networks[row]
        if sender and network and days[row] is not None:
            seen[sender, network].add(days[row])
            if sure[row]:
                known[sender].add(network)
    regulars = Counter(sender for (sender, _), found in seen.items() if len(found) > 1)

    def holds(sender: str | None, network: str | None) -> bool:
        if not sender or not network:
            return False
        if sender in known:
            return network in known[sender]
        found = {day for day in seen[sender, network] if day is not None}
        return regulars[sender] == 1 and max(found, default=0) - min(found, default=0) >= APART

    return case.rows(row for row in rows if holds(senders[row], networks[row]))
