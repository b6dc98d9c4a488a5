"""Unwanted: the domain in its From asks to refuse it."""

from advisor.case import Case, Mask
from advisor.dmarc import REJECT, policy
from advisor.reason import AUTHENTICITY, reason


@reason(wanted=False, says="it failed DMARC, and its domain asks to refuse that", silent_on=AUTHENTICITY)
def dmarc_reject(case: Case) -> Mask:
    """The message failed DMARC, and the domain in its From publishes p=reject.

    What it rests on
        opendmarc's refusal; or its logged result, and the domain's record as `advisor lookup` recorded it. The policy
        itself is not in the log: without a record there is no such reason. A share (pct) below 100 does not count.

    On what it is silent
        OpenDMARC, and policyd-spf, on whose result DMARC rests.

    What may deceive it
        Mailing lists and forwarders that change a message and so break its signature.
    """
    found = case.where("restriction", ["opendmarc"]) & case.where("action", ["reject"])
    if case.dns is None:
        return found
    domains, times = case.column("dmarc_domain"), case.column("time")
    for row in case.where("dmarc", ["fail"]).nonzero()[0].tolist():
        asked = policy(case.dns, domains[row], times[row]) if domains[row] else None
        found[row] |= asked is not None and asked.word == REJECT and asked.pct == 100
    return found
