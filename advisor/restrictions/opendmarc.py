"""Tip 7: mail that fails DMARC, whose domain wishes it refused."""

from datetime import datetime

import narwhals as nw

from advisor.dmarc import REJECT, policy
from advisor.response import Responses
from advisor.restriction import Told, restriction, unlogged
from advisor.substitute import Substitute

_ACCEPTED = frozenset({"pass", "none", "permerror", "multi_from", "bad_from", "no_from", "ignored", "arc_pass"})
"""Results of opendmarc that RejectFailures has nothing to do with (advisor.attempt.SCHEMA)."""


def tell(_: str, dns: Responses, day: datetime | None, result: str | None, domain: str | None) -> Told | None:
    """What opendmarc answers with RejectFailures, from its result and the record of the domain in From.

    Of p=reject with pct below 100 it refuses a part by lot: no evidence.
    """
    if result in _ACCEPTED:
        return Told("dunno", basis="derived")
    if result == "temperror":
        return Told("defer", "451 4.7.1", basis="derived")
    found = policy(dns, domain, day) if result == "fail" and domain else None
    if found is None or (found.word == REJECT and 0 < found.pct < 100):
        return None
    refused = found.word == REJECT and found.pct == 100
    return Told("reject" if refused else "dunno", "550 5.7.1" if refused else "", asked_at=found.asked_at)


def instead(_: str, dns: Responses) -> dict[str, Substitute | None]:
    """Without any record the domain makes no difference."""
    return {} if any(name.startswith("_dmarc.") for name in dns.asked("TXT")) else {"dmarc_domain": None}


@restriction(
    parameter="smtpd_milters",
    needs=(),
    reply="550 5.7.1",
    says="rejected by DMARC policy for ",
    since="2.3",
    of=("dmarc", "dmarc_domain"),
    tell=tell,
    instead=instead,
    tells=("defer",),
)
def opendmarc() -> nw.Expr:
    """Refuse mail that fails DMARC where the domain in its From asks for that (OpenDMARC, RejectFailures true).

    What it catches
        Mail in the name of banks, shops and your own domain from hosts that have nothing to do with it.

    Who it hurts
        Mailing lists and forwarders that change a message, and so break its signature. 550: it bounces at once.

    What the log shows
        opendmarc's result, once it runs with RejectFailures false; never the policy, which `advisor lookup` records.
        All recipients of a message share its answer. Where the domain asks for a share only (pct): no evidence.

    Gentler
        RejectFailures false: opendmarc then only adds its result to the header.
    """
    return unlogged()
