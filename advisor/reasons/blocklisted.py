"""Unwanted: a blocklist names the client."""

import pyarrow.compute as pc

from advisor.blocklist import ADDRESSES, DEFAULTS
from advisor.case import Case, Mask
from advisor.listed import answered, recorded
from advisor.reason import CLIENT_LISTS, LISTS, reason

# What lists say to resolvers that they do not serve, instead of an answer
_ERROR = r"(?i)error: (?:open resolver|excessive)|/returnc/|query refused|refused\.shtml"
# RFC 5782: a listing is an address in 127.0.0.0/8, but for 127.0.0.1; 127.255.255.* are Spamhaus' errors.
_LISTING, _NONE = r"^127\.", r"^(?:127\.255\.255\.\d+|127\.0\.0\.1)$"


@reason(wanted=False, says="a blocklist named the client", silent_on=LISTS)
def blocklisted(case: Case) -> Mask:
    """A blocklist named the client, then.

    What it rests on
        Refusals by reject_rbl_client and its kin within this log, dnsblog's answers, and answers of the lists that
        `advisor lookup` recorded within seven days of the mail. A list's error is no listing; a list on a sender or a
        HELO names no client; nor does one that postscreen gives so little weight that the client passed.

    On what it is silent
        All DNS blocklists: they copy each other.

    What may deceive it
        A large provider's relay that was listed for some of its customers.
    """
    refused = case.events.filter(pc.field("restriction").isin([*CLIENT_LISTS]))
    refused = refused.filter(~pc.match_substring_regex(pc.field("text"), _ERROR))
    named = {address for address in refused["client_address"].to_pylist() if address}
    passed = case.clients("screen_pass") - case.clients("screen_rank")
    named |= answered(case, _LISTING, but=_NONE, welcomes=False) - passed
    zones = [known.zone for known in DEFAULTS if known.names == ADDRESSES and not known.welcomes]
    return case.where("client_address", named) | recorded(case, zones)
