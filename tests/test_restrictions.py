"""Every restriction against an annotated log, and against every way in which the log may be silent."""

import re
from datetime import UTC, datetime
from ipaddress import ip_network
from itertools import product
from pathlib import Path
from typing import Any

import duckdb
import narwhals as nw
import pyarrow as pa
import pytest

from advisor import programs
from advisor.attempt import SCHEMA, attempts
from advisor.entry import KNOWN, LISTS, Entry
from advisor.line import Clock
from advisor.network import LOOPBACK
from advisor.response import Response, Responses
from advisor.restriction import Asked, Restriction, ask
from advisor.restrictions import CATALOGUE, TIPS
from advisor.simulation import POLICIES, answers, asked_for
from advisor.verdict import ANYWHERE, SAYS, name_restriction

LOGS = Path(__file__).parent / "restrictions"
# Always the same answer, so there is nothing to annotate.
CONSTANT = {"permit", "reject", "defer"}
HEAD = re.compile(r"# (?P<expected>none|(?:\w+) (?:derived|logged|looked_up|inferred)): (?P<why>.+)\Z")


ARGUMENTS = {
    "check_client_access": "inline:{bad.example=REJECT, 198.51.100=OK, {203.0.113.99 = 450 later}}",
    "check_reverse_client_hostname_access": "inline:{bad.example=REJECT, 198.51.100=OK}",
    "check_helo_access": "inline:{bad.example=REJECT, good.example=OK}",
    "check_sender_access": "inline:{bad.example=REJECT, a@good.example=OK, {<> = DEFER_IF_PERMIT later}}",
    "check_recipient_access": "inline:{trap@ourdom.test=REJECT, {null@ = DISCARD}}",
    "reject_rbl_client": "zen.example=127.0.0.[2..11]",
    "permit_dnswl_client": "wl.example",
    "permit_rhswl_client": "wl.example",
    **{f"reject_rhsbl_{what}": "dbl.example" for what in ("helo", "client", "reverse_client", "sender", "recipient")},
}
DAY = datetime(2026, 11, 22, 13, tzinfo=UTC)


def read_response(text: str) -> Response:
    """! good.example MX found 10|mail.good.example"""
    _, name, kind, status, *values = text.split()
    return Response(name, kind, status, tuple(value.replace("|", " ") for value in values), DAY)


def read_dns(path: Path) -> Responses:
    return Responses(read_response(line) for line in path.read_text().splitlines() if line.startswith("!"))


def read_log(path: Path) -> tuple[list[tuple[str, str]], pa.Table]:
    """The expectations, and the attempts of all sessions."""
    expected, lines = [], []
    for text in path.read_text().splitlines():
        if text.startswith("!"):
            continue
        if text.startswith("#"):
            found = HEAD.match(text)
            assert found, text
            expected.append((found["expected"], found["why"]))
        elif text:
            lines.append(text.encode())
    parsed = programs.parse(enumerate(lines), Clock(2026, UTC), "log")
    assert not parsed.coverage.unrecognised
    networks = (*LOOPBACK, ip_network("192.0.2.0/28"))
    return expected, attempts(parsed.events, networks=networks, domains=["ourdom.test"])


def asked_rows(table: pa.Table, asked: Asked, dns: Responses | None = None) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = answers(duckdb.from_arrow(table), [asked], dns).to_arrow_table().to_pylist()
    return rows


@pytest.mark.parametrize("name", sorted(set(CATALOGUE) - CONSTANT))
def test_a_log_with_its_answers(name: str) -> None:
    expected, table = read_log(LOGS / f"{name}.log")
    (asked,) = asked_for((Entry(name, ARGUMENTS.get(name, "")),))
    rows = asked_rows(table, asked, read_dns(LOGS / f"{name}.log"))

    found = [f"{row['answer_0']} {row['basis_0']}" if row["answer_0"] else "none" for row in rows]

    assert list(zip(found, [why for _, why in expected], strict=True)) == expected


@pytest.mark.parametrize("name", TIPS)
def test_the_log_shows_every_answer(name: str) -> None:
    expected, _ = read_log(LOGS / f"{name}.log")
    kinds = {word.split()[0] for word, _ in expected}

    assert {"dunno", "none"} < kinds
    assert kinds & {"reject", "defer"}
    assert CATALOGUE[name].says == "" or any(word.endswith(" logged") for word, _ in expected)


def test_every_file_has_a_log() -> None:
    assert {path.stem for path in LOGS.glob("*.log")} == set(CATALOGUE) - CONSTANT


def test_names_are_postfix_own() -> None:
    assert {name for name, found in CATALOGUE.items() if found.parameter in LISTS} <= {*KNOWN, *POLICIES}


@pytest.mark.parametrize("name", sorted(name for name, found in CATALOGUE.items() if found.says))
def test_what_it_says_leads_back_to_it(name: str) -> None:
    says = CATALOGUE[name].says
    found = dict([*ANYWHERE, *SAYS])
    if not says.startswith("Service unavailable; "):
        assert found[says] == name
        return
    fields: dict[str, Any] = {"text": f"{says}mail.good.example] blocked using zen.example; because"}
    if name == "reject_rbl_client":
        fields["text"] = f"{says}203.0.113.10] blocked using zen.example; because"
    name_restriction(fields)
    assert (fields["restriction"], fields["list"]) == (name, "zen.example")


DOMAINS: dict[str, list[Any]] = {
    "client_name": ["unknown", "mail.good.example"],
    "reverse_client_name": ["unknown", "mail.good.example"],
    "helo_sent": [True, False],
    "helo_syntax": ["fqdn", "fqdn.", "single", "single.", "address", "literal", "bad_literal", "invalid"],
    "helo_found": [True, False],
    "sender_kind": ["null", "literal", "own", "rewritten", "domain"],
    "sender_domain_found": [True, False],
    "in_mynetworks": [True, False],
    "authenticated": [True, False],
    "recipient_ours": [True, False],
    "pipelined": [True, False],
    "pregreet": [True, False],
    "dnsbl_rank": [0, 3],
    "action": ["accept", "reject"],
    "stage": ["RCPT", "DATA"],
}


def truths(found: Restriction, rows: list[tuple[Any, ...]]) -> list[bool | None]:
    """What the predicate says of rows of its needed columns."""
    columns = {
        name: pa.array([row[number] for row in rows], SCHEMA.field(name).type)
        for number, name in enumerate(found.needs)
    }
    numbers = {"row": pa.array(range(len(rows)), pa.int64()), "not_logged": pa.nulls(len(rows), pa.bool_())}
    engine = duckdb.from_arrow(pa.table({**columns, **numbers}))
    frame = nw.from_native(engine).with_columns(found.predicate().alias("truth")).sort("row")
    result: list[bool | None] = frame.to_native().to_arrow_table()["truth"].to_pylist()
    return result


@pytest.mark.parametrize("name", sorted(name for name, found in CATALOGUE.items() if found.needs))
def test_missing_evidence_never_decides(name: str) -> None:
    """An answer given with a column missing must be the answer for every value it could have had."""
    found = CATALOGUE[name]
    rows = list(product(*([*DOMAINS[column], None] for column in found.needs)))
    by_row = dict(zip(rows, truths(found, rows), strict=True))

    for row, truth in by_row.items():
        choices = (
            DOMAINS[column] if value is None else [value] for column, value in zip(found.needs, row, strict=True)
        )
        completions = {by_row[complete] for complete in product(*choices)}
        assert truth is None or completions == {truth}, (row, truth)
    assert by_row[(None,) * len(found.needs)] is None
    complete = {by_row[row] for row in rows if None not in row}
    # What else it takes to know more: what is told, or what another line would have had to say.
    silent = found.tell is not None or name == "reject_unlisted_recipient"
    assert complete == {True, False} or (silent and complete & {True, False} and complete <= {True, False, None})


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_it_reads_only_what_it_needs(name: str) -> None:
    found = CATALOGUE[name]
    needs = {column: pa.array([None], SCHEMA.field(column).type) for column in (*found.needs, "not_logged")}
    frame = nw.from_native(duckdb.from_arrow(pa.table({**needs, "row": [0]})))

    frame.with_columns(found.predicate().alias("truth")).to_native().to_arrow_table()


def test_the_sites_own_code_makes_a_reject_of_a_defer() -> None:
    _, table = read_log(LOGS / "reject_unknown_client_hostname.log")
    rows = asked_rows(table, ask(CATALOGUE["reject_unknown_client_hostname"], {"unknown_client_reject_code": "550"}))

    replies = [(row["answer_0"], row["reply_0"], row["client_status"]) for row in rows]

    assert replies[0] == ("reject", "550", "no_reverse")
    # Postfix answers 450 all the same where the forward look-up failed for the moment.
    assert replies[3] == ("defer", "450", "forward_temporary")
    assert replies[4] == ("dunno", None, "named")


def test_the_code_of_each_answer() -> None:
    _, table = read_log(LOGS / "reject_unknown_helo_hostname.log")
    rows = asked_rows(table, ask(CATALOGUE["reject_unknown_helo_hostname"], {}))

    assert {(row["helo_syntax"], row["reply_0"]) for row in rows if row["reply_0"]} == {
        ("address", "450"),
        ("fqdn.", "450"),
        ("invalid", "450"),
        ("bad_literal", "501"),
        ("fqdn", "450"),
    }


def test_a_null_mx_is_refused_for_good() -> None:
    _, table = read_log(LOGS / "reject_unknown_sender_domain.log")
    rows = asked_rows(table, ask(CATALOGUE["reject_unknown_sender_domain"], {}))

    assert {(row["sender"], row["answer_0"], row["reply_0"]) for row in rows if row["reply_0"]} == {
        ("x@nosuch.example", "defer", "450"),
        ("x@nullmx.example", "reject", "550"),
        # Names that are none need no look-up.
        ("a@bad..name", "defer", "450"),
        ("a@192.0.2.7", "defer", "450"),
    }


@pytest.mark.parametrize("name", ["reject_unknown_client_hostname", "reject_unknown_reverse_client_hostname"])
def test_a_reverse_look_up_that_failed_for_the_moment_is_a_450(name: str) -> None:
    base = {"stage": "RCPT", "action": "accept", "client_name": "unknown", "reverse_client_name": "unknown"}
    rows = [base | {"offset": at, "client_address": f"203.0.113.{at}"} for at in range(3)]
    table = pa.Table.from_pylist([row | {"client_status": "no_reverse"} for row in rows], schema=SCHEMA)
    statuses = enumerate(("temporary", "no_such_name"))
    dns = Responses(Response(f"{at}.113.0.203.in-addr.arpa", "PTR", status, (), DAY) for at, status in statuses)

    found = asked_rows(table, ask(CATALOGUE[name], {"unknown_client_reject_code": "550"}), dns)

    assert [(row["answer_0"], row["reply_0"]) for row in found] == [
        ("defer", "450"),
        ("reject", "550"),
        ("reject", "550"),
    ]
    assert {row["answer_0"] for row in asked_rows(table, ask(CATALOGUE[name], {}), dns)} == {"defer"}


def test_the_code_that_was_warned_of() -> None:
    base = {"stage": "RCPT", "action": "accept", "offset": 0, "helo_sent": True, "helo_syntax": "single"}
    warnings = (";reject_non_fqdn_helo_hostname 504;", ";x 450;reject_non_fqdn_helo_hostname 450;")
    table = pa.Table.from_pylist([base | {"warned": warned} for warned in warnings], schema=SCHEMA)

    found = asked_rows(table, ask(CATALOGUE["reject_non_fqdn_helo_hostname"], {}))

    assert [(row["answer_0"], row["reply_0"], row["basis_0"]) for row in found] == [
        ("reject", "504", "logged"),
        ("defer", "450", "logged"),
    ]


def test_a_log_of_other_codes_tells_whether_not_with_which() -> None:
    name = "reject_unknown_sender_domain"
    base = {"stage": "RCPT", "action": "accept", "sender_kind": "domain", "warned": f";{name} 450 4.1.8;"}
    senders = ["gone.example", "slow.example", "other.example"]
    table = pa.Table.from_pylist(
        [base | {"offset": at, "sender_domain": who} for at, who in enumerate(senders)], schema=SCHEMA
    )
    dns = Responses(
        Response(f"{domain}.example", kind, status, (), DAY)
        for domain, status in (("gone", "no_such_name"), ("slow", "temporary"))
        for kind in ("MX", "A", "AAAA")
    )

    def answered(rows: pa.Table, **codes: str) -> list[tuple[Any, ...]]:
        found = asked_rows(rows, ask(CATALOGUE[name], codes), dns)
        return [(row["answer_0"], row["reply_0"], row["basis_0"]) for row in found]

    assert set(answered(table)) == {("defer", "450", "logged")}
    assert answered(table, unknown_address_reject_code="550") == [
        ("reject", "550", "looked_up"),
        ("defer", "450", "looked_up"),
        ("reject", "550", "inferred"),
    ]
    # Where that code is in the log, a 450 beside it is a 450.
    other = pa.Table.from_pylist([base | {"offset": 9, "warned": f";{name} 550 5.1.8;"}], schema=SCHEMA)
    both = answered(pa.concat_tables([table, other]), unknown_address_reject_code="550")
    assert both == [("defer", "450", "logged")] * 3 + [("reject", "550", "logged")]


def test_a_null_mx_has_its_own_code_whatever_is_set() -> None:
    name = "reject_unknown_sender_domain"
    base = {"stage": "RCPT", "action": "accept", "sender_kind": "domain", "sender_domain": "x.example"}
    rows = [
        base | {"offset": at, "warned": f";{name} {codes};"} for at, codes in enumerate(("550 5.7.27", "450 4.1.8"))
    ]

    found = asked_rows(
        pa.Table.from_pylist(rows, schema=SCHEMA), ask(CATALOGUE[name], {"unknown_address_reject_code": "554"})
    )

    # Without the null MX all that is logged is a 450: the log was written under another code.
    assert [(row["reply_0"], row["basis_0"]) for row in found] == [("550", "inferred"), ("554", "inferred")]


def test_why_a_client_has_no_name_tells_the_code() -> None:
    name = "reject_unknown_client_hostname"
    base = {"stage": "RCPT", "action": "accept", "client_name": "unknown", "warned": f";{name} 450 4.7.25;"}
    statuses = ["no_forward", "forward_temporary", "no_reverse"]
    rows = [base | {"offset": at, "client_status": status} for at, status in enumerate(statuses)]
    table = pa.Table.from_pylist(rows, schema=SCHEMA)

    found = asked_rows(table, ask(CATALOGUE[name], {"unknown_client_reject_code": "550"}))

    assert [(row["reply_0"], row["basis_0"]) for row in found] == [
        ("550", "logged"),
        ("450", "logged"),
        ("550", "inferred"),
    ]


def test_the_code_of_a_helo_is_the_sites_whatever_the_log_had() -> None:
    name = "reject_non_fqdn_helo_hostname"
    base = {"stage": "RCPT", "action": "accept", "offset": 0, "helo_sent": True, "warned": f";{name} 504;"}
    table = pa.Table.from_pylist([base | {"helo_syntax": "single"}], schema=SCHEMA)

    (row,) = asked_rows(table, ask(CATALOGUE[name], {"non_fqdn_reject_code": "554"}))

    assert (row["answer_0"], row["reply_0"], row["basis_0"]) == ("reject", "554", "logged")
