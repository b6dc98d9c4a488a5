"""A log of any length, for benchmarks: interleaved sessions with the lines that Postfix and its helpers write.

`python -m benchmarks.generated_log LINES [SEED] > FILE`. The shapes are those of the lab logs, the rest is made up.

Of 1,000,000 lines of seed 1: smtpd 34 % (submission 11 %), postscreen 24 %, qmgr 9 %, dnsblog 6 %, opendkim 5 %,
cleanup 4 %, deliveries 5 %, postgrey 3 %, policyd-spf 3 %, opendmarc 3 %, anvil 1 %, programs that are not ours 3 %;
6 % are refusals. A line has 140 bytes with its newline. Of the connections to postscreen 8 % are from IPv6; one host in
a hundred makes 45 % of them, and two hosts in three come once.
"""

import random
import sys
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from benchmarks.host import BOTS, SERVERS, WORDS, Host, bot, numbers_of, server

START = datetime(2026, 11, 1)
OPEN = 40
"""Sessions at a time, each of a process of its own."""

_SERVED, _USERS = 100, 400
"""Sessions after which a process makes room for a new one (Postfix's max_use), and people here."""

_TLS = (
    "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519 server-signature RSA-PSS "
    "(2048 bits) server-digest SHA256",
    "TLSv1.3 with cipher TLS_AES_128_GCM_SHA256 (128/128 bits) key-exchange X25519 server-signature ECDSA "
    "(prime256v1) server-digest SHA256",
    "TLSv1.2 with cipher ECDHE-RSA-AES256-GCM-SHA384 (256/256 bits)",
)
_THANKS = (
    "250 2.0.0 Ok: queued as {queue_id}",
    "250 2.0.0 OK  1761955203 4fb4d7f45d1cf-5cb69{queue_id}a12.123 - gsmtp",
    "250 2.6.0 <{queue_id}@ourdom.test> [InternalId=61847529063424, Hostname=AM9PR05MB{queue_id}.eurprd05.example] "
    "12883 bytes in 0.161, 77.7 KB/sec Queued mail for delivery",
)
_REASONS = ("client whitelist", "client AWL", "triplet found, delay=1288")
_ZONES = (
    ("zen.dnsbl.test", "127.0.0.4"),
    ("b.barracuda.dnsbl.test", "127.0.0.2"),
    ("bl.spamcop.dnsbl.test", "127.0.0.2"),
)
_BAD = "bad signature data"
_SIGNATURES = (
    *((("DKIM verification successful",), "pass"),) * 14,
    *((("no signature data",), "none"),) * 5,
    (("s=s2048 d=shop.example a=rsa-sha256 SSL error:02000068:rsa routines::bad signature", _BAD), "fail"),
)
_REFUSALS = (
    "450 4.7.25 Client host rejected: cannot find your hostname, [{address}]",
    "450 4.7.1 Client host rejected: cannot find your reverse hostname, [{address}]",
    "554 5.7.1 Service unavailable; Client host [{address}] blocked using zen.dnsbl.test; "
    "https://check.dnsbl.test/query/ip/{address}",
    "504 5.5.2 <{helo}>: Helo command rejected: need fully-qualified hostname",
    "450 4.7.1 <{helo}>: Helo command rejected: Host not found",
    "550 5.1.1 <{recipient}>: Recipient address rejected: User unknown in virtual mailbox table",
    "554 5.7.1 <{recipient}>: Relay access denied",
    "450 4.1.8 <{sender}>: Sender address rejected: Domain not found",
)


class _World:
    """The hosts and people of which the sessions are, and the process that serves the one being made."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.chance = self.random.random
        self.pid = 0

    def number(self, below: int) -> int:
        return int(self.chance() * below)

    def pick(self, *choices: str) -> str:
        return choices[int(self.chance() * len(choices))]

    def rank(self, count: int) -> int:
        """Draw one of so many, the first most often."""
        return int(count ** self.chance())

    def queue_id(self) -> str:
        return f"{0x10000 + self.random.getrandbits(36):X}"

    def user(self) -> str:
        numbers = numbers_of(self.rank(_USERS))
        return f"{numbers['word']}.{numbers['other']}@ourdom.test"

    def sender(self, domain: str) -> str:
        """A person's address, or, less often, one that a machine made for its bounces; none for a bounce itself."""
        kind, name = self.number(20), f"{self.pick(*WORDS)}.{self.pick(*WORDS)}"
        if kind == 0:
            return ""
        return f"bounces+{self.random.getrandbits(40)}-{name}=ourdom.test@{domain}" if kind < 6 else f"{name}@{domain}"

    def message_id(self, host: Host) -> str:
        if self.chance() < 0.3:
            return f"CA{urlsafe_b64encode(self.random.randbytes(36)).decode()}@mail.{host.domain}"
        if self.chance() < 0.5:
            return f"{self.random.getrandbits(128):032x}-{self.random.getrandbits(48):x}-000000@{host.domain}"
        return f"2026110108{self.number(10_000):04}.{self.queue_id()}@{host.name}"

    def delays(self) -> str:
        late = self.number(300) / 100
        return f"delay={late + 0.16:.2g}, delays=0.1/0.01/{self.number(20) / 100:.2g}/{late + 0.05:.2g}"


def _passed(world: _World, host: Host) -> list[str]:
    """How postscreen lets a client through to smtpd."""
    at, port = host.address, 1025 + world.number(60_000)
    return [
        f"postfix/postscreen[664]: CONNECT from [{at}]:{port} to [192.0.2.1]:25",
        f"postfix/postscreen[664]: PASS {world.pick('OLD', 'OLD', 'OLD', 'NEW')} [{at}]:{port}",
    ]


def _listed(world: _World) -> list[str]:
    host = bot(world.rank(BOTS))
    at, screen = f"[{host.address}]:{1025 + world.number(60_000)}", "postfix/postscreen[664]"
    zones = _ZONES[: 1 + world.number(3)]
    lines = [
        f"{screen}: CONNECT from {at} to [192.0.2.1]:25",
        *(
            f"postfix/dnsblog[{world.pid + n}]: addr {host.address} listed by domain {zone} as {answer}"
            for n, (zone, answer) in enumerate(zones)
        ),
        f"{screen}: DNSBL rank {2 + len(zones)} for {at}",
        f"{screen}: DISCONNECT {at}",
    ]
    if world.chance() < 0.6:
        lines.insert(
            -1,
            f"{screen}: NOQUEUE: reject: RCPT from {at}: 550 5.7.1 Service unavailable; client [{host.address}] "
            f"blocked using zen.dnsbl.test; from=<{world.sender(host.domain)}>, to=<{world.user()}>, proto=ESMTP, "
            f"helo=<{host.helo}>",
        )
    else:
        lines.insert(-1, f"{screen}: HANGUP after {world.number(90) / 10:.2g} from {at} in tests after SMTP handshake")
    if world.chance() < 0.3:
        lines.insert(1, rf"{screen}: PREGREET 14 after 0.{world.number(99):02} from {at}: EHLO {host.helo}\r\n")
    return lines


def _refused(world: _World) -> list[str]:
    host, count = bot(world.rank(BOTS)), 1 + world.number(3)
    smtpd, sender, form = f"postfix/smtpd[{world.pid}]", world.sender(host.domain), world.pick(*_REFUSALS)
    lines = _passed(world, host)
    if host.name == "unknown" and world.chance() < 0.4:
        lines.append(
            f"{smtpd}: warning: hostname {host.helo.strip('[]')} does not resolve to address {host.address}: "
            "Name or service not known"
        )
    lines.append(f"{smtpd}: connect from {host}")
    for _ in range(count):
        recipient = world.user()
        text = form.format(address=host.address, helo=host.helo, sender=sender, recipient=recipient)
        lines.append(
            f"{smtpd}: NOQUEUE: reject: RCPT from {host}: {text}; from=<{sender}> to=<{recipient}> proto=ESMTP "
            f"helo=<{host.helo}>"
        )
    lost = world.chance() < 0.3
    lines += [f"{smtpd}: lost connection after RCPT from {host}"] if lost else []
    left = f"commands=2/{2 + count}" if lost else f"quit=1 commands=3/{3 + count}"
    lines.append(f"{smtpd}: disconnect from {host} ehlo=1 mail=1 rcpt=0/{count} {left}")
    return lines


def _greylisted(world: _World) -> list[str]:
    host = server(world.rank(SERVERS))
    smtpd, sender, recipient = f"postfix/smtpd[{world.pid}]", world.sender(host.domain), world.user()
    return [
        *_passed(world, host),
        f"{smtpd}: connect from {host}",
        f"postgrey[252]: action=greylist, reason=new, client_name={host.name}, client_address={host.address}, "
        f"sender={sender}, recipient={recipient}",
        f"{smtpd}: NOQUEUE: reject: RCPT from {host}: 450 4.2.0 <{recipient}>: Recipient address rejected: Greylisted, "
        f"see http://postgrey.schweikert.ch/help/ourdom.test.html; from=<{sender}> to=<{recipient}> proto=ESMTP "
        f"helo=<{host.helo}>",
        f"{smtpd}: disconnect from {host} ehlo=2 starttls=1 mail=1 rcpt=0/1 quit=1 commands=5/6",
    ]


def _accepted(world: _World) -> list[str]:
    host = server(world.rank(SERVERS))
    queue_id, sender, recipient = world.queue_id(), world.sender(host.domain), world.user()
    smtpd, result = f"postfix/smtpd[{world.pid}]", world.pick("Pass", "Pass", "Pass", "None", "Softfail")
    spf = f"{result} (mailfrom) identity=mailfrom" if sender else "Pass (sender SPF authorized) identity=helo"
    dkim, dmarc = _SIGNATURES[world.number(len(_SIGNATURES))]
    return [
        *_passed(world, host),
        f"{smtpd}: connect from {host}",
        f"{smtpd}: Anonymous TLS connection established from {host}: {world.pick(*_TLS)}",
        f"policyd-spf[{world.pid + 1}]: : prepend Received-SPF: {spf}; client-ip={host.address}; "
        f"helo={host.helo}; envelope-from={sender or '<>'}; receiver=ourdom.test ",
        f"postgrey[252]: action=pass, reason={world.pick(*_REASONS)}, "
        f"client_name={host.name}, client_address={host.address}, sender={sender}, recipient={recipient}",
        f"{smtpd}: {queue_id}: client={host}",
        f"postfix/cleanup[{world.pid + 2}]: {queue_id}: message-id=<{world.message_id(host)}>",
        *(f"opendkim[247]: {queue_id}: {text}" for text in dkim),
        f"opendmarc[252]: {queue_id}: {host.domain} {dmarc}",
        f"postfix/qmgr[690]: {queue_id}: from=<{sender}>, size={500 + world.number(90_000)}, nrcpt=1 (queue active)",
        f"{smtpd}: disconnect from {host} ehlo=2 starttls=1 mail=1 rcpt=1 data=1 quit=1 commands=7",
        f"postfix/virtual[{world.pid + 3}]: {queue_id}: to=<{recipient}>, relay=virtual, {world.delays()}, dsn=2.0.0, "
        "status=sent (delivered to maildir)",
        f"postfix/qmgr[690]: {queue_id}: removed",
    ]


def _sent(world: _World) -> list[str]:
    home, peer, queue_id = bot(world.rank(BOTS)), server(world.rank(SERVERS)), world.queue_id()
    user, smtpd = world.user(), f"postfix/submission/smtpd[{world.pid}]"
    deliveries = [
        f"postfix/smtp[{world.pid + 3}]: {queue_id}: to=<{world.pick(*WORDS)}@{peer.domain}>, relay={peer}:25, "
        f"{world.delays()}, dsn=2.0.0, status=sent ({world.pick(*_THANKS).format(queue_id=world.queue_id())})"
        for _ in range(1 + (world.chance() < 0.3))
    ]
    return [
        f"{smtpd}: connect from {home}",
        f"{smtpd}: Anonymous TLS connection established from {home}: {world.pick(*_TLS)}",
        f"{smtpd}: {queue_id}: client={home}, sasl_method=PLAIN, sasl_username={user}",
        f"postfix/cleanup[{world.pid + 2}]: {queue_id}: message-id=<{world.message_id(home)}>",
        f"opendkim[247]: {queue_id}: DKIM-Signature field added (s=mail, d=ourdom.test)",
        f"postfix/qmgr[690]: {queue_id}: from=<{user}>, size={500 + world.number(90_000)}, nrcpt={len(deliveries)} "
        "(queue active)",
        f"{smtpd}: disconnect from {home} ehlo=2 starttls=1 auth=1 mail=1 rcpt=1 data=1 quit=1 commands=8",
        *deliveries,
        f"postfix/qmgr[690]: {queue_id}: removed",
    ]


def _attacked(world: _World) -> list[str]:
    """A guess at a password."""
    host, smtpd = bot(world.rank(BOTS)), f"postfix/submission/smtpd[{world.pid}]"
    return [
        f"{smtpd}: connect from {host}",
        f"{smtpd}: warning: {host}: SASL LOGIN authentication failed: authentication failure, "
        f"sasl_username={world.user()}",
        f"{smtpd}: lost connection after AUTH from {host}",
        f"{smtpd}: disconnect from {host} ehlo=1 auth=0/1 commands=1/2",
    ]


def _silent(world: _World) -> list[str]:
    """A visit that asks for nothing."""
    host, smtpd = bot(world.rank(BOTS)), f"postfix/smtpd[{world.pid}]"
    return [
        *_passed(world, host),
        f"{smtpd}: connect from {host}",
        f"{smtpd}: lost connection after {world.pick('CONNECT', 'EHLO', 'UNKNOWN', 'STARTTLS')} from {host}",
        f"{smtpd}: disconnect from {host} ehlo=1 commands=1",
    ]


def _others(world: _World) -> list[str]:
    """Lines of programs that are not ours, and anvil's."""
    host, user, session = bot(world.rank(BOTS)), world.user(), world.random.getrandbits(64)
    return [
        f"dovecot: imap-login: Login: user=<{user}>, method=PLAIN, rip={host.address}, lip=192.0.2.1, "
        f"mpid={world.pid}, TLS, session=<{session:x}>",
        f"dovecot: imap({user})<{world.pid}><{session:x}>: Disconnected: Logged out in=52 out=1041",
        f"systemd[1]: Started Session {world.number(9000)} of user root.",
        f"postfix/anvil[701]: statistics: max connection rate {1 + world.number(9)}/60s for (smtp:{host.address}) "
        "at Nov  1 11:53:25",
    ]


_SESSIONS: tuple[tuple[Callable[[_World], list[str]], int], ...] = (
    (_listed, 34),
    (_refused, 22),
    (_greylisted, 4),
    (_accepted, 36),
    (_sent, 18),
    (_attacked, 16),
    (_silent, 6),
    (_others, 12),
)


def log(lines: int, seed: int = 1) -> Iterator[str]:
    """Make the lines, without newlines; the same ones for the same seed."""
    world = _World(seed)
    makers, weights = zip(*_SESSIONS, strict=True)
    sessions: list[list[str]] = [[] for _ in range(OPEN)]
    served = [world.number(_SERVED) for _ in sessions]
    now, stamp = START, ""
    for number in range(lines):
        if number % 8 == 0:
            now += timedelta(seconds=world.number(2))
            stamp = f"{now:%b} {now.day:2} {now:%H:%M:%S}"
        place = world.number(OPEN)
        session = sessions[place]
        if not session:
            served[place] += 1
            world.pid = 2000 + 4 * (place + OPEN * (served[place] // _SERVED))
            session += world.random.choices(makers, weights)[0](world)[::-1]
        yield f"{stamp} {'mx1' if place > 1 else 'mx2'} {session.pop()}"


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in log(*map(int, sys.argv[1:])))
