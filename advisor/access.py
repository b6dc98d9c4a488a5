"""Access: what smtpd does with an access table: which keys it asks for, and what a value makes it answer.

Source: check_namadr_access(), check_domain_access(), check_addr_access(), check_mail_access() and check_table_result()
in smtpd_check.c, mail_addr_find_opt() in mail_addr_find.c; access(5).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from advisor.dictionary import Dictionary, Unknown
from advisor.hostname import valid_ipv4, valid_ipv6
from advisor.response import Responses
from advisor.restriction import Flag, Tell, Told

PARAMETERS = (
    "access_map_defer_code", "access_map_reject_code", "defer_code", "parent_domain_matches_subdomains",
    "recipient_delimiter", "reject_code", "smtpd_null_access_lookup_key",
)  # fmt: skip
"""The settings that change what a table comes to."""

_GOES_ON = frozenset({"DUNNO", "INFO", "WARN", "FILTER", "HOLD", "REDIRECT", "BCC", "PREPEND"})
# generic_checks(): what a table may name instead of an action, where it needs to know nothing.
_CERTAIN = {"permit": Told("permit", basis="derived"), "dunno": Told("dunno", basis="derived")}
# split_addr_internal() leaves these addresses whole.
_WHOLE = frozenset({"postmaster", "mailer-daemon", "double-bounce"})
_MISCONFIGURED = Told("defer", "451 4.3.5", basis="derived")

Key = tuple[str, bool]
"""A key, and whether it is a whole name, address or mail address: tables of patterns are asked for nothing else."""


@dataclass(frozen=True)
class Settings:
    """What the site has set: the codes, and how parts of a name are asked for."""

    defer_code: str = "450"
    reject_all: str = "554"
    defer_all: str = "450"
    dotted: bool = False
    delimiter: str = ""
    null_key: str = "<>"

    @classmethod
    def of(cls, codes: Mapping[str, str]) -> "Settings":
        """Take them from settings by parameter."""
        subdomains = codes.get("parent_domain_matches_subdomains")
        return cls(
            defer_code=codes.get("access_map_defer_code", "450"),
            reject_all=codes.get("reject_code", "554"),
            defer_all=codes.get("defer_code", "450"),
            dotted=subdomains is not None and "smtpd_access_maps" not in subdomains.replace(",", " ").split(),
            delimiter=codes.get("recipient_delimiter", ""),
            null_key=codes.get("smtpd_null_access_lookup_key", "<>"),
        )


def domain_keys(name: str, *, dotted: bool) -> Iterator[Key]:
    """A name and the domains above it; of a number only itself."""
    number = valid_ipv6(name) if ":" in name else valid_ipv4(name)
    key, whole = name, True
    while key:
        yield key, whole
        at = -1 if number else key.find(".", 1)
        if at < 0:
            return
        key, whole = key[at if dotted else at + 1 :], False


def address_keys(address: str) -> Iterator[Key]:
    """An address and the networks above it, a part less each time."""
    delimiter = ":" if ":" in address else "."
    key, whole = address, True
    while True:
        yield key, whole
        if delimiter not in key:
            return
        key, whole = key.rpartition(delimiter)[0], False


def mail_keys(address: str, settings: Settings) -> Iterator[Key]:
    """user+foo@domain, user@domain, domain and those above it, user+foo@, user@."""
    local, _, domain = address.rpartition("@")
    bare = _bare(local, settings.delimiter)
    yield address, True
    if bare is not None:
        yield f"{bare}@{domain}", False
    for key, _whole in _parents(domain, dotted=settings.dotted):
        yield key, False
    yield f"{local}@", False
    if bare is not None:
        yield f"{bare}@", False


def _parents(domain: str, *, dotted: bool) -> Iterator[Key]:
    key = domain
    while key:
        yield key, False
        at = key.find(".", 1)
        if at < 0:
            return
        key = key[at if dotted else at + 1 :]


def _bare(local: str, delimiter: str) -> str | None:
    """The local part without its extension; None where it has none."""
    if not delimiter or local.lower() in _WHOLE:
        return None
    if "-" in delimiter and (local.lower().startswith("owner-") or local.lower().endswith("-request")):
        return None
    at = next((place for place, char in enumerate(local) if char in delimiter), -1)
    return local[:at] if at > 0 else None


def found(table: Dictionary, keys: Iterator[Key]) -> str | None:
    """The value of the first key that the table has. Raises Unknown where that cannot be told."""
    for key, whole in keys:
        if key and (whole or table.fixed):
            value = table.find(key)
            if value is not None:
                return value
    return None


def action(value: str, settings: Settings) -> Told | None:
    """What a table's value makes smtpd answer; None where it names restrictions that have to be asked first."""
    word, _, text = value.replace("\t", " ").partition(" ")
    name = word.upper()
    if value.isascii() and value.isdigit():
        return Told("permit", basis="derived")
    if len(word) == 3 and word.isascii() and word.isdigit() and word[0] in "45" and text.strip():
        return Told("reject", word, basis="derived")
    if name in ("OK", "RELAY"):
        return Told("permit", basis="derived")
    if name == "REJECT":
        return Told("reject", basis="derived")
    if name == "DEFER":
        return Told("defer", settings.defer_code, basis="derived")
    if name == "DISCARD":
        return Told("discard", basis="derived")
    if name in ("DEFER_IF_PERMIT", "DEFER_IF_REJECT"):
        return Told(name.lower(), settings.defer_code, basis="derived")
    if name in _GOES_ON:
        return Told("dunno", basis="derived")
    return _restrictions(value, settings)


def _restrictions(value: str, settings: Settings) -> Told | None:
    """What restrictions in a table come to, where the first of them says it."""
    # A table within a table is a mistake in the configuration.
    if ":" in value:
        return _MISCONFIGURED
    first = value.replace(",", " ").split()[0].lower() if value.strip(", \t") else "permit"
    all_of_it = {
        "reject": Told("reject", settings.reject_all, "derived"),
        "defer": Told("defer", settings.defer_all, "derived"),
    }
    return {**_CERTAIN, **all_of_it}.get(first)


Keys = Callable[..., Iterator[Key] | None]
"""The keys that smtpd asks for, from the values of an attempt; None where they are not known."""


def _client(settings: Settings, name: str | None, address: str | None) -> Iterator[Key] | None:
    """A client's name and the domains above it, then its address and the networks above it."""
    if name is None or address is None:
        return None
    return iter([*domain_keys(name, dotted=settings.dotted), *address_keys(address)])


def _helo(settings: Settings, sent: Flag, name: str | None) -> Iterator[Key] | None:
    if sent is False:
        return iter(())
    return domain_keys(name, dotted=settings.dotted) if name else None


def _sender(settings: Settings, sender: str | None, kind: str | None) -> Iterator[Key] | None:
    if kind == "null":
        return iter([(settings.null_key, True)])
    # What has no domain gets ours, which is not known here.
    return mail_keys(sender, settings) if sender and "@" in sender and kind != "rewritten" else None


def _recipient(settings: Settings, recipient: str | None) -> Iterator[Key] | None:
    return mail_keys(recipient, settings) if recipient and "@" in recipient else None


KEYS: Mapping[str, Keys] = {
    "check_client_access": _client,
    "check_reverse_client_hostname_access": _client,
    "check_helo_access": _helo,
    "check_sender_access": _sender,
    "check_recipient_access": _recipient,
}


def telling(name: str, table: Dictionary, settings: Settings) -> Tell:
    """The `tell` of check_..._access with a table."""

    def tell(_: str, __: Responses, ___: datetime | None, *values: str | None) -> Told | None:
        keys = KEYS[name](settings, *values)
        if keys is None:
            return None
        try:
            value = found(table, keys)
        except Unknown:
            return None
        told = Told("dunno", basis="derived") if value is None else action(value, settings)
        # An OK there is an error to smtpd (forbid_allowlist()): anybody may choose a reverse name.
        forbidden = name == "check_reverse_client_hostname_access" and told is not None and told.word == "permit"
        return _MISCONFIGURED if forbidden else told

    return tell
