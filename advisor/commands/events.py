"""`advisor events`."""

from typing import Annotated

import typer

from advisor.invocation import emit, finish, question_of
from advisor.option import Files, Output, Since, Store, SyslogName, TableFormat, Until, Year, Zone


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
    unrecognised: Annotated[bool, typer.Option("--unrecognised", help="What was not understood, by shape.")] = False,
) -> None:
    """What Postfix and its helpers said: one row a line that was understood."""
    from advisor import table

    question = question_of(context, files, year, zone)
    if unrecognised:
        from advisor.shape import listing

        emit(listing(question.events), output)
    else:
        table.write(question.events, output, form)
    finish(question.history)
