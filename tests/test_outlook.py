"""What is said of greylisting, SPF, DMARC and postscreen where they refuse nothing yet."""

from dataclasses import replace
from datetime import UTC

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from advisor.advice import Situation, advise
from advisor.outlook import cheaper, outlooks, policies
from advisor.postconf import from_text
from advisor.question import Question
from advisor.recommendation import Terms
from advisor.restriction import Asked, ask
from advisor.restrictions import CATALOGUE
from advisor.standing import Docket
from tests.conftest import MONTH, ROOT

MAIN_CF = ROOT / "sample_logs" / "main.cf"


@pytest.fixture(scope="module")
def outside() -> pa.Table:
    return Question([MONTH], config=MAIN_CF).weighed.filter(pc.field("origin") == "outside")


def answered(table: pa.Table, *answers: str | None) -> pa.Table:
    """The same attempts with answers, the same for all."""
    for number, answer in enumerate(answers):
        table = table.append_column(f"answer_{number}", pa.repeat(pa.scalar(answer, pa.string()), table.num_rows))
        table = table.append_column(f"basis_{number}", pa.repeat(pa.scalar("derived"), table.num_rows))
    return table


def test_greylisting_is_two_numbers_and_what_nobody_knows(outside: pa.Table) -> None:
    (said,) = outlooks(outside, answered(outside, "dunno", "dunno"), Terms(), UTC)

    assert said.startswith("Greylisting (tip 5) is not on. Of 653 deliveries by wanted clients")
    assert "of 169 nobody can know" in said
    assert "at least 0 and at most" in said


def test_where_postgrey_is_on_nothing_is_foreseen(outside: pa.Table) -> None:
    at = outside.schema.get_field_index("restriction")
    greyed = outside.set_column(at, "restriction", pa.repeat(pa.scalar("postgrey"), outside.num_rows))

    assert outlooks(greyed, answered(greyed, "dunno", "dunno"), Terms(), UTC) == ()


def test_spf_is_said_with_whom_it_hurts(outside: pa.Table) -> None:
    at = outside.schema.get_field_index("restriction")
    calm = outside.set_column(at, "restriction", pa.nulls(outside.num_rows, pa.string()))
    spf, _ = outlooks(calm, answered(calm, "reject", "dunno"), Terms(), UTC)

    assert spf.startswith("SPF (tip 6), were its Fail refused by policyd-spf: it would have turned away ")
    assert spf.endswith("Leave it at tagging.")
    assert [one.column for one in policies()] == ["policyd-spf", "opendmarc"]


def test_postscreen_would_do_a_lists_work(outside: pa.Table) -> None:
    asked = ask(CATALOGUE["reject_rbl_client"], {}, "zen.example=127.0.0.[2..254]")
    said = cheaper(Docket(answered(outside, "dunno")), asked, 0, None)

    assert "postscreen_dnsbl_sites = zen.example=127.0.0.[2..254]" in said
    on = from_text("postscreen_greet_action = enforce\n", "main.cf")
    assert cheaper(Docket(answered(outside, "dunno")), asked, 0, on) == ""


@pytest.mark.parametrize(("early", "worth"), [(6, True), (4, False)])
def test_postscreen_is_named_where_most_talk_before_their_turn(early: int, *, worth: bool) -> None:
    rows = [
        {
            "time": None,
            "message": f"m{number}",
            "client_address": f"192.0.2.{number}",
            "action": "accept",
            "reasons": ";unknown_recipients;early_talker;" if number < early else ";unknown_recipients;",
            "answer_0": "reject",
            "basis_0": "derived",
        }
        for number in range(10)
    ]
    table = pa.Table.from_pylist(rows).set_column(0, "time", pa.nulls(10, pa.timestamp("us", "UTC")))
    asked: Asked = ask(CATALOGUE["reject_non_fqdn_helo_hostname"], {})
    said = cheaper(Docket(table), asked, 0, None)

    assert (
        f"Of the 10 unwanted clients that it stops, postscreen would turn away {early} for talking before their turn"
        in said
    ) is worth


def test_the_report_has_them_as_notes() -> None:
    question = Question([MONTH], config=MAIN_CF)
    advice = advise(
        replace(Situation(question.weighed, question.events, question.history.coverage, question.configuration, UTC))
    )

    assert any("Greylisting (tip 5)" in found.text for found in advice.findings)
