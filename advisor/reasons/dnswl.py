"""Wanted: an allowlist vouches for the client."""

from advisor.case import Case, Mask
from advisor.listed import answered, recorded
from advisor.reason import reason

_ZONE = "list.dnswl.org=127.0.[0..255].[1..3]"
# 127.0.CATEGORY.TRUST: 0 is none, 1 low, 2 medium, 3 high (https://www.dnswl.org/?page_id=15)
_TRUSTED = r"^127\.0\.\d{1,3}\.[123]$"


@reason(
    wanted=True,
    says="DNSWL vouches for the client",
    silent_on=frozenset({"permit_dnswl_client", "permit_rhswl_client", "postscreen_dnsbl_action"}),
)
def dnswl(case: Case) -> Mask:
    """DNSWL vouches for the client, with a trust of low or better.

    What it rests on
        dnsblog's answers within this log, and answers of list.dnswl.org that `advisor lookup` recorded within seven
        days of the mail. Trust `none` (127.0.*.0), which large mailers have, does not count.

    On what it is silent
        The allowlist restrictions, and postscreen's rank, of which it may be part.

    What may deceive it
        A server that was taken over.
    """
    return case.where("client_address", answered(case, _TRUSTED, welcomes=True)) | recorded(case, [_ZONE])
