"""A recipient's domain must not be on a list of domains."""

from datetime import datetime

import narwhals as nw

from advisor import likeness
from advisor.listing import refused_name
from advisor.response import Responses
from advisor.restriction import Told, restriction, unlogged


def tell(zone: str, dns: Responses, day: datetime | None, recipient: str | None) -> Told | None:
    """What the list says of the domain."""
    return refused_name(dns, zone, recipient, day) if recipient else None


@restriction(
    parameter="smtpd_recipient_restrictions",
    needs=(),
    reply="554 5.7.1",
    code_parameter="maps_rbl_reject_code",
    says="Service unavailable; Recipient address [",
    since="2.0",
    of=("recipient",),
    tell=tell,
    alike=likeness.listed_mail,
)
def reject_rhsbl_recipient() -> nw.Expr:
    """Reject recipients whose domain a list of domains names: for mail that leaves, `reject_rhsbl_recipient LIST`.

    What it catches
        Our own users' mail to domains that are known for fraud.

    Who it hurts
        Whoever answers a victim of a wrong listing.

    What the log shows
        The recipient; never the listing: `advisor lookup` records it.

    Gentler
        warn_if_reject before it, a filter such as `=127.0.0.[2..11]`, or a list that names only the worst.
    """
    return unlogged()
