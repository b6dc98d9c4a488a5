"""The headline is the verdict: what it counts is what the board counts, and what is not known is said."""

from dataclasses import replace

from advisor.board import count
from advisor.recommendation import Advice
from advisor.reports.headline import headline, together


def _alone(advice: Advice) -> Advice:
    """With the first change only, the one that the board of the example has."""
    first, *rest = advice.recommendations
    return replace(advice, recommendations=(first, *(replace(one, rank=None) for one in rest)), findings=())


def test_what_is_to_fix_comes_first_then_what_to_change(rich_advice: Advice) -> None:
    fix, on, warn = headline(rich_advice)
    assert fix == "1 thing to fix first."
    assert on == (
        "Switch on 2 restrictions: refuse clients without a reverse name, refuse sender domains that do not exist. "
        "Allow the hosts that are wanted first."
    )
    assert warn == "Let 1 more warn for now: that refuses nothing, and the log will tell whom it would hurt."


def test_what_it_would_have_done_is_what_the_board_counts(rich_advice: Advice) -> None:
    assert rich_advice.board is not None
    found = count(rich_advice.board, [1])
    assert (found.stopped, found.hurt, found.undecided, found.no_evidence) == (1234, 0, 0, 0)
    assert headline(_alone(rich_advice))[1] == (
        "With nobody allowed, it would have turned away 1,234 unwanted, 0 wanted and 0 undecided of 14,980 "
        "accepted attempts."
    )


def test_what_the_board_has_not_is_not_counted_as_nothing(rich_advice: Advice) -> None:
    assert together(rich_advice, list(rich_advice.recommendations[:2])) is None
    assert not any("turned away" in words for words in headline(rich_advice))


def test_what_nobody_knows_is_said(rich_advice: Advice) -> None:
    board = rich_advice.board
    assert board is not None
    unknown = replace(board, combinations=(replace(board.combinations[0], letters="-?"), *board.combinations[1:]))
    done = headline(_alone(replace(rich_advice, board=unknown)))[1]
    assert "at least 0 unwanted" in done
    assert done.endswith("accepted attempts; of 1,234 nobody knows.")


def test_what_only_warns_refuses_nothing(rich_advice: Advice) -> None:
    warned = tuple(replace(one, recommendation="warn") if one.rank else one for one in rich_advice.recommendations)
    said = headline(replace(rich_advice, recommendations=warned, findings=()))
    assert said[0] == "Let 3 restrictions warn for now: that refuses nothing, and the log will tell whom it would hurt."
    few = tuple(
        replace(one, before=replace(one.before, wanted=21)) if one.before else one
        for one in replace(rich_advice, recommendations=warned).recommendations
    )
    told = headline(replace(rich_advice, recommendations=few, findings=()))
    assert "Nothing can be enforced yet" in told[1]
    assert "wanted clients could be judged, and 300 are needed." in told[1]


def test_a_change_that_hurts_is_relaxed_first(rich_advice: Advice) -> None:
    first, *rest = rich_advice.recommendations
    said = headline(replace(rich_advice, recommendations=(replace(first, recommendation="relax"), *rest), findings=()))
    assert said[0] == "Relax 1: wanted mail is refused."


def test_nothing_to_change(rich_advice: Advice, empty_advice: Advice) -> None:
    left = tuple(replace(one, rank=None) for one in rich_advice.recommendations)
    (said,) = headline(replace(rich_advice, recommendations=left, findings=()))
    assert said == "Nothing to change now: 0 to fix, 1 check on already, 5 left with reasons."
    assert headline(empty_advice) == ("There is no line to read.",)
    silent = replace(empty_advice, coverage={**empty_advice.coverage, "lines": 7, "ignored": 7})
    assert headline(silent) == ("There is no mail from outside in this log.",)


def test_without_a_board_nothing_is_counted(rich_advice: Advice) -> None:
    bare = replace(rich_advice, board=None)
    assert together(bare, list(bare.recommendations)) is None
    assert not any("turned away" in words for words in headline(bare))
