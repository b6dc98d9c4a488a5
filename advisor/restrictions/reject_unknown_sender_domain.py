"""Tip 4: a sender's domain must be able to receive an answer."""

from datetime import datetime

import narwhals as nw

from advisor import existence, likeness
from advisor.hostname import valid_hostname
from advisor.response import Responses
from advisor.restriction import Told, one_of, restriction


def tell(_: str, dns: Responses, day: datetime | None, domain: str | None, kind: str | None) -> Told | None:
    """What follows from the records of the domain; one that is no host name has none."""
    domain = (domain or "").rstrip(".")
    if kind != "domain" or not domain:
        return None
    if domain.isascii() and not valid_hostname(domain):
        return Told("reject", basis="derived")
    found = existence.mail_domain(domain, dns, day)
    if found is None:
        return None
    word, asked_at = found
    if word == existence.WAITING:
        return Told("defer_if_permit", "450 4.1.8", asked_at=asked_at)
    if word == existence.NULL_MX:
        return Told("reject", "550 5.7.27", asked_at=asked_at)
    return Told("dunno" if word == existence.KNOWN else "reject", asked_at=asked_at)


@restriction(
    parameter="smtpd_sender_restrictions",
    needs=("sender_kind", "sender_domain_found"),
    reply="450 4.1.8",
    code_parameter="unknown_address_reject_code",
    # A null MX is refused for good, whatever the code is set to (smtpd_check.c).
    except_reply=((lambda: nw.col("text").str.contains("(nullMX)", literal=True), "550 5.7.27"),),
    says="Sender address rejected: Domain not found",
    since="2.0",
    tip=4,
    of=("sender_domain", "sender_kind"),
    tell=tell,
    alike=likeness.name,
    tells=("defer_if_permit",),
    tempfail_parameter="unknown_address_tempfail_action",
)
def reject_unknown_sender_domain() -> nw.Expr:
    """Reject senders whose domain has neither a mail exchanger nor an address in the DNS, or says it takes no mail.

    What it catches
        Invented sender domains. A domain with a null MX record (RFC 7505) is refused for good, with 550 5.7.27.

    Who it hurts
        Web forms and machines that mail under a name only their own network knows, and for the moment anybody whose
        name servers do not answer.

    What the log shows
        The sender, but not whether its domain exists. Where Postfix was not asked there is no evidence, except for the
        null sender, address literals and our own domains, which it skips. `advisor lookup` supplies it: MX, A and AAAA.
        Where no name server answers it is a 450, if nothing else refuses the mail.

    Gentler
        warn_if_reject before it: it stops nothing and logs what it would have refused.
    """
    skipped = one_of("sender_kind", "null", "literal", "own")
    return ~skipped & ~nw.col("sender_domain_found")
