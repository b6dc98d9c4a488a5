"""The correlation of events: which lines belong to one visit, and which to one message.

Sequential by nature, so it is one pass over the events in log order. What it holds at any time is the open sessions
and the messages still in the queue; a finished session is handed on and forgotten.
"""

from collections.abc import Callable, Iterable, Iterator

from advisor.message import HOLD, LOST, MINUTE, REFUSALS, Message, fate_of
from advisor.queue import Queue
from advisor.record import Record
from advisor.screening import EARLY_HELO, Passes, Screenings
from advisor.session import Session
from advisor.spf import Answers, refused_for

STALE = 24 * 60 * MINUTE
"""After this long without a line a session is over, though no disconnect was logged: smtpd was killed."""
_SWEEP = 2_000

# What smtpd refuses without a verdict line, by the words that it does log (smtpd.c): stage, code, dsn, text.
_SLIPS: dict[tuple[str, str], tuple[str, str, str, str]] = {
    ("bad_command", "MAIL"): ("MAIL", "501", "5.1.7", "Bad sender address syntax"),
    ("bad_command", "RCPT"): ("RCPT", "501", "5.1.3", "Bad recipient address syntax"),
    ("limit_exceeded", "Connection"): ("CONNECT", "421", "4.7.0", "Error: too many connections"),
    ("limit_exceeded", "Message"): ("MAIL", "450", "4.7.1", "Error: too much mail"),
    ("limit_exceeded", "Recipient"): ("RCPT", "450", "4.7.1", "Error: too many recipients"),
}
Process = tuple[str, str | None, int | None]
Key = tuple[str, str | None, int | None, str | None]


class Correlation:
    """Takes events in log order and gives back whole sessions."""

    def __init__(self) -> None:
        """Begin with nothing open."""
        self._warnings: dict[Key, Record] = {}
        self._open: dict[Key, Session] = {}
        self._serving: dict[Process, Session] = {}
        self._ended: list[Session] = []
        self._screenings = Screenings()
        self._passes = Passes()
        self._answers = Answers()
        self._queue = Queue(self._answers)
        self._now: dict[str, int] = {}
        self._left = _SWEEP

    def __len__(self) -> int:
        """How much is open."""
        waiting = (self._warnings, self._screenings, self._passes, self._queue, self._answers)
        return sum(len(part) for part in (self._open, self._serving, self._ended, *waiting))

    def sessions(self, records: Iterable[Record]) -> Iterator[Session]:
        """The finished sessions of these events, each once; at the end, the unfinished ones too."""
        yield from self.take(records)
        yield from self.rest()

    def take(self, records: Iterable[Record]) -> Iterator[Session]:
        """The sessions that these events, and those before them, have finished; more events may follow."""
        left = self._left
        for record in records:
            self._now[record.host] = record.time
            _STEPS[record.kind](self, record)
            left -= 1
            if not left:
                yield from self._sweep()
                left = max(_SWEEP, len(self))
        self._left = left

    def rest(self) -> Iterator[Session]:
        """The sessions that are left when the log ends, finished or not."""
        for session in (*self._open.values(), *self._screenings.rest()):
            session.cut = self._now[session.connect.host] - session.last < LOST
            self._ended.append(session)
        yield from self._ended

    def _sweep(self) -> Iterator[Session]:
        """The sessions that are over; what they and others left behind goes with them.

        Each host has its own time: one host's log may follow another's, and begin before that one's end.
        """
        now = self._now
        for key in [key for key, session in self._open.items() if now[key[0]] - session.last > STALE]:
            self._ended.append(self._open.pop(key))
            self._serving.pop(key[:3], None)
        self._ended.extend(self._screenings.sweep(now))
        self._passes.sweep(now)
        waiting = []
        for session in self._ended:
            if all(message.over(now[session.connect.host]) for message in session.messages):
                yield session
            else:
                waiting.append(session)
        self._ended = waiting
        self._queue.sweep(now)
        self._answers.sweep(now)
        self._warnings = {key: line for key, line in self._warnings.items() if now[key[0]] - line.time <= HOLD}

    @staticmethod
    def _key(record: Record) -> Key:
        # The address too: a process serves one client at a time, but containers of one host name share process ids.
        return (record.host, record.syslog_name, record.pid, record.client_address)

    def _session(self, record: Record) -> Session:
        """The open session of this process with this client; a new one where the log began in its middle."""
        key = self._key(record)
        session = self._open.get(key)
        if session is None:
            session = self._open[key] = self._serving[key[:3]] = Session.begin(record)
        session.last = record.time
        return session

    def _warn(self, record: Record) -> None:
        self._warnings[self._key(record)] = record

    def _connect(self, record: Record) -> None:
        key = self._key(record)
        before = self._open.pop(key, None)
        if before is not None:
            self._ended.append(before)
        numeric = self._warnings.pop((*key[:3], None), None)
        session = Session.begin(record, self._warnings.pop(key, None) or numeric)
        self._open[key] = self._serving[key[:3]] = session
        session.since = self._answers.count
        self._passes.take_over(session)

    def _disconnect(self, record: Record) -> None:
        session = self._session(record)
        session.disconnect = record
        key = self._key(record)
        self._ended.append(self._open.pop(key))
        self._serving.pop(key[:3], None)

    def _pipelining(self, record: Record) -> None:
        session = self._session(record)
        session.pipelined = True
        early = EARLY_HELO.match(record.text or "")
        if record.stage == "CONNECT":
            session.pregreet = True
            session.says_helo(early["helo_name"] if early else None)

    def _screen(self, record: Record) -> None:
        session = self._screenings.take(record)
        if session is not None:
            self._ended.append(session)
            if record.kind == "screen_pass":
                self._passes.let_in(session)

    def _verdict(self, record: Record) -> None:
        if record.program == "postscreen":
            self._screen(record)
        elif record.program == "cleanup":
            self._judge_message(record, self._queue.find(record))
        else:
            self._judge_session(record, self._session(record))

    def _judge_session(self, record: Record, session: Session) -> None:
        session.says_helo(record.helo_name)
        session.sasl_username = record.sasl_username or session.sasl_username
        stage = record.stage
        if stage == "RCPT":
            request = session.asks(record)
            if record.sender is not None:
                request.spf = refused_for(record) or self._spf(session, record.sender) or request.spf
            message = self._queue.find(record)
            if message is not None:
                session.joins(request, message)
        elif stage in ("DATA", "BDAT", "END-OF-MESSAGE"):
            self._judge_message(record, session.messages[-1] if session.messages else None)
        elif stage in ("CONNECT", "HELO", "EHLO", "MAIL"):
            if record.action == "reject_warning":
                session.warned.append(record)
            elif record.action in REFUSALS and session.refused is None:
                session.refused = record

    def _judge_message(self, record: Record, message: Message | None) -> None:
        """Take in a verdict on a message as a whole. Smtpd's own name the sender as the client wrote it."""
        if message is None:
            return
        message.last = record.time
        message.helo_name = record.helo_name or message.helo_name
        if record.helo_sent is not None:
            message.helo_sent = record.helo_sent
        if record.program != "cleanup":
            message.logged_sender = message.logged_sender if record.sender is None else record.sender
            if record.kind == "verdict" and not (record.action or "").startswith("milter-"):
                # smtpd_check_data() and smtpd_check_eod() hide the recipient if there are several; others do not.
                message.sole_recipient = record.recipient or message.sole_recipient
        elif message.sender is None:
            message.sender = record.sender
        message.fate = fate_of(record) or message.fate
        if record.action in REFUSALS:
            message.refusal = record
        elif record.action == "reject_warning":
            message.warned.append(record)
        elif record.action == "proxy-accept":
            self._queue.adopt(message, record)

    def _proxied(self, record: Record) -> None:
        """Take in what a before-queue filter answered. Its line names neither client nor queue id, only the process.

        At MAIL and RCPT TO it may refuse, too: then the client hears it, and the counts show it.
        """
        session = self._serving.get(self._key(record)[:3])
        if session is not None and session.messages and record.stage in ("DATA", "BDAT", "END-OF-MESSAGE"):
            session.last = record.time
            session.says_helo(record.helo_name)
            self._judge_message(record, session.messages[-1])

    def _slip(self, record: Record) -> None:
        """Take in what smtpd refuses without a verdict line, as if it were one."""
        cause = record.stage if record.kind == "bad_command" else (record.reason or "").partition(" ")[0]
        refusal = _SLIPS.get((record.kind, cause or ""))
        if refusal is not None:
            stage, reply, dsn, text = refusal
            verdict = record._replace(action="reject", stage=stage, reply=reply, dsn=dsn, restriction="other")
            session = self._session(record)
            if record.kind == "bad_command" and stage == "RCPT":
                verdict = verdict._replace(recipient=(record.text or "").strip("<>") or None)
            self._judge_session(verdict._replace(text=text), session)

    def _client(self, record: Record) -> None:
        session = self._session(record)
        session.sasl_username = record.sasl_username or session.sasl_username
        message = self._queue.begin(record)
        found = next((request.spf for request in session.loose if request.spf), None) or self._spf(session, None)
        if found is not None:
            message.results["spf"] = found
        session.hands_over(message)

    def _spf(self, session: Session, sender: str | None) -> str | None:
        """What policyd-spf, which runs at RCPT TO, said of this client and this sender; once for all its recipients."""
        answer = self._answers.about(session.connect, sender, session.since)
        if answer is None:
            return None
        session.takes_spf(answer)
        return answer.result


_STEPS: dict[str, Callable[[Correlation, Record], None]] = {
    "connect": Correlation._connect,
    "hostname_warning": Correlation._warn,
    "numeric_hostname": Correlation._warn,
    "verdict": Correlation._verdict,
    "proxied": Correlation._proxied,
    "bad_command": Correlation._slip,
    "limit_exceeded": Correlation._slip,
    "client": Correlation._client,
    "disconnect": Correlation._disconnect,
    "pipelining": Correlation._pipelining,
    "pickup": lambda self, record: self._queue.pickup(record),
    "message": lambda self, record: self._queue.too_much(record),
    "message_id": lambda self, record: self._queue.message_id(record),
    "queued": lambda self, record: self._queue.queued(record),
    "delivery": lambda self, record: self._queue.delivery(record),
    "expired": lambda self, record: self._queue.expired(record),
    "removed": lambda self, record: self._queue.removed(record),
    "filtered": lambda self, record: self._queue.filtered(record),
    "filter_step": lambda self, record: self._queue.handed_back(record),
    "dmarc": lambda self, record: self._queue.dmarc(record),
    "dmarc_note": lambda self, record: self._queue.dmarc(record),
    "dkim": lambda self, record: self._queue.result(record),
    "spf": lambda self, record: self._answers.remember(record),
    **dict.fromkeys(
        (
            "screen_connect",
            "screen_pass",
            "screen_disconnect",
            "screen_rank",
            "screen_denied",
            "screen_violation",
            "screen_hangup",
            "pregreet",
        ),
        Correlation._screen,
    ),
}
KINDS = frozenset(_STEPS)
"""The kinds of event that it reads."""
