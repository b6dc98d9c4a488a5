"""Wanted: the content filter passed it on several days, whatever speaks for its client."""

from collections import defaultdict

from advisor.case import Case, Mask
from advisor.content_filter import filtered
from advisor.reason import reason

DAYS = 2
"""On so many days: a filter misses some spam, and bots that come once are many."""


@reason(wanted=True, says="the content filter would pass it without what speaks for the client")
def content_clean(case: Case) -> Mask:
    """The content filter called the message clean, and would have without the points in favour of its client.

    What it rests on
        The scores of all tests, as amavis and rspamd can log them. All that is below zero and is not about the
        content (allowlists, SPF, DKIM, a sender's history) is taken out, and what is left must be no higher than a
        score that the filter called clean in the same log. So it testifies on every restriction. It must hold on two
        days at least for mail from one network (/24, /64).

    What may deceive it
        Spam that the filter missed, from a host that comes again.
    """
    found = case.once(filtered).content_clean
    networks, days = case.column("client_network"), case.days
    dates: dict[str | None, set[int | None]] = defaultdict(set)
    for row in found.nonzero()[0].tolist():
        dates[networks[row]].add(days[row])
    return case.rows(row for row in found.nonzero()[0].tolist() if len(dates[networks[row]] - {None}) >= DAYS)
