"""Tip 6: a client's verified name must not be on a list of domains."""

from datetime import datetime

import narwhals as nw

from advisor import likeness
from advisor.listing import refused_client
from advisor.response import Responses
from advisor.restriction import Told, restriction, unlogged


def tell(zone: str, dns: Responses, day: datetime | None, name: str | None) -> Told | None:
    """What the list says of the verified name."""
    return refused_client(dns, zone, name, day)


@restriction(
    parameter="smtpd_recipient_restrictions",
    needs=(),
    reply="554 5.7.1",
    code_parameter="maps_rbl_reject_code",
    says="Service unavailable; Client host [",
    since="2.0",
    of=("client_name",),
    tell=tell,
    alike=likeness.listed_name,
)
def reject_rhsbl_client() -> nw.Expr:
    """Reject clients whose verified name a list of domains names: `reject_rhsbl_client dbl.spamhaus.org`.

    What it catches
        Spammers who mail from hosts of their own domain, with a name that leads back to the address.

    Who it hurts
        Few, as long as the list names domains of spammers only. A client without a verified name passes.

    What the log shows
        The client's name; never the listing: `advisor lookup` records it. Names that end in a number are never asked
        for.

    Gentler
        warn_if_reject before it, a filter such as `=127.0.0.[2..11]`, or a list that names only the worst.
    """
    return unlogged()
