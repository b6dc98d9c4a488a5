"""`advisor follow`."""

from pathlib import Path
from typing import Annotated

import typer

from advisor.invocation import say
from advisor.option import Budget, Lists, Rate, Resolver, Year, Zone


def follow(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The log that syslog writes to.")],
    store: Annotated[Path | None, typer.Option(metavar="DIR", help="The store; made if it is not there.")] = None,
    year: Year = None,
    zone: Zone = None,
    looking: Annotated[bool, typer.Option("--lookup", help="Look up who appears, as `advisor lookup` does.")] = False,
    resolver: Resolver = None,
    lists: Lists = None,
    rate: Rate = 10,
    budget: Budget = 5_000,
) -> None:
    """Keep adding a log to the store while it grows; finds it again when it is rotated."""
    from advisor.intake import default_store, zone_named
    from advisor.intake import follow as keep_adding

    beside = None
    if looking:
        from advisor.plan import plan
        from advisor.watch import Watch

        planned = plan(resolver, lists, rate, budget, stale="24h")
        beside = Watch(store or default_store(), planned, say)
    when = zone_named(zone) if zone else None
    keep_adding(file, store=store, year=year, zone=when, say=say, beside=beside)
