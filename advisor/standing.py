"""A standing: whether a client's mail is wanted, by all of its mail together, as far as that may testify.

One message may deceive: a filter misses some spam and accuses some good mail, and a blocklist names a good host now
and then. So a restriction is judged by clients, each by everything that it sent.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from advisor.attempt import client_network
from advisor.reasons import BY_NAME
from advisor.recommendation import Tally
from advisor.restriction import REFUSES

Flags = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]

DAYS = 2
"""Days on which a client must have come that is wanted by weak reasons only."""
BALANCE = 4
"""A client is wanted where at least so many of its messages are, for each that something accuses."""
STEADY = 5
"""Days on which a client passed that outweigh what is against it and not against its messages; bots last no week."""
CROWD = 5
"""Accused messages of a network from which on it speaks against its clients of whom nothing firm is known."""
WEEK = 7 * 86_400_000_000
"""In microseconds."""
WEAK = frozenset({"filter_clean", "content_clean", "regular", "correspondent_domain", "dnswl"})
"""Reasons for a client that spam has, too: a filter misses some, snowshoe is regular, a provider has many users."""
OF_CONTENT = frozenset({"filter_spam", "content_spam", "virus", "junk"})
"""Reasons against a message by what is in it: they outweigh weak reasons for its client."""


@dataclass(frozen=True)
class Bearing:
    """What the reasons of one message say, as far as they may testify on a restriction.

    `firm`: wanted, by a reason that spam has not. `passed`: nothing against it, or only what is against its client.
    `accused`: something is against it. Both are possible.
    """

    firm: bool = False
    passed: bool = False
    accused: bool = False

    @classmethod
    @lru_cache(maxsize=100_000)
    def of(cls, reasons: str, restriction: str) -> "Bearing":
        """Read `;NAME;NAME;`. A label decides."""
        named = [BY_NAME[name] for name in reasons.split(";") if name]
        if decisive := [found.wanted for found in named if found.decisive]:
            return cls(firm=decisive[0], passed=decisive[0], accused=not decisive[0])
        counted = [found for found in named if restriction not in found.silent_on]
        good = {found.name for found in counted if found.wanted}
        bad = {found.name for found in counted if not found.wanted}
        if {"junk", "filter_clean"} <= {found.name for found in named}:
            # The filter passed it, so it was not the filter's score that put it there.
            bad.add("junk")
        spam = bool(bad & OF_CONTENT)
        # Our users write there: then it may be listed, or look as it likes.
        if good - WEAK and not spam:
            return cls(firm=True, passed=True)
        return cls(passed=bool(good) and (not spam or bool(good - WEAK)), accused=bool(bad))


class Docket:
    """The accepted attempts of a frame of advisor.simulation.answers with `reasons`, numbered for counting.

    `client` is each row's client by number (-1 for none), `message` its message, `weight` 1 over the rows of that
    message, `day` the days since 1970, `age` the weeks before the last row (0 for the last seven days).
    """

    def __init__(self, frame: pa.Table) -> None:
        """Take the accepted ones."""
        self.rows = frame.filter(pc.field("action") == "accept")
        addresses = _encoded(self.rows["client_address"])
        self.client: Codes = _codes(addresses)
        self.addresses: list[str] = addresses.dictionary.to_pylist()
        networks = [client_network(address) or address for address in self.addresses]
        self._network: Codes = _codes(pc.dictionary_encode(pa.array(networks, pa.string())))
        self.message: Codes = _codes(_encoded(self.rows["message"]))
        shared = np.bincount(self.message[self.message >= 0], minlength=1)
        self.weight = np.where(self.message >= 0, 1 / np.maximum(shared[self.message], 1), 1.0)
        reasons = _encoded(self.rows["reasons"])
        self.reasons: list[str] = [text or "" for text in reasons.dictionary.to_pylist()]
        self._reason: Codes = _codes(reasons)
        times = self.rows["time"].to_numpy().astype("datetime64[us]")
        known = ~np.isnat(times)
        last = times[known].max() if known.any() else np.datetime64(0, "us")
        self.day: Codes = np.where(known, times.astype("datetime64[D]").astype(np.int64), -1)
        since = (last - np.where(known, times, last)).astype("timedelta64[us]").astype(np.int64)
        self.age: Codes = since // WEEK

    def __len__(self) -> int:
        return int(self.rows.num_rows)

    def with_reason(self, name: str) -> Flags:
        """The rows that have a reason."""
        return self._by_reasons([f";{name};" in reasons for reasons in self.reasons])

    def bearings(self, restriction: str) -> dict[str, Flags]:
        """What each row's reasons say on a restriction: flags for the fields of Bearing."""
        found = [Bearing.of(reasons, restriction) for reasons in self.reasons]
        return {name: self._by_reasons([getattr(one, name) for one in found]) for name in ("firm", "passed", "accused")}

    def _by_reasons(self, holds: Sequence[bool]) -> Flags:
        flags = np.array([*holds, False], dtype=np.bool_)
        return flags[self._reason]

    def messages(self, chosen: Flags) -> Numbers:
        """How many messages of each client are among these rows."""
        chosen = chosen & (self.client >= 0)
        counts = np.bincount(self.client[chosen], self.weight[chosen], minlength=len(self.addresses))
        # fifty times a fiftieth is more than one
        return np.round(counts.astype(np.float64), 6).astype(np.float64)

    def days(self, chosen: Flags) -> Codes:
        """On how many days each client has one of these rows."""
        chosen = chosen & (self.client >= 0)
        span = int(self.day.max(initial=0)) + 2
        pairs = np.unique(self.client[chosen] * span + self.day[chosen] + 1)
        return np.bincount(pairs // span, minlength=len(self.addresses))

    def crowd(self, counts: Numbers) -> Numbers:
        """For each client the sum over its network (/24, /64)."""
        if not len(counts):
            return counts
        return np.bincount(self._network, counts).astype(np.float64)[self._network]

    def clients(self, chosen: Flags) -> Flags:
        """The clients that have one of these rows."""
        found = np.zeros(len(self.addresses), dtype=np.bool_)
        found[self.client[chosen & (self.client >= 0)]] = True
        return found

    def tally(self, chosen: Flags) -> Tally:
        """These rows, counted three ways."""
        messages, clients = self.message[chosen], self.client[chosen]
        return Tally(int(chosen.sum()), len(np.unique(messages)), len(np.unique(clients)))

    def answers(self, number: int) -> tuple[Flags, Flags]:
        """The rows that restriction `number` turns away, and those that it could judge.

        What the same client showed another time may accuse; it is not enough to call a restriction harmless.
        """
        answer, basis = self.rows[f"answer_{number}"], self.rows[f"basis_{number}"]
        turned = _flags(pc.is_in(answer, pa.array(sorted(REFUSES))))
        inferred = _flags(pc.equal(basis, "inferred"))
        return turned, turned | (_flags(pc.is_valid(answer)) & ~inferred)


@dataclass(frozen=True)
class Standing:
    """What the evidence says, as far as it may testify on one restriction.

    `client` is for each client 1 (wanted), -1 (unwanted) or 0 (undecided), `row` the same for each attempt: that of its
    client, but for a message that is spam by itself; it is unwanted whoever sent it.
    """

    client: Codes
    row: Codes

    @classmethod
    def on(cls, docket: Docket, restriction: str) -> "Standing":
        """The standing of all clients by all of their accepted mail."""
        bearings = docket.bearings(restriction)
        client = weigh(docket, bearings)
        spam = bearings["accused"] & ~bearings["passed"] & ~bearings["firm"]
        of_client = np.where(docket.client >= 0, client[docket.client], 0) if len(client) else np.zeros(len(docket))
        row = np.where(spam, -1, np.where(of_client != 0, of_client, bearings["firm"]))
        return cls(client, row.astype(np.int64))

    @classmethod
    def by(cls, docket: Docket, restriction: str, rows: Flags) -> Codes:
        """The standing of all clients by some of their mail: what was known at a time."""
        return weigh(docket, {name: flags & rows for name, flags in docket.bearings(restriction).items()})


def weigh(docket: Docket, bearings: Mapping[str, Flags]) -> Codes:
    """Weigh each client's messages: 1 wanted, -1 unwanted, 0 undecided.

    Wanted is who has something firm for it, or passed on DAYS days, and BALANCE messages for each that is accused; who
    passed on STEADY days is so whatever is against the client, if its messages are not spam.
    Unwanted is who has nothing firm for it, and as many accused as passed; where it passed on DAYS days, as many that
    did not pass. So is, without anything firm, whoever sends from a network most of whose mail is accused (CROWD
    messages at least): snowshoe. All between is undecided.
    """
    firm, passed, accused = bearings["firm"], bearings["passed"], bearings["accused"]
    clean = docket.messages(passed & ~accused)
    both, spam = docket.messages(passed & accused), docket.messages(accused & ~passed)
    sure, days = docket.clients(firm), docket.days(passed)
    often = days >= DAYS
    wanted = (clean > 0) & (sure | often) & (clean >= BALANCE * (both + spam))
    wanted |= (days >= STEADY) & (clean + both >= BALANCE * spam)
    caught = np.where(often, (spam > 0) & (spam >= clean + both), (both + spam > 0) & (both + spam >= clean))
    crowd_spam, crowd_passed = docket.crowd(spam), docket.crowd(clean + both)
    crowd = (crowd_spam >= CROWD) & (crowd_spam >= crowd_passed) & (clean + both + spam > 0)
    unwanted = ~sure & (caught | crowd)
    return np.where(unwanted, -1, np.where(wanted, 1, 0)).astype(np.int64)


def _encoded(column: pa.ChunkedArray) -> Any:  # noqa: ANN401 - pyarrow-stubs know no DictionaryArray of a chunk
    return pc.dictionary_encode(column.combine_chunks())


def _codes(encoded: Any) -> Codes:  # noqa: ANN401 - as above
    found: Codes = pc.fill_null(encoded.indices.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)
    return found


def _flags(found: Any) -> Flags:  # noqa: ANN401 - an array of pyarrow, chunked or not
    flags: Flags = pc.fill_null(found, fill_value=False).to_numpy().astype(np.bool_)
    return flags


def bits(flags: Iterable[Flags]) -> int:
    """Flags, one array after the other, as one number with a bit for each."""
    packed = np.packbits(np.concatenate([*flags, np.zeros(0, dtype=np.bool_)]))
    return int.from_bytes(packed.tobytes(), "big")
