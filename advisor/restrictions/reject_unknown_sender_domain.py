"""Tip 4: a sender's domain must be able to receive an answer."""

import narwhals as nw

from advisor.restriction import one_of, restriction


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
        null sender, address literals and our own domains, which the restriction skips.

    Gentler
        warn_if_reject before it: it stops nothing and logs what it would have refused.
    """
    skipped = one_of("sender_kind", "null", "literal", "own")
    return ~skipped & ~nw.col("sender_domain_found")
