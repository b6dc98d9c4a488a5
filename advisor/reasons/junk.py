"""Unwanted: it was delivered into the junk folder."""

import re

import pyarrow as pa
import pyarrow.compute as pc

from advisor.case import Case, Mask
from advisor.handover import Handover
from advisor.reason import SCORED, reason

# Junk   INBOX.Spam   INBOX/Junk E-mail
_JUNK = re.compile(r"(?:INBOX[./\\])?(?:Junk|Spam|Junk[ _-]?E?-?mail|Bulk(?: Mail)?|Probably[ _-]Spam)", re.IGNORECASE)


@reason(wanted=False, says="it was delivered into the junk folder", silent_on=SCORED)
def junk(case: Case) -> Mask:
    """The mail store put the message into the recipient's junk folder.

    What it rests on
        Dovecot's lines (`stored mail into mailbox 'Junk'`), by the Message-ID and the recipient. A Message-ID that
        clients of two networks used tells nothing: anybody may copy one.

    On what it is silent
        PTR, HELO, sender domains, DNS lists, SPF and DMARC: the sieve script goes by the content filter's header.

    What may deceive it
        A user's own rule for mail that is merely tedious.
    """
    stored = case.events.filter((pc.field("kind") == "stored") & pc.field("relay").is_valid())
    names = [name for name in pc.unique(stored["relay"]).to_pylist() if _JUNK.fullmatch(name)]
    stored = stored.filter(pc.is_in(stored["relay"], pa.array(names, pa.string())))
    handed = case.once(Handover).each(stored) if stored.num_rows else ()
    return case.rows(row for _, rows in handed for row in rows)
