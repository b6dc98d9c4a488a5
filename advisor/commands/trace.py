"""`advisor trace`."""

from typing import Annotated

import typer

from advisor.invocation import check_format, emit, finish, question_of, screen
from advisor.option import Config, Files, Labels, Output, Since, Store, SyslogName, Until, Year, Zone


def trace(
    context: typer.Context,
    key: Annotated[
        str, typer.Argument(metavar="CLIENT|ADDRESS|QUEUE_ID", help="A client's address, network or name, or a mail's.")
    ],
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
    everything: Annotated[bool, typer.Option("--all", help="The whole of a long story.")] = False,
) -> None:
    """The whole story of one client, address or message, line by line."""
    from advisor.story import terminal

    check_format(form, "a trace")
    question = question_of(context, files, year, zone)
    story = question.trace(key)
    if form == "json":
        import json

        emit(json.dumps(story.as_dict(), indent=1) + "\n", output)
    else:
        width = screen()["width"] if output is None else 80
        emit(terminal(story, question.zone, width=width, everything=everything), output)
    finish(question.history)
