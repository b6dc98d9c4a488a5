"""Unwanted: the content filter called it spam, whatever speaks against its client."""

from advisor.case import Case, Mask
from advisor.content_filter import filtered
from advisor.reason import reason


@reason(wanted=False, says="the content filter called it spam by its content alone")
def content_spam(case: Case) -> Mask:
    """The content filter called the message spam, and would have without the points against its client.

    What it rests on
        The scores of all tests, as amavis and rspamd can log them. All that is above zero and is not about the
        content (PTR, HELO, DNS lists, SPF, DMARC, and tests that we do not know) is taken out, and what is left must
        be no lower than a score that the filter called spam in the same log. So it testifies on every restriction.

    What may deceive it
        Newsletters that the filter takes for spam.
    """
    return case.once(filtered).content_spam
