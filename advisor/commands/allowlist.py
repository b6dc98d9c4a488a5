"""`advisor allowlist`."""

from pathlib import Path
from typing import Annotated

import typer

from advisor.invocation import check_format, emit, finish, question_of
from advisor.option import Config, Engine, Files, Labels, Master, Output, Since, Store, SyslogName, Until, Year, Zone

_KINDS = (
    "client_access, client_cidr, helo_access, sender_access, postgrey, postgrey_recipients, postscreen, policyd-spf "
    "or opendmarc."
)


def allowlist(
    context: typer.Context,
    files: Files = None,
    store: Store = None,
    syslog_name: SyslogName = None,
    since: Since = None,
    until: Until = None,
    config: Config = None,
    labels: Labels = None,
    form: Annotated[str | None, typer.Option("--format", metavar="FORMAT", help="terminal or json.")] = None,
    output: Output = None,
    year: Year = None,
    zone: Zone = None,
    engine: Engine = "auto",
    master: Master = None,
    kind: Annotated[str, typer.Option("--map", metavar="MAP", help=_KINDS)] = "client_access",
    restrictions: Annotated[
        str | None,
        typer.Option("--for", metavar="'RESTRICTION, ...'", help="Excuse from these; else what the map is for."),
    ] = None,
    existing: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Review this map; else those that the configuration names."),
    ] = None,
    postgrey_opts: Annotated[
        str | None,
        typer.Option(metavar="'OPTIONS'", help="postgrey's own options, as in /etc/sysconfig/postgrey: '--delay=60'."),
    ] = None,
) -> None:
    """Which hosts to let through: the map itself, with its evidence; and what is odd in the maps there are."""
    from advisor.clearance import clear
    from advisor.question import Greylisting

    check_format(form, "an allowlist")
    question = question_of(context, files, year, zone)
    greylisting = Greylisting() if postgrey_opts is None else Greylisting.of(postgrey_opts)
    found = clear(question, kind, restrictions, existing or (), greylisting)
    emit(found.json() if form == "json" else "\n".join(found.lines) + "\n", output)
    finish(question.history)
