"""`advisor doctor`."""

from pathlib import Path
from typing import Annotated

import typer

from advisor.invocation import check_format, emit


def doctor(
    store: Annotated[Path | None, typer.Option(metavar="DIR", help="The store to look at.")] = None,
    form: Annotated[str | None, typer.Option("--format", metavar="FORMAT", help="terminal or json.")] = None,
) -> None:
    """Whether this machine has what the commands need; exits with 1 where something is missing.

    Looks only: nothing is written, and nobody is asked over the network.
    """
    import json

    from advisor.examination import as_dicts, terminal
    from advisor.intake import doctor as examine
    from advisor.reports.visible import visible

    checks = examine(store=store)
    check_format(form, "doctor")
    emit(json.dumps(as_dicts(checks), indent=1) + "\n" if form == "json" else terminal(checks, visible), None)
    if any(check.state == "missing" for check in checks):
        raise typer.Exit(1)
