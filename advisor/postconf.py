"""Postfix's configuration: what main.cf or `postconf -n` output sets, and what follows from it.

Reading follows Postfix's source: advisor.setting (lines), advisor.expression ($name), smtpd_check.c (restriction
lists), match_list.c (mynetworks).
"""

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from advisor import expression
from advisor.entry import ALIASES, KNOWN, LISTS, Entry, end_of, fits, guarded, parse_list, tokens, words
from advisor.errors import AdvisorError
from advisor.master import Master, Service
from advisor.master import from_text as services_of
from advisor.master import read as read_services
from advisor.network import LOOPBACK, Networks, read_networks
from advisor.problem import RECIPIENT, RELAY, own_users_refused, relay_opened, unknown_names
from advisor.setting import settings
from advisor.state import State

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


_FINAL = ("mydestination", "virtual_mailbox_domains", "virtual_alias_domains")
"""The lists of domains whose mail ends here."""


@dataclass(frozen=True)
class Postconf:
    """A Postfix configuration: what is set, and what follows from it.

    `parameters` are as set: the last one wins, not expanded, continuation lines joined by one blank. `origin`
    says where they were read; `known` is what this machine's postconf says of parameters that are not set;
    `faults` are lines that Postfix cannot read. `text` is main.cf itself, '' where only its settings are known;
    `master` is master.cf, None where it is not known.
    """

    parameters: Mapping[str, str]
    origin: str
    known: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    text: str = ""
    master: Master | None = None

    def seen_by(self, service: Service) -> "Postconf":
        """Give the configuration as one service of master.cf sees it, its -o options in place of main.cf's."""
        return replace(self, parameters={**self.parameters, **service.overrides})

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
        """Replace each $name, $(name) and ${...}; `$$` is a dollar."""
        return expression.expanded(text, self._raw, lambda name: self._named(name, active))

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
        """Collect the domains named as ours, in lower case: those whose mail ends here, and those passed on."""
        return self._domains(*_FINAL, "relay_domains")

    def relayed_domains(self) -> frozenset[str]:
        """Collect the domains that mail is only passed on to."""
        return self._domains("relay_domains") - self._domains(*_FINAL)

    def _domains(self, *parameters: str) -> frozenset[str]:
        """The names in some lists of domains.

        Tables, files, address literals and .patterns are not read; `!name` takes a name out (match_list.c).
        """
        found: set[str] = set()
        for parameter in parameters:
            names = tokens(self.value(parameter).lower(), f"{self.origin}, {parameter}")
            found.update(name.rstrip(".") for name in names if re.fullmatch(r"\w[\w.-]*", name))
            found.difference_update(name[1:] for name in names if name.startswith("!"))
        return frozenset(found)

    def problems(self) -> tuple[str, ...]:
        """Say what is wrong in this configuration, each a sentence that names the parameter (advisor.problem)."""
        found = [*self.faults, *(self.master.faults if self.master else ())]
        read: dict[str, tuple[Entry, ...]] = {}
        for parameter in LISTS:
            try:
                read[parameter] = self.entries(parameter)
            except AdvisorError as error:
                found.append(f"{parameter} cannot be read: {error.what}; {error.todo}.")
                continue
            found += unknown_names(parameter, read[parameter], self.classes(), self.is_set)
            found += own_users_refused(parameter, read[parameter])
        if RELAY in read and not guarded(read[RELAY]):
            found += relay_opened(read.get(RECIPIENT, ()), self._why_open())
        return tuple(found)

    def _why_open(self) -> str:
        """Say why smtpd_relay_restrictions does not keep the relay closed."""
        if not self.is_set(RELAY):
            return "is not set, which Postfix 3 takes for empty while compatibility_level is below 1"
        return "lets other destinations pass" if self.value(RELAY) else "is empty"


def from_text(text: str, origin: str) -> Postconf:
    """Read a main.cf, or what `postconf -n` printed.

    A line that is no setting is a fault in `problems()`, not an error: Postfix refuses the whole file, and
    the administrator needs to hear which line. Source: postconf(5), readlline.c, split_nameval.c.
    """
    found, faults = settings(text)
    return Postconf({each.name: each.value for each in found}, origin, faults=tuple(faults))


def read(path: Path) -> Postconf:
    """Read a main.cf, saved `postconf -n` output, or the configuration folder with its main.cf and master.cf.

    The master.cf beside a file called main.cf is read, too; without one, every list is taken as main.cf has it.
    """
    file = path / "main.cf" if path.is_dir() else path
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        todo = "name a main.cf, saved `postconf -n` output, or a folder that holds main.cf"
        raise AdvisorError(str(file), f"cannot be read ({error.strerror})", todo) from error
    if "\0" in text:
        raise AdvisorError(str(file), "is no text", "name a main.cf, or saved `postconf -n` output")
    found = from_text(text, str(file))
    if file.name != "main.cf":
        return found
    return replace(found, text=text, master=read_services(file.with_name("master.cf")))


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
    here = from_text(told.stdout, f"{command} -n")
    folder = Path(here.parameters.get("config_directory") or known.get("config_directory", ""))
    return replace(here, known=known, text=_own_text(folder / "main.cf"), master=_own_services(folder, command))


def _own_text(file: Path) -> str:
    """Read this machine's main.cf; '' where we may not, for postconf has said what it holds."""
    try:
        return file.read_text(encoding="utf-8", errors="replace") if file.is_absolute() else ""
    except OSError:
        return ""


def _own_services(folder: Path, command: str) -> Master | None:
    """Read this machine's master.cf, else `postconf -M`, which garbles -oname=value (seen with Postfix 3.7)."""
    text = _own_text(folder / "master.cf")
    if text:
        return services_of(text, str(folder / "master.cf"))
    told = _said(command, "-M")
    return services_of(told.stdout, f"{command} -M") if told and not told.returncode else None
