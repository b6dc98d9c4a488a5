"""One client's visit to smtpd, from connect to disconnect, and the messages it handed over."""

from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]
"""The columns of an event or of an attempt, by name."""

STATUS_OF_REASON = {
    # getaddrinfo(3)'s words at the end of the hostname warning (smtpd_peer.c)
    "Name or service not known": "no_forward",
    "nodename nor servname provided, or not known": "no_forward",
    "No address associated with hostname": "no_forward_address",
    "Temporary failure in name resolution": "forward_temporary",
}


@dataclass(eq=False)
class Request:
    """One RCPT TO, as far as the verdict lines tell: built from all of them until the next RCPT TO begins."""

    event: Row
    verdict: Row | None = None
    helo_name: str | None = None
    helo_sent: bool | None = None
    warned: list[Row] = field(default_factory=list)

    def add(self, event: Row) -> None:
        """Take in one more verdict line about this RCPT TO."""
        if event["action"] == "reject":
            self.verdict = event
        elif event["action"] == "reject_warning":
            self.warned.append(event)
        self.helo_name = event["helo_name"] or self.helo_name
        if event["helo_sent"] is not None:
            self.helo_sent = event["helo_sent"]

    def is_about(self, event: Row) -> bool:
        """Whether a verdict line belongs to this RCPT TO: same addresses, and not refused yet (the refusal comes last)."""
        return self.verdict is None and (self.event["sender"], self.event["recipient"]) == (
            event["sender"],
            event["recipient"],
        )


@dataclass(eq=False)
class Delivery:
    """What became of one recipient of a message: the last delivery line about it."""

    recipient: str
    status: str
    child: "Message | None" = None

    def outcome(self) -> str:
        """The final status; behind a content filter, that of the message which came back from it."""
        if self.child is not None and self.child.deliveries:
            own = self.child.deliveries.get(self.recipient.lower())
            chosen = own if own is not None else next(iter(self.child.deliveries.values()))
            return chosen.outcome()
        return self.status


@dataclass(eq=False)
class Message:
    """What one queue id stood for, from its first line to its removal; queue ids are used again."""

    queue_id: str | None
    event: Row
    session: "Session | None" = None
    requests: list[Request] = field(default_factory=list)
    deliveries: dict[str, Delivery] = field(default_factory=dict)
    sender: str | None = None
    queued: bool = False
    removed: bool = False
    is_child: bool = False
    children: list["Message"] = field(default_factory=list)
    refusal: Row | None = None
    helo_name: str | None = None
    results: dict[str, str] = field(default_factory=dict)
    last_time: Any = None

    def deliver(self, event: Row) -> Delivery:
        """Take in a delivery line; the address before aliases is the one that RCPT TO named."""
        recipient = event["orig_recipient"] or event["recipient"]
        known = self.deliveries.setdefault(recipient.lower(), Delivery(recipient, event["status"]))
        # An alias has several targets under one address: one that failed outweighs one that arrived.
        if known.status == "sent" or event["status"] != "sent" or event["orig_recipient"] is None:
            known.status = event["status"]
        return known

    def finished(self) -> bool:
        """Whether nothing more is to come: gone from the queue, and so is what came back from a content filter."""
        return self.removed and all(child.finished() for child in self.children)


@dataclass(eq=False)
class Session:
    """A visit; `connect` is its first line, or the first that was seen of it where the log begins in its middle."""

    connect: Row
    client_status: str | None = None
    reverse_client_name: str | None = None
    refused: Row | None = None
    disconnect: Row | None = None
    current: Request | None = None
    requests: list[Request] = field(default_factory=list)
    loose: list[Request] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    helo_names: list[str] = field(default_factory=list)
    spf: Row | None = None
    sasl_username: str | None = None
    pipelined: bool = False

    @classmethod
    def begin(cls, event: Row, warning: Row | None) -> "Session":
        """Start with a connect line; the hostname warning just before it, of the same process, is about this client.

        `unknown` without a warning: no usable PTR, or a temporary failure of the reverse look-up, which leaves no trace.
        """
        session = cls(event)
        name = event["client_name"]
        if event["kind"] != "connect":
            session.reverse_client_name = name if name not in (None, "unknown") else None
            session.client_status = "named" if session.reverse_client_name else None
        elif name != "unknown":
            session.client_status, session.reverse_client_name = "named", name
        elif warning is not None and warning["kind"] == "hostname_warning":
            if warning["client_address"] == event["client_address"]:
                session.reverse_client_name = warning["reverse_client_name"]
                reason = warning["reason"]
                session.client_status = (
                    "other_address" if reason is None else STATUS_OF_REASON.get(reason, "no_forward")
                )
        else:
            session.client_status = "numeric" if warning is not None else "no_reverse"
            session.reverse_client_name = "unknown"
        return session

    def says_helo(self, name: str | None) -> None:
        """Remember a HELO name that a line of this session shows."""
        if name and name not in self.helo_names:
            self.helo_names.append(name)

    def asks(self, event: Row) -> Request:
        """Take in a verdict line at RCPT: one more about the present RCPT TO, or the first of the next."""
        request = self.current
        if request is None or not request.is_about(event):
            request = self.current = Request(event)
            self.requests.append(request)
            self.loose.append(request)
        request.add(event)
        if request.verdict is not None:
            self.current = None
            for accepted in (self.loose, *(message.requests for message in self.messages)):
                if request in accepted:
                    accepted.remove(request)
        return request

    def hands_over(self, message: Message) -> None:
        """A message begins: at the first RCPT TO that was accepted, whose lines said NOQUEUE until now."""
        message.requests.extend(self.loose)
        self.loose = []
        self.messages.append(message)
