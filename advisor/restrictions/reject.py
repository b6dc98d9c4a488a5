"""Reject the request with 554, whatever it is."""

import narwhals as nw

from advisor.restriction import restriction


@restriction(
    parameter="smtpd_recipient_restrictions", needs=(), since="1.0", reply="554 5.7.1", code_parameter="reject_code"
)
def reject() -> nw.Expr:
    """Reject the request with 554, whatever it is.

    What it catches
        Everything that reaches it.

    Who it hurts
        Everybody who is not permitted before.

    What the log shows
        It needs nothing from the log.

    Gentler
        defer, while you try a list.
    """
    return nw.lit(value=True)
