"""Postfix's configuration: reads `postconf -n` output or a main.cf.

Reading follows Postfix's source: readlline.c (lines), mac_expand.c ($name), smtpd_check.c (restriction
lists), match_list.c (mynetworks).
"""

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from advisor.entry import (
    ALIASES,
    KNOWN,
    LISTS,
    OWN,
    Entry,
    before_guard,
    end_of,
    fits,
    guarded,
    may_permit,
    parse_list,
    suggest,
    tokens,
    words,
)
from advisor.errors import AdvisorError
from advisor.expression import NAME, RELATION, SPACE, WORD, bad_expression, closing, operand, relation
from advisor.network import LOOPBACK, Networks, read_networks

_LEVEL = "${{$compatibility_level} <level "
DEFAULTS: Mapping[str, str] = {
    **dict.fromkeys(LISTS, ""),
    **dict.fromkeys(words("recipient_delimiter smtpd_log_access_permit_actions smtpd_milters"), ""),
    **dict.fromkeys(words("smtpd_restriction_classes virtual_mailbox_maps postscreen_dnsbl_sites"), ""),
    **dict.fromkeys(words("smtpd_helo_required smtpd_sasl_auth_enable soft_bounce"), "no"),
    **dict.fromkeys(words("smtpd_delay_reject smtpd_peername_lookup"), "yes"),
    **dict.fromkeys(words("postscreen_dnsbl_action postscreen_greet_action"), "ignore"),
    **{f"unknown_{what}_reject_code": "450" for what in ("address", "client", "hostname")},
    **{f"{what}_reject_code": "554" for what in ("access_map", "maps_rbl", "relay_domains")},
    "compatibility_level": "0",
    "config_directory": "/etc/postfix",
    "default_database_type": "hash",
    "invalid_hostname_reject_code": "501",
    "milter_default_action": "tempfail",
    "mydestination": "$myhostname, localhost.$mydomain, localhost",
    "mynetworks_style": _LEVEL + "{2} ? {subnet} : {host}}",
    "non_fqdn_reject_code": "504",
    "relay_domains": _LEVEL + "{2} ? {$mydestination} : {}}",
    "smtpd_relay_restrictions": _LEVEL
    + "{1} ? {} : {permit_mynetworks, permit_sasl_authenticated, defer_unauth_destination}}",
    "virtual_alias_domains": "$virtual_alias_maps",
    "virtual_alias_maps": "$virtual_maps",
    "virtual_mailbox_domains": "$virtual_mailbox_maps",
}
"""Postfix 3's own defaults of the parameters we use; a test compares them with `postconf -d`."""

_RELAY, _RECIPIENT = "smtpd_relay_restrictions", "smtpd_recipient_restrictions"
_CLIENT_NAME_REJECTS = ("reject_unknown_client_hostname", "reject_unknown_reverse_client_hostname")


@dataclass(frozen=True)
class State:
    """Whether a restriction is on: in which parameters, and its positions there, counted from 1."""

    word: Literal["off", "warn", "enforced"]
    parameters: tuple[str, ...] = ()
    positions: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.word} in {', '.join(self.parameters)}" if self.parameters else self.word


@dataclass(frozen=True)
class Postconf:
    """A Postfix configuration: what is set, and what follows from it.

    `parameters` are as set: the last one wins, not expanded, continuation lines joined by one blank. `origin`
    says where they were read; `known` is what this machine's postconf says of parameters that are not set;
    `faults` are lines that Postfix cannot read.
    """

    parameters: Mapping[str, str]
    origin: str
    known: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[str, ...] = ()

    def is_set(self, name: str) -> bool:
        """Whether main.cf sets the parameter, if only to nothing."""
        return name in self.parameters

    def value(self, name: str) -> str:
        """Say what Postfix takes the parameter for: expanded, the default where not set, '' where unknown.

        Reads $name, ${name}, ${name?text}, ${name:text}, ${name?{a}:{b}} and ${{a} == {b} ? {c} : {d}}.
        A name that refers to itself raises AdvisorError. Source: mac_expand.c; as `postconf -x -h`.
        """
        return self._named(name, ())

    def database_type(self) -> str:
        """Say which type of table to write: `hash` unless main.cf or this machine says otherwise.

        RHEL 10 has no Berkeley DB: the built-in default there is lmdb, which a copied main.cf does not show.
        """
        return self.value("default_database_type")

    def _raw(self, name: str) -> str:
        return self.parameters.get(name, self.known.get(name, DEFAULTS.get(name, "")))

    def _named(self, name: str, active: tuple[str, ...]) -> str:
        if name in active:
            chain = " -> ".join((*active, name))
            raise AdvisorError(self.origin, f"{name} refers to itself: {chain}", "mend one of these")
        if name == "mydomain" and not (self.is_set(name) or name in self.known):
            # get_mydomain() in mail_params.c: the host name without its first label
            host = self._named("myhostname", (*active, name))
            return host.partition(".")[2] or "localdomain" if host else ""
        return self.expanded(self._raw(name), (*active, name))

    def expanded(self, text: str, active: tuple[str, ...] = ()) -> str:
        """Replace each $name, $(name) and ${...}; `$$` is a dollar (mac_parse.c)."""
        parts, at = [], 0
        while (dollar := text.find("$", at)) >= 0:
            parts.append(text[at:dollar])
            start = dollar + 1
            if text.startswith("$", start):
                parts.append("$")
                at = start + 1
                continue
            if text.startswith(("{", "("), start):
                end = closing(text, start)
                inside, at = text[start + 1 : end], end + 1
            else:
                found = WORD.match(text, start)
                inside, at = (found[0], found.end()) if found else ("", start)
            parts.append(self._reference(inside, active))
        return "".join(parts) + text[at:]

    def _reference(self, inside: str, active: tuple[str, ...]) -> str:
        """Replace what stands inside ${ and }."""
        left, rest = operand(inside)
        if inside.lstrip(SPACE).startswith("{"):
            found = RELATION.match(rest)
            if not found:
                raise bad_expression(inside)
            right, rest = operand(rest[found.end() :])
            sign = found[1] + (found[2] or "")
            tested = relation(self.expanded(left, active), sign, self.expanded(right, active))
            plain = tested
        else:
            found = NAME.match(inside)
            if not found:
                raise bad_expression(inside)
            # ? and : ask whether the parameter is set to something, before expansion (mac_expand.c)
            name, rest, tested = found[1], inside[found.end() :], self._raw(found[1])
            plain = "" if rest else self._named(name, active)
        if not rest:
            return plain
        branches = {"?": "", ":": ""}
        while rest:
            sign = rest[0]
            if sign not in branches:
                raise bad_expression(inside)
            branches[sign], rest = operand(rest[1:])
        return self.expanded(branches["?" if tested else ":"], active)

    def lists(self) -> dict[str, tuple[Entry, ...]]:
        """Give the seven lists as smtpd asks them, restriction classes put in place of their names.

        A warn_if_reject before a class holds for all of it. Source: generic_checks() in smtpd_check.c.
        """
        return {parameter: self.entries(parameter) for parameter in LISTS}

    def entries(self, parameter: str) -> tuple[Entry, ...]:
        """Give one restriction list, as `lists()` does."""
        return tuple(self._inlined(parameter, parameter, ()))

    def classes(self) -> list[str]:
        """Name the restriction classes (smtpd_restriction_classes)."""
        return tokens(self.value("smtpd_restriction_classes"), f"{self.origin}, smtpd_restriction_classes")

    def _inlined(self, name: str, parameter: str, active: tuple[str, ...]) -> Iterator[Entry]:
        where = f"{self.origin}, {name}"
        if name in active:
            raise AdvisorError(where, f"the restriction class {name} contains itself", "take it out there")
        classes = self.classes()
        for entry in parse_list(self.value(name), where, parameter):
            if entry.name in KNOWN or entry.name not in classes or not self.value(entry.name):
                yield entry
                continue
            for inner in self._inlined(entry.name, parameter, (*active, name)):
                yield replace(inner, warn=inner.warn or entry.warn)

    def state(self, name: str, argument: str = "") -> State:
        """Whether a restriction is off, warns only, or is enforced somewhere.

        Without an argument any argument will do; `zen.spamhaus.org` also finds `zen.spamhaus.org=127.0.0.2`.
        What stands after an unconditional permit, reject or defer is never asked, so it is off.
        """
        name = ALIASES.get(name.lower(), name.lower())
        found = [
            (parameter, position, entry.warn)
            for parameter, entries in self.lists().items()
            for position, entry in enumerate(entries[: end_of(entries) + 1], 1)
            if entry.name.lower() == name and fits(entry.argument, argument)
        ]
        only_warns = all(warn for _, _, warn in found)
        places = [(parameter, position) for parameter, position, warn in found if warn == only_warns]
        if not places:
            return State("off")
        word: Literal["warn", "enforced"] = "warn" if only_warns else "enforced"
        return State(word, tuple(place[0] for place in places), tuple(place[1] for place in places))

    def networks(self) -> Networks:
        """Read mynetworks, addresses and networks apart from what cannot be read here.

        The first match wins (match_list.c), so an exclusion behind the network it is part of has no effect.
        """
        if not self.is_set("mynetworks") and "mynetworks" not in self.known:
            return Networks(LOOPBACK, (), (), stated=False)
        return read_networks(tokens(self.value("mynetworks"), f"{self.origin}, mynetworks"))

    def local_domains(self) -> frozenset[str]:
        """Collect the domains named as ours, in lower case.

        Tables, files, address literals and .patterns are not read; `!name` takes a name out (match_list.c).
        """
        found: set[str] = set()
        for parameter in words("mydestination virtual_mailbox_domains virtual_alias_domains relay_domains"):
            names = tokens(self.value(parameter).lower(), f"{self.origin}, {parameter}")
            found.update(name.rstrip(".") for name in names if re.fullmatch(r"\w[\w.-]*", name))
            found.difference_update(name[1:] for name in names if name.startswith("!"))
        return frozenset(found)

    def problems(self) -> tuple[str, ...]:
        """Say what is wrong in this main.cf, each a sentence that names the parameter.

        Looks for what the well-known article gets wrong: continuation lines that are not indented, own users
        without a proper name refused, an open relay, names that Postfix does not know, missing arguments.
        """
        found = list(self.faults)
        read: dict[str, tuple[Entry, ...]] = {}
        for parameter in LISTS:
            try:
                read[parameter] = self.entries(parameter)
            except AdvisorError as error:
                found.append(f"{parameter} cannot be read: {error.what}; {error.todo}.")
                continue
            found += self._unknown_names(parameter, read[parameter])
            found += _own_users_refused(parameter, read[parameter])
        if _RELAY in read and not guarded(read[_RELAY]):
            found += self._relay_opened(read.get(_RECIPIENT, ()))
        return tuple(found)

    def _unknown_names(self, parameter: str, entries: Sequence[Entry]) -> Iterator[str]:
        classes = self.classes()
        for name in dict.fromkeys(entry.name for entry in entries if entry.name not in KNOWN):
            if name == "check_access":
                yield f"{parameter} has a table without a check_..._access before it."
            elif name in classes:
                yield f"{parameter} has {name}, which smtpd_restriction_classes names but nothing defines."
            elif self.is_set(name):
                yield f"{parameter} has {name}, which is defined but not named in smtpd_restriction_classes."
            else:
                near = suggest(name, {*KNOWN, *classes})
                hint = f"; did you mean {near}?" if near else "."
                yield f"{parameter} has {name}, which Postfix does not know{hint}"

    def _relay_opened(self, entries: Sequence[Entry]) -> Iterator[str]:
        before = before_guard(entries)
        risky = next((entry for entry in before if may_permit(entry)), None)
        if risky is None:
            return
        why = "is empty" if not self.value(_RELAY) else "lets other destinations pass"
        if not self.is_set(_RELAY):
            why = "is not set, which Postfix 3 takes for empty while compatibility_level is below 1"
        yield (
            f"{_RECIPIENT} has {risky} with no reject_unauth_destination before it, and {_RELAY} {why}: an OK"
            f" from it opens a relay; set {_RELAY} = {', '.join(OWN)}, defer_unauth_destination."
        )


def _own_users_refused(parameter: str, entries: Sequence[Entry]) -> Iterator[str]:
    for at, entry in enumerate(entries[: end_of(entries)]):
        if entry.name in _CLIENT_NAME_REJECTS and not entry.warn:
            before = {earlier.name for earlier in entries[:at]}
            if missing := [name for name in OWN if name not in before]:
                yield (
                    f"{parameter} has {entry.name} without {' and '.join(missing)} before it:"
                    " your own users on lines without a proper name are refused."
                )
            return


# postconf: warning: /etc/postfix/main.cf: unused parameter: foo=bar
_DIAGNOSTIC = re.compile(r"\S*postconf: (warning|fatal|error): ")
_SETTING = re.compile(r"([^\s=]+)\s*=(.*)", re.ASCII | re.DOTALL)


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their continuations, and where each begins (readlline.c)."""
    first, parts = 0, [""]
    for number, line in enumerate(text.split("\n"), 1):
        bare = line.strip(SPACE)
        if not bare or bare.startswith("#") or _DIAGNOSTIC.match(line):
            continue
        if line[0] in SPACE and first:
            parts.append(bare)
            continue
        if first:
            yield first, " ".join(parts)
        first, parts = number, [line.rstrip(SPACE)]
    if first:
        yield first, " ".join(parts)


def from_text(text: str, origin: str) -> Postconf:
    """Read a main.cf, or what `postconf -n` printed.

    A line that is no setting is a fault in `problems()`, not an error: Postfix refuses the whole file, and
    the administrator needs to hear which line. Source: postconf(5), readlline.c, split_nameval.c.
    """
    parameters: dict[str, str] = {}
    faults = []
    previous = ""
    for number, line in _logical_lines(text):
        shown = "".join(char if char.isprintable() else "?" for char in line.strip(SPACE)[:60])
        found = _SETTING.fullmatch(line)
        if line[0] in SPACE:
            faults.append(f"line {number}: {shown} continues nothing, so Postfix ignores it.")
        elif found:
            previous = found[1]
            parameters[previous] = found[2].strip(SPACE)
        else:
            follows = f", and this one follows {previous}" if previous else ""
            faults.append(
                f"line {number}: {shown} is not indented: "
                f"in main.cf a continuation line must begin with white space{follows}."
            )
    return Postconf(parameters, origin, faults=tuple(faults))


def read(path: Path) -> Postconf:
    """Read a main.cf, saved `postconf -n` output, or the main.cf of a configuration folder."""
    file = path / "main.cf" if path.is_dir() else path
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        todo = "name a main.cf, saved `postconf -n` output, or a folder that holds main.cf"
        raise AdvisorError(str(file), f"cannot be read ({error.strerror})", todo) from error
    return from_text(text, str(file))


def _said(command: str, *arguments: str) -> subprocess.CompletedProcess[str] | None:
    """Ask postconf; None where there is none."""
    program, *options = shlex.split(command)
    # an ordinary user's PATH has no sbin on Debian
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")
    words = [found or program, *options, *arguments]
    try:
        # S603: the command is ours or the user's own, and no shell reads it
        return subprocess.run(  # noqa: S603
            words, capture_output=True, check=False, encoding="utf-8", errors="replace", timeout=20
        )
    except (FileNotFoundError, PermissionError):
        return None
    except subprocess.TimeoutExpired as error:
        todo = "save its output to a file and name that with --config"
        raise AdvisorError(shlex.join(words), "gives no answer", todo) from error


def running(command: str = "postconf") -> Postconf | None:
    """Ask this machine's Postfix; None where there is none, or no main.cf yet.

    `postconf -n` says what is set; a second call asks for the other parameters we use, whose defaults vary
    between versions and machines (mynetworks, myhostname, default_database_type). postconf refuses a broken
    main.cf as a whole: then the file itself is read, so that the broken line can be named.
    """
    told = _said(command, "-n")
    if told is None:
        return None
    if told.returncode:
        # postconf: fatal: /etc/postfix/main.cf, line 11: missing '=' after attribute name: "permit"
        # postconf: fatal: open /etc/postfix/main.cf: No such file or directory
        found = re.search(r"fatal: (?:open )?(.*?main\.cf)", told.stderr)
        if not found:
            raise AdvisorError(f"{command} -n", f"fails ({told.stderr.strip()})", "mend the configuration")
        return read(Path(found[1])) if Path(found[1]).exists() else None
    others = _said(command, "mydomain", "myhostname", "mynetworks", *DEFAULTS)
    known = from_text(others.stdout, command).parameters if others else {}
    return replace(from_text(told.stdout, f"{command} -n"), known=known)
