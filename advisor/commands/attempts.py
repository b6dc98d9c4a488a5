"""`advisor attempts`."""

import typer

from advisor.invocation import finish, hidden, question_of
from advisor.option import Config, Files, Output, Pseudonymise, Since, Store, SyslogName, TableFormat, Until, Year, Zone


def attempts(
    context: typer.Context,
    files: Files = None,
    store: Store = None,
    syslog_name: SyslogName = None,
    since: Since = None,
    until: Until = None,
    config: Config = None,
    form: TableFormat = None,
    output: Output = None,
    year: Year = None,
    zone: Zone = None,
    pseudonymise: Pseudonymise = False,
) -> None:
    """Who asked for what, and what became of it: one row a recipient that a client asked for."""
    from advisor import table

    question = question_of(context, files, year, zone)
    table.write(hidden(question, question.attempts, wanted=pseudonymise), output, form)
    finish(question.history)
