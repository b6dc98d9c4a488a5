"""An invocation: the question that a command's options ask, and how its answer is printed.

Imports wait until a command runs, so that --help does not.
"""

import os
import shutil
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from advisor.errors import AdvisorError
from advisor.output import replacing

if TYPE_CHECKING:
    from advisor.history import History
    from advisor.question import Question
    from advisor.recommendation import Advice

FORMAT_OF_ENDING = {
    ".html": "html",
    ".htm": "html",
    ".json": "json",
    ".eml": "mail",
    ".prom": "prometheus",
    ".txt": "terminal",
}


def say(line: str) -> None:
    """Print a line to standard error, as ours."""
    sys.stderr.write(f"advisor: {line}\n")


def question_of(context: typer.Context, files: list[str] | None, year: int | None, zone: str | None) -> "Question":
    """The question that a command's options ask; what a command has no option for stays as it is."""
    from advisor.intake import local_zone, zone_named
    from advisor.progress import Progress
    from advisor.question import Question
    from advisor.recommendation import Terms

    known = ("store", "syslog_name", "since", "until", "config", "labels")
    options = {name: context.params[name] for name in known if name in context.params}
    # Typer 0.28 keeps there what was typed.
    options |= {name: Path(options[name]) for name in ("store", "config", "labels") if options.get(name) is not None}
    if "max_harm" in context.params:
        options["terms"] = Terms.of(context.params["max_harm"], context.params["confidence"])
    if "engine" in context.params:
        from advisor.cluster import attached

        # It is closed when the command is done: a simulation asks its frame only then.
        options["session"] = context.with_resource(attached(context.params["engine"], context.params["master"]))
    when = zone_named(zone) if zone else local_zone()
    return Question(tuple(files or ()), year=year, zone=when, waiting=Progress, **options)


def finish(history: "History") -> None:
    """Say what was odd about the logs; a log that could not be read is an error once all the others were."""
    for note in history.notes:
        say(note)
    for error in history.bad:
        say(str(error))
    if history.bad:
        raise typer.Exit(2)


def emit(rendered: str | bytes, output: Path | None) -> None:
    """Print a report, or put it into a file all at once."""
    if output is None:
        data = rendered if isinstance(rendered, bytes) else rendered.encode()
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
        return
    with replacing(output) as path:
        path.write_bytes(rendered if isinstance(rendered, bytes) else rendered.encode())


def screen() -> dict[str, Any]:
    """How wide the terminal is, and whether it wants colour; 80 columns and none in a pipe (no-color.org)."""
    tty = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return {"width": shutil.get_terminal_size((80, 24)).columns, "color": tty}


def rendered(advice: "Advice", now: datetime, form: str | None, output: Path | None, **wishes: Any) -> str | bytes:  # noqa: ANN401 - the fields of Letter
    """The advice in the format that the options or the file name ask for."""
    from advisor.reports import render

    form = form or (FORMAT_OF_ENDING.get(output.suffix.lower(), "terminal") if output else "terminal")
    return render(advice, form, now=now, **(screen() if output is None else {}), **wishes)


def hidden(question: "Question", value: Any, *, wanted: bool) -> Any:  # noqa: ANN401 - a table, or an Advice
    """The same with pseudonyms for whatever tells of somebody, where that is wanted; no two runs give the same ones."""
    if not wanted:
        return value
    import secrets

    import pyarrow as pa

    from advisor import pseudonym

    events = question.history.events
    by = pseudonym.Pseudonyms(secrets.token_bytes(32), pseudonym.known(events), pseudonym.codes(events))
    return pseudonym.table(value, by) if isinstance(value, pa.Table) else pseudonym.hidden(value, by)


def check_format(form: str | None, what: str) -> None:
    """Raise AdvisorError unless a format is none, terminal or json; `what` has no other."""
    if form not in (None, "terminal", "json"):
        raise AdvisorError("--format", f"'{form}' is no format of {what}", "write terminal or json")
