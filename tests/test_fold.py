"""A folding that has seen other answers gives each the verdict that a new one gives."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from advisor.entry import parse_list
from advisor.fold import LATE, UNLISTED, Folding, come_to
from advisor.restriction import WORDS, Asked
from advisor.simulation import asked_for

KINDS = asked_for(
    parse_list(
        "permit_mynetworks, reject_unknown_sender_domain, warn_if_reject reject_rbl_client zen.test, "
        "check_client_access hash:/etc/postfix/x, permit_dnswl_client zen.test, reject_unauth_pipelining"
    )
)
LISTS = (
    "smtpd_helo_required",
    "smtpd_client_restrictions",
    "smtpd_relay_restrictions",
    "smtpd_recipient_restrictions",
    UNLISTED,
    *LATE,
)


@st.composite
def folded(draw: st.DrawFn) -> tuple[tuple[Asked, ...], list[tuple[str | None, ...]]]:
    """Some lists in the order in which they are asked, and answers of several attempts."""
    asked = tuple(
        replace(kind, listed=name)
        for name in LISTS
        for kind in draw(st.lists(st.sampled_from(KINDS), max_size=2 if name in LISTS[1:4] else 1))
    )
    word = st.sampled_from((*WORDS, None, "dunno", "dunno"))
    return asked, draw(st.lists(st.tuples(*(word for _ in asked)), min_size=2, max_size=8))


@given(folded())
def test_what_was_folded_before_makes_no_difference(
    found: tuple[tuple[Asked, ...], list[tuple[str | None, ...]]],
) -> None:
    asked, attempts = found
    folding = Folding(asked)
    assert [folding.of(answers) for answers in attempts] == [come_to(asked, answers) for answers in attempts]


def test_a_list_that_is_asked_later_forgets_what_an_earlier_one_waited_for() -> None:
    sender, rbl = (replace(KINDS[at], warn=False) for at in (1, 2))
    early, late = replace(sender, listed=LISTS[1]), replace(rbl, listed=LATE[0])
    folding = Folding((early, late))
    assert folding.of(("defer_if_permit", "reject")) == ("defer", True)
    assert folding.of(("dunno", "reject")) == ("reject", True)
    assert folding.of((None, "dunno")) == (None, None)
    same = Folding((early, replace(rbl, listed=LISTS[1])))
    assert same.of(("defer_if_permit", "reject")) == ("reject", True)
    assert same.of(("defer_if_permit", "dunno")) == ("defer", True)
