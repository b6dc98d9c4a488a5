"""`advisor report`."""

from typing import Annotated

import typer

from advisor.errors import AdvisorError
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


def report(
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
    to: Annotated[str, typer.Option(help="For mail: the recipient.")] = "postmaster",
    sender: Annotated[str, typer.Option("--from", help="For mail: the sender.")] = "root",
    send: Annotated[bool, typer.Option("--send", help="Send the mail, with this machine's sendmail.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Nothing at all where nothing is to fix or new.")] = False,
) -> None:
    """The whole story: traffic, advice, whom to let through, and what the log cannot show."""
    from advisor.reports.week import calm
    from advisor.sendmail import send as deliver

    if send and (output is not None or form not in (None, "mail")):
        raise AdvisorError("--send", "sends a mail, and writes nothing", "leave out --output and --format")
    question = question_of(context, files, year, zone)
    advice = question.advise()
    if send or quiet or form == "mail":
        # Who reads it every week wants to know what he has read before; it takes as long as the advice itself.
        from advisor.repetition import marked

        advice = marked(question, advice)
    advice = hidden(question, advice, wanted=pseudonymise)
    if not (quiet and calm(advice)):
        text = rendered(advice, question.now, "mail" if send else form, output, sender=sender, recipient=to)
        if send:
            deliver(text)
        else:
            emit(text, output)
    finish(question.history)
