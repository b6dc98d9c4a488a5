"""The harm a restriction would have done, and its use: its answers to accepted mail, set against the evidence."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from advisor.evidence import sentence, verdict
from advisor.recommendation import Host, Tally
from advisor.restriction import Asked
from advisor.standing import Docket, Flags, Standing

HOSTS = 12
"""Hosts named in a recommendation, beside all whose mail is wanted; how many more there are is said beside them."""

_COLUMNS = [
    "message",
    "client_address",
    "client_name",
    "reverse_client_name",
    "helo_name",
    "sender",
    "recipient",
    "time",
    "reasons",
]


@dataclass(frozen=True)
class Harm:
    """What a restriction would have done to accepted attempts from outside, and what it did to the refused ones.

    `stopped`, `hurt` and `undecided` are those it turns away, by what is known of their clients (advisor.standing);
    `no_evidence` those it cannot judge. `wanted_judged` and `unwanted_judged` are those it could judge. `refused` is
    what it refused in this log.
    """

    asked: Asked
    accepted: Tally
    wanted: Tally
    unwanted: Tally
    undecided_all: Tally
    wanted_judged: Tally
    unwanted_judged: Tally
    stopped: Tally
    hurt: Tally
    undecided: Tally
    no_evidence: Tally
    refused: Tally
    warned: int
    basis: dict[str, int]
    hosts: tuple[Host, ...] = ()
    hosts_more: int = 0
    refused_hosts: tuple[Host, ...] = ()


def measure(frame: pa.Table, asked: Asked, number: int, docket: Docket | None = None) -> Harm:
    """Count the answers of restriction `number` in a frame of advisor.simulation.answers, with `reasons`.

    `docket` is that of the frame, where it was made before.
    """
    docket = Docket(frame) if docket is None else docket
    standing = Standing.on(docket, asked.restriction.name)
    turned, judged = docket.answers(number)
    wanted, unwanted, open_ = standing.row == 1, standing.row == -1, standing.row == 0
    basis = pc.value_counts(pc.fill_null(docket.rows[f"basis_{number}"], "no evidence")).to_pylist()
    refused = _refused(frame, asked)
    hosts, away = _hosts(docket, standing, turned, asked.restriction.name)
    return Harm(
        asked=asked,
        accepted=docket.tally(turned | ~turned),
        wanted=docket.tally(wanted),
        unwanted=docket.tally(unwanted),
        undecided_all=docket.tally(open_),
        wanted_judged=docket.tally(wanted & judged),
        unwanted_judged=docket.tally(unwanted & judged),
        stopped=docket.tally(unwanted & turned),
        hurt=docket.tally(wanted & turned),
        undecided=docket.tally(open_ & turned),
        no_evidence=docket.tally(~judged),
        refused=_tally(refused),
        warned=_warned(frame, asked),
        basis=dict(sorted((each["values"], each["counts"]) for each in basis)),
        hosts=tuple(hosts),
        hosts_more=away - len(hosts),
        refused_hosts=_refused_hosts(refused, asked.restriction.name),
    )


def _tally(rows: pa.Table) -> Tally:
    distinct = (pc.count_distinct(rows[name], mode="all").as_py() for name in ("message", "client_address"))
    return Tally(rows.num_rows, *distinct)


def _warned(frame: pa.Table, asked: Asked) -> int:
    found = pc.match_substring(pc.fill_null(frame["warned"], ""), f";{asked.restriction.name} ")
    return int(pc.sum(found).as_py() or 0)


def _refused(frame: pa.Table, asked: Asked) -> pa.Table:
    """What it refused in this log (_COLUMNS); a list's own refusals are told by its name."""
    own = pc.and_(pc.not_equal(frame["action"], "accept"), pc.equal(frame["restriction"], asked.restriction.name))
    if asked.argument:
        own = pc.and_(own, pc.equal(frame["list"], asked.argument.partition("=")[0]))
    return frame.select(_COLUMNS).filter(own)


def _refused_hosts(refused: pa.Table, restriction: str) -> tuple[Host, ...]:
    """The clients refused whose mail is wanted, those with most attempts first."""
    by_client: dict[str, list[dict[str, Any]]] = {}
    ways = {reasons: verdict(reasons, restriction) for reasons in pc.unique(refused["reasons"]).to_pylist()}
    for row in refused.select(_COLUMNS).to_pylist():
        if row["client_address"] is not None:
            by_client.setdefault(row["client_address"], []).append(row)
    found = [
        _host(rows, restriction, wanted=True)
        for rows in by_client.values()
        if {ways[row["reasons"]] for row in rows} - {None} == {True}
    ]
    return tuple(sorted(found, key=lambda host: (-host.attempts, host.client_address))[:HOSTS])


def hosts_of(docket: Docket, asked: Asked, number: int) -> tuple[tuple[Host, ...], int]:
    """The hosts that restriction `number` turns away, all wanted ones and some others; and how many more there are."""
    turned, _ = docket.answers(number)
    name = asked.restriction.name
    hosts, away = _hosts(docket, Standing.on(docket, name), turned, name)
    return tuple(hosts), away - len(hosts)


def _hosts(docket: Docket, standing: Standing, turned: Flags, restriction: str) -> tuple[list[Host], int]:
    """The clients turned away, those whose mail is wanted first, then the undecided, each by attempts; and how many."""
    rows = turned & (docket.client >= 0)
    counts = np.bincount(docket.client[rows], minlength=len(docket.addresses))
    away = counts.nonzero()[0]
    order = np.where(standing.client[away] == 1, 0, np.where(standing.client[away] == 0, 1, 2))
    addresses = np.array(docket.addresses)[away] if len(away) else np.array([], dtype=str)
    named = away[np.lexsort((addresses, -counts[away], order))][: max(HOSTS, int((order == 0).sum()))].tolist()
    mail: dict[str, list[dict[str, Any]]] = {docket.addresses[client]: [] for client in named}
    for row in docket.rows.select(_COLUMNS).filter(pa.array(rows & np.isin(docket.client, named))).to_pylist():
        mail[row["client_address"]].append(row)
    ways = {1: True, 0: None, -1: False}
    found = [
        _host(mail[docket.addresses[client]], restriction, wanted=ways[int(standing.client[client])])
        for client in named
    ]
    return found, len(away)


def _host(rows: list[dict[str, Any]], restriction: str, *, wanted: bool | None) -> Host:
    times = [row["time"] for row in rows if row["time"] is not None]
    telling = next((row for row in rows if verdict(row["reasons"], restriction) is wanted), rows[-1])
    senders = list(dict.fromkeys(row["sender"] for row in rows if row["sender"]))
    return Host(
        client_address=rows[-1]["client_address"],
        client_name=rows[-1]["client_name"],
        reverse_client_name=rows[-1]["reverse_client_name"],
        helo_name=next((row["helo_name"] for row in reversed(rows) if row["helo_name"]), None),
        wanted=wanted,
        evidence=sentence(telling["reasons"], restriction),
        attempts=len(rows),
        messages=len({row["message"] for row in rows}),
        first_seen=min(times),
        last_seen=max(times),
        senders=tuple(senders[:3]),
        last=Host.newest(rows),
    )
