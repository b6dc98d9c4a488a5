"""`advisor explain`."""

import sys
from typing import Annotated

import typer


def _begun(incomplete: str) -> list[str]:
    """The pages whose names begin with this, for the shell to complete."""
    from advisor.question import names

    return [name for name in names() if name.startswith(incomplete)]


def explain(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="A restriction, as in postconf(5).", autocompletion=_begun),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every page.")] = False,
) -> None:
    """What a restriction is, whom it hurts, and what a log shows of it."""
    from advisor.question import explain as page
    from advisor.question import names

    if everything:
        sys.stdout.write("\n\n".join(page(found) for found in names()))
    elif name is None:
        sys.stdout.write("".join(f"{found:40} {says}\n" for found, says in names().items()))
    else:
        sys.stdout.write(page(name))
