"""An outlook: what greylisting, SPF, DMARC and postscreen would do where they refuse nothing yet, said in words.

Their settings stand in files of their own, which `advisor system` looks at; so they are no changes of main.cf.
"""

from collections.abc import Iterator, Sequence
from datetime import tzinfo

import pyarrow as pa
import pyarrow.compute as pc

from advisor.decision import Decision, decide
from advisor.effect import state
from advisor.forecast import Forecast, forecast
from advisor.postconf import Postconf
from advisor.recommendation import ENFORCE, LEAVE, WARN, Terms
from advisor.restriction import Asked, ask
from advisor.restrictions import CATALOGUE
from advisor.standing import Docket, Flags, Standing

POLICIES = {
    "policyd-spf": "SPF (tip 6), were its Fail refused by policyd-spf",
    "opendmarc": "DMARC (tip 7), were RejectFailures on in OpenDMARC",
}
"""What is asked beside the restrictions, in the reader's words."""
HALF = 0.5
"""The share of a restriction's catch from which on it is worth a word that postscreen does it for less."""
_WORDS = {
    ENFORCE: "That is safe by these terms",
    WARN: "Too little is known to refuse by it; let it tag mail first",
    LEAVE: "Leave it at tagging",
}


def policies() -> tuple[Asked, ...]:
    """The policies, as asked of past attempts with their packages' settings."""
    return tuple(ask(CATALOGUE[name], {}) for name in POLICIES)


def outlooks(attempts: pa.Table, frame: pa.Table, terms: Terms, zone: tzinfo) -> tuple[str, ...]:
    """What there is to say, by attempts from outside and their answers to `policies` (with `reasons`)."""
    said = list(_of_policies(frame, decide(frame, policies(), terms)))
    docket = Docket(frame)
    standing = Standing.on(docket, "").client
    if not pc.any(pc.equal(attempts["restriction"], "postgrey")).as_py():
        parts = [_of(attempts, docket, standing == way, zone) for way in (1, -1)]
        said += _of_greylisting(parts[0], parts[1])
    return tuple(said)


def _of_policies(frame: pa.Table, decisions: Sequence[Decision]) -> Iterator[str]:
    for found in decisions:
        on = pc.any(pc.and_(pc.equal(frame["restriction"], found.name), pc.not_equal(frame["action"], "accept")))
        if on.as_py() or not found.stopped | found.hurt | found.open:
            continue
        yield (
            f"{POLICIES[found.name]}: it would have turned away {len(found.stopped):,} unwanted clients, "
            f"{len(found.hurt):,} of {found.before.wanted:,} wanted ones and {len(found.open):,} undecided. "
            f"{_WORDS[found.verdict]}."
        )


def _of(attempts: pa.Table, docket: Docket, chosen: Flags, zone: tzinfo) -> Forecast:
    addresses = [docket.addresses[number] for number in chosen.nonzero()[0].tolist()]
    return forecast(attempts.filter(pc.is_in(attempts["client_address"], pa.array(addresses, pa.string()))), zone=zone)


def _of_greylisting(wanted: Forecast, unwanted: Forecast) -> Iterator[str]:
    """Two numbers, and between them what nobody can know."""
    if not wanted.asked.deliveries or not unwanted.asked.deliveries:
        return
    wait = dict(wanted.delays.quantiles)
    half = f" (half of them by {wait[50] / 60:,.0f} minutes or less)" if wait else ""
    yield (
        f"Greylisting (tip 5) is not on. Of {wanted.asked.deliveries:,} deliveries by wanted clients postgrey would "
        f"let {wanted.passes.deliveries:,} in at once, delay {wanted.delayed.deliveries:,}{half} and lose at least "
        f"{wanted.lost.deliveries:,}; of {wanted.unknowable.deliveries:,} nobody can know, for nothing ever made "
        f"these clients retry. Of {unwanted.asked.deliveries:,} by unwanted clients it would keep out at least "
        f"{unwanted.lost.deliveries:,} and at most {unwanted.lost.deliveries + unwanted.unknowable.deliveries:,}. "
        "It delays whom it does not know: do it where that is bearable, after the changes above."
    )


def cheaper(docket: Docket, asked: Asked, number: int, config: Postconf | None) -> str:
    """What postscreen would do of it before an smtpd is needed; '' where little, or where it runs already.

    Its greet test needs clients that talk before their turn, its list test a list; whom it turns away costs no smtpd
    process and no question of the restriction (postscreen(8)).
    """
    if config is not None and state(config, "postscreen_greet_action").word == "enforced":
        return ""
    if asked.restriction.name == "reject_rbl_client":
        return (
            "postscreen asks the same list before an smtpd is needed: postscreen_dnsbl_sites = "
            f"{asked.argument}, postscreen_dnsbl_action = enforce."
        )
    turned, _ = docket.answers(number)
    unwanted = turned & (Standing.on(docket, asked.restriction.name).row == -1)
    stopped = docket.clients(unwanted)
    early = docket.clients(unwanted & (docket.with_reason("early_talker")))
    listed = docket.clients(unwanted & (docket.with_reason("blocklisted")))
    if not stopped.any() or (early | listed).sum() < HALF * stopped.sum():
        return ""
    greet, list_ = int((early & stopped).sum()), int((listed & stopped).sum())
    return (
        f"Of the {stopped.sum():,} unwanted clients that it stops, postscreen would turn away {greet:,} for talking "
        f"before their turn (postscreen_greet_action) and {list_:,} for a blocklist "
        "(postscreen_dnsbl_action), before an smtpd is needed."
    )
