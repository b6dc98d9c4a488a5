"""`advisor report`."""

from typing import Annotated

import typer

from advisor.invocation import finish, question_of, render_advice
from advisor.option import Config, Files, Format, Output, Since, Store, SyslogName, Until, Year, Zone


def report(
    context: typer.Context,
    files: Files = None,
    store: Store = None,
    syslog_name: SyslogName = None,
    since: Since = None,
    until: Until = None,
    config: Config = None,
    form: Format = None,
    output: Output = None,
    year: Year = None,
    zone: Zone = None,
    to: Annotated[str, typer.Option(help="For mail: the recipient.")] = "postmaster",
    sender: Annotated[str, typer.Option("--from", help="For mail: the sender.")] = "root",
) -> None:
    """The whole story: traffic, advice, whom to let through, and what the log cannot show."""
    question = question_of(context, files, year, zone)
    render_advice(question, form, output, sender=sender, recipient=to)
    finish(question.history)
