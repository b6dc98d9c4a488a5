"""Permit the request: the end of a list."""

import narwhals as nw

from advisor.restriction import restriction


@restriction(parameter="smtpd_recipient_restrictions", needs=(), since="1.0")
def permit() -> nw.Expr:
    """Permit the request: the end of a list.

    What it catches
        Nothing.

    Who it hurts
        Nobody; what stands behind it in the same list never runs.

    What the log shows
        It needs nothing from the log.

    Gentler
        Leave it out: a list that ends says neither yes nor no.
    """
    return nw.lit(value=True)
