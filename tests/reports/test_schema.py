"""The JSON of a report is what its published schema says, to the last key."""

import json
from datetime import datetime

import pytest
from jsonschema import Draft202012Validator

from advisor.recommendation import Advice
from advisor.reports import render
from advisor.reports.json import SCHEMA
from tests.conftest import ROOT

PUBLISHED = json.loads((ROOT / "docs" / "report.schema.json").read_text())


@pytest.mark.parametrize("only", [None, "advice"])
def test_a_report_is_what_the_schema_says(any_advice: Advice, now: datetime, only: str | None) -> None:
    found = json.loads(render(any_advice, "json", now=now, only=only))

    Draft202012Validator(PUBLISHED, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(found)

    # Whatever is there by itself is described, and what is described is there.
    assert set(found) == set(PUBLISHED["required"] if only else PUBLISHED["properties"])


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(PUBLISHED)
    assert PUBLISHED["properties"]["schema"]["const"] == SCHEMA


def test_a_key_that_nobody_described_is_noticed(rich_advice: Advice, now: datetime) -> None:
    found = json.loads(render(rich_advice, "json", now=now))
    found["restrictions"][0]["news"] = 1
    assert not Draft202012Validator(PUBLISHED).is_valid(found)
