"""Wanted: the content filter passed it."""

from advisor.case import Case, Mask
from advisor.content_filter import filtered
from advisor.reason import SCORED, reason


@reason(wanted=True, says="the content filter passed it", silent_on=SCORED)
def filter_clean(case: Case) -> Mask:
    """The content filter called the message clean.

    What it rests on
        The lines of amavis, spamd or rspamd about this message, by its queue id or its Message-ID.

    On what it is silent
        PTR, HELO, sender domains, DNS lists, SPF and DMARC: the filter scores these itself. Where it logs each test
        with its score, `content_clean` may testify on them.

    What may deceive it
        Spam that the filter missed.
    """
    return case.once(filtered).clean
