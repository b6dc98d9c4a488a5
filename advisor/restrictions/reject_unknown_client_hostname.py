"""Tip 3: a client's name must lead back to its address (forward-confirmed reverse DNS)."""

from datetime import datetime

import narwhals as nw

from advisor import existence, likeness
from advisor.response import Responses
from advisor.restriction import Told, restriction


def tell(_: str, dns: Responses, day: datetime | None, address: str | None) -> Told | None:
    """What follows from the PTR record and the addresses of its name, for clients that smtpd never saw."""
    found = existence.reverse(address, dns, day) if address else None
    if found is None or address is None:
        return None
    (word, asked_at), names = found
    if word == existence.KNOWN:
        leads = existence.forward(address, names, dns, day)
        if leads is None:
            return None
        word, asked_at = leads
    if word == existence.WAITING:
        return Told("defer", "450 4.7.25", asked_at=asked_at)
    return Told("dunno" if word == existence.KNOWN else "reject", asked_at=asked_at)


@restriction(
    parameter="smtpd_client_restrictions",
    needs=("client_name",),
    reply="450 4.7.25",
    code_parameter="unknown_client_reject_code",
    # A forward look-up that failed for the moment stays a 450, whatever the code is set to (smtpd_check.c).
    except_reply=((lambda: nw.col("client_status") == "forward_temporary", "450 4.7.25"),),
    says="Client host rejected: cannot find your hostname",
    since="2.3",
    tip=3,
    of=("client_address",),
    tell=tell,
    alike=likeness.reverse,
    tells=("defer",),
    # Nothing in the log tells a temporary failure of the reverse look-up, a 450 whatever the code, from no name at all.
    recheck=lambda: nw.col("client_status") == "no_reverse",
)
def reject_unknown_client_hostname() -> nw.Expr:
    """Reject clients whose address has no name that leads back to it.

    What it catches
        Hosts without working reverse DNS: all that reject_unknown_reverse_client_hostname catches, and those with a
        PTR record that names nothing or names another address.

    Who it hurts
        Many well-meaning small senders: a provider's stale PTR record, a host name without an A record, a name server
        that does not answer for the moment. It is the tip that is most often taken back.

    What the log shows
        "unknown" as the client's name; the warning before it tells which of the kinds it is. So it is known for every
        client that smtpd saw; for one that only postscreen saw the look-ups tell.

    Gentler
        reject_unknown_reverse_client_hostname, which asks only that there be a name.
    """
    return nw.col("client_name") == "unknown"
