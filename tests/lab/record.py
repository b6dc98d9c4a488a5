"""A record: what the lab's DNS says to all that a log raises, asked by `advisor lookup` itself."""

from functools import cache
from pathlib import Path

import pyarrow as pa

from advisor import archive
from advisor.plan import plan
from advisor.question import Question
from advisor.response import Responses

LISTS = tuple(
    f"{name}.test"
    for name in (
        *("zen.dnsbl", "bl.dnsbl", "dead.dnsbl", "gone.dnsbl", "blocked.dnsbl", "everybody.dnsbl", "parked.dnsbl"),
        *("list.dnswl", "dbl.rhsbl"),
    )
)


@cache
def attempts(log: Path) -> pa.Table:
    """The attempts of a lab log, read with the main.cf beside it."""
    return Question((log,), config=log.with_suffix(".main.cf")).attempts


def record(log: Path) -> None:
    """Ask the name server of this namespace; the answers are kept beside the log."""
    question = Question((log,), config=log.with_suffix(".main.cf"))
    question.lookup(plan("127.0.0.1", LISTS, rate=0, budget=0), log.with_suffix(".store"))


@cache
def recorded(log: Path) -> Responses:
    """What was recorded about a log."""
    return archive.read(log.with_suffix(".store"))
