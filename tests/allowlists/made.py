"""Histories made by hand: frames as advisor.clearance reads them, without a log."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from advisor.allowlists import MAPS
from advisor.exemption import Exemption
from advisor.footprint import Footprints, footprints

PTR = "reject_unknown_reverse_client_hostname"
FCRDNS = "reject_unknown_client_hostname"
FQDN = "reject_non_fqdn_helo_hostname"
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
# Reasons that are silent on no restriction.
WANTED, UNWANTED, UNDECIDED = ";correspondent_network;", ";virus;", ""


def attempt(address: str | None = "192.0.2.77", **more: Any) -> dict[str, Any]:
    """An attempt from outside that was accepted, is wanted, and would be turned away."""
    found = {
        "origin": "outside",
        "action": "accept",
        "message": "m",
        "time": NOON,
        "client_address": address,
        "client_network": (address or "").rpartition(":" if ":" in (address or "") else ".")[0],
        "client_name": "unknown",
        "helo_name": "mail.partner.example",
        "helo_basis": "logged",
        "helo_sent": True,
        "sender": "billing@partner.example",
        "sender_kind": "domain",
        "recipient": "bob@ourdom.test",
        "recipient_ours": True,
        "reasons": WANTED,
        "answer_0": "reject",
    }
    return found | more


def frame(*rows: dict[str, Any]) -> pa.Table:
    """The attempts as a table, each a second after the one before."""
    kinds = {name: pa.string() for name in rows[0]} | {"time": pa.timestamp("us", "UTC")}
    kinds |= {"helo_sent": pa.bool_(), "recipient_ours": pa.bool_()}
    timed = [row | {"time": NOON + timedelta(seconds=place)} for place, row in enumerate(rows)]
    return pa.Table.from_pylist(timed, schema=pa.schema(kinds.items()))


def history(*rows: dict[str, Any], asked: str = FQDN) -> Footprints:
    """The footprints of attempts, one restriction asked."""
    return footprints(frame(*rows), [asked])


def entries(kind: str, *rows: dict[str, Any], asked: str = FQDN) -> list[Exemption]:
    """What a map gets for attempts."""
    return MAPS[kind].keys(history(*rows, asked=asked))


def keys(kind: str, *rows: dict[str, Any], asked: str = FQDN) -> list[str]:
    """The keys that a map gets for attempts."""
    return [entry.key for entry in entries(kind, *rows, asked=asked)]


def pool(count: int, network: str = "192.0.2", **more: Any) -> list[dict[str, Any]]:
    """Attempts of several clients with names below one domain; the first address is 8."""
    return [
        attempt(f"{network}.{8 + number}", **({"client_name": f"out{number}.pool.partner.example"} | more))
        for number in range(count)
    ]
