"""Tip 1: a client must have a PTR record."""

import narwhals as nw

from advisor.restriction import restriction


@restriction(
    parameter="smtpd_client_restrictions",
    needs=("reverse_client_name",),
    reply="450 4.7.1",
    code_parameter="unknown_client_reject_code",
    says="Client host rejected: cannot find your reverse hostname",
    since="2.3",
    tip=1,
)
def reject_unknown_reverse_client_hostname() -> nw.Expr:
    """Reject clients whose address has no name at all (no PTR record).

    What it catches
        Bots on dial-up and rented addresses whose owner never set a name. RFC 1912, section 2.1, asks for one.

    Who it hurts
        Small senders whose provider sets no PTR record, machines that mail from inside a customer's network, and for
        the moment anybody whose name server does not answer.

    What the log shows
        "connect from unknown" with no "hostname ... does not resolve" warning of the same process before it. A
        temporary failure of the reverse look-up looks just the same, so what we count is an upper bound. With the
        default code 450 a good client comes back for days: several attempts may be one message.

    Gentler
        Put warn_if_reject before it for a week. It is itself the gentler form of reject_unknown_client_hostname.
    """
    return nw.col("reverse_client_name") == "unknown"
