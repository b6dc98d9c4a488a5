"""Unwanted: there is a virus in it."""

from advisor.case import Case, Mask
from advisor.content_filter import filtered
from advisor.reason import reason


@reason(wanted=False, says="the content filter found a virus")
def virus(case: Case) -> Mask:
    """The content filter found a virus in the message.

    What it rests on
        The lines of amavis or ClamAV about this message, or the words with which a milter refused it. No virus
        scanner looks at who the client is, so this testifies on every restriction.

    What may deceive it
        A scanner's wrong alarm.
    """
    return case.once(filtered).virus
