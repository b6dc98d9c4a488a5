"""A row: the columns of an attempt (SCHEMA), and those among them that follow from one value of the row alone."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton
from typing import NamedTuple, Self

import pyarrow as pa

from advisor.hostname import helo_syntax, sender_domain
from advisor.network import LOOPBACK, Network
from advisor.session import Row

_COLUMNS: tuple[tuple[str, pa.DataType, str], ...] = (
    ("source", pa.string(), "the log, and"),
    ("offset", pa.int64(), "where in it the first line about this attempt starts"),
    ("time", pa.timestamp("us", "UTC"), "of that line"),
    ("host", pa.string(), "the mail server"),
    ("syslog_name", pa.string(), "its instance and service: 'postfix', 'postfix/submission'"),
    ("program", pa.string(), "smtpd or postscreen"),
    ("pid", pa.int64(), "the process"),
    ("session", pa.string(), "the visit it was part of"),
    ("message", pa.string(), "the message it was part of; a deferred one keeps its name when it comes back in 5 days"),
    ("queue_id", pa.string(), "Postfix's name for the message; null where none was begun"),
    ("stage", pa.string(), "where it was decided: CONNECT, HELO, EHLO, MAIL, RCPT, DATA, END-OF-MESSAGE"),
    ("origin", pa.string(), "outside, own network, authenticated"),
    ("client_name", pa.string(), "the verified name, 'unknown' when there was none; null when not logged"),
    ("reverse_client_name", pa.string(), "the PTR's name, 'unknown' when there was none usable; null when not logged"),
    ("client_address", pa.string(), "the client"),
    ("client_network", pa.string(), "its /24 (IPv4) or /64 (IPv6), as greylisting sees it"),
    (
        "client_status",
        pa.string(),
        "named, or why not: no_reverse (or a temporary failure), numeric, no_forward, "
        "no_forward_address, other_address, forward_temporary; null when not logged",
    ),
    ("in_mynetworks", pa.bool_(), "whether the client is in the networks given"),
    ("authenticated", pa.bool_(), "whether the client had logged in; null when not logged"),
    ("sasl_username", pa.string(), "as whom"),
    ("helo_sent", pa.bool_(), "whether a HELO was in force; null when not logged"),
    ("helo_name", pa.string(), "what it said; null when not logged or not sent"),
    ("helo_syntax", pa.string(), "what kind of name that is (advisor.hostname.helo_syntax)"),
    (
        "helo_basis",
        pa.string(),
        "logged: a line about this attempt shows the HELO; derived: one of the same session; inferred: this client "
        "sent it at all other times",
    ),
    ("sender", pa.string(), "the envelope sender; '' is the null sender"),
    ("sender_domain", pa.string(), "what stands behind the last @ in it, in lower case; '' for one without"),
    ("sender_basis", pa.string(), "logged: smtpd's own line; derived: qmgr's, after rewriting"),
    (
        "sender_kind",
        pa.string(),
        "null, literal, own (a domain whose mail ends here), rewritten (SRS: nobody knows by whom), domain",
    ),
    ("recipient", pa.string(), "the address in RCPT TO; null when not logged"),
    ("proto", pa.string(), "SMTP or ESMTP"),
    ("action", pa.string(), "accept, reject (5xx) or defer (4xx): Postfix's answer at SMTP time"),
    ("reply", pa.string(), "its code"),
    ("dsn", pa.string(), "its enhanced code"),
    ("text", pa.string(), "its words"),
    ("restriction", pa.string(), "the restriction that they stand for; 'other' where they stand for none"),
    ("list", pa.string(), "the DNS list that they name"),
    (
        "warned",
        pa.string(),
        "the restrictions that warn_if_reject logged for it, with both codes: ';NAME 450 4.7.1;NAME 504 5.5.2;'",
    ),
    (
        "status",
        pa.string(),
        "of an accepted one: sent, deferred, bounced, expired; discarded: by an access map, a header check or "
        "a milter; lost: never received whole; null: not known yet",
    ),
    ("filter_result", pa.string(), "the content filter's verdict"),
    ("spf", pa.string(), "policyd-spf's result"),
    ("dkim", pa.string(), "opendkim's result"),
    (
        "dmarc",
        pa.string(),
        "opendmarc's result: pass, fail, none; or why there is none: permerror, temperror (a 4xx), multi_from, "
        "bad_from, no_from, bad_headers (refused by RequiredHeaders), ignored; arc_pass: overridden",
    ),
    ("dmarc_domain", pa.string(), "the domain in the From header that it is about"),
    ("pipelined", pa.bool_(), "whether the client spoke before its turn"),
    ("pregreet", pa.bool_(), "whether it spoke before the greeting; False only from postscreen, which waits for that"),
    ("dnsbl_hit", pa.bool_(), "whether postscreen's DNS lists gave it a rank from the threshold up"),
    ("recipient_ours", pa.bool_(), "whether relay control let the recipient pass or would have; null when not known"),
    ("helo_found", pa.bool_(), "whether the DNS knows the HELO name; null: nobody looked it up"),
    ("sender_domain_found", pa.bool_(), "whether the DNS knows the sender's domain; null: nobody looked it up"),
    ("greylist_answer", pa.string(), "what postgrey would have answered; null: nobody replayed it"),
    ("not_logged", pa.bool_(), "null in every row: what no line of a log can tell"),
)
SCHEMA = pa.schema([pa.field(name, kind, metadata={"meaning": meaning}) for name, kind, meaning in _COLUMNS])
"""One row an attempt; see each field's `meaning`."""


class Ours(NamedTuple):
    """What the configuration calls its own: networks, domains that it takes mail for, and those that end here.

    Domains are in lower case. Of a sender in a domain that is only relayed smtpd asks the DNS as of any other
    (RESOLVE_CLASS_FINAL in resolve_clnt.h), so `final` lacks them.
    """

    networks: tuple[Network, ...] = LOOPBACK
    domains: frozenset[str] = frozenset()
    final: frozenset[str] = frozenset()

    @classmethod
    def of(cls, networks: Sequence[Network], domains: Iterable[str], relayed: Iterable[str]) -> Self:
        """Take what advisor.postconf says; `relayed` are those of the domains whose mail is only passed on."""
        own = frozenset(domain.lower() for domain in domains)
        return cls(tuple(networks), own, own - {domain.lower() for domain in relayed})


@lru_cache(maxsize=1_000)
def _address(text: str) -> IPv4Address | IPv6Address | None:
    """The address that a line shows; None where it only looks like one (a line may be damaged)."""
    try:
        return ip_address(text.partition("%")[0])
    except ValueError:
        return None


@lru_cache(maxsize=200_000)
def client_network(address: str) -> str:
    """Find the /24 or /64 of an address: pools send from neighbours, and postgrey's key is this network.

    What is no address is a network of its own.
    """
    # A fifth of the time of ipaddress, which each client of a long log would cost.
    text = address.partition("%")[0]
    try:
        if ":" not in text:
            return f"{inet_ntop(AF_INET, inet_pton(AF_INET, text)[:3] + bytes(1))}/24"
        return f"{inet_ntop(AF_INET6, inet_pton(AF_INET6, text)[:8] + bytes(8))}/64"
    except (OSError, ValueError):
        return address


class Completion:
    """Adds what follows from one value alone; each address is asked once whether it is ours."""

    def __init__(self, ours: Ours) -> None:
        """Begin with what is ours."""
        self._ours = ours
        self._inside = lru_cache(maxsize=200_000)(self._has)

    def _has(self, text: str) -> bool:
        address = _address(text)
        return address is not None and any(address in network for network in self._ours.networks)

    def complete(self, row: Row) -> None:
        """Add these columns to a row."""
        address = row["client_address"]
        row["client_network"] = None if address is None else client_network(address)
        row["in_mynetworks"] = None if address is None else self._inside(address)
        if row["authenticated"]:
            row["origin"] = "authenticated"
        else:
            row["origin"] = "own network" if row["in_mynetworks"] else "outside"
        row["helo_syntax"] = helo_syntax(row["helo_name"]) if row.get("helo_name") else None
        sender = row.get("sender")
        row["recipient_ours"] = _ours(row, self._ours.domains)
        row["sender_domain"] = None if sender is None else _sender_domain(sender)
        row["sender_kind"] = None if sender is None else _sender_kind(sender, row["sender_basis"], self._ours.final)


def _ours(row: Row, own: frozenset[str]) -> bool | None:
    """Whether relay control let the recipient pass or would have.

    Only recipients of our domains are looked up in our tables, so one that was not found there is of such a domain.
    """
    if row.get("restriction") == "reject_unauth_destination":
        return False
    passed = row["action"] == "accept" or row.get("restriction") == "reject_unlisted_recipient"
    return True if passed or sender_domain(row.get("recipient") or "") in own else None


def _sender_domain(sender: str) -> str:
    """The domain as it was written, a dot at its end included; beyond ASCII there is no lower case that DNS shares."""
    domain = sender.rpartition("@")[2] if "@" in sender else ""
    return domain.lower() if domain.isascii() else domain


def _sender_kind(sender: str, basis: str | None, final: frozenset[str]) -> str:
    domain = sender_domain(sender)
    if not sender:
        return "null"
    if domain.startswith("[") and domain.endswith("]"):
        return "literal"
    if not domain or domain in final:
        return "own"
    # qmgr shows the sender after rewriting; SRS makes a foreign sender ours (TIPS: then it proves nothing).
    if basis == "derived" and sender.upper().startswith(("SRS0=", "SRS1=", "SRS0+", "SRS1+", "SRS0-", "SRS1-")):
        return "rewritten"
    return "domain"
