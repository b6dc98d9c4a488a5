"""Listed: which clients DNS lists name, by what the log shows and by the answers that were recorded."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import pyarrow.compute as pc

from advisor import blocklist
from advisor.blocklist import ALLOWLIST
from advisor.case import Case, Mask

FRESH = timedelta(days=7)
"""Listings come and go: an answer given at another time says nothing of then."""


def recorded(case: Case, zones: Iterable[str]) -> Mask:
    """The attempts of clients that one of these lists (zen.spamhaus.org=127.0.0.[2..11]) named within FRESH."""
    found = case.rows(())
    known = [] if case.dns is None else [zone for zone in zones if case.dns.below(blocklist.split(zone)[0])]
    if not known:
        return found
    addresses, times = case.column("client_address"), case.column("time")
    rows = case.outside.nonzero()[0].tolist()
    for zone in known:
        told: dict[tuple[str, object], bool] = {}
        for row in rows:
            address, at = addresses[row], times[row]
            if not address or at is None:
                continue
            key = address, at.date()
            if key not in told:
                told[key] = _named(case, zone, address, at)
            found[row] |= told[key]
    return found


def _named(case: Case, zone: str, address: str, at: datetime) -> bool:
    assert case.dns is not None
    on, response = blocklist.listed(case.dns, zone, address, at)
    return bool(on) and response is not None and abs(response.asked_at - at) <= FRESH


def answered(case: Case, pattern: str, *, but: str = r"^$", welcomes: bool) -> set[str]:
    """The clients of which dnsblog logged an answer of this form, but for some, from allowlists or from all others."""
    found = case.events.filter((pc.field("kind") == "listed") & pc.match_substring_regex(pc.field("result"), pattern))
    good = pc.match_substring_regex(pc.field("list"), ALLOWLIST)
    found = found.filter((good if welcomes else ~good) & ~pc.match_substring_regex(pc.field("result"), but))
    return {address for address in found["client_address"].to_pylist() if address}
