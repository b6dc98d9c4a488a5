"""A client must wait for its turn."""

import narwhals as nw

from advisor.restriction import restriction


@restriction(
    parameter="smtpd_data_restrictions",
    needs=("pipelined",),
    reply="503 5.5.0",
    says="Improper use of SMTP command pipelining",
    since="2.0",
)
def reject_unauth_pipelining() -> nw.Expr:
    """Reject clients that send commands before they may (improper command pipelining).

    What it catches
        Bots that send everything at once and read no answer.

    Who it hurts
        Hardly anybody: every mail server waits where it must (RFC 2920).

    What the log shows
        "improper command pipelining after". smtpd looks at each command that must be the last of its group, so in
        smtpd_data_restrictions all of it is seen, and before that only what came with earlier commands. Since Postfix
        3.9 smtpd_forbid_unauth_pipelining ends such sessions anyway.

    Gentler
        warn_if_reject before it.
    """
    return nw.col("pipelined")
