"""A table says what becomes of a client's verified name or address."""

import narwhals as nw

from advisor.restriction import MAP_WORDS, restriction, unlogged


@restriction(
    parameter="smtpd_client_restrictions",
    needs=(),
    reply="554 5.7.1",
    code_parameter="access_map_reject_code",
    since="1.0",
    of=("client_name", "client_address"),
    tells=MAP_WORDS,
)
def check_client_access() -> nw.Expr:
    """Look up a client's verified name or address in a table: `check_client_access TYPE:FILE`.

    What it catches
        Whatever the table says. It is asked for the client's verified name, the domains above it, its address and
        the networks above it.

    Who it hurts
        Whomever the table names.

    What the log shows
        Name and address of every client that smtpd saw.
        The table is read as it is now: texthash, pcre, regexp, cidr, static and inline by us, hash, btree, lmdb and cdb
        through this machine's Postfix. Of ldap, mysql, pgsql, tcp and others there is no evidence: nobody asks them.

    Gentler
        WARN or DUNNO in the table.
    """
    return unlogged()
