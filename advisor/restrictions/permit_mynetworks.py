"""Our own networks pass."""

import narwhals as nw

from advisor.restriction import restriction


@restriction(parameter="smtpd_client_restrictions", needs=("in_mynetworks",), since="1.0")
def permit_mynetworks() -> nw.Expr:
    """Permit clients in mynetworks.

    What it catches
        Nothing; it must stand before the restrictions that our own machines would fail.

    Who it hurts
        Nobody, as long as mynetworks holds only machines that you trust to relay.

    What the log shows
        The client's address. The networks come from the configuration; without it only loopback counts as inside.

    Gentler
        permit_sasl_authenticated, for those who can log in.
    """
    return nw.col("in_mynetworks")
