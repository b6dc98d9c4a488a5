"""A list folded as Postfix does: against every completion of missing answers, and on three engines."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import duckdb
import narwhals as nw
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.entry import Entry, parse_list
from advisor.errors import AdvisorError
from advisor.question import Question
from advisor.restriction import Asked, ask
from advisor.restrictions import CATALOGUE
from advisor.simulation import ANSWER, TURNED_AWAY, asked_for, fold, simulate
from tests.conftest import LAB, MONTH, real

LIST = (
    "permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination, smtpd_helo_required, "
    "reject_unknown_reverse_client_hostname, warn_if_reject reject_unknown_client_hostname, "
    "reject_invalid_helo_hostname, reject_non_fqdn_helo_hostname, reject_unknown_helo_hostname, "
    "reject_unknown_sender_domain, check_policy_service unix:private/policyd-spf, "
    "reject_rbl_client zen.dnsbl.test=127.0.0.[2..11], postgrey, permit"
)


def by_hand(kinds: Sequence[Asked], answers: Sequence[str]) -> str:
    """smtpd_check.c in ten lines: the first that permits or refuses ends the list; defer_if_permit waits."""
    deferring = False
    for one, answer in zip(kinds, answers, strict=True):
        if answer == "dunno" or (one.warn and answer != "permit"):
            continue
        if answer == "defer_if_permit":
            deferring = True
        elif answer == "permit":
            return "defer" if deferring else "permit"
        else:
            return answer
    return "defer" if deferring else "dunno"


def kind(word: str, warn: bool) -> tuple[Asked, list[str]]:
    """An entry and every answer it can give."""
    if word == "permit":
        return Asked(CATALOGUE["permit_mynetworks"], warn=warn), ["permit", "dunno"]
    if word == "reject":
        return Asked(CATALOGUE["reject_non_fqdn_helo_hostname"], warn=warn), ["reject", "dunno"]
    if word == "defer":
        return Asked(CATALOGUE["reject_unknown_reverse_client_hostname"], warn=warn), ["defer", "dunno"]
    found = replace(CATALOGUE["reject_unknown_sender_domain"], tells=("defer_if_permit",))
    return Asked(found, warn=warn), ["defer", "reject", "defer_if_permit", "dunno"]


def folded(entries: Sequence[Asked], rows: Sequence[Sequence[str | None]]) -> list[tuple[str | None, bool | None]]:
    columns = {
        f"answer_{number}": pa.array([row[number] for row in rows], pa.string()) for number in range(len(entries))
    }
    columns["not_logged"] = pa.nulls(len(rows), pa.bool_())
    columns["row"] = pa.array(range(len(rows)), pa.int64())
    table = fold(nw.from_native(duckdb.from_arrow(pa.table(columns))), entries).sort("row").to_native().to_arrow_table()
    return list(zip(table[ANSWER].to_pylist(), table[TURNED_AWAY].to_pylist(), strict=True))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["permit", "reject", "defer", "any"]), st.booleans()), min_size=1, max_size=4)
)
def test_the_fold_is_right_for_every_completion(spelled: list[tuple[str, bool]]) -> None:
    kinds = [kind(word, warn) for word, warn in spelled]
    entries = [entry for entry, _ in kinds]
    rows = list(product(*([*words, None] for _, words in kinds)))

    for row, (answer, turned) in zip(rows, folded(entries, rows), strict=True):
        choices = (words if value is None else [value] for value, (_, words) in zip(row, kinds, strict=True))
        outcomes = {by_hand(entries, complete) for complete in product(*choices)}
        away = {outcome in ("reject", "defer") for outcome in outcomes}
        assert answer is None or outcomes == {answer}, (row, outcomes)
        assert turned is None or away == {turned}, (row, outcomes)
        if None not in row:
            assert answer is not None
            assert turned is not None


def test_missing_evidence_that_does_not_matter_does_not_matter() -> None:
    ptr, fqdn = kind("defer", False)[0], kind("reject", False)[0]
    permit = kind("permit", False)[0]

    assert folded([permit, ptr], [["permit", None]]) == [("permit", False)]
    assert folded([ptr, ptr], [[None, "defer"]]) == [("defer", True)]
    # Turned away for certain, with which code is not known.
    assert folded([ptr, fqdn], [[None, "reject"]]) == [(None, True)]
    assert folded([permit, fqdn], [[None, "dunno"]]) == [(None, False)]
    assert folded([replace(fqdn, warn=True), ptr], [["reject", "dunno"]]) == [("dunno", False)]


def test_an_entry_asked_twice_has_one_column(month: pa.Table) -> None:
    found = simulate(
        "reject_unknown_client_hostname, reject_unknown_client_hostname", duckdb.from_arrow(month)
    ).attempts

    assert [name for name in found.columns if name.startswith("reject_")] == [
        "reject_unknown_client_hostname",
        "reject_unknown_client_hostname:basis",
        "reject_unknown_client_hostname:reply",
    ]


def test_a_misspelt_name_is_named_with_the_right_one() -> None:
    with pytest.raises(AdvisorError, match="unknown restriction 'reject_unknown_clientname'; did you mean"):
        simulate("reject_unknown_clientname", None)


def test_an_obsolete_name_is_todays() -> None:
    assert [one.column for one in asked_for(parse_list("reject_unknown_client"))] == ["reject_unknown_client_hostname"]


def test_what_is_not_simulated_says_so_and_answers_from_its_refusals() -> None:
    attempts = Question([LAB / "postgrey.maillog-20261122.gz"]).attempts
    found = simulate("postgrey, permit", duckdb.from_arrow(attempts))
    rows = found.attempts.to_arrow_table().to_pylist()

    assert found.not_simulated == ("postgrey",)
    assert {(row["postgrey"], row["postgrey:basis"]) for row in rows} == {("defer", "logged"), (None, None)}
    assert all(row["postgrey"] is None for row in rows if row["action"] == "accept")
    assert all(row["answer"] in (None, "defer") for row in rows)


def test_a_blocklist_answers_for_itself_only() -> None:
    attempts = Question([MONTH]).attempts
    found = simulate(
        "reject_rbl_client zen.dnsbl.example, reject_rbl_client other.example", duckdb.from_arrow(attempts)
    )
    rows = found.attempts.to_arrow_table().to_pylist()

    assert {row["reject_rbl_client zen.dnsbl.example"] for row in rows} == {"reject", None}
    assert {row["reject_rbl_client other.example"] for row in rows} == {None}


@pytest.fixture(scope="module")
def month() -> pa.Table:
    return Question([MONTH]).attempts


@pytest.fixture(scope="module")
def all_attempts() -> pa.Table:
    """The attempts of every log we have, and each of them again with one column after the other taken away."""
    logs = [Question([path]).attempts for path in sorted(LAB.glob("*.gz"))]
    table = pa.concat_tables([*logs, Question([MONTH]).attempts])
    few = pa.concat_tables([table.slice(0, 60), table.slice(table.num_rows - 1000, 60)])
    poorer = []
    for number, field in enumerate(few.schema):
        if field.name not in ("source", "offset"):
            poorer.append(few.set_column(number, field, pa.nulls(few.num_rows, field.type)))
    return pa.concat_tables([table, *poorer])


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    real("java")
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "1")
        .getOrCreate()
    )
    yield session
    session.stop()


def as_lists(table: pa.Table, names: Sequence[str]) -> dict[str, list[Any]]:
    return {name: table[name].to_pylist() for name in names}


@pytest.mark.integration
def test_three_engines_answer_alike(all_attempts: pa.Table, spark: Any, tmp_path: Path) -> None:
    duck = simulate(LIST, duckdb.from_arrow(all_attempts)).attempts.to_arrow_table()
    names = [name for name in duck.column_names if name not in all_attempts.column_names]

    in_pandas = simulate(LIST, all_attempts.to_pandas(types_mapper=pd.ArrowDtype)).attempts
    # By way of a file, as a site's own Spark would: handing over rows takes a minute.
    pq.write_table(all_attempts, tmp_path / "attempts.parquet")
    in_spark = simulate(LIST, spark.read.parquet(str(tmp_path / "attempts.parquet"))).attempts.toArrow()

    assert len(names) == 3 * 14 + 2
    expected = as_lists(duck, names)
    assert as_lists(pa.Table.from_pandas(in_pandas, preserve_index=False), names) == expected
    assert as_lists(in_spark, names) == expected
    # Missing evidence was among it, and every word.
    words = {word for name in names if ":" not in name for word in expected[name]}
    assert {None, "permit", "reject", "defer", "dunno"} <= words


def test_attempts_keep_log_order(all_attempts: pa.Table) -> None:
    duck = simulate(LIST, duckdb.from_arrow(all_attempts)).attempts.to_arrow_table()

    assert duck["offset"].to_pylist() == all_attempts["offset"].to_pylist()


def test_codes_come_from_the_configuration(month: pa.Table) -> None:
    asked = asked_for((Entry("reject_unknown_client_hostname"),), {"unknown_client_reject_code": "554"})

    assert asked == (ask(CATALOGUE["reject_unknown_client_hostname"], {"unknown_client_reject_code": "554"}),)
    assert asked[0].words == {"reject", "defer"}  # 554, and 450 where the look-up failed
