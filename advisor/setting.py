"""A setting as main.cf has it, and the lines it stands on: one logical line, continued where lines begin with a blank.

Source: readlline.c (lines), split_nameval.c (settings); master.cf is read in the same lines.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from advisor.expression import SPACE


@dataclass(frozen=True)
class Setting:
    """`name = value`, the value in one line; `first` and `last` number the lines of the file that it stands on."""

    name: str
    value: str
    first: int
    last: int


@dataclass(frozen=True)
class LogicalLine:
    """A line with its continuations, joined by one blank each; comments and blank lines between them are left out."""

    text: str
    first: int
    last: int


# postconf: warning: /etc/postfix/main.cf: unused parameter: foo=bar
_DIAGNOSTIC = re.compile(r"\S*postconf: (warning|fatal|error): ")
# smtpd_helo_required = yes
_SETTING = re.compile(r"([^\s=]+)\s*=(.*)", re.ASCII | re.DOTALL)


def logical_lines(text: str) -> Iterator[LogicalLine]:
    """Join the lines of a file as Postfix does (readlline.c); what postconf complained of beside its output is left."""
    first, last, parts = 0, 0, [""]
    for number, line in enumerate(text.split("\n"), 1):
        bare = line.strip(SPACE)
        if not bare or bare.startswith("#") or _DIAGNOSTIC.match(line):
            continue
        if line[0] in SPACE and first:
            parts.append(bare)
            last = number
            continue
        if first:
            yield LogicalLine(" ".join(parts), first, last)
        first, last, parts = number, number, [line.rstrip(SPACE)]
    if first:
        yield LogicalLine(" ".join(parts), first, last)


def settings(text: str) -> tuple[list[Setting], list[str]]:
    """Read all settings in their order, and what Postfix cannot read, each a sentence.

    Postfix refuses a main.cf with one line that is no setting as a whole, and the administrator needs to hear which.
    """
    found: list[Setting] = []
    faults: list[str] = []
    for line in logical_lines(text):
        shown = "".join(char if char.isprintable() else "?" for char in line.text.strip(SPACE)[:60])
        setting = _SETTING.fullmatch(line.text)
        if line.text[0] in SPACE:
            faults.append(f"line {line.first}: {shown} continues nothing, so Postfix ignores it.")
        elif setting:
            found.append(Setting(setting[1], setting[2].strip(SPACE), line.first, line.last))
        else:
            follows = f", and this one follows {found[-1].name}" if found else ""
            faults.append(
                f"line {line.first}: {shown} is not indented: "
                f"in main.cf a continuation line must begin with white space{follows}."
            )
    return found, faults
