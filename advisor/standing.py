"""A standing: whether a client's mail is wanted, by all of its mail together, as far as that may testify.

One message may deceive: a filter misses some spam and accuses some good mail, and a blocklist names a good host now
and then. So a restriction is judged by clients, each by everything that it sent.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from advisor.evidence import verdict
from advisor.recommendation import Tally
from advisor.restriction import REFUSES

Flags = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int64]

DAYS = 2
"""Days on which a client must have come that is wanted only because a content filter passed its mail."""
BALANCE = 4
"""A client is wanted where at least so many of its messages are, for each that something accuses."""
WEEK = 7 * 86_400_000_000
"""In microseconds."""
_PASSED = ("filter_clean", "content_clean")


@lru_cache(maxsize=100_000)
def firm(reasons: str, restriction: str = "") -> bool | None:
    """The verdict of advisor.evidence without what a content filter alone passed: it misses some spam."""
    left = [name for name in reasons.split(";") if name and name not in _PASSED]
    return verdict(f";{';'.join(left)};", restriction) if left else None


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

    def by_reasons(self, ways: Sequence[bool | None]) -> Codes:
        """A verdict for each of `reasons`, given to the rows: 1 wanted, -1 unwanted, 0 undecided."""
        numbers = np.array([0 if way is None else 1 if way else -1 for way in ways] or [0], dtype=np.int64)
        return np.where(self._reason >= 0, numbers[self._reason], 0)

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
    client, but for a message that something accuses of itself; it is unwanted whoever sent it.
    """

    client: Codes
    row: Codes

    @classmethod
    def on(cls, docket: Docket, restriction: str) -> "Standing":
        """The standing of all clients by all of their accepted mail."""
        ways, firmly = _ways(docket, restriction)
        client = standing(docket, ways, firmly)
        of_client = np.where(docket.client >= 0, client[docket.client], 0) if len(client) else ways
        row = np.where(firmly == -1, -1, np.where(of_client != 0, of_client, firmly))
        return cls(client, row)

    @classmethod
    def by(cls, docket: Docket, restriction: str, rows: Flags) -> Codes:
        """The standing of all clients by some of their mail: what was known at a time."""
        ways, firmly = _ways(docket, restriction)
        return standing(docket, np.where(rows, ways, 0), np.where(rows, firmly, 0))


def _ways(docket: Docket, restriction: str) -> tuple[Codes, Codes]:
    return (
        docket.by_reasons([verdict(reasons, restriction) for reasons in docket.reasons]),
        docket.by_reasons([firm(reasons, restriction) for reasons in docket.reasons]),
    )


def standing(docket: Docket, ways: Codes, firmly: Codes) -> Codes:
    """Weigh each client's messages: 1 wanted, -1 unwanted, 0 undecided.

    Wanted is who has something firm for it, or was passed by the filter on DAYS days, and BALANCE messages for each
    that is accused. Unwanted is who has as many accused as passed, and nothing firm for it. All between is undecided.
    """
    good, accused = _messages(docket, ways == 1), _messages(docket, firmly == -1)
    sure = docket.clients(firmly == 1)
    often = _days(docket, ways == 1) >= DAYS
    wanted = (good > 0) & (sure | often) & (good >= BALANCE * accused)
    unwanted = (accused > 0) & ~sure & (accused >= good)
    return np.where(wanted, 1, np.where(unwanted, -1, 0)).astype(np.int64)


def _messages(docket: Docket, chosen: Flags) -> npt.NDArray[np.float64]:
    chosen = chosen & (docket.client >= 0)
    counts = np.bincount(docket.client[chosen], docket.weight[chosen], minlength=len(docket.addresses))
    # fifty times a fiftieth is more than one
    return np.round(counts.astype(np.float64), 6).astype(np.float64)


def _days(docket: Docket, chosen: Flags) -> Codes:
    """On how many days each client has one of these rows."""
    chosen = chosen & (docket.client >= 0)
    span = int(docket.day.max(initial=0)) + 2
    pairs = np.unique(docket.client[chosen] * span + docket.day[chosen] + 1)
    return np.bincount(pairs // span, minlength=len(docket.addresses))


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
