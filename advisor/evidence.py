"""Evidence: a reason to call an attempt wanted or unwanted, independent of the restriction under test."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from advisor.hostname import sender_domain

Row = dict[str, Any]

_HELO = frozenset(
    {
        "smtpd_helo_required",
        "reject_invalid_helo_hostname",
        "reject_non_fqdn_helo_hostname",
        "reject_unknown_helo_hostname",
    }
)
_CLIENT = frozenset({"reject_unknown_reverse_client_hostname", "reject_unknown_client_hostname"})
_SENDER = frozenset({"reject_unknown_sender_domain"})
_CLIENT_LISTS = frozenset(
    {"reject_rbl_client", "reject_rhsbl_client", "reject_rhsbl_reverse_client", "postscreen_dnsbl_action"}
)
_LISTS = _CLIENT_LISTS | {"reject_rhsbl_helo", "reject_rhsbl_sender", "reject_rhsbl_recipient"}

# Allowlists are asked in the same way: postscreen_dnsbl_sites = zen.spamhaus.org*3 list.dnswl.org*-2
_ALLOWLIST = r"(?i)dnswl|whitelist|allowlist|\bwl\.|\bswl\."
# What lists say to resolvers that they do not serve, instead of an answer
_ERROR = r"(?i)error: (?:open resolver|excessive)|/returnc/|query refused|refused\.shtml"


@dataclass(frozen=True)
class Reason:
    """One reason: what it says, which way it points, and for which restrictions it may not testify.

    A content filter scores reverse names, HELO names, blocklists and sender domains itself, so its verdict is no
    independent witness for any of those. A virus is one.
    """

    name: str
    wanted: bool
    says: str
    silent_on: frozenset[str] = frozenset()


REASONS = (
    Reason("correspondent", wanted=True, says="our users write to this sender"),
    Reason(
        "filter_clean", wanted=True, says="the content filter passed it", silent_on=_HELO | _CLIENT | _SENDER | _LISTS
    ),
    Reason("virus", wanted=False, says="the content filter found a virus"),
    Reason(
        "filter_spam",
        wanted=False,
        says="the content filter called it spam",
        silent_on=_HELO | _CLIENT | _SENDER | _LISTS,
    ),
    Reason("unknown_recipients", wanted=False, says="the client tried recipients that do not exist"),
    Reason("early_talker", wanted=False, says="the client spoke before its turn"),
    Reason("blocklisted", wanted=False, says="a blocklist named the client within this log", silent_on=_LISTS),
    Reason("our_name", wanted=False, says="the client claimed to be us in its HELO", silent_on=_HELO),
)
"""Every reason. DKIM, SPF or DMARC passing and having retried are none by themselves: spammers sign and bots retry."""

_BY_NAME = {reason.name: reason for reason in REASONS}
UNKNOWN_RECIPIENTS = 2
"""So many different addresses that do not exist make a client a guesser; one may be a typing error."""


def verdict(reasons: str, restriction: str = "") -> bool | None:
    """Whether these reasons (`;NAME;NAME;`), as far as they may testify on a restriction, mean wanted; None: undecided.

    Reasons that contradict each other leave it undecided: a correspondent's machine may send spam.
    """
    ways = {
        _BY_NAME[name].wanted for name in reasons.split(";") if name and restriction not in _BY_NAME[name].silent_on
    }
    return ways.pop() if len(ways) == 1 else None


def sentence(reasons: str) -> str:
    """The reasons in words."""
    said = [_BY_NAME[name].says for name in reasons.split(";") if name]
    return "; ".join(said) if said else "nothing is known of it"


def weigh(attempts: pa.Table, events: pa.Table, domains: Iterable[str] = ()) -> pa.Table:
    """Add the column `reasons` to attempts: `;NAME;NAME;`, empty where there is none."""
    names = [
        "origin",
        "sender",
        "recipient",
        "client_address",
        "client_network",
        "status",
        "action",
        "restriction",
        "helo_name",
        "helo_basis",
        "pipelined",
        "filter_result",
        "spf",
        "dmarc",
        "time",
    ]
    rows: list[Row] = attempts.select(names).to_pylist()
    witness = _Witness(rows, events, frozenset(domain.lower() for domain in domains))
    found = [witness.reasons(row) if row["origin"] == "outside" else "" for row in rows]
    return attempts.append_column("reasons", pa.array(found, pa.string()))


class _Witness:
    """What the whole log tells of each client and each sender."""

    def __init__(self, rows: Sequence[Row], events: pa.Table, domains: frozenset[str]) -> None:
        # Everybody may be called localhost; only a name of ours is a claim to be us.
        self._domains = frozenset(name for name in domains if "." in name and not name.startswith("localhost"))
        # Relay control lets the world write to our domains only, so those are known without the configuration, too.
        self._local = set(self._domains)
        self._written_to: set[str] = set()
        self._days: dict[tuple[str, str], set[Any]] = defaultdict(set)
        self._early: set[str] = set()
        self._listed = _listed(events)
        missing: dict[str, set[str]] = defaultdict(set)
        for row in rows:
            address = row["client_address"]
            if row["origin"] != "outside":
                # The null sender is a bounce or an automatic answer: nobody wrote that.
                if row["status"] == "sent" and row["recipient"] and row["sender"]:
                    self._written_to.add(row["recipient"].lower())
                continue
            if row["action"] == "accept" and row["recipient"]:
                self._local.add(sender_domain(row["recipient"]))
            if row["sender"] and row["time"] is not None and address is not None:
                self._days[row["client_network"], row["sender"].lower()].add(row["time"].date())
            if row["restriction"] == "reject_unlisted_recipient" and row["recipient"]:
                missing[address].add(row["recipient"].lower())
            if row["pipelined"]:
                self._early.add(address)
        self._early |= _clients(events, "pregreet")
        self._guessers = {address for address, tried in missing.items() if len(tried) >= UNKNOWN_RECIPIENTS}

    def reasons(self, row: Row) -> str:
        """The reasons for one attempt from outside."""
        address = row["client_address"]
        result = row["filter_result"] or ""
        found = {
            "correspondent": self._corresponds(row),
            "filter_clean": result.endswith(" CLEAN"),
            "virus": result.endswith(" INFECTED"),
            "filter_spam": " SPAM" in result,
            "unknown_recipients": address in self._guessers,
            "early_talker": address in self._early,
            "blocklisted": address in self._listed,
            # What was inferred is no evidence: it was said in another visit.
            "our_name": row["helo_basis"] != "inferred"
            and (row["helo_name"] or "").lower().rstrip(".") in self._domains,
        }
        names = [name for name, holds in found.items() if holds]
        return f";{';'.join(names)};" if names else ""

    def _corresponds(self, row: Row) -> bool:
        """Whether our users write to this sender, and the client is bound to it.

        A sender address is quickly forged: SPF or DMARC must bind the client to it, or, where SPF says nothing, the
        same network must have sent under this address on two days at least.
        """
        sender = (row["sender"] or "").lower()
        if not sender or sender not in self._written_to or sender_domain(sender) in self._local:
            return False
        if row["spf"] == "pass" or row["dmarc"] == "pass":
            return True
        if row["spf"] in ("fail", "softfail") or row["dmarc"] == "fail":
            return False
        return row["client_address"] is not None and len(self._days[row["client_network"], sender]) > 1


def _listed(events: pa.Table) -> set[str]:
    """Clients that a DNS list named: by a refusal, or in dnsblog's answers; errors and allowlists do not count.

    A list on a sender or a HELO names no client. Nor does one that postscreen gives so little weight that the client
    passed.
    """
    refused = events.filter(pc.field("restriction").isin([*_CLIENT_LISTS]))
    refused = refused.filter(~pc.match_substring_regex(pc.field("text"), _ERROR))
    answered = events.filter(pc.field("kind") == "listed")
    # RFC 5782: a listing is an address in 127.0.0.0/8, but for 127.0.0.1; 127.255.255.* are Spamhaus' errors.
    error = pc.match_substring_regex(pc.field("result"), r"^(?:127\.255\.255\.\d+|127\.0\.0\.1)$")
    named = pc.starts_with(pc.field("result"), "127.") & ~error
    answered = answered.filter(named & ~pc.match_substring_regex(pc.field("list"), _ALLOWLIST))
    passed = _clients(events, "screen_pass") - _clients(events, "screen_rank")
    return {address for address in refused["client_address"].to_pylist() if address} | (
        {address for address in answered["client_address"].to_pylist() if address} - passed
    )


def _clients(events: pa.Table, kind: str) -> set[str]:
    """The clients of which there is an event of this kind."""
    found = events.filter(pc.field("kind") == kind)["client_address"].to_pylist()
    return {address for address in found if address}
