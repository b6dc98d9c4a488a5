"""Wanted: the content filter passed it, whatever speaks for its client."""

from advisor.case import Case, Mask
from advisor.content_filter import filtered
from advisor.reason import reason


@reason(wanted=True, says="the content filter would pass it without what speaks for the client")
def content_clean(case: Case) -> Mask:
    """The content filter called the message clean, and would have without the points in favour of its client.

    What it rests on
        The scores of all tests, as amavis and rspamd can log them. All that is below zero and is not about the
        content (allowlists, SPF, DKIM, a sender's history) is taken out, and what is left must be no higher than a
        score that the filter called clean in the same log. So it testifies on every restriction.

    What may deceive it
        Spam that the filter missed.
    """
    return case.once(filtered).content_clean
