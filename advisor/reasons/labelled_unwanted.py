"""Unwanted: you said so."""

import numpy as np

from advisor.case import Case, Mask
from advisor.reason import reason


@reason(wanted=False, says="you labelled it unwanted", decisive=True)
def labelled_unwanted(case: Case) -> Mask:
    """You labelled this client, sender or message unwanted.

    What it rests on
        The file given with --labels. A label outranks every other reason, for every restriction.

    What may deceive it
        Nothing but a mistake in the file; labels that fit no mail are counted.
    """
    labels = case.labels.of(case.attempts) if case.labels is not None else [None] * len(case.outside)
    return np.array([label is not None and not label.wanted for label in labels], dtype=np.bool_)
