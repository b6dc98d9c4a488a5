"""`advisor prune`."""

import sys
from pathlib import Path
from typing import Annotated

import typer


def prune(
    older_than: Annotated[str, typer.Option("--older-than", metavar="WHEN", help="90d, 12w, or 2026-11-22.")],
    store: Annotated[Path | None, typer.Option(metavar="DIR", help="The store.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how much that is.")] = False,
) -> None:
    """Delete from the store what is older: events, and recorded answers of the DNS.

    What was deleted does not come back when its log is ingested again.
    """
    from advisor.intake import prune as delete

    done = delete(older_than, store=store, only_count=dry_run)
    sys.stdout.write(
        f"{done.events:,} events and {done.responses:,} DNS answers from before {done.before:%Y-%m-%d %H:%M} "
        f"{'would be ' if dry_run else ''}deleted; {done.events_left:,} and {done.responses_left:,} left\n"
    )
