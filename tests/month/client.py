"""A client: who it is, whether its mail is wanted, and what of that a mail server can see."""

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Client:
    """One address. `name` is its PTR name, '' for none; `daily` the chance of mail on a day from `first` to `last`."""

    kind: str
    wanted: bool
    address: str
    name: str
    helo: str
    domain: str
    spf: str
    daily: float
    first: int = 0
    last: int = 27
    written_to: bool = False
    senders: int = 2


# Wanted: kind, its share of the wanted clients, the chance of mail on a day, how many have no PTR, whether written to.
_WANTED = (
    ("correspondent", 0.40, 0.16, 0.0, True),
    ("small_firm", 0.02, 0.12, 0.35, True),
    ("pool", 0.26, 0.10, 0.0, False),
    ("mailing_list", 0.05, 0.60, 0.0, False),
    ("forwarder", 0.04, 0.20, 0.02, False),
    ("newsletter", 0.13, 0.10, 0.0, False),
    ("login_code", 0.09, 0.15, 0.0, False),
    ("monitor", 0.01, 0.90, 0.0, False),
)
# Unwanted: kind, how many for each wanted client, the chance of mail on a day of its life, its days, without PTR.
_UNWANTED = (
    ("botnet", 0.9, 0.7, 2, 0.7),
    ("snowshoe", 0.15, 0.8, 4, 0.0),
    ("hijacked", 0.04, 0.6, 3, 0.0),
    ("dictionary", 0.05, 0.9, 2, 0.8),
)


def population(rng: random.Random, size: int) -> list[Client]:
    """All clients of the month; a quarter of the wanted come or go within it."""
    found: list[Client] = []
    for kind, share, daily, nameless, written in _WANTED:
        for _ in range(max(1, round(share * size))):
            number = len(found)
            domain = f"pool{number % 4}.example" if kind == "pool" else f"{kind.replace('_', '-')}{number}.example"
            # Large providers send out of few networks; all others stand alone.
            address = (
                f"198.19.{number % 4 * 8 + number // 4 // 250}.{number // 4 % 250 + 1}"
                if kind == "pool"
                else (f"198.18.{number % 250}.{number // 250 + 1}")
            )
            name = "" if rng.random() < nameless else f"mail{number}.{domain}"
            helo = "localhost" if kind == "monitor" else name or f"mail.{domain}"
            spf = "Fail" if kind == "forwarder" else rng.choices(("Pass", "None"), (8, 2))[0]
            first = rng.randrange(1, 25) if rng.random() < 0.15 else 0
            last = rng.randrange(first, 28) if rng.random() < 0.1 else 27
            # Some write every day, most seldom.
            often = min(0.95, daily * rng.lognormvariate(0, 0.8))
            found.append(Client(kind, True, address, name, helo, domain, spf, often, first, last, written))
    for kind, each, daily, days, nameless in _UNWANTED:
        for _ in range(max(1, round(each * size))):
            number = len(found)
            address = f"100.{64 + number // 40_000}.{number % 200}.{number // 200 % 200 + 1}"
            domain = f"offer{rng.randrange(60)}.example"
            name = "" if rng.random() < nameless else f"h{number}.{kind}{number % 40}.example"
            made_up = rng.choice(("localhost", f"WIN-{rng.randrange(999)}", f"mail.{domain}", f"[{address}]"))
            helo = made_up if kind == "botnet" else name or f"mail.{domain}"
            spf = {"snowshoe": "Pass", "hijacked": "Pass"}.get(kind) or rng.choice(("None", "Fail", "Softfail"))
            first = rng.randrange(28)
            found.append(Client(kind, False, address, name, helo, domain, spf, daily, first, first + days - 1))
    return found
