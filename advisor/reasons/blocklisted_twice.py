"""Unwanted: two blocklists of different operators name the client."""

import numpy as np

from advisor.blocklist import ADDRESSES, operator, tested, welcomes
from advisor.case import Case, Mask
from advisor.listed import recorded
from advisor.reason import reason

LISTS = 2
"""Named by so many: whichever list is judged, at least one other agrees with it."""


@reason(wanted=False, says="two blocklists of different operators named the client")
def blocklisted_twice(case: Case) -> Mask:
    """Two blocklists of different operators named the client, then.

    What it rests on
        The answers that `advisor lookup` recorded within seven days of the mail, of lists that passed their test. Two
        lists of one operator (the same last two labels) are one.

    On what it is silent
        Nothing. A list that is judged may be one of the two; the other one speaks for itself.

    What may deceive it
        Lists that copy each other, and a large provider's relay that several of them name for some of its customers.
    """
    found = np.zeros(case.attempts.num_rows, dtype=np.int64)
    if case.dns is None:
        return case.rows(())
    masks: dict[str, Mask] = {}
    for zone in tested(case.dns, ADDRESSES):
        if welcomes(zone):
            continue
        name = operator(zone)
        masks[name] = masks.get(name, case.rows(())) | recorded(case, [zone])
    for mask in masks.values():
        found += mask
    return found >= LISTS
