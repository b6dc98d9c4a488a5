"""Wanted: mail from a domain to which our users write."""

from collections import defaultdict

from advisor.case import Case, Mask
from advisor.correspondence import authentic, correspondence
from advisor.reason import AUTHENTICITY, reason

FEW = 10
"""A domain of which no more addresses than these write to us may be a firm's. A free-mail provider has more."""
SHARE = 3
"""Of a larger firm our users write to at least every third address that writes to us."""
_FREE_MAIL = frozenset((
    "gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "msn.com",
    "yahoo.com", "ymail.com", "aol.com", "icloud.com", "me.com", "gmx.de",
    "gmx.net", "gmx.at", "gmx.ch", "web.de", "t-online.de", "freenet.de",
    "mail.ru", "yandex.ru", "proton.me", "protonmail.com", "mail.com", "zoho.com",
    "qq.com", "163.com", "126.com", "orange.fr", "free.fr", "laposte.net",
    "wanadoo.fr", "libero.it", "virgilio.it",
))  # fmt: skip
"""Where strangers share a domain. Where little is logged, a small server sees too few of them to find out."""


@reason(wanted=True, says="our users write to this domain", silent_on=AUTHENTICITY)
def correspondent_domain(case: Case) -> Mask:
    """Our users write to another address of this domain, and SPF, DMARC or DKIM bind the message to it.

    What it rests on
        Mail of our users that was delivered to the domain, mass mail left out. Domains that strangers share do not
        count: well-known free-mail providers; and domains of which more than ten addresses write to us, unless our
        users write to every third of them.

    On what it is silent
        policyd-spf and OpenDMARC: mail that fails those could never be wanted by this reason.

    What may deceive it
        A small provider, of which few customers write to us.
    """
    known, seen = case.once(correspondence), defaultdict(set)
    for sender, domain in set(zip(case.senders, case.sender_domains, strict=True)):
        if domain in known.local_parts and sender:
            seen[domain].add(sender.rpartition("@")[0])
    narrow = {
        domain
        for domain, parts in known.local_parts.items()
        if domain not in _FREE_MAIL and (len(seen[domain] | parts) <= FEW or len(parts) * SHARE >= len(seen[domain]))
    }
    domains, senders = case.sender_domains, case.senders
    rows = case.once(authentic).nonzero()[0].tolist()
    return case.rows(row for row in rows if domains[row] in narrow and senders[row] not in known.addresses)
