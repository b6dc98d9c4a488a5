"""Tip 2: a client must say HELO or EHLO before it mails."""

import narwhals as nw

from advisor.restriction import restriction


@restriction(
    parameter="smtpd_helo_required",
    needs=("helo_sent",),
    reply="503 5.5.1",
    since="1.0",
    tip=2,
)
def smtpd_helo_required() -> nw.Expr:
    """Require that a client says HELO or EHLO before MAIL FROM.

    What it catches
        The crudest of bots. Every mail server says HELO (RFC 5321, section 4.1.1.1).

    Who it hurts
        Hand-written scripts, old scanners and monitoring probes that speak too little SMTP.

    What the log shows
        The command counts in "disconnect from" lines (Postfix 3.0 and later) show whether there was a HELO; older
        versions show nothing. Postfix does not log this refusal at all: it is seen only in the counts.

    Gentler
        There is no warn_if_reject for it. Look at who would be hurt before you switch it on.
    """
    return ~nw.col("helo_sent")
