"""Defer the request with 450, whatever it is."""

import narwhals as nw

from advisor.restriction import restriction


@restriction(
    parameter="smtpd_recipient_restrictions", needs=(), since="1.0", reply="450 4.3.2", code_parameter="defer_code"
)
def defer() -> nw.Expr:
    """Defer the request with 450, whatever it is.

    What it catches
        Everything that reaches it; the client comes back.

    Who it hurts
        Everybody who is not permitted before, until it is taken out.

    What the log shows
        It needs nothing from the log.

    Gentler
        warn_if_reject before it.
    """
    return nw.lit(value=True)
