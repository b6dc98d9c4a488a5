"""A log of any length, for benchmarks: interleaved sessions with the lines that Postfix and its helpers write.

`python -m benchmarks.generated_log LINES > FILE`. The shapes are those of the lab logs; names, addresses, queue ids and
times are made up. By lines: postscreen 25 %, smtpd 31 %, qmgr 9 %, cleanup 4 %, deliveries 5 %, dnsblog 6 %, SPF, DKIM,
DMARC and postgrey 16 %, others 4 %. About one in thirty is of a program that is not ours.
"""

import random
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta

START = datetime(2026, 11, 1)  # noqa: DTZ001 - a log has no zone
OPEN = 40
"""Sessions at a time."""
_WORDS = "alpha bravo delta echo golf hotel india juliet kilo lima mike oscar papa romeo sierra tango".split()
_HEX = "0123456789ABCDEF"


class _World:
    """The hosts and people of which the sessions are."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def pick(self, *choices: str) -> str:
        return self.random.choice(choices)

    def address(self) -> str:
        if self.random.random() < 0.08:
            return f"2001:db8:{self.random.randrange(0xFFFF):x}::{self.random.randrange(1, 0xFFFF):x}"
        return f"203.0.{self.random.randrange(256)}.{self.random.randrange(1, 255)}"

    def number(self, below: int) -> int:
        return self.random.randrange(below)

    def queue_id(self) -> str:
        return "".join(self.random.choices(_HEX, k=self.random.choice((9, 10, 11))))

    def domain(self) -> str:
        return f"{self.pick(*_WORDS)}{self.number(900)}.example"

    def mailbox(self) -> str:
        return f"{self.pick(*_WORDS)}.{self.pick(*_WORDS)}{self.number(50)}@{self.domain()}"

    def user(self) -> str:
        return f"{self.pick(*_WORDS)}{self.number(40)}@ourdom.test"


def _screened(world: _World) -> tuple[str, list[str]]:
    """How a visit to postscreen begins that smtpd sees next."""
    address, port = world.address(), 1025 + world.number(60_000)
    return address, [
        f"postfix/postscreen[664]: CONNECT from [{address}]:{port} to [192.0.2.1]:25",
        f"postfix/postscreen[664]: PASS {world.pick('OLD', 'OLD', 'NEW')} [{address}]:{port}",
    ]


def _listed(world: _World) -> list[str]:
    address, port, dnsblog = world.address(), 1025 + world.number(60_000), 700 + world.number(20)
    screen = "postfix/postscreen[664]"
    lines = [
        f"{screen}: CONNECT from [{address}]:{port} to [192.0.2.1]:25",
        *(
            f"postfix/dnsblog[{dnsblog + n}]: addr {address} listed by domain {zone} as 127.0.0.{2 + world.number(9)}"
            for n, zone in enumerate(("zen.dnsbl.test", "b.dnsbl.test"))
        ),
        f"{screen}: DNSBL rank {2 + world.number(5)} for [{address}]:{port}",
        f"{screen}: NOQUEUE: reject: RCPT from [{address}]:{port}: 550 5.7.1 Service unavailable; client [{address}] "
        f"blocked using zen.dnsbl.test; from=<{world.mailbox()}>, to=<{world.user()}>, proto=ESMTP, "
        f"helo=<{world.domain()}>",
        f"{screen}: DISCONNECT [{address}]:{port}",
    ]
    if world.number(3) == 0:
        lines.insert(1, rf"{screen}: PREGREET 14 after 0.{world.number(99):02} from [{address}]:{port}: EHLO ylmf-pc\r\n")
    if world.number(4) == 0:
        lines.insert(-1, f"{screen}: HANGUP after 1.{world.number(9)} from [{address}]:{port} in tests after SMTP handshake")
    return lines


_REFUSALS = (
    "450 4.7.25 Client host rejected: cannot find your hostname, [{address}]",
    "450 4.7.1 Client host rejected: cannot find your reverse hostname, [{address}]",
    "554 5.7.1 Service unavailable; Client host [{address}] blocked using zen.dnsbl.test; https://dnsbl.test/q/{address}",
    "504 5.5.2 <{helo}>: Helo command rejected: need fully-qualified hostname",
    "450 4.7.1 <{helo}>: Helo command rejected: Host not found",
    "550 5.1.1 <{recipient}>: Recipient address rejected: User unknown in local recipient table",
    "554 5.7.1 <{recipient}>: Relay access denied",
    "450 4.1.8 <{sender}>: Sender address rejected: Domain not found",
)


def _refused(world: _World) -> list[str]:
    address, lines = _screened(world)
    smtpd, helo = f"postfix/smtpd[{2000 + world.number(400)}]", world.pick("localhost", "ylmf-pc", world.domain())
    sender, recipient = world.mailbox(), world.user()
    client = f"unknown[{address}]" if world.number(2) else f"host{world.number(900)}.{world.domain()}[{address}]"
    text = world.pick(*_REFUSALS).format(address=address, helo=helo, sender=sender, recipient=recipient)
    if world.number(4) == 0:
        lines.append(
            f"{smtpd}: warning: hostname {world.domain()} does not resolve to address {address}: "
            "Name or service not known"
        )
    lines += [
        f"{smtpd}: connect from {client}",
        f"{smtpd}: NOQUEUE: reject: RCPT from {client}: {text}; from=<{sender}> to=<{recipient}> proto=ESMTP helo=<{helo}>",
        f"{smtpd}: disconnect from {client} ehlo=1 mail=1 rcpt=0/1 quit=1 commands=3/4",
    ]
    if world.number(4) == 0:
        lines.insert(-1, f"{smtpd}: lost connection after RCPT from {client}")
    return lines


def _greylisted(world: _World) -> list[str]:
    address, lines = _screened(world)
    smtpd, name, helo = f"postfix/smtpd[{2000 + world.number(400)}]", f"out.{world.domain()}", world.domain()
    sender, recipient = world.mailbox(), world.user()
    return [
        *lines,
        f"{smtpd}: connect from {name}[{address}]",
        f"postgrey[252]: action=greylist, reason=new, client_name={name}, client_address={address}, sender={sender}, "
        f"recipient={recipient}",
        f"{smtpd}: NOQUEUE: reject: RCPT from {name}[{address}]: 450 4.2.0 <{recipient}>: Recipient address rejected: "
        f"Greylisted, see http://postgrey.schweikert.ch/help/ourdom.test.html; from=<{sender}> to=<{recipient}> "
        f"proto=ESMTP helo=<{helo}>",
        f"{smtpd}: disconnect from {name}[{address}] ehlo=2 starttls=1 mail=1 rcpt=0/1 quit=1 commands=5/6",
    ]


def _accepted(world: _World) -> list[str]:
    address, lines = _screened(world)
    queue_id, domain, sender, recipient = world.queue_id(), world.domain(), world.mailbox(), world.user()
    client, smtpd = f"mail.{domain}[{address}]", f"postfix/smtpd[{2000 + world.number(400)}]"
    return [
        *lines,
        f"{smtpd}: connect from {client}",
        f"{smtpd}: Anonymous TLS connection established from {client}: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 "
        "(256/256 bits)",
        f"policyd-spf[{3000 + world.number(90)}]: : prepend Received-SPF: {world.pick('Pass', 'Pass', 'None', 'Softfail')} "
        f"(mailfrom) identity=mailfrom; client-ip={address}; helo=mail.{domain}; envelope-from={sender}; "
        "receiver=ourdom.test ",
        f"postgrey[252]: action=pass, reason=triplet found, client_name=mail.{domain}, client_address={address}, "
        f"sender={sender}, recipient={recipient}",
        f"{smtpd}: {queue_id}: client={client}",
        f"postfix/cleanup[{2500 + world.number(50)}]: {queue_id}: message-id=<{world.queue_id()}.{world.number(10**9)}@{domain}>",
        f"opendkim[247]: {queue_id}: mail.{domain} [{address}] not internal",
        f"opendkim[247]: {queue_id}: not authenticated",
        f"opendkim[247]: {queue_id}: {world.pick('DKIM verification successful', 'no signature data')}",
        f"opendmarc[252]: {queue_id}: SPF(mailfrom): {domain} pass",
        f"opendmarc[252]: {queue_id}: {domain} {world.pick('pass', 'pass', 'none', 'fail')}",
        f"postfix/qmgr[690]: {queue_id}: from=<{sender}>, size={500 + world.number(90_000)}, nrcpt=1 (queue active)",
        f"{smtpd}: disconnect from {client} ehlo=2 starttls=1 mail=1 rcpt=1 data=1 quit=1 commands=7",
        f"postfix/{world.pick('local', 'virtual')}[{2600 + world.number(50)}]: {queue_id}: to=<{recipient}>, "
        f"relay={world.pick('local', 'virtual')}, delay=0.{world.number(99):02}, delays=0.05/0.01/0/0.{world.number(99):02}, "
        "dsn=2.0.0, status=sent (delivered to maildir)",
        f"postfix/qmgr[690]: {queue_id}: removed",
    ]


def _sent(world: _World) -> list[str]:
    address, queue_id, user, recipient = world.address(), world.queue_id(), world.user(), world.mailbox()
    smtpd, peer = f"postfix/submission/smtpd[{2000 + world.number(400)}]", f"mx.{world.domain()}[{world.address()}]:25"
    return [
        f"{smtpd}: connect from unknown[{address}]",
        f"{smtpd}: {queue_id}: client=unknown[{address}], sasl_method=PLAIN, sasl_username={user}",
        f"postfix/cleanup[{2500 + world.number(50)}]: {queue_id}: message-id=<{world.number(10**9)}@ourdom.test>",
        f"postfix/qmgr[690]: {queue_id}: from=<{user}>, size={500 + world.number(90_000)}, nrcpt=1 (queue active)",
        f"{smtpd}: disconnect from unknown[{address}] ehlo=2 starttls=1 auth=1 mail=1 rcpt=1 data=1 quit=1 commands=8",
        f"postfix/smtp[{2700 + world.number(50)}]: {queue_id}: to=<{recipient}>, relay={peer}, delay=1.{world.number(9)}, "
        f"delays=0.06/0.02/0.7/0.{world.number(99):02}, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as {world.queue_id()})",
        f"postfix/qmgr[690]: {queue_id}: removed",
    ]


def _others(world: _World) -> list[str]:
    return [
        f"dovecot: imap-login: Login: user=<{world.user()}>, method=PLAIN, rip={world.address()}, lip=192.0.2.1, TLS",
        f"systemd[1]: Started Session {world.number(9000)} of user root.",
        f"postfix/anvil[701]: statistics: max connection rate {1 + world.number(9)}/60s for (smtp:{world.address()}) at Nov  1 "
        "11:53:25",
    ]


_SESSIONS = ((_listed, 18), (_refused, 36), (_greylisted, 6), (_accepted, 18), (_sent, 12), (_others, 10))


def log(lines: int, seed: int = 1) -> Iterator[str]:
    """Make the lines, without newlines; the same ones for the same seed."""
    world = _World(seed)
    makers, weights = zip(*_SESSIONS, strict=True)
    now, open_sessions = START, [["systemd[1]: Started Postfix."]]
    stamp = ""
    for number in range(lines):
        while len(open_sessions) < OPEN:
            open_sessions.append(world.random.choices(makers, weights)[0](world)[::-1])
        if number % 8 == 0:
            now += timedelta(seconds=world.number(2))
            stamp = f"{now:%b} {now.day:2} {now:%H:%M:%S}"
        at = world.number(OPEN)
        host = "mx2" if number % 20 == 0 else "mx1"
        yield f"{stamp} {host} {open_sessions[at].pop()}"
        if not open_sessions[at]:
            open_sessions.pop(at)


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in log(int(sys.argv[1])))
