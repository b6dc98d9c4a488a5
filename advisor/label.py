"""A label: the user's own verdict on a client, a sender or a message, read from a file; it outranks all reasons."""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pyarrow as pa

from advisor.errors import AdvisorError
from advisor.hostname import sender_domain, valid_hostname
from advisor.network import Network

QUEUE_ID, SENDER, CLIENT, DOMAIN = "queue id", "sender", "client", "sender domain"

# 4F1D61C0   3ZqXgM5b6Vz1Ld (enable_long_queue_ids)
_QUEUE_ID = re.compile(r"[0-9A-F]{6,}|[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{11,}", re.ASCII)
# info@partner.example
_ADDRESS = re.compile(r"[^\s@<>,\"\x00-\x1f\x7f]+@[^\s@<>,\"\x00-\x1f\x7f]+")
_TODO = "write: wanted|unwanted ADDRESS, NETWORK, SENDER, @DOMAIN or QUEUE-ID, and what you like behind a #"


@dataclass(frozen=True)
class Label:
    """One line: the verdict, what kind of key it has, the key as attempts spell it, and FILE:LINE."""

    wanted: bool
    kind: str
    key: str
    where: str


class Labels:
    """The labels of a file. Of several that fit an attempt the narrowest counts.

    A queue id is narrower than a sender address, that than a client (of networks the smaller one), and a sender's
    domain is the widest. A sender is a mere claim: who labels one wanted lets its forgers in; label clients if you can.
    """

    def __init__(self, labels: Sequence[Label]) -> None:
        """Sort them by what they name; AdvisorError where two of one key contradict each other."""
        self._all = tuple(labels)
        self._by: dict[tuple[str, str], Label] = {}
        for label in labels:
            other = self._by.setdefault((label.kind, label.key), label)
            if other.wanted != label.wanted:
                raise AdvisorError(label.where, f"'{label.key}' has the other verdict in {other.where}", "keep one")
        networks = {ip_network(label.key): label for label in labels if label.kind == CLIENT}
        self._networks: list[tuple[Network, Label]] = sorted(networks.items(), key=lambda one: -one[0].prefixlen)
        self._client = lru_cache(maxsize=None)(self._client_label)

    def __len__(self) -> int:
        return len(self._all)

    def of(self, attempts: pa.Table) -> list[Label | None]:
        """The label of each attempt."""
        columns = (attempts[name].to_pylist() for name in ("queue_id", "sender", "client_address"))
        return [self._label(*values) for values in zip(*columns, strict=True)]

    def unused(self, attempts: pa.Table) -> tuple[Label, ...]:
        """The labels that fit no attempt, not even beside a narrower one."""
        keys: set[tuple[str, str]] = {(QUEUE_ID, key) for key in _distinct(attempts, "queue_id")}
        for sender in _distinct(attempts, "sender"):
            keys |= {(SENDER, sender.lower()), (DOMAIN, sender_domain(sender))}
        addresses = [ip for text in _distinct(attempts, "client_address") if (ip := _ip(text))]
        met = {label.key for net, label in self._networks if any(address in net for address in addresses)}
        keys |= {(CLIENT, key) for key in met}
        return tuple(label for label in self._all if (label.kind, label.key) not in keys)

    def _label(self, queue_id: str | None, sender: str | None, address: str | None) -> Label | None:
        found = self._by.get((QUEUE_ID, queue_id)) if queue_id else None
        if found is None and sender:
            found = self._by.get((SENDER, sender.lower()))
        if found is None and address:
            found = self._client(address)
        if found is None and sender:
            found = self._by.get((DOMAIN, sender_domain(sender)))
        return found

    def _client_label(self, address: str) -> Label | None:
        ip = _ip(address)
        return None if ip is None else next((label for net, label in self._networks if ip in net), None)


def _distinct(attempts: pa.Table, column: str) -> list[str]:
    return [value for value in attempts[column].unique().to_pylist() if value]


def _ip(text: str) -> Any:  # noqa: ANN401 - an address of either version, or None; ip_address() has no one name for it
    try:
        return ip_address(text.partition("%")[0])
    except ValueError:
        return None


def read(path: Path) -> Labels:
    """Read a file of labels; AdvisorError names the line that cannot be read."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise AdvisorError(str(path), error.strerror or str(error), "name a file that can be read") from error
    try:
        return parse(data.decode("utf-8-sig"), str(path))
    except UnicodeDecodeError as error:
        number = data[: error.start].count(b"\n") + 1
        raise AdvisorError(f"{path}:{number}", "is no UTF-8", "save the file as UTF-8") from error


def parse(text: str, file: str = "--labels") -> Labels:
    """Read `wanted|unwanted KEY  # comment` line by line, or CSV whose header has the columns verdict and key."""
    lines = [(number, raw.partition("#")[0].strip()) for number, raw in enumerate(text.split("\n"), 1)]
    lines = [(number, line) for number, line in lines if line]
    if lines and "," in lines[0][1]:
        return Labels(list(_table(lines, file)))
    return Labels([_line(line.split(), f"{file}:{number}") for number, line in lines])


def _table(lines: Sequence[tuple[int, str]], file: str) -> Iterator[Label]:
    header = [name.lower() for name in _fields(lines[0][1], f"{file}:{lines[0][0]}")]
    if not {"verdict", "key"} <= set(header):
        raise AdvisorError(f"{file}:{lines[0][0]}", "the header has no verdict and key", _TODO)
    for number, line in lines[1:]:
        fields = dict(zip(header, _fields(line, f"{file}:{number}"), strict=False))
        yield _line([fields.get("verdict", ""), fields.get("key", "")], f"{file}:{number}")


def _fields(line: str, where: str) -> list[str]:
    try:
        return [field.strip() for field in next(csv.reader([line]))]
    except csv.Error as error:
        raise AdvisorError(where, f"is no CSV: {error}", _TODO) from error


def _line(words: Sequence[str], where: str) -> Label:
    if len(words) != 2 or words[0].lower() not in ("wanted", "unwanted"):
        raise AdvisorError(where, f"'{' '.join(words)}' is no label", _TODO)
    kind, key = _key(words[1], where)
    return Label(words[0].lower() == "wanted", kind, key, where)


def _key(text: str, where: str) -> tuple[str, str]:
    """What a key names, and how attempts spell that."""
    if text.startswith("@") and valid_hostname(text[1:].removesuffix(".")):
        return DOMAIN, text[1:].lower().removesuffix(".")
    if _ADDRESS.fullmatch(text):
        return SENDER, text.lower()
    try:
        return CLIENT, str(ip_network(text.strip("[]")))
    except ValueError as error:
        if "host bits" in str(error):
            todo = (
                f"write {ip_network(text.strip('[]'), strict=False)} for the network, or the address without its length"
            )
            raise AdvisorError(where, f"'{text}' is an address and a length", todo) from error
    if _QUEUE_ID.fullmatch(text):
        return QUEUE_ID, text
    raise AdvisorError(where, f"'{text}' is no client, sender, @domain or queue id", _TODO)
