"""A message: what one queue id stood for, from the first RCPT TO to its removal, and what became of its recipients."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from advisor.record import Record

MINUTE = 60_000_000
"""In the microseconds of Record.time."""
HOLD = 5 * MINUTE
"""How long something finished waits for late lines: another process's line may come a moment after its cause."""
LOST = 60 * MINUTE
"""After this long without a queue manager's line a message was never received whole."""
LIFETIME = 5 * 24 * 60 * MINUTE
"""After this long without a line nothing more will come: a deferred message is tried every few hours at least."""

REFUSALS = frozenset({"reject", "milter-reject", "proxy-reject"})
"""The actions of a verdict that turn the client away."""

Outcomes = dict[str, tuple[str, str | None]]
"""Recipients as logged, with their final status; by address in lower case."""

_WEIGHT = {"sent": 3, None: 2, "deferred": 1}


def worst(statuses: Iterable[str | None]) -> str | None:
    """One status for several: what failed outweighs what is under way, and that outweighs what arrived."""
    return min(statuses, key=lambda status: _WEIGHT.get(status, 0))


def fate_of(record: Record) -> str | None:
    """Where a verdict takes a message out of the queue's way: `discard`, `hold`; None otherwise."""
    action = (record.action or "").removeprefix("milter-")
    return "hold" if action == "quarantine" else action if action in ("discard", "hold") else None


@dataclass(eq=False, slots=True)
class Request:
    """One RCPT TO, as far as the verdict lines tell: built from all of them until the next RCPT TO begins."""

    record: Record
    message: "Message | None" = None
    verdict: Record | None = None
    helo_name: str | None = None
    helo_sent: bool | None = None
    spf: str | None = None
    fate: str | None = None
    warned: list[Record] = field(default_factory=list)

    def add(self, record: Record) -> None:
        """Take in one more verdict line about this RCPT TO."""
        if record.action in REFUSALS:
            self.verdict = record
        elif record.action == "reject_warning":
            self.warned.append(record)
        self.fate = fate_of(record) or self.fate
        self.helo_name = record.helo_name or self.helo_name
        if record.helo_sent is not None:
            self.helo_sent = record.helo_sent

    def is_about(self, record: Record) -> bool:
        """Whether a verdict line belongs to this RCPT TO: it names the same addresses."""
        return (self.record.sender, self.record.recipient) == (record.sender, record.recipient)


@dataclass(eq=False, slots=True)
class Target:
    """Where mail for a recipient went: the last status, and the message that a content filter made of it."""

    status: str
    child: "Message | None" = None


@dataclass(eq=False, slots=True)
class Delivery:
    """What became of one recipient, named as before aliases; an alias has several targets."""

    recipient: str
    targets: dict[str, Target] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class Message:
    """What one queue id stood for; queue ids are used again. `serial` counts messages in the order of their beginning.

    A message without a queue id went to a before-queue filter (smtpd_proxy_filter): its child has the queue id.
    `sole_recipient` is the one that a line of smtpd at DATA or later names, which it does where there is only one.
    """

    first: Record
    serial: int
    last: int
    requests: list[Request] = field(default_factory=list)
    deliveries: dict[str, Delivery] = field(default_factory=dict)
    sender: str | None = None
    logged_sender: str | None = None
    sole_recipient: str | None = None
    queued: bool = False
    removed: bool = False
    fate: str | None = None
    refusal: Record | None = None
    warned: list[Record] = field(default_factory=list)
    helo_name: str | None = None
    helo_sent: bool | None = None
    results: dict[str, str] = field(default_factory=dict)
    filtered: dict[str, str] = field(default_factory=dict)
    is_child: bool = False
    parent: "Message | None" = None
    children: list["Message"] = field(default_factory=list)

    @property
    def queue_id(self) -> str | None:
        """Postfix's name for it; behind a before-queue filter that of the first message which came back."""
        if self.first.queue_id is None and self.children:
            return self.children[0].queue_id
        return self.first.queue_id

    def deliver(self, record: Record) -> Target:
        """Take in a delivery line; the address before aliases is the one that RCPT TO named."""
        assert record.recipient is not None
        assert record.status is not None
        self.queued = True
        self.last = record.time
        asked = record.orig_recipient or record.recipient
        delivery = self.deliveries.get(asked.lower())
        if delivery is None:
            delivery = self.deliveries[asked.lower()] = Delivery(asked)
        target = delivery.targets.get(record.recipient.lower())
        if target is None:
            target = delivery.targets[record.recipient.lower()] = Target(record.status)
        target.status = record.status
        return target

    def expire(self, record: Record) -> None:
        """Take in the queue manager's line that it gives up: whoever was still waiting will get nothing."""
        self.last = record.time
        for delivery in self.deliveries.values():
            for target in delivery.targets.values():
                if target.status == "deferred":
                    target.status = "expired"

    def adopt(self, child: "Message") -> bool:
        """Take a message for the one that a content filter made of this; False where it cannot be.

        A child begins after its parent and has only one, so that no line, whatever it claims, makes a circle.
        """
        if child.serial <= self.serial or child.parent not in (None, self):
            return False
        child.is_child = True
        if child.parent is None:
            child.parent = self
            self.children.append(child)
        return True

    @property
    def known_sender(self) -> str | None:
        """The sender in the queue, after rewriting."""
        return next((one.sender for one in (self, *self.children) if one.sender is not None), None)

    def outcomes(self) -> Outcomes:
        """The recipients that delivery lines name, with what became of them."""
        if self.first.queue_id is None:
            return {key: found for child in self.children for key, found in child.outcomes().items()}
        return {key: (delivery.recipient, self._final(delivery)) for key, delivery in self.deliveries.items()}

    def result(self, name: str) -> str | None:
        """What a helper said of it, or of what came back from the content filter."""
        found = self.results.get(name)
        if found is None and self.children:
            found = next(filter(None, (child.result(name) for child in self.children)), None)
        return found

    def filter_result(self, recipient: str | None) -> str | None:
        """What the content filter said for one recipient: it may pass one's mail and block another's."""
        found = self._filtered_for((recipient or "").lower())
        return found or self.result("filtered")

    def over(self, now: int) -> bool:
        """Whether nothing more is to come, from this message or from what the content filter made of it."""
        quiet = now - self.last
        if self.removed or self.refusal is not None or (self.first.queue_id is None and self.children):
            return quiet > HOLD and all(child.over(now) for child in self.children)
        return quiet > (LIFETIME if self.queued or self.fate == "hold" else LOST)

    def _final(self, delivery: Delivery) -> str | None:
        return worst(self._final_of(address, target) for address, target in delivery.targets.items())

    def _final_of(self, address: str, target: Target) -> str | None:
        """The status of one target; behind a content filter, what became of it afterwards."""
        for child in self.children:
            found = child._status(address)
            if found is not None:
                return found[0]
        if target.child is None or target.status != "sent":
            return target.status
        # The filter may have renamed the recipient; while its message is under way nobody knows.
        return worst(status for _, status in target.child.outcomes().values()) if target.child.removed else None

    def _status(self, address: str) -> tuple[str | None] | None:
        """The final status of an address, as a tuple of one; None where no delivery line names it."""
        if address in self.deliveries:
            return (self._final(self.deliveries[address]),)
        for delivery in self.deliveries.values():
            if address in delivery.targets:
                return (self._final_of(address, delivery.targets[address]),)
        return None

    def _filtered_for(self, address: str) -> str | None:
        names = [address, *(self.deliveries[address].targets if address in self.deliveries else ())]
        own = next((self.filtered[name] for name in names if name in self.filtered), None)
        return own or next(filter(None, (child._filtered_for(address) for child in self.children)), None)
