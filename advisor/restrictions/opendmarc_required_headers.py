"""Tip 7: mail whose header is not what RFC 5322 asks for."""

from datetime import datetime

import narwhals as nw

from advisor.response import Responses
from advisor.restriction import Told, restriction, unlogged


def tell(_: str, __: Responses, ___: datetime | None, result: str | None) -> Told | None:
    """What opendmarc answers with RequiredHeaders, where its log tells: of a missing or unreadable From it does.

    That it says nothing of a header proves nothing: without RequiredHeaders a missing Date is not logged.
    """
    refused = result in ("bad_headers", "bad_from", "no_from")
    return Told("reject", "550 5.7.1", basis="derived") if refused else None


@restriction(
    parameter="smtpd_milters",
    needs=(),
    reply="550 5.7.1",
    since="2.3",
    of=("dmarc",),
    tell=tell,
)
def opendmarc_required_headers() -> nw.Expr:
    """Refuse mail without exactly one From and one Date (OpenDMARC, RequiredHeaders true).

    What it catches
        Mail made by bad programs: no Date, no From or several, two of To, Cc, Subject or Message-Id.

    Who it hurts
        Scanners, monitoring and home-made scripts, which often leave out the Date.

    What the log shows
        A From that is missing or cannot be read. Of all other faults, and of mail without any, nothing: no evidence.

    Gentler
        RequiredHeaders false.
    """
    return unlogged()
