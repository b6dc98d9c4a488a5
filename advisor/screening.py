"""A screening: one client's visit to postscreen, before smtpd or instead of it."""

import re
from collections import deque
from collections.abc import Iterator, Mapping

from advisor.message import MINUTE
from advisor.record import Record
from advisor.session import Session

# EHLO mis0.bad\r\nMAIL FROM:<x@nosuch.example>\r\n, the backslashes as logged
EARLY_HELO = re.compile(r"(?:EHLO|HELO) (?P<helo_name>[^\s\\]+)")

STALE = 60 * MINUTE
"""After this long without a line a screening is over: postscreen gives its clients five minutes for a command."""

_VIOLATIONS = frozenset({"COMMAND PIPELINING", "BARE NEWLINE"})
"""What a mail client may do wrong after the greeting; whoever speaks HTTP or says nothing asks for no mail."""

LET_IN = MINUTE
"""Smtpd greets whom postscreen has let in at once, unless all processes are busy."""

Key = tuple[str, str | None, str | None, int | None]
Client = tuple[str, str | None, str | None]


class Passes:
    """The visits to postscreen that it let in, until smtpd says that they are there. Smtpd may not log the port."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self._waiting: dict[Client, deque[Session]] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def let_in(self, screening: Session) -> None:
        """Remember a visit that smtpd takes over."""
        first = screening.connect
        self._waiting.setdefault((first.host, first.syslog_name, first.client_address), deque()).append(screening)

    def take_over(self, session: Session) -> None:
        """Give smtpd's visit what postscreen found out about this client just before."""
        first = session.connect
        waiting = self._waiting.get((first.host, first.syslog_name, first.client_address), deque())
        while waiting:
            screening = waiting.popleft()
            if first.time - screening.last <= LET_IN:
                session.pregreet, session.dnsbl_hit = screening.pregreet, screening.dnsbl_hit
                return

    def sweep(self, now: Mapping[str, int]) -> None:
        """Forget those that never came, by the time of each host."""
        for key, waiting in list(self._waiting.items()):
            if not waiting or now[key[0]] - waiting[-1].last > LET_IN:
                del self._waiting[key]


class Screenings:
    """Takes lines of postscreen in log order and gives back whole visits. Postscreen serves many clients at a time."""

    def __init__(self) -> None:
        """Begin with nobody there."""
        self._open: dict[Key, Session] = {}

    def __len__(self) -> int:
        return len(self._open)

    def take(self, record: Record) -> Session | None:
        """Take in a line; the visit that it ends, if any.

        Who passes goes on to smtpd, which is another visit. What postscreen would have refused is none then either,
        since its action is `ignore`.
        """
        key: Key = (record.host, record.syslog_name, record.client_address, record.client_port)
        session = self._open.get(key)
        if record.kind == "screen_connect":
            self._open[key] = Session.begin(record)
            return None if session is None else _unfinished(session)
        if session is None:
            if record.kind in ("screen_pass", "screen_disconnect"):
                return None
            session = self._open[key] = Session.begin(record)
        session.last = record.time
        ends = record.kind in ("screen_pass", "screen_disconnect")
        if record.kind == "screen_pass":
            session.refused = None
            if session.whole:
                session.passes()
        elif record.kind == "verdict":
            ends = _judge(session, record)
        elif record.kind in ("screen_hangup", "screen_disconnect"):
            session.disconnect = record
        else:
            _find(session, record)
        return self._open.pop(key) if ends else None

    def sweep(self, now: Mapping[str, int]) -> Iterator[Session]:
        """The visits whose end was never logged, by the time of each host."""
        for key in [key for key, session in self._open.items() if now[key[0]] - session.last > STALE]:
            yield _unfinished(self._open.pop(key))

    def rest(self) -> Iterator[Session]:
        """The visits that go on when the log ends."""
        yield from map(_unfinished, self._open.values())


def _unfinished(session: Session) -> Session:
    """A visit without its end: where it was not seen to go, what was found may have let it pass."""
    if session.disconnect is None:
        session.refused = None
    return session


def _judge(session: Session, record: Record) -> bool:
    """Take in a refusal; whether it ends the visit."""
    if record.stage == "CONNECT":
        # too many connections; all server ports busy: the client hears 421 (postscreen.c), the log does not say it.
        session.refused = record._replace(reply="421")
        return True
    session.says_helo(record.helo_name)
    session.asks(record)
    if session.whole:
        # Postscreen speaks SMTP only once its tests before the greeting are done.
        session.passes()
    return False


def _find(session: Session, record: Record) -> None:
    """Take in what postscreen found: for a client that never gets to RCPT TO it is the refusal."""
    restriction = "postscreen"
    if record.kind == "screen_rank":
        restriction, says = "postscreen_dnsbl_action", f"DNSBL rank {record.result}"
        session.dnsbl_hit = True
    elif record.kind == "pregreet":
        says = "PREGREET"
        session.pipelined = session.pregreet = True
        early = EARLY_HELO.match(record.text or "")
        session.says_helo(early["helo_name"] if early else None)
    elif record.kind == "screen_denied" or (record.kind == "screen_violation" and record.action in _VIOLATIONS):
        says = record.action or ""
        session.pipelined = session.pipelined or says == "COMMAND PIPELINING"
    else:
        return
    if session.refused is None:
        session.refused = record._replace(stage="CONNECT", action="reject", restriction=restriction, text=says)
