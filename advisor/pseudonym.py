"""A pseudonym: what stands for an address, a name or a mailbox where a report is passed on; the same for the same.

Each is made with a key, so nobody without it can try candidates. Networks stay networks: two addresses share as long a
prefix as the addresses that they stand for (Xu, Fan, Ammar and Moon, "Prefix-preserving IP address anonymization",
2002). Names keep their number of labels and their top level, mailboxes their domain.
"""

import base64
import hmac
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass, replace
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from advisor.blocklist import DEFAULTS
from advisor.network import LOOPBACK

Shown = TypeVar("Shown")

# queued as 0A1B2C3D  queued_as: 0A1B2C3D/0A1B2C3E
# 203.0.113.7  2001:db8::7%eth0  anna@mail.example  "a b"@x.example  mail.example  mx1
_TOKEN = re.compile(
    r"(?:(?<=queued as )|(?<=queued_as: ))(?P<queue_ids>[0-9A-Za-z/]+)"
    r"|(?<![\w.:-])(?P<tag>(?i:IPv6:))?(?P<address>(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:\.\d{1,3}){0,3}))"
    r"(?![\w-])(?:%[\w.-]+)?"
    r'|(?P<mailbox>(?:"(?:[^"\\]|\\.){0,64}"|[^\s<>()\[\],;:"\'/|]{1,256})@[\w.-]+)'
    r"|(?P<name>(?<![\w.-])[\w-]{1,63}(?:\.[\w-]{1,63})+)"
    r"|(?P<word>[\w+-]+)",
)
_WORDS = frozenset(
    {"unknown", "localhost", "root", "nobody", "postfix", "mail", "postmaster", "hostmaster", "webmaster", "abuse"}
    | {"info", "admin", "support", "sales"}
)
"""What tells of nobody, though somebody may be called so."""
_OURS = re.compile(r".*\.(?:cf|log|local|cidr)\Z|.*\.(?![a-z]{2}|xn--)[^.]*\Z")
"""Not names of hosts, though they look like some: files, versions, enhanced codes, what has no top level of letters."""
_ZONES = tuple(sorted({*(found.zone for found in DEFAULTS), "postfix.org", "in-addr.arpa", "ip6.arpa"}))
"""Known to all the world."""

ADDRESSES = frozenset({"client_address", "address"})
NETWORKS = frozenset({"client_network"})
NAMES = frozenset(
    {"host", "hosts", "client_name", "reverse_client_name", "helo_name", "domain", "dmarc_domain", "sender_domain"}
    | {"list"}
)
MAILBOXES = frozenset({"sender", "senders", "recipient", "orig_recipient", "sasl_username", "message_id"})
CODES = frozenset({"queue_id"})
TEXTS = frozenset({"text", "reason", "relay", "result"})


class Pseudonyms:
    """Gives pseudonyms; `known` are words of a log that are somebody's, such as host names and logins.

    `codes` are its queue ids, which stand in the middle of other words, too.
    """

    def __init__(self, key: bytes, known: Iterable[str] = (), codes: Iterable[str] = ()) -> None:
        """Take a key of 16 bytes or more."""
        self._key = key
        self._codes = frozenset(codes)
        self._known = {word.lower().rstrip(".") for word in known} - _WORDS - {""}
        self.address = cache(self._address)
        self.name = cache(self._name)
        self.mailbox = cache(self._mailbox)

    def _word(self, kind: str, text: str, length: int = 10) -> str:
        made = hmac.digest(self._key, f"{kind}\0{text}".encode("utf-8", "backslashreplace"), "sha256")
        return base64.b32encode(made)[:length].decode().lower()

    def _address(self, text: str) -> str:
        """An address; what is none stands for a name."""
        bare, _, _ = text.partition("%")
        if not _is_address(bare):
            return self.name(text)
        address = ip_address(bare)
        if any(address in network for network in LOOPBACK):
            return text
        return str(self._mapped(address))

    def _mapped(self, address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
        bits, number, made = address.max_prefixlen, int(address), 0
        for at in range(bits):
            made = made << 1 | (number >> (bits - 1 - at) & 1) ^ self._flip(address.version, at, number >> (bits - at))
        return type(address)(made)

    @cache  # noqa: B019 - a few of these live as long as their report
    def _flip(self, version: int, length: int, prefix: int) -> int:
        """Whether the bit behind a prefix is turned over."""
        return hmac.digest(self._key, f"ip{version}\0{length}\0{prefix}".encode(), "sha256")[0] & 1

    def network(self, text: str) -> str:
        """A network: that of the pseudonyms of its addresses."""
        base, slash, length = text.partition("/")
        try:
            address = ip_address(base)
        except ValueError:
            return self.name(text)
        host = address.max_prefixlen - int(length or address.max_prefixlen)
        return f"{type(address)(int(self._mapped(address)) >> host << host)}{slash}{length}"

    def _name(self, text: str) -> str:
        """A host name or a domain: each label but the top level; a literal is an address in its brackets."""
        low = text.lower()
        if low in _WORDS or not low:
            return text
        if low.startswith("["):
            tag = "IPv6:" if low.startswith("[ipv6:") else ""
            return f"[{tag}{self.address(text.strip('[]').removeprefix('IPv6:').removeprefix('ipv6:'))}]"
        zone = next((zone for zone in _ZONES if low == zone or low.endswith(f".{zone}")), None)
        if zone is not None:
            # What stands before it is whom it was asked about.
            front = low.removesuffix(zone).rstrip(".")
            return f"{self._word('label', front)}.{zone}" if front else zone
        labels = low.rstrip(".").split(".")
        if _is_address(low):
            return self.address(text)
        top = labels.pop() if len(labels) > 1 and labels[-1].isalpha() and labels[-1].isascii() else None
        made = [self._word("label", label) for label in labels]
        return ".".join([*made, top] if top else made)

    def _mailbox(self, text: str) -> str:
        """A mail address; the null sender stays what it is."""
        local, at, domain = text.rpartition("@")
        if not at:
            return text if text.lower() in _WORDS or not text else self._word("local", text.lower())
        return f"{self._word('local', local.lower()) if local.lower() not in _WORDS else local}@{self.name(domain)}"

    def code(self, text: str) -> str:
        """A queue id."""
        return self._word("queue id", text).upper()

    def text(self, words: str) -> str:
        """Words in which addresses, names, mailboxes and what is known stand."""
        return _TOKEN.sub(self._token, words)

    def _token(self, found: re.Match[str]) -> str:
        text = found[0]
        if found["queue_ids"]:
            return "/".join(self.code(each) for each in text.split("/"))
        if found["address"]:
            try:
                ip_address(found["address"])
            except ValueError:
                return self.name(text) if text.lower() in self._known else text
            return (found["tag"] or "") + self.address(text.removeprefix(found["tag"] or ""))
        if found["mailbox"]:
            return self.mailbox(text)
        if text in self._codes:
            return self.code(text)
        low = text.lower().rstrip(".")
        if low in self._known:
            return self.name(text)
        return text if not found["name"] or _OURS.match(low) else self.name(text)


def _is_address(text: str) -> bool:
    try:
        ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return True


def known(events: pa.Table) -> set[str]:
    """The words of a log that are somebody's and look like any other: names without a dot, logins."""
    found: set[str] = set()
    for column in ("host", "client_name", "reverse_client_name", "helo_name", "sasl_username"):
        found.update(value for value in pc.unique(events[column]).to_pylist() if value)
    return found


def codes(events: pa.Table) -> set[str]:
    """The queue ids of a log."""
    return {value for value in pc.unique(events["queue_id"]).to_pylist() if value}


def table(frame: pa.Table, by: Pseudonyms) -> pa.Table:
    """Events or attempts with pseudonyms in place of whatever tells of somebody."""
    for at, field in enumerate(frame.schema):
        if (how := _how(field.name, by)) is not None and pa.types.is_string(field.type):
            words = pc.dictionary_encode(frame[field.name].combine_chunks())
            made = pa.array([how(word) for word in words.dictionary.to_pylist()], pa.string())
            frame = frame.set_column(at, field, pc.take(made, words.indices))
    return frame


def _how(name: str, by: Pseudonyms) -> Callable[[str], str] | None:
    kinds: tuple[tuple[frozenset[str], Callable[[str], str]], ...] = (
        (ADDRESSES, by.address),
        (NETWORKS, by.network),
        (NAMES, by.name),
        (MAILBOXES, by.mailbox),
        (CODES, by.code),
        (TEXTS, by.text),
    )
    return next((how for names, how in kinds if name in names), None)


def hidden(value: Shown, by: Pseudonyms) -> Shown:
    """The same data, such as an Advice, with pseudonyms in all its texts."""
    made: Shown = _hidden(value, by, "")
    return made


def _hidden(value: Any, by: Pseudonyms, name: str) -> Any:  # noqa: ANN401 - any part of an Advice
    if isinstance(value, str):
        how = _how(name, by)
        return by.text(value) if how is None else how(value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(
            value, **{each.name: _hidden(getattr(value, each.name), by, each.name) for each in fields(value)}
        )
    if isinstance(value, tuple):
        return tuple(_hidden(item, by, name) for item in value)
    if isinstance(value, Mapping):
        return {by.text(key) if isinstance(key, str) else key: _hidden(item, by, name) for key, item in value.items()}
    return value
