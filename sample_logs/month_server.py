"""A mail server that exists only in its log: its people, its processes, its queue and its deliveries.

The formats are those of the real lab logs in lab/; month_smtp.py plays the sessions, make_month.py the story.
"""

import bisect
import datetime
import heapq
import math
import random
import string
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

OURS = "tischlerei-brandt.example"
MAILHOST = f"mail.{OURS}"
HOUR, DAY = 3600.0, 86400.0
START = datetime.datetime(2026, 10, 1, tzinfo=datetime.UTC)


def at(day: int, hour: float) -> float:
    """Return the seconds since 1 October 00:00; the day counts from 1, as in the log."""
    return (day - 1) * DAY + hour * HOUR


TRIAL = (at(12, 8.783), at(15, 17.336))  # warn_if_reject reject_unknown_sender_domain
PERMIT_LOG = at(22, 9.083)  # smtpd_log_access_permit_actions = static:all
RELOADS = (*TRIAL, PERMIT_LOG)

USERS = [
    f"{name}@{OURS}"
    for name in (
        "jonas.brandt",
        "petra.brandt",
        "lena.vogt",
        "markus.ried",
        "sofia.engel",
        "tim.kessler",
        "ines.pohl",
        "uwe.sander",
    )
]
MOBILE = "montage-team@mobilpost.example"  # a mailbox elsewhere that is always full
ALIASES = {
    f"info@{OURS}": USERS[1:3],
    f"rechnung@{OURS}": USERS[3:4],
    f"root@{OURS}": USERS[:1],
    f"montage@{OURS}": [MOBILE],
}
TYPO = "holz-sued-gmbh.example"  # what one of our users makes of holz-sued.example
NO_DNS = (
    "web3.farben-kroll.example",
    "offer-today.example",
    "best-kredit.example",
    "win-4-you.example",
    "pharma-direkt.example",
    "update-konto.example",
    "seo-rank.example",
    "lotto-info.example",
    "paket-status.example",
    TYPO,
)
FORGED = ("gratispost.example", "webmailer.example", "bank-am-see.example", "grosshandel24.example")
GREYLISTING = {"notariat-lenz.example"}  # a partner that defers the first attempt of every sender
MX = {
    MOBILE.partition("@")[2]: "mx.mobilpost.example[198.51.100.43]",
    **{name: f"mx.{name}[198.51.100.{44 + index}]" for index, name in enumerate(FORGED)},
}


@dataclass(frozen=True)
class Host:
    """A client as DNS and the SMTP dialogue show it."""

    address: str
    name: str = ""  # the PTR; empty: there is none
    helo: str = ""  # empty: it sends none
    fault: str | None = None  # what the warning about the name ends in; None: the name leads back
    greeting: str = "ehlo"
    tls: bool = False

    @property
    def label(self) -> str:
        """NAME[ADDRESS] as smtpd logs it."""
        return f"{self.name if self.name and self.fault is None else 'unknown'}[{self.address}]"

    @property
    def proto(self) -> str:
        """What smtpd says about the greeting."""
        return "ESMTP" if self.helo and self.greeting == "ehlo" else "SMTP"


@dataclass(frozen=True)
class Mail:
    """One message as its sender offers it."""

    sender: str
    rcpts: tuple[str, ...]
    verdict: str = "CLEAN"
    spf_fails: bool = False  # the lookup of its SPF record fails for the moment


@dataclass(frozen=True)
class Item:
    """One message in the queue."""

    queue_id: str
    sender: str
    size: int
    rcpts: tuple[tuple[str, str], ...]  # where it goes, and the alias it was sent to
    arrived: float


@dataclass
class Worker:
    """A process: one request at a time, gone after a while."""

    pid: int
    free: float
    used: int = 0


@dataclass
class Server:
    """The mail server: its calendar, its processes and the lines it has logged."""

    rng: random.Random
    jobs: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    lines: list[tuple[float, int, str]] = field(default_factory=list)
    pools: defaultdict[tuple[str, int], list[Worker]] = field(default_factory=lambda: defaultdict(list))
    ids: list[str] = field(default_factory=list)
    visits: list[tuple[float, str]] = field(default_factory=list)  # what anvil counts
    listed: dict[str, float] = field(default_factory=dict)  # since when the blocklist knows an address
    greeted: set[tuple[str, str]] = field(default_factory=set)  # pairs that a greylisting partner knows
    pid: int = 1204
    planned: int = 0

    def plan(self, when: float, job: Callable[..., None], *rest: object) -> None:
        """Put a job on the calendar; jobs run in the order of time so that process ids rise."""
        self.planned += 1
        entry: tuple[float, int, Callable[[], None]] = (when, self.planned, partial(job, self, when, *rest))
        heapq.heappush(self.jobs, entry)

    def run(self) -> None:
        """Do all jobs, and those that they plan."""
        while self.jobs:
            heapq.heappop(self.jobs)[2]()

    def say(self, when: float, title: str, text: str) -> None:
        """Log one line."""
        self.lines.append((when, len(self.lines), f"{title}: {text}"))

    def take(self, service: str, start: float, end: float = math.inf) -> Worker:
        """Return a process of the service that is free from start on, and hold it until end."""
        amavis = service == "amavis"
        epoch = 0 if amavis else bisect.bisect(RELOADS, start)  # a reload replaces Postfix's own processes
        pool = self.pools[service, epoch]
        life, idle = (20, DAY) if amavis else (100, 100.0)
        for worker in pool[-30:]:
            if worker.free <= start < worker.free + idle and worker.used < life:
                break
        else:
            self.pid += self.rng.randint(1, 30)
            worker = Worker(self.pid, start)
            pool.append(worker)
        worker.free, worker.used = end, worker.used + 1
        return worker

    def act(self, service: str, when: float, text: str) -> None:
        """Log one line of a process that is busy for a moment."""
        self.say(when, f"postfix/{service}[{self.take(service, when, when + 0.02).pid}]", text)

    def resident(self, service: str, when: float, text: str) -> None:
        """Log one line of a process that lives from reload to reload."""
        pool = self.pools[service, bisect.bisect(RELOADS, when)]
        if not pool:
            self.pid += self.rng.randint(1, 5)
            pool.append(Worker(self.pid, math.inf))
        self.say(when, f"postfix/{service}[{pool[0].pid}]", text)

    def queue_id(self) -> str:
        """Return a short queue id, microseconds and inode; one comes twice in the month, as happens."""
        new = self.ids[60] if len(self.ids) == 2000 else ""
        while not new:
            new = f"{self.rng.randrange(1_000_000):05X}{0x40A0 + self.rng.randrange(40):X}"
            new = "" if new in self.ids else new
        self.ids.append(new)
        return new

    def enqueue(self, item: Item, message_id: str) -> None:
        """Log that a message has come in."""
        self.act("cleanup", item.arrived, f"{item.queue_id}: message-id=<{message_id}>")
        self.activate(item.arrived + 0.03, item)

    def activate(self, when: float, item: Item) -> None:
        """Log that qmgr takes a message up, for the first time or again."""
        self.resident(
            "qmgr",
            when,
            f"{item.queue_id}: from=<{item.sender}>, size={item.size}, nrcpt={len(item.rcpts)} (queue active)",
        )

    def code(self, length: int) -> str:
        """Return something like a random identifier."""
        return "".join(self.rng.choices(string.ascii_letters + string.digits, k=length))


def domain(address: str) -> str:
    """Return what stands after the @."""
    return address.rpartition("@")[2]


def is_ours(address: str) -> bool:
    """Tell whether an address is in mynetworks."""
    return address.startswith(("192.0.2.", "127."))


def delays(*parts: float) -> str:
    """Write delay= and delays= with two significant digits, as Postfix does."""

    def short(value: float) -> str:
        text = f"{value:.{2 if value < 1 else 1 if value < 10 else 0}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text

    return f"delay={short(sum(parts))}, delays={'/'.join(map(short, parts))}"


def outcome(server: Server, sender: str, to: str) -> tuple[str, str, str]:
    """Return relay, dsn and status of a delivery to another server."""
    place = domain(to)
    if place in NO_DNS:
        return (
            "none",
            "5.4.4",
            (f"bounced (Host or domain name not found. Name service error for name={place} type=AAAA: Host not found)"),
        )
    host = MX[place]
    status = f"sent (250 2.0.0 Ok: queued as {server.rng.randrange(16**9):09X})"
    dsn = "2.0.0"
    reply = "(in reply to RCPT TO command))"
    if to == MOBILE:
        dsn, status = "5.2.2", f"bounced (host {host} said: 552 5.2.2 mailbox full {reply}"
    elif place in FORGED:
        dsn, status = "5.1.1", f"bounced (host {host} said: 550 5.1.1 user unknown here {reply}"
    elif place in GREYLISTING and (sender, to) not in server.greeted:
        server.greeted.add((sender, to))
        dsn = "4.2.0"
        status = f"deferred (host {host} said: 450 4.2.0 greylisted, try again in 300 seconds {reply}"
    return f"{host}:25", dsn, status


def hand_out(server: Server, when: float, item: Item) -> None:
    """Deliver to mailboxes and other servers; a failure makes a bounce, a deferral another attempt."""
    age, end, left = when - item.arrived, when + 0.05, []
    bounced = False
    for to, alias in item.rcpts:
        head = f"{item.queue_id}: to=<{to}>, " + (f"orig_to=<{alias}>, " if alias else "")
        if domain(to) == OURS:
            text = f"{head}relay=virtual, {delays(age, 0.01, 0, 0.01)}, dsn=2.0.0"
            server.act("virtual", when + 0.03, f"{text}, status=sent (delivered to maildir)")
            continue
        relay, dsn, status = outcome(server, item.sender, to)
        talk = 0.0 if relay == "none" else server.rng.uniform(0.2, 2.5)
        text = f"{head}relay={relay}, {delays(age, 0.02, talk / 3, talk * 2 / 3)}, dsn={dsn}, status={status}"
        server.act("smtp", when + 0.02 + talk, text)
        end = max(end, when + 0.05 + talk)
        bounced |= status.startswith("bounced")
        left += [(to, alias)] * status.startswith("deferred")
    if bounced and item.sender:
        new = Item(server.queue_id(), "", item.size + 2100, ((item.sender, ""),), end)
        date = (START + datetime.timedelta(seconds=end)).strftime("%Y%m%d%H%M%S")
        server.enqueue(new, f"{date}.{new.queue_id}@{MAILHOST}")
        server.act("bounce", end, f"{item.queue_id}: sender non-delivery notification: {new.queue_id}")
        hand_out(server, end + 0.1, new)
    if left:
        rest = Item(item.queue_id, item.sender, item.size, tuple(left), item.arrived)
        server.plan(end + server.rng.uniform(400, 900), retry, rest)
    else:
        server.resident("qmgr", end + 0.06, f"{item.queue_id}: removed")


def retry(server: Server, when: float, item: Item) -> None:
    """Try a deferred message again."""
    server.activate(when, item)
    hand_out(server, when + 0.02, item)
