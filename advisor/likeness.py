"""A likeness: of which values of a column all is told alike, since nobody asked the DNS about any of them.

A log holds far more addresses and names than were ever looked up, and of those the answer is the same: so `tell` is
asked about one for all. Each function says it of an array of values, never null; what is not of the ordinary form is
never alike, and is asked about by itself.
"""

from collections.abc import Callable
from ipaddress import IPv6Address

import pyarrow as pa
import pyarrow.compute as pc

from advisor.blocklist import split
from advisor.response import Responses

Alike = Callable[[str, Responses, pa.Array], pa.Array]
"""alike(argument, dns, values of one column): for each, whether it is told what any other such value is told."""

# 192.0.2.7 2001:db8::1, as Postfix writes them: each address in one form, that of str(ip_address())
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_ADDRESS = rf"\A(?:(?:{_OCTET}\.){{3}}{_OCTET}|[0-9a-f]{{0,4}}(?::[0-9a-f]{{0,4}}){{2,7}})\z"
# 7.2.0.192
_TURNED = r"\A([0-9]+)\.([0-9]+)\.([0-9]+)\.([0-9]+)\z"
# mail.good.example: a name that every test of a syntax takes: no address, no number at its end
_LABEL = "[0-9A-Za-z](?:[0-9A-Za-z-]{0,61}[0-9A-Za-z])?"
_NAME = rf"(?:{_LABEL}\.)+[A-Za-z](?:[0-9A-Za-z-]{{0,61}}[0-9A-Za-z])?"
_WHOLE_NAME = rf"\A{_NAME}\z"
# USER-PC, too
_ANY_NAME = _WHOLE_NAME.replace(")+", ")*", 1)
# [192.0.2.7], too: all but a name with a dot at its end, which stands for the one without
_UNDOTTED = r"[^.]\z"
# user@good.example
_MAIL_ADDRESS = rf"\A[^@]+@{_NAME}\z"
_LENGTH = 255


def _match(values: pa.Array, pattern: str) -> pa.Array:
    short = pc.less_equal(pc.binary_length(values), _LENGTH)
    return pc.fill_null(pc.and_(pc.match_substring_regex(values, pattern), short), fill_value=False)


def _unasked(values: pa.Array, pattern: str, asked: pa.Array) -> pa.Array:
    """Which values have a form and are not among what was asked for, in lower case."""
    fits = _match(values, pattern)
    return pc.and_not(fits, pc.is_in(pc.ascii_lower(values), value_set=asked)) if len(asked) else fits


def _held(dns: Responses, key: tuple[str, ...], found: Callable[[], pa.Array]) -> pa.Array:
    """What was asked for, made an array once: several restrictions go by the same."""
    if key not in dns.derived:
        dns.derived[key] = found()
    return dns.derived[key]


def _asked(dns: Responses, *kinds: str) -> pa.Array:
    return _held(dns, ("asked", *kinds), lambda: pa.array(list(dns.asked(*kinds)), pa.string()))


def _below(dns: Responses, zone: str, kind: str = "A") -> pa.Array:
    """What stands before a zone in the names that somebody asked for."""

    def found() -> pa.Array:
        names, end = _asked(dns, kind), f".{zone}"
        return pc.utf8_slice_codeunits(names.filter(pc.ends_with(names, end)), 0, -len(end))

    return _held(dns, ("below", kind, zone), found)


def _forwards(fronts: pa.Array) -> pa.Array:
    """The addresses that the fronts of names stand for; the octets or nibbles stand backwards in them."""
    nibbles = pc.equal(pc.count_substring(fronts, "."), 31)
    octets = pc.replace_substring_regex(fronts.filter(pc.invert(nibbles)), _TURNED, r"\4.\3.\2.\1")
    return pa.concat_arrays([octets, pa.array(map(_ipv6, fronts.filter(nibbles).to_pylist()), pa.string())])


def _ipv6(front: str) -> str:
    try:
        return str(IPv6Address(int("".join(front.split(".")[::-1]), 16)))
    except ValueError:
        return front


def addresses(dns: Responses, values: pa.Array, *zones: str, kind: str = "A") -> pa.Array:
    """Clients about which nobody asked any of these zones."""

    def found() -> pa.Array:
        return pa.concat_arrays([pa.array([], pa.string()), *(_forwards(_below(dns, zone, kind)) for zone in zones)])

    return _unasked(values, _ADDRESS, _held(dns, ("addresses", kind, *zones), found))


def listed_address(argument: str, dns: Responses, values: pa.Array) -> pa.Array:
    """Clients about which nobody asked a list (zen.spamhaus.org=127.0.0.2)."""
    return addresses(dns, values, split(argument)[0])


def listed_name(argument: str, dns: Responses, values: pa.Array) -> pa.Array:
    """Names about which nobody asked a list (dbl.spamhaus.org)."""
    return _unasked(values, _WHOLE_NAME, _below(dns, split(argument)[0]))


def listed_mail(argument: str, dns: Responses, values: pa.Array) -> pa.Array:
    """Mail addresses about whose domains nobody asked a list; where it was asked at all, none."""
    asked = dns.below(split(argument)[0])
    return pc.and_(_match(values, _MAIL_ADDRESS), pa.scalar(not asked))


def listed_helo(argument: str, dns: Responses, values: pa.Array) -> pa.Array:
    """HELO names about which nobody asked a list; without a dot they are names, too."""
    return _unasked(values, _ANY_NAME, _below(dns, split(argument)[0]))


def reverse(_: str, dns: Responses, values: pa.Array) -> pa.Array:
    """Clients whose PTR records nobody asked for."""
    return addresses(dns, values, "in-addr.arpa", "ip6.arpa", kind="PTR")


def name(_: str, dns: Responses, values: pa.Array) -> pa.Array:
    """Names whose addresses and mail exchangers nobody asked for."""
    return _unasked(values, _WHOLE_NAME, _asked(dns, "A", "AAAA", "MX"))


def helo(_: str, dns: Responses, values: pa.Array) -> pa.Array:
    """HELO names whose addresses and mail exchangers nobody asked for."""
    return _unasked(values, _UNDOTTED, _asked(dns, "A", "AAAA", "MX"))


def full_name(_: str, __: Responses, values: pa.Array) -> pa.Array:
    """Full names of valid syntax, for what depends on no more."""
    return _match(values, _WHOLE_NAME)


def full_address(_: str, __: Responses, values: pa.Array) -> pa.Array:
    """Mail addresses with such a name behind the only @."""
    return _match(values, _MAIL_ADDRESS)
