"""Answers as small numbers are those of a simulation, each at its row."""

from datetime import UTC, datetime

import pyarrow as pa
import pytest

from advisor import answer, question
from advisor.answer import BASES, answered
from advisor.candidate import candidates
from advisor.entry import parse_list
from advisor.outlook import policies
from advisor.response import Response, Responses
from advisor.restriction import WORDS, Asked
from advisor.simulation import answers, asked_for
from tests.conftest import MONTH

ASKED_AT = datetime(2026, 10, 20, tzinfo=UTC)
DNS = Responses(
    [
        Response("2.0.0.127.zen.spamhaus.org", "A", "found", ("127.0.0.2",), ASKED_AT),
        Response("1.0.0.127.zen.spamhaus.org", "A", "no_such_name", (), ASKED_AT),
    ]
)
LISTED = "permit_mynetworks, reject_unauth_destination, reject_rbl_client zen.spamhaus.org, check_client_access hash:/x"


@pytest.fixture(scope="module")
def attempts() -> pa.Table:
    return question.Question((MONTH,), zone=UTC, now=datetime(2026, 11, 22, tzinfo=UTC)).attempts


@pytest.mark.parametrize("asked", [(*policies(), *candidates({}, DNS)), asked_for(parse_list(LISTED))])
def test_as_in_a_simulation(attempts: pa.Table, asked: tuple[Asked, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer, "_BATCH", 700)
    expected = answers(attempts, asked, DNS)
    expected = expected if isinstance(expected, pa.Table) else expected.to_arrow_table()
    found = answered(attempts, asked, DNS)
    assert found.select(attempts.column_names) == attempts
    seen = set()
    for number in range(len(asked)):
        for name in (f"answer_{number}", f"basis_{number}"):
            assert found[name].to_pylist() == expected[name].to_pylist(), (asked[number], name)
            seen |= {*found[name].to_pylist()}
    assert seen > {None, "dunno", "logged"}
    assert seen <= {None, *WORDS, *BASES}


def test_without_attempts(attempts: pa.Table) -> None:
    found = answered(attempts.slice(0, 0), policies())
    assert found.num_rows == 0
    assert {"answer_1", "basis_1"} < {*found.column_names}
