"""A table says what becomes of a recipient."""

import narwhals as nw

from advisor.restriction import MAP_WORDS, restriction, unlogged


@restriction(
    parameter="smtpd_recipient_restrictions",
    needs=(),
    reply="554 5.7.1",
    code_parameter="access_map_reject_code",
    since="1.0",
    of=("recipient",),
    tells=MAP_WORDS,
)
def check_recipient_access() -> nw.Expr:
    """Look up a recipient in a table: `check_recipient_access TYPE:FILE`.

    What it catches
        Whatever the table says. It is asked for the address, the address without its extension, the domain and
        those above it, and `user@`. An OK opens a relay where relay control does not stand elsewhere.

    Who it hurts
        Whomever the table names.

    What the log shows
        The recipient; one without a domain gets ours, which is not known here.
        The table is read as it is now: texthash, pcre, regexp, cidr, static and inline by us, hash, btree, lmdb and cdb
        through this machine's Postfix. Of ldap, mysql, pgsql, tcp and others there is no evidence: nobody asks them.

    Gentler
        WARN or DUNNO in the table.
    """
    return unlogged()
