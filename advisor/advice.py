"""Advice: simulation, configuration and evidence made into recommendations, at most three changes at a time."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from advisor import change, switch
from advisor.aftermath import relaxed, sequels
from advisor.answer import answered
from advisor.board import Board, Knob
from advisor.candidate import candidates, claim
from advisor.decision import Decision, decide, weeks
from advisor.effect import state as state_of
from advisor.entry import LISTS
from advisor.event import UNRECOGNISED, Coverage
from advisor.finding import cannot_show, findings
from advisor.harm import Harm, hosts_of, measure
from advisor.mapfile import MapFile
from advisor.outlook import cheaper, outlooks, policies
from advisor.overlap import overlap
from advisor.poll import poll
from advisor.postconf import Postconf
from advisor.recommendation import ENFORCE, LEAVE, RELAX, WARN, Advice, Recommendation, Terms
from advisor.response import Responses
from advisor.restriction import REFUSES, Asked
from advisor.sequel import sentences
from advisor.shape import shapes
from advisor.simulation import PARAMETERS
from advisor.standing import Docket, Standing
from advisor.traffic import traffic
from advisor.visitor import counted, visitors

CHANGES = 3
"""Changes at a time (as Postfix's own main.cf asks); the others wait until these have shown what they do."""

_NEVER_WEIGHED = frozenset(
    {
        *("source", "offset", "syslog_name", "program", "pid", "session", "queue_id", "stage", "proto"),
        *("client_network", "in_mynetworks", "authenticated", "sasl_username", "filter_result"),
    }
)
"""Columns of an attempt that no weighing looks at; of a long history they are gigabytes."""


@dataclass(frozen=True)
class Situation:
    """What is to be advised on: attempts with their `reasons`, events, the account of lines, and the configuration.

    `attempts` are all up to the end of the period, `events` those of the period, which begins at `since`.
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
    terms: Terms = field(default_factory=Terms)
    since: datetime | None = None

    def period(self, table: pa.Table) -> pa.Table:
        """The rows of the period that is reported on."""
        if self.since is None:
            return table
        return table.filter(pc.field("time") >= pa.scalar(self.since, pa.timestamp("us", "UTC")))


def advise(situation: Situation) -> Advice:
    """Recommend what to change, and say what the log does not show.

    What is counted is of the period. What is decided, and whom to allow, is of all attempts: a week is too short.
    """
    learnt = situation.attempts.drop_columns([*_NEVER_WEIGHED]).filter(pc.field("origin") == "outside")
    of_policies, asked, whole = _answered(learnt, candidates(_codes(situation.config), situation.dns), situation.dns)
    views = outlooks(learnt, of_policies, situation.terms, situation.zone)
    decisions = {found.name: found for found in decide(whole, asked, situation.terms)}
    became = {
        each.name: each
        for each in sequels(whole, asked, situation.terms)
        if situation.since is None or each.since >= situation.since
    }
    frame, outside, all_mail = situation.period(whole), situation.period(learnt), Docket(whole)
    docket = all_mail if situation.since is None else Docket(frame)
    drafts = {
        one.column: replace(
            relaxed(
                _draft(_harm(frame, docket, all_mail, one, number), decisions[one.column], situation),
                became.get(one.column),
            ),
            cheaper=cheaper(docket, one, number, situation.config),
        )
        for number, one in enumerate(asked)
    }
    allow = [host for found in drafts.values() for host in found.hosts]
    held = change.held(allow, situation.config, situation.files)
    ordered, left = _ordered([drafts[name] for name in decisions], docket, asked)
    ranked = [*_with_lines(ordered, situation.config, held), *left]
    times = situation.events["time"]
    start, end = pc.min(times).as_py(), pc.max(times).as_py()
    seen = traffic(situation.period(situation.attempts), situation.events, situation.zone)
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
        allowlist=change.allowlist_lines(allow, held),
        findings=findings(
            situation.events, situation.config, (*situation.notes, *_asked_when(situation.dns), *views), situation.files
        ),
        samples=shapes(situation.events.filter(pc.field("kind") == UNRECOGNISED)["text"].to_pylist()),
        cannot_show=cannot_show(seen, situation.events),
        evidence=_evidence(outside),
        board=_board(docket, asked, ranked, situation),
        sequels=tuple(words for each in became.values() for words in sentences(each, situation.zone)),
        terms=situation.terms,
        plan=weeks([(found.spelled, found.recommendation, found.parameter != found.name) for found in ranked]),
        overlap=overlap(frame, asked, situation.events),
        visitors=visitors(outside),
    )


def _harm(frame: pa.Table, docket: Docket, all_mail: Docket, asked: Asked, number: int) -> Harm:
    """The harm in the period; the hosts are those of all attempts, since the allowlist has to hold them all."""
    found = measure(frame, asked, number, docket)
    if docket is all_mail:
        return found
    hosts, more = hosts_of(all_mail, asked, number)
    return replace(found, hosts=hosts, hosts_more=more)


def _board(
    docket: Docket, asked: Sequence[Asked], ranked: Sequence[Recommendation], situation: Situation
) -> Board | None:
    """What any set of the restrictions would have done; the restrictions in the order in which smtpd asks them."""
    accepted = docket.rows
    if not accepted.num_rows:
        return None
    order = sorted(range(len(asked)), key=lambda number: _asked_at(asked[number].restriction.parameter))
    columns = {f"answer_{at}": accepted[f"answer_{number}"] for at, number in enumerate(order)}
    columns |= {
        f"way_{at}": pa.array(Standing.on(docket, asked[number].restriction.name).row)
        for at, number in enumerate(order)
    }
    columns |= {name: accepted[name] for name in ("time", "client_address", "client_name")}
    by_name = {found.spelled: found for found in ranked}
    listed = [asked[number] for number in order]
    knobs = [_knob(by_name[one.column]) for one in listed]
    found = poll(pa.table(columns), listed, knobs, situation.zone)
    places = [(one.restriction.parameter, one.column) for one in listed]
    return replace(found, lines=switch.lines(situation.config, places))


def _knob(found: Recommendation) -> Knob:
    return Knob(found.spelled, found.claim, found.state, found.rank is not None or found.state == "enforced")


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
    accepted = outside.select(["action", "reasons"]).filter(pc.field("action") == "accept")
    counts: Counter[str] = Counter()
    for reasons, number in counted(accepted["reasons"]).items():
        counts.update(dict.fromkeys(filter(None, reasons.split(";")), number))
    return dict(counts.most_common())


def _codes(config: Postconf | None) -> dict[str, str]:
    """The reply codes that the site has set."""
    if config is None:
        return {}
    return {name: config.value(name) for name in PARAMETERS if config.is_set(name)}


def _answered(
    outside: pa.Table, asked: Sequence[Asked], dns: Responses
) -> tuple[pa.Table, tuple[Asked, ...], pa.Table]:
    """The answers of the policies, the candidates, and their answers to the attempts from outside, by DuckDB.

    A list that would have refused nobody, accepted or not, is no candidate; each tip is.
    """
    both = (*policies(), *asked)
    table = answered(outside, both, dns)
    refuses = pa.array(sorted(REFUSES))
    first = len(both) - len(asked)
    kept = [
        number
        for number, one in enumerate(both)
        if number >= first and (one.restriction.tip or pc.any(pc.is_in(table[f"answer_{number}"], refuses)).as_py())
    ]
    return _only(table, range(first), len(both)), tuple(both[number] for number in kept), _only(table, kept, len(both))


def _only(table: pa.Table, numbers: Sequence[int], of: int) -> pa.Table:
    """The answers of some restrictions, numbered anew."""
    kinds = ("answer", "basis")
    new = {f"{kind}_{old}": f"{kind}_{number}" for number, old in enumerate(numbers) for kind in kinds}
    others = {f"{kind}_{number}" for kind in kinds for number in range(of)} - new.keys()
    names = [name for name in table.column_names if name not in others]
    return table.select(names).rename_columns([new.get(name, name) for name in names])


def _version(events: pa.Table) -> str | None:
    started = events.filter(pc.field("kind") == "started")["result"].to_pylist()
    return started[-1] if started else None


def _state(harm: Harm, situation: Situation) -> tuple[str, tuple[str, ...]]:
    """A word of advisor.state by the configuration, and what there is to say of it.

    Without a configuration it is what the log's own refusals show, else not seen.
    """
    if situation.config is None:
        return ("enforced" if harm.refused.attempts else "warn" if harm.warned else "not seen"), ()
    # A list is on whatever its filter is.
    zone = harm.asked.argument.partition("=")[0]
    found = state_of(situation.config, harm.asked.restriction.name, zone, files=situation.files)
    return found.word, found.says


def _draft(harm: Harm, decision: Decision, situation: Situation) -> Recommendation:
    """A recommendation without its rank and its lines."""
    restriction = harm.asked.restriction
    state, says = _state(harm, situation)
    verdict, reasons = decision.verdict, decision.reasons
    if state in ("enforced", "risky"):
        verdict, reasons = _of_what_is_on(harm)
    return Recommendation(
        name=restriction.name,
        argument=harm.asked.argument,
        tip=restriction.tip,
        claim=claim(harm.asked),
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
        harm_interval=decision.after.interval,
        basis=harm.basis,
        hosts=harm.refused_hosts if verdict == RELAX else harm.hosts,
        hosts_more=harm.hosts_more,
        reasons=(*says, *reasons),
        not_known=_not_known(harm),
        lines_to_type=(),
        try_first=(),
        undo=(),
        before=decision.before,
        after=decision.after,
    )


def _of_what_is_on(harm: Harm) -> tuple[str, tuple[str, ...]]:
    """What to do about a change that was made, and why."""
    wanted = [host for host in harm.refused_hosts if host.wanted]
    if wanted:
        several = f"{len(wanted)} hosts whose mail is" if len(wanted) > 1 else "1 host whose mail is"
        return RELAX, (f"It is on, and refuses {several} wanted: allow them.",)
    return LEAVE, (f"It is on already, and refused {harm.refused.attempts:,} attempts in this log.",)


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


def _ordered(
    drafts: Sequence[Recommendation], docket: Docket, asked: Sequence[Asked]
) -> tuple[list[Recommendation], list[Recommendation]]:
    """The changes in the order to make them, each with what it adds, and what is left as it is.

    `drafts` come in the order of advisor.decision. What warns only stops nothing, so it takes nothing from those
    behind it.
    """
    numbers = {one.column: number for number, one in enumerate(asked)}
    order = {RELAX: 0, ENFORCE: 1, WARN: 2, LEAVE: 3}
    open_still = np.ones(len(docket), dtype=bool)
    ordered: list[Recommendation] = []
    left: list[Recommendation] = []
    for draft in sorted(drafts, key=lambda draft: order[draft.recommendation]):
        number = numbers[draft.spelled]
        turned, _ = docket.answers(number)
        unwanted = Standing.on(docket, asked[number].restriction.name).row == -1
        found = replace(draft, marginal=docket.tally(turned & unwanted & open_still))
        if draft.recommendation == ENFORCE:
            open_still &= ~turned
        (left if draft.recommendation == LEAVE else ordered).append(found)
    return ordered, left


def _with_lines(
    ordered: Sequence[Recommendation], config: Postconf | None, held: frozenset[str]
) -> list[Recommendation]:
    """Give each change its rank and what to type, as it stands once those before it were made."""
    found: list[Recommendation] = []
    steps = change.plan_of(ordered, config, held).steps
    for rank, (draft, typed) in enumerate(zip(ordered, steps, strict=True), 1):
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
