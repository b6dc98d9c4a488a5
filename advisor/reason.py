"""A reason: one independent ground to call an attempt wanted or unwanted, and what it may not testify on."""

from collections.abc import Callable
from dataclasses import dataclass
from inspect import getdoc

from advisor.case import Case, Mask

HELO = frozenset(
    {
        "smtpd_helo_required",
        "check_helo_access",
        "reject_invalid_helo_hostname",
        "reject_non_fqdn_helo_hostname",
        "reject_unknown_helo_hostname",
    }
)
CLIENT = frozenset(
    {
        "check_reverse_client_hostname_access",
        "reject_unknown_reverse_client_hostname",
        "reject_unknown_client_hostname",
    }
)
SENDER = frozenset({"reject_non_fqdn_sender", "reject_unknown_sender_domain"})
CLIENT_LISTS = frozenset(
    {"reject_rbl_client", "reject_rhsbl_client", "reject_rhsbl_reverse_client", "postscreen_dnsbl_action"}
)
LISTS = CLIENT_LISTS | {"reject_rhsbl_helo", "reject_rhsbl_sender", "reject_rhsbl_recipient"}
AUTHENTICITY = frozenset({"policyd-spf", "opendmarc"})
SCORED = HELO | CLIENT | SENDER | LISTS | AUTHENTICITY
"""What a content filter scores itself: reverse names, HELO names, sender domains, DNS lists, SPF and DMARC."""

Finds = Callable[[Case], Mask]
"""For each attempt, whether the reason holds."""


@dataclass(frozen=True)
class Reason:
    """One reason: which way it points, what it says in words, on which restrictions it is silent, and its page.

    A restriction must not be judged by its own likeness: a reason that rests on the same fact is silent on it.
    `decisive` reasons, the user's own labels, outrank all others and are silent on nothing.
    """

    name: str
    wanted: bool
    says: str
    silent_on: frozenset[str]
    decisive: bool
    page: str
    finds: Finds


def reason(
    *, wanted: bool, says: str, silent_on: frozenset[str] = frozenset(), decisive: bool = False
) -> Callable[[Finds], Reason]:
    """Make a reason of the function that finds it; its name is the function's, its page the docstring."""

    def make(finds: Finds) -> Reason:
        # A function always has a name; Callable does not say so.
        return Reason(finds.__name__, wanted, says, silent_on, decisive, getdoc(finds) or "", finds)

    return make
