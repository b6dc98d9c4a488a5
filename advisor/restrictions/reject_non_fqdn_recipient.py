"""A recipient's address must have a full domain."""

from datetime import datetime

import narwhals as nw

from advisor import likeness
from advisor.hostname import full_address
from advisor.response import Responses
from advisor.restriction import Told, restriction, unlogged


def tell(_: str, __: Responses, ___: datetime | None, recipient: str | None) -> Told | None:
    """What follows from the address; a bare postmaster is never refused."""
    if not recipient:
        return None
    full = full_address(recipient) or recipient.lower() == "postmaster"
    return Told("dunno" if full else "reject", basis="derived")


@restriction(
    parameter="smtpd_recipient_restrictions",
    needs=(),
    reply="504 5.5.2",
    code_parameter="non_fqdn_reject_code",
    says="Recipient address rejected: need fully-qualified address",
    since="2.0",
    of=("recipient",),
    tell=tell,
    alike=likeness.full_address,
)
def reject_non_fqdn_recipient() -> nw.Expr:
    """Reject recipients whose address has no full domain.

    What it catches
        Bots that try `root` or `admin` without a domain. A bare `postmaster` passes, as RFC 5321 asks.

    Who it hurts
        Machines in our own house that mail to `root`; permit_mynetworks belongs before it.

    What the log shows
        The recipient, in reject lines and delivery lines.

    Gentler
        warn_if_reject before it.
    """
    return unlogged()
