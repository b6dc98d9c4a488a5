"""A recipient: what a session asked for with one RCPT TO, and what became of it; a row of advisor.attempt.SCHEMA."""

from collections.abc import Iterable

from advisor.bcc import Copies
from advisor.message import Message, Outcomes, Request, worst
from advisor.record import Record
from advisor.session import Row, Session


def recipients(session: Session, copies: Copies) -> list[Row]:
    """The attempts of a session: what verdict lines name, what was delivered, and what only the counts show.

    A session in which a content filter hands back mail makes none. One refused before RCPT TO makes one.
    """
    if session.asked_nothing or any(message.is_child for message in session.messages):
        return []
    rows = _accepted(session, copies)
    refused = [_request_row(session, request) for request in session.requests if request.verdict is not None]
    counts = session.counts
    good, asked = counts.get("rcpt", (0, 0))
    if session.whole and counts.get("mail", (0, 0))[0]:
        # Refused without a line: too many recipients for one message, or a command out of order.
        refused += [_unlogged(session, "RCPT") for _ in range(asked - good - len(refused))]
    rows += refused
    if rows:
        return rows
    if session.refused is not None:
        return [_refused_row(session, session.refused)]
    good, asked = counts.get("mail", (0, 0))
    return [_unlogged(session, "MAIL")] if asked and not good else []


def _accepted(session: Session, copies: Copies) -> list[Row]:
    """The accepted attempts, as many as the counts say where there are any.

    What came before the log's beginning is in the counts, too, so those of half a session can only be too high.
    """
    rows: list[Row] = []
    guessed: list[Row] = []
    for message in session.messages:
        outcomes = message.outcomes()
        copies.saw(message.first, [*outcomes])
        named = _named_rows(session, message, outcomes)
        unnamed = [_delivered_row(session, message, *found) for found in outcomes.values()]
        rows += [*named, *unnamed]
        guessed += unnamed
    good = session.counts.get("rcpt", (0, 0))[0]
    shown = len(rows) + len(session.loose)
    if not session.counts:
        copies.suspect(rows, guessed)
    elif shown > good:
        copies.suspect(rows, guessed, shown - good)
    elif session.whole:
        rows += _nameless(session, good - shown)
    return rows + [_request_row(session, request) for request in session.loose]


def _named_rows(session: Session, message: Message, outcomes: Outcomes) -> list[Row]:
    """The accepted recipients that smtpd named, or one without a name where nobody did; takes theirs from `outcomes`.

    What it leaves there are addresses that mail went to in the end, which need not be those that the client named.
    """
    rows = [_request_row(session, request) for request in message.requests]
    sole = message.sole_recipient
    if not rows and (sole is not None or not outcomes):
        last = message.refusal.recipient if message.refusal is not None else None
        rows = [_base(session, message.first) | {"recipient": sole or last}]
    unseen = _unseen(session, message)
    for row in rows:
        row["status"] = outcomes.get((row["recipient"] or "").lower(), (None, unseen))[1]
        if sole is not None and outcomes:
            row["status"] = worst(status for _, status in outcomes.values())
        _add_message(row, session, message)
    for row in rows:
        outcomes.pop((row["recipient"] or "").lower(), None)
    if sole is not None:
        outcomes.clear()
    return rows


def _delivered_row(session: Session, message: Message, recipient: str, status: str | None) -> Row:
    """An accepted recipient that only a delivery line names."""
    row = _base(session, message.first) | {"recipient": recipient, "status": status}
    _add_message(row, session, message)
    return row


def _unseen(session: Session, message: Message) -> str | None:
    """The status of a recipient that no delivery line names.

    Lost is a message that no queue manager took, for instance after a lost connection. Where the client had an OK to
    more DATA than there are messages in the queue, or the log ends before the session, the lines are what is missing.
    """
    if message.fate == "discard":
        return "discarded"
    held = sum(other.fate is not None or other.queued or other.queue_id is None for other in session.messages)
    received = session.counts.get("data", (0, 0))[0] > held
    return None if message.queued or message.fate == "hold" or session.cut or received else "lost"


def _nameless(session: Session, number: int) -> list[Row]:
    """Accepted recipients that only the counts show: of a message that was not received, or named twice for one."""
    if not session.messages:
        return [_base(session, session.disconnect or session.connect) for _ in range(number)]
    unseen = [message for message in session.messages if not message.outcomes()] if number else []
    message = (unseen or session.messages)[-1]
    rows = [_base(session, message.first) | {"recipient": None} for _ in range(number)]
    for row in rows:
        row["status"] = _unseen(session, message)
        _add_message(row, session, message)
    return rows


def _base(session: Session, record: Record) -> Row:
    """What all attempts of a session share; `record` is the first line about this one."""
    return {
        "source": record.source,
        "offset": record.offset,
        "time": record.time,
        "host": record.host,
        "syslog_name": record.syslog_name,
        "program": record.program,
        "pid": record.pid,
        "session": session.connect.place,
        "client_name": session.connect.client_name,
        "reverse_client_name": session.reverse_client_name,
        "client_address": session.connect.client_address,
        "client_status": session.client_status,
        "sasl_username": session.sasl_username,
        "authenticated": _authenticated(session),
        "helo_sent": session.helo_sent,
        "pipelined": session.pipelined,
        "pregreet": session.pregreet,
        "dnsbl_hit": session.dnsbl_hit,
        "stage": "RCPT",
        "action": "accept",
    }


def _authenticated(session: Session) -> bool | None:
    """Whether the client had logged in: by a line, or by the counts; None where neither is there."""
    if session.sasl_username is not None:
        return True
    if session.counts:
        return bool(session.counts.get("auth", (0, 0))[0])
    return False if session.messages else None


def _refuse(row: Row, verdict: Record) -> None:
    """Add what Postfix answered."""
    code = verdict.reply or verdict.dsn or "5"
    row |= {
        "reply": verdict.reply,
        "dsn": verdict.dsn,
        "text": verdict.text,
        "restriction": verdict.restriction,
        "list": verdict.list,
        "proto": verdict.proto,
        "stage": verdict.stage,
        "action": "defer" if code.startswith("4") else "reject",
        "status": None,
    }


def _says(row: Row, session: Session, logged: str | None) -> None:
    """Add the HELO: of this attempt's own lines, or else the only one of its session."""
    if logged:
        row["helo_name"], row["helo_basis"], row["helo_sent"] = logged, "logged", True
    elif row["helo_sent"] is not False and session.helo_name is not None:
        row["helo_name"], row["helo_basis"], row["helo_sent"] = session.helo_name, "derived", True


def _sent_by(row: Row, session: Session, sender: str | None, basis: str) -> None:
    """Add the sender, and what warn_if_reject said before RCPT TO (smtpd_delay_reject = no) of it or of the client."""
    row["sender"], row["sender_basis"] = sender, None if sender is None else basis
    _warned(row, (one for one in session.warned if one.sender is None or one.sender == sender))


def _warned(row: Row, verdicts: Iterable[Record]) -> None:
    """Add what warn_if_reject logged: restriction, code and enhanced code."""
    for verdict in verdicts:
        row["warned"] = f"{row.get('warned') or ';'}{verdict.restriction} {verdict.reply} {verdict.dsn};"


def _request_row(session: Session, request: Request) -> Row:
    """An attempt that verdict lines name."""
    record = request.record
    row = _base(session, record)
    row |= {"recipient": record.recipient, "proto": record.proto, "queue_id": record.queue_id, "spf": request.spf}
    _sent_by(row, session, record.sender, "logged")
    if request.helo_sent is not None:
        row["helo_sent"] = request.helo_sent
    _says(row, session, request.helo_name)
    _warned(row, request.warned)
    if request.message is not None:
        row["message"] = request.message.first.place
    if request.verdict is not None:
        _refuse(row, request.verdict)
    return row


def _refused_row(session: Session, verdict: Record) -> Row:
    """A session refused before RCPT TO."""
    row = _base(session, verdict)
    _sent_by(row, session, verdict.sender, "logged")
    if verdict.helo_sent is not None:
        row["helo_sent"] = verdict.helo_sent
    _says(row, session, verdict.helo_name)
    _refuse(row, verdict)
    return row


def _unlogged(session: Session, stage: str) -> Row:
    """A refusal that only the command counts show; at MAIL without a HELO we know its reason."""
    row = _base(session, session.disconnect or session.connect) | {"stage": stage, "action": "reject"}
    if stage == "MAIL" and session.helo_sent is False:
        # smtpd.c: reached only with smtpd_helo_required, and never logged.
        row |= {"reply": "503", "dsn": "5.5.1", "text": "Error: send HELO/EHLO first"}
        row["restriction"] = "smtpd_helo_required"
    _says(row, session, None)
    return row


def _add_message(row: Row, session: Session, message: Message) -> None:
    """Add what is known of the whole message to one of its attempts."""
    row["queue_id"] = message.queue_id
    row["message"] = message.first.place
    if row.get("sender") is None:
        logged = message.logged_sender
        known = message.known_sender if logged is None else logged
        _sent_by(row, session, known, "derived" if logged is None else "logged")
    _warned(row, message.warned)
    if row.get("helo_basis") != "logged":
        if message.helo_sent is not None:
            row["helo_sent"] = message.helo_sent
        _says(row, session, message.helo_name)
    row["filter_result"] = message.filter_result(row["recipient"])
    for name in ("dkim", "dmarc", "dmarc_domain"):
        row[name] = message.result(name)
    row["spf"] = message.result("spf") or row.get("spf")
    if row["spf"] is None and row["sender"] is not None:
        row["spf"] = session.spf.get(row["sender"].lower())
    if message.refusal is not None:
        _refuse(row, message.refusal)
