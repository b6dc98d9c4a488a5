"""A plan: what a lookup asks of whom, how often, and how old an answer may be."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from advisor import blocklist
from advisor.errors import AdvisorError
from advisor.period import AGO, moment
from advisor.quota import BUDGET, RATE, Limits
from advisor.resolver import Patience, Server

STALE = "7d"
"""How old an answer may become before the question is asked again."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ENDINGS = frozenset({"gz", "bz2", "xz", "zst", "log", "json", "txt", "journal", "parquet"})
"""How the names of logs end, and no domain does."""


@dataclass(frozen=True)
class Plan:
    """What is asked, and how: the lists (zones), the limits, how old an answer may be, and the seed of the sample.

    `servers` are asked; without any, those that the machine's own resolv.conf names.
    """

    servers: tuple[Server, ...] = ()
    lists: tuple[str, ...] = tuple(found.zone for found in blocklist.DEFAULTS)
    limits: Limits = field(default_factory=Limits)
    stale: timedelta = timedelta(days=7)
    seed: int = 0
    patience: Patience = field(default_factory=Patience)


def plan(  # noqa: PLR0913, PLR0917 - the options of the command
    resolver: str | None = None,
    lists: Sequence[str] | None = None,
    rate: float = RATE,
    budget: int = BUDGET,
    stale: str = STALE,
    seed: int = 0,
) -> Plan:
    """Make a plan of the command's options, in the user's own words; AdvisorError for what cannot be meant."""
    for number, option in ((rate, "--rate"), (budget, "--budget")):
        if not 0 <= number < 1e9:
            raise AdvisorError(option, f"{number} is no limit", "write a number; 0 for none")
    for text in lists or ():
        if blocklist.domain(blocklist.split(text)[0]) is None:
            raise AdvisorError("--list", f"'{text}' is no list", "write a zone such as zen.spamhaus.org")
    if not AGO.match(stale):
        raise AdvisorError("--stale", f"'{stale}' is no age", "write 12h, 7d or 2w")
    age = _EPOCH - moment(stale, "--stale", _EPOCH, UTC)
    servers = (Server.named(resolver),) if resolver else ()
    chosen = tuple(lists) if lists else Plan.lists
    return Plan(servers, chosen, Limits(rate, budget), age, seed)


def asked_about(what: Sequence[str | Path]) -> str | None:
    """The one name or address that is asked about; None where logs are meant: a file is what is there."""
    if len(what) != 1 or not isinstance(what[0], str) or Path(what[0]).exists():
        return None
    name = what[0]
    if blocklist.names(name) == blocklist.ADDRESSES:
        return name
    domain = blocklist.domain(name) if "@" not in name else None
    wanted = domain is not None and "." in domain and domain.rpartition(".")[2] not in _ENDINGS
    return domain if wanted else None
