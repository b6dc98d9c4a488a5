"""Tip 2: a HELO must be the name of a host, or an address in brackets."""

import narwhals as nw

from advisor.restriction import one_of, restriction


@restriction(
    parameter="smtpd_helo_restrictions",
    needs=("helo_sent", "helo_syntax"),
    reply="501 5.5.2",
    code_parameter="invalid_hostname_reject_code",
    says="Helo command rejected: Invalid name",
    since="2.3",
    tip=2,
)
def reject_invalid_helo_hostname() -> nw.Expr:
    """Reject clients whose HELO is no host name by its syntax.

    What it catches
        Bots that say nonsense: two dots in a row, characters no name may have, an address in brackets that is none.

    Who it hurts
        Few: machines whose owner gave them a name with a blank or a letter no host name may have.

    What the log shows
        The HELO stands in reject, reject_warning, permit, info and warn lines only: of mail that was simply accepted it
        is not logged, and then there is no evidence. smtpd_log_access_permit_actions = static:all supplies it
        (Postfix 2.10 and later, where a list ends in an explicit permit).

    Gentler
        warn_if_reject before it. It is itself the gentlest of the HELO restrictions: a bare address passes.
    """
    return nw.col("helo_sent") & one_of("helo_syntax", "invalid", "bad_literal")
