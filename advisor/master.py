"""master.cf: which services run, and which settings of main.cf each of them overrides with -o.

Source: master(5), get_master_ent() in master_ent.c; overrides: split_nameval() in single_server.c.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from advisor.entry import tokens, words
from advisor.errors import AdvisorError
from advisor.expression import SPACE
from advisor.setting import LogicalLine, logical_lines

TYPES = ("inet", "unix", "unix-dgram", "fifo", "pass")
_COLUMNS = 8
# -o smtpd_client_restrictions=permit_mynetworks,reject
_OVERRIDE = re.compile(r"\s*([^\s=]+)\s*=(.*)", re.ASCII | re.DOTALL)
# 127.0.0.1:10025  localhost:10025  [::1]:10025
_LOOPBACK = re.compile(r"(127\.[\d.]+|localhost|\[::1\]|\[127\.[\d.]+\]):", re.ASCII | re.IGNORECASE)
SMTP_PORTS = ("smtp", "25")


@dataclass(frozen=True)
class Service:
    """One service: its name (for inet the port, perhaps with a host before it), its type, and the program it runs.

    `overrides` are what its -o options set in place of main.cf, not expanded; the last one wins.
    """

    name: str
    type: str
    command: str
    arguments: tuple[str, ...] = ()
    overrides: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.name}/{self.type}"

    @property
    def at_port_25(self) -> bool:
        """Whether other mail servers reach it: at port 25 of an address that is not loopback."""
        port = self.name.rpartition(":")[2]
        return self.type == "inet" and port in SMTP_PORTS and not _LOOPBACK.match(self.name)


@dataclass(frozen=True)
class Master:
    """All services of a master.cf. `faults` are lines that master(8) stops at, each a sentence."""

    services: tuple[Service, ...]
    origin: str
    faults: tuple[str, ...] = ()

    def has(self, name: str, *types: str) -> bool:
        """Whether a service of that name, and one of those types, runs."""
        return any(each.name == name and (not types or each.type in types) for each in self.services)

    def at_port_25(self) -> tuple[Service, ...]:
        """What answers other mail servers: smtpd, or postscreen in front of it."""
        return tuple(each for each in self.services if each.at_port_25 and each.command in ("smtpd", "postscreen"))

    def mail_servers(self, behind: str = "smtpd") -> tuple[Service, ...]:
        """The smtpd services that hear mail from outside; `behind` is smtpd_service_name, behind postscreen."""
        found = []
        for each in self.at_port_25():
            if each.command == "smtpd":
                found.append(each)
                continue
            name = each.overrides.get("smtpd_service_name", behind)
            found += [next_one for next_one in self.services if (next_one.name, next_one.type) == (name, "pass")]
        return tuple(each for at, each in enumerate(found) if each not in found[:at])


def from_text(text: str, origin: str) -> Master:
    """Read a master.cf, or what `postconf -M` printed."""
    services: list[Service] = []
    faults: list[str] = []
    for line in logical_lines(text):
        try:
            services.append(_service(line, origin))
        except AdvisorError as error:
            faults.append(f"{origin}, line {line.first}: {error.what}; {error.todo}.")
    return Master(tuple(services), origin, tuple(faults))


def read(file: Path) -> Master | None:
    """Read a master.cf; None where there is none."""
    try:
        return from_text(file.read_text(encoding="utf-8", errors="replace"), str(file))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise AdvisorError(str(file), f"cannot be read ({error.strerror})", "let us read it, or move it") from error


def _service(line: LogicalLine, origin: str) -> Service:
    """Read one service: eight columns, then the arguments; { and } hold what has blanks in it."""
    where = f"{origin}, line {line.first}"
    shown = "".join(char if char.isprintable() else "?" for char in line.text.strip(SPACE)[:60])
    columns = words(line.text)
    if len(columns) < _COLUMNS or columns[1] not in TYPES or line.text[0] in SPACE:
        todo = "a service has a name, a type (inet, unix, pass), five columns and a command"
        raise AdvisorError(where, f"{shown} is no service", todo)
    rest = line.text.split(None, _COLUMNS)
    arguments = [_bare(each) for each in tokens(rest[_COLUMNS], where, " \t\r\n")] if len(rest) > _COLUMNS else []
    return Service(columns[0], columns[1], columns[7], tuple(arguments), _overrides(arguments))


def _bare(argument: str) -> str:
    """Take off the braces around an argument, and the blanks within them (extpar() in extpar.c)."""
    return argument[1:-1].strip(SPACE) if argument.startswith("{") and argument.endswith("}") else argument


def _overrides(arguments: Iterable[str]) -> dict[str, str]:
    """Collect `-o name=value`, `-oname=value` and `-o { name = value }`."""
    found: dict[str, str] = {}
    rest = iter(arguments)
    for argument in rest:
        if argument.startswith("-o"):
            setting = _OVERRIDE.fullmatch(argument[2:] or next(rest, ""))
            if setting:
                found[setting[1]] = setting[2].strip(SPACE)
    return found
