"""Wanted: you said so."""

import numpy as np

from advisor.case import Case, Mask
from advisor.reason import reason


@reason(wanted=True, says="you labelled it wanted", decisive=True)
def labelled_wanted(case: Case) -> Mask:
    """You labelled this client, sender or message wanted.

    What it rests on
        The file given with --labels. A label outranks every other reason, for every restriction.

    What may deceive it
        A sender is a mere claim: whoever forges a sender or domain that you labelled counts as wanted, too.
    """
    labels = case.labels.of(case.attempts) if case.labels is not None else [None] * len(case.outside)
    return np.array([label is not None and label.wanted for label in labels], dtype=np.bool_)
