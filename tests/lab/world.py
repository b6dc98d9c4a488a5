"""The world: every host, domain and list that the lab's name server knows.

Addresses are of the documentation ranges (RFC 5737, RFC 3849), names end in .example or .test (RFC 2606).
"""

from collections.abc import Iterator
from ipaddress import ip_address

OWN_DOMAIN = "ourdom.test"
SERVER, SERVER6 = "192.0.2.1", "2001:db8::1"
HOSTNAME = f"mx1.{OWN_DOMAIN}"
NETWORKS = ("127.0.0.0/8", "192.0.2.64/28")
"""mynetworks: the scanner's is 192.0.2.70."""

HOSTS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    # address, the names its PTR records hold, what those names lead to ('' for nothing new)
    ("203.0.113.10", ("mail.good.example",), "A 203.0.113.10"),
    ("203.0.113.11", ("mail2.good.example",), "A 203.0.113.11"),
    ("203.0.113.12", ("alias.cname.example",), "CNAME host.cname.example."),
    ("203.0.113.13", ("one.two.example", "other.two.example"), "A 203.0.113.13"),
    ("203.0.113.14", ("Mixed.Case.Example",), "A 203.0.113.14"),
    ("203.0.113.15", ("under_score.example",), "A 203.0.113.15"),
    ("203.0.113.25", ("nofwd.nosuch.example",), ""),
    ("203.0.113.27", ("nodata.hosts.example",), "MX 10 mail.good.example."),
    ("203.0.113.28", ("other.hosts.example",), "A 203.0.113.29"),
    ("203.0.113.30", ("mail.servfail.test",), ""),
    ("203.0.113.31", ("localhost",), ""),
    ("203.0.113.35", ("203.0.113.35",), ""),
    ("203.0.113.36", ("bad!name.example",), "A 203.0.113.36"),
    ("203.0.113.37", ("-lead.example",), "A 203.0.113.37"),
    ("203.0.113.40", ("good.both.example", "bad.both.nosuch.example"), ""),
    ("203.0.113.41", ("alias.nowhere.example",), "CNAME gone.nosuch.example."),
    ("203.0.113.43", ("many.hosts.example",), "A 203.0.113.43\nmany.hosts.example. A 203.0.113.44"),
    ("203.0.113.45", ("v6only.hosts.example",), "AAAA 2001:db8::45"),
    ("203.0.113.46", (f"fake.{OWN_DOMAIN}",), ""),
    ("203.0.113.160", ("mail.welcome.example",), "A 203.0.113.160"),
    ("203.0.113.170", ("mail.listedptr.example",), "A 203.0.113.170"),
    ("203.0.113.171", ("fake.listedptr.example",), ""),
    ("203.0.113.182", ("forwarder.example",), "A 203.0.113.182"),
    ("2001:db8::10", ("mail6.good.example",), "AAAA 2001:db8::10"),
    ("2001:db8::28", ("other6.hosts.example",), "AAAA 2001:db8::29"),
    ("2001:db8::2a", ("v4only.hosts.example",), "A 203.0.113.47"),
    ("2001:db8::150", ("bad6.senders.example",), "AAAA 2001:db8::150"),
    ("192.0.2.66", ("printer.ourdom.test",), "A 192.0.2.66"),
)
"""Beside them, h100 to h159 and h172 to h199.senders.example are 203.0.113.100 and so on, in order; 203.0.113.20 and
198.51.100.x have no PTR."""

BROKEN = ("servfail.test", "22.113.0.203.in-addr.arpa", "dead.dnsbl.test", "0.2.0.0.8.b.d.0.1.0.0.2.ip6.arpa")
"""Zones whose file is missing: the server answers SERVFAIL for all that is in them."""

RECORDS = """
good.both.example. A 203.0.113.40
host.cname.example. A 203.0.113.12
21.113.0.203.in-addr.arpa. TXT "no PTR here, but a name"
38.113.0.203.in-addr.arpa. CNAME 38.32-63.113.0.203.in-addr.arpa.
38.32-63.113.0.203.in-addr.arpa. PTR classless.good.example.
classless.good.example. A 203.0.113.38
39.113.0.203.in-addr.arpa. CNAME 39b.113.0.203.in-addr.arpa.
39b.113.0.203.in-addr.arpa. CNAME 39.113.0.203.in-addr.arpa.
$GENERATE 100-159 h$.senders.example. A 203.0.113.$
$GENERATE 172-181 h$.senders.example. A 203.0.113.$
$GENERATE 183-199 h$.senders.example. A 203.0.113.$
$GENERATE 100-159 $.113.0.203.in-addr.arpa. PTR h$.senders.example.
$GENERATE 172-181 $.113.0.203.in-addr.arpa. PTR h$.senders.example.
$GENERATE 183-199 $.113.0.203.in-addr.arpa. PTR h$.senders.example.
; HELO names
helo-ok.example. A 203.0.113.10
helo-mx.example. MX 10 mail.good.example.
helo-aaaa.example. AAAA 2001:db8::10
helo-cname.example. CNAME helo-ok.example.
helo-nowhere.example. CNAME gone.nosuch.example.
helo-txt.example. TXT "neither address nor exchanger"
helo_under.example. A 203.0.113.10
single. A 203.0.113.10
xn--bcher-kva.example. A 203.0.113.10
; sender domains
sender-ok.example. MX 10 mail.good.example.
*.wild.example. MX 10 mail.good.example.
a-only.example. A 203.0.113.10
aaaa-only.example. AAAA 2001:db8::10
null-mx.example. MX 0 .
null-mx-a.example. MX 0 .
null-mx-a.example. A 203.0.113.10
two-mx.example. MX 0 .
two-mx.example. MX 10 mail.good.example.
mx-nosuch.example. MX 10 gone.nosuch.example.
mx-servfail.example. MX 10 mail.servfail.test.
mx-literal.example. MX 10 203.0.113.10.
txt-only.example. TXT "no exchanger, no address"
cname-domain.example. CNAME sender-ok.example.
cname-nowhere.example. CNAME gone.nosuch.example.
loop-a.example. CNAME loop-b.example.
loop-b.example. CNAME loop-a.example.
ourdom.test. MX 10 mx1.ourdom.test.
ourdom.test. TXT "v=spf1 ip4:192.0.2.0/24 -all"
_dmarc.ourdom.test. TXT "v=DMARC1; p=reject"
mx1.ourdom.test. A 192.0.2.1
partner.example. MX 10 mail.good.example.
bounces.test. MX 10 mail.good.example.
; SPF
spf-pass.example. MX 10 mail.good.example.
spf-pass.example. TXT "v=spf1 ip4:203.0.113.180 -all"
spf-fail.example. MX 10 mail.good.example.
spf-fail.example. TXT "v=spf1 ip4:192.0.2.99 -all"
spf-soft.example. A 203.0.113.10
spf-soft.example. TXT "v=spf1 ~all"
spf-neutral.example. A 203.0.113.10
spf-neutral.example. TXT "v=spf1 ?all"
spf-perm.example. A 203.0.113.10
spf-perm.example. TXT "v=spf1 include:nosuch.example -all"
spf-two.example. A 203.0.113.10
spf-two.example. TXT "v=spf1 -all"
spf-two.example. TXT "v=spf1 +all"
spf-temp.example. A 203.0.113.10
spf-temp.example. TXT "v=spf1 include:servfail.test -all"
spf-include.example. A 203.0.113.10
spf-include.example. TXT "v=spf1 include:spf-pass.example -all"
spf-redirect.example. A 203.0.113.10
spf-redirect.example. TXT "v=spf1 redirect=spf-fail.example"
spf-loop.example. A 203.0.113.10
spf-loop.example. TXT "v=spf1 include:spf-loop.example -all"
spf-a.example. A 203.0.113.180
spf-a.example. TXT "v=spf1 a -all"
spf-mx.example. MX 10 h180.senders.example.
spf-mx.example. TXT "v=spf1 mx -all"
spf-ptr.example. A 203.0.113.10
spf-ptr.example. TXT "v=spf1 ptr:senders.example -all"
spf-exists.example. A 203.0.113.10
spf-exists.example. TXT "v=spf1 exists:%{ir}.allowed.spf-exists.example -all"
180.113.0.203.allowed.spf-exists.example. A 127.0.0.2
spf-void.example. A 203.0.113.10
spf-void.example. TXT "v=spf1 a:v1.nosuch.example a:v2.nosuch.example a:v3.nosuch.example -all"
spf-syntax.example. A 203.0.113.10
spf-syntax.example. TXT "v=spf1 ipv4:203.0.113.180 -all"
helo-fail.example. A 203.0.113.10
helo-fail.example. TXT "v=spf1 -all"
; DMARC
dm-reject.example. MX 10 mail.good.example.
dm-reject.example. TXT "v=spf1 ip4:203.0.113.180 -all"
_dmarc.dm-reject.example. TXT "v=DMARC1; p=reject"
dm-quarantine.example. MX 10 mail.good.example.
_dmarc.dm-quarantine.example. TXT "v=DMARC1; p=quarantine"
dm-none.example. MX 10 mail.good.example.
_dmarc.dm-none.example. TXT "v=DMARC1; p=none"
dm-pct.example. MX 10 mail.good.example.
_dmarc.dm-pct.example. TXT "v=DMARC1; p=reject; pct=0"
dm-half.example. MX 10 mail.good.example.
_dmarc.dm-half.example. TXT "v=DMARC1; p=reject; pct=50"
dm-sub.example. MX 10 mail.good.example.
mail.dm-sub.example. MX 10 mail.good.example.
_dmarc.dm-sub.example. TXT "v=DMARC1; p=none; sp=reject"
dm-bad.example. MX 10 mail.good.example.
_dmarc.dm-bad.example. TXT "v=DMARC1; q=reject"
dm-strict.example. MX 10 mail.good.example.
dm-strict.example. TXT "v=spf1 ip4:203.0.113.180 -all"
_dmarc.dm-strict.example. TXT "v=DMARC1; p=reject; adkim=s; aspf=s"
; lists of addresses
2.0.0.127.zen.dnsbl.test. A 127.0.0.2
150.113.0.203.zen.dnsbl.test. A 127.0.0.2
150.113.0.203.zen.dnsbl.test. TXT "https://check.zen.dnsbl.test/ip/203.0.113.150"
151.113.0.203.zen.dnsbl.test. A 127.0.0.4
152.113.0.203.zen.dnsbl.test. A 127.0.0.10
153.113.0.203.zen.dnsbl.test. A 127.0.0.4
153.113.0.203.zen.dnsbl.test. A 127.0.0.11
160.113.0.203.zen.dnsbl.test. A 127.0.0.2
*.100.51.198.zen.dnsbl.test. A 127.0.0.4
0.5.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.zen.dnsbl.test. A 127.0.0.2
2.0.0.127.bl.dnsbl.test. A 127.0.0.2
150.113.0.203.bl.dnsbl.test. A 127.0.0.2
154.113.0.203.bl.dnsbl.test. A 127.0.0.2
*.blocked.dnsbl.test. A 127.255.255.254
*.blocked.dnsbl.test. TXT "Error: open resolver; https://example.test/returnc/pub"
*.everybody.dnsbl.test. A 127.0.0.2
*.parked.dnsbl.test. A 203.0.113.99
2.0.0.127.list.dnswl.test. A 127.0.10.0
160.113.0.203.list.dnswl.test. A 127.0.5.2
161.113.0.203.list.dnswl.test. A 127.0.5.1
; lists of domains
test.dbl.rhsbl.test. A 127.0.1.2
listedptr.example. TXT "only its hosts exist"
*.listedptr.example.dbl.rhsbl.test. A 127.0.1.2
helo-evil.example.dbl.rhsbl.test. A 127.0.1.2
spamdom.example.dbl.rhsbl.test. A 127.0.1.2
spamdom.example.dbl.rhsbl.test. TXT "https://check.dbl.rhsbl.test/dom/spamdom.example"
phishdom.example.dbl.rhsbl.test. A 127.0.1.4
helo-evil.example. A 203.0.113.10
spamdom.example. MX 10 mail.good.example.
phishdom.example. MX 10 mail.good.example.
"""


def zone(more: tuple[str, ...] = ()) -> str:
    """The root zone, in which all of it is: what it does not hold does not exist."""
    lines = [
        "$TTL 60",
        "@ SOA localhost. root.localhost. 1 3600 900 86400 60",
        "@ NS localhost.",
        "localhost. A 127.0.0.1",
    ]
    return "\n".join([*lines, *_pointers(), *RECORDS.splitlines(), *more, ""])


def _pointers() -> Iterator[str]:
    for address, names, leads in HOSTS:
        for name in names:
            yield f"{ip_address(address).reverse_pointer}. PTR {_spelled(name)}."
            if leads:
                yield f"{_spelled(name)}. {leads}"


def _spelled(name: str) -> str:
    """A name as a zone file writes it."""
    return name.replace("!", "\\!")
