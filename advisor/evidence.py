"""Evidence: whether an attempt is wanted or unwanted, by all reasons together that may testify on a restriction."""

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
import pyarrow as pa

from advisor.case import Case
from advisor.label import Labels
from advisor.reasons import BY_NAME, REASONS
from advisor.response import Responses


@lru_cache(maxsize=100_000)
def verdict(reasons: str, restriction: str = "") -> bool | None:
    """Whether these reasons (`;NAME;NAME;`), as far as they may testify on a restriction, mean wanted; None: undecided.

    Reasons that contradict each other leave it undecided: a correspondent's machine may send spam. A label decides.
    """
    named = [BY_NAME[name] for name in reasons.split(";") if name]
    decisive = [found.wanted for found in named if found.decisive]
    if decisive:
        return decisive[0]
    ways = {found.wanted for found in named if restriction not in found.silent_on}
    return ways.pop() if len(ways) == 1 else None


def sentence(reasons: str, restriction: str = "") -> str:
    """The reasons in words; those that may not testify on the restriction say so."""
    named = [BY_NAME[name] for name in reasons.split(";") if name]
    counted = [found.says for found in named if restriction not in found.silent_on]
    silent = [found.says for found in named if restriction in found.silent_on]
    if silent:
        silent[-1] += " (not counted: same facts)" if restriction else ""
    return "; ".join([*counted, *silent]) or "nothing is known of it"


def weigh(
    attempts: pa.Table,
    events: pa.Table,
    domains: Iterable[str] = (),
    *,
    dns: Responses | None = None,
    labels: Labels | None = None,
) -> pa.Table:
    """Add the column `reasons` to attempts: `;NAME;NAME;`, empty where there is none and for our own mail.

    `domains` are ours by the configuration, `dns` the recorded answers, `labels` the user's own verdicts.
    """
    case = Case(attempts, events, domains, dns=dns, labels=labels)
    found = np.zeros(attempts.num_rows, dtype=np.int64)
    for bit, one in enumerate(REASONS):
        found |= np.where(one.finds(case) & case.outside, np.int64(1) << bit, 0)
    sets, numbers = np.unique(found, return_inverse=True)
    words = pa.array([_names(int(each)) for each in sets], pa.string())
    return attempts.append_column("reasons", words.take(pa.array(numbers.reshape(-1), pa.int64())))


def _names(bits: int) -> str:
    names = [one.name for bit, one in enumerate(REASONS) if bits >> bit & 1]
    return f";{';'.join(names)};" if names else ""
