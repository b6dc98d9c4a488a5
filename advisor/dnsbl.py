"""A DNSBL rank: what postscreen makes of several DNS lists together, each with its weight (postscreen_dnsbl_sites)."""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from advisor.blocklist import listed, split
from advisor.errors import AdvisorError
from advisor.response import Responses

# zen.spamhaus.org=127.0.0.[2..11]*3  list.dnswl.org=127.0.[0..255].[1..3]*-2
_SITE = re.compile(r"(?P<zone>[^*]+?)(?:\*(?P<weight>[+-]?\d{1,6}))?", re.ASCII)
# threshold=3
_THRESHOLD = re.compile(r"threshold=(?P<threshold>\d{1,6})", re.ASCII)
_WORDS = re.compile(r"[^\s,{}]+")


@dataclass(frozen=True)
class Sites:
    """Lists with their weights, as in postscreen_dnsbl_sites, and the rank from which a client is refused."""

    weights: tuple[tuple[str, int], ...]
    threshold: int


@dataclass(frozen=True)
class Rank:
    """Between which numbers a client's rank lies, and when the oldest answer was given; exact where both are one."""

    lowest: int
    highest: int
    asked_at: datetime | None


@lru_cache(maxsize=1_000)
def read_sites(text: str) -> Sites:
    """Read `{ zen.spamhaus.org*3, list.dnswl.org*-2, threshold=3 }`: sites as in main.cf, and the threshold (1).

    Raises AdvisorError where postscreen would not start (postscreen_dnsbl_add_site() in postscreen_dnsbl.c).
    """
    weights: list[tuple[str, int]] = []
    threshold = 1
    for word in _WORDS.findall(text):
        limit = _THRESHOLD.fullmatch(word)
        if limit:
            threshold = int(limit["threshold"])
            continue
        found = _SITE.fullmatch(word)
        if found is None:
            raise AdvisorError(
                "postscreen_dnsbl_sites", f"'{word}' is no list", "write LIST, LIST=FILTER or LIST*WEIGHT"
            )
        # A filter that is none is found out here.
        split(found["zone"])
        weights.append((found["zone"], int(found["weight"] or 1)))
    if not weights:
        raise AdvisorError("postscreen_dnsbl_sites", f"'{text}' names no list", "write one, such as zen.spamhaus.org*3")
    if threshold < 1:
        raise AdvisorError("postscreen_dnsbl_threshold", "0 would refuse everybody", "write 1 or more")
    return Sites(tuple(weights), threshold)


def rank(dns: Responses, sites: Sites, address: str, at: datetime | None = None) -> Rank:
    """The rank of a client. A list that was not asked, or is not believed, may name it or not."""
    lowest = highest = 0
    times = []
    for zone, weight in sites.weights:
        said, response = listed(dns, zone, address, at)
        lowest += weight if said or (said is None and weight < 0) else 0
        highest += weight if said or (said is None and weight > 0) else 0
        if response is not None:
            times.append(response.asked_at)
    return Rank(lowest, highest, min(times, default=None))
