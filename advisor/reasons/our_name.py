"""Unwanted: the client claims to be us."""

from advisor.case import Case, Mask
from advisor.reason import HELO, reason


@reason(wanted=False, says="the client claimed to be us in its HELO", silent_on=HELO)
def our_name(case: Case) -> Mask:
    """The client said a name of ours in HELO, from outside.

    What it rests on
        The HELO as it was logged, and the domains that the configuration names ours. `localhost` is everybody's name,
        and a HELO that was inferred was said in another visit: both do not count.

    On what it is silent
        The HELO restrictions.

    What may deceive it
        A machine of our own that is not in mynetworks.
    """
    claimed = case.matching("helo_name", lambda name: name.lower().rstrip(".") in case.domains)
    return claimed & ~case.where("helo_basis", ["inferred"])
