"""Tip 6: a sender's domain must not be on a list of domains."""

from datetime import datetime

import narwhals as nw

from advisor import likeness
from advisor.listing import refused_sender
from advisor.response import Responses
from advisor.restriction import Told, restriction, unlogged


def tell(zone: str, dns: Responses, day: datetime | None, domain: str | None, kind: str | None) -> Told | None:
    """What the list says of the domain; the null sender is not asked for, and of a rewritten one nothing is known."""
    return refused_sender(dns, zone, domain, kind, day)


@restriction(
    parameter="smtpd_recipient_restrictions",
    needs=(),
    reply="554 5.7.1",
    code_parameter="maps_rbl_reject_code",
    says="Service unavailable; Sender address [",
    since="2.0",
    of=("sender_domain", "sender_kind"),
    tell=tell,
    alike=likeness.listed_name,
)
def reject_rhsbl_sender() -> nw.Expr:
    """Reject senders whose domain a list of domains names: `reject_rhsbl_sender dbl.spamhaus.org`.

    What it catches
        Spam that shows its own domain as sender, also through large providers. Mostly it is enough of the kind.

    Who it hurts
        Few, as long as the list names domains of spammers only.

    What the log shows
        The sender; never the listing: `advisor lookup` records it. The null sender, literals and names that end in a
        number are never asked for.

    Gentler
        warn_if_reject before it, a filter such as `=127.0.0.[2..11]`, or a list that names only the worst.
    """
    return unlogged()
