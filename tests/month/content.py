"""A content filter's verdict: SpamAssassin's tests as amavis logs them, of the content and of the client."""

import random
from typing import NamedTuple

from tests.month.client import Client
from tests.month.sender import Sender

SPAM = 6.2
"""From which score mail is spam: amavis' $sa_tag2_level_deflt."""
# SpamAssassin's own scores with network tests and Bayes (50_scores.cf, the last of four); the lists' names are its own
# for lists of the kind. All tests of the content are one here.
_RDNS_NONE, _SPF_FAIL, _SPF_SOFTFAIL, _DKIM_VALID = 0.793, 0.001, 0.665, -0.1
_LISTS = (
    ("zen.spamhaus.org", "RCVD_IN_XBL", 0.375),
    ("bl.spamcop.net", "RCVD_IN_BL_SPAMCOP_NET", 1.347),
    ("psbl.surriel.com", "RCVD_IN_PSBL", 2.7),
)
_DOMAIN = ("URIBL_DBL_SPAM", 2.5)


class Judged(NamedTuple):
    """Whether it is called spam, its score, and the tests as logged."""

    spam: bool
    hits: float
    tests: str


def judge(rng: random.Random, client: Client, day: int, sender: Sender, *, wanted: bool) -> Judged:
    """Score a message: its content, which deceives the filter now and then, and then its client."""
    bad = rng.random() < client.accused if wanted else rng.random() >= client.missed
    # Spam that the filter knows has 4 points and more by its content; what else speaks against it does the rest.
    content = round(max(4.0, rng.gauss(9, 2.2)) if bad else rng.uniform(-1.9, 2.5), 2)
    tests = [("BAYES_99" if content > 0 else "BAYES_00", content)]
    if not client.name:
        tests.append(("RDNS_NONE", _RDNS_NONE))
    if client.spf in ("Fail", "Softfail"):
        tests.append(("SPF_FAIL", _SPF_FAIL) if client.spf == "Fail" else ("SPF_SOFTFAIL", _SPF_SOFTFAIL))
    if client.signs:
        tests.append(("DKIM_VALID", _DKIM_VALID))
    tests += [(name, points) for zone, name, points in _LISTS if client.listed(zone, day)]
    if sender.listed:
        tests.append(_DOMAIN)
    hits = round(sum(points for _, points in tests), 3)
    return Judged(hits >= SPAM, hits, ",".join(f"{name}={points:g}" for name, points in tests))
