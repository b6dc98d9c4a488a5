"""revision.py: main.cf with one list changed and everything else as it was, also by patch(1)."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.amendment import insert
from advisor.entry import Entry, parse_list
from advisor.postconf import from_text
from advisor.revision import difference, with_list, with_value
from advisor.setting import settings
from tests.conftest import ROOT, real

RECIPIENT = "smtpd_recipient_restrictions"
LAID_OUT = """\
# ours
myhostname = mx.example.org
smtpd_recipient_restrictions =
    permit_mynetworks,
    # the web shop
    check_client_access hash:/etc/postfix/shop,

    permit_sasl_authenticated, reject_unauth_destination,
# the list
    reject_rbl_client zen.example,
    permit
smtpd_helo_required = no   # not a comment
"""


def spelled(text: str) -> list[str]:
    entries = parse_list(from_text(text, "x").parameters[RECIPIENT], parameter=RECIPIENT)
    return [f"warn_if_reject {each}" if each.warn else str(each) for each in entries]


def test_a_line_is_added_where_the_entry_belongs() -> None:
    new = spelled(LAID_OUT)
    new.insert(-1, "reject_unknown_sender_domain")

    after = with_list(LAID_OUT, RECIPIENT, new)

    assert difference(LAID_OUT, after, "main.cf") == (
        "--- main.cf",
        "+++ main.cf",
        "@@ -8,5 +8,6 @@",
        "     permit_sasl_authenticated, reject_unauth_destination,",
        " # the list",
        "     reject_rbl_client zen.example,",
        "+    reject_unknown_sender_domain,",
        "     permit",
        " smtpd_helo_required = no   # not a comment",
    )


def test_a_trial_that_is_enforced_changes_its_line_only() -> None:
    text = LAID_OUT.replace("    reject_rbl", "    warn_if_reject reject_rbl")

    assert with_list(text, RECIPIENT, spelled(LAID_OUT)) == LAID_OUT


def test_an_entry_among_others_in_a_line_changes_that_line() -> None:
    new = spelled(LAID_OUT)
    new.insert(new.index("reject_unauth_destination"), "permit_tls_clientcerts")

    changed = "    permit_sasl_authenticated, permit_tls_clientcerts, reject_unauth_destination,"
    assert changed in with_list(LAID_OUT, RECIPIENT, new).split("\n")


@pytest.mark.parametrize(
    "text",
    [
        f"{RECIPIENT} = permit_mynetworks, reject_rbl_client zen.example\n",
        f"{RECIPIENT} = permit_mynetworks, reject_rbl_client\n  zen.example",
        f"{RECIPIENT} = permit_mynetworks, warn_if_reject\n  # soon\n  reject_rbl_client zen.example\n",
        f"{RECIPIENT} = permit_mynetworks, {{\n",
    ],
)
def test_what_cannot_be_matched_by_lines_is_written_anew(text: str) -> None:
    after = with_list(text, RECIPIENT, ["permit_mynetworks", "reject"])

    assert after.rstrip("\n").endswith(f"{RECIPIENT} =\n    permit_mynetworks\n    reject")
    assert ("# soon" in text) == ("# soon" in after)


def test_a_list_that_is_not_there_goes_last() -> None:
    assert with_list("a = 1", RECIPIENT, ["reject"]) == f"a = 1\n{RECIPIENT} =\n    reject\n"
    assert with_value("a = 1\n", "b", "yes") == "a = 1\nb = yes\n"


def test_of_a_setting_given_twice_the_last_is_changed() -> None:
    assert with_value("a = 1\nb = 2\na = 3\n  4\n#end\n", "a", "yes") == "a = 1\nb = 2\na = yes\n#end\n"


_NAMES = st.sampled_from(
    [
        "permit_mynetworks",
        "reject",
        "reject_unauth_destination",
        "$mine",
        "warn_if_reject reject_unauth_pipelining",
        "reject_rbl_client zen.example",
        "check_client_access hash:/x",
        "check_policy_service { unix:x/y, timeout=1s }",
    ]
)
_BREAKS = st.sampled_from([" ", ", ", ",\n  ", "\n\t", ",\n# why\n    ", " ,\n\n    ", "\r\n  "])


@st.composite
def _texts(draw: st.DrawFn) -> str:
    value = "".join(name + draw(_BREAKS) for name in draw(st.lists(_NAMES, max_size=6)))
    last = draw(_NAMES)
    start = draw(st.sampled_from([" = ", "=", " =\n  ", " =\n# first\n\t"]))
    after = draw(st.sampled_from(["", "\n", "\n# end\nb = 2\n  3\n"]))
    return f"# a\na = 1\n{RECIPIENT}{start}{value}{last}{after}"


@given(_texts(), st.lists(_NAMES, max_size=6))
def test_the_list_is_the_new_one_and_the_rest_is_as_it_was(text: str, entries: list[str]) -> None:
    after = with_list(text, RECIPIENT, entries)

    assert spelled(after) == entries
    rest = {each.name: each.value for each in settings(text)[0] if each.name != RECIPIENT}
    assert {each.name: each.value for each in settings(after)[0] if each.name != RECIPIENT} == rest
    assert settings(after)[1] == []
    comments = [line for line in text.split("\n") if line.startswith("#")]
    assert [line for line in after.split("\n") if line.startswith("#")] == comments
    assert with_list(after, RECIPIENT, entries) == after


@given(_texts(), _NAMES)
def test_nothing_changes_where_nothing_does(text: str, entry: str) -> None:
    assert difference(text, text, "x") == ()
    after = with_list(text, RECIPIENT, [*spelled(text), entry])
    assert with_list(after, RECIPIENT, spelled(after)) == after


@pytest.mark.integration
@pytest.mark.parametrize("text", [LAID_OUT, LAID_OUT.rstrip("\n"), (ROOT / "sample_logs" / "main.cf").read_text()])
def test_patch_takes_the_difference_and_gives_it_back(text: str, tmp_path: Path) -> None:
    program = real("patch")
    file = tmp_path / "main.cf"
    file.write_text(text)
    config = from_text(text, "main.cf")
    entries = insert(config, RECIPIENT, Entry("reject_unknown_sender_domain"))
    after = with_list(text, RECIPIENT, [str(entry) for entry in entries])
    told = "\n".join(difference(text, after, "/etc/postfix/main.cf")) + "\n"

    subprocess.run([program, "--fuzz=0", str(file)], input=told, text=True, check=True, capture_output=True)
    assert file.read_text() == after
    subprocess.run([program, "-R", "--fuzz=0", str(file)], input=told, text=True, check=True, capture_output=True)
    assert file.read_text() == text
