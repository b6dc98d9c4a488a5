"""A recipient must exist."""

import narwhals as nw

from advisor.restriction import one_of, restriction


@restriction(
    parameter="smtpd_recipient_restrictions",
    needs=("action", "stage"),
    reply="550 5.1.1",
    code_parameter="unknown_local_recipient_reject_code",
    says="Recipient address rejected: User unknown",
    since="2.1",
)
def reject_unlisted_recipient() -> nw.Expr:
    """Reject recipients that are in no table of ours.

    What it catches
        Mail to addresses that do not exist. Postfix asks it by itself after all lists
        (smtpd_reject_unlisted_recipient), so a 450 of any list before it hides its 550: the client then comes back for
        days with mail for nobody.

    Who it hurts
        Nobody; mail for addresses that do not exist would have to be bounced to senders who are mostly forged.

    What the log shows
        "User unknown". A recipient that was accepted is listed; of one that was refused for another reason nothing is
        known.

    Gentler
        There is nothing gentler that does not make you send bounces to strangers.
    """
    passed = (nw.col("action") == "accept") | one_of("stage", "DATA", "END-OF-MESSAGE")
    return ~passed & nw.col("not_logged")
