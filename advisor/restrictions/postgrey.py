"""Tip 5: greylisting, by postgrey."""

from datetime import datetime

import narwhals as nw

from advisor.response import Responses
from advisor.restriction import Told, restriction, unlogged


def tell(_: str, __: Responses, ___: datetime | None, answer: str | None) -> Told | None:
    """What the replay has answered (advisor.greylist); null where nobody replayed it or the log lacks what it needs."""
    return Told(answer, "" if answer == "dunno" else "450 4.2.0", basis="derived") if answer else None


@restriction(
    parameter="smtpd_recipient_restrictions",
    needs=(),
    reply="450 4.2.0",
    says="Greylisted",
    since="2.1",
    of=("greylist_answer",),
    tell=tell,
    tells=("reject", "defer", "defer_if_permit"),
)
def postgrey() -> nw.Expr:
    """Defer what comes from an unknown network, sender and recipient for the first time (postgrey).

    What it catches
        Hosts that never try again. Many bots do by now.

    Who it hurts
        Everybody once: mail comes late by as long as the client waits. Login codes come too late to be of use, pools
        that try again from another network begin anew each time, and some senders never come back.

    What the log shows
        Each answer is postgrey's own to exactly these attempts. That is not yet what would happen: where nothing was
        greylisted nobody had to come back. The forecast beside it says who was ever seen to come back, and how soon;
        the others are unknowable, and counted as that.

    Gentler
        postscreen's pregreet test, which stops the same bots and delays nobody.
    """
    return unlogged()
