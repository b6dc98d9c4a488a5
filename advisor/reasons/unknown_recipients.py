"""Unwanted: the client guesses addresses."""

from collections import defaultdict

from advisor.case import Case, Mask
from advisor.reason import reason

UNKNOWN_RECIPIENTS = 2
"""So many different addresses that do not exist make a client a guesser; one may be a typing error."""


@reason(
    wanted=False,
    says="the client tried recipients that do not exist",
    silent_on=frozenset({"reject_unlisted_recipient"}),
)
def unknown_recipients(case: Case) -> Mask:
    """The client tried two or more recipients that do not exist.

    What it rests on
        Refusals by reject_unlisted_recipient, of different addresses, to one client address.

    What may deceive it
        A list or a newsletter with old addresses; a large provider's relay, whose customers mistype.
    """
    missing: dict[str, set[str]] = defaultdict(set)
    clients, recipients = case.column("client_address"), case.recipients
    for row in case.where("restriction", ["reject_unlisted_recipient"]).nonzero()[0].tolist():
        if clients[row] and recipients[row]:
            missing[clients[row]].add(recipients[row] or "")
    return case.where("client_address", {one for one, tried in missing.items() if len(tried) >= UNKNOWN_RECIPIENTS})
