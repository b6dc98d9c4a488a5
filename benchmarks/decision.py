"""Hold decisions against what is known of generated months: advice of three weeks, truth of the fourth.

    python -m benchmarks.decision [SEEDS [SIZE...]]

A row is one size. `before` and `after` are the cases in which `next_week` held the week's true share of wanted
clients turned away (without and with the allowlist), `width` the median width of `after` in points, `right` and
`covered` the allowlist's precision and the share of the wanted mail lost next week, by clients known before, that it
lets in, `plan` what the enforced changes stop of what the best set under the same limit would.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date
from itertools import combinations
from pathlib import Path
from statistics import median

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from advisor import attempt, evidence
from advisor.decision import Decision, decide
from advisor.history import parse_files
from advisor.recommendation import ENFORCE, Terms
from advisor.restriction import ask
from advisor.restrictions import CATALOGUE
from advisor.simulation import answers
from tests.month import DAYS, LEARNT, Month, seen, write
from tests.month.client import Client
from tests.month.log import OURS

TURNS_AWAY: dict[str, Callable[[Client], bool]] = {
    "reject_unknown_reverse_client_hostname": lambda client: not client.name,
    "reject_non_fqdn_helo_hostname": lambda client: "." not in client.helo,
}
"""What is true of the generated clients; what the log shows of it the advisor has to find out."""


@dataclass
class Score:
    """What became of the decisions on all months of one size."""

    cases: int = 0
    before: int = 0
    after: int = 0
    widths: list[float] = field(default_factory=list)
    decided: list[int] = field(default_factory=list)
    allowed: list[int] = field(default_factory=lambda: [0, 0])
    covered: list[int] = field(default_factory=lambda: [0, 0])
    plan: list[int] = field(default_factory=lambda: [0, 0])


def decisions(month: Month, terms: Terms) -> dict[str, Decision]:
    """What the advisor decides after the days that it learns from."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "maillog"
        log.write_text(month.text(0, LEARNT), encoding="utf-8")
        events = parse_files([log], year=2026, zone=UTC, today=date(2026, 11, 1)).events
    weighed = evidence.weigh(attempt.attempts(events, domains=[OURS]), events, [OURS])
    asked = [ask(CATALOGUE[name], {}) for name in TURNS_AWAY]
    with duckdb.connect() as engine:
        engine.register("outside", weighed.filter(pc.field("origin") == "outside"))
        frame: pa.Table = answers(engine.table("outside"), asked).to_arrow_table()
    return {found.name: found for found in decide(frame, asked, terms)}


def hold(month: Month, found: dict[str, Decision], score: Score, terms: Terms) -> None:
    """Compare decisions with the week that followed."""
    week, known = seen(month, LEARNT, DAYS), seen(month, 0, LEARNT)
    wanted = {address for address, client in week.items() if client.wanted}
    stops: dict[str, set[str]] = {}
    lost: dict[str, set[str]] = {}
    for name, decision in found.items():
        turned = {address for address, client in week.items() if TURNS_AWAY[name](client)}
        hurt = turned & wanted
        stops[name], lost[name] = turned - wanted, hurt - decision.hurt
        score.cases += 1
        low, high = decision.before.next_week or (0.0, 1.0)
        score.before += low <= len(hurt) / len(wanted) <= high
        low, high = decision.after.next_week or (0.0, 1.0)
        score.after += low <= len(lost[name]) / len(wanted) <= high
        score.widths.append(100 * (high - low))
        score.decided.append(decision.before.wanted)
        score.allowed[0] += sum(month.clients[address].wanted for address in decision.hurt)
        score.allowed[1] += len(decision.hurt)
        mail = [address for day, address in month.visits if day >= LEARNT and address in hurt & known.keys()]
        score.covered[0] += sum(address in decision.hurt for address in mail)
        score.covered[1] += len(mail)
    best = 0
    for size in range(len(stops) + 1):
        for names in combinations(stops, size):
            harm = len(set().union(*(lost[name] for name in names)))
            if harm <= terms.max_harm * len(wanted):
                best = max(best, len(set().union(*(stops[name] for name in names))))
    chosen = [name for name, decision in found.items() if decision.verdict == ENFORCE]
    score.plan[0] += len(set().union(*(stops[name] for name in chosen)))
    score.plan[1] += best


def measure(seeds: int, size: int, terms: Terms) -> Score:
    """All months of one size."""
    score = Score()
    for seed in range(seeds):
        month = write(seed, size)
        hold(month, decisions(month, terms), score, terms)
    return score


def main() -> None:
    """Print the table."""
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    sizes = [int(text) for text in sys.argv[2:]] or [150, 400, 800]
    print("size  decided  cases  before   after  width       right     covered           plan  seconds")
    for size in sizes:
        start = time.monotonic()
        found = measure(seeds, size, Terms())
        pairs = [f"{one}/{of}" for one, of in (found.allowed, found.covered, found.plan)]
        print(
            f"{size:4}  {median(found.decided):7.0f}  {found.cases:5}  {found.before:6}  {found.after:6}  "
            f"{median(found.widths):5.1f}  {pairs[0]:>10}  {pairs[1]:>10}  {pairs[2]:>13}  "
            f"{time.monotonic() - start:7.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
