"""How fast past attempts are answered as postgrey would: attempts a second on one core.

`python -m benchmarks.greylist [--attempts 1000000] [--turns 5]`. Beside it, in the same run and in turns, a loop that
does nothing but look up each triplet in a dict and remember when it was seen. Exits with 1 when a limit is passed.
"""

import argparse
import random
import resource
import statistics
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa

from advisor.greylist import replay
from advisor.postgrey import Options, whitelists

RATE = 300_000
"""Attempts a second and core, at least."""
RATIO = 3.0
"""CPU time of the bare loop, at most so many times."""

_START = 1_790_000_000
_SECONDS = 30 * 86_400
_DEBIAN = Path("/etc/postgrey/whitelist_clients")
_RECIPIENTS = b"postmaster@\nabuse@\n/^list-.*@/\nfree.ourdom.test\n"


def _made(count: int, seed: int = 1) -> pa.Table:
    """Attempts of 30 days, two of five of them retries; a tenth of the clients make nearly half of them."""
    numbers = np.random.default_rng(seed)
    chance = random.Random(seed)
    hosts = max(count // 10, 1)
    addresses = [
        f"2001:db8:{number >> 8:x}::{number & 255:x}"
        if number % 12 == 0
        else f"{11 + (number >> 18)}.{number >> 10 & 255}.{number >> 2 & 255}.{(number & 3) * 60 + 1}"
        for number in range(hosts)
    ]
    names = ["unknown" if n % 3 == 0 else f"mail{n % 9}.host{n}.example" for n in range(hosts)]
    client = (hosts * numbers.random(count) ** 3).astype(np.int64)
    senders = [
        f"{chance.choice(('Info', 'news', 'bounce'))}-{n}@host{n % hosts}.example" for n in range(count // 4 + 1)
    ]
    # Part of the senders belong to their client, as most do; the others are VERP addresses that change with each mail.
    sender = np.where(numbers.random(count) < 0.6, client, numbers.integers(0, len(senders), count))
    recipients = [f"user{n}@ourdom.test" for n in range(max(count // 200, 1))]
    recipient = (len(recipients) * numbers.random(count) ** 2).astype(np.int64)
    moments = numbers.integers(_START, _START + _SECONDS, count)
    # Two of five are somebody's second try, ten minutes later on the average.
    again, first = numbers.permutation(count)[: count * 2 // 5], numbers.integers(0, count, count * 2 // 5)
    for column in (client, sender, recipient):
        column[again] = column[first]
    moments[again] = moments[first] + numbers.exponential(600, len(again)).astype(np.int64)
    order = np.argsort(moments, kind="stable")
    client, sender, recipient = client[order], sender[order], recipient[order]
    return pa.table(
        {
            "time": pa.array(moments[order] * 1_000_000, pa.timestamp("us", "UTC")),
            "client_address": pa.array(addresses).take(pa.array(client)),
            "client_name": pa.array(names).take(pa.array(client)),
            "sender": pa.array(senders).take(pa.array(sender)),
            "recipient": pa.array(recipients).take(pa.array(recipient)),
        }
    )


def _bare(attempts: pa.Table) -> int:
    """The least that a greylist in Python does: remember when each triplet was first and last seen."""
    seen: dict[tuple[str, str, str], tuple[int, int]] = {}
    passed = 0
    times = attempts["time"].cast(pa.int64()).to_pylist()
    columns = (attempts[name].to_pylist() for name in ("client_address", "sender", "recipient"))
    for now, *triplet in zip(times, *columns, strict=True):
        key = triplet[0], triplet[1], triplet[2]
        first, _ = seen.get(key, (now, now))
        seen[key] = first, now
        passed += now - first >= 300_000_000
    return passed


def _content(name: str) -> bytes | None:
    if name == "recipients":
        return _RECIPIENTS
    return _DEBIAN.read_bytes() if _DEBIAN.exists() else None


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--attempts", type=int, default=1_000_000)
    options.add_argument("--turns", type=int, default=5)
    given = options.parse_args()
    attempts = _made(given.attempts)
    asked = Options(client_files=(str(_DEBIAN),), recipient_files=("recipients",))
    lists = whitelists(asked, _content)
    if lists.missing:
        print("without Debian's list of clients (postgrey is not installed)")
    ours, bare = [], []
    for _ in range(given.turns):
        start = time.process_time()
        answers = replay(attempts, asked, lists)
        middle = time.process_time()
        _bare(attempts)
        ours.append(middle - start)
        bare.append(time.process_time() - middle)
    words = Counter((text or "").partition(" (")[0] for text in answers["reason"].to_pylist())
    ratio = statistics.median(one / other for one, other in zip(ours, bare, strict=True))
    rate = given.attempts / statistics.median(ours)
    print(f"{given.attempts:,} attempts; CPU seconds, median of {given.turns} turns")
    print("  " + ", ".join(f"{word} {number:,}" for word, number in words.most_common()))
    for name, seconds in (("replay", ours), ("a bare dict", bare)):
        each = 1_000_000 * statistics.median(seconds) / given.attempts
        spread = f"{min(seconds):.2f} to {max(seconds):.2f}"
        print(f"  {name:12}{statistics.median(seconds):8.2f} s  ({spread})  {each:6.2f} us an attempt")
    print(f"  {rate:,.0f} attempts a second; {ratio:.2f} times the bare dict")
    print(f"  peak memory of this process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")
    limits = ((rate < RATE, f"under {RATE:,} attempts a second"), (ratio > RATIO, f"over {RATIO} times the bare dict"))
    failed = [words for passed, words in limits if passed]
    for text in failed:
        print(f"limit passed: {text}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
