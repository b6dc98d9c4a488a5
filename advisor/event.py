"""The schema of an event: each column, its meaning, its origin.

An event is what one log line says. Names are those of Postfix's policy protocol (SMTPD_POLICY_README) where it has
one, and of postconf(5) or the RFCs otherwise. A column that a line says nothing about is null; the null sender is ''.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

VERSION = 1
"""The schema's number; a store written by a higher one is refused, never misread."""

UNRECOGNISED = "unrecognised"
"""The kind of a line that nobody understood; its whole text is kept in `text`."""

_COLUMNS: tuple[tuple[str, pa.DataType, str], ...] = (
    (
        "source",
        pa.string(),
        "which log the line is from: the hash of its first line, and a number where two share that",
    ),
    ("offset", pa.int64(), "where the line starts in the source's uncompressed bytes"),
    ("time", pa.timestamp("us", "UTC"), "the header's time; null where the line has no readable header"),
    ("host", pa.string(), "the machine that logged"),
    (
        "syslog_name",
        pa.string(),
        "the tag before the program: 'postfix', 'postfix/submission'; null for other packages",
    ),
    ("program", pa.string(), "the last part of the tag: 'smtpd', 'postgrey'"),
    ("pid", pa.int64(), "the process; null when not logged"),
    ("kind", pa.string(), "the line family: 'connect', 'verdict', 'delivery', ...; 'unrecognised' when there is none"),
    ("queue_id", pa.string(), "the message; null for NOQUEUE"),
    (
        "stage",
        pa.string(),
        "the SMTP command a verdict or a lost connection belongs to: CONNECT, EHLO, MAIL, RCPT, ...",
    ),
    (
        "action",
        pa.string(),
        "reject, reject_warning, permit, info, warn, hold, milter-reject, ...; postgrey's greylist, pass",
    ),
    ("client_name", pa.string(), "the verified name; 'unknown' when Postfix had none"),
    ("client_address", pa.string(), "IPv4 or IPv6, without brackets"),
    ("client_port", pa.int64(), "the client's port, where it is logged"),
    ("reverse_client_name", pa.string(), "the name of the PTR record, where a line shows it"),
    ("helo_name", pa.string(), "what the client said in HELO or EHLO"),
    ("helo_sent", pa.bool_(), "whether a HELO was in force at the end of the session, from the command counts"),
    ("sender", pa.string(), "the envelope sender; '' is the null sender"),
    ("recipient", pa.string(), "the envelope recipient"),
    ("orig_recipient", pa.string(), "the recipient before aliases (orig_to=)"),
    ("sasl_username", pa.string(), "the login"),
    ("proto", pa.string(), "SMTP or ESMTP; postscreen's and amavis' too"),
    ("reply", pa.string(), "the three digits of the SMTP reply"),
    ("dsn", pa.string(), "the enhanced status code (RFC 3463)"),
    ("text", pa.string(), "the words that no other column holds; the whole line where it was not recognised"),
    ("restriction", pa.string(), "the restriction that Postfix's wording stands for; 'other' where it stands for none"),
    ("list", pa.string(), "the DNS list that answered"),
    ("relay", pa.string(), "where a message was handed on"),
    ("status", pa.string(), "sent, deferred, bounced, expired, ..."),
    ("delay", pa.float64(), "seconds; of a delivery, or since postgrey first saw the triplet"),
    ("size", pa.int64(), "bytes of a message"),
    ("nrcpt", pa.int64(), "recipients of a message, as qmgr counts them"),
    ("message_id", pa.string(), "the Message-ID header, without the brackets"),
    ("result", pa.string(), "of SPF, DKIM or DMARC; of amavis: Passed CLEAN, Blocked SPAM, ..."),
    ("reason", pa.string(), "why: of postgrey's answer, of a hostname warning, of a failed login"),
    ("domain", pa.string(), "the domain a DKIM or DMARC result is about"),
    ("commands", pa.string(), "the command counts of a disconnect line, as logged"),
    ("repeated", pa.int64(), "how often the line stands for itself; 1 but for 'last message repeated n times'"),
)

SCHEMA = pa.schema([pa.field(name, kind, metadata={"meaning": meaning}) for name, kind, meaning in _COLUMNS])
"""One row an event; see each field's `meaning`."""

CODED = frozenset(
    {
        *("source", "host", "syslog_name", "program", "kind", "stage", "action", "proto", "reply", "dsn"),
        *("restriction", "list", "relay", "status", "result", "reason", "domain", "commands"),
    }
)
"""The columns of few different values: each value is kept once for a block of a log, and a number in its place."""

ENCODED = pa.schema(
    [field.with_type(pa.dictionary(pa.int32(), pa.string())) if field.name in CODED else field for field in SCHEMA]
)
"""SCHEMA as a parser's blocks have it, which Parquet writes several times as fast."""


@dataclass
class Coverage:
    """How much of a log was understood: lines = events + ignored + unrecognised, always."""

    lines: int = 0
    events: int = 0
    ignored: int = 0
    unrecognised: int = 0
    ignored_by_program: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: "Coverage") -> "Coverage":
        return Coverage(
            self.lines + other.lines,
            self.events + other.events,
            self.ignored + other.ignored,
            self.unrecognised + other.unrecognised,
            self.ignored_by_program + other.ignored_by_program,
        )

    def complete(self) -> None:
        """Derive the sums from what was counted line by line."""
        self.ignored = self.ignored_by_program.total()
        self.events = self.lines - self.ignored - self.unrecognised

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, for Parquet metadata and JSON."""
        # Not asdict(): it rebuilds a Counter from pairs, and counts those.
        return {**vars(self), "ignored_by_program": dict(self.ignored_by_program)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Coverage":
        """The reverse of `as_dict`."""
        return cls(**{**values, "ignored_by_program": Counter(values["ignored_by_program"])})


@dataclass(frozen=True)
class Parsed:
    """What became of some lines: their events (columns of SCHEMA) and the account of all of them."""

    events: pa.Table
    coverage: Coverage
