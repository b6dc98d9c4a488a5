"""A log: what Postfix 3.5, policyd-spf and amavis write about a message, as in sample_logs."""

import random
from datetime import UTC, datetime, timedelta

from tests.month.client import Client

START = datetime(2026, 10, 1, tzinfo=UTC)
OURS = "firm.example"
USERS = [f"user{number}@{OURS}" for number in range(40)]
MISSED, ACCUSED = 0.06, 0.01
"""What the content filter does wrong: spam that it calls clean, and clean mail that it calls spam."""
_SPF = {
    "Pass": "Pass (mailfrom)",
    "None": "None (mailfrom)",
    "Fail": "Fail (SPF fail - not authorized)",
    "Softfail": "Softfail (mailfrom)",
}


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
        self._said.append((when, len(self._said), f"{time:%b} {time.day:2d} {time:%H:%M:%S} mx {tag}: {text}"))

    def _id(self) -> str:
        self._ids += 1
        return f"{self._ids * 7919 % 0xFFFFF:05X}{self._ids % 0xFFFFF:05X}"

    def receive(self, when: float, client: Client) -> None:
        """A visit of a client from outside, with one message."""
        rng = self._rng
        label, pid = f"{client.name or 'unknown'}[{client.address}]", self._ids % 30_000 + 2000
        smtpd = f"postfix/smtpd[{pid}]"
        sender = f"p{rng.randrange(client.senders)}@{client.domain}"
        rcpt = rng.choice(USERS)
        self._say(when, smtpd, f"connect from {label}")
        if client.kind == "dictionary":
            rcpt = f"guess{rng.randrange(9999)}@{OURS}"
            self._say(
                when + 0.2,
                smtpd,
                f"NOQUEUE: reject: RCPT from {label}: 550 5.1.1 <{rcpt}>: Recipient address rejected: User unknown in "
                f"virtual mailbox table; from=<{sender}> to=<{rcpt}> proto=ESMTP helo=<{client.helo}>",
            )
            if rng.random() < 0.5:
                self._ids += 1
                self._say(when + 0.3, smtpd, f"disconnect from {label} ehlo=1 mail=1 rcpt=0/1 quit=1 commands=3/4")
                return
            rcpt = rng.choice(USERS)
        self._say(
            when + 0.35,
            f"policyd-spf[{pid + 1}]",
            f": prepend Received-SPF: {_SPF[client.spf]} identity=mailfrom; client-ip={client.address}; "
            f"helo={client.helo}; envelope-from={sender}; receiver={OURS} ",
        )
        queued = self._id()
        self._say(when + 0.4, smtpd, f"{queued}: client={label}")
        tried = "rcpt=1/2" if client.kind == "dictionary" else "rcpt=1"
        total = "commands=5/6" if client.kind == "dictionary" else "commands=5"
        self._queue(when + 0.5, queued, sender, f"{queued}@{client.domain}")
        self._say(when + 0.6, smtpd, f"disconnect from {label} ehlo=1 mail=1 {tried} data=1 quit=1 {total}")
        self._filter(when + 2, client, (queued, sender, rcpt))

    def _queue(self, when: float, queued: str, sender: str, message_id: str) -> None:
        self._say(when, "postfix/cleanup[1916]", f"{queued}: message-id=<{message_id}>")
        self._say(when + 0.01, "postfix/qmgr[1421]", f"{queued}: from=<{sender}>, size=4100, nrcpt=1 (queue active)")

    def _filter(self, when: float, client: Client, mail: tuple[str, str, str]) -> None:
        """Amavis looks at the content, and at the client too; its verdict is not always right."""
        queued, sender, rcpt = mail
        again, rng = self._id(), self._rng
        message_id = f"{queued}@{client.domain}"
        self._say(when, "postfix/10025/smtpd[1935]", "connect from localhost[127.0.0.1]")
        self._say(when + 0.01, "postfix/10025/smtpd[1935]", f"{again}: client=localhost[127.0.0.1]")
        self._queue(when + 0.02, again, sender, message_id)
        goodbye = "disconnect from localhost[127.0.0.1] ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5"
        self._say(when + 0.04, "postfix/10025/smtpd[1935]", goodbye)
        bad = rng.random() >= MISSED if not client.wanted else rng.random() < ACCUSED
        content = round(rng.uniform(6.5, 14) if bad else rng.uniform(-1.9, 2.5), 2)
        tests = [("BAYES_99" if content > 0 else "BAYES_00", content)]
        if not client.name:
            tests.append(("RDNS_NONE", 0.79))
        hits = round(sum(points for _, points in tests), 3)
        listed = ",".join(f"{name}={points:g}" for name, points in tests)
        word = "SPAM {RelayedTaggedInbound}" if hits > 6.2 else "CLEAN {RelayedInbound}"
        self._say(
            when + 0.05,
            "amavis[1508]",
            f"(01508-{self._ids % 99 + 1:02d}) Passed {word}, [{client.address}]:40000 [{client.address}] <{sender}> "
            f"-> <{rcpt}>, Queue-ID: {queued}, Message-ID: <{message_id}>, mail_id: m{again}, Hits: {hits:g}, "
            f"size: 4100, queued_as: {again}, Tests: [{listed}], 1900 ms",
        )
        self._say(
            when + 0.06,
            "postfix/amavis/smtp[1972]",
            f"{queued}: to=<{rcpt}>, relay=127.0.0.1[127.0.0.1]:10024, delay=2, delays=0.1/0.01/0.01/1.9, dsn=2.0.0, "
            f"status=sent (250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as {again})",
        )
        self._say(when + 0.07, "postfix/qmgr[1421]", f"{queued}: removed")
        self._say(
            when + 0.1,
            "postfix/virtual[1947]",
            f"{again}: to=<{rcpt}>, relay=virtual, delay=0.1, delays=0.08/0.01/0/0.01, dsn=2.0.0, status=sent "
            "(delivered to maildir)",
        )
        self._say(when + 0.11, "postfix/qmgr[1421]", f"{again}: removed")

    def submit(self, when: float, client: Client) -> None:
        """One of our users writes to a correspondent."""
        user, queued = self._rng.choice(USERS), self._id()
        rcpt = f"p{self._rng.randrange(client.senders)}@{client.domain}"
        smtpd = f"postfix/submission/smtpd[{self._ids % 30_000 + 2000}]"
        self._say(when, smtpd, "connect from office.firm.example[192.0.2.8]")
        whom = f"sasl_method=PLAIN, sasl_username={user}"
        self._say(when + 0.1, smtpd, f"{queued}: client=office.firm.example[192.0.2.8], {whom}")
        self._queue(when + 0.2, queued, user, f"{queued}@{OURS}")
        goodbye = "ehlo=2 starttls=1 auth=1 mail=1 rcpt=1 data=1 quit=1 commands=8"
        self._say(when + 0.3, smtpd, f"disconnect from office.firm.example[192.0.2.8] {goodbye}")
        self._say(
            when + 1,
            "postfix/smtp[2100]",
            f"{queued}: to=<{rcpt}>, relay={client.name or client.domain}[{client.address}]:25, delay=1, "
            f"delays=0.1/0.01/0.4/0.5, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 4ABCDEF)",
        )
        self._say(when + 1.1, "postfix/qmgr[1421]", f"{queued}: removed")
