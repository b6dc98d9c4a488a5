"""Tip 6: a HELO name must not be on a list of domains."""

from datetime import datetime

import narwhals as nw

from advisor import likeness
from advisor.listing import refused_name
from advisor.response import Responses
from advisor.restriction import Flag, Told, restriction, unlogged


def tell(zone: str, dns: Responses, day: datetime | None, sent: Flag, name: str | None) -> Told | None:
    """What the list says of the HELO name; without one it is not asked."""
    if sent is False:
        return Told("dunno", basis="derived")
    return refused_name(dns, zone, name, day) if name else None


@restriction(
    parameter="smtpd_recipient_restrictions",
    needs=(),
    reply="554 5.7.1",
    code_parameter="maps_rbl_reject_code",
    says="Service unavailable; Helo command [",
    since="2.0",
    of=("helo_sent", "helo_name"),
    tell=tell,
    alike=likeness.listed_helo,
)
def reject_rhsbl_helo() -> nw.Expr:
    """Reject clients whose HELO name a list of domains names: `reject_rhsbl_helo dbl.spamhaus.org`.

    What it catches
        Spammers who say the name of their own domain. Of little use against what comes
        through large providers.

    Who it hurts
        Few, as long as the list names domains of spammers only.

    What the log shows
        The HELO, where a line shows it, and never the listing: `advisor lookup` records it. Address literals and names
        that end in a number or are no host names are never asked for.

    Gentler
        warn_if_reject before it, a filter such as `=127.0.0.[2..11]`, or a list that names only the worst.
    """
    return unlogged()
