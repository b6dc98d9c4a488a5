"""Hold the allowlist against what is known of generated months: made of three weeks, needed in the fourth.

    python -m benchmarks.allowlist [SEEDS [SIZE...]] [--first N] [--kinds]

The map is client_access, made by `advisor.clearance` as the command makes it, for all restrictions of
`benchmarks.decision` that look at the client, the HELO or the sender, and for its lists of addresses. `right` are the
clients held by an entry that are wanted, of all that are held; `covered` the wanted messages of the week after, by
clients known before, that a restriction would turn away and an entry lets in, of all of them. `--kinds` shows which
kinds of clients are held wrongly, and of which the mail is lost.
"""

import argparse
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from pathlib import Path

from advisor.clearance import clear
from advisor.question import Question
from benchmarks.decision import TURNS_AWAY
from tests.month import DAYS, LEARNT, Month, write
from tests.month.log import OURS

ASKED = ", ".join(name for name in TURNS_AWAY if "rhsbl" not in name)


@dataclass
class Score:
    """Counts over all months of one size."""

    right: int = 0
    held: int = 0
    covered: int = 0
    lost: int = 0
    wrong: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)


def hold(month: Month, score: Score) -> None:
    """Make the map of the days to learn from, and hold it against the week after."""
    with tempfile.TemporaryDirectory() as folder:
        log, main_cf = Path(folder) / "maillog", Path(folder) / "main.cf"
        log.write_text(month.text(0, LEARNT), encoding="utf-8")
        main_cf.write_text(f"mydestination = {OURS}\n", encoding="utf-8")
        question = Question([log], config=main_cf, year=2026, zone=UTC, now=datetime(2026, 11, 1, tzinfo=UTC))
        # What was recorded stands in a store of its own; here it is at hand.
        question.__dict__["responses"] = month.responses
        keys = [entry.key for entry in clear(question, "client_access", ASKED).entries]
    known = {visit.address for visit in month.some(0, LEARNT)}
    held = {address for address in known if any(_holds(key, month.clients[address].name, address) for key in keys)}
    for address in held:
        score.held += 1
        score.right += month.clients[address].wanted
        if not month.clients[address].wanted:
            score.wrong[month.clients[address].kind] += 1
    for visit in month.some(LEARNT, DAYS):
        client = month.clients[visit.address]
        turned = any(turns(client, visit) for name, turns in TURNS_AWAY.items() if "rhsbl" not in name)
        if visit.wanted and turned and visit.address in known:
            score.lost += 1
            score.covered += visit.address in held
            if visit.address not in held:
                score.missing[client.kind] += 1


def _holds(key: str, name: str, address: str) -> bool:
    """As access(5) looks a client up: an address, a network, a name or the domain above it."""
    if key == address or (name and (name == key or name.endswith(f".{key}"))):
        return True
    return "/" in key and ip_address(address) in ip_network(key)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="the allowlist held against generated months")
    parser.add_argument("seeds", type=int, nargs="?", default=4)
    parser.add_argument("sizes", type=int, nargs="*", default=[400, 1500])
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--kinds", action="store_true", help="whom it holds wrongly, and whom not")
    options = parser.parse_args()
    print("size        right      covered  seconds")
    for size in options.sizes:
        score, start = Score(), time.monotonic()
        for seed in range(options.first, options.first + options.seeds):
            hold(write(seed, size), score)
        print(
            f"{size:4}  {f'{score.right}/{score.held}':>11}  {f'{score.covered}/{score.lost}':>11}  "
            f"{time.monotonic() - start:7.0f}",
            flush=True,
        )
        if options.kinds:
            print("held wrongly:", dict(score.wrong), "lost:", dict(score.missing))


if __name__ == "__main__":
    main()
