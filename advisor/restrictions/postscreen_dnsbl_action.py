"""DNS lists with weights, before a client gets to smtpd."""

from datetime import datetime

import narwhals as nw
import pyarrow as pa

from advisor import likeness
from advisor.blocklist import split
from advisor.dnsbl import rank, read_sites
from advisor.response import Responses
from advisor.restriction import Told, restriction, unlogged


def tell(sites: str, dns: Responses, day: datetime | None, *values: str | bool | None) -> Told | None:
    """What postscreen answers: with lists named, what they say; without, what its own lists said, from its log."""
    address, ours, hit = values
    if ours:
        return Told("dunno", basis="derived")
    if ours is None or not isinstance(address, str):
        return None
    if not sites:
        return None if hit is None else Told("reject" if hit else "dunno", basis="derived")
    wanted = read_sites(sites)
    said = rank(dns, wanted, address, day)
    if (said.lowest >= wanted.threshold) != (said.highest >= wanted.threshold):
        return None
    return Told("reject" if said.lowest >= wanted.threshold else "dunno", asked_at=said.asked_at)


def alike(sites: str, dns: Responses, values: pa.Array) -> pa.Array:
    """Clients about which none of the lists was asked."""
    zones = (split(zone)[0] for zone, _ in read_sites(sites).weights) if sites else ()
    return likeness.addresses(dns, values, *zones)


@restriction(
    parameter="postscreen_dnsbl_action",
    needs=(),
    reply="550 5.7.1",
    since="2.8",
    of=("client_address", "in_mynetworks", "dnsbl_hit"),
    tell=tell,
    alike=alike,
)
def postscreen_dnsbl_action() -> nw.Expr:
    """Refuse clients that DNS lists name, each list with its weight (postscreen_dnsbl_action = enforce).

    What it catches
        What reject_rbl_client catches, and it needs not trust one list alone.

    Who it hurts
        Clients of large providers, when a list with enough weight names one of their hosts.

    What the log shows
        `DNSBL rank`, from the threshold up. For other lists `advisor lookup` asks them: write them as in
        postscreen_dnsbl_sites, `{ zen.spamhaus.org*3, list.dnswl.org*-2, threshold=3 }`.

    Gentler
        postscreen_dnsbl_action = ignore, which only logs.
    """
    return unlogged()
