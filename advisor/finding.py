"""Findings: what works wrongly now, and what this log cannot tell."""

from collections import Counter
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from advisor.deviation import deviations
from advisor.mapfile import MapFile
from advisor.overlap import ERROR_ANSWER
from advisor.postconf import Postconf
from advisor.recommendation import Finding, Traffic

_SMALL = 20


def findings(
    events: pa.Table, config: Postconf | None, notes: Sequence[str], files: Mapping[str, MapFile] | None = None
) -> tuple[Finding, ...]:
    """What is wrong now (`fix`), then what limits the answers (`note`)."""
    found = [Finding("fix", problem) for problem in (config.problems() if config is not None else ())]
    deviating = [each.finding for each in (deviations(config, files) if config is not None else ())]
    found += [each for each in deviating if each.severity == "fix"]
    found += _error_answers(events)
    found += _silent_lists(events)
    found += _resolver(events)
    found += [each for each in deviating if each.severity != "fix"]
    found += [Finding("note", note) for note in notes]
    if config is None:
        found.append(
            Finding(
                "note",
                "The configuration is not known: what is on is read from the log's own refusals, and only loopback "
                "counts as inside. Give --config DIR, a main.cf or saved `postconf -n` output.",
            )
        )
    return tuple(found)


def _error_answers(events: pa.Table) -> list[Finding]:
    """A list's error answer taken for a listing refuses everybody (Spamhaus: 127.255.255.254, a public resolver)."""
    verdicts = events.filter((pc.field("kind") == "verdict") & pc.field("list").is_valid())
    wrong = verdicts.filter(pc.match_substring_regex(verdicts["text"], ERROR_ANSWER))
    counts = Counter(wrong["list"].to_pylist())
    return [
        Finding(
            "fix",
            f"The blocklist {name} refused {count:,} attempts on an error answer: it does not serve your resolver, and "
            "whether it lists these clients is not known. Use a resolver of your own, and a filter such as "
            f"{name}=127.0.0.[2..11].",
        )
        for name, count in sorted(counts.items())
    ]


def _silent_lists(events: pa.Table) -> list[Finding]:
    errors = events.filter(pc.field("kind") == "list_error").num_rows
    if not errors:
        return []
    return [Finding("fix", f"{errors:,} DNS list look-ups failed (RBL lookup error): those lists did not answer.")]


def _resolver(events: pa.Table) -> list[Finding]:
    """Many temporary failures of forward look-ups are the mark of a bad resolver."""
    connects = events.filter((pc.field("kind") == "connect") & (pc.field("program") == "smtpd")).num_rows
    warnings = events.filter(pc.field("kind") == "hostname_warning")
    temporary = pc.sum(pc.equal(warnings["reason"], "Temporary failure in name resolution")).as_py() or 0
    found = []
    if connects >= _SMALL and temporary > connects / 10:
        found.append(
            Finding(
                "fix",
                f"{temporary:,} of {connects:,} clients' names failed for the moment (Temporary failure in name "
                "resolution): look at the resolver before any restriction that asks the DNS.",
            )
        )
    named = events.filter((pc.field("kind") == "connect") & (pc.field("client_name") != "unknown")).num_rows
    if connects >= _SMALL and not named and not warnings.num_rows:
        found.append(
            Finding(
                "note", f"All {connects:,} clients are unknown: smtpd_peername_lookup is off, or no resolver answers."
            )
        )
    return found


def cannot_show(seen: Traffic, events: pa.Table) -> tuple[str, ...]:
    """What this log cannot tell, and what would."""
    said = []
    if seen.accepted and seen.helo_known < seen.accepted:
        said.append(
            f"The HELO of {seen.accepted - seen.helo_known:,} of {seen.accepted:,} accepted attempts is not logged; "
            "smtpd_log_access_permit_actions = static:all shows it where a list ends in `permit`."
        )
    said.append("Whether sender domains and HELO names exist in the DNS, where Postfix was not asked.")
    said.append("Whether a client without a name had none, or its name server failed for the moment.")
    if not seen.lists:
        said.append("What a DNS blocklist would have said: none was asked.")
    if seen.greylisting is None:
        said.append("Which clients would come back after a 450: greylisting was not on.")
    counted = events.filter(pc.field("kind") == "disconnect")
    if counted.num_rows and counted["commands"].null_count == counted.num_rows:
        said.append("Whether clients sent a HELO: this Postfix (before 3.0) does not count commands.")
    return tuple(said)
