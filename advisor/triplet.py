"""A triplet: client network, sender and recipient, as postgrey 1.37 makes one key of them.

What depends on one value alone is computed once for each different value; who walks through time sees numbers only.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from advisor.errors import AdvisorError
from advisor.postgrey import Options, Whitelists
from advisor.whitelist import LONGEST, packed

NEEDS = ("time", "client_address", "client_name", "sender", "recipient")
"""The columns of the attempt that postgrey looks at; `host` too, where there is one: each host has a postgrey."""

UNTOLD, ASKED, CLIENT, RECIPIENT = -1, 0, 1, 2
"""What is known before the database is asked: no answer (something is not logged), nothing, whitelisted by client or by
recipient."""

Numbers = npt.NDArray[np.int64]

# 4711 in bounce-4711-list@news.example
_NUMBER = re.compile(rb"\b\d+\b")
# the tag in prvs=0123456789=user@news.example
_TAG = re.compile(rb"[0-9a-z]{10}")


def normal_sender(sender: bytes) -> bytes:
    """What postgrey takes for the same sender: without BATV's tag and the extension, numbers made one (lower case)."""
    user, at, domain = sender.partition(b"@")
    if not at:
        return sender.lower()
    if user.startswith(b"prvs="):
        # Perl's split() drops empty parts at the end.
        parts = user.rstrip(b"=").split(b"=")
        if len(parts) == 3:
            swapped = _TAG.match(parts[2]) and not _TAG.match(parts[1])
            user = parts[1] if swapped else parts[2]
    user = _NUMBER.sub(b"#", user.partition(b"+")[0])
    return (user + at + domain).lower()


def codes(table: pa.Table, name: str) -> tuple[Numbers, list[str]]:
    """A column as numbers of its different values, -1 for null, and those values."""
    column = table[name]
    # What is encoded here has one dictionary for all its chunks.
    if pa.types.is_dictionary(column.type):
        column = column.unify_dictionaries()
    else:
        column = column.cast(pa.string()).dictionary_encode()
    chunks = column.chunks
    if not chunks:
        return np.empty(0, np.int64), []
    numbers = [pc.fill_null(chunk.indices, -1).to_numpy(zero_copy_only=False) for chunk in chunks]
    return np.concatenate(numbers).astype(np.int64), chunks[0].dictionary.to_pylist()


def _numbered(values: Sequence[Any]) -> tuple[Numbers, list[Any]]:
    """A number for each value, the same for the same, and the different ones; None has -1."""
    found: dict[Any, int] = {}
    numbers = [-1 if value is None else found.setdefault(value, len(found)) for value in values]
    return np.array([*numbers, -1], np.int64), list(found)


@dataclass(frozen=True)
class Questions:
    """Attempts as the database is asked about them, an element an attempt, -1 where something is not logged.

    `time` in seconds, `key` the triplet, `client` the address, `network` what of it is in the key, `kind` UNTOLD and
    its kin; `keys` is how many triplets there are, `addresses` are the clients' by number.
    """

    time: Numbers
    key: Numbers
    client: Numbers
    network: Numbers
    kind: Numbers
    keys: int
    addresses: list[str]


def _network(address: bytes, options: Options) -> bytes | tuple[int, int]:
    """What of an address is in the key (do_client_substitutions)."""
    if options.lookup_by_host:
        return address
    length = options.ipv4cidr if len(address) == 4 else options.ipv6cidr
    return len(address), int.from_bytes(address) >> (8 * len(address) - length)


def questions(attempts: pa.Table, options: Options, whitelists: Whitelists) -> Questions:
    """Put attempts (the columns NEEDS) as questions; what is the same to postgrey gets the same number."""
    missing = [name for name in NEEDS if name not in attempts.column_names]
    if missing:
        raise AdvisorError("greylist", f"the attempts have no column {missing[0]}", "give those of advisor.attempts()")
    address, texts = codes(attempts, "client_address")
    bytes_of = [packed(text) for text in texts]
    clients, addresses = _numbered(bytes_of)
    networks, _ = _numbered([None if one is None else _network(one, options) for one in bytes_of])
    listed = np.array([one is not None and whitelists.clients.has_address(one) for one in bytes_of] + [False])[address]
    name, names = codes(attempts, "client_name")
    listed |= np.array([*(whitelists.clients.has_name(one) for one in names), False])[name]
    recipient, recipients = codes(attempts, "recipient")
    excused = np.array([*(whitelists.recipients.has(one) for one in recipients), False])[recipient]
    sender, senders = codes(attempts, "sender")
    whole = (clients[address] >= 0) & (sender >= 0) & (recipient >= 0)
    pair = _pairs(senders, recipients, sender, recipient)
    # Without a name nobody knows whether the client is whitelisted by name.
    told = whole & ((name >= 0) | listed | (not whitelists.clients.names))
    kind = np.select([~told, listed, excused], [UNTOLD, CLIENT, RECIPIENT], ASKED)
    key, keys = dense(networks[address] * (len(pair) + 1) + pair)
    key = np.where(whole, key, -1)
    shown = dict(zip(clients[:-1].tolist(), texts, strict=True))
    moment = pc.cast(attempts["time"], pa.timestamp("us", "UTC"), safe=False).cast(pa.int64()).to_numpy() // 1_000_000
    shown_clients = [shown[number] for number in range(len(addresses))]
    return Questions(moment, key, clients[address], networks[address], kind, keys, shown_clients)


def _pairs(senders: Sequence[str], recipients: Sequence[str], sender: Numbers, recipient: Numbers) -> Numbers:
    """A number for each sender and recipient (their places), the same where postgrey's key is the same.

    The key is one text, `network/sender/recipient`, so a slash in a recipient might stand in the sender as well: here
    all but the part behind the last slash belongs to the sender.
    """
    from_ = [normal_sender(one.encode()[:LONGEST]) for one in senders]
    parts = [one.encode()[:LONGEST].lower().rpartition(b"/") for one in recipients]
    slashed = np.array([*(bool(slash) for _, slash, _ in parts), False])
    moved: dict[tuple[int, int], int] = {}
    places = sender.copy()
    for row in np.flatnonzero(slashed[recipient] & (sender >= 0)).tolist():
        pair = int(sender[row]), int(recipient[row])
        if pair not in moved:
            moved[pair] = len(from_)
            from_.append(from_[pair[0]] + b"/" + parts[pair[1]][0])
        places[row] = moved[pair]
    from_numbers, _ = _numbered(from_)
    to_numbers, different = _numbered([last for _, _, last in parts])
    joined = from_numbers[places] * len(different) + to_numbers[recipient]
    # Without gaps, since with the network's they must stay below 2**63.
    return dense(joined)[0]


def dense(numbers: Numbers) -> tuple[Numbers, int]:
    """Numbers without gaps for numbers, and how many."""
    encoded = pa.array(numbers).dictionary_encode()
    return encoded.indices.to_numpy().astype(np.int64), len(encoded.dictionary)


def of_hosts(attempts: pa.Table) -> Iterator[Numbers]:
    """The places of each host's attempts; of all where there is no column `host`."""
    if "host" not in attempts.column_names:
        yield np.arange(attempts.num_rows)
        return
    numbers, hosts = codes(attempts, "host")
    for host in range(-1, len(hosts)):
        rows = np.flatnonzero(numbers == host)
        if len(rows):
            yield rows
