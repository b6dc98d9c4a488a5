"""What a simulation costs: all restrictions asked of past attempts, in turns with DuckDB that reads the same columns.

`python -m benchmarks.simulate [--attempts 10000000] [--pairs 3]`. The attempts are made up: 300,000 clients and 200,000
sender domains of which few come often, a HELO on two of three, three of ten answered by a policy daemon and a milter.
Everything runs in a process of its own. `scan` reads every value of the columns that the restrictions use and counts
those that are not empty; `count` counts what is not null, for which DuckDB reads no value at all of a column without
nulls; `count distinct` counts the values. `log only` is simulate() and outcome(); `looked up` is the same with
recorded answers of the DNS for a tenth of clients and domains; `with SPF` has the SPF records of these domains, too:
six of seven publish one, with networks, an include and their MX. That has no gate: each client, HELO and domain is
judged by itself, in Python. Exits with 1 when a gate fails, and names it.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median

import duckdb

from advisor.blocklist import question
from advisor.entry import parse_list
from advisor.outcome import outcome
from advisor.reduction import reads
from advisor.response import Response, Responses
from advisor.restrictions import CATALOGUE
from advisor.simulation import asked_for, simulate

RATIO = 5.0
"""CPU time of `scan`, at most so many times."""
PEAK = 4_000
"""MB at most."""

CLIENTS, DOMAINS, RECORDED = 300_000, 200_000, 30_000
_LISTS = ("zen.spamhaus.org", "bl.spamcop.net", "psbl.surriel.com", "list.dnswl.org")
_ARGUMENT = frozenset({"permit_dnswl_client", "permit_rhswl_client", "reject_rbl_client"})
_ASKED = (
    *(name for name in CATALOGUE if not name.startswith(("check_", "reject_rhsbl_")) and name not in _ARGUMENT),
    "permit_dnswl_client list.dnswl.org",
    *(f"reject_rbl_client {name}" for name in _LISTS[:3]),
    *(f"reject_rhsbl_{what} dbl.spamhaus.org" for what in ("helo", "client", "reverse_client", "sender")),
)
# What ends every list is left out: behind it nothing would be asked.
SPELLED = ", ".join(name for name in _ASKED if name not in ("permit", "reject", "defer"))
KINDS = ("scan", "log only", "looked up", "with SPF", "count", "count distinct")
_LOOKED_UP = ("looked up", "with SPF")

_NAME = "'mail' || c || '.host' || (c % 977) || '.example'"
# u, v, w, x: numbers that look like chance; c: the client, d: the sender's domain.
_MADE = f"""
COPY (
    WITH drawn AS (
        SELECT i, (hash(i) % 1000003) / 1000003.0 AS u, (hash(i + 11) % 1000003) / 1000003.0 AS v,
            hash(i + 23) % 100 AS w, hash(i + 31) % 1000 AS x
        FROM range({{count}}) numbers(i)
    ), met AS (
        SELECT *, floor(u * u * u * {CLIENTS})::BIGINT AS c, x < 400 AS refused, x >= 400 AND w < 50 AS milter,
            floor(if(w < 60, u * u * u, v * v * v) * {DOMAINS})::BIGINT AS d, w < 67 AS heard
        FROM drawn
    )
    SELECT 'log' AS source, i * 200 AS "offset",
        TIMESTAMPTZ '2026-10-01 00:00:00+00' + INTERVAL (i // 4) SECOND AS time, 'mx1' AS host,
        'postfix' AS syslog_name, 'smtpd' AS program, 1000 + hash(i) % 500 AS pid, 's' || i AS session,
        'm' || (i // 2) AS message, 'Q' || i AS queue_id, 'RCPT' AS stage,
        CASE w WHEN 99 THEN 'authenticated' WHEN 98 THEN 'own network' ELSE 'outside' END AS origin,
        if(c % 4 = 0 OR (c % 40 = 1 AND x % 10 = 3), 'unknown', {_NAME}) AS client_name,
        if(c % 8 = 0, 'unknown', {_NAME}) AS reverse_client_name,
        if(c % 12 = 5, '2001:db8:' || printf('%x', (c >> 8) + 1) || '::' || printf('%x', (c & 255) + 1),
            (11 + (c >> 16)) || '.' || ((c >> 8) & 255) || '.' || (c & 255) || '.7') AS client_address,
        CASE WHEN c % 8 = 0 THEN 'no_reverse' WHEN c % 4 = 0 OR (c % 40 = 1 AND x % 10 = 3) THEN 'no_forward'
            ELSE 'named' END AS client_status,
        w = 98 AS in_mynetworks, w = 99 AS authenticated, if(heard, x <> 999, NULL) AS helo_sent,
        if(heard AND x <> 999, CASE WHEN c % 7 = 0 THEN 'PC' || c
            WHEN c % 11 = 0 THEN '[10.0.0.' || (c % 200) || ']' ELSE {_NAME} END,
            NULL) AS helo_name,
        if(heard AND x <> 999, CASE WHEN c % 7 = 0 THEN 'single' WHEN c % 11 = 0 THEN 'literal' ELSE 'fqdn' END,
            NULL) AS helo_syntax,
        if(heard, if(w < 20, 'inferred', 'logged'), NULL) AS helo_basis,
        CASE WHEN x % 20 = 0 THEN '' WHEN x % 5 = 1 THEN 'bounce-' || i ELSE 'user' || (x % 40) END
            || if(x % 20 = 0, '', '@dom' || d || '.example') AS sender,
        if(x % 20 = 0, '', 'dom' || d || '.example') AS sender_domain, if(refused, 'logged', 'derived') AS sender_basis,
        CASE WHEN x % 20 = 0 THEN 'null' WHEN x % 100 = 3 THEN 'own' ELSE 'domain' END AS sender_kind,
        if(x % 30 = 7, 'guess' || (hash(i + 41) % 1000000), 'user' || floor(v * v * 20000)::BIGINT)
            || '@ourdom.example' AS recipient,
        CASE WHEN x < 150 THEN 'defer' WHEN refused THEN 'reject' ELSE 'accept' END AS action,
        CASE WHEN x < 150 THEN '450' WHEN x < 300 THEN '550' WHEN refused THEN '554' END AS reply,
        CASE WHEN x < 150 THEN 'Client host rejected: cannot find your hostname'
            WHEN x < 300 THEN 'Recipient address rejected: User unknown in local recipient table'
            WHEN refused THEN 'Service unavailable; Client host blocked using zen.spamhaus.org' END AS text,
        CASE WHEN x < 150 THEN 'reject_unknown_client_hostname' WHEN x < 300 THEN 'reject_unlisted_recipient'
            WHEN refused THEN 'reject_rbl_client' END AS restriction,
        if(x BETWEEN 300 AND 399, 'zen.spamhaus.org', NULL) AS list,
        if(x = 777, ';reject_non_fqdn_helo_hostname 504 5.5.2;', NULL) AS warned,
        if(milter, CASE WHEN x % 7 = 0 THEN 'fail' WHEN x % 7 < 5 THEN 'pass' ELSE 'none' END, NULL) AS spf,
        if(milter, CASE WHEN x % 19 = 0 THEN 'fail' WHEN x % 19 < 12 THEN 'pass' ELSE 'none' END, NULL) AS dmarc,
        if(milter, 'dom' || d || '.example', NULL) AS dmarc_domain, if(x % 50 = 9, true, NULL) AS pipelined,
        if(x % 50 <= 11, x % 50 = 11, NULL) AS pregreet, if(x % 70 = 9, true, NULL) AS dnsbl_hit,
        if(x >= 150 AND NOT (x BETWEEN 300 AND 399), true, NULL) AS recipient_ours, NULL::BOOLEAN AS helo_found,
        NULL::BOOLEAN AS sender_domain_found, NULL::VARCHAR AS greylist_answer, NULL::BOOLEAN AS not_logged
    FROM met
) TO '{{path}}' (FORMAT parquet)
"""

Run = dict[str, float]


def _recorded(*, spf: bool) -> Responses:
    """Answers about the clients and domains that come most often: of blocklists, PTR records, addresses, MX and SPF."""
    asked_at = datetime(2026, 10, 20, tzinfo=UTC)
    found: list[Response] = []

    def say(name: str, kind: str, value: str) -> None:
        found.append(Response(name, kind, "found" if value else "no_such_name", (value,) if value else (), asked_at))

    for zone in _LISTS:
        say(f"2.0.0.127.{zone}", "A", "127.0.0.2")
        say(f"1.0.0.127.{zone}", "A", "")
    say("dbltest.com.dbl.spamhaus.org", "A", "127.0.1.2")
    say("invalid.dbl.spamhaus.org", "A", "")
    for number in range(RECORDED):
        name, domain = f"mail{number}.host{number % 977}.example", f"dom{number}.example"
        if number % 12 != 5:
            front = f"7.{number & 255}.{number >> 8 & 255}.{11 + (number >> 16)}"
            for zone in _LISTS:
                say(f"{front}.{zone}", "A", "127.0.0.2" if number % 9 == 0 else "")
            say(f"{front}.in-addr.arpa", "PTR", "" if number % 8 == 0 else name)
        say(name, "A", "192.0.2.1")
        say(question("dbl.spamhaus.org", name), "A", "127.0.1.2" if number % 50 == 0 else "")
        say(question("dbl.spamhaus.org", domain), "A", "127.0.1.2" if number % 20 == 0 else "")
        for kind, value in (("MX", "10 mx.example"), ("A", "192.0.2.1"), ("AAAA", "2001:db8::1")):
            say(domain, kind, value if number % 7 else "")
        if spf:
            networks = f"ip4:{11 + number % 5}.0.0.0/9 include:_spf{number % 50}.example mx ~all"
            say(domain, "TXT", f"v=spf1 {networks if number % 3 else '-all'}" if number % 7 else "")
            say(name, "TXT", "")
    for number in range(50 if spf else 0):
        say(f"_spf{number}.example", "TXT", f"v=spf1 ip4:11.{number}.0.0/16 ip4:12.{number}.0.0/16 -all")
    for kind, value in (("A", "192.0.2.9"), ("AAAA", "2001:db8::9")):
        say("mx.example", kind, value)
    return Responses(found)


def _columns() -> list[str]:
    """The columns that the restrictions use, and those that outcome() counts by."""
    asked = asked_for(parse_list(SPELLED))
    told = {name for one in asked for name in one.restriction.of}
    return sorted({"origin", "action"} | reads(asked) | told)


def _query(kind: str, path: Path) -> str:
    """What DuckDB is asked of the same columns."""
    relation = duckdb.read_parquet(str(path))
    types = dict(zip(relation.columns, map(str, relation.types), strict=True))
    values = []
    for name in _columns():
        empty = "false" if types[name] == "BOOLEAN" else "''"
        each = {"scan": f"count(nullif({name}, {empty}))", "count distinct": f"count(DISTINCT {name})"}
        values.append(each.get(kind, f"count({name})"))
    return f"SELECT {', '.join(values)} FROM '{path}'"


def _measured(kind: str, path: Path) -> Run:
    """Do one of KINDS in this process: CPU and wall seconds, and the MB of memory at the most."""
    engine = duckdb.connect()
    dns = _recorded(spf=kind == "with SPF") if kind in _LOOKED_UP else Responses()
    query = _query(kind, path) if kind not in ("log only", *_LOOKED_UP) else ""
    wall, cpu = time.perf_counter(), time.process_time()
    if query:
        engine.execute(query).fetchall()
    else:
        outcome(simulate(SPELLED, engine.read_parquet(str(path)), dns=dns))
    found = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
    return {**found, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6}


def _run(kind: str, path: Path) -> Run:
    """One of KINDS in a process of its own."""
    command = (sys.executable, "-m", "benchmarks.simulate", "--one", kind, "--path", str(path))
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: Run = json.loads(done.stdout)
    return found


def _spread(found: list[float]) -> str:
    return f"{median(found):.2f} ({min(found):.2f} to {max(found):.2f})"


def _report(runs: dict[str, list[Run]]) -> Iterator[str]:
    yield "| | CPU s | wall s | peak MB | CPU, x scan | CPU, x count | CPU, x count distinct |"
    yield "|---|---|---|---|---|---|---|"
    for kind, found in runs.items():
        cells = [f"{median(run[name] for run in found):.{digits}f}" for name, digits in (("cpu", 2), ("wall", 2))]
        cells.append(f"{max(run['peak'] for run in found):.0f}")
        cells += [_spread(_ratios(runs, kind, other)) for other in ("scan", "count", "count distinct")]
        yield f"| {kind} | {' | '.join(cells)} |"


def _ratios(runs: dict[str, list[Run]], kind: str, other: str) -> list[float]:
    return [one["cpu"] / max(two["cpu"], 1e-3) for one, two in zip(runs[kind], runs[other], strict=True)]


def _gates(runs: dict[str, list[Run]]) -> Iterator[tuple[str, bool]]:
    for kind in ("log only", "looked up"):
        ratio = median(_ratios(runs, kind, "scan"))
        yield f"{kind}: at most {RATIO:g} x scan in CPU: {ratio:.2f}", ratio <= RATIO
        peak = max(run["peak"] for run in runs[kind])
        yield f"{kind}: under {PEAK:,} MB: {peak:.0f}", peak < PEAK


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m benchmarks.simulate")
    options.add_argument("--attempts", type=int, default=10_000_000)
    options.add_argument("--pairs", type=int, default=3, help="turns (3)")
    options.add_argument("--one", choices=KINDS, help=argparse.SUPPRESS)
    options.add_argument("--path", type=Path, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.one:
        print(json.dumps(_measured(given.one, given.path)))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "attempts.parquet"
        duckdb.sql(_MADE.format(count=given.attempts, path=path))
        runs: dict[str, list[Run]] = {kind: [] for kind in KINDS}
        for pair in range(given.pairs):
            for kind in KINDS if pair % 2 == 0 else reversed(KINDS):
                runs[kind].append(_run(kind, path))
    print(
        f"{datetime.now(UTC):%Y-%m-%d}, DuckDB {version('duckdb')}, {given.attempts:,} attempts, "
        f"{len(SPELLED.split(', '))} restrictions, {len(_columns())} columns; medians of {given.pairs} turns\n"
    )
    print("\n".join(_report(runs)))
    gates = list(_gates(runs))
    print()
    for name, kept in gates:
        print(f"{'kept' if kept else 'FAILED'}: {name}")
    return 0 if all(kept for _, kept in gates) else 1


if __name__ == "__main__":
    sys.exit(main())
