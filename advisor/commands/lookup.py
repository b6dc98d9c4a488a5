"""`advisor lookup`."""

from pathlib import Path
from typing import Annotated

import typer

from advisor.invocation import FORMAT_OF_ENDING, check_format, emit, finish, question_of
from advisor.option import Budget, Config, Lists, Output, Rate, Resolver, Since, SyslogName, Until, Year, Zone


def lookup(
    context: typer.Context,
    what: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FILE]... | NAME | ADDRESS", help="Logs, else the store; or whom the lists may name."),
    ] = None,
    store: Annotated[Path | None, typer.Option(metavar="DIR", help="The store; the answers are kept in it.")] = None,
    syslog_name: SyslogName = None,
    since: Since = None,
    until: Until = None,
    config: Config = None,
    resolver: Resolver = None,
    lists: Lists = None,
    rate: Rate = 10,
    budget: Budget = 5_000,
    stale: Annotated[str, typer.Option(metavar="AGE", help="Ask again when an answer is older: 12h, 7d.")] = "7d",
    seed: Annotated[int, typer.Option(metavar="N", help="Of the random sample, where a budget allows no more.")] = 0,
    form: Annotated[str | None, typer.Option("--format", metavar="FORMAT", help="terminal or json.")] = None,
    output: Output = None,
    year: Year = None,
    zone: Zone = None,
) -> None:
    """Ask the DNS and its blocklists about the clients, HELO names and senders seen; or which lists name one.

    Beside `follow --lookup` and `system --ask` the only command that asks the network. The answers are kept, with
    their date, for the other commands.
    """
    from dataclasses import replace

    from advisor import statement
    from advisor.mention import named
    from advisor.plan import asked_about, plan
    from advisor.progress import Count, Progress

    form = form or (FORMAT_OF_ENDING.get(output.suffix.lower()) if output else None)
    check_format(form, "a lookup")
    planned = plan(resolver, lists, rate, budget, stale, seed)
    target = asked_about(what or ())
    if target is not None:
        emit(statement.named(named(target, planned), form), output)
        return
    question = replace(
        question_of(context, what, year, zone),
        store=None if what else store,
        waiting=lambda long: Count(long) if long == "asking" else Progress(long),
    )
    emit(statement.recorded(question.lookup(planned, store), form), output)
    finish(question.history)
