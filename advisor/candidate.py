"""A candidate: a restriction that might be switched on: the tips, and each DNS list that was asked and is believed."""

from collections.abc import Iterator, Mapping

from advisor.blocklist import ADDRESSES, DOMAINS, tested, welcomes
from advisor.response import Responses
from advisor.restriction import Asked, ask
from advisor.restrictions import CATALOGUE, TIPS

CLAIMS = {
    "reject_unknown_reverse_client_hostname": "refuse clients without a reverse name",
    "smtpd_helo_required": "refuse clients that send no HELO",
    "reject_invalid_helo_hostname": "refuse HELO names that are no names",
    "reject_non_fqdn_helo_hostname": "refuse HELO names without a domain",
    "reject_unknown_helo_hostname": "refuse HELO names the DNS does not know",
    "reject_unknown_client_hostname": "refuse clients whose name does not lead back",
    "reject_unknown_sender_domain": "refuse sender domains that do not exist",
    "reject_rbl_client": "refuse clients that {list} names",
    "reject_rhsbl_sender": "refuse senders whose domain {list} names",
    "reject_rhsbl_helo": "refuse HELO names that {list} names",
    "reject_rhsbl_reverse_client": "refuse clients whose reverse name {list} names",
}
"""Each candidate in the reader's words."""

_OF_ADDRESSES = ("reject_rbl_client",)
_OF_DOMAINS = ("reject_rhsbl_sender", "reject_rhsbl_helo", "reject_rhsbl_reverse_client")


def claim(asked: Asked) -> str:
    """What the candidate does, in the reader's words."""
    return CLAIMS[asked.restriction.name].format(list=asked.argument.partition("=")[0])


def candidates(codes: Mapping[str, str], dns: Responses) -> tuple[Asked, ...]:
    """The tips, and the lists of which there are answers, with the settings of the site that change what they say."""
    found = [ask(CATALOGUE[name], codes) for name in TIPS]
    for kind, names in ((ADDRESSES, _OF_ADDRESSES), (DOMAINS, _OF_DOMAINS)):
        for zone in zones(dns, kind):
            found += [ask(CATALOGUE[name], codes, spelled(dns, zone)) for name in names]
    return tuple(found)


def zones(dns: Responses, kind: str) -> Iterator[str]:
    """The lists of addresses or of domains that were asked, passed their test, and name whom to refuse."""
    return (zone for zone in tested(dns, kind) if not welcomes(zone))


def spelled(dns: Responses, zone: str) -> str:
    """The list with a filter that lets no error pass: Postfix without one takes each answer for a listing.

    127.255.255.254 says that this resolver may not ask; refusing all mail for it is the accident that lists are feared
    for. The filter is made of the answers on record: their third octets, and any last one but those that mean errors.
    """
    found = {tuple(value.split(".")[1:3]) for name in dns.below(zone) for value in _values(dns, f"{name}.{zone}")}
    thirds = sorted({third for second, third in found if second == "0" and third.isdigit()}, key=int)
    if not thirds or any(second not in ("0", "255") for second, _ in found):
        return zone
    third = thirds[0] if len(thirds) == 1 else f"[{';'.join(thirds)}]"
    return f"{zone}=127.0.{third}.[2..254]"


def _values(dns: Responses, name: str) -> tuple[str, ...]:
    response = dns.find(name, "A")
    return response.values if response is not None else ()
