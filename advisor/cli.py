"""The commands: each parses, calls one function and prints.

Imports wait until a command runs, so that --help does not.
"""

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from advisor.errors import AdvisorError

if TYPE_CHECKING:
    from advisor.history import History
    from advisor.question import Question

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="""Which Postfix restrictions to switch on: what each would have stopped in your own mail, whom it would have
    hurt, and what to type. Changes nothing.

    \b
      advisor report /var/log/maillog*        the whole story
      advisor advise /var/log/maillog*        what to change, to type and to undo
      advisor simulate 'permit_mynetworks, reject_unknown_client_hostname' /var/log/maillog
      advisor explain reject_unknown_client_hostname
    """,
)

_LOGS = "Logs: files, globs, folders, journal, - for stdin; else the store, or this machine's own."
_INGESTED = "Logs: files, globs, folders, journal, - for stdin; else this machine's own."
Files = Annotated[list[str] | None, typer.Argument(metavar="[FILE]...", help=_LOGS)]
Store = Annotated[Path | None, typer.Option(metavar="DIR", help="Read this store instead of logs.")]
SyslogName = Annotated[
    str | None, typer.Option(metavar="NAME", help="Only this Postfix of several, as it calls itself: postfix-in.")
]
Since = Annotated[str | None, typer.Option(metavar="WHEN", help="7d, 12h, 2w, or 2026-11-22.")]
Until = Annotated[str | None, typer.Option(metavar="WHEN", help="As --since.")]
Config = Annotated[
    Path | None, typer.Option(metavar="PATH", help="Postfix's folder, a main.cf, or saved `postconf -n` output.")
]
Year = Annotated[int | None, typer.Option(metavar="YEAR", help="The year of the log's last line, if it has none.")]
Zone = Annotated[str | None, typer.Option("--timezone", metavar="NAME", help="The log's zone, such as Europe/Berlin.")]
_INTO = "Write there; its ending tells the format."
Output = Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE", help=_INTO)]
Format = Annotated[str | None, typer.Option("--format", metavar="FORMAT", help="terminal, html, mail or json.")]
TableFormat = Annotated[str | None, typer.Option("--format", metavar="FORMAT", help="csv, json or parquet.")]
_SERVER = "Ask this name server, not the machine's own."
Resolver = Annotated[str | None, typer.Option(metavar="IP[:PORT]", help=_SERVER)]
_ASKED = "Ask this list, not the usual ones; repeatable."
Lists = Annotated[list[str] | None, typer.Option("--list", metavar="ZONE", help=_ASKED)]
Rate = Annotated[float, typer.Option(metavar="N", help="Questions a second to the lists; 0: no limit.")]
Budget = Annotated[int, typer.Option(metavar="N", help="Questions a day to each list; 0: no limit.")]

_FORMAT_OF_ENDING = {".html": "html", ".htm": "html", ".json": "json", ".eml": "mail", ".txt": "terminal"}


def _say(line: str) -> None:
    sys.stderr.write(f"advisor: {line}\n")


def _question(context: typer.Context, files: list[str] | None, year: int | None, zone: str | None) -> "Question":
    """The question that a command's options ask; what a command has no option for stays as it is."""
    from advisor.intake import local_zone, zone_named
    from advisor.progress import Progress
    from advisor.question import Question

    known = ("store", "syslog_name", "since", "until", "config")
    options = {name: context.params[name] for name in known if name in context.params}
    # Typer 0.28 keeps there what was typed.
    options |= {name: Path(options[name]) for name in ("store", "config") if options.get(name) is not None}
    when = zone_named(zone) if zone else local_zone()
    return Question(tuple(files or ()), year=year, zone=when, waiting=Progress, **options)


def _finish(history: "History") -> None:
    """Say what was odd about the logs; a log that could not be read is an error once all the others were."""
    for note in history.notes:
        _say(note)
    for error in history.bad:
        _say(str(error))
    if history.bad:
        raise typer.Exit(2)


def _emit(rendered: str | bytes, output: Path | None) -> None:
    """Print a report, or put it into a file all at once."""
    if output is None:
        data = rendered if isinstance(rendered, bytes) else rendered.encode()
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
        return
    part = output.with_name(f".{output.name}.part")
    try:
        part.write_bytes(rendered if isinstance(rendered, bytes) else rendered.encode())
        part.replace(output)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise AdvisorError(str(output), f"cannot be written ({error.strerror})", "name another file") from error


def _terminal() -> dict[str, Any]:
    """How wide the terminal is, and whether it wants colour; 80 columns and none in a pipe (no-color.org)."""
    tty = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return {"width": shutil.get_terminal_size((80, 24)).columns, "color": tty}


def _render(question: "Question", form: str | None, output: Path | None, **wishes: Any) -> Any:  # noqa: ANN401
    from advisor.reports import render

    form = form or (_FORMAT_OF_ENDING.get(output.suffix.lower(), "terminal") if output else "terminal")
    advice = question.advise()
    wishes |= _terminal() if output is None else {}
    _emit(render(advice, form, now=question.now, **wishes), output)
    return advice


@app.callback()
def main(  # noqa: D103 - Typer would show its docstring in place of the help above
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        from advisor import __version__

        sys.stdout.write(f"advisor {__version__}\n")
        raise typer.Exit
    if context.invoked_subcommand is None:
        sys.stdout.write(context.get_help() + "\n")


@app.command()
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
    question = _question(context, files, year, zone)
    _render(question, form, output, sender=sender, recipient=to)
    _finish(question.history)


@app.command()
def advise(
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
    check: Annotated[bool, typer.Option("--check", help="Exit with 1 when there is something to change.")] = False,
) -> None:
    """Only what to change: each change with its price, the lines to type, to try and to undo."""
    question = _question(context, files, year, zone)
    advice = _render(question, form, output, only="advice")
    _finish(question.history)
    if check and any(found.rank for found in advice.recommendations):
        raise typer.Exit(1)


@app.command()
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

    question = _question(context, files, year, zone)
    greylisting = Greylisting() if postgrey_opts is None else Greylisting.of(postgrey_opts)
    simulation = question.simulate(restrictions, greylisting)
    greylists = any(one.restriction.name == "postgrey" for one in simulation.asked)
    if rows:
        from advisor import table

        table.write(simulation.attempts.to_arrow_table(), output, form)
    elif form in (None, "terminal"):
        text = terminal(outcome(simulation), **_terminal())
        if greylists:
            text += "\n" + forecast.terminal(question.forecast(greylisting), **_terminal())
        _emit(text, output)
    elif form == "json":
        import json

        found = outcome(simulation)
        if greylists:
            found["greylisting"] = question.forecast(greylisting).as_dict()
        _emit(json.dumps(found, indent=1) + "\n", output)
    else:
        raise AdvisorError("--format", f"'{form}' is no format of a simulation", "write terminal or json")
    _finish(question.history)


@app.command()
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
) -> None:
    """Who asked for what, and what became of it: one row a recipient that a client asked for."""
    from advisor import table

    question = _question(context, files, year, zone)
    table.write(question.attempts, output, form)
    _finish(question.history)


@app.command()
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

    question = _question(context, files, year, zone)
    if unrecognised:
        from advisor.shape import listing

        _emit(listing(question.events), output)
    else:
        table.write(question.events, output, form)
    _finish(question.history)


@app.command()
def ingest(
    files: Annotated[list[str] | None, typer.Argument(metavar="[FILE]...", help=_INGESTED)] = None,
    store: Annotated[Path | None, typer.Option(metavar="DIR", help="The store; made if it is not there.")] = None,
    year: Year = None,
    zone: Zone = None,
) -> None:
    """Add logs to the store; what it holds already is not added again."""
    from advisor.intake import ingest as add
    from advisor.intake import zone_named
    from advisor.progress import Progress

    when = zone_named(zone) if zone else None
    with Progress("reading") as progress:
        done = add(*(files or ()), store=store, year=year, zone=when, progress=progress)
    added = done.coverage
    sys.stdout.write(
        f"{added.lines:,} lines added = {added.events:,} events + {added.ignored:,} ignored + "
        f"{added.unrecognised:,} unrecognised; of {done.files:,} files {done.known:,} were there already\n"
    )
    for path in done.pending:
        _say(f"{path}: the last line has no end yet; it is left for the next run")
    for note in done.notes:
        _say(note)
    for error in done.bad:
        _say(str(error))
    if done.bad:
        raise typer.Exit(2)


@app.command()
def follow(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The log that syslog writes to.")],
    store: Annotated[Path | None, typer.Option(metavar="DIR", help="The store; made if it is not there.")] = None,
    year: Year = None,
    zone: Zone = None,
    looking: Annotated[bool, typer.Option("--lookup", help="Look up who appears, as `advisor lookup` does.")] = False,
    resolver: Resolver = None,
    lists: Lists = None,
    rate: Rate = 10,
    budget: Budget = 5_000,
) -> None:
    """Keep adding a log to the store while it grows; finds it again when it is rotated."""
    from advisor.intake import default_store, zone_named
    from advisor.intake import follow as keep_adding

    beside = None
    if looking:
        from advisor.plan import plan
        from advisor.watch import Watch

        planned = plan(resolver, lists, rate, budget, stale="24h")
        beside = Watch(store or default_store(), planned, _say)
    when = zone_named(zone) if zone else None
    keep_adding(file, store=store, year=year, zone=when, say=_say, beside=beside)


@app.command()
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

    Beside `follow --lookup` the only command that asks the network. The answers are kept, with their date, for the
    other commands.
    """
    from dataclasses import replace

    from advisor import statement
    from advisor.mention import named
    from advisor.plan import asked_about, plan
    from advisor.progress import Count, Progress

    form = form or (_FORMAT_OF_ENDING.get(output.suffix.lower()) if output else None)
    if form not in (None, "terminal", "json"):
        raise AdvisorError("--format", f"'{form}' is no format of a lookup", "write terminal or json")
    planned = plan(resolver, lists, rate, budget, stale, seed)
    target = asked_about(what or ())
    if target is not None:
        _emit(statement.named(named(target, planned), form), output)
        return
    question = replace(
        _question(context, what, year, zone),
        store=None if what else store,
        waiting=lambda long: Count(long) if long == "asking" else Progress(long),
    )
    _emit(statement.recorded(question.lookup(planned, store), form), output)
    _finish(question.history)


@app.command()
def explain(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A restriction, as in postconf(5).")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every page.")] = False,
) -> None:
    """What a restriction is, whom it hurts, and what a log shows of it."""
    from advisor.question import explain as page
    from advisor.question import names

    if everything:
        sys.stdout.write("\n\n".join(page(found) for found in names()))
    elif name is None:
        sys.stdout.write("".join(f"{found:40} {says}\n" for found, says in names().items()))
    else:
        sys.stdout.write(page(name))
