"""The program: its help, its version, and the commands in the order in which the help shows them."""

import os
import sys
from typing import Annotated

import typer

from advisor.commands import (
    advise,
    allowlist,
    attempts,
    doctor,
    events,
    explain,
    follow,
    ingest,
    lookup,
    prune,
    report,
    simulate,
    system,
    trace,
)

app = typer.Typer(
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="""Which Postfix restrictions to switch on: what each would have stopped in your own mail, whom it would have
    hurt, and what to type. Changes nothing.

    \b
      advisor report /var/log/maillog*        the whole story
      advisor advise /var/log/maillog*        what to change, to type and to undo
      advisor simulate 'permit_mynetworks, reject_unknown_client_hostname' /var/log/maillog
      advisor explain reject_unknown_client_hostname
    """,
)


@app.callback()
def main(  # noqa: D103 - Typer would show its docstring in place of the help above
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
    plain: Annotated[bool, typer.Option("--plain", help="No colour, as with NO_COLOR; before the command.")] = False,
) -> None:
    if plain:
        os.environ["NO_COLOR"] = "1"
    if version:
        from advisor import __version__

        sys.stdout.write(f"advisor {__version__}\n")
        raise typer.Exit
    if context.invoked_subcommand is None:
        sys.stdout.write(context.get_help() + "\n")


for _module in (
    report,
    advise,
    allowlist,
    simulate,
    attempts,
    events,
    ingest,
    follow,
    lookup,
    trace,
    prune,
    doctor,
    system,
    explain,
):
    app.command()(getattr(_module, _module.__name__.rpartition(".")[2]))
