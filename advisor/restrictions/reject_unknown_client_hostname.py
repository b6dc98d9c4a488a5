"""Tip 3: a client's name must lead back to its address (forward-confirmed reverse DNS)."""

import narwhals as nw

from advisor.restriction import restriction


@restriction(
    parameter="smtpd_client_restrictions",
    needs=("client_name",),
    reply="450 4.7.25",
    code_parameter="unknown_client_reject_code",
    # A forward look-up that failed for the moment stays a 450, whatever the code is set to (smtpd_check.c).
    except_reply=((lambda: nw.col("client_status") == "forward_temporary", "450 4.7.25"),),
    says="Client host rejected: cannot find your hostname",
    since="2.3",
    tip=3,
)
def reject_unknown_client_hostname() -> nw.Expr:
    """Reject clients whose address has no name that leads back to it.

    What it catches
        Hosts without working reverse DNS: all that reject_unknown_reverse_client_hostname catches, and those with a
        PTR record that names nothing or names another address.

    Who it hurts
        Many well-meaning small senders: a provider's stale PTR record, a host name without an A record, a name server
        that does not answer for the moment. It is the tip that is most often taken back.

    What the log shows
        "unknown" as the client's name; the warning before it tells which of the kinds it is. So it is known for every
        client that smtpd saw.

    Gentler
        reject_unknown_reverse_client_hostname, which asks only that there be a name.
    """
    return nw.col("client_name") == "unknown"
