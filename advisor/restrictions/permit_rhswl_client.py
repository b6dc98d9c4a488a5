"""Clients whose verified name is on a list of good domains pass."""

from datetime import datetime

import narwhals as nw

from advisor import likeness
from advisor.listing import welcomed_client
from advisor.response import Responses
from advisor.restriction import Flag, Told, restriction, unlogged


def tell(zone: str, dns: Responses, day: datetime | None, name: str | None, ours: Flag) -> Told | None:
    """What the list says; of a recipient that is not ours it is not asked."""
    return welcomed_client(dns, zone, name, ours, day)


@restriction(
    parameter="smtpd_recipient_restrictions",
    needs=(),
    since="2.8",
    of=("client_name", "recipient_ours"),
    tell=tell,
    alike=likeness.listed_name,
    tells=("defer_if_reject",),
)
def permit_rhswl_client() -> nw.Expr:
    """Permit clients whose verified name a list of good domains names: `permit_rhswl_client LIST`.

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
