"""A population: all clients of a month, by kinds. Every share is assumed unless a source stands beside it."""

import random
from dataclasses import dataclass, replace

from tests.month.client import FQDN, INVALID, LITERAL, SINGLE, Client, Helo
from tests.month.listing import spans
from tests.month.sender import Sender, of_bot, of_firm


@dataclass(frozen=True)
class Kind:
    """What clients of one kind have in common.

    `share` is how many there are for each wanted client, `daily` the chance of mail on a day of its `days` (0: the
    month), `nameless` the share without a PTR record, `stray` the share of the named whose names do not lead back,
    `inside` that of HELO names known in their own network only, `spf` the weights of Pass, None, Fail and Softfail.
    """

    name: str
    share: float
    daily: float
    nameless: float = 0.0
    stray: float = 0.0
    inside: float = 0.0
    spf: tuple[float, float, float, float] = (0.85, 0.15, 0.0, 0.0)
    signs: float = 0.8
    accused: float = 0.01
    missed: float = 0.1
    spam: float = 0.0
    days: int = 0
    people: int = 2
    contacts: int = 3
    written_to: bool = False
    office: bool = False


# Large providers refuse clients without reverse DNS (Google's sender guidelines of 2024 ask for it), so that few who
# write to many lack it; who writes to partners only may never find out.
_WANTED = (
    Kind("correspondent", 0.38, 0.16, stray=0.015, inside=0.03, written_to=True, office=True),
    Kind(
        "small_firm", 0.04, 0.14, 0.25, 0.25, 0.3, (0.5, 0.45, 0.0, 0.05), 0.3, written_to=True, office=True, people=3
    ),
    Kind("pool", 0.26, 0.25, signs=1.0, spam=0.03, people=400, contacts=40, written_to=True),
    Kind("mailing_list", 0.04, 0.6, stray=0.01, accused=0.005, people=40, contacts=6),
    # A forwarder sends for domains whose SPF records do not know it; their signatures hold. It forwards spam as well.
    Kind("forwarder", 0.03, 0.3, 0.02, 0.03, 0.02, (0.05, 0.15, 0.5, 0.3), 0.6, spam=0.15, missed=0.15, contacts=1),
    Kind("newsletter", 0.13, 0.15, stray=0.01, inside=0.005, signs=0.95, accused=0.04, people=1, contacts=2),
    # Shops and services that write once: half of them within the month (below).
    Kind("login_code", 0.1, 0.12, stray=0.005, signs=0.95, accused=0.005, people=1, contacts=2),
    Kind("monitor", 0.02, 0.9, 0.2, 0.2, spf=(0.3, 0.7, 0.0, 0.0), signs=0.1, accused=0.005, people=1, contacts=1),
)
# Half of the bots have no PTR record (assumed); those on dial-up lines have their provider's generic name, which leads
# back mostly.
_UNWANTED = (
    Kind("botnet", 0.9, 0.7, 0.45, 0.2, 0.0, (0.05, 0.45, 0.3, 0.2), 0.02, missed=0.04, days=2, contacts=40),
    Kind("snowshoe", 0.15, 0.8, 0.0, 0.05, 0.0, (1.0, 0.0, 0.0, 0.0), 0.95, missed=0.2, days=5, contacts=15),
    # A robbed mailbox of a provider whose other mail is wanted: nothing but the content tells.
    Kind("hijacked", 0.04, 0.6, signs=1.0, spf=(1.0, 0.0, 0.0, 0.0), missed=0.12, days=3, contacts=20),
    Kind("dictionary", 0.06, 0.9, 0.6, 0.2, 0.0, (0.1, 0.5, 0.2, 0.2), 0.0, missed=0.04, days=3, contacts=40),
)
_SPF = ("Pass", "None", "Fail", "Softfail")
_POOLS, _PROVIDERS = 4, 3


def population(rng: random.Random, size: int) -> list[Client]:
    """All clients of the month; a quarter of the wanted come or go within it."""
    found: list[Client] = []
    for kinds, wanted in ((_WANTED, True), (_UNWANTED, False)):
        for kind in kinds:
            for _ in range(max(1, round(kind.share * size))):
                found.append(_client(rng, kind, len(found), wanted=wanted))
    partners = tuple(client.sender for client in found if client.kind == "correspondent")
    return [
        # Who forwards mail does it for one of us, to whom few others write.
        replace(client, others=tuple(rng.choices(partners, k=6))) if client.kind == "forwarder" else client
        for client in found
    ]


def _client(rng: random.Random, kind: Kind, number: int, *, wanted: bool) -> Client:
    sender, name, address = _who(rng, kind.name, number)
    name = "" if rng.random() < kind.nameless else name
    # Some write every day, most seldom.
    often = min(0.95, kind.daily * rng.lognormvariate(0, 0.8)) if wanted else kind.daily
    first, last = _days(rng, kind)
    return Client(
        kind=kind.name,
        wanted=wanted,
        address=address,
        name=name,
        forward=bool(name) and rng.random() >= kind.stray,
        helo=_helo(rng, kind, name or f"mail.{sender.domain}", address),
        sender=sender,
        spf=rng.choices(_SPF, kind.spf)[0],
        signs=rng.random() < kind.signs,
        daily=often if first < last or not wanted else 1.0,
        first=first,
        last=last,
        written_to=kind.written_to,
        spam=kind.spam if wanted else 1.0,
        # What the filter does not know of one message of a client it does not know of the next.
        missed=rng.betavariate(kind.missed, 1 - kind.missed) if kind.name == "snowshoe" else kind.missed,
        accused=kind.accused,
        people=kind.people,
        contacts=kind.contacts,
        office=kind.office,
        # Servers encrypt by default, bots seldom do.
        tls=rng.random() < (0.92 if wanted or kind.name in ("snowshoe", "hijacked") else 0.15),
        lists=spans(rng, kind.name, wanted=wanted),
    )


def _days(rng: random.Random, kind: Kind) -> tuple[int, int]:
    if kind.days:
        first = rng.randrange(28)
        return first, first + kind.days - 1
    if kind.name == "login_code" and rng.random() < 0.5:
        once = rng.randrange(28)
        return once, once
    first = rng.randrange(1, 25) if rng.random() < 0.15 else 0
    return first, rng.randrange(first, 28) if rng.random() < 0.1 else 27


def _who(rng: random.Random, kind: str, number: int) -> tuple[Sender, str, str]:
    """The domain, the name and the address; large providers and bulk mailers send out of few networks."""
    own = f"{kind.replace('_', '-')}{number}.example"
    if kind in ("pool", "hijacked"):
        pool = number % _POOLS
        address = f"198.19.{pool * 8 + number // _POOLS // 250}.{number // _POOLS % 250 + 1}"
        return Sender(f"pool{pool}.example", policy="none"), f"mail{number}.pool{pool}.example", address
    if kind == "login_code" or (kind == "newsletter" and number % 2):
        provider = number % _PROVIDERS
        address = f"198.18.{provider * 8 + number // _PROVIDERS // 250}.{number // _PROVIDERS % 250 + 1}"
        return of_firm(rng, own), f"o{number}.mailer{provider}.example", address
    if kind == "snowshoe":
        # A dozen addresses side by side for one domain.
        group = number // 12
        sender = Sender(f"deal{group}.example", listed=group % 2 == 0, policy="none")
        return sender, f"s{number % 12}.deal{group}.example", f"100.95.{group % 250}.{number % 12 + 10}"
    if kind in ("botnet", "dictionary"):
        address = f"100.{64 + number // 40_000}.{number % 200}.{number // 200 % 200 + 1}"
        return of_bot(rng), f"dyn-{address.replace('.', '-')}.line{number % 40}.example", address
    # Many wanted firms rent a machine beside others, of whom we know nothing.
    address = f"100.{96 + number // 250 % 32}.{number % 250}.{number // 8_000 + 5}"
    if kind == "monitor" and rng.random() < 0.4:
        return Sender(f"host{number}.lan.example", found=False), f"static{number}.line3.example", address
    return of_firm(rng, own), f"mail{number}.{own}", address


def _helo(rng: random.Random, kind: Kind, usual: str, address: str) -> Helo:
    if kind.name == "monitor":
        # Whoever resolves `localhost` for himself finds 127.0.0.1 (RFC 6761).
        return Helo("localhost", SINGLE) if rng.random() < 0.7 else Helo(usual)
    if kind.name in ("botnet", "dictionary"):
        number = rng.randrange(1000)
        return rng.choices(
            (
                Helo("localhost", SINGLE),
                Helo(f"WIN-{number}", SINGLE, found=False),
                Helo(f"[{address}]", LITERAL),
                Helo(f"pc..{number}", INVALID, found=False),
                Helo(f"mx{number}.invented.example", FQDN, found=False),
                Helo("firm.example"),
                Helo(usual),
            ),
            (8, 20, 10, 3, 15, 4, 40),
        )[0]
    if rng.random() < kind.inside:
        # What the machine is called at home; one in six has no domain at all.
        return Helo("EXCHANGE", SINGLE, found=False) if rng.random() < 1 / 6 else Helo(f"srv.{usual}", found=False)
    return Helo(usual)
