"""Unwanted: the client has another name each time."""

from collections import defaultdict

from advisor.case import Case, Mask
from advisor.reason import HELO, reason

NAMES = 3
"""So many unrelated names of one address; a machine that was renamed or moved has two."""


@reason(wanted=False, says="the client called itself another name each time", silent_on=HELO | {"reject_rhsbl_helo"})
def helo_changes(case: Case) -> Mask:
    """The client gave three or more unrelated names in HELO, and hardly ever the same one twice.

    What it rests on
        The HELO of each visit of a client address, as logged. Names are unrelated where their last two labels differ;
        there must be more of them than half of the visits.

    On what it is silent
        The HELO restrictions.

    What may deceive it
        Many small servers behind one address, each of which writes to us rarely.
    """
    visits: dict[str, dict[str, str]] = defaultdict(dict)
    columns = (case.column(name) for name in ("client_address", "session", "helo_name"))
    shown = case.outside & ~case.where("helo_basis", ["inferred"])
    for client, session, name, logged in zip(*columns, shown.tolist(), strict=True):
        if logged and client and session and name:
            visits[client][session] = ".".join(name.lower().rstrip(".").rsplit(".", 2)[-2:])
    changing = set()
    for client, names in visits.items():
        different = len(set(names.values()))
        if different >= NAMES and different * 2 > len(names):
            changing.add(client)
    return case.where("client_address", changing)
