"""A reduction: a column in which only those values stay apart that an answer tells apart.

Rows that are the same in all of them have the same answers, so answers are counted without a look at each row.
"""

from collections.abc import Iterable, Mapping

import narwhals as nw

from advisor.restriction import AT_RCPT, Asked, known, unlogged
from advisor.restrictions import CATALOGUE

_OURS = {unlogged, *(found.predicate for found in CATALOGUE.values())}
"""What is known to look at no more than `reduced` leaves."""


def _either(truth: nw.Expr, word: str) -> nw.Expr:
    return known(truth, when_true=nw.lit(word), when_false=nw.lit(""))


def reduced(column: str, asked: Iterable[Asked]) -> nw.Expr:
    """A column as far as the expressions of these restrictions look at it; null stays null.

    A restriction that somebody made may look at all of a column that it needs.
    """
    one = nw.col(column)
    if any(column in each.restriction.needs and each.restriction.predicate not in _OURS for each in asked):
        return one
    found: Mapping[str, nw.Expr] = {
        "client_name": _either(one == "unknown", "unknown"),
        "reverse_client_name": _either(one == "unknown", "unknown"),
        "recipient": _either(one.str.to_lowercase() == "postmaster", "postmaster"),
        "text": _either(one.str.contains("(nullMX)", literal=True), "(nullMX)"),
        "reply": _either(~one.is_null(), "").cast(nw.String),
    }
    return found.get(column, one)


def reads(asked: Iterable[Asked]) -> frozenset[str]:
    """The columns that the answers read, beside those that `tell` is asked about."""
    found = set()
    for one in asked:
        restriction = one.restriction
        if restriction.says:
            found |= {"restriction", "reply", "warned", "action", *(("list",) if one.argument else ())}
        if not one.blind:
            found |= {*restriction.needs}
            if restriction.parameter in AT_RCPT:
                found.add("recipient")
        if restriction.except_reply or restriction.recheck:
            found |= {"client_status", "helo_syntax", "text"}
    return frozenset(found - {"not_logged"})
