"""What the page of a large month weighs, and how long it takes to be made and to open.

`python -m benchmarks.html [--attempts 1000000] [--clients 50000] [--output FILE]`. The month is made up, the same for
the same numbers: clients of which few come often, good ones and bots, a HELO on two of three, three DNS lists that were
asked about every client. Needs Chromium. Exits with 1 when a gate fails, and names it: the page has a ceiling, it opens
in a second (the median of the runs, from the navigation to the load event, in a browser that runs already), and the
browser has nothing to complain of.
"""

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import duckdb
import pyarrow as pa

from advisor import attempt
from advisor.advice import Situation, advise
from advisor.event import SCHEMA, Coverage
from advisor.recommendation import Terms
from advisor.reports import render
from advisor.response import Response, Responses
from tests.reports.browser import Browser

SIZE = 3_000_000
"""Bytes at most."""
OPENS = 1.0
"""Seconds at most until a page has loaded."""
RUNS = 5
NOW = datetime(2026, 11, 1, 6, tzinfo=UTC)
_LISTS = {"zen.spamhaus.org": 3, "bl.spamcop.net": 7, "psbl.surriel.com": 11}
"""Each names every so manieth bot."""

# i: the attempt; c: the client, u and w: numbers that look like chance; good: whose mail is wanted.
_MADE = """
WITH drawn AS (
    SELECT i, (hash(i) % 1000003) / 1000003.0 AS u, hash(i + 23) % 100 AS w, hash(i + 31) % 1000 AS x
    FROM range({attempts}) numbers(i)
), met AS (
    SELECT *, if(i < {clients}, i, floor(u * u * u * {clients})::BIGINT) AS c FROM drawn
), known AS (
    SELECT *, hash(c) % 5 < 2 AS good, 'mail' || c || '.host' || (c % 977) || '.example' AS name,
        if(c % 12 = 5, '2001:db8:' || printf('%x', (c >> 8) + 1) || '::' || printf('%x', (c & 255) + 1),
            (11 + (c >> 16)) || '.' || ((c >> 8) & 255) || '.' || (c & 255) || '.7') AS address FROM met
), named AS (
    SELECT *, NOT good AND c % 4 = 0 AS bare, if(good, c % 40 = 1, c % 5 < 2) AS single,
        if(good, c % 50 = 3, c % 3 = 1) AS astray, NOT good AND x < 600 AS refused, w < 67 AS heard,
        if(good, 'firm', 'offer') || (c % 20000) || '.example' AS site FROM known
)
SELECT 'log' AS source, i * 200 AS "offset", 's' || i AS session, 'm' || (i // 2) AS message, 'Q' || i AS queue_id,
    TIMESTAMPTZ '2026-10-01 00:00:00+00' + to_microseconds((i * 2592000000000 // {attempts})::BIGINT) AS time,
    'mx1' AS host, 'postfix' AS syslog_name, 'smtpd' AS program, 1000 + hash(i) % 500 AS pid, 'RCPT' AS stage,
    'outside' AS origin, address AS client_address, if(bare OR astray, 'unknown', name) AS client_name,
    if(bare, 'unknown', name) AS reverse_client_name,
    CASE WHEN bare THEN 'no_reverse' WHEN astray THEN 'no_forward' ELSE 'named' END AS client_status,
    false AS in_mynetworks, false AS authenticated, if(heard, true, NULL) AS helo_sent,
    if(heard, if(single, 'PC' || c, name), NULL) AS helo_name, if(heard, 'logged', NULL) AS helo_basis,
    if(heard, if(single, 'single', 'fqdn'), NULL) AS helo_syntax,
    'user' || (x % 40) || '@' || site AS sender, 'logged' AS sender_basis, site AS sender_domain,
    'domain' AS sender_kind,
    'user' || floor(u * 2000)::BIGINT || '@ourdom.example' AS recipient,
    CASE WHEN refused AND x < 100 THEN 'defer' WHEN refused THEN 'reject' ELSE 'accept' END AS action,
    CASE WHEN refused AND x < 100 THEN '450' WHEN refused THEN '554' END AS reply,
    if(refused, 'Service unavailable; Client host blocked using zen.spamhaus.org', NULL) AS text,
    CASE WHEN refused AND x < 100 THEN 'postgrey' WHEN refused THEN 'reject_rbl_client' END AS restriction,
    if(refused AND x >= 100, 'zen.spamhaus.org', NULL) AS list, true AS recipient_ours,
    CASE WHEN refused THEN '' WHEN good AND w < 40 THEN ';correspondent;filter_clean;' WHEN good THEN ';filter_clean;'
        WHEN w < 30 THEN ';filter_spam;unknown_recipients;' WHEN w < 50 THEN ';filter_spam;'
        WHEN w < 60 THEN ';filter_clean;' ELSE '' END AS reasons
FROM named ORDER BY i
"""


def month(attempts: int, clients: int) -> Situation:
    """A month of made-up attempts from outside, with what the lists were asked about each client."""
    with duckdb.connect() as engine:
        made = engine.sql(_MADE.format(attempts=attempts, clients=clients)).to_arrow_table()
    missing = {field.name: pa.nulls(made.num_rows, field.type) for field in attempt.SCHEMA}
    columns = {name: made[name] if name in made.column_names else nulls for name, nulls in missing.items()}
    table = pa.table(columns).cast(attempt.SCHEMA).append_column("reasons", made["reasons"])
    return Situation(
        table, _events(table), Coverage(lines=4 * attempts, events=4 * attempts), None, UTC, dns=_recorded(table),
        terms=Terms(max_harm=0.05),
    )  # fmt: skip


def _events(attempts: pa.Table) -> pa.Table:
    """The refusals in a list's name, and a greylist that let one of ten back in after a while."""
    with duckdb.connect() as engine:
        engine.register("attempts", attempts)
        found = engine.sql(
            "SELECT source, \"offset\", time, host, syslog_name, program, 'verdict' AS kind, 'reject' AS action, "
            "client_address, text, list, NULL AS reason, NULL AS delay, sender, recipient FROM attempts "
            "WHERE list IS NOT NULL UNION ALL "
            "SELECT source, \"offset\", time, host, NULL, 'postgrey', 'greylist', 'pass', client_address, NULL, NULL, "
            "'triplet found', 300 + pow(hash(\"offset\") % 1000, 2) / 40, sender, recipient "
            "FROM attempts WHERE action = 'accept' AND \"offset\" % 2000 = 0"
        ).to_arrow_table()
    columns = {
        field.name: found[field.name] if field.name in found.column_names else pa.nulls(found.num_rows, field.type)
        for field in SCHEMA
    }
    return pa.table(columns).cast(SCHEMA)


def _recorded(attempts: pa.Table) -> Responses:
    """What three lists said of every client with an IPv4 address."""
    asked_at = datetime(2026, 10, 15, tzinfo=UTC)
    found: list[Response] = []

    def say(name: str, value: str) -> None:
        found.append(Response(name, "A", "found" if value else "no_such_name", (value,) if value else (), asked_at))

    for zone in _LISTS:
        say(f"2.0.0.127.{zone}", "127.0.0.2")
        say(f"1.0.0.127.{zone}", "")
    columns = (attempts[name].to_pylist() for name in ("client_address", "sender_domain"))
    for number, (address, site) in enumerate(dict(zip(*columns, strict=True)).items()):
        if ":" not in address:
            front = ".".join(reversed(address.split(".")))
            for zone, each in _LISTS.items():
                listed = site.startswith("offer") and number % each == 0
                say(f"{front}.{zone}", "127.0.0.2" if listed else "")
    return Responses(found)


def _gates(page: Path, seconds: list[float], console: list[str]) -> Iterator[tuple[str, bool]]:
    size = page.stat().st_size
    yield f"under {SIZE:,} bytes: {size:,}", size < SIZE
    found = f"{median(seconds):.2f} s ({min(seconds):.2f} to {max(seconds):.2f})"
    yield f"opens in {OPENS:g} s: {found}", median(seconds) < OPENS
    yield f"no message of the browser: {len(console)}", not console


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m benchmarks.html")
    options.add_argument("--attempts", type=int, default=1_000_000)
    options.add_argument("--clients", type=int, default=50_000)
    options.add_argument("--output", type=Path, help="keep the page")
    given = options.parse_args()
    situation = month(given.attempts, given.clients)
    began = time.perf_counter()
    advice = advise(situation)
    advised = time.perf_counter()
    text = str(render(advice, "html", now=NOW))
    rendered = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    with tempfile.TemporaryDirectory() as folder:
        page = given.output or Path(folder) / "report.html"
        page.write_text(text)
        with Browser(Path(folder) / "profile") as browser:
            visits = [browser.visit(page) for _ in range(RUNS)]
        gates = list(
            _gates(page, [each.seconds for each in visits], [line for each in visits for line in each.console])
        )
    board = advice.board
    parts = {name: len(found) for name, found in vars(board).items()} if board else {}
    print(f"{given.attempts:,} attempts of {given.clients:,} clients; {len(advice.recommendations)} restrictions")
    print(f"advised in {advised - began:.1f} s, rendered in {rendered - advised:.1f} s, peak {peak:,.0f} MB")
    print(f"the board's rows: {parts}")
    for name, kept in gates:
        print(f"{'kept' if kept else 'FAILED'}: {name}")
    return 0 if all(kept for _, kept in gates) else 1


if __name__ == "__main__":
    sys.exit(main())
