"""The report for programs: JSON whose keys are documented and whose `schema` grows when they change.

Text from the log stands here as logged, spelled out in ASCII; who prints it must make it harmless.
"""

import json
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from advisor.recommendation import Advice, Contrast, Estimate, Greylisting, Host, Recommendation
from advisor.reports import Letter
from advisor.reports.wording import covered, delays, local, programs

if TYPE_CHECKING:  # it counts with numpy, which nobody need wait for
    from advisor.overlap import Overlap

SCHEMA = 1
"""Grows when a key changes its meaning or goes; a new key leaves it as it is."""

_TALLIES = (
    "stopped", "hurt", "undecided", "no_evidence", "marginal", "accepted", "wanted", "unwanted", "undecided_all",
    "refused", "wanted_judged", "unwanted_judged",
)  # fmt: skip
_PLAIN = (
    "name", "argument", "spelled", "tip", "claim", "parameter", "state", "recommendation", "rank", "basis",
    "hosts_more", "lines_to_type", "try_first", "undo", "diff", "reasons", "not_known", "cheaper",
)  # fmt: skip
_ADVICE = ("schema", "period", "hosts", "coverage", "terms", "restrictions", "plan", "allowlist", "findings")


def render(advice: Advice, how: Letter) -> str:
    """The advice as JSON: the same text for the same advice, whenever it is asked for."""
    report = _report(advice)
    if how.only == "advice":
        report = {name: report[name] for name in _ADVICE}
    return json.dumps(report, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def _report(advice: Advice) -> dict[str, Any]:
    flow = advice.traffic
    return {
        "schema": SCHEMA,
        "period": {"start": _moment(advice.start, advice), "end": _moment(advice.end, advice)},
        "timezone": advice.timezone,
        "hosts": list(advice.hosts),
        "postfix_version": advice.postfix_version,
        "configuration": advice.configuration,
        "coverage": {**covered(advice), "ignored_by_program": programs(advice)},
        "attempts": {
            "total": flow.attempts,
            "outside": flow.outside,
            "accepted": flow.accepted,
            "rejected": flow.rejected,
            "deferred": flow.deferred,
            "authenticated": flow.authenticated,
            "own_network": flow.own_network,
            "local_messages": flow.local_messages,
            "helo_known": flow.helo_known,
        },
        "evidence": {
            "wanted": flow.wanted,
            "unwanted": flow.unwanted,
            "undecided": flow.undecided,
            "reasons": dict(advice.evidence),
        },
        "terms": asdict(advice.terms),
        "restrictions": [_restriction(one, advice) for one in advice.recommendations],
        "plan": [asdict(step) for step in advice.plan],
        "sequels": list(advice.sequels),
        "contrast": _contrast(advice.contrast, advice),
        "overlap": _overlap(advice.overlap),
        "visitors": [_visitor(asdict(found), advice) for found in advice.visitors],
        "allowlist": list(advice.allowlist),
        "findings": [asdict(finding) for finding in advice.findings],
        "greylisting": _greylisting(flow.greylisting),
        "lists": [asdict(found) for found in flow.lists],
        "spf": dict(flow.spf),
        "dmarc": dict(flow.dmarc),
        "refused_by": dict(flow.refused_by),
        "client_status": dict(flow.client_status),
        "days": [asdict(day) for day in flow.days],
        "unrecognised_samples": [
            {"shape": shape, "count": number, "example": example} for shape, number, example in advice.samples
        ],
        "cannot_show": list(advice.cannot_show),
    }


def _restriction(advised: Recommendation, advice: Advice) -> dict[str, Any]:
    return {
        **{name: getattr(advised, name) for name in _PLAIN},
        **{name: asdict(getattr(advised, name)) for name in _TALLIES},
        "harm_interval": None if advised.harm_interval is None else list(advised.harm_interval),
        "before": _estimate(advised.before),
        "after": _estimate(advised.after),
        "hosts": [_host(host, advice) for host in advised.hosts],
    }


def _estimate(found: Estimate | None) -> dict[str, Any] | None:
    """An estimate with its share; null where none was made."""
    if found is None:
        return None
    hurt, judged = found.messages
    return asdict(found) | {"share": found.share, "messages": {"hurt": hurt, "wanted": judged}}


def _contrast(found: Contrast | None, advice: Advice) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "period": {"start": _moment(found.start, advice), "end": _moment(found.end, advice)},
        "counts": [{"name": name, "now": now, "before": before} for name, now, before in found.counts],
        "news": list(found.news),
    }


def _overlap(found: "Overlap | None") -> dict[str, Any] | None:
    if found is None:
        return None
    together = [{"lists": list(lists), "clients": clients} for lists, clients in found.together]
    return asdict(found) | {"lists": [asdict(one) for one in found.lists], "together": together}


def _visitor(found: dict[str, Any], advice: Advice) -> dict[str, Any]:
    counted = {name: dict(found[name]) for name in ("evidence", "refused_by")}
    plain: dict[str, Any] = _plain(found | counted, advice)
    return plain


def _plain(value: Any, advice: Advice) -> Any:  # noqa: ANN401 - any part of an Advice
    """The same with times as text."""
    if isinstance(value, datetime):
        return _moment(value, advice)
    if isinstance(value, dict):
        return {name: _plain(item, advice) for name, item in value.items()}
    return [_plain(item, advice) for item in value] if isinstance(value, list | tuple) else value


def _host(host: Host, advice: Advice) -> dict[str, Any]:
    seen = {"first_seen": _moment(host.first_seen, advice), "last_seen": _moment(host.last_seen, advice)}
    last = [asdict(one) | {"time": _moment(one.time, advice)} for one in host.last]
    return asdict(host) | seen | {"last": last}


def _greylisting(found: Greylisting | None) -> dict[str, Any] | None:
    """Counts of postgrey; of its delays, which may be a hundred thousand, what a reader asks for."""
    if found is None:
        return None
    counts = asdict(found)
    del counts["delays"]
    return counts | {"delay_seconds": delays(found)}


def _moment(moment: datetime | None, advice: Advice) -> str | None:
    return None if moment is None else local(moment, advice).isoformat()
