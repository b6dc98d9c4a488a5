"""Hold decisions against what is known of generated months: advice of three weeks, truth of the fourth.

    python -m benchmarks.decision [SEEDS [SIZE...]] [--first N] [--kinds]

The rules were tuned on the seeds from 0 to 19, so measure on others: `--first 100`. A row is one size. `before` and
`after` are the cases (restrictions) in which `next_week` held the week's true share of wanted clients turned away,
without and with the allowlist; `width` the median width of `after` in points, and `gate` the same of the cases with
2,000 decided wanted clients or more of which less than 1 % are undecided, with their number. `right` and `covered` are
the allowlist's precision and the share of the wanted mail lost next week, by clients known before, that it lets in.
`plan` is what the enforced changes stop of what the best set under the same limit would (all sets are tried), `harm`
the wanted clients that they turned away next week and `over` the months in which that was more than the limit.

`--kinds` shows for each kind of client what the evidence makes of its messages, and of the clients that restrictions
turn away, each counted once for each restriction: rightly, wrongly, undecided.
"""

import argparse
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date
from functools import partial
from pathlib import Path
from statistics import median

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from advisor import attempt, evidence
from advisor.decision import Decision, decide
from advisor.history import parse_files
from advisor.recommendation import ENFORCE, Estimate, Terms
from advisor.restriction import Asked, ask
from advisor.restrictions import CATALOGUE
from advisor.simulation import answers
from tests.month import DAYS, LEARNT, Month, Visit, write
from tests.month.client import FQDN, INVALID, SINGLE, Client
from tests.month.listing import DOMAINS, ZONES
from tests.month.log import OURS

GATE, SURE = 2_000, 0.01
"""So many decided wanted clients, and less than that share undecided beside them: there the width is promised."""


def _listed(zone: str, client: Client, visit: Visit) -> bool:
    return client.listed(zone, visit.day)


TURNS_AWAY: dict[str, Callable[[Client, Visit], bool]] = {
    "reject_unknown_reverse_client_hostname": lambda client, _: not client.name,
    "reject_unknown_client_hostname": lambda client, _: client.resolved == "unknown",
    "reject_non_fqdn_helo_hostname": lambda client, _: client.helo.form in (SINGLE, INVALID),
    "reject_invalid_helo_hostname": lambda client, _: client.helo.form == INVALID,
    "reject_unknown_helo_hostname": lambda client, _: (
        client.helo.form in (FQDN, SINGLE, INVALID) and not client.helo.found
    ),
    "reject_unknown_sender_domain": lambda _, visit: not visit.sender.found,
    f"reject_rhsbl_sender {DOMAINS}": lambda _, visit: visit.sender.listed,
    **{f"reject_rbl_client {zone.name}": partial(_listed, zone.name) for zone in ZONES},
}
"""What is true of the generated visits; what the log shows of it the advisor has to find out."""


@dataclass
class Kinds:
    """By kind of client: messages by what the evidence says of them, and turned-away clients by what was decided."""

    messages: dict[str, Counter[bool | None]] = field(default_factory=lambda: defaultdict(Counter))
    turned: dict[str, Counter[bool | None]] = field(default_factory=lambda: defaultdict(Counter))


@dataclass
class Score:
    """What became of the decisions on all months of one size."""

    cases: int = 0
    before: int = 0
    after: int = 0
    widths: list[float] = field(default_factory=list)
    gate: list[float] = field(default_factory=list)
    decided: list[int] = field(default_factory=list)
    allowed: list[int] = field(default_factory=lambda: [0, 0])
    covered: list[int] = field(default_factory=lambda: [0, 0])
    plan: list[int] = field(default_factory=lambda: [0, 0])
    harm: list[int] = field(default_factory=lambda: [0, 0])
    over: int = 0
    missed: list[str] = field(default_factory=list)
    """The cases in which the truth lay outside, in words."""
    kinds: Kinds = field(default_factory=Kinds)


def asked() -> list[Asked]:
    """The restrictions decided on."""
    return [ask(CATALOGUE[name], {}, argument) for name, _, argument in (each.partition(" ") for each in TURNS_AWAY)]


def answered(month: Month) -> pa.Table:
    """The attempts from outside of the days to learn from, weighed, with what the restrictions answer."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "maillog"
        log.write_text(month.text(0, LEARNT), encoding="utf-8")
        events = parse_files([log], year=2026, zone=UTC, today=date(2026, 11, 1)).events
    found = attempt.attempts(events, domains=[OURS])
    weighed = evidence.weigh(found, events, [OURS], dns=month.responses)
    with duckdb.connect() as engine:
        engine.register("outside", weighed.filter(pc.field("origin") == "outside"))
        frame: pa.Table = answers(engine.table("outside"), asked(), month.responses).to_arrow_table()
        return frame


def decisions(frame: pa.Table, terms: Terms) -> dict[str, Decision]:
    """What the advisor decides by a frame of `answered`."""
    return {found.name: found for found in decide(frame, asked(), terms)}


@dataclass(frozen=True)
class Week:
    """The week after: its wanted clients, and for each restriction the unwanted and the wanted that it turns away."""

    wanted: frozenset[str]
    stops: dict[str, frozenset[str]]
    hurts: dict[str, frozenset[str]]

    @classmethod
    def of(cls, month: Month) -> "Week":
        """A client is wanted if anything that it brings is, and hurt if any of that is turned away."""
        visits = month.some(LEARNT, DAYS)
        wanted = frozenset(visit.address for visit in visits if visit.wanted)
        stops, hurts = {}, {}
        for name, turns in TURNS_AWAY.items():
            turned = [visit for visit in visits if turns(month.clients[visit.address], visit)]
            stops[name] = frozenset(visit.address for visit in turned) - wanted
            hurts[name] = frozenset(visit.address for visit in turned if visit.wanted)
        return cls(wanted, stops, hurts)


def hold(month: Month, found: dict[str, Decision], score: Score, terms: Terms) -> None:
    """Compare decisions with the week that followed."""
    week = Week.of(month)
    lost = {name: week.hurts[name] - decision.hurt for name, decision in found.items()}
    for name, decision in found.items():
        score.cases += 1
        held = _within(len(week.hurts[name]) / len(week.wanted), decision.before)
        score.before += held
        score.after += _within(len(lost[name]) / len(week.wanted), decision.after)
        low, high = decision.after.next_week or (0.0, 1.0)
        if not low <= len(lost[name]) / len(week.wanted) <= high:
            score.missed.append(f"{name}: {len(lost[name])} of {len(week.wanted)}, not {low:.4f} to {high:.4f}")
        score.widths.append(100 * (high - low))
        score.decided.append(decision.before.wanted)
        open_ = decision.before.doubtful_turned + decision.before.doubtful_passed
        if decision.before.wanted >= GATE and open_ < SURE * (decision.before.wanted + open_):
            score.gate.append(100 * (high - low))
        score.allowed[0] += sum(month.clients[address].wanted for address in decision.hurt)
        score.allowed[1] += len(decision.hurt)
    _cover(month, found, week, score)
    _plan(found, lost, week, score, terms)


def _within(share: float, estimate: Estimate) -> bool:
    low, high = estimate.next_week or (0.0, 1.0)
    return low <= share <= high


def _cover(month: Month, found: dict[str, Decision], week: Week, score: Score) -> None:
    """The mail of hurt clients that were known before, and what of it the allowlist lets in."""
    known = {visit.address for visit in month.some(0, LEARNT)}
    for name, decision in found.items():
        hurt = week.hurts[name] & known
        mail = [
            visit.address
            for visit in month.some(LEARNT, DAYS)
            if visit.wanted and visit.address in hurt and TURNS_AWAY[name](month.clients[visit.address], visit)
        ]
        score.covered[0] += sum(address in decision.hurt for address in mail)
        score.covered[1] += len(mail)


def _plan(found: dict[str, Decision], lost: dict[str, frozenset[str]], week: Week, score: Score, terms: Terms) -> None:
    """What the enforced changes stop and hurt together, and what the best set would stop."""
    numbers = {address: number for number, address in enumerate(sorted(week.wanted.union(*week.stops.values())))}
    stops, hurts = [_bits(numbers, week.stops[name]) for name in found], [_bits(numbers, lost[name]) for name in found]
    most = terms.max_harm * len(week.wanted)
    stopped, harmed = _unions(stops), _unions(hurts)
    best = max(s.bit_count() for s, h in zip(stopped, harmed, strict=True) if h.bit_count() <= most)
    chosen = sum(1 << place for place, decision in enumerate(found.values()) if decision.verdict == ENFORCE)
    harm = harmed[chosen].bit_count()
    score.plan[0] += stopped[chosen].bit_count()
    score.plan[1] += best
    score.harm[0] += harm
    score.harm[1] += len(week.wanted)
    score.over += harm > most


def _bits(numbers: dict[str, int], addresses: Iterable[str]) -> int:
    return sum(1 << numbers[address] for address in addresses)


def _unions(members: list[int]) -> list[int]:
    """The union of each set of members: that of the set without its last member, and that one."""
    unions = [0]
    for member in members:
        unions += [union | member for union in unions]
    return unions


def count(month: Month, frame: pa.Table, found: dict[str, Decision], kinds: Kinds) -> None:
    """What is made of the messages, and of the clients that restrictions turn away, by kind."""
    ways = {words: evidence.verdict(words) for words in pc.unique(frame["reasons"]).to_pylist()}
    accepted = frame.filter(pc.field("action") == "accept").select(["client_address", "reasons"]).to_pylist()
    for row in accepted:
        kinds.messages[month.clients[row["client_address"]].kind][ways[row["reasons"]]] += 1
    for decision in found.values():
        for way, addresses in ((True, decision.hurt), (False, decision.stopped), (None, decision.open)):
            for address in addresses:
                client = month.clients[address]
                kinds.turned[client.kind][None if way is None else way == client.wanted] += 1


def measure(seeds: int, size: int, terms: Terms, first: int = 0) -> Score:
    """All months of one size, the seeds counted from `first`."""
    score = Score()
    for seed in range(first, first + seeds):
        month = write(seed, size)
        frame = answered(month)
        found = decisions(frame, terms)
        hold(month, found, score, terms)
        count(month, frame, found, score.kinds)
    return score


def _row(size: int, found: Score, seconds: float) -> str:
    pairs = [f"{one}/{of}" for one, of in (found.allowed, found.covered, found.plan, found.harm)]
    gate = f"{median(found.gate):.1f} ({len(found.gate)})" if found.gate else "-"
    return (
        f"{size:4}  {median(found.decided):7.0f}  {found.cases:5}  {found.before:6}  {found.after:6}  "
        f"{median(found.widths):5.1f}  {gate:>9}  {pairs[0]:>11}  {pairs[1]:>11}  {pairs[2]:>13}  {pairs[3]:>11}  "
        f"{found.over:4}  {seconds:7.0f}"
    )


def _kinds(found: Kinds) -> None:
    print("\nkind           messages  wanted  unwanted  undecided    turned away  rightly  wrongly  undecided")
    for kind in sorted(found.messages):
        said, turned = found.messages[kind], found.turned[kind]
        print(
            f"{kind:13}  {said.total():8}  {said[True]:6}  {said[False]:8}  {said[None]:9}    {turned.total():11}  "
            f"{turned[True]:7}  {turned[False]:7}  {turned[None]:9}"
        )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="decisions held against generated months")
    parser.add_argument("seeds", type=int, nargs="?", default=20)
    parser.add_argument("sizes", type=int, nargs="*", default=[150, 400, 800])
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--kinds", action="store_true", help="what becomes of each kind of client")
    parser.add_argument("--missed", action="store_true", help="the cases in which the truth lay outside")
    options = parser.parse_args()
    print(
        "size  decided  cases  before   after  width       gate        right      covered           plan         harm  "
        "over  seconds"
    )
    for size in options.sizes:
        start = time.monotonic()
        found = measure(options.seeds, size, Terms(), options.first)
        print(_row(size, found, time.monotonic() - start), flush=True)
        if options.missed:
            print(*found.missed, sep="\n")
        if options.kinds:
            _kinds(found.kinds)


if __name__ == "__main__":
    main()
