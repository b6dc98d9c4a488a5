"""An option: what several commands take, with the words of its help.

Typer reads them when a command is registered, so nothing here imports more than Typer itself.
"""

from pathlib import Path
from typing import Annotated

import typer

_LOGS = "Logs: files, globs, folders, journal, - for stdin; else the store, or this machine's own."
INGESTED = "Logs: files, globs, folders, journal, - for stdin; else this machine's own."
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
_ENGINES = "duckdb (this machine), spark, or auto: spark where --master is given."
Engine = Annotated[str, typer.Option(metavar="ENGINE", help=_ENGINES)]
_MASTER = "Spark's master: spark://HOST:7077, or local[*]."
Master = Annotated[str | None, typer.Option(metavar="URL", help=_MASTER)]
Year = Annotated[int | None, typer.Option(metavar="YEAR", help="The year of the log's last line, if it has none.")]
Zone = Annotated[str | None, typer.Option("--timezone", metavar="NAME", help="The log's zone, such as Europe/Berlin.")]
_INTO = "Write there; its ending tells the format."
Output = Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE", help=_INTO)]
Format = Annotated[
    str | None, typer.Option("--format", metavar="FORMAT", help="terminal, html, mail, json or prometheus.")
]
TableFormat = Annotated[str | None, typer.Option("--format", metavar="FORMAT", help="csv, json or parquet.")]
_SERVER = "Ask this name server, not the machine's own."
Resolver = Annotated[str | None, typer.Option(metavar="IP[:PORT]", help=_SERVER)]
_ASKED = "Ask this list, not the usual ones; repeatable."
Lists = Annotated[list[str] | None, typer.Option("--list", metavar="ZONE", help=_ASKED)]
Rate = Annotated[float, typer.Option(metavar="N", help="Questions a second to the lists; 0: no limit.")]
Budget = Annotated[int, typer.Option(metavar="N", help="Questions a day to each list; 0: no limit.")]
_PASSED_ON = "Put pseudonyms for addresses, names and mailboxes, to pass it on."
Pseudonymise = Annotated[bool, typer.Option("--pseudonymise", help=_PASSED_ON)]
_VERDICTS = "Your own verdicts, a line each: wanted|unwanted ADDRESS|NETWORK|SENDER|@DOMAIN|QUEUE_ID."
Labels = Annotated[Path | None, typer.Option("--labels", metavar="FILE", help=_VERDICTS)]
_HARM = "The share of a week's wanted clients that all changes together may turn away: 1%."
MaxHarm = Annotated[str, typer.Option("--max-harm", metavar="SHARE", help=_HARM)]
_SURE = "How sure that must be: 95%."
Confidence = Annotated[str, typer.Option("--confidence", metavar="SHARE", help=_SURE)]
