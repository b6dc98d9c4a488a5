"""The correlation of events: which lines belong to one visit, and which to one message.

Sequential by nature, so it is one pass over the events of a host in log order. What it holds at any time is the open
sessions and the messages still in the queue; a finished session is handed on and forgotten.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from advisor.session import Message, Row, Session

HOLD = timedelta(minutes=5)
"""How long a finished session waits for late lines: another process's line may come a moment after its cause."""
LOST = timedelta(hours=1)
"""After this long without a queue manager's line a message was never received whole (a lost connection after DATA)."""
_SWEEP = 2_000

# 250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 017C6C9
QUEUED_AS = re.compile(r"queued as (?P<queue_id>[0-9A-Za-z]{5,25})")
# mail_id: zcwxG8USURe7, Hits: 1003.302, size: 480, queued_as: BF91D2C4/BF91D2C5
HANDED_BACK = re.compile(r"queued_as: (?P<queue_ids>[0-9A-Za-z/]+)")
# EHLO mis0.bad\r\nMAIL FROM:<x@nosuch.example>\r\n, the backslashes as logged
EARLY_HELO = re.compile(r"(?:EHLO|HELO) (?P<helo_name>[^\s\\]+)")

_REFUSALS = frozenset({"reject", "milter-reject", "proxy-reject"})


class Correlation:
    """Takes events in log order and gives back whole sessions."""

    def __init__(self) -> None:
        """Begin with nothing open."""
        self._warnings: dict[tuple[Any, ...], Row] = {}
        self._open: dict[tuple[Any, ...], Session] = {}
        self._messages: dict[tuple[str, str], Message] = {}
        self._ended: list[Session] = []
        self._spf: dict[tuple[str, str], Row] = {}
        self._now: datetime | None = None
        self.local_messages = 0
        self._steps: dict[str, Callable[[Row], None]] = {
            "connect": self._connect,
            "hostname_warning": self._warn,
            "numeric_hostname": self._warn,
            "verdict": self._verdict,
            "client": self._client,
            "disconnect": self._disconnect,
            "pipelining": self._pipelining,
            "pickup": self._pickup,
            "queued": self._queued,
            "delivery": self._delivery,
            "removed": self._removed,
            "filtered": self._filtered,
            "filter_step": self._handed_back,
            "dmarc": self._result,
            "dkim": self._result,
            "spf": self._remember_spf,
        }

    def sessions(self, rows: Iterable[Row]) -> Iterator[Session]:
        """The finished sessions of these events, each once; at the end, the unfinished ones too."""
        for count, row in enumerate(rows, 1):
            step = self._steps.get(row["kind"])
            if step is not None:
                if row["time"] is not None:
                    self._now = row["time"]
                step(row)
            if count % _SWEEP == 0:
                yield from self._sweep()
        self._ended.extend(self._open.values())
        yield from self._ended

    def _sweep(self) -> Iterator[Session]:
        waiting = []
        for session in self._ended:
            if self._is_over(session):
                yield session
            else:
                waiting.append(session)
        self._ended = waiting

    def _is_over(self, session: Session) -> bool:
        now = self._now
        ended = (session.disconnect or session.connect)["time"]
        if now is None or ended is None or now - ended < HOLD:
            return False
        for message in session.messages:
            lost = not message.queued and now - ended > LOST
            if not (lost or message.refusal is not None or message.finished()):
                return False
            if message.last_time is not None and now - message.last_time < HOLD:
                return False
        return True

    @staticmethod
    def _key(row: Row) -> tuple[Any, ...]:
        return (row["host"], row["syslog_name"], row["pid"])

    def _session(self, row: Row) -> Session:
        """The open session of this process; a new one where the log began in its middle."""
        key = self._key(row)
        session = self._open.get(key)
        if session is None or session.connect["client_address"] != row["client_address"]:
            if session is not None:
                self._ended.append(session)
            session = self._open[key] = Session.begin(row, None)
        return session

    def _message(self, row: Row) -> Message | None:
        return self._messages.get((row["host"], row["queue_id"]))

    def _warn(self, row: Row) -> None:
        self._warnings[self._key(row)] = row

    def _connect(self, row: Row) -> None:
        key = self._key(row)
        before = self._open.pop(key, None)
        if before is not None:
            self._ended.append(before)
        self._open[key] = Session.begin(row, self._warnings.pop(key, None))

    def _disconnect(self, row: Row) -> None:
        session = self._session(row)
        session.disconnect = row
        self._ended.append(self._open.pop(self._key(row)))

    def _pipelining(self, row: Row) -> None:
        session = self._session(row)
        session.pipelined = True
        early = EARLY_HELO.match(row["text"] or "")
        if early is not None and row["stage"] == "CONNECT":
            session.says_helo(early["helo_name"])

    def _verdict(self, row: Row) -> None:
        if row["program"] == "postscreen":
            session = Session.begin(row, None)
            session.asks(row)
            self._ended.append(session)
        elif row["program"] == "cleanup":
            self._judge_message(row, self._message(row))
        else:
            self._judge_session(row, self._session(row))

    def _judge_session(self, row: Row, session: Session) -> None:
        session.says_helo(row["helo_name"])
        stage = row["stage"]
        if stage == "RCPT":
            self._take_spf(session, row)
            request = session.asks(row)
            message = self._message(row) if row["queue_id"] else None
            if message is not None and request in session.loose:
                session.loose.remove(request)
                message.requests.append(request)
        elif stage in ("DATA", "BDAT", "END-OF-MESSAGE"):
            message = self._message(row) if row["queue_id"] else (session.messages or [None])[-1]
            self._judge_message(row, message)
        elif row["action"] in _REFUSALS and session.refused is None and stage in ("CONNECT", "HELO", "EHLO", "MAIL"):
            session.refused = row

    def _judge_message(self, row: Row, message: Message | None) -> None:
        if message is None:
            return
        message.helo_name = row["helo_name"] or message.helo_name
        if row["action"] in _REFUSALS:
            message.refusal = row
            message.last_time = row["time"]
        elif row["action"] == "proxy-accept":
            self._adopt(message, row)

    def _client(self, row: Row) -> None:
        session = self._session(row)
        session.sasl_username = row["sasl_username"] or session.sasl_username
        message = Message(row["queue_id"], row, session)
        self._take_spf(session, row)
        if session.spf is not None:
            message.results["spf"] = session.spf["result"]
            session.spf = None
        session.hands_over(message)
        session.current = None
        self._begin(row, message)

    def _pickup(self, row: Row) -> None:
        self.local_messages += 1
        self._begin(row, Message(row["queue_id"], row))

    def _begin(self, row: Row, message: Message) -> None:
        """A queue id stands for a new message from here on, whatever it stood for before."""
        if row["queue_id"]:
            self._messages[row["host"], row["queue_id"]] = message

    def _queued(self, row: Row) -> None:
        message = self._message(row)
        if message is not None:
            message.queued = True
            if row["sender"] is not None:
                message.sender = row["sender"]

    def _delivery(self, row: Row) -> None:
        message = self._message(row)
        if message is not None:
            message.queued = True
            delivery = message.deliver(row)
            delivery.child = self._adopt(message, row) or delivery.child

    def _adopt(self, message: Message, row: Row, queue_id: str | None = None) -> Message | None:
        """The message that a content filter handed back: not a second attempt, but this one's continuation."""
        if queue_id is None:
            found = QUEUED_AS.search(row["text"] or "")
            queue_id = found["queue_id"] if found else None
        child = self._messages.get((row["host"], queue_id)) if queue_id else None
        if child is None or child is message:
            return None
        child.is_child = True
        if child not in message.children:
            message.children.append(child)
        return child

    def _removed(self, row: Row) -> None:
        message = self._message(row)
        if message is not None:
            message.removed = True
            message.last_time = row["time"]
            if message.session is None and not message.is_child:
                del self._messages[row["host"], row["queue_id"]]

    def _result(self, row: Row) -> None:
        message = self._message(row) if row["queue_id"] else None
        if message is not None and row["result"] is not None:
            message.results[row["kind"]] = row["result"]

    def _filtered(self, row: Row) -> None:
        self._result(row)
        message = self._message(row) if row["queue_id"] else None
        found = HANDED_BACK.search(row["reason"] or "")
        if message is not None and found is not None:
            for queue_id in found["queue_ids"].split("/"):
                self._adopt(message, row, queue_id)

    def _handed_back(self, row: Row) -> None:
        """A content filter may hand back one message for each recipient; Postfix's own line then names only one."""
        found = QUEUED_AS.search(row["text"] or "")
        child = self._messages.get((row["host"], found["queue_id"])) if found else None
        if child is not None:
            child.is_child = True

    def _remember_spf(self, row: Row) -> None:
        if row["client_address"] is not None:
            self._spf[row["host"], row["client_address"]] = row

    def _take_spf(self, session: Session, row: Row) -> None:
        """The SPF line just before this one, if it is about this client and this sender (policyd-spf runs at RCPT)."""
        spf = self._spf.get((row["host"], row["client_address"]))
        if spf is None or row["sender"] not in (None, spf["sender"]):
            return
        del self._spf[row["host"], row["client_address"]]
        session.spf = spf
        # Without a HELO policyd-spf prints the sender's domain instead, so that proves nothing.
        if spf["helo_name"] and spf["helo_name"].lower() != (spf["sender"] or "").rpartition("@")[2].lower():
            session.says_helo(spf["helo_name"])
