"""`advisor advise`."""

from typing import Annotated

import typer

from advisor.invocation import emit, finish, hidden, question_of, rendered
from advisor.option import (
    Confidence,
    Config,
    Engine,
    Files,
    Format,
    Labels,
    Master,
    MaxHarm,
    Output,
    Pseudonymise,
    Since,
    Store,
    SyslogName,
    Until,
    Year,
    Zone,
)


def advise(
    context: typer.Context,
    files: Files = None,
    store: Store = None,
    syslog_name: SyslogName = None,
    since: Since = None,
    until: Until = None,
    config: Config = None,
    labels: Labels = None,
    max_harm: MaxHarm = "1%",
    confidence: Confidence = "95%",
    form: Format = None,
    output: Output = None,
    year: Year = None,
    zone: Zone = None,
    engine: Engine = "auto",
    master: Master = None,
    pseudonymise: Pseudonymise = False,
    check: Annotated[bool, typer.Option("--check", help="Exit with 1 when there is something to change.")] = False,
) -> None:
    """Only what to change: each change with its price, the lines to type, to try and to undo."""
    question = question_of(context, files, year, zone)
    advice = hidden(question, question.advise(), wanted=pseudonymise)
    emit(rendered(advice, question.now, form, output, only="advice"), output)
    finish(question.history)
    if check and any(found.rank for found in advice.recommendations):
        raise typer.Exit(1)
