"""What is to be typed is cut into blocks that can be copied, and nothing of it is lost."""

from hypothesis import given
from hypothesis import strategies as st

from advisor.change import plan_of
from advisor.postconf import read
from advisor.recommendation import Recommendation
from advisor.reports.course import blocks
from tests.conftest import ROOT
from tests.reports.conftest import advised, host


def test_each_block_says_where_it_goes() -> None:
    one: Recommendation = advised(
        "reject_unknown_reverse_client_hostname", recommendation="enforce", rank=1, hosts=(host(77),)
    )
    (typed,) = plan_of([one], read(ROOT / "sample_logs" / "main.cf")).steps

    found = blocks(typed.lines)

    assert [words for words, _ in found] == [
        "Add to /etc/postfix/client_access",
        "Then",
        "In /etc/postfix/main.cf",
        "Or, instead of the editor",
        "Then",
    ]
    assert found[0][1][-1] == "192.0.2.77 OK"
    assert found[0][1][0].startswith("# ")  # why it is allowed stands in the map too
    assert found[1][1][0].startswith("postmap ")
    assert found[2][1][0] == "smtpd_client_restrictions ="
    assert found[3][1][0].startswith("postconf -e ")
    assert found[4][1] == ["postfix check && postfix reload"]


def test_what_has_no_heads_is_one_block() -> None:
    assert blocks(["a", "# b", "c"]) == [("Type", ["a", "# b", "c"])]
    assert blocks([]) == []


_LINES = st.lists(
    st.one_of(st.text(max_size=20), st.sampled_from(["# then:", "# /etc/x:", "# /etc/x, add:", "# :", "#"]))
)


@given(_LINES)
def test_no_line_is_lost(lines: list[str]) -> None:
    heads = {"# then:", "# /etc/x:", "# /etc/x, add:"}
    kept = [line for _, block in blocks(lines) for line in block]
    assert [line for line in kept if line not in heads] == kept
    assert kept == [line for line in lines if line not in heads and not _odd(line)]


def _odd(line: str) -> bool:
    """A head that the generator made up by itself."""
    return line.startswith("# /") and line.endswith(":") and len(blocks([line])) == 0
