"""An inquiry: which questions to the DNS a history raises, and which the answers to these raise in turn."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from advisor import blocklist
from advisor.hostname import sender_domain, valid_hostname
from advisor.response import FOUND, Response
from advisor.spf_policy import RECORDING, judge

Find = Callable[[str, str], Response | None]
"""The answer to a question (name, type) that is new enough; None: it has to be asked."""

PARENTS = 8
"""Labels of a domain whose parents are asked for a DMARC record, at most."""


class Query(NamedTuple):
    """A question to ask; `zone` is the list that it goes to, if any."""

    name: str
    type: str
    zone: str = ""


class Visit(NamedTuple):
    """Who came with which HELO and sender: what SPF is asked about."""

    client: str
    helo: str | None
    sender: str


@dataclass(frozen=True)
class Seen:
    """What a history shows of those who came from outside; each value once."""

    clients: tuple[str, ...] = ()
    helos: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    listable: tuple[str, ...] = ()
    visits: tuple[Visit, ...] = ()
    authors: tuple[str, ...] = ()

    @classmethod
    def of(cls, attempts: pa.Table) -> "Seen":
        """Read a table with the columns of advisor.attempt.SCHEMA.

        Our own networks and users are left out: they are nobody's business, and no restriction asks about them.
        `listable` are the names that RHSBLs are asked for, `authors` the domains in From headers, as OpenDMARC logged
        them: their policy is asked for, and nothing else.
        """
        outside = attempts.filter(pc.field("origin") == "outside")
        helos = outside.filter(pc.is_in(outside["helo_syntax"], pa.array(["fqdn", "single"])))
        from_domain = outside.filter(pc.fill_null(pc.equal(outside["sender_kind"], "domain"), fill_value=False))
        domains = sorted({sender_domain(sender) for sender in _distinct(from_domain, "sender")} - {""})
        names = {*domains}
        for column in ("helo_name", "client_name", "reverse_client_name"):
            names.update(_distinct(outside, column))
        return cls(
            tuple(
                address
                for address in _distinct(outside, "client_address")
                if blocklist.names(address) == blocklist.ADDRESSES
            ),
            tuple(sorted({name.lower() for name in _distinct(helos, "helo_name")})),
            tuple(domain for domain in domains if valid_hostname(domain)),
            tuple(sorted({found for name in names - {"unknown"} if (found := blocklist.domain(name))})),
            tuple(_visits(outside)),
            tuple(
                sorted({name for each in _distinct(outside, "dmarc_domain") if valid_hostname(name := each.lower())})
            ),
        )


def _distinct(table: pa.Table, column: str) -> list[str]:
    found: list[str] = pc.drop_null(pc.unique(table[column])).to_pylist()
    return sorted(found)


def _visits(outside: pa.Table) -> Iterator[Visit]:
    """The visits that SPF may judge differently; a sender that was rewritten tells of nobody's SPF."""
    rows = outside.group_by(["client_address", "helo_name", "helo_sent", "sender", "sender_kind"]).aggregate([])
    found = set()
    for row in rows.to_pylist():
        helo = "" if row["helo_sent"] is False else row["helo_name"]
        if row["client_address"] and row["sender"] is not None and row["sender_kind"] in ("null", "domain"):
            found.add(Visit(row["client_address"].lower(), helo and helo.lower(), row["sender"].lower()))
    return iter(sorted(found, key=lambda visit: (visit.client, visit.helo or "", visit.sender)))


class Inquiry:
    """The questions about what was seen; those that follow from answers come once these are there."""

    def __init__(self, seen: Seen, find: Find) -> None:
        """Ask about this; `find` knows the answers so far."""
        self._find = find
        self._fixed: Sequence[Query] | None = tuple(dict.fromkeys(_fixed(seen)))
        self._clients = [ip_address(client.partition("%")[0]).reverse_pointer for client in seen.clients]
        self._macros = False
        # The senders of one domain are judged alike, but where its record speaks of the sender (RFC 7208, 7.2).
        by_domain: dict[tuple[str, str | None, str], list[Visit]] = {}
        for visit in seen.visits:
            by_domain.setdefault((visit.client, visit.helo, sender_domain(visit.sender)), []).append(visit)
        self._visits = list(by_domain.values())

    def missing(self) -> list[Query]:
        """The questions to ask now; ask again once they are answered, until there are none."""
        found: dict[Query, None] = {}
        for query in self._fixed or ():
            if self._find(query.name, query.type) is None:
                found[query] = None
        self._fixed = None
        unanswered = []
        for pointer in self._clients:
            reverse = self._find(pointer, "PTR")
            if reverse is None:
                unanswered.append(pointer)
            else:
                found.update(dict.fromkeys(self._unknown(_forward(reverse))))
        self._clients = unanswered
        found.update(dict.fromkeys(self._of_spf()))
        return list(found)

    def _unknown(self, queries: Iterable[Query]) -> Iterator[Query]:
        return (query for query in queries if self._find(query.name, query.type) is None)

    def _of_spf(self) -> list[Query]:
        found: list[Query] = []
        left = []
        for visits in self._visits:
            self._macros = False
            missing = self._judged(visits[0])
            if self._macros:
                for visit in visits[1:]:
                    missing += self._judged(visit)
            if missing:
                left.append(visits)
                found += missing
        self._visits = left
        return found

    def _judged(self, visit: Visit) -> list[Query]:
        judgement = judge(visit.client, visit.helo, visit.sender, self._ask, RECORDING)
        return [Query(name, kind) for name, kind in judgement.missing]

    def _ask(self, name: str, kind: str) -> Response | None:
        response = self._find(name, kind)
        if response is not None and any("%{" in value for value in response.values):
            self._macros = True
        return response


def _fixed(seen: Seen) -> Iterator[Query]:
    """What is asked whatever the answers are."""
    for client in seen.clients:
        yield Query(ip_address(client.partition("%")[0]).reverse_pointer, "PTR")
    for helo in seen.helos:
        for kind in ("A", "AAAA", "MX"):
            yield Query(helo, kind)
    for domain in seen.domains:
        for kind in ("MX", "A", "AAAA", "TXT"):
            yield Query(domain, kind)
    for domain in (*seen.domains, *seen.authors):
        yield from (Query(f"_dmarc.{each}", "TXT") for each in _parents(domain))


def _parents(domain: str) -> Iterator[str]:
    """A domain and those above it but for the top level, of which one is the organisational domain (RFC 7489, 3.2).

    Which one depends on the list of public suffixes of whoever asks later.
    """
    labels = domain.split(".")
    yield domain
    yield from (".".join(labels[start:]) for start in range(max(1, len(labels) - PARENTS), len(labels) - 1))


def _forward(reverse: Response) -> Iterator[Query]:
    """The names of a client have to lead back to it."""
    for name in reverse.values if reverse.status == FOUND else ():
        if valid_hostname(name):
            yield Query(name.lower(), "A")
            yield Query(name.lower(), "AAAA")


def shuffled(values: Iterable[str], seed: int) -> list[str]:
    """The values in an order that is random, but the same each time, and whoever else is among them.

    So the first thousand are a random sample, and stay one when more are asked about tomorrow.
    """
    return sorted(values, key=lambda value: hashlib.blake2b(f"{seed} {value}".encode(), digest_size=8).digest())
