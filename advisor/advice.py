"""Advice: simulation, configuration and evidence made into recommendations, at most three changes at a time."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from advisor import change, switch
from advisor.board import Board, Knob
from advisor.effect import state as state_of
from advisor.entry import LISTS
from advisor.event import UNRECOGNISED, Coverage
from advisor.finding import cannot_show, findings
from advisor.harm import Gain, Harm, measure
from advisor.interval import exact_binomial
from advisor.mapfile import MapFile
from advisor.poll import poll
from advisor.postconf import Postconf
from advisor.recommendation import ENFORCE, LEAVE, RELAX, WARN, Advice, Host, Recommendation
from advisor.response import Responses
from advisor.restriction import Asked, ask
from advisor.restrictions import CATALOGUE, TIPS
from advisor.sequel import sentences, sequels
from advisor.shape import shapes
from advisor.simulation import answers
from advisor.traffic import traffic

CHANGES = 3
"""Changes at a time (as Postfix's own main.cf asks); the others wait until these have shown what they do."""
DAYS = 7
"""Days of log below which nothing is enforced: a week has a Monday and a Sunday."""
JUDGED = 300
"""Wanted attempts that a restriction must have judged before it is enforced; none hurt of 300 still allows 1 %."""
COVERED = 0.9
"""The share of wanted attempts that it must have judged."""
MAX_HARM = 0.05
"""The share of wanted attempts it may turn away and still be enforced, those hosts allowed first; above, it is left."""

CLAIMS = {
    "reject_unknown_reverse_client_hostname": "refuse clients without a reverse name",
    "smtpd_helo_required": "refuse clients that send no HELO",
    "reject_invalid_helo_hostname": "refuse HELO names that are no names",
    "reject_non_fqdn_helo_hostname": "refuse HELO names without a domain",
    "reject_unknown_helo_hostname": "refuse HELO names the DNS does not know",
    "reject_unknown_client_hostname": "refuse clients whose name does not lead back",
    "reject_unknown_sender_domain": "refuse sender domains that do not exist",
}
"""Each tip in the reader's words."""


@dataclass(frozen=True)
class Situation:
    """What is to be advised on: attempts with their `reasons`, events, the account of lines, and the configuration.

    `config` is None where it is not known; then what is on is read from the log's own refusals. `dns` is what the DNS
    said when it was asked, `files` the tables of main.cf as they lie on the disk.
    """

    attempts: pa.Table
    events: pa.Table
    coverage: Coverage
    config: Postconf | None
    zone: tzinfo
    notes: Sequence[str] = ()
    dns: Responses = field(default_factory=Responses)
    files: Mapping[str, MapFile] = field(default_factory=dict)


def advise(situation: Situation) -> Advice:
    """Recommend what to change, and say what the log does not show."""
    asked = _asked(situation.config)
    outside = situation.attempts.filter(pc.field("origin") == "outside")
    frame = _answered(outside, asked, situation.dns)
    drafts = [_draft(measure(frame, outside, one, number), situation) for number, one in enumerate(asked)]
    ranked = _ranked(drafts, frame, asked, situation.config)
    times = situation.events["time"]
    start, end = pc.min(times).as_py(), pc.max(times).as_py()
    seen = traffic(situation.attempts, situation.events, situation.zone)
    allow = [host for found in ranked if found.rank for host in found.hosts]
    return Advice(
        start=start and start.astimezone(situation.zone),
        end=end and end.astimezone(situation.zone),
        timezone=str(situation.zone),
        hosts=tuple(sorted({host for host in pc.unique(situation.events["host"]).to_pylist() if host})),
        postfix_version=_version(situation.events),
        configuration=situation.config.origin if situation.config else "not known",
        coverage=situation.coverage.as_dict(),
        traffic=seen,
        recommendations=tuple(ranked),
        allowlist=change.allowlist_lines(allow),
        findings=findings(
            situation.events, situation.config, (*situation.notes, *_asked_when(situation.dns)), situation.files
        ),
        samples=shapes(situation.events.filter(pc.field("kind") == UNRECOGNISED)["text"].to_pylist()),
        cannot_show=cannot_show(seen, situation.events),
        evidence=_evidence(outside),
        board=_board(frame, asked, ranked, situation),
        sequels=tuple(words for each in sequels(frame, asked) for words in sentences(each, situation.zone)),
    )


def _board(
    frame: pa.Table, asked: Sequence[Asked], ranked: Sequence[Recommendation], situation: Situation
) -> Board | None:
    """What any set of the restrictions would have done; the restrictions in the order in which smtpd asks them."""
    accepted = frame.filter(pc.field("action") == "accept")
    if not accepted.num_rows:
        return None
    order = sorted(range(len(asked)), key=lambda number: _asked_at(asked[number].restriction.parameter))
    columns = {f"answer_{at}": accepted[f"answer_{number}"] for at, number in enumerate(order)}
    columns |= {name: accepted[name] for name in ("time", "client_address", "client_name", "reasons")}
    by_name = {found.name: found for found in ranked}
    listed = [asked[number] for number in order]
    knobs = [_knob(by_name[one.column]) for one in listed]
    found = poll(pa.table(columns), listed, knobs, situation.zone)
    places = [(one.restriction.parameter, one.column) for one in listed]
    return replace(found, lines=switch.lines(situation.config, places))


def _knob(found: Recommendation) -> Knob:
    return Knob(found.name, found.claim, found.state, found.rank is not None or found.state == "enforced")


def _asked_at(parameter: str) -> int:
    """Where a list stands among all; smtpd_helo_required is none of them and comes first."""
    return [*LISTS].index(parameter) if parameter in LISTS else -1


def _asked_when(dns: Responses) -> tuple[str, ...]:
    """How old the answers of the DNS are that stand beside the log."""
    age = dns.age()
    if age is None:
        return ()
    return (f"The DNS answers on record are of {age.oldest:%-d %b %Y} to {age.newest:%-d %b %Y}; then may differ.",)


def _evidence(outside: pa.Table) -> dict[str, int]:
    """How many accepted attempts from outside each reason speaks of; one may have several."""
    accepted = outside.filter(pc.field("action") == "accept")["reasons"].to_pylist()
    counts = Counter(name for reasons in accepted for name in reasons.split(";") if name)
    return dict(counts.most_common())


def _asked(config: Postconf | None) -> tuple[Asked, ...]:
    """The tips, with the reply codes that the site has set."""
    codes: dict[str, str] = {}
    for name in TIPS:
        parameter = CATALOGUE[name].code_parameter
        if config is not None and parameter and config.is_set(parameter):
            codes[parameter] = config.value(parameter)
    return tuple(ask(CATALOGUE[name], codes) for name in TIPS)


def _answered(outside: pa.Table, asked: Sequence[Asked], dns: Responses) -> pa.Table:
    """The answers of all tips to the attempts from outside, computed by DuckDB."""
    import duckdb  # noqa: PLC0415 - a tenth of a second that --help need not pay

    with duckdb.connect() as engine:
        engine.register("outside", outside)
        table: pa.Table = answers(engine.table("outside"), asked, dns).to_arrow_table()
    return table


def _version(events: pa.Table) -> str | None:
    started = events.filter(pc.field("kind") == "started")["result"].to_pylist()
    return started[-1] if started else None


def _state(harm: Harm, situation: Situation) -> tuple[str, tuple[str, ...]]:
    """A word of advisor.state by the configuration, and what there is to say of it.

    Without a configuration it is what the log's own refusals show, else not seen.
    """
    if situation.config is None:
        return ("enforced" if harm.refused.attempts else "warn" if harm.warned else "not seen"), ()
    found = state_of(situation.config, harm.asked.restriction.name, files=situation.files)
    return found.word, found.says


def _draft(harm: Harm, situation: Situation) -> Recommendation:
    """A recommendation without its rank and its lines."""
    restriction = harm.asked.restriction
    state, says = _state(harm, situation)
    verdict, reasons = _decide(harm, state, _days(situation.events))
    return Recommendation(
        name=restriction.name,
        tip=restriction.tip,
        claim=CLAIMS[restriction.name],
        parameter=restriction.parameter,
        state=state,
        recommendation=verdict,
        rank=None,
        stopped=harm.stopped,
        hurt=harm.hurt,
        undecided=harm.undecided,
        no_evidence=harm.no_evidence,
        marginal=harm.stopped,
        accepted=harm.accepted,
        wanted=harm.wanted,
        unwanted=harm.unwanted,
        undecided_all=harm.undecided_all,
        refused=harm.refused,
        wanted_judged=harm.wanted_judged,
        unwanted_judged=harm.unwanted_judged,
        harm_interval=exact_binomial(harm.hurt.clients, harm.wanted_judged.clients),
        basis=harm.basis,
        hosts=harm.refused_hosts if verdict == RELAX else harm.hosts,
        hosts_more=harm.hosts_more,
        reasons=(*says, *reasons),
        not_known=_not_known(harm),
        lines_to_type=(),
        try_first=(),
        undo=(),
    )


def _days(events: pa.Table) -> float:
    times = events["time"]
    start, end = pc.min(times).as_py(), pc.max(times).as_py()
    return float((end - start).total_seconds() / 86_400) if isinstance(start, datetime) else 0.0


def _decide(harm: Harm, state: str, days: float) -> tuple[str, tuple[str, ...]]:
    """What to do, and why, each reason a sentence."""
    if state in ("enforced", "risky"):
        wanted = [host for host in harm.refused_hosts if host.wanted]
        if wanted:
            return RELAX, (f"It is on, and refuses {len(wanted)} hosts whose mail is wanted: allow them.",)
        return LEAVE, (f"It is on already, and refused {harm.refused.attempts:,} attempts in this log.",)
    if not harm.asked.restriction.says:
        return _decide_without_trial(harm, days)
    judged = harm.accepted.attempts - harm.no_evidence.attempts
    turned = harm.stopped.attempts + harm.hurt.attempts + harm.undecided.attempts
    if not harm.accepted.attempts:
        return LEAVE, ("No mail from outside was accepted in this log, so there is nothing to judge by.",)
    if not judged:
        return WARN, ("The log does not show what it looks at; warn_if_reject makes Postfix log it and stops nothing.",)
    share = harm.hurt.attempts / harm.wanted_judged.attempts if harm.wanted_judged.attempts else None
    if share is not None and (share > MAX_HARM or harm.hurt.attempts > harm.stopped.attempts):
        return LEAVE, (f"It would have refused {100 * share:.1f} % of the wanted mail that it could judge.",)
    doubts = _doubts(harm, days)
    if not doubts and not turned:
        return LEAVE, (f"It would have refused none of the {judged:,} accepted attempts that it could judge.",)
    if doubts:
        return WARN, doubts
    return ENFORCE, (f"It was judged on {days:.0f} days of log and {harm.wanted_judged.attempts:,} wanted attempts.",)


def _doubts(harm: Harm, days: float) -> tuple[str, ...]:
    """Why it should not be enforced yet."""
    doubts = []
    if days < DAYS:
        doubts.append(f"The log covers {days:.1f} days; {DAYS} are needed.")
    if harm.wanted_judged.attempts < JUDGED:
        doubts.append(f"It could judge {harm.wanted_judged.attempts:,} wanted attempts; {JUDGED} are needed.")
    elif harm.wanted_judged.attempts < COVERED * harm.wanted.attempts:
        doubts.append(f"It could judge {harm.wanted_judged.attempts:,} of {harm.wanted.attempts:,} wanted attempts.")
    if harm.undecided.clients > harm.stopped.clients:
        doubts.append(
            f"It would also refuse {harm.undecided.clients:,} clients that nothing calls wanted or unwanted, and "
            f"{harm.stopped.clients:,} that something calls unwanted."
        )
    return tuple(doubts)


def _decide_without_trial(harm: Harm, days: float) -> tuple[str, tuple[str, ...]]:
    """For a setting that warn_if_reject does not know: enforce it or leave it off."""
    judged = harm.accepted.attempts - harm.no_evidence.attempts
    if not judged:
        return LEAVE, ("The log does not show whether there was a HELO (Postfix 3.0 and later count the commands).",)
    if harm.hurt.attempts:
        return LEAVE, (
            f"It would have refused {harm.hurt.clients} clients whose mail is wanted, and has no trial form.",
        )
    if not harm.stopped.attempts + harm.undecided.attempts:
        return LEAVE, (f"It would have refused none of the {judged:,} accepted attempts that it could judge.",)
    doubts = _doubts(harm, days)
    if doubts:
        return LEAVE, (*doubts, "It has no trial form, so gather more log first.")
    return ENFORCE, (f"None of the {harm.wanted_judged.attempts:,} wanted attempts came without a HELO.",)


def _not_known(harm: Harm) -> tuple[str, ...]:
    """What the numbers leave open, and what would close it."""
    said = []
    if harm.undecided.attempts:
        said.append(
            f"{harm.undecided.attempts:,} of {harm.undecided_all.attempts:,} undecided attempts would be refused too."
        )
    if harm.no_evidence.attempts:
        said.append(f"No evidence for {harm.no_evidence.attempts:,} of {harm.accepted.attempts:,} accepted attempts.")
        said.append(change.knob(harm.asked.restriction))
    if harm.asked.restriction.name == "reject_unknown_reverse_client_hostname":
        said.append("A client whose name server failed for the moment looks the same in the log.")
    if harm.asked.restriction.reply.startswith("4"):
        said.append("It answers 450: good clients come back for days, so several attempts may be one message.")
    return tuple(said)


def _ranked(
    drafts: Sequence[Recommendation], frame: pa.Table, asked: Sequence[Asked], config: Postconf | None
) -> list[Recommendation]:
    """The changes in the order to make them, each with what it adds and its lines, then what is left as it is.

    What warns only stops nothing, so it takes nothing from those behind it.
    """
    accepted = frame.filter(pc.field("action") == "accept")
    masks = [Gain.of(accepted, one, number) for number, one in enumerate(asked)]
    changes = [number for number, draft in enumerate(drafts) if draft.recommendation in (ENFORCE, WARN, RELAX)]
    order = {RELAX: 0, ENFORCE: 1, WARN: 2}
    open_still = np.ones(accepted.num_rows, dtype=bool)
    ordered = []
    while changes:
        keys = {
            number: (order[drafts[number].recommendation], *masks[number].key(open_still), drafts[number].tip)
            for number in changes
        }
        best = min(changes, key=keys.__getitem__)
        changes.remove(best)
        adds = masks[best].tally(accepted, open_still)
        ordered.append(replace(drafts[best], marginal=adds))
        if drafts[best].recommendation == ENFORCE:
            open_still &= ~masks[best].turned
    left = [draft for draft in drafts if draft.recommendation == LEAVE]
    return [*_with_lines(ordered, config), *left]


def _with_lines(ordered: Sequence[Recommendation], config: Postconf | None) -> list[Recommendation]:
    """Give each change its rank and what to type, as it stands once those before it were made."""
    found: list[Recommendation] = []
    for rank, (draft, typed) in enumerate(zip(ordered, change.plan_of(ordered, config).steps, strict=True), 1):
        found.append(
            replace(
                draft,
                rank=rank if rank <= CHANGES else None,
                lines_to_type=typed.lines,
                try_first=typed.trial,
                undo=typed.undo,
                diff=typed.diff,
            )
        )
    return found


def hosts_to_allow(advice: Advice) -> tuple[Host, ...]:
    """The hosts that the ranked changes would turn away although their mail is wanted."""
    return tuple(change.wanted_hosts([host for found in advice.recommendations if found.rank for host in found.hosts]))
