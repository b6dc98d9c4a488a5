"""Tip 6: a client's name, verified or not, must not be on a list of domains."""

from datetime import datetime

import narwhals as nw

from advisor import likeness
from advisor.listing import refused_client
from advisor.response import Responses
from advisor.restriction import Told, restriction, unlogged


def tell(zone: str, dns: Responses, day: datetime | None, name: str | None) -> Told | None:
    """What the list says of the PTR record's name."""
    return refused_client(dns, zone, name, day)


@restriction(
    parameter="smtpd_recipient_restrictions",
    needs=(),
    reply="554 5.7.1",
    code_parameter="maps_rbl_reject_code",
    says="Service unavailable; Unverified Client host [",
    since="2.8",
    of=("reverse_client_name",),
    tell=tell,
    alike=likeness.listed_name,
)
def reject_rhsbl_reverse_client() -> nw.Expr:
    """Reject clients whose PTR record's name a list of domains names: `reject_rhsbl_reverse_client dbl.spamhaus.org`.

    What it catches
        What reject_rhsbl_client catches, and hosts whose name does not lead back.

    Who it hurts
        Few, as long as the list names domains of spammers only. A client without a PTR record passes.

    What the log shows
        The name, in "connect from" or in the warning before it; never the listing: `advisor lookup` records it. Names
        that end in a number are never asked for.

    Gentler
        warn_if_reject before it, a filter such as `=127.0.0.[2..11]`, or a list that names only the worst.
    """
    return unlogged()
