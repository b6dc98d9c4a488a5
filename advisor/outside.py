"""The outside: whether this server would pass the tips elsewhere, from what the DNS says of its names.

Pure: which questions that raises, and what the answers come to; who asks them is advisor.asking. Source: RFC 7208,
6376 (DKIM), 7489 (DMARC), 5321 section 4.1.1.1 (HELO).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address

from advisor import dmarc, existence
from advisor.checkup import FIX, NOTE, OK, SEEN_FROM_OUTSIDE, UNKNOWN, Checkup, Machine
from advisor.hostname import valid_hostname
from advisor.milter import DKIM, settings
from advisor.response import FOUND, TEMPORARY, Responses
from advisor.spf_policy import RECORDING, judge
from advisor.tree import Tree

_ADDRESSES = ("smtp_bind_address", "smtp_bind_address6", "proxy_interfaces")
_WAIT = "the DNS gave no answer; ask again later"


@dataclass(frozen=True)
class Identity:
    """Who a server says it is: its HELO, mail domain, addresses (none: those of its HELO name), and DKIM selectors."""

    helo: str
    domain: str
    addresses: tuple[str, ...] = ()
    selectors: tuple[tuple[str, str], ...] = ()


def identity(machine: Machine, domain: str) -> Identity:
    """Read main.cf, etc/hostname and opendkim.conf; `domain` is the mail domain asked about."""
    config = machine.config
    helo = (config.value("smtp_helo_name") or config.value("myhostname")) if config else ""
    helo = helo or (machine.tree.text("etc/hostname") or "").strip() or domain
    words = [word for name in _ADDRESSES for word in (config.value(name) if config else "").replace(",", " ").split()]
    return Identity(helo, domain, tuple(word for word in words if _is_address(word)), _selectors(machine.tree))


def _is_address(word: str) -> bool:
    try:
        return not ip_address(word).is_unspecified
    except ValueError:
        return False


def _selectors(tree: Tree) -> tuple[tuple[str, str], ...]:
    """The selectors and domains that opendkim signs with: Selector and Domain, or the lines of a KeyTable."""
    found = settings(tree.text(DKIM) or "")
    domains = [each.strip() for each in found.get("domain", "").split(",") if each.strip()]
    pairs = [(found["selector"], domain) for domain in domains if "/" not in domain] if "selector" in found else []
    table = found.get("keytable", "").rpartition(":")[2].strip("/")
    for line in (tree.text(table) or "").splitlines() if table else ():
        # mail._domainkey.example.org example.org:mail:/etc/opendkim/keys/mail.private
        domain, _, rest = line.partition("#")[0].strip().partition(" ")[2].strip().partition(":")
        if rest and "%" not in domain:
            pairs.append((rest.partition(":")[0], domain))
    return tuple(dict.fromkeys(pairs))


def addresses(me: Identity, dns: Responses) -> tuple[str, ...]:
    """The addresses that others see: as configured, else those of the HELO name."""
    if me.addresses:
        return me.addresses
    found = (dns.find(me.helo, kind) for kind in ("A", "AAAA"))
    return tuple(value for each in found if each and each.status == FOUND for value in each.values)


def missing(me: Identity, dns: Responses) -> list[tuple[str, str]]:
    """The questions to ask now; ask again once they are answered, until there are none."""
    wanted = [(me.helo, "A"), (me.helo, "AAAA"), (me.helo, "MX"), *((me.domain, kind) for kind in ("MX", "A", "AAAA"))]
    wanted += [(name, "TXT") for name in (me.domain, *dmarc.questions(me.domain))]
    wanted += [(f"{selector}._domainkey.{domain}", "TXT") for selector, domain in me.selectors]
    for address in addresses(me, dns):
        pointer = ip_address(address).reverse_pointer
        wanted.append((pointer, "PTR"))
        response = dns.find(pointer, "PTR")
        kind = "A" if ip_address(address).version == 4 else "AAAA"
        wanted += [(name, kind) for name in (response.values if response and response.status == FOUND else ())]
        wanted += judge(address, me.helo, f"postmaster@{me.domain}", dns.find, RECORDING).missing
    return [each for each in dict.fromkeys(wanted) if dns.find(*each) is None]


def checkups(me: Identity, dns: Responses) -> Iterator[Checkup]:
    """Look at the server as others do."""
    yield from _helo(me, dns)
    found = addresses(me, dns)
    if not found:
        todo = (f"# name the address: postconf -h smtp_bind_address, or give {me.helo} an A record",)
        why = "without one nothing can be said of its reverse name and SPF"
        yield _said(UNKNOWN, "own.address", f"no address is known of {me.helo}", why, todo)
    for address in found:
        yield from _reverse(me, address, dns)
    yield _domain(me, dns)
    yield from (_spf(me, address, dns) for address in found)
    yield from _dkim(me, dns)
    yield _dmarc(me, dns)


def _said(severity: str, name: str, what: str, why: str = "", todo: Iterable[str] = ()) -> Checkup:
    return Checkup(severity, SEEN_FROM_OUTSIDE, name, what, why, tuple(todo))


def _helo(me: Identity, dns: Responses) -> Iterator[Checkup]:
    if not valid_hostname(me.helo) or "." not in me.helo:
        why = "others refuse a HELO that is no full name (tip 2)"
        todo = ("postconf -e myhostname=mail.YOUR.DOMAIN && postfix reload",)
        yield _said(FIX, "own.helo", f"the HELO name {me.helo} is no full host name", why, todo)
        return
    found = existence.helo(me.helo, dns, None)
    if found is None or found[0] == existence.WAITING:
        yield _said(UNKNOWN, "own.helo", f"whether the HELO name {me.helo} exists is not known", _WAIT)
    elif found[0] == existence.KNOWN:
        yield _said(OK, "own.helo", f"the HELO name {me.helo} exists")
    else:
        why = "others answer 450 to it (tip 2, reject_unknown_helo_hostname)"
        yield _said(FIX, "own.helo", f"the HELO name {me.helo} does not exist", why, (f"{me.helo}. A YOUR.ADDRESS",))


def _reverse(me: Identity, address: str, dns: Responses) -> Iterator[Checkup]:
    found = existence.reverse(address, dns, None)
    pointer = f"{ip_address(address).reverse_pointer}. PTR {me.helo}."
    if found is None or found[0][0] == existence.WAITING:
        yield _said(UNKNOWN, "own.ptr", f"whether {address} has a reverse name is not known", _WAIT)
        return
    names = found[1]
    if not names:
        why = "others refuse it for that (tips 1 and 3)"
        todo = ("# whoever gave you the address sets:", pointer)
        yield _said(FIX, "own.ptr", f"{address} has no reverse name", why, todo)
        return
    forward = existence.forward(address, names, dns, None)
    shown = ", ".join(names)
    if forward is None or forward[0] == existence.WAITING:
        yield _said(UNKNOWN, "own.ptr", f"whether {shown} leads back to {address} is not known", _WAIT)
    elif forward[0] != existence.KNOWN:
        kind = "A" if ip_address(address).version == 4 else "AAAA"
        why = "others take it for unknown (tip 3)"
        what = f"{address} is {shown}, which does not lead back"
        yield _said(FIX, "own.ptr", what, why, (f"{names[0]}. {kind} {address}",))
    elif me.helo.lower() not in [name.lower() for name in names]:
        why = "that is allowed, but some score it"
        yield _said(NOTE, "own.ptr", f"{address} is {shown}, not the HELO name {me.helo}", why)
    else:
        yield _said(OK, "own.ptr", f"{address} is {shown}, which leads back and is the HELO name")


def _domain(me: Identity, dns: Responses) -> Checkup:
    found = existence.mail_domain(me.domain, dns, None)
    if found is None or found[0] == existence.WAITING:
        return _said(UNKNOWN, "own.mx", f"whether {me.domain} takes mail is not known", _WAIT)
    if found[0] == existence.KNOWN:
        exchangers = dns.find(me.domain, "MX")
        if exchangers and exchangers.status == FOUND:
            return _said(OK, "own.mx", f"{me.domain} takes mail: MX {', '.join(exchangers.values)}")
        return _said(NOTE, "own.mx", f"{me.domain} has an address and no MX record", "it does, but say so")
    why = "others refuse senders of it (tip 4), and nobody can answer"
    return _said(FIX, "own.mx", f"{me.domain} takes no mail ({found[0]})", why, (f"{me.domain}. MX 10 {me.helo}.",))


def _spf(me: Identity, address: str, dns: Responses) -> Checkup:
    result = judge(address, me.helo, f"postmaster@{me.domain}", dns.find, RECORDING).sender
    if result in (None, "temperror"):
        return _said(UNKNOWN, "own.spf", f"what SPF of {me.domain} says of {address} is not known", _WAIT)
    if result == "pass":
        return _said(OK, "own.spf", f"SPF of {me.domain} lets {address} pass")
    kind = "ip4" if ip_address(address).version == 4 else "ip6"
    if result == "none":
        why = "anybody may send in its name, and DMARC rests on DKIM alone"
        todo = ("# with whoever else sends for you:", f'{me.domain}. TXT "v=spf1 {kind}:{address} -all"')
        return _said(FIX, "own.spf", f"{me.domain} has no SPF record", why, todo)
    why = "others refuse or suspect your own mail for it (tip 6)"
    line = f"# in the TXT record of {me.domain}, before `all`: {kind}:{address}"
    return _said(FIX, "own.spf", f"SPF of {me.domain} says {result} of {address}", why, (line,))


def _dkim(me: Identity, dns: Responses) -> Iterator[Checkup]:
    if not me.selectors:
        why = "neither Selector and Domain nor a readable KeyTable; signed elsewhere perhaps (rspamd, amavis)"
        yield _said(UNKNOWN, "own.dkim", "opendkim.conf names no key to sign with", why)
    for selector, domain in me.selectors:
        name = f"{selector}._domainkey.{domain}"
        response = dns.find(name, "TXT")
        tags = [tag.strip() for text in (response.values if response else ()) for tag in text.split(";")]
        keys = [tag.partition("=")[2].strip() for tag in tags if tag.partition("=")[0].strip() == "p"]
        if response is None or response.status == TEMPORARY:
            yield _said(UNKNOWN, "own.dkim", f"whether {name} has a key is not known", _WAIT)
        elif any(keys):
            yield _said(OK, "own.dkim", f"{name} has a key")
        else:
            what = f"{name} has {'a revoked key (p= is empty)' if keys else 'no key'}"
            why = "no signature made with it can be verified"
            todo = ("# publish SELECTOR.txt, which opendkim-genkey wrote beside the key",)
            yield _said(FIX, "own.dkim", what, why, todo)


def _dmarc(me: Identity, dns: Responses) -> Checkup:
    answers = [dns.find(name, "TXT") for name in dmarc.questions(me.domain)]
    found = dmarc.policy(dns, me.domain)
    if found:
        return _said(OK, "own.dmarc", f"DMARC of {me.domain}: p={found.word} (record of {found.domain})")
    if any(each is None or each.status == TEMPORARY for each in answers):
        return _said(UNKNOWN, "own.dmarc", f"whether {me.domain} has a DMARC record is not known", _WAIT)
    todo = (f'_dmarc.{me.domain}. TXT "v=DMARC1; p=none; rua=mailto:postmaster@{me.domain}"',)
    if any(dmarc.is_record(text) for each in answers if each for text in each.values):
        why = "others ignore what they cannot read"
        return _said(
            FIX, "own.dmarc", f"the DMARC record of {me.domain} cannot be read, or there are several", why, todo
        )
    why = "large providers ask for one; p=none only asks for reports"
    return _said(NOTE, "own.dmarc", f"{me.domain} has no DMARC record", why, todo)
