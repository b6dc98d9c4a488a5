"""Whoever logged in passes."""

import narwhals as nw

from advisor.restriction import restriction


@restriction(parameter="smtpd_client_restrictions", needs=("authenticated",), since="1.0")
def permit_sasl_authenticated() -> nw.Expr:
    """Permit clients that have logged in.

    What it catches
        Nothing; it must stand before the restrictions that our users on hotel and home lines would fail.

    Who it hurts
        Nobody. A stolen password passes too.

    What the log shows
        sasl_username in "client=" lines, and the count of auth in "disconnect from" lines (Postfix 3.0 and later).

    Gentler
        A service of its own for users (submission, port 587), with its own lists.
    """
    return nw.col("authenticated")
