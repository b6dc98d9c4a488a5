"""Hold sequels against generated months: a restriction is switched on after 13 days, and nothing else changes.

    python -m benchmarks.sequel [SEEDS [SIZE...]] [--first N]

A row is one size. `cases` are restrictions switched on in months, one at a time, in the attempts themselves: from the
fourteenth day on what it turns away is refused, and of that nothing is known that only accepted mail shows. `all` and
`hurt` are the cases in which as many clients and as many wanted ones were refused as foreseen, `week` those in which
the share of wanted clients in the first week was, `of` as many as told of one. Nothing changed otherwise, so 95 of 100
should hold.
"""

import argparse
import time
from collections import Counter
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from advisor.aftermath import sequels
from advisor.recommendation import Terms
from advisor.restriction import REFUSES, Asked
from advisor.sequel import Sequel
from benchmarks.decision import answered, asked
from tests.month import Month, write

SWITCHED = 13
"""Days before a restriction is switched on; a week is left of the days that `answered` knows."""
CONTENTS = frozenset({"filter_clean", "filter_spam", "content_clean", "content_spam", "junk", "virus", "regular"})
"""What is known of accepted mail alone."""


def switched(frame: pa.Table, one: Asked, number: int) -> pa.Table:
    """The attempts as they would have been, had restriction `number` been switched on."""
    since = pc.min(frame["time"]).as_py().timestamp() * 1_000_000 + SWITCHED * 86_400_000_000
    late = frame["time"].cast(pa.int64()).to_numpy() >= since
    turned = pc.fill_null(pc.is_in(frame[f"answer_{number}"], pa.array(sorted(REFUSES))), fill_value=False).to_numpy()
    refused = late & turned & pc.equal(frame["action"], "accept").to_numpy()
    values = {"action": "reject", "restriction": one.restriction.name, "list": one.argument.partition("=")[0] or None}
    for name, value in values.items():
        at = frame.schema.get_field_index(name)
        put = pc.if_else(pa.array(refused), pa.scalar(value, pa.string()), frame[name])
        frame = frame.set_column(at, name, put)
    reasons = [_without(each) if hit else each for each, hit in zip(frame["reasons"].to_pylist(), refused, strict=True)]
    return frame.set_column(frame.schema.get_field_index("reasons"), "reasons", pa.array(reasons, pa.string()))


def _without(reasons: str) -> str:
    left = [name for name in reasons.split(";") if name and name not in CONTENTS]
    return f";{';'.join(left)};" if left else ""


def found(month: Month) -> Iterator[Sequel]:
    """The sequels of all restrictions, each switched on by itself."""
    frame, known = answered(month), asked()
    for number, one in enumerate(known):
        yield from (each for each in sequels(switched(frame, one, number), known, Terms()) if each.name == one.column)


def measure(seeds: int, size: int, first: int = 0) -> Counter[str]:
    """How often what was foreseen came."""
    counts: Counter[str] = Counter()
    for seed in range(first, first + seeds):
        for one in found(write(seed, size)):
            week = one.first_week
            counts += Counter(
                cases=1, all=one.turned.agrees, hurt=one.hurt.agrees, weeks=week is not None,
                week=week is not None and week.agrees,
            )  # fmt: skip
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seeds", type=int, nargs="?", default=10)
    parser.add_argument("sizes", type=int, nargs="*", default=[150, 400])
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    print("size  cases   all  hurt  week  of  seconds")
    for size in options.sizes:
        start = time.monotonic()
        counts = measure(options.seeds, size, options.first)
        print(
            f"{size:4}  {counts['cases']:5}  {counts['all']:4}  {counts['hurt']:4}  {counts['week']:4}  "
            f"{counts['weeks']:2}  {time.monotonic() - start:7.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
