"""dnsblog(8): what DNS lists answered to postscreen."""

from advisor.family import IP, LIBRARY, family

PROGRAMS = ("dnsblog",)
POSTFIX = True

FAMILIES = (
    family(
        "listed",
        "addr 203.0.113.150 listed by domain zen.dnsbl.test as 127.0.0.2",
        rf"addr (?P<client_address>{IP}) listed by domain (?P<list>\S+) as (?P<result>\S+)",
    ),
    family(
        "list_error",
        "warning: dnsblog_query: lookup error for DNS query 2.0.0.127.dead.test: Host or domain name not found",
        r"warning: dnsblog_query: lookup error for DNS query (?P<domain>\S+): (?P<reason>.+)",
    ),
    LIBRARY,
)
