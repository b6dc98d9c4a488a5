"""One client's visit to smtpd or postscreen, from connect to disconnect, and what it asked for there."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from advisor.message import Message, Request
from advisor.programs.smtpd import read_counts
from advisor.record import Record

Row = dict[str, Any]
"""The columns of an attempt, by name."""

STATUS_OF_REASON = {
    # getaddrinfo(3)'s words at the end of the hostname warning (smtpd_peer.c): glibc, BSD, musl
    "Name or service not known": "no_forward",
    "nodename nor servname provided, or not known": "no_forward",
    "Name does not resolve": "no_forward",
    "No address associated with hostname": "no_forward_address",
    "Address family for hostname not supported": "no_forward_address",
    "Name has no usable address": "no_forward_address",
    "Temporary failure in name resolution": "forward_temporary",
    "Try again": "forward_temporary",
    # TEMP_AI_ERROR() in myaddrinfo.h takes these two for temporary as well.
    "System error": "forward_temporary",
    "Memory allocation failure": "forward_temporary",
}


@lru_cache(maxsize=10_000)
def _counts(commands: str) -> dict[str, tuple[int, int]]:
    """The command counts, read once for each wording: few differ."""
    return read_counts(commands)


@dataclass(eq=False, slots=True)
class Session:
    """A visit; `connect` is its first line, or the first that was seen of it where the log begins in its middle.

    `whole` says which of the two. `loose` are requests that nothing has refused, before a message begins for them.
    `cut` says that the log ended before the session did. `spf` holds the answers to its senders, in lower case, which
    are among those after the first `since` of the log. `pregreet` says whether the client spoke before the greeting,
    `dnsbl_hit` whether postscreen's DNS lists gave it a rank from the threshold up.
    """

    connect: Record
    last: int
    whole: bool = False
    client_status: str | None = None
    reverse_client_name: str | None = None
    refused: Record | None = None
    disconnect: Record | None = None
    current: Request | None = None
    requests: list[Request] = field(default_factory=list)
    loose: list[Request] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    warned: list[Record] = field(default_factory=list)
    spf: dict[str, str] = field(default_factory=dict)
    since: int = 0
    sasl_username: str | None = None
    pipelined: bool = False
    pregreet: bool | None = None
    dnsbl_hit: bool | None = None
    cut: bool = False
    _helo_names: dict[str, str] = field(default_factory=dict)
    _doubtful_helo: str | None = None

    @classmethod
    def begin(cls, record: Record, warning: Record | None = None) -> "Session":
        """Start with a line; before a connect line the same process may have warned about this client's name.

        `unknown` without a warning: no usable PTR, or a temporary failure of that look-up, which leaves no trace.
        """
        session = cls(record, record.time, whole=record.kind in ("connect", "screen_connect"))
        name = record.client_name
        if name not in (None, "unknown"):
            session.client_status, session.reverse_client_name = "named", name
        elif record.kind == "connect":
            session.client_status, session.reverse_client_name = "no_reverse", "unknown"
            if warning is not None and warning.kind == "numeric_hostname":
                session.client_status = "numeric"
            elif warning is not None:
                session.reverse_client_name = warning.reverse_client_name
                session.client_status = _status_of(warning)
        return session

    def passes(self) -> None:
        """Postscreen's tests before the greeting are over: what it has not logged until now it has not found."""
        self.pregreet = bool(self.pregreet)
        self.dnsbl_hit = bool(self.dnsbl_hit)

    @property
    def asked_nothing(self) -> bool:
        """Whether no line shows that anything was asked for, as of all that postscreen lets pass."""
        return not (self.requests or self.messages or self.refused or self.disconnect)

    @property
    def counts(self) -> dict[str, tuple[int, int]]:
        """The command counts of the disconnect line: command → (successful, all); empty before Postfix 3.0."""
        return _counts(self.disconnect.commands or "") if self.disconnect is not None else {}

    @property
    def helo_sent(self) -> bool | None:
        """Whether a HELO was in force at the end; None where nothing says so."""
        return self.disconnect.helo_sent if self.disconnect is not None else None

    @property
    def helo_name(self) -> str | None:
        """The only HELO name that lines of this session show; None where there is none, or may be more than one.

        cleanup's lines and a filter's are about a message, not about a session: the session has them from there.
        After STARTTLS a client says the same again; one that said yet another HELO may have changed its name.
        """
        counts = self.counts
        if sum(counts.get(name, (0, 0))[0] for name in ("helo", "ehlo")) > 1 + counts.get("starttls", (0, 0))[0]:
            return None
        shown = (message.helo_name for message in self.messages)
        names = {name.lower(): name for name in shown if name} | self._helo_names
        if self._doubtful_helo is not None and self.helo_sent:
            names = {self._doubtful_helo.lower(): self._doubtful_helo, **names}
        return next(iter(names.values())) if len(names) == 1 else None

    def says_helo(self, name: str | None) -> None:
        """Remember a HELO name that a line of Postfix shows."""
        if name:
            self._helo_names[name.lower()] = name

    def takes_spf(self, answer: Record) -> None:
        """Remember what policyd-spf said, and the HELO name that it shows in lower case.

        Where the client sent none it prints the sender's domain instead, behind its first `@`, or `unknown` where that
        has none (spf_engine's _spfcheck()). So that name counts only where the command counts say there was a HELO.
        """
        self.spf[(answer.sender or "").lower()] = answer.result or ""
        name = answer.helo_name
        if name and name.lower() == ((answer.sender or "").partition("@")[2].lower() or "unknown"):
            self._doubtful_helo = name
        elif name:
            self._helo_names.setdefault(name.lower(), name)

    def asks(self, record: Record) -> Request:
        """Take in a verdict line at RCPT: one more about the present RCPT TO, or the first of the next."""
        request = self.current
        if request is None or not request.is_about(record):
            request = self.current = Request(record)
            self.requests.append(request)
            self.loose.append(request)
        request.add(record)
        if request.verdict is not None:
            # The refusal comes last: whatever follows is about another RCPT TO, though it may name the same addresses.
            self.current = None
            holder = self.loose if request.message is None else request.message.requests
            if request in holder:
                holder.remove(request)
        return request

    def hands_over(self, message: Message) -> None:
        """A message begins: at the first RCPT TO that was accepted, whose lines said NOQUEUE until now."""
        for request in self.loose:
            self.joins(request, message)
        self.messages.append(message)
        self.current = None

    def joins(self, request: Request, message: Message) -> None:
        """A request turns out to be part of a message.

        All that smtpd says at RCPT TO about a sender and a HELO is of the whole message: a new one of either ends it.
        """
        if request in self.loose:
            self.loose = [other for other in self.loose if other is not request]
            message.requests.append(request)
        request.message = message
        if message.logged_sender is None:
            message.logged_sender = request.record.sender
        message.helo_name = message.helo_name or request.helo_name
        message.fate = request.fate or message.fate


def _status_of(warning: Record) -> str:
    """What a hostname warning says: the name's forward look-up failed for a reason, or gave other addresses."""
    return "other_address" if warning.reason is None else STATUS_OF_REASON.get(warning.reason, "no_forward")
