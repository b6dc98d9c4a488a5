"""Tip 2: a HELO must be a full name, with a domain."""

import narwhals as nw

from advisor.restriction import one_of, restriction


@restriction(
    parameter="smtpd_helo_restrictions",
    needs=("helo_sent", "helo_syntax"),
    reply="504 5.5.2",
    code_parameter="non_fqdn_reject_code",
    except_reply=((lambda: nw.col("helo_syntax") == "bad_literal", "501 5.5.2"),),
    says="Helo command rejected: need fully-qualified hostname",
    since="2.3",
    tip=2,
)
def reject_non_fqdn_helo_hostname() -> nw.Expr:
    """Reject clients whose HELO is not a fully-qualified name.

    What it catches
        Bots that say the name of the home computer they run on (`USER-PC`), `localhost`, or a bare address. All that
        reject_invalid_helo_hostname catches, too.

    Who it hurts
        Appliances, scanners, monitoring boxes and small Exchange servers whose name was never completed. The code is
        504: their mail bounces at once.

    What the log shows
        The HELO, where a line shows it (see reject_invalid_helo_hostname); else there is no evidence.

    Gentler
        warn_if_reject before it, or reject_invalid_helo_hostname.
    """
    return nw.col("helo_sent") & one_of("helo_syntax", "invalid", "bad_literal", "single", "single.", "address")
