"""A sender's domain: whether the DNS knows it, whether a list of domains names it, and what it asks by DMARC."""

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Sender:
    """A domain. `policy` is that of its DMARC record, '' for none."""

    domain: str
    found: bool = True
    listed: bool = False
    policy: str = ""


BANKS = tuple(Sender(f"bank{number}.example", policy="reject") for number in range(8))
"""Whom phishing imitates."""
# Domains that bots use one after the other: bought for a few days (of which lists of domains learn half), robbed of
# others, or made up, which is seldom by now since most servers look. All assumed.
OFFERS = tuple(
    Sender(f"offer{number}.example", found=number % 8 != 0, listed=number % 8 != 0 and number % 2 == 1)
    for number in range(60)
)


def of_bot(rng: random.Random) -> Sender:
    """What a bot says: a domain bought for it mostly, somebody's that is well known in one case of eight."""
    return rng.choice(BANKS) if rng.random() < 0.125 else rng.choice(OFFERS)


def of_firm(rng: random.Random, domain: str) -> Sender:
    """A wanted sender's own; a third publishes a DMARC policy (assumed), of which half asks to refuse."""
    return Sender(domain, policy=rng.choices(("", "none", "reject"), (4, 1, 1))[0])
