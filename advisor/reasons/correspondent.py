"""Wanted: mail from somebody to whom our users write."""

from advisor.case import Case, Mask
from advisor.correspondence import authentic, correspondence, disowned, steady
from advisor.reason import AUTHENTICITY, reason


@reason(wanted=True, says="our users write to this sender", silent_on=AUTHENTICITY)
def correspondent(case: Case) -> Mask:
    """Our users write to this sender, and the client is bound to the address.

    What it rests on
        Mail of our users that was delivered to this address, mass mail left out. The client is bound to it by SPF,
        DMARC or DKIM; or, where SPF and DMARC do not object, it is of the one network that used it on two days, five
        days apart or more.

    On what it is silent
        policyd-spf and OpenDMARC: mail that fails those could never be a correspondent's by this reason.

    What may deceive it
        A correspondent's mailbox that was robbed. A forger with a network of its own, where the domain publishes
        nothing and the real sender never wrote within the log.
    """
    bound = case.once(authentic)
    written = case.once(correspondence).addresses
    ours = case.matching("sender", lambda sender: sender.lower() in written)
    return ours & (bound | (steady(case, bound) & ~disowned(case)))
