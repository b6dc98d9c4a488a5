"""Unwanted: the client looks like an infected machine."""

import numpy as np

from advisor.case import Case, Mask
from advisor.reason import AUTHENTICITY, CLIENT, HELO, SENDER, reason

MARKS = 2
"""So many marks at once: a small firm's server may have one of them, for years."""


@reason(
    wanted=False,
    says="the client has the marks of an infected machine",
    silent_on=HELO | CLIENT | SENDER | AUTHENTICITY | {"reject_rhsbl_helo", "reject_rhsbl_reverse_client"},
)
def infected(case: Case) -> Mask:
    """The client has two marks at once of a machine that is no mail server.

    What it rests on
        No name that leads back to its address; a HELO that is no name of a host (one word, an address, a syntax
        error), as it was logged; SPF that fails, even softly; a sender domain that does not exist. Each alone is
        common among small servers, two together among infected machines.

    On what it is silent
        All restrictions that look at one of these facts.

    What may deceive it
        A machine at a partner's that sends alarms: no name of its own, and `localhost` as HELO. A correspondent is not
        called unwanted by it.
    """
    said = ~case.where("helo_basis", ["inferred"])
    marks = (
        case.where("client_name", ["unknown"]),
        case.where("helo_syntax", ["invalid", "single", "single.", "literal", "bad_literal", "address"]) & said,
        case.where("spf", ["fail", "softfail"]),
        _not_found(case),
    )
    counted = np.zeros(case.attempts.num_rows, dtype=np.int64)
    for mark in marks:
        counted += mark
    return counted >= MARKS


def _not_found(case: Case) -> Mask:
    return case.rows(row for row, found in enumerate(case.column("sender_domain_found")) if found is False)
