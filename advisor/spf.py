"""SPF: the answers of policyd-spf, which wait for the line of smtpd that they were asked for."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from advisor.message import HOLD
from advisor.record import Record

SAYS = (
    ("SPF fail", "fail"),
    ("domain owner discourages use of this host", "softfail"),
    ("SPF Permanent Error", "permerror"),
    ("SPF Temporary Error", "temperror"),
)
"""What policyd-spf's refusals say (`550 5.7.23 Message rejected due to: ...`), and the result that each stands for."""


def refused_for(verdict: Record) -> str | None:
    """The result that a refusal by policyd-spf stands for: its own line then names no client."""
    if verdict.restriction != "policyd-spf":
        return None
    return next((result for says, result in SAYS if says in (verdict.text or "")), None)


@dataclass(slots=True)
class _Answer:
    record: Record
    number: int
    used: bool = False


@dataclass(slots=True)
class Answers:
    """The answers about each client of each host, for a while. Policyd-spf does not say which smtpd asked.

    `count` is that of all answers so far: an answer that a visit asked for comes after it began.
    """

    count: int = 0
    _waiting: dict[tuple[str, str | None], deque[_Answer]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._waiting)

    def remember(self, record: Record) -> None:
        """Take in a line of policyd-spf."""
        self.count += 1
        if record.client_address is not None and record.result is not None:
            waiting = self._waiting.setdefault((record.host, record.client_address), deque())
            while waiting and record.time - waiting[0].record.time > HOLD:
                waiting.popleft()
            waiting.append(_Answer(record, self.count))

    def about(self, record: Record, sender: str | None, since: int = 0) -> Record | None:
        """The last answer about this client and this sender, of those after the first `since`.

        Without a sender: the answer not used yet, unless there are several about different senders; the client then
        has several visits at a time.
        """
        found: list[_Answer] = []
        for answer in reversed(self._waiting.get((record.host, record.client_address), ())):
            if answer.number <= since:
                break
            if not answer.used if sender is None else _sender(answer) == sender.lower():
                found.append(answer)
        if not found or (sender is None and len({_sender(answer) for answer in found}) > 1):
            return None
        for answer in found:
            answer.used = True
        # One for the HELO may stand beside one for the sender: the sender's counts.
        return next((one.record for one in found if one.record.reason != "helo"), found[0].record)

    def sweep(self, now: Mapping[str, int]) -> None:
        """Forget what is too old to be about a line still to come, by the time of each host."""
        for key, waiting in list(self._waiting.items()):
            if now[key[0]] - waiting[-1].record.time > HOLD:
                del self._waiting[key]


def _sender(answer: _Answer) -> str:
    return (answer.record.sender or "").lower()
