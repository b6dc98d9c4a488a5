"""`advisor simulate`."""

from typing import Annotated

import typer

from advisor.errors import AdvisorError
from advisor.invocation import emit, finish, question_of, screen
from advisor.option import Config, Engine, Files, Master, Output, Since, Store, SyslogName, Until, Year, Zone


def simulate(
    context: typer.Context,
    restrictions: Annotated[
        str, typer.Argument(metavar="'RESTRICTION, ...'", help="A list as in main.cf; main.cf: all lists.")
    ],
    files: Files = None,
    store: Store = None,
    syslog_name: SyslogName = None,
    since: Since = None,
    until: Until = None,
    config: Config = None,
    form: Annotated[
        str | None,
        typer.Option("--format", metavar="FORMAT", help="terminal or json; with --attempts csv, json or parquet."),
    ] = None,
    output: Output = None,
    year: Year = None,
    zone: Zone = None,
    engine: Engine = "auto",
    master: Master = None,
    rows: Annotated[bool, typer.Option("--attempts", help="One row an attempt instead of the counts.")] = False,
    postgrey_opts: Annotated[
        str | None,
        typer.Option(metavar="'OPTIONS'", help="postgrey's own options, as in /etc/sysconfig/postgrey: '--delay=60'."),
    ] = None,
) -> None:
    """What a restriction list would have answered to past attempts."""
    from advisor import forecast
    from advisor.outcome import outcome, terminal
    from advisor.question import Greylisting

    question = question_of(context, files, year, zone)
    greylisting = Greylisting() if postgrey_opts is None else Greylisting.of(postgrey_opts)
    simulation = question.simulate(restrictions, greylisting, here=rows)
    greylists = any(one.restriction.name == "postgrey" for one in simulation.asked)
    if rows:
        from advisor import table

        table.write(simulation.attempts.to_arrow_table(), output, form)
    elif form in (None, "terminal"):
        text = terminal(outcome(simulation), **screen())
        if greylists:
            text += "\n" + forecast.terminal(question.forecast(greylisting), **screen())
        emit(text, output)
    elif form == "json":
        import json

        found = outcome(simulation)
        if greylists:
            found["greylisting"] = question.forecast(greylisting).as_dict()
        emit(json.dumps(found, indent=1) + "\n", output)
    else:
        raise AdvisorError("--format", f"'{form}' is no format of a simulation", "write terminal or json")
    finish(question.history)
