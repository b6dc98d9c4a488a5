"""A log: what Postfix 3.7, policyd-spf, OpenDKIM, OpenDMARC, amavis and dovecot write, as in sample_logs."""

import random
from dataclasses import dataclass
from datetime import timedelta

from tests.month.client import Client
from tests.month.content import judge
from tests.month.lookup import START
from tests.month.sender import Sender

OURS = "firm.example"
USERS = [f"user{number}@{OURS}" for number in range(40)]
_SPF = {
    "Pass": "Pass (mailfrom)",
    "None": "None (mailfrom)",
    "Fail": "Fail (SPF fail - not authorized)",
    "Softfail": "Softfail (mailfrom)",
}
_BUSY = 0.02
"""Of so many messages the first try is put off, since our DNS or database did not answer (assumed)."""
_GIVES_UP = 0.7
"""Bots that do not come again then; servers do (assumed)."""
_MOVED = 0.4
"""Of the spam that the filter passed, what a user's own rule moves into the junk folder (assumed)."""


@dataclass(frozen=True)
class _Mail:
    """One message; `sender` is the address, `about` its domain."""

    queued: str
    sender: str
    about: Sender
    rcpt: str
    wanted: bool

    @property
    def message_id(self) -> str:
        return f"{self.queued}@{self.about.domain}"


class Log:
    """Lines in the making; process ids are one a session, so that sessions may overlap."""

    def __init__(self, rng: random.Random) -> None:
        """Start with an empty log."""
        self._rng = rng
        self._said: list[tuple[float, int, str]] = []
        self._ids = 0

    def lines(self) -> tuple[tuple[int, str], ...]:
        """All lines in the order of time, each with its day."""
        return tuple((int(when // 86_400), text) for when, _, text in sorted(self._said))

    def _say(self, when: float, tag: str, text: str) -> None:
        time = START + timedelta(seconds=when)
        clock = f"{time.hour:02}:{time.minute:02}:{time.second:02}"
        self._said.append((when, len(self._said), f"Oct {time.day:2d} {clock} mx {tag}: {text}"))

    def _id(self) -> str:
        self._ids += 1
        return f"{self._ids * 7919 % 0xFFFFF:05X}{self._ids % 0xFFFFF:05X}"

    def _pid(self) -> int:
        self._ids += 1
        return self._ids % 30_000 + 2000

    def receive(self, when: float, client: Client, about: Sender, *, wanted: bool) -> bool:
        """A visit of a client from outside, with one message; whether it was accepted."""
        rng, first = self._rng, hash_of(client)
        rcpt = USERS[(first + rng.randrange(client.contacts)) % len(USERS)]
        sender = f"p{rng.randrange(client.people)}@{about.domain}"
        if rng.random() < _BUSY:
            words = (
                f"450 4.3.0 <{rcpt}>: Recipient address rejected: Temporary lookup failure; from=<{sender}> "
                f"to=<{rcpt}> proto=ESMTP helo=<{client.helo.name}>"
            )
            self._refuse(when, client, words)
            if not client.wanted and rng.random() < _GIVES_UP:
                return False
            when += 900
        if client.kind == "dictionary":
            guess = f"guess{rng.randrange(9999)}@{OURS}"
            words = (
                f"550 5.1.1 <{guess}>: Recipient address rejected: User unknown in virtual mailbox table; "
                f"from=<{sender}> to=<{guess}> proto=ESMTP helo=<{client.helo.name}>"
            )
            if rng.random() < 0.5:
                self._refuse(when, client, words)
                return False
            self._session(when, client, _Mail(self._id(), sender, about, rcpt, wanted), words)
            return True
        self._session(when, client, _Mail(self._id(), sender, about, rcpt, wanted), "")
        return True

    def _connect(self, when: float, client: Client) -> tuple[str, str, str]:
        """The start of a session: the client as smtpd writes it, its tag, and the goodbye's first words."""
        label, smtpd = f"{client.resolved}[{client.address}]", f"postfix/smtpd[{self._pid()}]"
        if client.name and not client.forward:
            warning = f"warning: hostname {client.name} does not resolve to address {client.address}"
            self._say(when - 0.01, smtpd, warning)
        self._say(when, smtpd, f"connect from {label}")
        if not client.tls:
            return label, smtpd, "ehlo=1"
        cipher = "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)"
        self._say(when + 0.1, smtpd, f"Anonymous TLS connection established from {label}: {cipher}")
        return label, smtpd, "ehlo=2 starttls=1"

    def _refuse(self, when: float, client: Client, words: str) -> None:
        """A session whose only recipient is refused."""
        label, smtpd, greeted = self._connect(when, client)
        self._say(when + 0.2, smtpd, f"NOQUEUE: reject: RCPT from {label}: {words}")
        total = 5 if client.tls else 3
        goodbye = f"{greeted} mail=1 rcpt=0/1 quit=1 commands={total}/{total + 1}"
        self._say(when + 0.3, smtpd, f"disconnect from {label} {goodbye}")

    def _session(self, when: float, client: Client, mail: _Mail, refused: str) -> None:
        """A session that brings a message, after a recipient that was refused, if any."""
        label, smtpd, greeted = self._connect(when, client)
        if refused:
            self._say(when + 0.2, smtpd, f"NOQUEUE: reject: RCPT from {label}: {refused}")
        self._say(
            when + 0.35,
            f"policyd-spf[{self._pid()}]",
            f": prepend Received-SPF: {_SPF[self._spf(client, mail)]} identity=mailfrom; client-ip={client.address}; "
            f"helo={client.helo.name}; envelope-from={mail.sender}; receiver={OURS} ",
        )
        self._say(when + 0.4, smtpd, f"{mail.queued}: client={label}")
        self._say(when + 0.5, "postfix/cleanup[1916]", f"{mail.queued}: message-id=<{mail.message_id}>")
        self._authenticate(when + 0.52, client, mail)
        self._active(when + 0.55, mail.queued, mail.sender)
        total = 7 if client.tls else 5
        counts = f"rcpt=1/2 data=1 quit=1 commands={total}/{total + 1}" if refused else "rcpt=1 data=1 quit=1 commands="
        goodbye = counts if refused else f"{counts}{total}"
        self._say(when + 0.6, smtpd, f"disconnect from {label} {greeted} mail=1 {goodbye}")
        self._filter(when + 2, client, mail)

    @staticmethod
    def _spf(client: Client, mail: _Mail) -> str:
        """Who forges a bank fails its SPF."""
        forged = mail.about.policy == "reject" and not mail.wanted and mail.about.domain.startswith("bank")
        return "Fail" if forged else client.spf

    def _authenticate(self, when: float, client: Client, mail: _Mail) -> None:
        """The milters: whether a signature holds, and what DMARC makes of that and of SPF."""
        domain = mail.about.domain
        # A forwarder keeps the signature of whoever wrote; it has none of those who forge.
        signed = client.signs and (mail.wanted or not client.wanted or not client.others)
        if signed:
            self._say(when, "opendkim[1212]", f"{mail.queued}: s=mail d={domain} a=rsa-sha256 SSL ")
            self._say(when, "opendkim[1212]", f"{mail.queued}: DKIM verification successful")
        else:
            self._say(when, "opendkim[1212]", f"{mail.queued}: no signature data")
        result = "pass" if signed or self._spf(client, mail) == "Pass" else "fail"
        self._say(when + 0.01, "opendmarc[1215]", f"{mail.queued}: {domain} {result if mail.about.policy else 'none'}")

    def _active(self, when: float, queued: str, sender: str) -> None:
        self._say(when, "postfix/qmgr[1421]", f"{queued}: from=<{sender}>, size=4100, nrcpt=1 (queue active)")

    def _filter(self, when: float, client: Client, mail: _Mail) -> None:
        """Amavis looks at the content, and at the client too; its verdict is not always right."""
        again, queued, smtpd = self._id(), mail.queued, "postfix/10025/smtpd[1935]"
        self._say(when, smtpd, "connect from localhost[127.0.0.1]")
        self._say(when + 0.01, smtpd, f"{again}: client=localhost[127.0.0.1]")
        self._say(when + 0.02, "postfix/cleanup[1916]", f"{again}: message-id=<{mail.message_id}>")
        self._active(when + 0.03, again, mail.sender)
        goodbye = "disconnect from localhost[127.0.0.1] ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5"
        self._say(when + 0.04, smtpd, goodbye)
        found = judge(self._rng, client, int(when // 86_400), mail.about, wanted=mail.wanted)
        word = "SPAM {RelayedTaggedInbound}" if found.spam else "CLEAN {RelayedInbound}"
        self._say(
            when + 0.05,
            "amavis[1508]",
            f"(01508-{self._ids % 99 + 1:02d}) Passed {word}, [{client.address}]:40000 [{client.address}] "
            f"<{mail.sender}> -> <{mail.rcpt}>, Queue-ID: {queued}, Message-ID: <{mail.message_id}>, "
            f"mail_id: m{again}, Hits: {found.hits:g}, size: 4100, queued_as: {again}, Tests: [{found.tests}], 1900 ms",
        )
        self._say(
            when + 0.06,
            "postfix/amavis/smtp[1972]",
            f"{queued}: to=<{mail.rcpt}>, relay=127.0.0.1[127.0.0.1]:10024, delay=2, delays=0.1/0.01/0.01/1.9, "
            f"dsn=2.0.0, status=sent (250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as {again})",
        )
        self._say(when + 0.07, "postfix/qmgr[1421]", f"{queued}: removed")
        junk = found.spam or (not mail.wanted and self._rng.random() < _MOVED)
        self._deliver(when + 0.1, again, mail, "Junk" if junk else "INBOX")

    def _deliver(self, when: float, again: str, mail: _Mail, mailbox: str) -> None:
        user = f"lmtp({mail.rcpt})<{4000 + self._ids % 9000}><q{again}>"
        stored = f"{user}: sieve: msgid=<{mail.message_id}>: stored mail into mailbox '{mailbox}'"
        self._say(when, "dovecot", stored)
        self._say(
            when + 0.01,
            "postfix/lmtp[1947]",
            f"{again}: to=<{mail.rcpt}>, relay=mx.{OURS}[private/dovecot-lmtp], delay=0.1, delays=0.08/0.01/0/0.01, "
            f"dsn=2.0.0, status=sent (250 2.0.0 <{mail.rcpt}> q{again} Saved)",
        )
        self._say(when + 0.02, "postfix/qmgr[1421]", f"{again}: removed")

    def submit(self, when: float, client: Client) -> None:
        """One of our users writes to a correspondent; large providers take mail elsewhere than they send it from."""
        user, queued, domain = self._rng.choice(USERS), self._id(), client.sender.domain
        rcpt = f"p{self._rng.randrange(client.people)}@{domain}"
        large = client.kind == "pool"
        relay = f"mx.{domain}[192.0.2.{50 + int(domain[4])}]" if large else f"{client.name or domain}[{client.address}]"
        smtpd = f"postfix/submission/smtpd[{self._pid()}]"
        self._say(when, smtpd, "connect from office.firm.example[192.0.2.8]")
        whom = f"sasl_method=PLAIN, sasl_username={user}"
        self._say(when + 0.1, smtpd, f"{queued}: client=office.firm.example[192.0.2.8], {whom}")
        self._say(when + 0.2, "postfix/cleanup[1916]", f"{queued}: message-id=<{queued}@{OURS}>")
        self._active(when + 0.22, queued, user)
        goodbye = "ehlo=2 starttls=1 auth=1 mail=1 rcpt=1 data=1 quit=1 commands=8"
        self._say(when + 0.3, smtpd, f"disconnect from office.firm.example[192.0.2.8] {goodbye}")
        self._say(
            when + 1,
            "postfix/smtp[2100]",
            f"{queued}: to=<{rcpt}>, relay={relay}:25, delay=1, delays=0.1/0.01/0.4/0.5, dsn=2.0.0, status=sent "
            "(250 2.0.0 Ok: queued as 4ABCDEF)",
        )
        self._say(when + 1.1, "postfix/qmgr[1421]", f"{queued}: removed")


def hash_of(client: Client) -> int:
    """A number for a client that is the same in every run: the first of our users to whom it writes."""
    return sum(int(octet) * factor for octet, factor in zip(client.address.split("."), (1, 3, 7, 13), strict=True))
