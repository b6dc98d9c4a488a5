"""An attempt: one recipient that one client asked us to accept (RCPT TO), and what became of it.

A session refused before that (CONNECT, HELO, MAIL, postscreen) is one attempt with its stage and no recipient.
What a content filter hands back, copies by always_bcc and the targets of an alias are not attempts.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

import pyarrow as pa

from advisor.correlation import Correlation
from advisor.hostname import helo_syntax, sender_domain
from advisor.programs.smtpd import read_counts
from advisor.session import Message, Request, Row, Session

Network = IPv4Network | IPv6Network
LOOPBACK: tuple[Network, ...] = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))
"""What is inside when nobody told us the server's networks; never a private range by guess."""

RETRY = timedelta(days=5)
"""How long a client comes back with a deferred message (maximal_queue_lifetime in postconf(5))."""

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
    ("queue_id", pa.string(), "Postfix's name for the message; null where it was refused"),
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
    ("helo_basis", pa.string(), "logged: a line about this attempt shows the HELO; derived: one of the same session"),
    ("sender", pa.string(), "the envelope sender; '' is the null sender"),
    ("sender_basis", pa.string(), "logged: smtpd's own line; derived: qmgr's, after rewriting"),
    ("sender_kind", pa.string(), "null, literal, own (our domain or rewritten by us), domain"),
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
        "the restrictions that warn_if_reject logged for it, with their codes: ';NAME 450;NAME 504;'",
    ),
    (
        "status",
        pa.string(),
        "of an accepted one: sent, deferred, bounced, expired; lost: never received whole; null: not known yet",
    ),
    ("filter_result", pa.string(), "the content filter's verdict"),
    ("spf", pa.string(), "policyd-spf's result"),
    ("dkim", pa.string(), "opendkim's result"),
    ("dmarc", pa.string(), "opendmarc's result"),
    ("pipelined", pa.bool_(), "whether the client spoke before its turn"),
    ("recipient_ours", pa.bool_(), "whether relay control let the recipient pass or would have; null when not known"),
    ("helo_found", pa.bool_(), "whether the DNS knows the HELO name; null: nobody looked it up"),
    ("sender_domain_found", pa.bool_(), "whether the DNS knows the sender's domain; null: nobody looked it up"),
    ("not_logged", pa.bool_(), "null in every row: what no line of a log can tell"),
)
SCHEMA = pa.schema([pa.field(name, kind, metadata={"meaning": meaning}) for name, kind, meaning in _COLUMNS])
"""One row an attempt; see each field's `meaning`."""

_NEEDED = [
    "source",
    "offset",
    "time",
    "host",
    "syslog_name",
    "program",
    "pid",
    "kind",
    "queue_id",
    "stage",
    "action",
    "client_name",
    "client_address",
    "reverse_client_name",
    "helo_name",
    "helo_sent",
    "sender",
    "recipient",
    "orig_recipient",
    "sasl_username",
    "proto",
    "reply",
    "dsn",
    "text",
    "restriction",
    "list",
    "status",
    "result",
    "reason",
    "commands",
]


def attempts(
    events: pa.Table | Iterable[pa.RecordBatch],
    *,
    networks: Sequence[Network] = LOOPBACK,
    domains: Iterable[str] = (),
) -> pa.Table:
    """Join events, in log order, to attempts (columns of SCHEMA, in log order).

    `networks` are the server's own (mynetworks), `domains` those it is the final destination of.
    """
    batches = events.to_batches(max_chunksize=65_536) if isinstance(events, pa.Table) else events
    ranks: dict[str, int] = {}
    inside = _Inside(networks)
    own = frozenset(domain.lower() for domain in domains)
    copies: Counter[str] = Counter()
    rows: list[Row] = []
    for session in Correlation().sessions(_rows(batches, ranks)):
        for row in _session_rows(session, copies):
            _complete(row, inside, own)
            rows.append(row)
    rows.sort(key=lambda row: (ranks[row["source"]], row["offset"]))
    _name_messages(rows)
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _rows(batches: Iterable[pa.RecordBatch], ranks: dict[str, int]) -> Iterator[Row]:
    """The events one by one, with only the columns that the correlation needs."""
    for batch in batches:
        columns = [batch.column(name).to_pylist() for name in _NEEDED]
        for values in zip(*columns, strict=True):
            row = dict(zip(_NEEDED, values, strict=True))
            ranks.setdefault(row["source"], len(ranks))
            yield row


class _Inside:
    """Whether an address is in one of our networks; each address is asked once."""

    def __init__(self, networks: Sequence[Network]) -> None:
        self._networks = tuple(networks)
        self.has = lru_cache(maxsize=200_000)(self._has)

    def _has(self, text: str) -> bool:
        address = ip_address(text.partition("%")[0])
        return any(address in network for network in self._networks)


def _session_rows(session: Session, copies: Counter[str]) -> Iterator[Row]:
    """The attempts of a session: what the verdict lines name, what was delivered, and what only the counts show."""
    if session.messages and all(message.is_child for message in session.messages):
        return
    counts = read_counts((session.disconnect or {}).get("commands") or "")
    good, asked = counts.get("rcpt", (0, 0))
    rows = [_request_row(session, request) for request in session.requests if request.verdict is not None]
    accepted = 0
    for message in session.messages:
        if message.is_child:
            continue
        wanted = good - accepted if counts and message is session.messages[-1] else None
        of_message = list(_message_rows(session, message, wanted, copies))
        accepted += len(of_message)
        rows.extend(of_message)
    rows.extend(_request_row(session, request) for request in session.loose)
    refused = sum(request.verdict is not None for request in session.requests)
    if counts.get("mail", (0, 0))[0] and asked - good > refused:
        # Refused without a line: a syntax error, or a hard error limit.
        rows.extend(_unlogged(session, "RCPT", None) for _ in range(asked - good - refused))
    if not rows and session.refused is not None:
        rows.append(_refused_row(session, session.refused, session.refused))
    elif not rows and counts.get("mail", (0, 0))[1] and not counts["mail"][0] and _helo_sent(session) is False:
        # smtpd.c says "503 5.5.1 Error: send HELO/EHLO first" and logs nothing; only the counts show it.
        rows.append(_unlogged(session, "MAIL", "smtpd_helo_required"))
    yield from rows


def _helo_sent(session: Session) -> bool | None:
    return session.disconnect["helo_sent"] if session.disconnect is not None else None


def _base(session: Session, event: Row) -> Row:
    """What all attempts of a session share."""
    connect = session.connect
    row = {name: event[name] for name in ("source", "offset", "time", "host", "syslog_name", "program", "pid")}
    row |= {
        "session": f"{connect['source']}:{connect['offset']}",
        "client_name": connect["client_name"],
        "reverse_client_name": session.reverse_client_name,
        "client_address": connect["client_address"],
        "client_status": session.client_status,
        "sasl_username": session.sasl_username,
        "authenticated": _authenticated(session),
        "helo_sent": _helo_sent(session),
        "pipelined": session.pipelined,
        "stage": "RCPT",
    }
    return row


def _authenticated(session: Session) -> bool | None:
    """Whether the client had logged in: by the client= line, or by the counts; null where neither is there."""
    if session.sasl_username is not None:
        return True
    if session.disconnect is not None and session.disconnect["commands"]:
        return bool(read_counts(session.disconnect["commands"]).get("auth", (0, 0))[0])
    return False if session.messages else None


def _refuse(row: Row, verdict: Row) -> None:
    """Add what Postfix answered."""
    row |= {name: verdict[name] for name in ("reply", "dsn", "text", "restriction", "list", "proto", "stage")}
    code = verdict["reply"] or verdict["dsn"] or "5"
    row["action"] = "defer" if code.startswith("4") else "reject"


def _says(row: Row, session: Session, logged: str | None) -> None:
    """Add the HELO: of this attempt's own lines, or else the only one of its session."""
    if logged:
        row["helo_name"], row["helo_basis"], row["helo_sent"] = logged, "logged", True
    elif row["helo_sent"] is not False and len(session.helo_names) == 1:
        row["helo_name"], row["helo_basis"] = session.helo_names[0], "derived"
        row["helo_sent"] = True


def _request_row(session: Session, request: Request) -> Row:
    """An attempt that verdict lines name."""
    event = request.event
    row = _base(session, event)
    row |= {"sender": event["sender"], "sender_basis": "logged" if event["sender"] is not None else None}
    row |= {"recipient": event["recipient"], "proto": event["proto"], "queue_id": event["queue_id"], "action": "accept"}
    if request.helo_sent is not None:
        row["helo_sent"] = request.helo_sent
    _says(row, session, request.helo_name)
    if request.warned:
        row["warned"] = "".join(f";{event['restriction']} {event['reply']}" for event in request.warned) + ";"
    if session.spf is not None:
        row["spf"] = session.spf["result"]
    if request.verdict is not None:
        _refuse(row, request.verdict)
    return row


def _refused_row(session: Session, event: Row, verdict: Row) -> Row:
    """A session refused before RCPT TO."""
    row = _base(session, event)
    row |= {"sender": event["sender"], "sender_basis": "logged" if event["sender"] is not None else None}
    _refuse(row, verdict)
    _says(row, session, event["helo_name"])
    return row


def _unlogged(session: Session, stage: str, restriction: str | None) -> Row:
    """A refusal that only the command counts show."""
    row = _base(session, session.disconnect or session.connect)
    row |= {"stage": stage, "action": "reject", "restriction": restriction}
    if restriction is not None:
        row |= {"reply": "503", "dsn": "5.5.1", "text": "Error: send HELO/EHLO first"}
    _says(row, session, None)
    return row


def _message_rows(session: Session, message: Message, wanted: int | None, copies: Counter[str]) -> Iterator[Row]:
    """The accepted recipients of a message; `wanted` says how many the client named, where the counts tell."""
    named = {(request.event["recipient"] or "").lower(): request for request in message.requests}
    unnamed = [key for key in message.deliveries if key not in named]
    copies.update(list(message.deliveries))
    if wanted is not None and len(named) + len(unnamed) > wanted:
        # More were delivered than asked for: always_bcc and the like. Those addresses get a copy of all mail.
        surplus = len(named) + len(unnamed) - wanted
        extra = sorted(unnamed, key=lambda key: (-copies[key], unnamed.index(key)))[:surplus]
        unnamed = [key for key in unnamed if key not in extra]
    keys: list[str | None] = [*named, *unnamed]
    keys += [None] * max(0, (1 if wanted is None else wanted) - len(keys))
    for key in keys:
        request = named.get(key) if key is not None else None
        row = _base(session, message.event) if request is None else _request_row(session, request)
        delivery = message.deliveries.get(key) if key is not None else None
        if delivery is not None and row.get("recipient") is None:
            row["recipient"] = delivery.recipient
        _add_message(row, session, message)
        if row["action"] == "accept":
            row["status"] = delivery.outcome() if delivery is not None else (None if message.queued else "lost")
        yield row


def _add_message(row: Row, session: Session, message: Message) -> None:
    """Add what is known of the whole message to one of its attempts."""
    row["queue_id"] = message.queue_id
    row["message"] = f"{message.event['source']}:{message.event['offset']}"
    row.setdefault("action", "accept")
    if row.get("sender") is None:
        logged = next((request.event["sender"] for request in message.requests), None)
        row["sender"] = message.sender if logged is None else logged
        row["sender_basis"] = None if row["sender"] is None else "derived" if logged is None else "logged"
    if row.get("helo_basis") != "logged":
        own = next((request.helo_name for request in message.requests if request.helo_name), None)
        _says(row, session, message.helo_name or own)
    results = message.results
    row |= {"filter_result": results.get("filtered"), "dkim": results.get("dkim"), "dmarc": results.get("dmarc")}
    row["spf"] = results.get("spf") or row.get("spf")
    if message.refusal is not None:
        _refuse(row, message.refusal)


@lru_cache(maxsize=200_000)
def client_network(address: str) -> str:
    """The /24 or /64 that an address is in: pools send from neighbours, and postgrey's key is this network."""
    ip = ip_address(address.partition("%")[0])
    return str(ip_network((ip, 24 if ip.version == 4 else 64), strict=False))


def _complete(row: Row, inside: _Inside, own: frozenset[str]) -> None:
    """Add what follows from one value alone."""
    address = row["client_address"]
    row["client_network"] = None if address is None else client_network(address)
    row["in_mynetworks"] = None if address is None else inside.has(address)
    if row["authenticated"]:
        row["origin"] = "authenticated"
    else:
        row["origin"] = "own network" if row["in_mynetworks"] else "outside"
    row["helo_syntax"] = helo_syntax(row["helo_name"]) if row.get("helo_name") else None
    sender = row.get("sender")
    ours = row["action"] == "accept" or sender_domain(row.get("recipient") or "") in own
    row["recipient_ours"] = True if ours else None
    row["sender_kind"] = None if sender is None else _sender_kind(sender, row["sender_basis"], own)


def _sender_kind(sender: str, basis: str | None, own: frozenset[str]) -> str:
    domain = sender_domain(sender)
    if not sender:
        return "null"
    if domain.startswith("[") and domain.endswith("]"):
        return "literal"
    if not domain or domain in own:
        return "own"
    # qmgr shows the sender after rewriting; SRS makes a foreign sender ours (TIPS: then it proves nothing).
    if basis == "derived" and sender.upper().startswith(("SRS0=", "SRS1=", "SRS0+", "SRS1+", "SRS0-", "SRS1-")):
        return "rewritten"
    return "domain"


def _name_messages(rows: list[Row]) -> None:
    """Give attempts of one message one name: the recipients of a queue id, and a deferred recipient that comes back."""
    waiting: dict[tuple[Any, ...], tuple[str, Any]] = {}
    for row in rows:
        key = (
            row["host"],
            row["client_address"],
            (row.get("sender") or "").lower(),
            (row.get("recipient") or "").lower(),
        )
        name = row.get("message") or f"{row['source']}:{row['offset']}"
        known = waiting.get(key)
        if known is not None and row["time"] is not None and row["time"] - known[1] <= RETRY:
            name = known[0]
        row["message"] = name
        if row["action"] == "defer" and row["time"] is not None:
            waiting[key] = (name, row["time"])
        else:
            waiting.pop(key, None)
