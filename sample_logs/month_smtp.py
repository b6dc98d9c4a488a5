"""SMTP sessions with the server that exists only in its log, and the content filter behind them."""

import math
import random
from collections import Counter
from dataclasses import dataclass, field

from month_server import (
    ALIASES,
    FORGED,
    MOBILE,
    NO_DNS,
    OURS,
    PERMIT_LOG,
    TRIAL,
    USERS,
    Host,
    Item,
    Mail,
    Server,
    delays,
    domain,
    hand_out,
    is_ours,
)


@dataclass
class Session:
    """One SMTP session: it keeps the process, the clock and the counts that the disconnect line reports."""

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
            kind = "smtp" if self.service == "smtpd" else "submission"
            self.server.visits.append((self.clock, f"{kind}:{self.host.address}"))

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
            self.say(
                f"Anonymous TLS connection established from {self.host.label}: TLSv1.3 with cipher "
                "TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519 server-signature RSA-PSS "
                "(2048 bits) server-digest SHA256"
            )
            self.command("ehlo")

    def close(self, lost_after: str = "") -> None:
        """End the session politely, or by hanging up, and let the process go."""
        if not lost_after:
            self.command("quit")
        elif lost_after != "END-OF-MESSAGE":  # hanging up once the mail is in is not logged
            self.say(f"lost connection after {lost_after} from {self.host.label}", 0.4)
        order = ("helo", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "quit", "unknown")
        counts = [(name, self.done[name], self.tried[name]) for name in order if self.tried[name]]
        counts.append(("commands", self.done.total(), self.tried.total()))
        text = " ".join(
            f"{name}={good}" if good == tried and tried else f"{name}={good}/{tried}" for name, good, tried in counts
        )
        self.say(f"disconnect from {self.host.label} {text}", 0.01)
        self.worker.free = self.clock

    def refuses(self, mail: Mail, rcpt: str, queue_id: str) -> bool:
        """Go through the restrictions in the order of main.cf; true where one answers 4xx or 5xx."""
        host = self.host
        helo = f" helo=<{host.helo}>" if host.helo else ""
        end = f"; from=<{mail.sender}> to=<{rcpt}> proto={host.proto}{helo}"
        line = f"{queue_id or 'NOQUEUE'}: {{}}: RCPT from {host.label}: {{}}{end}"
        if is_ours(host.address):
            for _ in range(2 if self.clock >= PERMIT_LOG else 0):  # the recipient list and the relay list
                action = f"action=permit_mynetworks for Client host={host.label} "
                self.say(line.format("permit", action), 0.001)
            return False
        if TRIAL[0] <= self.clock < TRIAL[1] and domain(mail.sender) in NO_DNS:
            warning = f"450 4.1.8 <{mail.sender}>: Sender address rejected: Domain not found"
            self.say(line.format("reject_warning", warning))
        refusal, unknown = "", rcpt not in USERS and rcpt not in ALIASES
        if domain(rcpt) != OURS:
            refusal = f"554 5.7.1 <{rcpt}>: Relay access denied"
        elif defer := self.spf(mail):
            refusal = f"450 4.7.24 <{rcpt}>: Recipient address rejected: {defer}"
        elif self.clock >= self.server.listed.get(host.address, math.inf):
            refusal = (
                f"554 5.7.1 Service unavailable; Client host [{host.address}] blocked using "
                f"zen.dnsbl.example; https://check.zen.dnsbl.example/ip/{host.address}"
            )
        elif self.clock >= PERMIT_LOG:
            self.say(line.format("permit", f"action=permit for Recipient address={rcpt} "), 0.001)
        if unknown and not refusal:  # the mailbox table is asked last
            refusal = f"550 5.1.1 <{rcpt}>: Recipient address rejected: User unknown in virtual mailbox table"
        if refusal:
            self.say(line.format("reject", refusal), 0.001)
        return bool(refusal)

    def spf(self, mail: Mail) -> str:
        """Log what policyd-spf says, once per message; the answer is the text of a temporary refusal."""
        sender, address = mail.sender, self.host.address
        if self.spf_said and not mail.spf_fails:
            return ""
        self.spf_said = True
        self.clock += 0.03
        title = f"policyd-spf[{self.server.take('policyd-spf', self.clock, self.clock + 0.1).pid}]"
        if mail.spf_fails:
            text = (
                "Message deferred due to: SPF Temporary Error: DNS All nameservers failed to answer the "
                f"query {domain(sender)}. IN TXT: Server 127.0.0.1 UDP port 53 answered SERVFAIL. Please "
                f"see http://www.openspf.net/Why?s=mfrom;id={sender};ip={address};r={OURS}"
            )
            self.server.say(self.clock, title, f": defer_if_permit 4.7.24 {text}")
            return text
        helo = (self.host.helo or domain(sender)).lower()  # without a HELO it shows the sender's domain
        text = f"{spf_result(self.host, sender)}; client-ip={address}; helo={helo}; envelope-from={sender}"
        self.server.say(self.clock, title, f": prepend Received-SPF: {text}; receiver={OURS} ")
        return ""


def expand(rcpts: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Resolve the aliases: pairs of final and original recipient."""
    return tuple((to, "" if to == rcpt else rcpt) for rcpt in rcpts for to in ALIASES.get(rcpt, [rcpt]))


def spf_result(host: Host, sender: str) -> str:
    """Return a result that fits the sender: our record ends in -all, well-kept domains name their hosts."""
    if host.helo.endswith(OURS):
        return "Fail (SPF fail - not authorized) identity=helo"
    if domain(sender) == OURS:
        return "Fail (mailfrom) identity=mailfrom"
    if domain(sender) in FORGED:
        return "Softfail (mailfrom) identity=mailfrom"
    kept = host.fault is None and host.name and (host.tls or host.name.endswith(domain(sender)))
    return f"{'Pass' if kept and domain(sender) not in NO_DNS else 'None'} (mailfrom) identity=mailfrom"


def reinject(server: Server, when: float, item: Item, message_id: str) -> tuple[float, str]:
    """Take a filtered message back on port 10025 and deliver it; answer when, and as what it is queued."""
    session = Session(server, "10025/smtpd", when, Host("127.0.0.1", "localhost", "localhost"))
    session.greet()
    session.command("mail")
    for _ in item.rcpts:
        session.command("rcpt")
    queue_id = server.queue_id()
    session.say(f"{queue_id}: client=localhost[127.0.0.1]", 0.001)
    session.command("data")
    rcpts = tuple((to, "") for to, _ in item.rcpts)  # aliases were resolved the first time
    size = item.size + server.rng.randrange(480, 560)
    back = Item(queue_id, item.sender, size, rcpts, session.clock)
    server.enqueue(back, message_id)
    session.clock += 0.02
    session.close()
    hand_out(server, session.clock + 0.02, back)
    return session.clock, queue_id


def passed(rng: random.Random, mail: Mail, host: Host, item: Item) -> tuple[str, str]:
    """Return amavis' verdict with its traits, and the score."""
    spam, own = mail.verdict == "SPAM", is_ours(host.address)
    traits = {
        "RelayedInternal"
        if own
        else "RelayedOpenRelay"
        if to == MOBILE
        else "RelayedTaggedInbound"
        if spam
        else "RelayedInbound"
        for to, _ in item.rcpts
    }
    hits = rng.uniform(6.3, 24) if spam else rng.uniform(-1.9, 4.5)
    bank = "MYNETS LOCAL " if own else ""
    return f"Passed {mail.verdict} {{{','.join(sorted(traits))}}}, {bank}", f"{hits:.3f}"


def filter_mail(server: Server, when: float, mail: Mail, host: Host, queue_id: str) -> None:
    """Queue a message, have amavis look at it, and deliver what comes back under a second queue id."""
    rng = server.rng
    item = Item(queue_id, mail.sender, rng.randrange(1800, 90000), expand(mail.rcpts), when)
    message_id = f"{server.code(10)}@{domain(mail.sender)}"
    server.enqueue(item, message_id)
    worker = server.take("amavis", when + 0.1)
    task, mail_id = f"{worker.pid:05d}-{worker.used:02d}", server.code(12)
    done, port = when + rng.uniform(0.4, 3.6), rng.randrange(32768, 60999)
    path = f"[{host.address}]:{port} [{host.address}] <{mail.sender}> -> "
    path += ",".join(f"<{to}>" for to, _ in item.rcpts)
    ids = f"Queue-ID: {queue_id}, Message-ID: <{message_id}>, mail_id: {mail_id}"
    if mail.verdict == "INFECTED":
        virus = rng.choice(("Doc.Downloader.Agent-77", "Win.Trojan.Lokibot-2"))
        text = (
            f"Blocked INFECTED ({virus}) {{DiscardedInbound,Quarantined}}, {path}, quarantine: "
            f"{mail_id[0]}/virus-{mail_id}, {ids}, Hits: -, size: {item.size}"
        )
        answer = f"dsn=2.7.0, status=sent (250 2.7.0 Ok, discarded, id={task} - INFECTED: {virus})"
    else:
        done, second = reinject(server, done, item, message_id)
        verdict, hits = passed(rng, mail, host, item)
        text = f"{verdict}{path}, {ids}, Hits: {hits}, size: {item.size}, queued_as: {second}"
        reply = f"250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as {second}"
        answer = f"dsn=2.0.0, status=sent ({reply})"
    worker.free, took = done + 0.02, done - when - 0.1
    server.say(done + 0.01, f"amavis[{worker.pid}]", f"({task}) {text}, {1000 * took:.0f} ms")
    pid = server.take("amavis/smtp", when + 0.05, done + 0.05).pid
    for to, alias in item.rcpts:
        head = f"{queue_id}: to=<{to}>, " + (f"orig_to=<{alias}>, " if alias else "")
        text = f"{head}relay=127.0.0.1[127.0.0.1]:10024, {delays(0.05, 0.01, 0.01, took)}, {answer}"
        server.say(done + 0.02, f"postfix/amavis/smtp[{pid}]", text)
    server.resident("qmgr", done + 0.03, f"{queue_id}: removed")


def receive(server: Server, when: float, host: Host, mail: Mail, manner: str = "") -> None:
    """Play one session on port 25; the manner is how it misbehaves: early, lost, data."""
    session = Session(server, "smtpd", when, host)
    if manner == "early":
        script = [f"{host.greeting.upper()} {host.helo}"] * bool(host.helo)
        script += [f"MAIL FROM:<{mail.sender}>", *(f"RCPT TO:<{rcpt}>" for rcpt in mail.rcpts), "DATA", ""]
        seen = "\r\n".join(script)[:100].replace("\r", "\\r").replace("\n", "\\n")  # Postfix shows 100 octets
        session.say(f"improper command pipelining after CONNECT from {host.label}: {seen}", 0.01)
    session.greet()
    session.command("mail")
    queue_id, taken = "", []
    for rcpt in mail.rcpts:
        refused = session.refuses(mail, rcpt, queue_id)
        session.command("rcpt", int(not refused))
        if refused:
            continue
        if not queue_id:
            queue_id = server.queue_id()
            session.say(f"{queue_id}: client={host.label}", 0.001)
        taken.append(rcpt)
    if taken or manner == "data":
        session.command("data", int(bool(taken)))
    if taken:
        session.clock += server.rng.uniform(0.1, 0.8)
        filter_mail(server, session.clock, Mail(mail.sender, tuple(taken), mail.verdict), host, queue_id)
        session.clock += 0.05
    lost = "END-OF-MESSAGE" if taken else "RCPT"
    session.close(lost if manner in {"early", "lost"} else "")


def submit(server: Server, when: float, user: str, host: Host, rcpts: tuple[str, ...]) -> None:
    """Play one session of a user of ours on the submission port, which does without the content filter."""
    session = Session(server, "submission/smtpd", when, host)
    session.greet()
    session.command("auth")
    session.command("mail")
    queue_id = server.queue_id()
    session.say(f"{queue_id}: client={host.label}, sasl_method=PLAIN, sasl_username={user}")
    for _ in rcpts:
        session.command("rcpt")
    session.command("data")
    size = server.rng.randrange(1200, 400000)
    item = Item(queue_id, user, size, expand(rcpts), session.clock)
    server.enqueue(item, f"{server.code(10)}@{OURS}")
    session.clock += 0.05
    session.close()
    hand_out(server, item.arrived + 0.06, item)
