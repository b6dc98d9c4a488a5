"""`advisor system`."""

from pathlib import Path
from typing import Annotated

import typer

from advisor.invocation import check_format, emit, screen
from advisor.option import Resolver

_ROOT = "Look at the files below this folder: a copy of another host's /etc as DIR/etc."
_ASK = "Your mail domain: ask the DNS about the resolver, and how others see this server."


def system(
    root: Annotated[Path, typer.Option(metavar="DIR", help=_ROOT)] = Path("/"),
    ask: Annotated[str | None, typer.Option(metavar="DOMAIN", help=_ASK)] = None,
    resolver: Resolver = None,
    form: Annotated[str | None, typer.Option("--format", metavar="FORMAT", help="terminal or json.")] = None,
) -> None:
    """What is installed and set beside Postfix: postgrey, SPF, DKIM, DMARC, resolver; and what to type.

    Writes nothing. Asks the network only with --ask.
    """
    from advisor.inspection import as_json, terminal
    from advisor.inspection import system as inspect
    from advisor.reports.visible import visible

    check_format(form, "system")
    found = inspect(root, ask=ask, resolver=resolver)
    emit(as_json(found) if form == "json" else terminal(found, visible, **screen()), None)
