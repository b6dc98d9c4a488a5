"""Print the manual page, advisor(1), made from what `--help` shows.

As in: python packaging/manpage.py > packaging/advisor.1
"""

import re
import sys
from collections.abc import Iterator
from typing import Any

from typer.main import get_command

import advisor
from advisor.cli import app

FILES = (
    ("/var/lib/maillog-advisor", "the store, for root"),
    ("~/.local/state/maillog-advisor", "the store, for others"),
    ("/var/log/maillog, /var/log/mail.log", "what is read where nothing is named, and there is no store"),
)
EXITS = (
    ("0", "done"),
    ("1", "advise --check: there is something to change; doctor: something is missing"),
    ("2", "an error, one line on standard error; what could be read was still reported"),
)


def plain(text: str) -> str:
    """Text in which troff sees nothing of its own: no escapes, no request at the beginning of a line."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"(?m)^([.'])", r"\\&\1", text)


def paragraphs(text: str) -> Iterator[str]:
    """A help text, its paragraphs apart; those that begin with a backspace, as Typer has it, stand as they are."""
    for number, paragraph in enumerate(filter(None, re.split(r"\n\s*\n", text.strip()))):
        yield ".PP" if number else ""
        if paragraph.strip().startswith("\b"):
            yield from (".nf", plain(paragraph.replace("\b", "").strip("\n")), ".fi")
        else:
            yield plain(" ".join(paragraph.split()))


def options(command: Any) -> Iterator[str]:  # noqa: ANN401 - where Typer has its classes changes
    """What a command takes: its arguments and its options."""
    for found in command.params:
        if getattr(found, "hidden", False):
            continue
        is_option = found.param_type_name == "option"
        context = command.make_context(command.name, [], resilient_parsing=True)
        spelled = ", ".join(found.opts) if is_option else found.make_metavar(context)
        value = f" {found.metavar}" if is_option and not found.is_flag and found.metavar else ""
        yield from (".TP", f".B {plain(spelled + value)}", plain(getattr(found, "help", None) or ""))


def page() -> str:
    """The whole page in the macros of man(7)."""
    group = get_command(app)
    lines = [
        f'.TH ADVISOR 1 "" "maillog advisor {advisor.__version__}"',
        ".SH NAME",
        plain("advisor - which Postfix restrictions to switch on, from the server's own maillog"),
        ".SH SYNOPSIS",
        ".B advisor",
        ".I COMMAND",
        plain("[OPTION]... [FILE]..."),
        ".SH DESCRIPTION",
        *paragraphs(group.help or ""),
        ".SH COMMANDS",
    ]
    for name, command in group.commands.items():  # type: ignore[attr-defined]  # a group has them
        lines += [f".SS {plain(f'advisor {name}')}", *paragraphs(command.help or ""), *options(command)]
    for title, rows in (("EXIT STATUS", EXITS), ("FILES", FILES)):
        lines += [
            f".SH {title}",
            *(part for name, words in rows for part in (".TP", f".B {plain(name)}", plain(words))),
        ]
    lines += [".SH SEE ALSO", plain("postconf(1), postconf(5), postgrey(8), journalctl(1)")]
    return "\n".join(line for line in lines if line) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
