"""Unwanted: the client guesses passwords."""

from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc

from advisor.case import Case, Mask
from advisor.reason import reason

FAILURES = 10
"""So many failed logins in a day; a phone with an old password may have some, but logs in some other day."""


@reason(wanted=False, says="the client guessed passwords")
def auth_storm(case: Case) -> Mask:
    """The client failed to log in ten times or more in a day, and never succeeded.

    What it rests on
        smtpd's and Dovecot's lines about failed logins, by client address and day.

    What may deceive it
        A user's machine with an old password, whose owner never logs in from there.
    """
    failed = case.events.filter((pc.field("kind") == "login_failed") & pc.field("client_address").is_valid())
    failures: Counter[tuple[str, int | None]] = Counter()
    days = pc.cast(pc.cast(failed["time"], pa.date32()), pa.int32()).to_pylist()
    for client, day, times in zip(
        failed["client_address"].to_pylist(), days, failed["repeated"].to_pylist(), strict=True
    ):
        failures[client, day] += times or 1
    welcome = case.attempts.filter(pc.field("authenticated"))["client_address"].to_pylist()
    storming = {client for (client, _), number in failures.items() if number >= FAILURES}
    return case.where("client_address", storming.difference(welcome))
