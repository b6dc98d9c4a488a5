"""A list folded as Postfix does: against every completion of missing answers, and on three engines."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_address
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

from advisor.attempt import SCHEMA
from advisor.blocklist import question
from advisor.census import own_answers
from advisor.entry import Entry, parse_list
from advisor.errors import AdvisorError
from advisor.fold import come_to
from advisor.hostname import sender_domain
from advisor.outcome import outcome, terminal
from advisor.postconf import from_text
from advisor.question import Question
from advisor.response import Response, Responses, canonical
from advisor.restriction import WORDS, Asked, ask
from advisor.restrictions import CATALOGUE
from advisor.simulation import ANSWER, TURNED_AWAY, ask_all, asked_for, fold, simulate, whole
from advisor.testimony import hear
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
        # Known where it can be known, and nowhere else.
        assert answer == (outcomes.pop() if len(outcomes) == 1 else None), row
        assert turned == (away.pop() if len(away) == 1 else None), row


LISTED = [
    "smtpd_client_restrictions",
    "smtpd_helo_restrictions",
    "smtpd_sender_restrictions",
    "smtpd_relay_restrictions",
    "smtpd_recipient_restrictions",
    "smtpd_reject_unlisted_recipient",
    "smtpd_data_restrictions",
    "smtpd_end_of_data_restrictions",
]


def smtpd(kinds: Sequence[Asked], answers: Sequence[str]) -> str:  # noqa: PLR0912 - as long as smtpd_check.c has it
    """smtpd_check_client() to smtpd_check_eod() by hand: the lists in their order, and the two flags."""
    waiting = permitted = False
    for command in ([*LISTED[:3], "rcpt"], LISTED[5:6], LISTED[6:7], LISTED[7:]):
        waiting = False
        for group in command:
            lists = LISTED[3:5] if group == "rcpt" else [group]
            softened = False
            for name in lists:
                for one, answer in zip(kinds, answers, strict=True):
                    if one.listed != name:
                        continue
                    if answer == "defer_if_reject":
                        softened = True
                    elif answer == "dunno" or (one.warn and answer not in ("permit", "discard")):
                        pass
                    elif answer == "permit":
                        permitted = True
                        break
                    elif answer == "discard":
                        return "defer" if waiting else "discard"
                    elif answer == "defer_if_permit":
                        waiting = True
                    else:
                        return "defer" if softened else answer
                    if waiting and softened:
                        break
        if waiting:
            return "defer"
    return "permit" if permitted else "dunno"


def anything(listed: str, words: Sequence[str], warn: bool) -> Asked:
    """An entry of a list that may give these answers, beside `dunno`."""
    found = CATALOGUE["check_client_access"] if "reject" in words else CATALOGUE["permit_mynetworks"]
    asked = Asked(replace(found, tells=tuple(words)), warn=warn, listed=listed)
    assert asked.words == {*words}
    return asked


entries = st.tuples(
    st.integers(0, len(LISTED) - 1),
    st.sampled_from(
        [
            ["permit"],
            ["reject"],
            ["reject", "defer"],
            ["permit", "defer_if_reject"],
            ["reject", "defer_if_permit", "defer"],
            ["permit", "reject", "discard"],
        ]
    ),
    st.booleans(),
)


@settings(max_examples=120, deadline=None)
@given(st.lists(entries, min_size=1, max_size=4))
def test_lists_fold_as_smtpd_asks_them(spelled: list[tuple[int, list[str], bool]]) -> None:
    spelled.sort(key=lambda entry: entry[0])
    kinds = [anything(LISTED[number], words, warn) for number, words, warn in spelled]
    rows = list(product(*([*words, "dunno", None] for _, words, _ in spelled)))

    for row, (answer, turned) in zip(rows, folded(kinds, rows), strict=True):
        choices = (
            [*words, "dunno"] if value is None else [value] for value, (_, words, _) in zip(row, spelled, strict=True)
        )
        outcomes = {smtpd(kinds, complete) for complete in product(*choices)}
        away = {outcome in ("reject", "defer") for outcome in outcomes}
        assert answer == (outcomes.pop() if len(outcomes) == 1 else None), row
        assert turned == (away.pop() if len(away) == 1 else None), row


def test_what_smtpd_remembers_from_list_to_list() -> None:
    def come(*entries: tuple[str, str]) -> str | None:
        words = ["permit", "reject", "defer", "defer_if_permit", "defer_if_reject", "discard"]
        kinds = [anything(f"smtpd_{listed}_restrictions", words, warn=False) for listed, _ in entries]
        return come_to(kinds, tuple(answer for _, answer in entries)).answer

    # defer_if_reject holds for relay and recipient list together, not from the sender list on.
    assert come(("relay", "defer_if_reject"), ("recipient", "reject")) == "defer"
    assert come(("sender", "defer_if_reject"), ("recipient", "reject")) == "reject"
    # defer_if_permit holds until RCPT TO is answered.
    assert come(("client", "defer_if_permit"), ("recipient", "reject")) == "reject"
    assert come(("client", "defer_if_permit"), ("recipient", "permit")) == "defer"
    assert come(("client", "defer_if_permit"), ("data", "reject")) == "defer"
    # With both up, nothing more is asked in that list.
    both = (("sender", "defer_if_permit"), ("sender", "defer_if_reject"), ("sender", "reject"))
    assert come(*both) == "defer"
    assert come(*both, ("recipient", "reject")) == "reject"
    assert come(("client", "discard"), ("recipient", "reject")) == "discard"


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
    attempts = Question([MONTH]).attempts
    refused = {"action": "reject", "reply": "530", "restriction": "reject_plaintext_session"}
    spelled = "reject_plaintext_session, permit"
    table = pa.Table.from_pylist([attempts.slice(0, 1).to_pylist()[0] | refused], schema=SCHEMA)
    found = simulate(spelled, duckdb.from_arrow(pa.concat_tables([table, attempts])))
    rows = found.attempts.to_arrow_table().to_pylist()

    assert found.not_simulated == ("reject_plaintext_session",)
    answers = [(row["reject_plaintext_session"], row["reject_plaintext_session:basis"]) for row in rows]
    assert answers == [("reject", "logged"), *[(None, None)] * attempts.num_rows]
    assert [row["answer"] for row in rows] == ["reject", *[None] * attempts.num_rows]


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
        if field.name not in ("source", "offset", "sender", "sender_domain"):
            poorer.append(few.set_column(number, field, pa.nulls(few.num_rows, field.type)))
    # A sender has a domain, be it ''; without the one there is not the other.
    unknown = few
    for name in ("sender", "sender_domain"):
        unknown = unknown.set_column(
            SCHEMA.get_field_index(name), SCHEMA.field(name), pa.nulls(few.num_rows, pa.string())
        )
    poorer.append(unknown)
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


def said(name: str, kind: str, status: str, *values: str, day: int = 22) -> Response:
    return Response(name, kind, status, values, datetime(2026, 11, day, 9, tzinfo=UTC))


def recorded(table: pa.Table) -> Responses:
    """Something of everything for the clients, HELO names and senders of a table, on three days."""
    found = [
        said("2.0.0.127.zen.dnsbl.test", "A", "found", "127.0.0.2"),
        said("1.0.0.127.zen.dnsbl.test", "A", "no_data"),
    ]
    found += [said("test.dbl.test", "A", "found", "127.0.1.2"), said("invalid.dbl.test", "A", "no_such_name")]
    answers = [
        ("found", "127.0.0.4"),
        ("no_such_name",),
        ("temporary",),
        ("found", "127.255.255.254"),
        ("found", "127.0.0.99"),
    ]
    for number, address in enumerate(sorted(set(table["client_address"].to_pylist()) - {None})):
        for day in (2, 12, 22)[: 1 + number % 3]:
            status, *values = answers[(number + day) % len(answers)]
            found.append(said(question("zen.dnsbl.test", address), "A", status, *values, day=day))
    names = {*table["helo_name"].to_pylist(), *(sender_domain(sender or "") for sender in table["sender"].to_pylist())}
    for number, name in enumerate(sorted(names - {None, ""})):
        mail = [("found", "10 mx.example"), ("found", "0 ."), ("no_data",), ("temporary",), ("no_such_name",)][
            number % 5
        ]
        found.append(said(name, "MX", *mail, day=2 + number % 20))
        if number % 4:
            found += [said(name, "A", *[("temporary",), ("found", "192.0.2.1"), ("no_data",)][number % 3])]
            found += [said(name, "AAAA", "no_data")]
        found.append(said(question("dbl.test", name), "A", *[("found", "127.0.1.2"), ("no_such_name",)][number % 2]))
    return Responses(Response(canonical(one.name), one.type, one.status, one.values, one.asked_at) for one in found)


TOLD = (
    "check_client_access inline:{good.example=OK, 203.0.113=DUNNO, 198.51.100=DEFER_IF_PERMIT}, "
    "permit_dnswl_client zen.dnsbl.test=127.0.0.99, reject_unknown_helo_hostname, reject_unknown_sender_domain, "
    "reject_rbl_client zen.dnsbl.test=127.0.0.[2..11], warn_if_reject reject_rhsbl_helo dbl.test, "
    "reject_rhsbl_sender dbl.test, reject_rhsbl_client dbl.test, check_sender_access inline:{ourdom.test=DISCARD}, "
    "reject_unknown_client_hostname, reject_unauth_pipelining, reject_non_fqdn_sender, reject_unlisted_recipient"
)


@pytest.mark.integration
@pytest.mark.parametrize("day", [pytest.param(22, marks=pytest.mark.long), None])
def test_three_engines_are_told_alike(all_attempts: pa.Table, spark: Any, tmp_path: Path, day: int | None) -> None:
    dns = recorded(all_attempts)
    if day is not None:
        dns = Responses(replace(one, asked_at=datetime(2026, 11, day, tzinfo=UTC)) for one in dns)
    found = simulate(TOLD, duckdb.from_arrow(all_attempts), dns=dns)
    duck = found.attempts.to_arrow_table()
    names = [name for name in duck.column_names if name not in all_attempts.column_names]

    in_pandas = simulate(TOLD, all_attempts.to_pandas(types_mapper=pd.ArrowDtype), dns=dns).attempts
    pq.write_table(all_attempts, tmp_path / "attempts.parquet")
    in_spark = simulate(TOLD, spark.read.parquet(str(tmp_path / "attempts.parquet")), dns=dns)

    expected = as_lists(duck, names)
    assert as_lists(pa.Table.from_pandas(in_pandas, preserve_index=False), names) == expected
    spark_attempts = in_spark.attempts.toArrow()
    assert as_lists(spark_attempts, names) == expected
    assert outcome(in_spark) == outcome(found)
    # No row lost, none moved, and every word and basis was among them.
    for table in (duck, spark_attempts):
        assert table["offset"].to_pylist() == all_attempts["offset"].to_pylist()
    words = {word for name in names if ":" not in name for word in expected[name]}
    assert {None, "permit", "reject", "defer", "defer_if_permit", "dunno"} <= words
    bases = {word for name in names if name.endswith(":basis") for word in expected[name]}
    assert bases >= {None, "logged", "derived", "looked_up"}


def test_the_rows_of_a_large_frame_stay_where_they_are() -> None:
    number = 300_000
    table = pa.table(
        {
            field.name: pa.array([f"203.0.113.{at % 250}" for at in range(number)])
            if field.name == "client_address"
            else pa.array(range(number), pa.int64())
            if field.name == "offset"
            else pa.nulls(number, field.type)
            for field in SCHEMA
        }
    )
    dns = [said("2.0.0.127.zen.test", "A", "found", "127.0.0.2"), said("1.0.0.127.zen.test", "A", "no_data")]
    dns += [said(question("zen.test", f"203.0.113.{at}"), "A", "found", "127.0.0.2") for at in range(0, 250, 2)]

    found = simulate(
        "reject_rbl_client zen.test", duckdb.from_arrow(table), dns=Responses(dns)
    ).attempts.to_arrow_table()

    assert found["offset"].to_pylist() == list(range(number))
    expected = [None if at % 250 % 2 else "reject" for at in range(number)]
    assert found["reject_rbl_client zen.test"].to_pylist() == expected


def test_an_attempt_is_judged_by_the_day_nearest_to_it() -> None:
    times = [datetime(2026, 11, day, 10, tzinfo=UTC) for day in (1, 4, 9, 20)]
    rows = [{"time": time, "offset": at, "client_address": "203.0.113.9"} for at, time in enumerate(times)]
    dns = []
    for day, values in ((2, ["127.0.0.2"]), (11, []), (12, ["127.0.0.2"])):
        status = "found" if values else "no_such_name"
        dns += [said(question("zen.test", "203.0.113.9"), "A", status, *values, day=day)]
    dns += [said("2.0.0.127.zen.test", "A", "found", "127.0.0.2"), said("1.0.0.127.zen.test", "A", "no_data")]

    engine = duckdb.connect()
    # The day is that of the time, whatever zone a session is in.
    engine.execute("SET TimeZone = 'Asia/Tokyo'")
    engine.register("table", pa.Table.from_pylist(rows, schema=SCHEMA))
    found = simulate("reject_rbl_client zen.test", engine.table("table"), dns=Responses(dns))

    answers = found.attempts.to_arrow_table()["reject_rbl_client zen.test"].to_pylist()
    assert answers == ["reject", "reject", "dunno", "reject"]
    assert outcome(found)["list"][0]["asked_at"] == {
        "oldest": "2026-11-02T09:00:00+00:00",
        "newest": "2026-11-12T09:00:00+00:00",
    }


EVERY = (
    *(name for name in CATALOGUE if not name.startswith(("check_", "permit_dnswl", "permit_rhswl", "reject_r"))),
    *("permit_dnswl_client zen.dnsbl.test", "permit_rhswl_client dbl.test", "reject_rbl_client zen.dnsbl.test"),
    *(f"reject_rhsbl_{what} dbl.test" for what in ("helo", "client", "reverse_client", "sender", "recipient")),
    "check_client_access inline:{good.example=OK, 198.51.100=DEFER_IF_PERMIT}",
    "check_sender_access inline:{ourdom.test=DISCARD, <>=DEFER}",
    "check_helo_access inline:{localhost=REJECT}",
)
ONE_BY_ONE = ", ".join(EVERY)


def with_records(table: pa.Table, *, spf: bool) -> Responses:
    """Answers of one day, PTR records and policies among them, and SPF records where they are wanted."""
    found = [replace(one, asked_at=datetime(2026, 11, 22, tzinfo=UTC)) for one in recorded(table)]
    for number, address in enumerate(sorted(set(table["client_address"].to_pylist()) - {None})):
        status = (("found", "host.example"), ("no_such_name",), ("temporary",))[number % 3]
        found += [said(ip_address(address).reverse_pointer, "PTR", *status)] if number % 2 else []
    if spf:
        domains = sorted({*table["sender_domain"].to_pylist(), *table["dmarc_domain"].to_pylist()} - {None, ""})
        found += [said(f"_dmarc.{name}", "TXT", "found", "v=DMARC1; p=reject") for name in domains[::2]]
        found += [said(name, "TXT", "found", "v=spf1 ip4:192.0.2.0/24 -all") for name in domains[::3]]
    return Responses(found)


@pytest.mark.parametrize("spf", [False, pytest.param(True, marks=pytest.mark.long)])
def test_each_row_is_told_what_is_said_of_its_own_values(all_attempts: pa.Table, spf: bool) -> None:
    table = all_attempts.slice(0, 1_500) if not spf else all_attempts
    table = pa.concat_tables([table, all_attempts.slice(all_attempts.num_rows - 5_000)])
    asked = asked_for(parse_list(ONE_BY_ONE))
    dns = with_records(table, spf=spf)
    frame = nw.from_native(duckdb.from_arrow(table.append_column("row", pa.array(range(table.num_rows)))))

    rows = hear(frame, asked, dns).joined(frame).to_native().to_arrow_table().sort_by("row")

    for number, one in enumerate(asked):
        tell = one.restriction.tell
        if tell is None:
            continue
        columns = [table[name].to_pylist() for name in one.restriction.of]
        each = [tell(one.argument, dns, None, *values) for values in zip(*columns, strict=True)]
        expected = [one.heard(told).word if told else None for told in each]
        found = f"told_{number}"
        assert (rows[found].to_pylist() if found in rows.column_names else [None] * len(each)) == expected, one.column


@pytest.mark.parametrize(
    "restrictions",
    [pytest.param(ONE_BY_ONE, marks=pytest.mark.long), LIST, "reject_unknown_client_hostname", "permit"],
)
def test_a_census_counts_every_row(all_attempts: pa.Table, restrictions: str) -> None:
    found = simulate(restrictions, duckdb.from_arrow(all_attempts), dns=with_records(all_attempts, spf=False))
    names = ["origin", "action", *(f"answer_{number}" for number in range(len(found.asked)))]

    told = found.heard.joined(nw.from_native(found.source))
    rows = own_answers(told, found.asked, found.heard).select(names).to_native().to_arrow_table().to_pylist()
    counted = found.counted().to_pylist()

    assert Counter(tuple(row.values()) for row in rows) == {
        tuple(row[name] for name in names): row["attempts"] for row in counted
    }


def test_nothing_looked_up_is_no_join(month: pa.Table) -> None:
    found = simulate("reject_rbl_client zen.dnsbl.test, reject_unknown_sender_domain", duckdb.from_arrow(month))

    assert dict(found.ages) == {}


CONFIG = """
smtpd_helo_required = yes
smtpd_client_restrictions = permit_mynetworks, reject_unknown_client_hostname
smtpd_sender_restrictions = warn_if_reject reject_unknown_sender_domain, no_such_restriction
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_recipient_restrictions = check_policy_service unix:private/policyd-spf, check_policy_service unix:x
smtpd_data_restrictions = reject_unauth_pipelining
unknown_client_reject_code = 550
soft_bounce = {soft}
smtpd_delay_reject = {delay}
compatibility_level = {level}
"""


def configured(soft: str = "no", delay: str = "yes", level: str = "3.6") -> tuple[Asked, ...]:
    return whole(from_text(CONFIG.format(soft=soft, delay=delay, level=level), "main.cf"))


def test_a_configuration_is_all_its_lists() -> None:
    found = configured()

    assert [(one.listed.removeprefix("smtpd_").removesuffix("_restrictions"), one.column) for one in found] == [
        ("helo_required", "smtpd_helo_required"),
        ("client", "permit_mynetworks"),
        ("client", "reject_unknown_client_hostname"),
        ("sender", "reject_unknown_sender_domain"),
        ("sender", "no_such_restriction"),
        ("relay", "permit_mynetworks"),
        ("relay", "reject_unauth_destination"),
        ("recipient", "check_policy_service unix:private/policyd-spf"),
        ("recipient", "check_policy_service unix:x"),
        ("reject_unlisted_recipient", "reject_unlisted_recipient"),
        ("data", "reject_unauth_pipelining"),
    ]
    # What is not known may have said anything; smtpd itself answers 451 to a name that it does not know.
    assert found[4].words == {"permit", "discard", "reject", "defer", "defer_if_permit", "defer_if_reject"}
    assert found[8].words == found[4].words
    assert "permit" not in found[7].words
    assert [one.own_code for one in configured(soft="yes")][:3] == ["403", "", "450"]
    assert [one.listed for one in configured(level="3.5")][5:9] == [
        *["smtpd_recipient_restrictions"] * 2,
        *["smtpd_relay_restrictions"] * 2,
    ]


def test_a_list_that_is_asked_too_early_hears_nothing(month: pa.Table) -> None:
    text = "smtpd_client_restrictions = reject_non_fqdn_helo_hostname, permit_sasl_authenticated\n"
    text += "smtpd_delay_reject = no\n"
    found = whole(from_text(text + "smtpd_sender_restrictions = reject_unknown_sender_domain\n", "main.cf"))

    assert [one.blind for one in found[:3]] == [True, True, False]
    rows = ask_all(found[:2], duckdb.from_arrow(month)).attempts.to_arrow_table()
    assert set(rows["permit_sasl_authenticated"].to_pylist()) == {"dunno"}
    assert set(rows["turned_away"].to_pylist()) == {False}


def test_a_permit_ends_its_own_list_only(month: pa.Table) -> None:
    text = "smtpd_client_restrictions = permit\nsmtpd_recipient_restrictions = {}\nsmtpd_relay_restrictions = \n"
    text += "smtpd_reject_unlisted_recipient = no\n"

    def answers(recipients: str) -> set[str | None]:
        asked = whole(from_text(text.format(recipients), "main.cf"))
        return set(ask_all(asked, duckdb.from_arrow(month)).attempts.to_arrow_table()[ANSWER].to_pylist())

    assert answers("reject") == {"reject"}
    assert answers("warn_if_reject reject") == {"permit"}
    assert answers("permit, reject") == {"permit"}


def counted(restrictions: str, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    base = {"origin": "outside", "action": "accept", "stage": "RCPT", "program": "smtpd"}
    table = pa.Table.from_pylist([base | {"offset": at} | row for at, row in enumerate(rows)], schema=SCHEMA)
    return outcome(simulate(restrictions, duckdb.from_arrow(table)))


def test_what_each_adds_to_the_others() -> None:
    no, odd = {"client_name": "unknown", "helo_sent": True}, {"client_name": "mail.example", "helo_sent": True}
    rows = [
        no | {"helo_syntax": "single"},
        no | {"helo_syntax": "fqdn"},
        no,
        odd | {"helo_syntax": "single"},
        odd | {"helo_syntax": "fqdn"},
        no | {"helo_syntax": "fqdn", "action": "reject", "reply": "550", "restriction": "reject_unlisted_recipient"},
    ]
    found = counted("reject_unknown_client_hostname, reject_non_fqdn_helo_hostname", rows)

    assert [one["turned_away"] for one in found["list"]] == [
        {"alone": 1, "shared": 1, "unclear": 1},
        {"alone": 1, "shared": 1, "unclear": 0},
    ]
    assert found["overlap"] == [
        {
            "names": ["reject_unknown_client_hostname", "reject_non_fqdn_helo_hostname"],
            "both": 1,
            "first_only": 2,
            "second_only": 1,
            "unclear": 1,
        }
    ]
    # The 450 hides the 550 of a user that does not exist.
    assert found["code_changes"] == {"reject_to_defer": 1, "defer_to_reject": 0}
    assert found["turned_away"]["accepted"] == {"yes": 4, "no": 1, "no_evidence": 0}
    text = terminal(found)
    assert "it makes a 4xx of the 5xx of 1 of these" in text
    assert "Both reject_unknown_client_hostname and reject_non_fqdn_helo_hostname: 1 from outside" in text


def test_a_bare_postmaster_is_taken_without_asking() -> None:
    rows = [
        {"client_name": "unknown", "recipient": name} for name in ("postmaster", "PostMaster", "postmaster@x.example")
    ]

    assert counted("reject_unknown_client_hostname", rows)["answer"]["accepted"] | {} == {
        **dict.fromkeys((*WORDS, "no_evidence"), 0),
        "dunno": 2,
        "defer": 1,
    }


def test_a_tempfail_action_defers_at_once() -> None:
    rows = [{"sender_domain": "slow.example", "sender_kind": "domain", "offset": 0}]
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    dns = Responses(said("slow.example", kind, "temporary") for kind in ("MX", "A", "AAAA"))
    spelled = "reject_unknown_sender_domain"

    def row(**codes: str) -> dict[str, Any]:
        found = simulate(f"{spelled}, reject", duckdb.from_arrow(table), codes, dns).attempts.to_arrow_table()
        return dict(found.to_pylist()[0])

    assert [row()[name] for name in (spelled, "answer")] == ["defer_if_permit", "reject"]
    early = row(unknown_address_tempfail_action="defer")
    assert [early[name] for name in (spelled, "answer")] == ["defer", "defer"]


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
