"""Tip 1: a client must have a PTR record."""

from datetime import datetime

import narwhals as nw

from advisor import existence, likeness
from advisor.response import Responses
from advisor.restriction import Told, restriction


def tell(_: str, dns: Responses, day: datetime | None, address: str | None) -> Told | None:
    """What follows from the PTR record, for clients that smtpd never saw."""
    found = existence.reverse(address, dns, day) if address else None
    if found is None:
        return None
    (word, asked_at), _names = found
    if word == existence.WAITING:
        return Told("defer", "450 4.7.1", asked_at=asked_at)
    return Told("dunno" if word == existence.KNOWN else "reject", asked_at=asked_at)


@restriction(
    parameter="smtpd_client_restrictions",
    needs=("reverse_client_name",),
    reply="450 4.7.1",
    code_parameter="unknown_client_reject_code",
    says="Client host rejected: cannot find your reverse hostname",
    since="2.3",
    tip=1,
    of=("client_address",),
    tell=tell,
    alike=likeness.reverse,
    tells=("defer",),
    # Nothing in the log tells a temporary failure of the reverse look-up, a 450 whatever the code, from no name at all.
    recheck=lambda: nw.col("client_status") == "no_reverse",
)
def reject_unknown_reverse_client_hostname() -> nw.Expr:
    """Reject clients whose address has no name at all (no PTR record).

    What it catches
        Bots on dial-up and rented addresses whose owner never set a name. RFC 1912, section 2.1, asks for one.

    Who it hurts
        Small senders whose provider sets no PTR record, machines that mail from inside a customer's network, and for
        the moment anybody whose name server does not answer.

    What the log shows
        "connect from unknown" with no "hostname ... does not resolve" warning of the same process before it. A
        temporary failure of the reverse look-up looks just the same, so what we count is an upper bound. With the
        default code 450 a good client comes back for days: several attempts may be one message. Of clients that only
        postscreen saw the log tells nothing; their PTR records, looked up, do.

    Gentler
        Put warn_if_reject before it for a week. It is itself the gentler form of reject_unknown_client_hostname.
    """
    return nw.col("reverse_client_name") == "unknown"
