"""`advisor events`."""

from typing import Annotated

import typer

from advisor.invocation import emit, finish, hidden, question_of
from advisor.option import Files, Output, Pseudonymise, Since, Store, SyslogName, TableFormat, Until, Year, Zone


def events(
    context: typer.Context,
    files: Files = None,
    store: Store = None,
    syslog_name: SyslogName = None,
    since: Since = None,
    until: Until = None,
    form: TableFormat = None,
    output: Output = None,
    year: Year = None,
    zone: Zone = None,
    pseudonymise: Pseudonymise = False,
    unrecognised: Annotated[bool, typer.Option("--unrecognised", help="What was not understood, by shape.")] = False,
) -> None:
    """What Postfix and its helpers said: one row a line that was understood."""
    from advisor import table

    question = question_of(context, files, year, zone)
    found = hidden(question, question.events, wanted=pseudonymise)
    if unrecognised:
        from advisor.shape import listing

        emit(listing(found), output)
    else:
        table.write(found, output, form)
    finish(question.history)
