"""Write a month of an invented joinery's mail server, with every case the advisor must tell apart.

The formats are those of the real lab logs beside this file; the people, firms, hosts and addresses are invented.
The same bytes come out on every run: the seed is fixed, no clock is read, and gzip stores no time.
"""

import bisect
import gzip
import math
import random
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

TARGET = Path(__file__).with_name("maillog-20261101.gz")
OURS = "tischlerei-brandt.example"
MAILHOST = f"mail.{OURS}"
HOUR, DAY = 3600.0, 86400.0
WORKDAYS = [day for day in range(31) if (day + 3) % 7 < 5]  # 1 October 2026 is a Thursday
CASUAL = [0, 24, 25, 26, 27, 31]  # how far the offices' hours lean to the morning (bisected, see office_hour)


def at(day: int, hour: float) -> float:
    """Seconds since 1 October 00:00; the day counts from 1, as in the log."""
    return (day - 1) * DAY + hour * HOUR


TRIAL = (at(12, 8.783), at(15, 17.336))  # warn_if_reject reject_unknown_sender_domain
PERMIT_LOG = at(22, 9.083)  # smtpd_log_access_permit_actions = static:all
OUTAGE = (at(14, 0), at(15, 0))  # the glazier's name server is down
RELOADS = (*TRIAL, PERMIT_LOG)

USERS = [f"{name}@{OURS}" for name in (
    "jonas.brandt", "petra.brandt", "lena.vogt", "markus.ried", "sofia.engel", "tim.kessler", "ines.pohl", "uwe.sander")]
MOBILE = "montage-team@mobilpost.example"
ALIASES = {f"info@{OURS}": USERS[1:3], f"rechnung@{OURS}": USERS[3:4], f"root@{OURS}": USERS[:1],
           f"montage@{OURS}": [MOBILE]}
STRANGERS = [f"{name}@{OURS}" for name in (
    "admin", "sales", "office", "webmaster", "kontakt", "buchhaltung", "bestellung", "test", "marketing", "k.brandt",
    "hr", "support", "einkauf", "chef", "max.mustermann", "jobs", "billing", "ceo", "j.brandt", "pbrandt")]

# Persons our users write with, each on a host whose names are in order: mailbox, host, address.
PARTNERS = """
anna.keller@holz-sued.example mail.holz-sued.example 198.51.100.10
verkauf@holz-sued.example mail.holz-sued.example 198.51.100.10
d.maurer@holz-sued.example mail.holz-sued.example 198.51.100.10
b.lindner@architekten-lindner.example mx.architekten-lindner.example 198.51.100.11
office@architekten-lindner.example mx.architekten-lindner.example 198.51.100.11
georg.hahn@beschlaege-hahn.example smtp.beschlaege-hahn.example 198.51.100.12
bestellung@beschlaege-hahn.example smtp.beschlaege-hahn.example 198.51.100.12
s.wolf@steuerbuero-wolf.example out1.hosting-see.example 198.51.100.13
kanzlei@notariat-lenz.example out2.hosting-see.example 198.51.100.14
familie.bauer@seepost.example mta1.seepost.example 198.51.100.15
k.thoma@seepost.example mta2.seepost.example 198.51.100.16
ute.frey@seepost.example mta1.seepost.example 198.51.100.15
r.zeller@seepost.example mta2.seepost.example 2001:db8:15::16
m.graf@bauamt-seekirch.example mailgate.bauamt-seekirch.example 198.51.100.17
p.ott@elektro-ott.example mail.elektro-ott.example 198.51.100.18
disposition@spedition-rapp.example relay.spedition-rapp.example 198.51.100.19
c.rapp@spedition-rapp.example relay.spedition-rapp.example 198.51.100.19
hotel@seeblick.example mail.seeblick.example 198.51.100.20
einkauf@seeblick.example mail.seeblick.example 198.51.100.20
ladenbau@moden-stark.example mx1.moden-stark.example 198.51.100.21
h.stark@moden-stark.example mx1.moden-stark.example 2001:db8:21::25
service@maschinen-voss.example out3.hosting-see.example 198.51.100.22
j.voss@maschinen-voss.example out3.hosting-see.example 198.51.100.22
hausverwaltung@immo-kern.example mail.immo-kern.example 198.51.100.23
v.kern@immo-kern.example mail.immo-kern.example 198.51.100.23
"""
# Wanted, but not in order: mailbox, PTR (or -), address, HELO, how many mails, what the forward lookup says (or =).
NXDOMAIN, DNSFAIL, ELSEWHERE = ": Name or service not known", ": Temporary failure in name resolution", ""
AWKWARD = (
    ("billing@stahlbau-roth.example", "", "203.0.113.10", "mail.stahlbau-roth.example", 12, None),
    ("info@heimatverein.example", "mail.heimatverein.example", "203.0.113.11", "heimatverein.example", 9, NXDOMAIN),
    ("f.adler@fensterbau-adler.example", "gateway.fensterbau-adler.example", "203.0.113.12",
     "mail.fensterbau-adler.example", 13, ELSEWHERE),
    ("monitor@kunde-fischer.example", "gw.kunde-fischer.example", "203.0.113.13", "localhost", 34, None),
    ("werkstatt@metallbau-huber.example", "mail.metallbau-huber.example", "203.0.113.14",
     "exch01.metallbau-huber.local", 15, None),
    ("info@glaserei-winter.example", "mail.glaserei-winter.example", "203.0.113.15",
     "mail.glaserei-winter.example", 16, None),
    ("formular@web3.farben-kroll.example", "web3.hosting-see.example", "203.0.113.16", "web3.hosting-see.example",
     11, None),
)
UNANSWERED = {"monitor@kunde-fischer.example", "formular@web3.farben-kroll.example"}
GREYLISTING = {"notariat-lenz.example"}  # a partner that defers our first attempt
NO_DNS = ("web3.farben-kroll.example", "offer-today.example", "best-kredit.example", "win-4-you.example",
          "pharma-direkt.example", "update-konto.example", "seo-rank.example", "lotto-info.example",
          "paket-status.example", "holz-sued-gmbh.example")  # the last is a typing error of one of our users
FORGED = ("gratispost.example", "webmailer.example", "bank-am-see.example", "grosshandel24.example")
OTHER_LISTS = ("198.51.100.40", "198.51.100.41", "198.51.100.42")


@dataclass(frozen=True)
class Host:
    """A client as DNS and the SMTP dialogue show it."""

    address: str
    name: str = ""  # the PTR; empty: there is none
    helo: str = ""  # empty: it sends none
    fault: str | None = None  # what the warning ends in; None: the name leads back
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
    trouble: str = ""  # "spf": the lookup of its SPF record fails for the moment


@dataclass
class Worker:
    """A process: one session at a time, gone after a while."""

    pid: int
    free: float
    used: int = 0


@dataclass
class Server:
    """The mail server: its processes, its queue and the lines it has logged."""

    rng: random.Random = field(default_factory=lambda: random.Random(20261001))
    lines: list[tuple[float, int, str]] = field(default_factory=list)
    pools: defaultdict[tuple[str, int], list[Worker]] = field(default_factory=lambda: defaultdict(list))
    ids: list[str] = field(default_factory=list)
    visits: list[tuple[float, str]] = field(default_factory=list)  # what anvil counts
    listed: dict[str, float] = field(default_factory=dict)  # since when the blocklist knows an address
    pid: int = 1204
    jobs: list[tuple[float, Callable[[], None]]] = field(default_factory=list)

    def plan(self, when: float, job: Callable[..., None], *rest: object) -> None:
        """Put a job on the calendar; jobs run in the order of time so that process ids rise."""
        self.jobs.append((when, partial(job, self, when, *rest)))

    def say(self, when: float, title: str, text: str) -> None:
        """Log one line."""
        self.lines.append((when, len(self.lines), f"{title}: {text}"))

    def take(self, service: str, start: float, end: float = math.inf) -> Worker:
        """Return a process of the service that is free from start on, and hold it until end."""
        pool = self.pools[service, bisect.bisect(RELOADS, start)]  # a reload replaces every process
        life = 20 if service == "amavis" else 100
        idle = DAY if service == "amavis" else 100.0
        for worker in pool:
            if worker.free <= start < worker.free + idle and worker.used < life:
                break
        else:
            self.pid += self.rng.randint(1, 30)
            worker = Worker(self.pid, start)
            pool.append(worker)
        worker.free, worker.used = end, worker.used + 1
        return worker

    def act(self, service: str, when: float, text: str) -> None:
        """Log one line of a process that serves one request."""
        self.say(when, f"postfix/{service}[{self.take(service, when, when + 0.02).pid}]", text)

    def resident(self, service: str, when: float, text: str) -> None:
        """Log one line of a process that lives from reload to reload."""
        pool = self.pools[service, bisect.bisect(RELOADS, when)]
        if not pool:
            self.pid += self.rng.randint(1, 5)
            pool.append(Worker(self.pid, math.inf))
        self.say(when, f"postfix/{service}[{pool[0].pid}]", text)

    def queue_id(self) -> str:
        """Return a short queue id: microseconds and inode; one comes twice in the month, as happens."""
        new = self.ids[60] if len(self.ids) == 2000 else ""
        while not new or (new in self.ids and len(self.ids) != 2000):
            new = f"{self.rng.randrange(1_000_000):05X}{0x40A0 + self.rng.randrange(40):X}"
        self.ids.append(new)
        return new

    def enqueue(self, when: float, queue_id: str, sender: str, body: tuple[str, int, int]) -> None:
        """Log what cleanup and qmgr say about a new message (message-id, size, recipients)."""
        message_id, size, count = body
        self.act("cleanup", when, f"{queue_id}: message-id=<{message_id}>")
        self.activate(when + 0.03, queue_id, sender, (size, count))

    def activate(self, when: float, queue_id: str, sender: str, body: tuple[int, int]) -> None:
        """Log that qmgr takes a message up, for the first time or again."""
        size, count = body
        self.resident("qmgr", when, f"{queue_id}: from=<{sender}>, size={size}, nrcpt={count} (queue active)")

    def code(self, length: int = 8) -> str:
        """Return something like a random identifier."""
        return "".join(self.rng.choices("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz0123456789", k=length))


@dataclass
class Session:
    """One SMTP session: it keeps the pid, the clock and the counts that the disconnect line reports."""

    server: Server
    service: str
    clock: float
    host: Host
    done: Counter[str] = field(default_factory=Counter)
    tried: Counter[str] = field(default_factory=Counter)
    spf_said: bool = False

    def __post_init__(self) -> None:
        """Connect; the warning about the name comes first, from the same process."""
        self.worker = self.server.take(self.service, self.clock)
        if self.host.fault is not None:
            name, address = self.host.name, self.host.address
            self.say(f"warning: hostname {name} does not resolve to address {address}{self.host.fault}", 0)
        self.say(f"connect from {self.host.label}", 0.004)
        if not is_ours(self.host.address):
            self.server.visits.append((self.clock, f"{self.service.replace('smtpd', 'smtp')}:{self.host.address}"
                                       .replace("submission/smtp", "submission")))

    def say(self, text: str, wait: float = 0.05) -> None:
        """Log a line of this process after a short wait."""
        self.clock += wait
        self.server.say(self.clock, f"postfix/{self.service}[{self.worker.pid}]", text)

    def command(self, name: str, success: int = 1) -> None:
        """Count one command of the client."""
        self.tried[name] += 1
        self.done[name] += success
        self.clock += 0.02 + self.server.rng.random() * 0.15

    def greet(self) -> None:
        """HELO or EHLO, and STARTTLS where the client does that."""
        if self.host.helo:
            self.command(self.host.greeting)
        if self.host.tls:
            self.command("starttls")
            self.say(f"Anonymous TLS connection established from {self.host.label}: TLSv1.3 with cipher "
                     "TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519 server-signature RSA-PSS "
                     "(2048 bits) server-digest SHA256")
            self.command("ehlo")

    def close(self, lost_after: str = "") -> None:
        """End the session politely, or by hanging up, and let the process go."""
        if not lost_after:
            self.command("quit")
        elif lost_after != "END-OF-MESSAGE":  # a hang-up after the mail is in is not logged
            self.say(f"lost connection after {lost_after} from {self.host.label}", 0.4)
        order = ("helo", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "quit", "unknown")
        done, tried = self.done.total(), self.tried.total()
        counts = [(name, self.done[name], self.tried[name]) for name in order if self.tried[name]]
        counts.append(("commands", done, tried))
        text = " ".join(f"{name}={good}" if good == all_ and all_ else f"{name}={good}/{all_}"
                        for name, good, all_ in counts)
        self.say(f"disconnect from {self.host.label} {text}", 0.01)
        self.worker.free = self.clock

    def refuses(self, mail: Mail, rcpt: str, queue_id: str) -> bool:
        """Go through the restrictions in the order of main.cf; true where one answers 4xx or 5xx."""
        host = self.host
        end = f"; from=<{mail.sender}> to=<{rcpt}> proto={host.proto}" + (f" helo=<{host.helo}>" if host.helo else "")
        start = f"{queue_id or 'NOQUEUE'}: {{}}: RCPT from {host.label}: {{}}{end}"
        if is_ours(host.address):
            for _ in range(2 * (self.clock >= PERMIT_LOG)):  # the recipient list and the relay list
                self.say(start.format("permit", f"action=permit_mynetworks for Client host={host.label} "), 0.001)
            return False
        if TRIAL[0] <= self.clock < TRIAL[1] and domain(mail.sender) in NO_DNS:
            self.say(start.format("reject_warning",
                                  f"450 4.1.8 <{mail.sender}>: Sender address rejected: Domain not found"))
        refusal = ""
        if domain(rcpt) != OURS:
            refusal = f"554 5.7.1 <{rcpt}>: Relay access denied"
        elif wait := spf(self, mail):
            refusal = f"450 4.7.24 <{rcpt}>: Recipient address rejected: {wait}"
        elif self.clock >= self.server.listed.get(host.address, math.inf):
            refusal = (f"554 5.7.1 Service unavailable; Client host [{host.address}] blocked using zen.dnsbl.example; "
                       f"https://check.zen.dnsbl.example/ip/{host.address}")
        elif rcpt not in USERS and rcpt not in ALIASES:
            refusal = f"550 5.1.1 <{rcpt}>: Recipient address rejected: User unknown in virtual mailbox table"
        if self.clock >= PERMIT_LOG and (not refusal or "virtual" in refusal):  # the mailbox table is asked last
            self.say(start.format("permit", f"action=permit for Recipient address={rcpt} "), 0.001)
        if refusal:
            self.say(start.format("reject", refusal), 0.001)
        return bool(refusal)


def domain(address: str) -> str:
    """Return what stands after the @."""
    return address.rpartition("@")[2]


def is_ours(address: str) -> bool:
    """Tell whether an address is in mynetworks."""
    return address.startswith(("192.0.2.", "127."))


def spf(session: Session, mail: Mail) -> str:
    """Log what policyd-spf says, once per message; the answer is the text of a temporary refusal."""
    host, sender = session.host, mail.sender
    start = session.clock + 0.03
    daemon = f"policyd-spf[{session.server.take('policyd-spf', start, start + 0.1).pid}]"
    if mail.trouble:
        text = (f"Message deferred due to: SPF Temporary Error: DNS All nameservers failed to answer the query "
                f"{domain(sender)}. IN TXT: Server 127.0.0.1 UDP port 53 answered SERVFAIL. Please see "
                f"http://www.openspf.net/Why?s=mfrom;id={sender};ip={host.address};r={OURS}")
        session.server.say(start, daemon, f": defer_if_permit 4.7.24 {text}")
        session.clock = start
        return text
    if session.spf_said:
        return ""
    session.spf_said = True
    known = host.fault is None and host.name and (host.tls or host.name.endswith(domain(sender)))
    result = ("Fail (SPF fail - not authorized) identity=helo" if host.helo.endswith(OURS)
              else "Fail (mailfrom) identity=mailfrom" if domain(sender) == OURS
              else "None (mailfrom) identity=mailfrom" if domain(sender) in NO_DNS
              else "Softfail (mailfrom) identity=mailfrom" if domain(sender) in FORGED
              else "Pass (mailfrom) identity=mailfrom" if known else "None (mailfrom) identity=mailfrom")
    helo = (host.helo or domain(sender)).lower()  # without a HELO it shows the sender's domain
    session.server.say(start, daemon, f": prepend Received-SPF: {result}; client-ip={host.address}; helo={helo}; "
                                      f"envelope-from={sender}; receiver={OURS} ")
    session.clock = start
    return ""
