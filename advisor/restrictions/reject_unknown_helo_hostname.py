"""Tip 2: a HELO must be a name that the DNS knows."""

from datetime import datetime

import narwhals as nw

from advisor import existence, likeness
from advisor.response import Responses
from advisor.restriction import Told, one_of, restriction


def tell(_: str, dns: Responses, day: datetime | None, name: str | None, syntax: str | None) -> Told | None:
    """What follows from the records of the HELO name."""
    if name is None or syntax not in ("fqdn", "single"):
        return None
    found = existence.helo(name, dns, day)
    if found is None:
        return None
    word, asked_at = found
    if word == existence.WAITING:
        return Told("defer_if_permit", "450 4.7.1", asked_at=asked_at)
    return Told("dunno" if word == existence.KNOWN else "reject", asked_at=asked_at)


@restriction(
    parameter="smtpd_helo_restrictions",
    needs=("helo_sent", "helo_syntax", "helo_found"),
    reply="450 4.7.1",
    code_parameter="unknown_hostname_reject_code",
    except_reply=((lambda: nw.col("helo_syntax") == "bad_literal", "501 5.5.2"),),
    says="Helo command rejected: Host not found",
    since="2.3",
    tip=2,
    of=("helo_name", "helo_syntax"),
    tell=tell,
    alike=likeness.helo,
    tells=("defer_if_permit",),
    tempfail_parameter="unknown_helo_hostname_tempfail_action",
)
def reject_unknown_helo_hostname() -> nw.Expr:
    """Reject clients whose HELO name has neither an address nor a mail exchanger in the DNS.

    What it catches
        Bots with invented names, and all names that are none: what has no valid syntax is never looked up.

    Who it hurts
        Many: firms that say an internal name (`exchange.firm.local`), hosts behind address translation. Maintainers of
        mail distributions leave it off for that reason.

    What the log shows
        The HELO, where a line shows it. Whether the name exists is not in the log unless Postfix was asked: a name of
        valid syntax has no evidence until `advisor lookup` asks for A, AAAA and MX; a null MX will do.

    Gentler
        reject_non_fqdn_helo_hostname, which asks the syntax only.
    """
    known_bad = one_of("helo_syntax", "bad_literal", "invalid", "address", "fqdn.", "single.")
    looked_up = ~(nw.col("helo_syntax") == "literal") & ~nw.col("helo_found")
    return nw.col("helo_sent") & (known_bad | looked_up)
