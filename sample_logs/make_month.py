"""Write a month of an invented joinery's mail server, with every case the advisor must tell apart.

The people, firms, hosts and addresses are invented; the formats are those of the real lab logs in lab/.
The same bytes come out on every run: the seed is fixed, no clock is read, and gzip stores no time.
"""

import datetime
import gzip
import random
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from month_server import (
    DAY,
    FORGED,
    HOUR,
    MAILHOST,
    MX,
    NO_DNS,
    OURS,
    RELOADS,
    START,
    TYPO,
    USERS,
    Host,
    Item,
    Mail,
    Server,
    at,
    domain,
    hand_out,
)
from month_smtp import Session, receive, submit

TARGET = Path(__file__).with_name("maillog-20261101.gz")
WORKDAYS = [day for day in range(1, 32) if (day + 2) % 7 < 5]  # 1 October 2026 is a Thursday
STRANGERS = [
    f"{name}@{OURS}"
    for name in (
        "admin",
        "sales",
        "office",
        "webmaster",
        "kontakt",
        "buchhaltung",
        "bestellung",
        "test",
        "marketing",
        "k.brandt",
        "hr",
        "support",
        "einkauf",
        "chef",
        "max.mustermann",
        "jobs",
        "billing",
        "ceo",
        "pbrandt",
    )
]

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
r.zeller@seepost.example mta3.seepost.example 2001:db8:15::16
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
NXDOMAIN, DNSFAIL, ELSEWHERE = ": Name or service not known", ": Temporary failure in name resolution", ""
# Wanted, but not in order: mailbox, how many mails, the host.
AWKWARD = (
    ("billing@stahlbau-roth.example", 12, Host("203.0.113.10", "", "mail.stahlbau-roth.example")),
    (
        "info@heimatverein.example",
        9,
        Host("203.0.113.11", "mail.heimatverein.example", "heimatverein.example", NXDOMAIN),
    ),
    (
        "f.adler@fensterbau-adler.example",
        13,
        Host("203.0.113.12", "gateway.fensterbau-adler.example", "mail.fensterbau-adler.example", ELSEWHERE),
    ),
    (
        "werkstatt@metallbau-huber.example",
        15,
        Host("203.0.113.14", "mail.metallbau-huber.example", "exch01.metallbau-huber.local", tls=True),
    ),
    (
        "info@glaserei-winter.example",
        12,
        Host("203.0.113.15", "mail.winter-server.example", "mail.winter-server.example", tls=True),
    ),
)
MONITOR = Host("203.0.113.13", "gw.kunde-fischer.example", "localhost")
WEBFORM = Host("203.0.113.16", "web3.hosting-see.example", "web3.hosting-see.example")
LIST = Host("198.51.100.40", "lists.fachverband-holz.example", "lists.fachverband-holz.example", tls=True)
NEWS = Host("198.51.100.41", "mta7.werkzeugwelt.example", "mta7.werkzeugwelt.example", tls=True)
LOGIN = Host("198.51.100.42", "out.id.buerocloud.example", "out.id.buerocloud.example", tls=True)
SCANNER = Host("192.0.2.5", f"scanner.{OURS}", f"scanner.{OURS}")
SEATS = (  # where our users sit: the office, two lines at home, a telephone without PTR
    Host("192.0.2.8", f"buero.{OURS}", "[192.0.2.8]", tls=True),
    Host("203.0.113.240", "dsl-240.heimnetz.example", "[192.168.178.21]", tls=True),
    Host("203.0.113.241", "dsl-241.heimnetz.example", "[192.168.2.105]", tls=True),
    Host("203.0.113.242", "", "[10.45.17.3]", tls=True),
)
GUESSERS = [Host(f"203.0.113.{last}", "", "User", tls=last % 2 > 0) for last in range(250, 254)]


def office(rng: random.Random, day: int) -> float:
    """Return a moment in working hours (UTC), mostly in the morning."""
    return at(day, min(16.5, 5.5 + rng.gammavariate(3, 1.5)))


def write(server: Server, when: float, rcpt: str, copy_to: int = 0) -> None:
    """Let one of our users write to somebody, always the same one, sometimes with a copy to a colleague."""
    user = USERS[sum(map(ord, rcpt)) % len(USERS)]
    rcpts = (rcpt, *(other for other in USERS[:copy_to] if other != user))
    submit(server, when, user, server.rng.choices(SEATS, (7, 2, 1, 2))[0], rcpts)


def plan_thread(server: Server, when: float, person: str, host: Host) -> None:
    """Plan a question and, mostly, its answer hours later."""
    rng = server.rng
    user = USERS[sum(map(ord, person)) % len(USERS)]
    target: tuple[str, ...] = (user,)
    if rng.random() < 0.15:
        target = (rng.choice((f"info@{OURS}", f"rechnung@{OURS}")),)
    elif rng.random() < 0.12:
        target = tuple(dict.fromkeys((*USERS[:2], user)))
    mail, later = Mail(person, target), when + rng.uniform(0.3, 5) * HOUR
    answered = later < at(31, 22)
    if rng.random() < 0.55:
        server.plan(when, write, person, int(rng.random() < 0.15))
        if answered and rng.random() < 0.75:
            server.plan(later, receive, host, mail)
    else:
        server.plan(when, receive, host, mail)
        if answered and rng.random() < 0.8:
            server.plan(later, write, person)


def plan_partners(server: Server) -> None:
    """Plan the mail with the partners, three SPF failures with their retries, and typing errors."""
    rng = server.rng
    people = [line.split() for line in PARTNERS.strip().splitlines()]
    hosts = {person: Host(address, name, name, tls=True) for person, name, address in people}
    for person, host in hosts.items():
        MX[domain(person)] = host.label
        for _ in range(rng.randrange(10, 19)):
            plan_thread(server, office(rng, rng.choice(WORKDAYS)), person, host)
    troubles = (
        ("s.wolf@steuerbuero-wolf.example", at(5, 7.4), (0, 301, 902, 2103)),
        ("v.kern@immo-kern.example", at(9, 9.1), (0, 423, 1290)),
        ("p.ott@elektro-ott.example", at(19, 6.3), (0, 905)),
    )
    for person, when, tries in troubles:
        for wait in tries:
            mail = Mail(person, (USERS[3],), spf_fails=wait != tries[-1])
            server.plan(when + wait, receive, hosts[person], mail)
    for day, person in ((6, "c.rapp@spedition-rapp.example"), (20, "ute.frey@seepost.example")):
        server.plan(at(day, 8.2), receive, hosts[person], Mail(person, (f"lena.voigt@{OURS}",)))
    server.plan(at(8, 10.7), write, f"anna.keller@{TYPO}")


def plan_awkward(server: Server) -> None:
    """Plan the mail that is wanted although its hosts are badly kept."""
    rng = server.rng
    for person, number, host in AWKWARD:
        MX[domain(person)] = f"mail.{domain(person)}[{host.address}]"
        for day in rng.sample(WORKDAYS, number):
            mail = Mail(person, (USERS[sum(map(ord, person)) % len(USERS)],))
            if domain(person) == "glaserei-winter.example" and day == 14:
                continue  # that day has its own mails, below
            server.plan(office(rng, day), receive, host, mail)
        for day in rng.sample(WORKDAYS, number // 2):
            server.plan(office(rng, day), write, person)
    glazier, _, host = AWKWARD[4]
    for hour in (6.1, 8.6, 9.9, 13.2):  # its name server is down, its name cannot be confirmed
        server.plan(at(14, hour), receive, replace(host, fault=DNSFAIL), Mail(glazier, (USERS[1],)))
    for day in range(1, 32):
        report = Mail("monitor@kunde-fischer.example", (USERS[0],))
        server.plan(at(day, 5.17) + rng.uniform(0, 20), receive, MONITOR, report)
    for day in (2, 5, 7, 9, 13, 14, 16, 21, 23, 27, 29):
        form = Mail("formular@web3.farben-kroll.example", (f"info@{OURS}",))
        server.plan(office(rng, day), receive, WEBFORM, form)


def plan_lists(server: Server) -> None:
    """Plan a mailing list, a newsletter with a return path of its own for each reader, and login codes."""
    rng = server.rng
    for day in WORKDAYS:
        for _ in range(rng.randrange(1, 4)):
            post = Mail("holzbau-bounces@lists.fachverband-holz.example", (USERS[0], USERS[3], USERS[6]))
            server.plan(office(rng, day), receive, LIST, post)
    for issue, day in enumerate((1, 8, 15, 22, 29), 381):
        for index, user in enumerate(USERS[1:6]):
            sender = f"bounce-{issue}-{user.replace('@', '=')}@werkzeugwelt.example"
            server.plan(at(day, 4.5) + 7 * index, receive, NEWS, Mail(sender, (user,)))
    for _ in range(45):
        code = Mail("noreply@id.buerocloud.example", (rng.choice(USERS),))
        server.plan(office(rng, rng.choice(WORKDAYS)), receive, LOGIN, code)


def cron(server: Server, when: float) -> None:
    """Let a nightly job mail root."""
    size = 900 + server.rng.randrange(400)
    item = Item(server.queue_id(), f"root@{OURS}", size, ((USERS[0], "root"),), when)
    server.resident("pickup", when - 0.02, f"{item.queue_id}: uid=0 from=<root>")
    date = (START + datetime.timedelta(seconds=when)).strftime("%Y%m%d%H%M%S")
    server.enqueue(item, f"{date}.{item.queue_id}@{MAILHOST}")
    hand_out(server, when + 0.06, item)


def reload(server: Server, when: float) -> None:
    """Let the administrator log in and make a change of main.cf known."""
    port, pid = server.rng.randrange(40000, 60000), server.take("sshd", when, when + 300).pid
    login = f"Accepted publickey for jonas from 192.0.2.8 port {port} ssh2: ED25519"
    server.say(when - 240, f"sshd[{pid}]", login)
    server.act("postfix-script", when, "refreshing the Postfix mail system")
    server.say(when + 0.005, "postfix/master[1204]", "reload -- version 3.5.25, configuration /etc/postfix")


def plan_house(server: Server) -> None:
    """Plan what does not come from outside: scanner, cron, colleagues, other programs, reloads."""
    rng = server.rng
    for day in range(1, 32):
        server.plan(at(day, 4.033) + 1, cron)
        for hour in (3.2, 8.8, 12.4, 19.6):
            server.plan(at(day, hour) + 13.7 * day, count_visits)
        server.say(at(day, 0.001) + day % 7, "systemd[1]", "logrotate.service: Deactivated successfully.")
    for day in WORKDAYS:
        for _ in range(rng.randrange(1, 5)):
            scan = Mail(f"scanner@{OURS}", (rng.choice(USERS),))
            server.plan(office(rng, day), receive, SCANNER, scan)
        for _ in range(2):
            server.plan(office(rng, day), write, rng.choice(USERS))
        for user in rng.sample(USERS, 2):
            session, seat = server.code(16), rng.choice(SEATS)
            server.say(
                office(rng, day),
                "dovecot[1133]",
                f"imap-login: Login: user=<{user}>, method=PLAIN, rip={seat.address}, lip=192.0.2.2, "
                f"mpid={rng.randrange(2000, 900000)}, TLS, session=<{session}>",
            )
    for moment in RELOADS:
        server.plan(moment - 0.01, reload)


def bot_hosts(rng: random.Random) -> list[Host]:
    """Return the bots' addresses: most have no PTR, many one that does not lead back, some a good one."""
    addresses = [f"198.51.100.{last}" for last in range(100, 250)]
    addresses += [f"203.0.113.{last}" for last in range(100, 240)]
    addresses += [f"2001:db8:bad:{rng.randrange(1, 65536):x}::{rng.randrange(2, 4096):x}" for _ in range(60)]
    hosts = []
    for address in addresses:
        dashed = address.replace("::", "-").replace(":", "-").replace(".", "-")
        kind = rng.choices(("none", "nowhere", "elsewhere", "good"), (56, 16, 10, 18))[0]
        name = {
            "none": "",
            "nowhere": f"host-{dashed}.dyn.fernnetz.example",
            "elsewhere": f"{dashed}.pool.telekabel.example",
            "good": f"srv{rng.randrange(10, 99)}.vps-{rng.choice(('nord', 'west', 'ost'))}.example",
        }[kind]
        fault = {"nowhere": NXDOMAIN, "elsewhere": ELSEWHERE}.get(kind)
        hosts.append(Host(address, name, "", fault))
    return hosts


def disguise(rng: random.Random, host: Host) -> Host:
    """Give a bot the HELO of its present master; some send none."""
    literal = f"[IPv6:{host.address}]" if ":" in host.address else f"[{host.address}]"
    made_up = f"{rng.choice(('mail', 'smtp', 'mx', 'server'))}.{rng.choice(NO_DNS[1:9])}"
    names = (
        "localhost",
        f"USER-{rng.randrange(10, 99)}",
        "WIN-8KQ2J1LM0TR",
        "ylmf-pc",
        literal,
        literal.strip("[]"),
        OURS,
        MAILHOST,
        made_up,
        host.name or made_up,
        "",
    )
    helo = rng.choices(names, (14, 14, 8, 6, 10, 4, 6, 3, 16, 14, 5))[0]
    if ":" in host.address and helo == literal.strip("[]"):
        helo = "localhost"
    return replace(host, helo=helo, greeting="helo" if rng.random() < 0.25 else "ehlo")


def bot(server: Server, when: float, host: Host, habit: str) -> None:
    """Play one visit of a bot, which never comes back for a refused message."""
    rng = server.rng
    if habit == "probe":
        session = Session(server, "smtpd", when, host)
        if rng.random() < 0.4 and host.helo:
            session.greet()
            session.close(host.greeting.upper())
        elif rng.random() < 0.1:
            session.say(f"warning: non-SMTP command from {host.label}: GET / HTTP/1.1")
            session.command("unknown", 0)
            session.close("END-OF-MESSAGE")
        else:
            session.close("CONNECT")
        return
    place = rng.choices((rng.choice(NO_DNS[1:9]), rng.choice(FORGED), OURS), (60, 33, 7))[0]
    word = rng.choice(("offer", "win", "info", "newsletter", "service", "mia", "loan", "rechnung"))
    number = rng.choice(("", str(rng.randrange(99))))
    sender = rng.choice(USERS) if place == OURS else f"{word}{number}@{place}"
    known = (*USERS, f"info@{OURS}", f"montage@{OURS}")
    good, bad = rng.sample(known, rng.randrange(1, 3)), rng.sample(STRANGERS, rng.randrange(1, 4))
    rcpts = {
        "guess": bad,
        "spam": good[:1] if f"info@{OURS}" in good else good,
        "mixed": bad[:1] + good[:1],
        "early": rng.choice((good[:1], bad)),
        "relay": [f"probe{rng.randrange(999)}@{rng.choice(FORGED)}"],
    }[habit]
    verdict = rng.choices(("SPAM", "CLEAN", "INFECTED"), (70, 26, 4))[0]
    manner = "early" if habit == "early" else rng.choices(("", "lost", "data"), (60, 30, 10))[0]
    receive(server, when, host, Mail(sender, tuple(rcpts), verdict), manner)


def plan_bots(server: Server) -> None:
    """Plan the bots: each address works for some days, some do so again later with other habits."""
    rng = server.rng
    habits = ("guess", "spam", "mixed", "early", "relay", "probe")
    for clean in bot_hosts(rng):
        known_at = rng.choices((0.0, 0.5, 99.0), (40, 38, 22))[0]  # listed before, during a stay, or never
        for stay in range(rng.choice((1, 1, 2))):
            host, habit = disguise(rng, clean), rng.choices(habits, (34, 26, 9, 8, 4, 19))[0]
            begin, length = rng.uniform(-3, 30) * DAY, rng.uniform(0.2, 6) * DAY
            visits = [begin + rng.random() * length for _ in range(rng.randrange(2, 8))]
            if not stay and known_at < 99:
                server.listed[clean.address] = begin + length * rng.uniform(0.2, 0.7) if known_at else 0.0
            for visit in visits:
                if 60 < visit < at(31, 23.5):
                    server.plan(visit, bot, host, habit)


def guess_password(server: Server, when: float, host: Host, user: str) -> None:
    """Play one attempt at a password on the submission port."""
    session = Session(server, "submission/smtpd", when, host)
    session.greet()
    session.command("auth", 0)
    session.say("warning: SASL authentication failure: Password verification failed", 0.3)
    session.say(
        f"warning: {host.label}: SASL PLAIN authentication failed: authentication failure, sasl_username={user}", 0.001
    )
    session.close(server.rng.choice(("AUTH", "")))


def plan_attacks(server: Server) -> None:
    """Plan a sender of bulk mail whose sixteen hosts are in perfect order, and the guessing of passwords."""
    rng = server.rng
    for number in range(64):
        name = f"m{number % 16 + 1}.rabatt-post.example"
        host = Host(f"203.0.113.{64 + number % 16}", name, name, tls=True)
        verdict = rng.choice(("SPAM", "CLEAN"))
        mail = Mail(f"angebot{number}@rabatt-post.example", (rng.choice(USERS),), verdict)
        server.plan(rng.uniform(3, 29) * DAY, receive, host, mail)
    for _ in range(190):
        user = rng.choice((*USERS, "admin", "test", f"info@{OURS}", f"scanner@{OURS}"))
        server.plan(rng.uniform(0, 30.9) * DAY, guess_password, rng.choice(GUESSERS), user)


def count_visits(server: Server, when: float) -> None:
    """Write anvil's statistics of the ten minutes before."""
    window = sorted(visit for visit in server.visits if when - 600 < visit[0] <= when)
    if not window:
        return
    rates: defaultdict[str, list[float]] = defaultdict(list)
    best, cache = (0, "", 0.0), (0, 0.0)
    for moment, client in window:
        rates[client] = [before for before in rates[client] if before > moment - 60] + [moment]
        best = max(best, (len(rates[client]), client, moment), key=lambda entry: entry[0])
        alive = sum(1 for times in rates.values() if times[-1] > moment - 60)
        cache = max(cache, (alive, moment), key=lambda entry: entry[0])
    rate, client, moment = best
    title = f"postfix/anvil[{server.take('anvil', when, when + 1).pid}]"
    for text in (
        f"max connection rate {rate}/60s for ({client}) at {stamp(moment)}",
        f"max connection count 1 for ({window[0][1]}) at {stamp(window[0][0])}",
        f"max cache size {cache[0]} at {stamp(cache[1])}",
    ):
        server.say(when, title, f"statistics: {text}")


def stamp(when: float) -> str:
    """Write a time as syslog does."""
    day, rest = divmod(int(when), int(DAY))
    return f"Oct {day + 1:2d} {rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"


def main() -> None:
    """Play the month and write it."""
    server = Server(random.Random(20261001))
    for plan in (plan_partners, plan_awkward, plan_lists, plan_house, plan_bots, plan_attacks):
        plan(server)
    server.run()
    text = "".join(f"{stamp(when)} mail {line}\n" for when, _, line in sorted(server.lines))
    with TARGET.open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as packed:
        packed.write(text.encode("ascii"))


if __name__ == "__main__":
    main()
