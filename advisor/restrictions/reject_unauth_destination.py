"""Relay control: only mail for us, or from us."""

import narwhals as nw

from advisor.restriction import restriction


@restriction(
    parameter="smtpd_relay_restrictions",
    needs=("recipient_ours",),
    reply="554 5.7.1",
    code_parameter="relay_domains_reject_code",
    says="Relay access denied",
    since="1.0",
)
def reject_unauth_destination() -> nw.Expr:
    """Reject recipients that are neither ours nor in relay_domains.

    What it catches
        Attempts to use this server as an open relay. It is not advice: without it you are one.

    Who it hurts
        Users who forgot to log in.

    What the log shows
        "Relay access denied". Mail that was accepted passed relay control; of mail refused for another reason nothing
        is known.

    Gentler
        There is nothing gentler.
    """
    return ~nw.col("recipient_ours")
