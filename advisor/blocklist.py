"""A blocklist: a zone of the DNS that says of addresses or domains what somebody thinks of them (RFC 5782).

DEFAULTS    the lists that are asked when nobody says which, with their terms
question    the name to ask for
believed    whether a list passed its test
listed      what a list says, once it is believed
refusal     what is wrong with an answer that is no answer
findings    what is wrong with a list
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address

from advisor.errors import AdvisorError
from advisor.hostname import valid_hostname
from advisor.response import FOUND, NO_DATA, NO_SUCH_NAME, Response, Responses, canonical

ADDRESSES, DOMAINS = "addresses", "domains"
"""What a list names."""

ALLOWLIST = r"(?i)dnswl|whitelist|allowlist|\bwl\.|\bswl\."
"""Allowlists are asked in the same way: postscreen_dnsbl_sites = zen.spamhaus.org*3 list.dnswl.org*-2."""
HELD = 500_000
"""Values that are remembered: those of a large history, of which each is asked about several times."""
_NOTED = date(2026, 11, 22)
_LOOPBACK = IPv4Network("127.0.0.0/8")

# 192.0.2.7, as ip_address() takes it
_OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_QUAD = re.compile(rf"{_OCTET}\.{_OCTET}\.{_OCTET}\.{_OCTET}\Z")
# 127.0.0.2  127.0.[0..255].[1..3]  127.0.0.[2;4;10..11]
_MEMBER = r"[0-9]+(?:\.\.[0-9]+)?"
_FIELD = rf"(?:[0-9]+|\[{_MEMBER}(?:;{_MEMBER})*\])"
_FILTER = re.compile(rf"({_FIELD})\.({_FIELD})\.({_FIELD})\.({_FIELD})\Z")


@dataclass(frozen=True)
class Blocklist:
    """A list: what it names, on which terms it may be asked, where they stand, and when we noted them.

    `test` is a domain that it always lists, `errors` the answers that are none, beside those of every list.
    `welcomes` is a list of good hosts, for permit_dnswl_client.
    """

    zone: str
    names: str
    terms: str = "not known to us; ask whoever runs it"
    page: str = ""
    noted: date = _NOTED
    test: str = "test"
    errors: tuple[str, ...] = ()
    welcomes: bool = False


_SPAMHAUS = (
    "free for non-commercial use and below 100,000 connections and 300,000 questions a day; "
    "refuses public resolvers and such as have a generic reverse name"
)
DEFAULTS = (
    Blocklist("zen.spamhaus.org", ADDRESSES, _SPAMHAUS, "https://www.spamhaus.org/blocklists/dnsbl-fair-use-policy/"),
    Blocklist("bl.spamcop.net", ADDRESSES, "free; no limit published", "https://www.spamcop.net/bl.shtml"),
    Blocklist("psbl.surriel.com", ADDRESSES, "free; large sites are asked to copy it", "https://psbl.org/"),
    Blocklist(
        "dbl.spamhaus.org",
        DOMAINS,
        _SPAMHAUS,
        "https://www.spamhaus.org/blocklists/dnsbl-fair-use-policy/",
        test="dbltest.com",
        errors=("127.0.1.255",),
    ),
    Blocklist(
        "multi.surbl.org",
        DOMAINS,
        "free below 1,000 users and below 250,000 messages a day, not in paid products",
        "https://surbl.org/usage-policy",
        test="test.surbl.org",
    ),
    Blocklist(
        "multi.uribl.com",
        DOMAINS,
        "free for low volume; refuses public and large resolvers; meant for scores, not for refusing",
        "https://uribl.com/about.shtml",
        test="test.uribl.com",
    ),
    Blocklist(
        "list.dnswl.org",
        ADDRESSES,
        "free for non-commercial use and below 100,000 questions a day",
        "https://www.dnswl.org/?page_id=110",
        errors=("127.0.0.255",),
        welcomes=True,
    ),
)
"""Asked by default. Left out on purpose: SORBS, NiX Spam, AHBL, DSBL, SpamCannibal and NJABL, which are dead (and some
of the dead answer for everybody), and Barracuda's, which wants its askers registered."""

_KNOWN = {found.zone: found for found in DEFAULTS}
_ERRORS = ("127.255.255.[0..255]", "127.0.0.1")
_MEANT = {
    "127.255.255.252": "the name of the list is misspelt",
    "127.255.255.254": "it refuses public resolvers and such as have a generic reverse name",
    "127.255.255.255": "it was asked too much",
    "127.0.0.1": "it refuses us: asked too much, or through a public resolver",
    "127.0.0.255": "it was asked too much",
    "127.0.1.255": "it was asked for an address and names domains only",
}


@dataclass(frozen=True)
class Test:
    """A test point of RFC 5782, section 5: a question whose answer is known beforehand.

    `needed` is False where a list may do without: many know no IPv6 address at all.
    """

    __test__ = False  # for pytest, which takes it for one of its own

    name: str
    wanted: bool
    names: str
    needed: bool = True


def known(text: str) -> Blocklist | None:
    """What is known of a list, which may be spelled with a filter; None of one that we have not heard of."""
    return _KNOWN.get(split(text)[0])


@lru_cache(maxsize=1_000)
def split(text: str) -> tuple[str, tuple[frozenset[int], ...]]:
    """Take zen.spamhaus.org=127.0.0.[2..11] apart: the zone, and for each octet what passes; () without a filter.

    The syntax is that of postconf(5) and Postfix's src/util/ip_match.c. AdvisorError for a filter that is none.
    """
    zone, equals, pattern = text.partition("=")
    return canonical(zone), _octets(text, pattern) if equals else ()


def _octets(text: str, pattern: str) -> tuple[frozenset[int], ...]:
    # Brackets around the whole are taken away, where the first one ends with the last.
    outer = pattern[1:-1]
    found = _FILTER.match(pattern) or (_FILTER.match(outer) if pattern[:1] + pattern[-1:] == "[]" else None)
    octets = tuple(frozenset(_members(field)) for field in found.groups()) if found else ()
    if not found or not all(octets) or any(max(octet) > 255 for octet in octets):
        raise AdvisorError(text, f"'{pattern}' is no filter", "write one such as 127.0.0.[2..11;13]")
    return octets


def _members(field: str) -> list[int]:
    """The numbers that a field of a filter lets pass; none where a range runs backwards or a number is too large."""
    members: list[int] = []
    for member in field.strip("[]").split(";"):
        first, dots, last = member.partition("..")
        if (
            len(first) > 9
            or len(last) > 9
            or (low := int(first)) > (high := int(last if dots else first))
            or high > 255
        ):
            return []
        members += range(low, high + 1)
    return members


@lru_cache(maxsize=HELD)
def passes(octets: tuple[frozenset[int], ...], value: str) -> bool:
    """Whether an answer passes a filter; all pass where there is none."""
    return all(number in octet for number, octet in zip(IPv4Address(value).packed, octets, strict=False))


@lru_cache(maxsize=HELD)
def _address(what: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(what.partition("%")[0])
    except ValueError:
        return None


def octets_backwards(what: str) -> str:
    """7.2.0.192 for 192.0.2.7, in a tenth of the time that ip_address() takes; '' for what is no IPv4 address."""
    found = _QUAD.match(what)
    return ".".join(found.groups()[::-1]) if found else ""


@lru_cache(maxsize=HELD)
def names(what: str) -> str:
    """What kind of list may be asked for this: one of addresses or one of domains."""
    return ADDRESSES if octets_backwards(what) or _address(what) is not None else DOMAINS


@lru_cache(maxsize=HELD)
def domain(what: str) -> str | None:
    """The domain of a name or mail address for which an RHSBL is asked; None where Postfix asks none.

    As find_dnsxl_domain() in src/smtpd/smtpd_check.c: no literals, no names that end in a number, none that are not
    valid. An address is never asked for: lists of domains take the question amiss.
    """
    name = what.rpartition("@")[2].removesuffix(".")
    last = name.rpartition(".")[2]
    # An IPv4 address ends in a number, and the colons of an IPv6 address are not valid.
    if not name or not name.isascii() or last.isdigit() or not valid_hostname(name):
        return None
    return canonical(name)


def question(zone: str, what: str) -> str:
    """The name to ask for, type A: the octets or nibbles of an address backwards, or a domain, before the zone."""
    return f"{_front(what)}.{split(zone)[0]}"


@lru_cache(maxsize=HELD)
def _front(what: str) -> str:
    octets = octets_backwards(what)
    if octets:
        return octets
    ip = _address(what)
    return canonical(what) if ip is None else ip.reverse_pointer.removesuffix(".arpa").rpartition(".")[0]


@lru_cache(maxsize=1_000)
def tests(zone: str) -> tuple[Test, ...]:
    """The test points of a list; of one that we do not know, those of addresses and those of domains."""
    zone = split(zone)[0]
    found = _KNOWN.get(zone)
    points = (
        Test(question(zone, "127.0.0.2"), wanted=True, names=ADDRESSES),
        Test(question(zone, "127.0.0.1"), wanted=False, names=ADDRESSES),
        Test(question(zone, "::ffff:7f00:2"), wanted=True, names=ADDRESSES, needed=False),
        Test(question(zone, "::ffff:7f00:1"), wanted=False, names=ADDRESSES, needed=False),
        Test(question(zone, found.test if found else "test"), wanted=True, names=DOMAINS),
        Test(question(zone, "invalid"), wanted=False, names=DOMAINS),
    )
    return tuple(point for point in points if found is None or point.names == found.names)


def refusal(zone: str, response: Response) -> str:
    """What is wrong with an answer that is no listing, whatever it looks like; '' where nothing is."""
    return (
        next(filter(None, (_wrong(zone, value) for value in response.values)), "") if response.status == FOUND else ""
    )


@lru_cache(maxsize=HELD)
def _wrong(zone: str, value: str) -> str:
    found = known(zone)
    if IPv4Address(value) not in _LOOPBACK:
        return f"answers {value}, which no list does: it is dead, or somebody else answers in its place"
    if any(passes(split(f"={error}")[1], value) for error in (*_ERRORS, *(found.errors if found else ()))):
        return f"answers {value}: {_MEANT.get(value, 'an error, not a listing')}"
    return ""


def _passed(dns: Responses, zone: str, kind: str, at: datetime | None) -> bool | None:
    """Whether a list answered its tests of one kind as it should; None where it was not asked or did not answer."""
    verdict: bool | None = True
    for test in tests(zone):
        if test.names != kind:
            continue
        response = dns.find(test.name, "A", at)
        if response is None or response.status not in (FOUND, NO_DATA, NO_SUCH_NAME):
            # Without one of the points that need not be there the others tell enough.
            verdict = None if test.needed and verdict else verdict
        elif response.status == FOUND:
            if not test.wanted or refusal(zone, response):
                return False
        elif test.wanted and test.needed:
            return False
    return verdict


def believed(dns: Responses, zone: str, at: datetime | None = None, kind: str | None = None) -> bool | None:
    """Whether a list passed its test, at the test nearest to a time; None: not tested, or it did not answer.

    `kind` is what it is asked for, ADDRESSES or DOMAINS; without it, a list that passes for one is believed.
    """
    kinds = [kind] if kind else dict.fromkeys(test.names for test in tests(zone))
    # Where each test was asked once, which is the case for whoever looks up once, the time makes no difference.
    steady = ("steady", zone)
    if steady not in dns.derived:
        dns.derived[steady] = dns.steady((test.name for test in tests(zone)), "A")
    key = ("believed", zone, kind, None if dns.derived[steady] else at)
    if key not in dns.derived:
        verdicts = [_passed(dns, zone, each, at) for each in kinds]
        dns.derived[key] = True if True in verdicts else False if False in verdicts else None
    verdict: bool | None = dns.derived[key]
    return verdict


def listed(dns: Responses, zone: str, what: str, at: datetime | None = None) -> tuple[bool | None, Response | None]:
    """Whether a list (zen.spamhaus.org=127.0.0.[2..11]) names an address or domain, and the answer that says so.

    None without an answer, for an error in an answer's place, and for a list that was not believed when it was
    asked. That is what the list means; Postfix without a filter takes an error for a listing.
    """
    response = dns.find(question(zone, what), "A", at)
    if response is None or response.status not in (FOUND, NO_DATA, NO_SUCH_NAME):
        return None, response
    if not believed(dns, zone, response.asked_at, names(what)):
        return None, response
    if response.status != FOUND:
        return False, response
    if refusal(zone, response):
        return None, response
    octets = split(zone)[1]
    return any(passes(octets, value) for value in response.values), response


# The test points of RFC 5782 stand in every record of a list that was asked.
_TESTED = {ADDRESSES: "2.0.0.127.", DOMAINS: "invalid."}


def tested(dns: Responses, kind: str) -> Iterator[str]:
    """The lists of addresses or of domains that were asked and passed their test."""
    start = _TESTED[kind]
    for name in sorted(dns.asked("A")):
        zone = name.removeprefix(start)
        facts = known(zone) if zone != name else None
        if zone != name and (facts is None or facts.names == kind) and believed(dns, zone, kind=kind):
            yield zone


def welcomes(zone: str) -> bool:
    """Whether a list names good hosts; of one that we do not know, by its name."""
    facts = known(zone)
    return facts.welcomes if facts is not None else re.search(ALLOWLIST, zone) is not None


def operator(zone: str) -> str:
    """Who runs a list, as far as its name tells: its last two labels."""
    return ".".join(split(zone)[0].split(".")[-2:])


def refused(dns: Responses, zone: str) -> bool:
    """Whether an error stands among the answers to a list's test."""
    answers = (dns.find(test.name, "A") for test in tests(zone))
    return any(response is not None and refusal(zone, response) for response in answers)


def findings(dns: Responses, zone: str, at: datetime | None = None, kind: str | None = None) -> list[str]:
    """What is wrong with a list by its test, in words; nothing where it passed or was never tested."""
    asked = [(test, dns.find(test.name, "A", at)) for test in tests(zone)]
    answers = [(test, response) for test, response in asked if response is not None]
    for test, response in answers:
        if wrong := refusal(zone, response):
            return [f"{zone} {wrong}; nothing that it says is taken for a listing"]
        if response.status == FOUND and not test.wanted:
            return [f"{zone} lists {test.name}, which no list may: it answers for everything, and is not believed"]
    verdict = believed(dns, zone, at, kind)
    if answers and verdict is None:
        return [f"{zone} does not answer: no evidence from it"]
    if verdict is False:
        # A list that nobody knows is one of addresses or one of domains, and fails the test of the other.
        what = f"as one of {kind}" if kind and not known(zone) else "at all"
        return [
            f"{zone} does not list the test point that every list has: it does not serve {what}, and is not believed"
        ]
    return []
