"""`advisor ingest`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from advisor.invocation import say
from advisor.option import INGESTED, Engine, Master, Year, Zone

_PASSED_ON = "Then write the whole store there, with pseudonyms, to pass it on."


def ingest(
    files: Annotated[list[str] | None, typer.Argument(metavar="[FILE]...", help=INGESTED)] = None,
    store: Annotated[Path | None, typer.Option(metavar="DIR", help="The store; made if it is not there.")] = None,
    year: Year = None,
    zone: Zone = None,
    engine: Engine = "auto",
    master: Master = None,
    pseudonymised: Annotated[Path | None, typer.Option("--pseudonymised", metavar="DIR", help=_PASSED_ON)] = None,
) -> None:
    """Add logs to the store; what it holds already is not added again."""
    from advisor.cluster import attached
    from advisor.intake import ingest as add
    from advisor.intake import zone_named
    from advisor.progress import Progress

    when = zone_named(zone) if zone else None
    with attached(engine, master) as session, Progress("reading") as progress:
        done = add(*(files or ()), store=store, year=year, zone=when, progress=progress, session=session)
    added = done.coverage
    sys.stdout.write(
        f"{added.lines:,} lines added = {added.events:,} events + {added.ignored:,} ignored + "
        f"{added.unrecognised:,} unrecognised; of {done.files:,} files {done.known:,} were there already\n"
    )
    for path in done.pending:
        say(f"{path}: the last line has no end yet; it is left for the next run")
    for note in done.notes:
        say(note)
    for error in done.bad:
        say(str(error))
    if done.bad:
        raise typer.Exit(2)
    if pseudonymised is not None:
        _pass_on(store, pseudonymised)


def _pass_on(store: Path | None, into: Path) -> None:
    """Write the store anew with pseudonyms; no two runs give the same ones, and nobody keeps the key."""
    import secrets

    from advisor.disguise import disguise
    from advisor.intake import default_store

    made = disguise(store or default_store(), into, secrets.token_bytes(32))
    say(f"{into}: {made.events:,} events of {made.parts:,} parts, with pseudonyms; answers of the DNS are left out")
