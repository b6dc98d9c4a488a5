"""The words and numbers that all reports share, and how text from the log is shown.

visible, cut, clean     text from the log, made harmless: it comes from strangers
count, share, ratio     numbers, always with their denominator
stops, hurts, ...       what a recommendation says, in words; missing evidence is words too, never 0
"""

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import datetime, timedelta, timezone, tzinfo
from statistics import median
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from advisor.recommendation import ENFORCE, RELAX, WARN, Advice, Greylisting, Host, Recommendation, Tally

Shown = TypeVar("Shown")

NO_EVIDENCE = "no evidence"
"""What stands where the log does not hold what a check looks at."""
LEGEND = (
    "Attempts accepted today. stops, adds: of the unwanted ones it could judge; hurts: of the wanted ones it could "
    "judge; undecided: of those that nothing calls wanted or unwanted; no evidence: of all."
)
"""What the numbers of a table of changes are shares of."""
LONGEST = 60
"""Text from the log is cut to this, in the middle: both ends of a name tell the most."""
_TYPED = frozenset({"lines_to_type", "try_first", "undo", "allowlist"})
_SEEN = frozenset("LMNPS")


def visible(text: str, *, ascii_only: bool = False, tabs: bool = False) -> str:
    r"""Text with what a reader would not see as such made visible: control and bidi characters as \x1b, \u202e.

    `ascii_only` spells out all other letters beyond ASCII too; `tabs` lets a tab be, for lines that are typed.
    """
    return "".join(
        letter
        if letter == " " or (tabs and letter == "\t") or (_printable(letter) and not (ascii_only and letter > "~"))
        else _spelled(letter)
        for letter in text
    )


def _printable(letter: str) -> bool:
    # Category Z holds blanks that look like a space, C the controls, bidi marks, surrogates and what is not assigned.
    return unicodedata.category(letter)[0] in _SEEN


def _spelled(letter: str) -> str:
    number = ord(letter)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def cut(text: str, longest: int = LONGEST) -> str:
    """Text of at most so many characters; what is cut out of the middle is shown as '...'."""
    if len(text) <= longest:
        return text
    kept = longest - 3
    return f"{text[: kept - kept // 2]}...{text[-(kept // 2) :]}"


def clean(value: Shown, *, ascii_only: bool = False) -> Shown:
    """The same data with all text in it made visible: once, at a renderer's door, so that no line can forget it."""

    def text(words: str, name: str) -> str:
        return visible(words, ascii_only=ascii_only, tabs=name in _TYPED)

    found: Shown = _cleaned(value, text)
    return found


def _cleaned(value: Any, text: Callable[[str, str], str], name: str = "") -> Any:  # noqa: ANN401 - any part of an Advice
    if isinstance(value, str):
        return text(value, name)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{f.name: _cleaned(getattr(value, f.name), text, f.name) for f in fields(value)})
    if isinstance(value, tuple):
        return tuple(_cleaned(item, text, name) for item in value)
    if isinstance(value, Mapping):
        return {_cleaned(key, text): _cleaned(item, text) for key, item in value.items()}
    return value


def count(number: int) -> str:
    """A number with its thousands marked."""
    return f"{number:,}"


def several(number: int, noun: str) -> str:
    """A number and its noun: 1 client, 2 clients."""
    return f"{count(number)} {noun}{'' if number == 1 else 's'}"


def percent(fraction: float) -> str:
    """A share in percent: one decimal, below 1 % two significant digits; never rounded up to all or down to nothing."""
    value = fraction * 100
    if value <= 0:
        return "0 %"
    if value < 0.995:
        return f"{float(f'{value:.2g}'):f}".rstrip("0").rstrip(".") + " %" if value >= 1e-6 else "under 0.000001 %"
    if value < 100 and f"{value:.1f}" == "100.0":
        return "over 99.9 %"
    return f"{value:.1f} %"


def share(part: int, whole: int, noun: str = "") -> str:
    """`612 of 1,391 unwanted attempts (44.0 %)`; of fewer than 20 a percentage would say more than we know."""
    words = f"{count(part)} of {count(whole)}{noun and ' ' + noun}"
    return words if whole < 20 or part == 0 else f"{words} ({percent(part / whole)})"


def ratio(part: int, whole: int) -> str:
    """`612/1,391`, for tables."""
    return f"{count(part)}/{count(whole)}"


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
        found += f"; {_inflated(advised.stopped)}; {count(advised.marginal.attempts)} of them nothing above would stop"
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
    part, whole = advised.hurt.attempts, advised.wanted_judged.attempts
    if part == 0:
        assert advised.harm_interval is not None  # else harm_unknown
        return f"0 of {count(whole)} (at most {percent(advised.harm_interval[1])}) wanted attempts"
    words = f"{share(part, whole, 'wanted attempts')}; {_inflated(advised.hurt)}"
    if advised.harm_interval is None:
        return words
    low, high = advised.harm_interval
    return f"{words}; 95 % interval {percent(low).removesuffix(' %')} to {percent(high)} of wanted clients"


def basis(advised: Recommendation) -> str:
    """How many answers of which kind."""
    found = [f"{count(number)} {kind}" for kind, number in advised.basis.items() if number]
    return ", ".join(found) if found else NO_EVIDENCE


def label(advised: Recommendation) -> str:
    """ENFORCE, WARN, LEAVE or RELAX."""
    return advised.recommendation.upper()


def ranked(advice: Advice) -> list[Recommendation]:
    """The changes to make now, in their order."""
    return sorted((one for one in advice.recommendations if one.rank is not None), key=lambda one: one.rank or 0)


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


def senders(host: Host) -> str:
    """Up to three senders; the null sender is a bounce's."""
    return ", ".join(cut(sender) or "<> (bounces)" for sender in host.senders) or "not logged"


def seen(host: Host, advice: Advice) -> str:
    """What came from a host, and when."""
    attempts = several(host.attempts, "attempt")
    return f"{helo(host)}; {attempts}, last {when(host.last_seen, advice)}; from {senders(host)}"


def standing(host: Host) -> str:
    """Whether a host is wanted, and why we think so."""
    return f"{ {True: 'wanted', False: 'unwanted', None: 'undecided'}[host.wanted] }: {host.evidence}"


def zone(advice: Advice) -> tzinfo | None:
    """The report's time zone; None where its name is none that this machine knows."""
    try:
        return ZoneInfo(advice.timezone)
    except (ValueError, OSError, LookupError):
        pass
    try:
        return datetime.strptime(advice.timezone, "%z").tzinfo or timezone(timedelta(0))
    except ValueError:
        return None


def local(moment: datetime, advice: Advice) -> datetime:
    """A moment in the report's time zone."""
    there = zone(advice)
    if there is None:
        return moment
    return moment.astimezone(there) if moment.tzinfo else moment.replace(tzinfo=there)


def when(moment: datetime, advice: Advice) -> str:
    """A moment as people read it: 19 Nov 09:12. The zone stands in the head."""
    found = local(moment, advice)
    return f"{found.day} {_MONTHS[found.month - 1]} {found:%H:%M}"


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# Not %b: that is the locale's.


def period(advice: Advice) -> str:
    """The time that the log covers, as found: `16 Nov 00:03 to 22 Nov 2026 23:58, 7.0 days (Europe/Berlin)`."""
    if advice.start is None or advice.end is None:
        return "no dated line"
    first, last = local(advice.start, advice), local(advice.end, advice)
    year = f" {first.year}" if first.year != last.year else ""
    began = f"{first.day} {_MONTHS[first.month - 1]}{year} {first:%H:%M}"
    ended = f"{last.day} {_MONTHS[last.month - 1]} {last.year} {last:%H:%M}"
    return f"{began} to {ended}, {duration((last - first).total_seconds())} ({advice.timezone})"


def duration(seconds: float) -> str:
    """A time span in the unit that fits it."""
    for name, size in (("days", 86400), ("hours", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {name}"
    return f"{seconds:.0f} s"


def hosts(advice: Advice) -> str:
    """The hosts whose log it is."""
    return ", ".join(cut(host) for host in advice.hosts) or "no host"


def covered(advice: Advice) -> dict[str, int]:
    """Lines, events, ignored, unrecognised: as many lines as the three others together."""
    return {name: _whole(advice.coverage.get(name, 0)) for name in ("lines", "events", "ignored", "unrecognised")}


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def programs(advice: Advice) -> dict[str, int]:
    """The programs whose lines are none of ours, the most talkative first."""
    found = advice.coverage.get("ignored_by_program")
    numbers = {str(name): _whole(number) for name, number in found.items()} if isinstance(found, Mapping) else {}
    return dict(sorted(numbers.items(), key=lambda item: (-item[1], item[0])))


def sums(advice: Advice) -> list[str]:
    """The accounts that must add up: lines, attempts, attempts from outside, accepted ones."""
    lines, flow = covered(advice), advice.traffic
    inside = [(flow.authenticated, "authenticated"), (flow.own_network, "from our networks")]
    return [
        _sum(several(lines["lines"], "line"), [(lines[name], name) for name in ("events", "ignored", "unrecognised")]),
        _sum(
            several(flow.attempts, "attempt"),
            [(flow.outside, "from outside"), *inside],
        ),
        _sum(
            f"{count(flow.outside)} from outside",
            [(flow.accepted, "accepted"), (flow.rejected, "rejected"), (flow.deferred, "deferred")],
        ),
        _sum(
            f"{count(flow.accepted)} accepted",
            [(flow.wanted, "wanted"), (flow.unwanted, "unwanted"), (flow.undecided, "undecided")],
        ),
    ]


def _sum(whole: str, parts: Iterable[tuple[int, str]]) -> str:
    return f"{whole} = " + " + ".join(f"{count(number)} {noun}" for number, noun in parts)


def delays(found: Greylisting) -> dict[str, float] | None:
    """Median, 90 % and longest time, in seconds, that greylisted triplets waited; None where none was logged."""
    if not found.delays:
        return None
    at = -(-9 * len(found.delays) // 10) - 1  # the nearest rank: a delay that somebody had
    return {"median": float(median(found.delays)), "p90": float(found.delays[at]), "max": float(found.delays[-1])}


def greylisted(found: Greylisting | None) -> list[str]:
    """What postgrey did, in sentences; the parts of the second add up to its triplets."""
    if found is None:
        return ["postgrey is not in this log"]
    parts = [(found.passed, "passed"), (found.never_returned, "never returned"), (found.still_open, "still open")]
    waited = delays(found)
    return [
        f"greylisted: {several(found.greylisted, 'attempt')}",
        _sum(several(found.triplets, "triplet"), parts),
        f"passed by an allowlist: {several(found.allowlisted, 'attempt')}",
        f"delay of the passed: median {duration(waited['median'])}, 90 % within {duration(waited['p90'])}, "
        f"longest {duration(waited['max'])}"
        if waited
        else f"delay of the passed: {NO_EVIDENCE}",
    ]


def tallies(found: Mapping[str, int], noun: str = "result") -> str:
    """Results and how often, the most frequent first, with their sum in front."""
    if not found:
        return f"no {noun} in this log"
    order = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return _sum(several(sum(found.values()), noun), [(number, cut(name)) for name, number in order])


def belongs(advised: Recommendation) -> str:
    """Where a restriction stands in main.cf and which tip it is."""
    place = f" in {advised.parameter}" if advised.parameter != advised.name else ""
    return f"{place} (tip {advised.tip})" if advised.tip else place


def nothing(advice: Advice) -> str:
    """Why there is no change to make."""
    if not advice.traffic.outside:
        return "no mail from outside in this log"
    heads = dict(unranked(advice))
    broken = sum(finding.severity == "fix" for finding in advice.findings)
    on, off = len(heads.get("SET ALREADY", ())), len(advice.recommendations)
    return f"{broken} to fix, {several(on, 'check')} on, {off - on} left with reasons"


def aside(advised: Recommendation) -> str:
    """One line for what is not to be done now: what it is worth, what it costs and why it waits."""
    gain, _, price, _, _ = cells(advised)
    did = f"; refused {several(advised.refused.attempts, 'attempt')} in this log" if advised.refused.attempts else ""
    reason = f": {advised.reasons[0]}" if advised.reasons else ""
    return f"{label(advised)}  {advised.name}{reason} (stops {gain}, hurts {price}{did})"


def unread(advice: Advice) -> str:
    """How many lines of Postfix's were not understood."""
    found = covered(advice)
    return share(found["unrecognised"], found["lines"], "lines") if found["lines"] else "no line to read"


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


def day(name: str) -> str:
    """2026-11-16 as people read it: 16 Nov."""
    try:
        found = datetime.fromisoformat(name)
    except ValueError:
        return cut(name)
    return f"{found.day} {_MONTHS[found.month - 1]}"
