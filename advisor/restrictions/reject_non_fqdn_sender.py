"""A sender's address must have a full domain."""

from datetime import datetime

import narwhals as nw

from advisor import likeness
from advisor.hostname import full_address
from advisor.response import Responses
from advisor.restriction import Told, restriction


def tell(_: str, __: Responses, ___: datetime | None, *values: str | None) -> Told | None:
    """What follows from the address: of one that only qmgr shows nothing, since its domain may have been added.

    qmgr shows the null sender for a bare MAILER-DAEMON, too, which hardly anybody sends.
    """
    domain, kind, basis = values
    if kind == "null":
        return Told("dunno", basis="derived" if basis == "logged" else "inferred")
    if domain is None or not (domain or kind) or basis != "logged":
        return None
    return Told("dunno" if full_address(f"@{domain}") else "reject", basis="derived")


@restriction(
    parameter="smtpd_sender_restrictions",
    needs=("sender_kind",),
    reply="504 5.5.2",
    code_parameter="non_fqdn_reject_code",
    says="Sender address rejected: need fully-qualified address",
    since="2.0",
    of=("sender_domain", "sender_kind", "sender_basis"),
    tell=tell,
    alike=likeness.full_name,
)
def reject_non_fqdn_sender() -> nw.Expr:
    """Reject senders whose address has no full domain.

    What it catches
        Broken scripts and bots: a sender without a domain, or with one that has no dot in it. The null sender and
        address literals pass.

    Who it hurts
        Machines in our own house that mail as `root`; permit_mynetworks belongs before it.

    What the log shows
        The sender, where smtpd itself logs it. qmgr shows it after rewriting, with our domain added to what had none,
        so of accepted mail only the null sender and literals are known without a logging setting.

    Gentler
        warn_if_reject before it.
    """
    return ~(nw.col("sender_kind") == "literal") & nw.col("not_logged")
