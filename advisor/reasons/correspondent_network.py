"""Wanted: mail from somebody to whom our users write, out of the network that takes their mail."""

from advisor.case import Case, Mask
from advisor.correspondence import correspondence
from advisor.reason import reason


@reason(wanted=True, says="our users write to this sender, in this network")
def correspondent_network(case: Case) -> Mask:
    """Our users write to this sender, and the client is in the network that took their mail.

    What it rests on
        Mail of our users that was delivered to this address, and the relay that our own log names for its domain.
        The client has the relay's /24 or /64. A relay that takes mail for many domains (a smarthost, a large
        provider) binds nobody. SPF and DMARC are not asked: a partner's own mistakes there do not undo it.

    What may deceive it
        A forger in the same network, such as another customer of the partner's hoster.
    """
    found = case.once(correspondence)
    networks, domains, senders = case.column("client_network"), case.sender_domains, case.senders
    ours = case.matching("sender", lambda sender: sender.lower() in found.addresses) & case.outside
    return case.rows(
        row
        for row in ours.nonzero()[0].tolist()
        if senders[row] and networks[row] in found.networks.get(domains[row], ())
    )
