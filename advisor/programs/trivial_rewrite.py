"""trivial-rewrite(8) and the other programs that say little unless a table is missing."""

from advisor.family import LIBRARY

PROGRAMS = (
    *("trivial-rewrite", "proxymap", "proxywrite", "flush", "showq", "spawn", "qmqpd", "postlogd", "postqueue"),
    *("postmap", "postalias", "postconf", "postmulti"),
)
POSTFIX = True

FAMILIES = (LIBRARY,)
