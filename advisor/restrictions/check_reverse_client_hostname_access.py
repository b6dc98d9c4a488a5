"""A table says what becomes of a client's PTR name or its address."""

import narwhals as nw

from advisor.restriction import MAP_WORDS, restriction, unlogged


@restriction(
    parameter="smtpd_client_restrictions",
    needs=(),
    reply="554 5.7.1",
    code_parameter="access_map_reject_code",
    since="2.6",
    of=("reverse_client_name", "client_address"),
    tells=MAP_WORDS,
)
def check_reverse_client_hostname_access() -> nw.Expr:
    """Look up a client's PTR name or its address in a table: `check_reverse_client_hostname_access TYPE:FILE`.

    What it catches
        Whatever the table says. It is asked for the name in the client's PTR record, the domains above it, its
        address and the networks above it. An OK is an error: anybody may choose that name.

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
