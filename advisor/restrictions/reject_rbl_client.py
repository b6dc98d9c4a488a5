"""Tip 6: a client's address must not be on a DNS blocklist."""

from datetime import datetime

import narwhals as nw

from advisor import likeness
from advisor.listing import refused
from advisor.response import Responses
from advisor.restriction import Told, restriction, unlogged


def tell(zone: str, dns: Responses, day: datetime | None, address: str | None) -> Told | None:
    """What the list says of the address."""
    return refused(dns, zone, address, day) if address else None


@restriction(
    parameter="smtpd_recipient_restrictions",
    needs=(),
    reply="554 5.7.1",
    code_parameter="maps_rbl_reject_code",
    says="Service unavailable; Client host [",
    since="2.0",
    of=("client_address",),
    tell=tell,
    alike=likeness.listed_address,
)
def reject_rbl_client() -> nw.Expr:
    """Reject clients whose address a DNS blocklist names: `reject_rbl_client zen.spamhaus.org=127.0.0.[2..11]`.

    What it catches
        Known spammers, infected machines and dial-up lines, by what others saw of them.

    Who it hurts
        Whoever shares an address with a spammer, and everybody while a list is wrong or refuses to answer you.

    What the log shows
        Nothing, unless the list was asked already. The listing of a time must have been recorded at that time: `advisor
        lookup` dates its answers. An error in an answer's place (127.255.255.254: this resolver is refused) is no
        listing to us, though Postfix without a filter would refuse all mail for it: no evidence. While a list does not
        answer at all, Postfix lets the mail pass.

    Gentler
        warn_if_reject before it, a filter such as `=127.0.0.[2..11]`, or a list that names only the worst.
    """
    return unlogged()
