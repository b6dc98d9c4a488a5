"""Tip 6: SPF, as policyd-spf judges it."""

from datetime import datetime

import narwhals as nw

from advisor.response import Responses
from advisor.restriction import Told, restriction, unlogged
from advisor.spf_check import Memory, local_part_counts
from advisor.spf_policy import judge, read_settings
from advisor.substitute import ANYONE, CLIENT, HELO, SENDER, Substitute


def tell(conf: str, dns: Responses, day: datetime | None, *values: str | bool | None) -> Told | None:
    """What policyd-spf answers; `conf` are other settings: `{ HELO_reject = False; TempError_Defer = True }`."""
    client, helo_sent, helo, sender, basis, kind, logged = values
    # A sender that cleanup has rewritten is not the one that policyd-spf was asked about.
    if not isinstance(client, str) or not isinstance(sender, str) or (basis == "derived" and kind in _OURS):
        return None
    if not conf and (logged == "fail" or (logged is not None and not sender)):
        # A failure of the HELO or of the sender is refused; the null sender has the HELO only.
        word, reply = ("reject", "550 5.7.23") if logged == "fail" else ("dunno", "")
        return Told(word, reply, basis="derived")
    known = "" if helo_sent is False else helo if isinstance(helo, str) else None
    if not conf and logged is not None:
        # The sender did not fail when it came, whatever is said of it now; a HELO's failure may be hidden behind that.
        known, sender = (sender.partition("@")[2] or "unknown") if known == "" else known, ""
    settings = read_settings(conf.strip("{} ").replace(";", "\n"))
    if ("spf", day) not in dns.derived:
        dns.derived["spf", day] = Memory(lambda name, kind: dns.find(name, kind, day))
    found = judge(client, known, sender, dns.derived["spf", day], settings)
    if found.word is None:
        return None
    return Told(found.word, found.reply, "looked_up" if found.asked_at else "derived", found.asked_at)


_OURS = ("own", "rewritten")


def instead(conf: str, dns: Responses) -> dict[str, Substitute | None]:
    """Without any record SPF says the same of all addresses and names, but for loopback and what is no name at all.

    With records it goes by the domain of a sender; by what stands before it only where a record asks for that.
    """
    if not conf and not dns.asked("TXT"):
        return {"client_address": CLIENT, "helo_name": HELO, "sender": SENDER}
    return {} if local_part_counts(dns) else {"sender": ANYONE}


@restriction(
    named="policyd-spf",
    parameter="smtpd_recipient_restrictions",
    needs=(),
    reply="550 5.7.23",
    says="Message rejected due to: SPF",
    since="2.1",
    of=("client_address", "helo_sent", "helo_name", "sender", "sender_basis", "sender_kind", "spf"),
    tell=tell,
    instead=instead,
    tells=("defer_if_permit",),
)
def policyd_spf() -> nw.Expr:
    """Refuse clients that may not send in the name of their HELO or of the sender, by SPF (policyd-spf).

    What it catches
        Senders that are made up, whose domain says who may send for it; hosts that greet with our own name.
    Who it hurts
        Forwarders that keep the sender, and domains that forgot one of their own hosts. 550: it bounces at once.
    What the log shows
        policyd-spf's result, once it runs. Else `advisor lookup` records what it would ask.
    Gentler
        HELO_reject = False and Mail_From_reject = False (not TestOnly = 0, which logs no failure at all).
    """
    return unlogged()
