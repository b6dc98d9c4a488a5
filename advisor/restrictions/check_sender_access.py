"""A table says what becomes of a sender."""

import narwhals as nw

from advisor.restriction import MAP_WORDS, restriction, unlogged


@restriction(
    parameter="smtpd_sender_restrictions",
    needs=(),
    reply="554 5.7.1",
    code_parameter="access_map_reject_code",
    since="1.0",
    of=("sender", "sender_kind"),
    tells=MAP_WORDS,
)
def check_sender_access() -> nw.Expr:
    """Look up a sender in a table: `check_sender_access TYPE:FILE`.

    What it catches
        Whatever the table says. It is asked for the address, the address without its extension, the domain and
        those above it, and `user@`; for the null sender `<>`.

    Who it hurts
        Whomever the table names.

    What the log shows
        The sender; of accepted mail as it is after rewriting.
        The table is read as it is now: texthash, pcre, regexp, cidr, static and inline by us, hash, btree, lmdb and cdb
        through this machine's Postfix. Of ldap, mysql, pgsql, tcp and others there is no evidence: nobody asks them.

    Gentler
        WARN or DUNNO in the table.
    """
    return unlogged()
