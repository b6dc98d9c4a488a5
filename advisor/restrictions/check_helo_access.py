"""A table says what becomes of a HELO name."""

import narwhals as nw

from advisor.restriction import MAP_WORDS, restriction, unlogged


@restriction(
    parameter="smtpd_helo_restrictions",
    needs=(),
    reply="554 5.7.1",
    code_parameter="access_map_reject_code",
    since="1.0",
    of=("helo_sent", "helo_name"),
    tells=MAP_WORDS,
)
def check_helo_access() -> nw.Expr:
    """Look up a HELO name in a table: `check_helo_access TYPE:FILE`.

    What it catches
        Whatever the table says. It is asked for the HELO name and the domains above it. Anybody may say any name:
        an OK there lets in who knows it.

    Who it hurts
        Whomever the table names.

    What the log shows
        The HELO, where a line shows it (see reject_invalid_helo_hostname).
        The table is read as it is now: texthash, pcre, regexp, cidr, static and inline by us, hash, btree, lmdb and cdb
        through this machine's Postfix. Of ldap, mysql, pgsql, tcp and others there is no evidence: nobody asks them.

    Gentler
        WARN or DUNNO in the table.
    """
    return unlogged()
