"""A queue: the messages that queue ids stand for at the moment, in each instance of Postfix on each host."""

import re
from collections.abc import Mapping

from advisor.message import HOLD, Message
from advisor.record import Record
from advisor.spf import Answers

# 250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 017C6C9
QUEUED_AS = re.compile(r"queued as (?P<queue_id>[0-9A-Za-z]{5,25})")
# mail_id: zcwxG8USURe7, Hits: 1003.302, size: 480, queued_as: BF91D2C4/BF91D2C5
HANDED_BACK = re.compile(r"queued_as: (?P<queue_ids>[0-9A-Za-z/]+)")
# <p001@ourdom.test>,<p002@ourdom.test>
ADDRESS = re.compile(r"<(?P<address>.*?)>(?:,|\Z)")

# warning: 271BB479: queue file size limit exceeded
_TOO_MUCH = re.compile(
    r"(?P<queue_id>[0-9A-Za-z]{5,25}): (?P<what>queue file size limit|message rejected: hopcount) exceeded"
)
# What the client is told at the end of DATA: code, dsn, text (cleanup_strerror.c), and the parameter that says so.
_ANSWERS = {
    "queue file size limit": ("552", "5.3.4", "Error: message file too big", "message_size_limit"),
    "message rejected: hopcount": ("554", "5.4.0", "Error: too many hops", "hopcount_limit"),
}

# opendmarc_policy_query_dmarc(badrec.example) returned status 4
_STATUS = re.compile(r"opendmarc_policy_\w+\((?P<domain>.*)\) returned status (?P<status>\d+)")
_PERMANENT = frozenset({"3", "4", "5", "6"})
_NOTES = {
    "multi-valued From field detected": "multi_from",
    "unable to parse From header field": "bad_from",
    "RFC5322 requirement error: missing From field; accepting": "no_from",
    "ARC pass, policy pass > overriding DMARC fail": "arc_pass",
}
"""What opendmarc says instead of a result (mlfi_eom() in opendmarc.c 1.4.2), and the word for it in `dmarc`."""


def _dmarc_note(text: str) -> tuple[str | None, str | None]:
    """The word for a note of opendmarc, and the domain that it names.

    A record that cannot be read (status 3 to 6) lets the message pass, any other status answers 4xx.
    """
    found = _STATUS.fullmatch(text)
    if found is not None:
        return "permerror" if found["status"] in _PERMANENT else "temperror", found["domain"] or None
    if text.startswith("ignoring mail from "):
        return "ignored", text.removeprefix("ignoring mail from ")
    if text in _NOTES:
        return _NOTES[text], None
    # With RequiredHeaders: refused, whatever DMARC might have said.
    return "bad_headers" if text.startswith("RFC5322 requirement error: ") else None, None


class Queue:
    """Takes lines about messages in log order. Queue ids are short, and two instances may use one at the same time."""

    def __init__(self, answers: Answers) -> None:
        """Begin empty."""
        self._answers = answers
        self._messages: dict[tuple[str, str], dict[str, Message]] = {}
        self._managed: set[tuple[str, str]] = set()
        self._serial = 0

    def __len__(self) -> int:
        return len(self._messages)

    def begin(self, record: Record) -> Message:
        """Let a queue id stand for a new message from here on, whatever it stood for before."""
        self._serial += 1
        message = Message(record, self._serial, record.time)
        if record.queue_id is not None:
            self._messages.setdefault((record.host, record.queue_id), {})[record.instance] = message
        return message

    def find(self, record: Record) -> Message | None:
        """The message that a line is about, by its queue id.

        The lines of helpers name no instance: of several messages it is the only one from that client, or none. A
        service may have a name apart (`-o syslog_name=postfix-submission`): then it is of the instance that the others
        are of, and no queue manager has its name.
        """
        if record.queue_id is None:
            return None
        known = self._messages.get((record.host, record.queue_id))
        if known is None:
            return None
        if record.syslog_name is None:
            found = list(known.values())
            if len(found) > 1:
                found = [message for message in found if message.first.client_address == record.client_address]
            return found[0] if len(found) == 1 else None
        own = known.get(record.instance)
        if own is not None:
            return own
        apart = (found for name, found in known.items() if (record.host, name) not in self._managed)
        return next(apart, None)

    def sweep(self, now: Mapping[str, int]) -> None:
        """Forget the messages of which nothing more is to come, by the time of each host."""
        for key, known in list(self._messages.items()):
            for name in [name for name, message in known.items() if message.over(now[key[0]])]:
                del known[name]
            if not known:
                del self._messages[key]

    def adopt(self, message: Message, record: Record) -> Message | None:
        """The message that a content filter handed back: not a second attempt, but this one's continuation."""
        found = QUEUED_AS.search(record.text or "")
        child = self._young(record, found["queue_id"], record.instance) if found else None
        return child if child is not None and message.adopt(child) else None

    def pickup(self, record: Record) -> None:
        """Take in a message that was handed in on the machine: no client, so no attempt."""
        self._forget(record)

    def message_id(self, record: Record) -> None:
        """Take in cleanup's first line. A bounce or a forwarded message has none before it, and may use an old id."""
        message = self.find(record)
        if message is not None and (message.removed or message.over(record.time)):
            self._forget(record)

    def queued(self, record: Record) -> None:
        """Take in that the queue manager has it: the client had an OK for the whole of it."""
        self._managed.add((record.host, record.instance))
        message = self.find(record)
        if message is None or message.removed:
            self._forget(record)
            return
        message.queued = True
        message.last = record.time
        if record.sender is not None:
            message.sender = record.sender
            if "spf" not in message.results:
                answer = self._answers.about(message.first, record.sender)
                message.results |= {"spf": answer.result} if answer is not None and answer.result else {}

    def delivery(self, record: Record) -> None:
        """Take in what became of one recipient for now."""
        message = self.find(record)
        if message is not None and record.recipient is not None and record.status is not None:
            target = message.deliver(record)
            target.child = self.adopt(message, record) or target.child

    def expired(self, record: Record) -> None:
        """Take in that the queue manager gives up."""
        message = self.find(record)
        if message is not None:
            message.expire(record)

    def removed(self, record: Record) -> None:
        """Take in that it is gone from the queue; helpers may still speak of it for a moment."""
        self._managed.add((record.host, record.instance))
        message = self.find(record)
        if message is not None:
            message.removed = True
            message.last = record.time

    def too_much(self, record: Record) -> None:
        """Take in that it grew too big, or went round in circles: smtpd refuses that without a verdict line."""
        found = _TOO_MUCH.match(record.text or "")
        message = self.find(record._replace(queue_id=found["queue_id"])) if found else None
        if found is not None and message is not None:
            reply, dsn, text, restriction = _ANSWERS[found["what"]]
            verdict = record._replace(action="reject", stage="END-OF-MESSAGE", restriction=restriction)
            message.refusal = verdict._replace(reply=reply, dsn=dsn, text=text)
            message.last = record.time

    def result(self, record: Record) -> None:
        """Take in what a milter found."""
        message = self.find(record)
        if message is not None and record.result is not None:
            message.results[record.kind] = record.result

    def dmarc(self, record: Record) -> None:
        """Take in what opendmarc found, or why it found nothing; that a chain of ARC overrides it comes first."""
        message = self.find(record)
        if message is not None:
            note = (record.result, record.domain) if record.kind == "dmarc" else _dmarc_note(record.text or "")
            for name, value in zip(("dmarc", "dmarc_domain"), note, strict=True):
                if value is not None:
                    message.results.setdefault(name, value)

    def filtered(self, record: Record) -> None:
        """Take in amavis' verdict: on a queued message, or, before the queue, on the one that it handed back."""
        found = HANDED_BACK.search(record.reason or "")
        ids = found["queue_ids"].split("/") if found else []
        parent = self.find(record)
        name = "" if parent is None else parent.first.instance
        children = [child for child in (self._young(record, queue_id, name) for queue_id in ids) if child is not None]
        for child in children:
            child.is_child = True
            if parent is not None:
                parent.adopt(child)
        for message in [parent] if parent is not None else children:
            message.results["filtered"] = record.result or ""
            for address in ADDRESS.finditer(record.text or ""):
                message.filtered[address["address"].lower()] = record.result or ""

    def handed_back(self, record: Record) -> None:
        """Take in amavis' own step: for several recipients it may hand back several; Postfix's line names only one."""
        found = QUEUED_AS.search(record.text or "")
        child = self._young(record, found["queue_id"], "") if found else None
        if child is not None:
            child.is_child = True

    def _young(self, record: Record, queue_id: str, name: str) -> Message | None:
        """The message that has just begun under this id: in this instance, or else in the only other that has one.

        An old one of that id is another message: the id was that of a queue elsewhere.
        """
        known = self._messages.get((record.host, queue_id), {})
        young = {one: message for one, message in known.items() if record.time - message.first.time <= HOLD}
        if name in young or len(young) != 1:
            return young.get(name)
        return next(iter(young.values()))

    def _forget(self, record: Record) -> None:
        """Let a queue id stand for nothing: from here on it is a message that no client handed over."""
        if record.queue_id is not None:
            known = self._messages.get((record.host, record.queue_id), {})
            known.pop(record.instance, None)
            if not known:
                self._messages.pop((record.host, record.queue_id), None)
