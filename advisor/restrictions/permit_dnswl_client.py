"""Clients on a list of good ones pass."""

from datetime import datetime

import narwhals as nw

from advisor import likeness
from advisor.listing import welcomed
from advisor.response import Responses
from advisor.restriction import Flag, Told, restriction, unlogged


def tell(zone: str, dns: Responses, day: datetime | None, address: str | None, ours: Flag) -> Told | None:
    """What the list says; of a recipient that is not ours it is not asked."""
    return welcomed(dns, zone, address, ours, day)


@restriction(
    parameter="smtpd_recipient_restrictions",
    needs=(),
    since="2.8",
    of=("client_address", "recipient_ours"),
    tell=tell,
    alike=likeness.listed_address,
    tells=("defer_if_reject",),
)
def permit_dnswl_client() -> nw.Expr:
    """Permit clients whose address a DNS allowlist names: `permit_dnswl_client list.dnswl.org=127.0.[0..255].[1..3]`.

    What it catches
        Nothing: what is on the list is not asked the restrictions behind it in the same list.

    Who it hurts
        Nobody. Spam from a host that the list trusts passes; a filter takes only those that it trusts more.

    What the log shows
        Nothing, unless smtpd_log_access_permit_actions names it: `advisor lookup` records the listing. It never permits
        mail to other destinations. While the list does not answer, a 5xx behind it becomes a 450.

    Gentler
        An allowlist of your own (check_client_access).
    """
    return unlogged()
