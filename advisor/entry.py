"""An entry of a restriction list, and what a list of them comes to: spelled and read as in main.cf."""

import difflib
import re
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from advisor.errors import AdvisorError

words = re.compile(r"\S+", re.ASCII).findall
"""The words of a text, at the blanks of the C locale."""

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


_OK_MAPS = {f"check_{what}_access" for what in words("client helo sender recipient ccert sasl etrn")}
_HOSTS = words("client reverse_client_hostname helo sender recipient")
_MAPS = {f"check_{who}{of}_access" for who in _HOSTS for of in ("", "_a", "_mx", "_ns")} | _OK_MAPS
_DNS = words("""
    permit_dnswl_client permit_rhswl_client reject_rbl_client reject_rhsbl_client reject_rhsbl_helo
    reject_rhsbl_recipient reject_rhsbl_reverse_client reject_rhsbl_sender
""")
_WANTS = (
    dict.fromkeys(_MAPS, "a table, such as hash:/etc/postfix/FILE")
    | dict.fromkeys(_DNS, "a domain, such as zen.spamhaus.org")
    | {"check_policy_service": "a service, such as unix:private/NAME or inet:127.0.0.1:PORT"}
    | {"sleep": "a number of seconds"}
)
_MAY_WANT = ("policyd-spf", "postscreen_dnsbl_action")
"""What `simulate` may be asked with settings of its own, in braces: `policyd-spf { HELO_reject = False }`."""
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

KNOWN = frozenset([*_WANTS, *ALIASES, *words("""
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

ENDS = ("permit", "reject", "defer", "check_relay_domains")
GUARDS = ("reject_unauth_destination", "defer_unauth_destination", "reject", "defer", "check_relay_domains")
OWN = ("permit_mynetworks", "permit_sasl_authenticated")
"""What lets our own machines and users pass; it belongs before the rejects that they would fail."""


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


def tokens(text: str, where: str, separators: str = ", \t\r\n") -> list[str]:
    """Split as mystrtokq() does: at commas and blanks, but not between { and }."""
    found, token, depth = [], "", 0
    for char in text:
        if depth == 0 and char in separators:
            found.append(token)
            token = ""
            continue
        depth += 1 if char == "{" else -1 if char == "}" and depth else 0
        token += char
    if depth:
        raise AdvisorError(where, f"a brace is not closed: {token}", "write the missing }")
    return [each for each in [*found, token] if each]


def parse_list(text: str, where: str = "restriction list", parameter: str | None = None) -> tuple[Entry, ...]:
    """Read a restriction list as smtpd does.

    `where` is named in errors; `parameter` says what a bare `type:table` stands for. Names lose their case
    and obsolete ones become today's; an unknown name stays as it is, since it may be a restriction class, and
    so does a `$name` that was not expanded. A restriction without its argument raises AdvisorError.
    Source: smtpd_check_parse() and generic_checks() in smtpd_check.c.
    """
    entries: list[Entry] = []
    warn = False
    rest = deque(tokens(text, where))
    while rest:
        token = rest.popleft()
        name = token.lower() if token.lower() in KNOWN else token
        name = ALIASES.get(name, name)
        if name == "warn_if_reject":
            warn = True
            continue
        if ":" in token and not token.startswith("$"):
            entry = Entry(LISTS.get(parameter or "") or "check_access", token, warn)
        elif name in _WANTS:
            entry = Entry(name, _argument(name, rest.popleft() if rest else "", where), warn)
        elif name in _MAY_WANT and rest and rest[0].startswith("{"):
            entry = Entry(name, rest.popleft(), warn)
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


def end_of(entries: Sequence[Entry]) -> int:
    """Find the first unconditional answer, which ends a list; warn_if_reject disarms all but a permit."""
    for at, entry in enumerate(entries):
        if entry.name in ENDS and (entry.name == "permit" or not entry.warn):
            return at
    return len(entries)


def bare(argument: str) -> str:
    """Take the service or list out of an argument: `{ inet:HOST:PORT, timeout=10s }`, `zen.spamhaus.org=127.0.0.2`.

    Braces around a policy service hold its own settings, the service first (postconf(5), check_policy_service).
    """
    if argument.startswith("{") and argument.endswith("}"):
        return next(iter(tokens(argument[1:-1], "restriction list")), "")
    return argument.partition("=")[0]


def fits(argument: str, wanted: str) -> bool:
    """Whether an argument is the one wanted; `zen.spamhaus.org` is also `zen.spamhaus.org=127.0.0.2`."""
    return not wanted or wanted.lower() in (argument.lower(), bare(argument).lower())


def before_guard(entries: Sequence[Entry]) -> Sequence[Entry]:
    """Take the entries asked before other destinations are refused, or before the list ends."""
    guards = (at for at, entry in enumerate(entries) if entry.name in GUARDS and not entry.warn)
    return entries[: min(next(guards, len(entries)), end_of(entries))]


def guarded(entries: Sequence[Entry]) -> bool:
    """Whether the list refuses to relay."""
    at = len(before_guard(entries))
    return at < len(entries) and entries[at].name in GUARDS


def may_permit(entry: Entry) -> bool:
    """Whether an OK from outside may end the list: smtpd forbids it to NS, MX, A and reverse name tables."""
    return entry.name in _OK_MAPS or entry.name in ("check_policy_service", "check_access")
