"""A disguise: a store written anew with pseudonyms in place of whatever tells of somebody, to be passed on.

Free text keeps those words that look like no address, name or mailbox and are no host's or login's. Answers of the DNS
on record are left out, for their questions are names.
"""

import hmac
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from advisor.errors import AdvisorError
from advisor.event import ENCODED
from advisor.lock import PATIENCE, locked
from advisor.part import Part, load
from advisor.pseudonym import Pseudonyms, codes, known, table
from advisor.store import parts
from advisor.temporary import Temporary, clear, publish

_TELLING = ("host", "client_name", "reverse_client_name", "helo_name", "sasl_username", "queue_id")
"""The columns whose words stand elsewhere, too, and look like any other there."""


@dataclass(frozen=True)
class Disguised:
    """What was written: so many events of so many parts."""

    parts: int
    events: int


def disguise(store: Path, into: Path, key: bytes) -> Disguised:
    """Write a store into another folder, with pseudonyms made with this key; the store itself stays as it is.

    What a part says of its log is replaced as well: its digests, its file name, where a journal was read to. So nothing
    can be added to the copy of the same log. AdvisorError where there is no store, or the other folder holds one.
    """
    found = parts(store)
    with locked(into, PATIENCE):
        clear(into)
        if parts(into):
            raise AdvisorError(str(into), "holds a store already", "name a folder that is not there yet")
        read = [load(store / part.name, _TELLING)[1] for part in found]
        by = Pseudonyms(key, set().union(*map(known, read)), set().union(*map(codes, read)))
        return Disguised(len(found), sum(_written(store / part.name, into, by, key) for part in found))


def _written(path: Path, into: Path, by: Pseudonyms, key: bytes) -> int:
    part, events = load(path)
    made = _of(part, by, key)
    events = table(events, by)
    at = events.schema.get_field_index("source")
    events = events.set_column(at, events.schema.field(at), pa.repeat(made.source, events.num_rows))
    with Temporary(into, made.name) as file:
        file.write([events.cast(ENCODED)])
        publish(file.close(made), made)
    return int(events.num_rows)


def _of(part: Part, by: Pseudonyms, key: bytes) -> Part:
    """What the copy says of itself: a digest could be held against lines that somebody guesses."""
    first = _digest(key, part.first_line)
    return replace(
        part,
        source=first[:16] + part.source[16:],
        first_line=first,
        log="maillog",
        sha256=_digest(key, part.sha256),
        hosts=[by.name(host) for host in part.hosts],
        previous="",
        cursor=None,
        cursor_end=None,
    )


def _digest(key: bytes, text: str) -> str:
    return hmac.digest(key, f"digest\0{text}".encode(), "sha256").hex()
