"""Unwanted: the content filter called it spam."""

from advisor.case import Case, Mask
from advisor.content_filter import filtered
from advisor.reason import SCORED, reason


@reason(wanted=False, says="the content filter called it spam", silent_on=SCORED)
def filter_spam(case: Case) -> Mask:
    """A content filter or milter called the message spam.

    What it rests on
        The lines of amavis, spamd or rspamd about this message, by its queue id or its Message-ID, or the words with
        which a milter refused it. rspamd's `greylist` and `soft reject` do not count.

    On what it is silent
        PTR, HELO, sender domains, DNS lists, SPF and DMARC: the filter scores these itself. Where it logs each test
        with its score, `content_spam` may testify on them.

    What may deceive it
        Newsletters and short mails that the filter takes for spam.
    """
    return case.once(filtered).spam
