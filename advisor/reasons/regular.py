"""Wanted: the sender has written for weeks, to several of us."""

from collections import Counter, defaultdict

from advisor.case import Case, Mask
from advisor.correspondence import disowned
from advisor.reason import AUTHENTICITY, reason

DAYS, SPAN, RECIPIENTS = 5, 14, 3
"""On so many days, so many days from the first to the last, to so many of us."""
A_DAY = 20
"""More than so many a day, on average, is bulk mail: regular, but who wants it is not known."""


@reason(wanted=True, says="regular mail over weeks, to several of us", silent_on=AUTHENTICITY)
def regular(case: Case) -> Mask:
    """Mail that came regularly over weeks, from one network and domain to several of our users.

    What it rests on
        Accepted and delivered mail of one sender domain from one network (/24, /64): on 5 days or more, 14 days or
        more from first to last, to 3 recipients or more, at most 20 a day on average. Nothing else of that network
        was refused for good, or failed SPF or DMARC.

    On what it is silent
        policyd-spf and OpenDMARC: mail that fails those could never be wanted by this reason.

    What may deceive it
        A newsletter nobody asked for, sent patiently.
    """
    networks, domains, days = case.column("client_network"), case.sender_domains, case.days
    bad = (case.where("action", ["reject"]) | disowned(case)) & case.outside
    spoilt = {networks[row] for row in bad.nonzero()[0].tolist()}
    rows = (case.outside & case.accepted & case.where("status", ["sent"])).nonzero()[0].tolist()
    counts = Counter((networks[row], domains[row]) for row in rows)
    dates: dict[tuple[str, str], set[int]] = defaultdict(set)
    to: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in rows:
        key, day, recipient = (networks[row], domains[row]), days[row], case.recipients[row]
        if key[0] and key[1] and key[0] not in spoilt and day is not None and recipient:
            dates[key].add(day)
            to[key].add(recipient)
    steady = {
        key
        for key, seen in dates.items()
        if len(seen) >= DAYS
        and max(seen) - min(seen) >= SPAN
        and len(to[key]) >= RECIPIENTS
        and counts[key] <= A_DAY * len(seen)
    }
    return case.rows(row for row in rows if (networks[row], domains[row]) in steady)
