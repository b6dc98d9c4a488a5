"""The report for a graph: the text format of Prometheus, for the textfile collector of its node exporter.

Gauges all: each run tells of its own period anew, whose bounds stand beside them. Source: Prometheus' "Exposition
formats", version 0.0.4.
"""

from collections.abc import Iterable, Iterator, Mapping

from advisor.recommendation import Advice, Recommendation
from advisor.reports import Letter
from advisor.reports.visible import clean
from advisor.reports.wording import covered

PREFIX = "maillog_advisor"
_EFFECTS = ("stopped", "hurt", "undecided", "no_evidence", "refused")
_ESCAPED = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})

Sample = tuple[Mapping[str, str], float]
"""A value and what it is of: labels by name."""


def render(advice: Advice, how: Letter) -> str:
    """The numbers of the advice, each with its help; `how.now` is when they were made."""
    shown = clean(advice)
    return "".join(
        f"# HELP {PREFIX}_{name} {words}\n# TYPE {PREFIX}_{name} gauge\n"
        + "".join(f"{PREFIX}_{name}{_labels(labels)} {value:.15g}\n" for labels, value in samples)
        for name, words, samples in _families(shown, how)
    )


def _families(advice: Advice, how: Letter) -> Iterator[tuple[str, str, Iterable[Sample]]]:
    flow, covers = advice.traffic, covered(advice)
    moments = {"start": advice.start, "end": advice.end, "made": how.now}
    times = [({"moment": name}, moment.timestamp()) for name, moment in moments.items() if moment]
    yield "period_seconds", "Seconds since 1970: the first and the last line told of, and when that was.", times
    lines = [({"account": name}, covers[name]) for name in ("events", "ignored", "unrecognised")]
    yield "lines", "Lines of log, by what became of them.", lines
    outside = {"accept": flow.accepted, "reject": flow.rejected, "defer": flow.deferred}
    yield "attempts", "Attempts from outside, by what Postfix answered.", _by("action", outside)
    ways = {"wanted": flow.wanted, "unwanted": flow.unwanted, "undecided": flow.undecided}
    yield "accepted_attempts", "Accepted attempts from outside, by what the evidence says.", _by("evidence", ways)
    yield "refused_attempts", "Refused attempts from outside, by what refused them.", _by("by", dict(flow.refused_by))
    found = advice.recommendations
    yield "restriction_attempts", "Accepted attempts, by what a restriction would do.", list(_effects(found))
    yield "restriction_advice", "1 for what is advised on a restriction, and how it stands.", list(_advised(found))
    hurt = [({"restriction": one.spelled}, one.harm_interval[1]) for one in found if one.harm_interval is not None]
    yield "restriction_harm_limit", "Share of wanted clients that a restriction hurts, at most.", hurt
    words = "Share of wanted clients that a restriction hurts: counted, and its interval; allowing: known hosts first."
    yield "restriction_harm", words, list(_harm(found))
    terms = {"max_harm": advice.terms.max_harm, "confidence": advice.terms.confidence}
    yield "terms", "Shares that the advice was made for.", _by("term", terms)
    yield "list_attempts", "Hits of each DNS list, as logged.", list(_lists(advice))
    broken = sum(finding.severity == "fix" for finding in advice.findings)
    yield (
        "findings",
        "Things to fix, and notes.",
        _by("severity", {"fix": broken, "note": len(advice.findings) - broken}),
    )


def _by(label: str, counts: Mapping[str, float]) -> list[Sample]:
    return [({label: name}, number) for name, number in counts.items()]


def _effects(found: Iterable[Recommendation]) -> Iterator[Sample]:
    for one in found:
        for effect in _EFFECTS:
            yield {"restriction": one.spelled, "effect": effect}, getattr(one, effect).attempts


def _advised(found: Iterable[Recommendation]) -> Iterator[Sample]:
    for one in found:
        yield {"restriction": one.spelled, "state": one.state, "advice": one.recommendation}, 1


def _harm(found: Iterable[Recommendation]) -> Iterator[Sample]:
    """What was not estimated is left out: a missing sample is no 0."""
    for one in found:
        for allowing, estimate in (("no", one.before), ("yes", one.after)):
            if estimate is None or estimate.interval is None or estimate.share is None:
                continue
            low, high = estimate.interval
            bounds = {"low": low, "counted": estimate.share, "high": high, "at_most": estimate.at_most}
            for bound, share in bounds.items():
                if share is not None:
                    yield {"restriction": one.spelled, "allowing": allowing, "bound": bound}, share


def _lists(advice: Advice) -> Iterator[Sample]:
    for one in advice.traffic.lists:
        yield {"list": one.name, "kind": "refused"}, one.refused
        yield {"list": one.name, "kind": "answered"}, one.answered


def _labels(labels: Mapping[str, str]) -> str:
    """Labels in braces; a backslash, a quote and a line break have to be escaped in a value."""
    return "{" + ",".join(f'{name}="{value.translate(_ESCAPED)}"' for name, value in labels.items()) + "}"
