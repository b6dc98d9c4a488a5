"""Postfix's configuration: reads `postconf -n` output or a main.cf, and writes main.cf lines and commands.

Reading follows Postfix's source: readlline.c (lines), mac_expand.c ($name), smtpd_check.c (restriction
lists), match_list.c (mynetworks). Nothing here changes a file: the administrator runs the commands.
"""

import difflib
import ipaddress
import operator
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from advisor.errors import AdvisorError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_SPACE = " \t\n\v\f\r"  # isspace() of the C locale; Python's strip() would also take Unicode blanks

LISTS = {
    "smtpd_client_restrictions": "check_client_access",
    "smtpd_helo_restrictions": "check_helo_access",
    "smtpd_sender_restrictions": "check_sender_access",
    "smtpd_relay_restrictions": "check_recipient_access",
    "smtpd_recipient_restrictions": "check_recipient_access",
    "smtpd_data_restrictions": "",
    "smtpd_end_of_data_restrictions": "",
}
"""The restriction lists, in the order Postfix asks them, and what a bare `type:table` stands for in each."""

_words = re.compile(r"\S+", re.ASCII).findall

_OK_MAPS = {f"check_{what}_access" for what in _words("client helo sender recipient ccert sasl etrn")}
_HOSTS = _words("client reverse_client_hostname helo sender recipient")
_MAPS = {f"check_{who}{of}_access" for who in _HOSTS for of in ("", "_a", "_mx", "_ns")} | _OK_MAPS
_DNS = _words("""
    permit_dnswl_client permit_rhswl_client reject_rbl_client reject_rhsbl_client reject_rhsbl_helo
    reject_rhsbl_recipient reject_rhsbl_reverse_client reject_rhsbl_sender
""")
_WANTS = (
    dict.fromkeys(_MAPS, "a table, such as hash:/etc/postfix/FILE")
    | dict.fromkeys(_DNS, "a domain, such as zen.spamhaus.org")
    | {"check_policy_service": "a service, such as unix:private/NAME or inet:127.0.0.1:PORT"}
    | {"sleep": "a number of seconds"}
)
ALIASES = {
    "check_recipient_maps": "reject_unlisted_recipient",
    "reject_invalid_hostname": "reject_invalid_helo_hostname",
    "reject_non_fqdn_hostname": "reject_non_fqdn_helo_hostname",
    "reject_rbl": "reject_rbl_client",
    "reject_unknown_address": "reject_unknown_sender_domain",
    "reject_unknown_client": "reject_unknown_client_hostname",
    "reject_unknown_hostname": "reject_unknown_helo_hostname",
}
"""Obsolete names, and what generic_checks() in smtpd_check.c takes them for."""

KNOWN = frozenset([*_WANTS, *ALIASES, *_words("""
    check_relay_domains defer defer_if_permit defer_if_reject defer_unauth_destination permit
    permit_auth_destination permit_inet_interfaces permit_mx_backup permit_mynetworks permit_naked_ip_address
    permit_sasl_authenticated permit_tls_all_clientcerts permit_tls_clientcerts reject
    reject_authenticated_sender_login_mismatch reject_invalid_helo_hostname reject_known_sender_login_mismatch
    reject_maps_rbl reject_multi_recipient_bounce reject_non_fqdn_helo_hostname reject_non_fqdn_recipient
    reject_non_fqdn_sender reject_plaintext_session reject_sender_login_mismatch reject_unauth_destination
    reject_unauth_pipelining reject_unauthenticated_sender_login_mismatch reject_unknown_client_hostname
    reject_unknown_helo_hostname reject_unknown_recipient_domain reject_unknown_reverse_client_hostname
    reject_unknown_sender_domain reject_unlisted_recipient reject_unlisted_sender reject_unverified_recipient
    reject_unverified_sender warn_if_reject
""")])  # fmt: skip
"""Every restriction of postconf(5), Postfix 2.10 to 3.12; 3.9 removed check_relay_domains, reject_maps_rbl
and permit_naked_ip_address."""

_LEVEL = "${{$compatibility_level} <level "
DEFAULTS: Mapping[str, str] = {
    **dict.fromkeys(LISTS, ""),
    **dict.fromkeys(_words("recipient_delimiter smtpd_log_access_permit_actions smtpd_milters"), ""),
    **dict.fromkeys(_words("smtpd_restriction_classes virtual_mailbox_maps postscreen_dnsbl_sites"), ""),
    **dict.fromkeys(_words("smtpd_helo_required smtpd_sasl_auth_enable soft_bounce"), "no"),
    **dict.fromkeys(_words("smtpd_delay_reject smtpd_peername_lookup"), "yes"),
    **dict.fromkeys(_words("postscreen_dnsbl_action postscreen_greet_action"), "ignore"),
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
_OTHER_RELAY_LIST = {_RELAY: _RECIPIENT, _RECIPIENT: _RELAY}
_ENDS = ("permit", "reject", "defer", "check_relay_domains")
_GUARDS = ("reject_unauth_destination", "defer_unauth_destination", "reject", "defer", "check_relay_domains")
_OWN = ("permit_mynetworks", "permit_sasl_authenticated")
_CLIENT_NAME_REJECTS = ("reject_unknown_client_hostname", "reject_unknown_reverse_client_hostname")


@dataclass(frozen=True)
class Entry:
    """One element of a restriction list.

    `name` is a restriction as in postconf(5), a restriction class, or `check_access` for a bare `type:table`
    whose list is not known. `warn` says that warn_if_reject stood before it.
    """

    name: str
    argument: str = ""
    warn: bool = False

    def words(self) -> list[str]:
        """Give the words of main.cf that this entry is, without warn_if_reject."""
        bare = self.name == "check_access" and self.argument
        return [self.argument] if bare else [self.name, self.argument] if self.argument else [self.name]

    def __str__(self) -> str:
        return " ".join(self.words())


def _tokens(text: str, where: str) -> list[str]:
    """Split as mystrtokq() does: at commas and blanks, but not between { and }."""
    found, token, depth = [], "", 0
    for char in text:
        if depth == 0 and char in ", \t\r\n":
            found.append(token)
            token = ""
            continue
        depth += 1 if char == "{" else -1 if char == "}" and depth else 0
        token += char
    if depth:
        raise AdvisorError(where, f"a brace is not closed: {token}", "write the missing }")
    return [token for token in [*found, token] if token]


def parse_list(text: str, where: str = "restriction list", parameter: str | None = None) -> tuple[Entry, ...]:
    """Read a restriction list as smtpd does.

    `where` is named in errors; `parameter` says what a bare `type:table` stands for. Names lose their case
    and obsolete ones become today's; an unknown name stays as it is, since it may be a restriction class, and
    so does a `$name` that was not expanded. A restriction without its argument raises AdvisorError.
    Source: smtpd_check_parse() and generic_checks() in smtpd_check.c.
    """
    entries: list[Entry] = []
    warn = False
    tokens = iter(_tokens(text, where))
    for token in tokens:
        name = token.lower() if token.lower() in KNOWN else token
        name = ALIASES.get(name, name)
        if name == "warn_if_reject":
            warn = True
            continue
        if ":" in token and not token.startswith("$"):
            entry = Entry(LISTS.get(parameter or "") or "check_access", token, warn)
        elif name in _WANTS:
            entry = Entry(name, _argument(name, next(tokens, ""), where), warn)
        else:
            entry = Entry(name, "", warn)
        entries.append(entry)
        warn = False
    return tuple(entries)


def _argument(name: str, argument: str, where: str) -> str:
    """Check the argument: where a table or service is missing, smtpd answers 451 to all mail."""
    fits = argument and argument.lower() not in KNOWN
    if name in _MAPS or name == "check_policy_service":
        fits = fits and ":" in argument
    elif name == "sleep":
        fits = fits and argument.isdecimal()
    if fits or "$" in argument:
        return argument
    what = f"{name} has no argument" + (f", for {argument} cannot be one" if argument else "")
    raise AdvisorError(where, what, f"write {name} and then {_WANTS[name]}")


def suggest(name: str, candidates: Iterable[str]) -> str | None:
    """Find the candidate that a misspelt name most resembles; None where none comes near (difflib)."""
    return next(iter(difflib.get_close_matches(name.lower(), sorted(candidates), n=1)), None)


@dataclass(frozen=True)
class State:
    """Whether a restriction is on: in which parameters, and its positions there, counted from 1."""

    word: Literal["off", "warn", "enforced"]
    parameters: tuple[str, ...] = ()
    positions: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.word} in {', '.join(self.parameters)}" if self.parameters else self.word


@dataclass(frozen=True)
class Networks:
    """What mynetworks says: an address is ours when it is in `inside` and not in `excluded`.

    `unread` are patterns that cannot be known from the configuration alone (files, tables, host names) or
    that Postfix does not accept; `stated` is False where loopback stands in for a mynetworks we do not know.
    """

    inside: tuple[Network, ...]
    excluded: tuple[Network, ...]
    unread: tuple[str, ...]
    stated: bool


def _network(pattern: str) -> Network | None:
    """Read an address or network of mynetworks: IPv6 in brackets, the prefix length behind (match_ops.c)."""
    found = re.fullmatch(r"\[([0-9A-Fa-f:.]+)\](/\d+)?|([\d.]+(?:/\d+)?)", pattern)
    try:
        return ipaddress.ip_network((found[1] or "") + (found[2] or "") + (found[3] or "")) if found else None
    except ValueError:
        return None


def _without(network: Network, hole: Network) -> list[Network]:
    """Cut a hole into a network."""
    if not network.overlaps(hole):  # nor do networks of different versions
        return [network]
    if network.prefixlen >= hole.prefixlen:
        return []
    return list(network.address_exclude(hole))  # type: ignore[arg-type]  # one version: they overlap


def _closing(text: str, at: int) -> int:
    """Where the bracket that opens at `at` is closed."""
    opening, closing = ("{", "}") if text[at] == "{" else ("(", ")")
    depth = 0
    for place in range(at, len(text)):
        depth += (text[place] == opening) - (text[place] == closing)
        if depth == 0:
            return place
    raise _bad_expression(text)


def _bad_expression(text: str) -> AdvisorError:
    return AdvisorError("main.cf", f"cannot expand ${{{text}}}", "see postconf(5) for ${name?{a}:{b}}")


def _operand(text: str) -> tuple[str, str]:
    """Take what follows ? or : in ${...}, text in braces or else everything; and the rest (mac_expand.c)."""
    bare = text.lstrip(_SPACE)
    if not bare.startswith("{"):
        return text, ""
    end = _closing(bare, 0)
    return bare[1:end], bare[end + 1 :].lstrip(_SPACE)


def _level(text: str) -> tuple[int, ...]:
    """Read a compatibility level as numbers: 3.10 is above 3.9 (compat_level.c)."""
    if not re.fullmatch(r"\d+(\.\d+){0,2}", text):
        raise _bad_expression(text)
    numbers = [int(number) for number in text.split(".")]
    return tuple([*numbers, 0, 0][:3])


_WORD = re.compile(r"\w*", re.ASCII)
_NAME = re.compile(r"\s*(\w+)\s*", re.ASCII)
_RELATION = re.compile(r"(==|!=|<=|>=|<|>)(level)?\s*(?=\{)")
_RELATIONS = {
    "==": operator.eq, "!=": operator.ne,
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def _relation(left: str, sign: str, right: str) -> str:
    """Compare numbers as numbers, else as text; `true` or nothing (mac_exp_eval() in mac_expand.c)."""
    compare = _RELATIONS[sign.removesuffix("level")]
    if sign.endswith("level"):
        holds = compare(_level(left), _level(right))
    elif re.fullmatch(r"\d+", left + right) and left and right:
        holds = compare(int(left), int(right))
    else:
        holds = compare(left, right)
    return "true" if holds else ""


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
                end = _closing(text, start)
                inside, at = text[start + 1 : end], end + 1
            else:
                found = _WORD.match(text, start)
                inside, at = (found[0], found.end()) if found else ("", start)
            parts.append(self._reference(inside, active))
        return "".join(parts) + text[at:]

    def _reference(self, inside: str, active: tuple[str, ...]) -> str:
        """Replace what stands inside ${ and }."""
        left, rest = _operand(inside)
        if inside.lstrip(_SPACE).startswith("{"):
            found = _RELATION.match(rest)
            if not found:
                raise _bad_expression(inside)
            right, rest = _operand(rest[found.end() :])
            sign = found[1] + (found[2] or "")
            tested = _relation(self.expanded(left, active), sign, self.expanded(right, active))
            plain = tested
        else:
            found = _NAME.match(inside)
            if not found:
                raise _bad_expression(inside)
            # ? and : ask whether the parameter is set to something, before expansion (mac_expand.c)
            name, rest, tested = found[1], inside[found.end() :], self._raw(found[1])
            plain = "" if rest else self._named(name, active)
        if not rest:
            return plain
        branches = {"?": "", ":": ""}
        while rest:
            sign = rest[0]
            if sign not in branches:
                raise _bad_expression(inside)
            branches[sign], rest = _operand(rest[1:])
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
        return _tokens(self.value("smtpd_restriction_classes"), f"{self.origin}, smtpd_restriction_classes")

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
            for position, entry in enumerate(entries[: _end(entries) + 1], 1)
            if entry.name.lower() == name and _fits(entry.argument, argument)
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
            loopback = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
            return Networks(loopback, (), (), stated=False)
        inside: list[Network] = []
        excluded: list[Network] = []
        unread = []
        for pattern in _tokens(self.value("mynetworks"), f"{self.origin}, mynetworks"):
            negations = len(pattern) - len(pattern.lstrip("!"))
            network = _network(pattern[negations:])
            if network is None:
                unread.append(pattern)
            elif negations % 2 == 0:
                inside.append(network)
            else:
                left = [network]
                for hole in inside:
                    left = [piece for part in left for piece in _without(part, hole)]
                excluded += left
        return Networks(tuple(inside), tuple(excluded), tuple(unread), stated=True)

    def local_domains(self) -> frozenset[str]:
        """Collect the domains named as ours, in lower case.

        Tables, files, address literals and .patterns are not read; `!name` takes a name out (match_list.c).
        """
        found: set[str] = set()
        for parameter in _words("mydestination virtual_mailbox_domains virtual_alias_domains relay_domains"):
            names = _tokens(self.value(parameter).lower(), f"{self.origin}, {parameter}")
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
        if _RELAY in read and not _guarded(read[_RELAY]):
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
        before = _before_guard(entries)
        risky = next((entry for entry in before if _may_permit(entry)), None)
        if risky is None:
            return
        why = "is empty" if not self.value(_RELAY) else "lets other destinations pass"
        if not self.is_set(_RELAY):
            why = "is not set, which Postfix 3 takes for empty while compatibility_level is below 1"
        yield (
            f"{_RECIPIENT} has {risky} with no reject_unauth_destination before it, and {_RELAY} {why}: an OK"
            f" from it opens a relay; set {_RELAY} = {', '.join(_OWN)}, defer_unauth_destination."
        )


def _end(entries: Sequence[Entry]) -> int:
    """Find the first unconditional answer, which ends a list; warn_if_reject disarms all but a permit."""
    for at, entry in enumerate(entries):
        if entry.name in _ENDS and (entry.name == "permit" or not entry.warn):
            return at
    return len(entries)


def _fits(argument: str, wanted: str) -> bool:
    return not wanted or wanted.lower() in (argument.lower(), argument.lower().partition("=")[0])


def _before_guard(entries: Sequence[Entry]) -> Sequence[Entry]:
    """Take the entries asked before other destinations are refused, or before the list ends."""
    guards = (at for at, entry in enumerate(entries) if entry.name in _GUARDS and not entry.warn)
    return entries[: min(next(guards, len(entries)), _end(entries))]


def _guarded(entries: Sequence[Entry]) -> bool:
    """Whether the list refuses to relay."""
    at = len(_before_guard(entries))
    return at < len(entries) and entries[at].name in _GUARDS


def _may_permit(entry: Entry) -> bool:
    """Whether an OK from outside may end the list: smtpd forbids it to NS, MX, A and reverse name tables."""
    return entry.name in _OK_MAPS or entry.name in ("check_policy_service", "check_access")


def _own_users_refused(parameter: str, entries: Sequence[Entry]) -> Iterator[str]:
    for at, entry in enumerate(entries[: _end(entries)]):
        if entry.name in _CLIENT_NAME_REJECTS and not entry.warn:
            before = {earlier.name for earlier in entries[:at]}
            if missing := [name for name in _OWN if name not in before]:
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
        bare = line.strip(_SPACE)
        if not bare or bare.startswith("#") or _DIAGNOSTIC.match(line):
            continue
        if line[0] in _SPACE and first:
            parts.append(bare)
            continue
        if first:
            yield first, " ".join(parts)
        first, parts = number, [line.rstrip(_SPACE)]
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
        shown = "".join(char if char.isprintable() else "?" for char in line.strip(_SPACE)[:60])
        found = _SETTING.fullmatch(line)
        if line[0] in _SPACE:
            faults.append(f"line {number}: {shown} continues nothing, so Postfix ignores it.")
        elif found:
            previous = found[1]
            parameters[previous] = found[2].strip(_SPACE)
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


def _lines(parameter: str, entries: Iterable[Entry]) -> list[str]:
    """Spell each entry as in main.cf; AdvisorError where it would be read back as something else.

    An argument may come from a log: a comma, blank or line break in it would smuggle in a restriction, and a
    dollar that Postfix cannot expand would stop it.
    """
    lines = []
    for entry in entries:
        words = ["warn_if_reject"] * entry.warn + entry.words()
        line = " ".join(words)
        clean = line.replace("\t", " ").isprintable() and "\ufffd" not in line and not line.startswith("#")
        if not clean or _tokens(line, parameter) != words:
            raise AdvisorError(parameter, f"{line!r} cannot stand in main.cf", "leave this entry out")
        Postconf({}, parameter).expanded(line)
        lines.append(line)
    return lines


def with_entries(config: Postconf | None, parameter: str, entries: Sequence[Entry]) -> str:
    """Write the lines of main.cf as they will stand, one restriction a line.

    With a configuration, a name that is neither Postfix's nor one of its classes raises AdvisorError.
    """
    if config is not None:
        names = {*KNOWN, "check_access", *config.classes()}
        for entry in entries:
            if entry.name not in names and not entry.name.startswith("$"):
                near = suggest(entry.name, names)
                todo = f"did you mean {near}?" if near else "define it in smtpd_restriction_classes"
                raise AdvisorError(parameter, f"Postfix knows no restriction {entry.name}", todo)
    return "\n".join([f"{parameter} =", *(f"    {line}" for line in _lines(parameter, entries))]) + "\n"


def _as_written(config: Postconf, parameter: str) -> list[Entry]:
    """Read a list with its classes and $names left as they are, so that writing it back keeps them."""
    text = config.parameters[parameter] if config.is_set(parameter) else config.value(parameter)
    return list(parse_list(text, f"{config.origin}, {parameter}", parameter))


def insert(
    config: Postconf | None, parameter: str, entry: Entry, before: Sequence[Entry] = ()
) -> tuple[Entry, ...]:
    """Add an entry to the parameter's list, own users permitted and the `before` tables asked first.

    An entry that only warns is replaced where it stands; a new one goes last, but before an unconditional
    answer. Where only the recipient list keeps the relay closed, nothing that may say OK is put before its
    reject_unauth_destination: the entry goes behind it, or it is added. Classes and $names stay as written.
    """
    config = config or Postconf({}, "no configuration")
    entries = _as_written(config, parameter)
    place, entry = _place(entries, entry)
    other = _OTHER_RELAY_LIST.get(parameter)
    if other and any(map(_may_permit, (entry, *before))) and not _guarded(config.entries(other)):
        guard = len(_before_guard(entries))
        if guard < _end(entries) and place < guard:
            if place < len(entries) and _same(entries[place], entry):
                del entries[place]
                guard -= 1
            place = guard + 1
        elif guard >= _end(entries):
            before = (Entry("reject_unauth_destination"), *before)
    head, tail = entries[:place], entries[place:]
    if tail and _same(tail[0], entry):
        tail[0] = entry
    else:
        tail.insert(0, entry)
    own = [Entry(name) for name in _OWN if not any(earlier.name == name for earlier in head)]
    tables = [table for table in before if not any(_same(earlier, table) for earlier in head)]
    at = 1 if head and head[0].name == _OWN[0] else 0
    tail = [later for later in tail if not any(_same(later, moved) for moved in (*own, *tables))]
    return (*head[:at], *own, *head[at:], *tables, *tail)


def _same(one: Entry, other: Entry) -> bool:
    return replace(one, warn=False) == replace(other, warn=False)


def _place(entries: Sequence[Entry], entry: Entry) -> tuple[int, Entry]:
    """Where an entry stands or should stand, and whether it may warn only: what is enforced stays so."""
    end = _end(entries)
    standing = [at for at, other in enumerate(entries[:end]) if _same(other, entry)]
    enforced = [at for at in standing if not entries[at].warn]
    if enforced:
        return enforced[0], replace(entry, warn=False)
    return (standing[0] if standing else end), entry


def commands(parameter: str, entries: Sequence[Entry]) -> str:
    """One shell line that sets the list; `postconf -e` takes no line breaks."""
    return "postconf -e " + shlex.quote(f"{parameter} = {', '.join(_lines(parameter, entries))}")


def undo(config: Postconf | None, parameter: str) -> str:
    """One shell line that brings back what the configuration has: the old value, or none (postconf -X)."""
    if config is None or not config.is_set(parameter):
        return f"postconf -X {shlex.quote(parameter)}"
    old = " ".join(_words(config.parameters[parameter]))
    if not old.isprintable() or "\ufffd" in old:
        raise AdvisorError(config.origin, f"{parameter} is not clean text", "keep a copy of main.cf")
    return "postconf -e " + shlex.quote(f"{parameter} = {old}".rstrip())
