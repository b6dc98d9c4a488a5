"""The lab: what the advisor says Postfix would have answered is what real Postfix answers to the same sessions."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.lab import maillog, namespace, world
from tests.lab.campaign import play
from tests.lab.comparison import Tally
from tests.lab.configurations import BASELINE, SAMPLES, configurations
from tests.lab.prediction import Prediction
from tests.lab.report import Report
from tests.lab.sessions import sessions

PROGRAMS = ("ip", "named", "postconf", "policyd-spf", "postgrey", "opendkim", "opendmarc", "openssl")
FROM_A_DEFAULT_LOG = (
    "reject_unknown_reverse_client_hostname",
    "reject_unknown_client_hostname",
    "smtpd_helo_required",
)
"""What needs neither a logging knob nor the DNS."""
NOT_ATTEMPTS = 7
"""Sessions that Postfix logs no attempt of: the syntax of a command is wrong, or RSET ends it."""

WITH_STARTTLS = {session.name for session in sessions() if "STARTTLS" in session.steps}


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where Postfix's own user may look, which pytest's folders are not."""
    namespace.require(*PROGRAMS)
    with TemporaryDirectory(prefix="lab-") as name:
        yield Path(name)


def played(folder: Path, names: list[str]) -> Report:
    folder.chmod(0o755)
    play(folder, names)
    return Report(folder, names)


def judged(report: Report) -> None:
    assert not report.contradictions(), "\n".join(report.contradictions())
    assert not list(report.meddling())
    for name, row in report.rows.items():
        assert all(len(tally.missed) <= NOT_ATTEMPTS for tally in row.all), name
        # An inference is marked as one because it may be wrong; mostly it is not.
        assert sum(len(tally.inferred_wrong) for tally in row.all) <= sum(tally.inferred for tally in row.all) / 4, name
    for name in FROM_A_DEFAULT_LOG:
        for tally in report.rows[name].plain:
            # STARTTLS has smtpd forget the HELO, and a count of one EHLO and one STARTTLS is that of two cases.
            unknown = [fate for fate in tally.unknown if fate.session not in WITH_STARTTLS]
            assert not unknown, (name, unknown)


@pytest.mark.integration
def test_the_advisor_says_what_postfix_does(folder: Path) -> None:
    judged(played(folder, [each.name for each in configurations() if not each.long]))


@pytest.mark.integration
@pytest.mark.long
def test_the_advisor_says_what_postfix_does_in_every_configuration(folder: Path) -> None:
    judged(played(folder, [each.name for each in configurations()]))


def test_each_session_can_be_told_by_its_recipient() -> None:
    names = [recipient.partition("@")[0].lower() for session in sessions() for recipient in session.recipients]

    assert len(names) == len(set(names))
    assert len(sessions()) >= 150


def test_configurations_have_names_of_their_own_and_begin_with_the_baseline() -> None:
    names = [each.name for each in configurations()]

    assert len(names) == len(set(names))
    assert names[0] == BASELINE
    assert all(each.knob or each.shows or each.name in SAMPLES for each in configurations())
    assert set(SAMPLES) <= set(names)


def test_the_world_stays_in_the_ranges_for_documentation() -> None:
    text = world.zone()

    assert not [line for line in text.splitlines() if " A 8." in line or " A 10." in line or ".com" in line]


def test_a_line_is_as_syslog_writes_it() -> None:
    assert maillog.line(b"<22>Nov  2 11:53:25 postfix/smtpd[642]: connect\x07\n\0") == (
        b"Nov  2 11:53:25 mx1 postfix/smtpd[642]: connect#007\n"
    )


@pytest.mark.parametrize(
    ("answer", "code", "expected"),
    [("reject", "550", "550"), ("defer", "", "4"), ("dunno", "", "2"), ("permit", "", "2"), (None, "", None)],
)
def test_what_a_prediction_expects(answer: str | None, code: str, expected: str | None) -> None:
    assert Prediction(answer, code, ()).expected == expected


def test_an_inference_is_counted_apart() -> None:
    assert Prediction("dunno", "", (("reject_invalid_helo_hostname", "dunno", "inferred"),)).inferred
    assert Tally().agree == 0
