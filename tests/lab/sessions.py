"""The sessions: ham, spam, and probes of every corner that the restrictions have."""

from functools import cache

from tests.lab.session import QUIT, TLS, Chunk, Content, Script, Session
from tests.lab.world import HOSTS, OWN_DOMAIN

GOOD, SECOND = "203.0.113.10", "203.0.113.11"
BOT = "198.51.100"
TWO_PTRS = "its address has two PTR records, one bad; the resolver picks one"
RACE = "smtpd greets at once: whether it sees what came before is a race"
LOCAL_MAIL = (f"root@{OWN_DOMAIN}", "x@nosuch.example", "x@null-mx.example", "x@servfail.test")
"""Whom this machine itself writes to: bounces and deferrals tell of domains, too."""
PERCENT = "the domain's policy says pct=50: opendmarc throws dice"


@cache
def sessions() -> tuple[Session, ...]:
    """All of them, in the order in which they are played."""
    script = Script()
    for part in (_clients, _hellos, _no_hello, _encrypted, _senders, _addresses, _listed, _spf, _dmarc, _recipients):
        part(script)
    for part in (_several, _impatient, _inside, _spam, _ham):
        part(script)
    return tuple(script.made)


def _clients(script: Script) -> None:
    """Every kind of PTR and forward record."""
    bare = [f"203.0.113.{last}" for last in (20, 21, 22, 38, 39)] + ["2001:db8::20", f"{BOT}.7", "2001:db8:1::2a:0"]
    for client in [address for address, _, _ in HOSTS if not address.startswith("192.")] + bare:
        script.mail(client, unsteady=TWO_PTRS if client == "203.0.113.40" else "")
    for client in ("203.0.113.20", "203.0.113.25", "203.0.113.28", "203.0.113.30", "203.0.113.22"):
        script.mail(client, to=script.fresh(known=False))
        script.mail(client, to=script.fresh(domain="elsewhere.example"))
        script.mail(client, sender="")


_HELLOS = (
    "helo-ok.example", "localhost", "localhost.localdomain", "single", "USER-42", "helo-mx.example", "null-mx.example",
    "helo-aaaa.example", "helo-cname.example", "helo-nowhere.example", "helo-txt.example", "helo_under.example",
    "gone.nosuch.example", "host.servfail.test", "helo-ok.example.", "single.", "mail..example", "helo-ok.example..",
    "-lead.example", "trail-.example", "under_", "bad!name.example", "a" * 64 + ".example", "b" * 63 + ".example",
    ".".join(["c" * 60] * 5), "[203.0.113.10]", "[999.1.1.1]", "[1.2.3]", "[IPv6:2001:db8::1]", "[IPv6:2001:db8:zz::1]",
    "[2001:db8::1]", "[203.0.113.10", "203.0.113.10", "999.1.1.1", "1.2.3", "12345", "2001:db8::1", "HELO-OK.EXAMPLE",
    OWN_DOMAIN, f"mx1.{OWN_DOMAIN}", "192.0.2.1", "[192.0.2.1]", "xn--bcher-kva.example", "b\xfccher.example", "?",
    "loop-a.example", "two-mx.example", "mx-nosuch.example", "helo-fail.example", "txt-only.example", "example",
    "helo-evil.example", "sub.helo-evil.example", "a b.example", "name,comma", "host-1.example5", "x.123",
)  # fmt: skip


def _hellos(script: Script) -> None:
    """Every kind of HELO name, each from a client of its own."""
    for number, name in enumerate(_HELLOS):
        script.mail(f"203.0.113.{100 + number}", f"{'HELO' if number % 5 == 4 else 'EHLO'} {name}")
    script.mail("203.0.113.172", "HELO gone.nosuch.example", to=script.fresh(known=False))
    script.mail("203.0.113.173", "EHLO localhost", sender="")
    script.mail("203.0.113.174", "EHLO gone.nosuch.example", sender="x@nosuch.example")
    script.mail("203.0.113.175", "EHLO host.servfail.test", to=script.fresh(known=False))
    script.mail("203.0.113.20", "EHLO localhost", sender="x@nosuch.example")


def _no_hello(script: Script) -> None:
    """No HELO, a HELO that is refused for its syntax, and more than one."""
    script.mail("203.0.113.183", ())
    script.mail("203.0.113.184", ("EHLO",))
    script.mail("203.0.113.185", ("HELO", "HELO helo-ok.example"))
    script.mail("203.0.113.186", ("EHLO gone.nosuch.example", "EHLO helo-ok.example"))
    script.mail("203.0.113.187", ("EHLO helo-ok.example", "HELO localhost"))
    script.mail("203.0.113.188", ("EHLO localhost", "RSET"))
    script.mail("203.0.113.20", ())
    script.mail("203.0.113.189", (), sender="")
    script.mail("203.0.113.190", (), to=script.fresh(known=False))
    script.add("203.0.113.191", QUIT)
    script.add("203.0.113.191", "EHLO helo-ok.example", QUIT)
    script.add("203.0.113.191", "EHLO helo-ok.example", "MAIL FROM:<news@sender-ok.example>", QUIT)
    script.add("203.0.113.191", "EHLO helo-ok.example", "VRFY root", "NOOP", QUIT)


def _encrypted(script: Script) -> None:
    """STARTTLS forgets the HELO."""
    script.mail("203.0.113.192", ("EHLO gone.nosuch.example", TLS))
    script.mail("203.0.113.193", ("EHLO gone.nosuch.example", TLS, "EHLO helo-ok.example"))
    script.mail("203.0.113.194", ("EHLO helo-ok.example", TLS, "EHLO localhost"))
    script.mail("203.0.113.195", ("EHLO helo-ok.example", TLS, "HELO [999.1.1.1]"))
    script.mail("203.0.113.20", ("EHLO helo-ok.example", TLS, "EHLO helo-ok.example"))


_SENDERS = (
    "x@sender-ok.example", "x@a-only.example", "x@aaaa-only.example", "x@nosuch.example", "x@servfail.test",
    "x@null-mx.example", "x@null-mx-a.example", "x@two-mx.example", "x@mx-nosuch.example", "x@mx-servfail.example",
    "x@mx-literal.example", "x@txt-only.example", "x@cname-domain.example", "x@cname-nowhere.example",
    "x@loop-a.example", "x@deep.wild.example", "x@sub.nosuch.example", "x@SENDER-OK.Example", "x@[203.0.113.10]",
    "x@[IPv6:2001:db8::10]", "x@[999.1.1.1]", f"someone@{OWN_DOMAIN}", f"nobody@sub.{OWN_DOMAIN}", "", "x", "x@single",
    "x@localhost", "x@gone", "x@203.0.113.10", "x@bad!name.example", "x@-lead.example", "x@under_score.example",
    "x@sender-ok.example.", "x@" + "d" * 64 + ".example", '"two words"@sender-ok.example', "x+tag@sender-ok.example",
    "x@nosuch.example@sender-ok.example", "MAILER-DAEMON", "x@xn--bcher-kva.example", "x=y@nosuch.example",
    "SRS0=abc=XY=nosuch.example=joe@sender-ok.example", f"x@mx1.{OWN_DOMAIN}",
)  # fmt: skip


def _senders(script: Script) -> None:
    """Every kind of sender domain."""
    for sender in _SENDERS:
        script.mail(sender=sender)
    script.mail(sender="x@nosuch.example", to=script.fresh(known=False))
    script.mail(sender="x@servfail.test", to=script.fresh(known=False))
    script.mail(sender="x@nosuch.example", to=script.fresh(domain="elsewhere.example"))
    script.mail(sender="x@null-mx.example", to=script.fresh(domain="elsewhere.example"))
    script.mail("203.0.113.25", sender="x@nosuch.example")


def _addresses(script: Script) -> None:
    """Addresses as RFC 5321 allows them, and as it does not."""
    script.add(
        GOOD, "EHLO helo-ok.example", "MAIL FROM:x@nosuch.example", *script.message("news@sender-ok.example")[1:], QUIT
    )
    script.add(GOOD, "EHLO helo-ok.example", "MAIL FROM:<@a.example:x@nosuch.example>", *script.message("")[1:], QUIT)
    script.add(GOOD, "EHLO helo-ok.example", "MAIL FROM:<x@nosuch.example> SIZE=500", *script.message("")[1:], QUIT)


def _listed(script: Script) -> None:
    """Clients and names that lists name, and such as no list may be asked for."""
    for last in (150, 151, 152, 153, 154, 160, 161, 159):
        script.mail(f"203.0.113.{last}")
    script.mail("2001:db8::150")
    script.mail("203.0.113.150", to=script.fresh(known=False))
    script.mail("203.0.113.150", to=script.fresh(domain="elsewhere.example"))
    script.mail("203.0.113.150", sender="")
    for sender in ("offer@spamdom.example", "offer@sub.spamdom.example", "offer@phishdom.example", "x@Spamdom.EXAMPLE"):
        script.mail(SECOND, sender=sender)
    script.mail(SECOND, sender="offer@spamdom.example", to=script.fresh(known=False))
    script.mail("203.0.113.170", "EHLO mail.listedptr.example", sender="x@spamdom.example")
    script.mail("203.0.113.171", "EHLO helo-evil.example.")
    script.mail("203.0.113.176", "EHLO [203.0.113.176]", sender="offer@spamdom.example")
    script.mail("203.0.113.177", "HELO helo-evil.example", to=script.fresh(known=False))


_SPF = (
    "pass", "fail", "soft", "neutral", "perm", "two", "temp", "include", "redirect", "loop", "a", "mx", "ptr", "exists",
    "void", "syntax",
)  # fmt: skip


def _spf(script: Script) -> None:
    """Every kind of SPF record, asked by a host that is in it and by one that is not."""
    for kind in _SPF:
        script.mail("203.0.113.180", "EHLO h180.senders.example", f"x@spf-{kind}.example")
        script.mail(GOOD, sender=f"x@spf-{kind}.example")
    script.mail("203.0.113.182", "EHLO forwarder.example", "user@spf-fail.example")
    script.mail("203.0.113.181", "EHLO helo-fail.example", "")
    script.mail("203.0.113.181", "EHLO helo-fail.example", "x@spf-pass.example")
    script.mail("203.0.113.181", "EHLO h181.senders.example", "x@spf-fail.example", to=script.fresh(known=False))
    script.mail("203.0.113.181", (), "x@spf-fail.example")


_POLICIES = ("reject", "quarantine", "none", "pct", "sub", "bad", "strict")


def _dmarc(script: Script) -> None:
    """Every kind of DMARC policy; authors with and without SPF and signatures that stand for them."""
    for kind in _POLICIES:
        author = f"ceo@dm-{kind}.example"
        script.mail(SECOND, content=Content(author))
        script.mail("203.0.113.180", sender=author, content=Content(author))
        script.mail(SECOND, content=Content(author, signed_by=f"dm-{kind}.example"))
    script.mail(SECOND, content=Content("ceo@dm-half.example"), unsteady=PERCENT)
    script.mail(SECOND, content=Content("ceo@mail.dm-sub.example"))
    script.mail(SECOND, content=Content("ceo@mail.dm-strict.example", signed_by="dm-strict.example"))
    script.mail(SECOND, content=Content("ceo@dm-reject.example", signed_by="dm-reject.example", broken=True))
    script.mail(SECOND, content=Content("ceo@dm-reject.example", signed_by="sender-ok.example"))
    script.mail(SECOND, content=Content(f"ceo@{OWN_DOMAIN}"))
    script.mail(SECOND, content=Content("x@servfail.test"))
    script.mail(SECOND, content=Content("x@nosuch.example"))
    script.mail(SECOND, content=Content("a@dm-reject.example, b@dm-none.example"))
    script.mail(SECOND, content=Content("", more=("X-No-From: here",)))
    script.mail(SECOND, content=Content("a@dm-reject.example", more=("From: b@dm-none.example",)))
    script.mail(SECOND, to=(script.fresh(), script.fresh()), content=Content("ceo@dm-reject.example"))


def _recipients(script: Script) -> None:
    """Recipients that do not exist, are not ours, or are no addresses."""
    for last in (100, 120, 130):
        script.mail(f"203.0.113.{last}", to=script.fresh(known=False))
        script.mail(f"203.0.113.{last}", to=script.fresh(domain="elsewhere.example"))
    script.mail(to=script.fresh(domain="nosuch.example"))
    script.mail(to=script.fresh(domain=f"sub.{OWN_DOMAIN}"))
    script.mail(to=script.fresh(domain="[192.0.2.1]"))
    script.mail(to=script.fresh().partition("@")[0])
    script.mail(to=script.fresh().upper())


def _several(script: Script) -> None:
    """Several recipients of a message, several messages of a session."""
    one, two, three = script.fresh(), script.fresh(known=False), script.fresh(domain="elsewhere.example")
    script.mail(to=(one, two, three))
    script.mail("203.0.113.20", to=(script.fresh(), script.fresh(), script.fresh(known=False)))
    script.mail("203.0.113.25", to=(script.fresh(known=False), script.fresh()))
    first, second = script.message("x@nosuch.example"), script.message("x@sender-ok.example")
    script.add(GOOD, "EHLO helo-ok.example", *first, *second, QUIT)
    script.add(
        GOOD, "EHLO helo-ok.example", *script.message("x@sender-ok.example"), *script.message("x@servfail.test"), QUIT
    )
    script.add("203.0.113.150", "EHLO localhost", *script.message(""), *script.message("x@spf-fail.example"), QUIT)
    script.add(GOOD, "EHLO helo-ok.example", *first[:1], "RSET", *script.message("x@a-only.example"), QUIT)
    script.add(GOOD, "EHLO localhost", *script.message(""), "EHLO helo-ok.example", *script.message(""), QUIT)
    to = script.fresh()
    script.add(GOOD, "EHLO helo-ok.example", "MAIL FROM:<x@sender-ok.example>", f"RCPT TO:<{to}>", "RSET", QUIT)


def _impatient(script: Script) -> None:
    """Who does not wait for its turn."""
    for number, sender in enumerate(("x@nosuch.example", "news@sender-ok.example")):
        to = f"RCPT TO:<{script.fresh()}>"
        chunk = (f"EHLO early{number}.nosuch.example", f"MAIL FROM:<{sender}>", to, "DATA")
        script.add(f"{BOT}.{20 + number}", Chunk(chunk, early=True), Content(), QUIT, unsteady=RACE)
        to = f"RCPT TO:<{script.fresh()}>"
        script.add(f"{BOT}.{22 + number}", Chunk((*chunk[:2], to, "DATA")), Content(), QUIT)
        to = f"RCPT TO:<{script.fresh()}>"
        script.add(
            f"{BOT}.{24 + number}",
            f"HELO old{number}.example",
            Chunk((f"MAIL FROM:<{sender}>", to, "DATA")),
            Content(),
            QUIT,
        )
        to = f"RCPT TO:<{script.fresh()}>"
        script.add(
            f"{BOT}.{26 + number}",
            "EHLO helo-ok.example",
            Chunk((f"MAIL FROM:<{sender}>", to, "DATA")),
            Content(),
            QUIT,
        )
    to = f"RCPT TO:<{script.fresh()}>"
    late = Chunk((to, "DATA", "Subject: too soon", "", "."))
    script.add(f"{BOT}.29", "EHLO helo-ok.example", "MAIL FROM:<news@sender-ok.example>", late, QUIT)


def _inside(script: Script) -> None:
    """Our own hosts, which all permits let pass."""
    script.mail("192.0.2.66", "EHLO printer.ourdom.test", f"printer@{OWN_DOMAIN}")
    script.mail("192.0.2.70", "EHLO scanner", f"scanner@{OWN_DOMAIN}")
    script.mail("192.0.2.70", "EHLO scanner", f"scanner@{OWN_DOMAIN}", to=script.fresh(domain="partner.example"))
    script.mail("192.0.2.70", (), "x@nosuch.example")
    script.mail("192.0.2.70", "EHLO scanner", f"scanner@{OWN_DOMAIN}", to=script.fresh(known=False))
    script.mail("192.0.2.70", "EHLO scanner", "x@nosuch.example", to=script.fresh(domain="bounces.test"))


def _spam(script: Script) -> None:
    """Bots, as they come."""
    names = (
        "localhost",
        "USER-42",
        "[192.168.1.5]",
        "ylmf-pc",
        "mail.gone.example",
        OWN_DOMAIN,
        "192.0.2.1",
        "helo-evil.example",
    )
    for number, name in enumerate(names):
        script.mail(
            f"{BOT}.{100 + number}", f"EHLO {name}", f"offer@{('spamdom', 'nosuch', 'phishdom')[number % 3]}.example"
        )
        script.mail(f"{BOT}.{120 + number}", f"HELO {name}", "offer@nosuch.example", to=script.fresh(known=False))


def _ham(script: Script) -> None:
    """Well-kept hosts whose mail is wanted; they come again."""
    for client, name in (
        (GOOD, "mail.good.example"),
        (SECOND, "mail2.good.example"),
        ("203.0.113.182", "forwarder.example"),
    ):
        for sender in ("anna@sender-ok.example", "bert@partner.example", "", "news+42@spf-pass.example"):
            script.mail(client, f"EHLO {name}", sender, again=True)
    script.mail("203.0.113.14", "EHLO mixed.case.example", "anna@a-only.example", again=True)
    script.mail("2001:db8::10", "EHLO mail6.good.example", "anna@sender-ok.example", again=True)
