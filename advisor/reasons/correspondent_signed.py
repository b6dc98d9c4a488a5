"""Wanted: signed mail from somebody to whom our users write."""

from advisor.case import Case, Mask
from advisor.correspondence import correspondence, signed
from advisor.reason import reason


@reason(wanted=True, says="our users write to this sender, and its domain signed", silent_on=frozenset({"opendmarc"}))
def correspondent_signed(case: Case) -> Mask:
    """Our users write to this sender, and a signature of the domain binds the message to it where SPF does not.

    What it rests on
        Mail of our users that was delivered to this address, mass mail left out; and DKIM's valid signature of the
        sender's domain, or DMARC's pass where SPF did not pass. A forwarder keeps signatures, so its mail shows here
        that policyd-spf would refuse.

    On what it is silent
        OpenDMARC: mail that fails it could never be wanted by this reason.

    What may deceive it
        A correspondent's mailbox that was robbed; a signed message that is sent again by others.
    """
    written = case.once(correspondence).addresses
    ours = case.matching("sender", lambda sender: sender.lower() in written)
    return ours & case.once(signed) & ~case.where("spf", ["pass"])
