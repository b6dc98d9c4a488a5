"""A recommendation in words: the same in terminal, page and mail. Missing evidence is words too, never 0.

cells               its numbers for a table
stops, hurts, ...   its numbers in sentences
ranked, unranked    which are for now, and under which head the others stand
foreseen            how many wanted clients it would turn away, and how sure that is
names, seen, ...    the hosts it would turn away
weeks               the plan, a line a week
steps               what to run next
"""

from typing import TYPE_CHECKING

from advisor.recommendation import (
    ENFORCE,
    LEAVE,
    RELAX,
    WARN,
    Advice,
    Delivery,
    Estimate,
    Host,
    Recommendation,
    Step,
    Tally,
    Terms,
)
from advisor.reports.visible import LONGEST, cut
from advisor.reports.wording import NO_EVIDENCE, count, covered, percent, ratio, several, share, when

if TYPE_CHECKING:  # it counts with numpy, which a report in a terminal need not wait for
    from advisor.visitor import Try

COLUMNS = {
    "stops": "of the unwanted ones it could judge",
    "adds": "of these, what nothing above stops",
    "hurts": "of the wanted ones it could judge",
    "undecided": "of those that nothing calls wanted or unwanted",
    "no evidence": "of all",
}
"""The columns of a table of changes, and what each number in them is a share of."""


def legend(*names: str) -> str:
    """What the columns of a table of changes are shares of, to stand with the table."""
    words = "; ".join(f"{name}: {COLUMNS[name]}" for name in names or COLUMNS)
    return f"Attempts accepted today, wanted or unwanted by evidence that is independent of the check. {words}."


def label(advised: Recommendation) -> str:
    """ENFORCE, WARN, LEAVE or RELAX."""
    return advised.recommendation.upper()


def belongs(advised: Recommendation) -> str:
    """Where a restriction stands in main.cf and which tip it is."""
    place = f" in {advised.parameter}" if advised.parameter != advised.name else ""
    return f"{place} (tip {advised.tip})" if advised.tip else place


def ranked(advice: Advice) -> list[Recommendation]:
    """The changes to make now, in their order."""
    return sorted((one for one in advice.recommendations if one.rank is not None), key=lambda one: one.rank or 0)


def order(advised: Recommendation) -> int:
    """Where a verdict stands among all: what is to be done first comes first."""
    return [RELAX, ENFORCE, WARN, LEAVE].index(advised.recommendation)


def unranked(advice: Advice) -> list[tuple[str, list[Recommendation]]]:
    """All others, under the head that says why nothing is to be done about them now."""
    heads: dict[str, list[Recommendation]] = {"LATER": [], "LEAVE OFF": [], "SET ALREADY": [], "LEAVE AS IT IS": []}
    for one in advice.recommendations:
        if one.rank is None:
            heads[_head(one)].append(one)
    return [(head, found) for head, found in heads.items() if found]


def _head(advised: Recommendation) -> str:
    if advised.recommendation in (ENFORCE, WARN, RELAX):
        return "LATER"
    return {"off": "LEAVE OFF", "enforced": "SET ALREADY"}.get(advised.state, "LEAVE AS IT IS")


def nothing(advice: Advice) -> str:
    """Why there is no change to make."""
    if not advice.traffic.outside:
        return "no mail from outside in this log"
    heads = dict(unranked(advice))
    broken = sum(finding.severity == "fix" for finding in advice.findings)
    on, off = len(heads.get("SET ALREADY", ())), len(advice.recommendations)
    return f"{broken} to fix, {several(on, 'check')} on already, {off - on - len(ranked(advice))} left with reasons"


def aside(advised: Recommendation) -> str:
    """One line for what is not to be done now: what it is worth, what it costs and why it waits."""
    gain, _, price, _, _ = cells(advised)
    did = f"; refused {several(advised.refused.attempts, 'attempt')} in this log" if advised.refused.attempts else ""
    reason = f": {advised.reasons[0]}" if advised.reasons else ""
    return f"{label(advised)}  {advised.spelled}{reason} (stops {gain}, hurts {price}{did})"


def unjudged(advised: Recommendation) -> bool:
    """Whether the log holds nothing that this check looks at, so that each of its zeros means nothing."""
    return advised.no_evidence.attempts >= advised.accepted.attempts


def harm_unknown(advised: Recommendation) -> bool:
    """Whether it could judge no wanted mail, so that nobody knows whom it hurts."""
    return not advised.hurt.attempts and (not advised.wanted_judged.attempts or advised.harm_interval is None)


def gain_unknown(advised: Recommendation) -> bool:
    """Whether it could judge no unwanted mail, so that nobody knows what it is worth."""
    return not advised.stopped.attempts and not advised.unwanted_judged.attempts


def cells(advised: Recommendation) -> tuple[str, str, str, str, str]:
    """Stops, adds, hurts, undecided and no evidence, as `k/n` or the words for not knowing.

    The n of stops and hurts is what it could judge: the others would make its harm look smaller than is known.
    """
    gain = [
        NO_EVIDENCE if gain_unknown(advised) else ratio(tally.attempts, advised.unwanted_judged.attempts)
        for tally in (advised.stopped, advised.marginal)
    ]
    price = NO_EVIDENCE if harm_unknown(advised) else ratio(advised.hurt.attempts, advised.wanted_judged.attempts)
    unsure = NO_EVIDENCE
    if advised.undecided.attempts or not unjudged(advised):
        unsure = ratio(advised.undecided.attempts, advised.undecided_all.attempts)
    whole = advised.accepted.attempts
    return gain[0], gain[1], price, unsure, ratio(advised.no_evidence.attempts, whole) if whole else NO_EVIDENCE


def stops(advised: Recommendation) -> str:
    """What it would have refused of the unwanted mail that is accepted today, and what of it nothing above would."""
    if gain_unknown(advised):
        return NO_EVIDENCE + ("" if advised.unwanted.attempts else ": no accepted mail is known to be unwanted")
    found = share(advised.stopped.attempts, advised.unwanted_judged.attempts, "unwanted attempts accepted today")
    if advised.stopped.attempts:
        found += f"; {_inflated(advised.stopped)}"
        if advised.rank != 1:
            found += f"; {count(advised.marginal.attempts)} of them nothing above would stop"
    return found + _left_out(advised.unwanted_judged, advised.unwanted)


def _inflated(tally: Tally) -> str:
    """Messages and clients: one client that retries makes many attempts of one message."""
    return f"{several(tally.messages, 'message')}, {several(tally.clients, 'client')}"


def _left_out(judged: Tally, whole: Tally) -> str:
    left = whole.attempts - judged.attempts
    return f"; {NO_EVIDENCE} on {ratio(left, whole.attempts)}" if left else ""


def hurts(advised: Recommendation) -> str:
    """What it would have refused of wanted mail, with what the log allows to be said of wanted mail to come."""
    if harm_unknown(advised):
        return NO_EVIDENCE + ("" if advised.wanted.attempts else ": no accepted mail is known to be wanted")
    return _price(advised) + _left_out(advised.wanted_judged, advised.wanted)


def _price(advised: Recommendation) -> str:
    part, whole, clients = advised.hurt.attempts, advised.wanted_judged.attempts, advised.wanted_judged.clients
    if part == 0:
        assert advised.harm_interval is not None  # else harm_unknown
        if advised.after is not None:
            return f"0 of {count(whole)} wanted attempts; {share(0, clients, 'clients')}"
        limit = f"0 of {count(whole)} (at most {percent(advised.harm_interval[1])}) wanted attempts"
        return f"{limit}; the limit counts clients, {share(0, clients)}"
    words = f"{share(part, whole, 'wanted attempts')}; {several(advised.hurt.messages, 'message')}"
    words += f"; {share(advised.hurt.clients, clients, 'clients')}"
    if advised.harm_interval is None or advised.after is not None:  # `foreseen` has the intervals
        return words
    low, high = advised.harm_interval
    return f"{words}, 95 % interval {percent(low).removesuffix(' %')} to {percent(high)}"


def foreseen(advised: Recommendation, terms: Terms) -> list[tuple[str, str]]:
    """The wanted clients it would turn away: alone, with hosts allowed first, and next week's to hold against it."""
    found = []
    if advised.before is not None:
        found.append(("with nobody allowed", _estimated(advised.before, terms)))
    if advised.after is not None:
        known = "with those allowed who were known by then"
        found.append((known, _estimated(advised.after, terms, " of the last weeks")))
        if advised.after.next_week is not None:
            low, high = advised.after.next_week
            found.append(
                (f"next week, {_sure(terms)} sure", f"{percent(low)} to {percent(high)} of the wanted clients")
            )
    return found


def _estimated(found: Estimate, terms: Terms, of: str = "") -> str:
    """The share and its interval; what is in doubt is counted once as wanted and once as not."""
    if found.interval is None:
        return NO_EVIDENCE
    low, high = found.interval
    words = f"{share(found.hurt, found.wanted, 'wanted clients')}{of}, {_sure(terms)} interval "
    words += f"{percent(low)} to {percent(high)}"
    if found.messages[1]:
        words += f"; {share(*found.messages, 'wanted messages')}"
    doubtful = found.doubtful_turned + found.doubtful_passed
    if doubtful:
        turned = f"{count(found.doubtful_turned)} of {several(doubtful, 'client')} in doubt turned away"
        words += f" (wide, for {turned})" if high - low > terms.max_harm else f" ({turned})"
    return words


def _sure(terms: Terms) -> str:
    return f"{100 * terms.confidence:g} %"


def weeks(plan: tuple[Step, ...]) -> list[tuple[int, list[tuple[str, list[str]]]]]:
    """The plan by weeks: what to do, and with which restrictions."""
    found: dict[int, dict[str, list[str]]] = {}
    for one in plan:
        found.setdefault(one.week, {}).setdefault(STEPS.get(one.step, one.step), []).append(one.name)
    return [(week, [*steps.items()]) for week, steps in sorted(found.items())]


STEPS = {
    "log": "log what is missing",
    "warn": "switch on with warn_if_reject",
    "allow": "allow the hosts that were found",
    "enforce": "enforce",
    "relax": "relax",
}
"""What to do in a week of the plan, in words."""


def basis(advised: Recommendation) -> str:
    """How many answers of which kind."""
    found = [f"{count(number)} {kind}" for kind, number in advised.basis.items() if number]
    return ", ".join(found) if found else NO_EVIDENCE


def names(host: Host) -> str:
    """A client's verified name, else the name its address claims, else that it has none."""
    if host.client_name and host.client_name != "unknown":
        return cut(host.client_name)
    if host.reverse_client_name and host.reverse_client_name != "unknown":
        return f"{cut(host.reverse_client_name)} (does not lead back)"
    return "no name" if "unknown" in (host.client_name, host.reverse_client_name) else "name not logged"


def helo(host: Host) -> str:
    """The name a client gave in HELO."""
    return f"HELO {cut(host.helo_name)}" if host.helo_name else "HELO not logged"


def sender(host: Host) -> str:
    """One of its senders, and how many more are known; the null sender is a bounce's."""
    if not host.senders:
        return "not logged"
    more = f" and {len(host.senders) - 1} more" if len(host.senders) > 1 else ""
    return (cut(host.senders[0]) or "<> (bounces)") + more


def seen(host: Host, advice: Advice) -> str:
    """What came from a host, and when."""
    attempts = several(host.attempts, "attempt")
    return f"{helo(host)}; {attempts}, last {when(host.last_seen, advice)}; from {sender(host)}"


def delivered(one: Delivery, advice: Advice) -> str:
    """A delivery in a line: when, from whom, to whom."""
    whom = "sender not logged" if one.sender is None else cut(one.sender) or "<> (bounces)"
    return f"{when(one.time, advice)}  {whom}{' to ' + cut(one.recipient) if one.recipient else ''}"


def became(one: "Try") -> str:
    """One attempt in a line: what became of it, from whom, to whom, and Postfix's words."""
    did = {"accept": "accepted", "reject": "rejected", "defer": "deferred"}.get(one.action, one.action)
    code = f" {one.reply}" if one.reply else ""
    whom = "sender not logged" if one.sender is None else cut(one.sender) or "<> (bounces)"
    to = f" to {cut(one.recipient)}" if one.recipient else ""
    return f"{did}{code}: {whom}{to}{'; ' + cut(one.text, 2 * LONGEST) if one.text else ''}"


def standing(host: Host) -> str:
    """Whether a host is wanted, and why we think so."""
    return f"{ {True: 'wanted', False: 'unwanted', None: 'undecided'}[host.wanted] }: {host.evidence}"


def steps(advice: Advice, only: str | None) -> list[tuple[str, str]]:
    """What to run next: what it is for, and the command."""
    if not covered(advice)["lines"]:
        return [("give it a log:", "advisor report /var/log/maillog*")]
    found = []
    changes = ranked(advice)
    if changes and only is None:
        found.append(("only the changes, to type, to try and to undo:", "advisor advise /var/log/maillog*"))
    if changes:
        first = changes[0]
        found.append((f"what change {first.rank} catches, and whom it hurts:", f"advisor explain {first.name}"))
    page = "advisor report --format html -o report.html /var/log/maillog*"
    return [*found, ("the same with charts, to open in a browser:", page)]
