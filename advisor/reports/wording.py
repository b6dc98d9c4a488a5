"""The numbers and phrases that all reports share: numbers have their denominator, times their zone.

count, several, share, percent, ratio     numbers
period, when, day, duration               times
sums, tallies, greylisted, ...            what the log shows
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone, tzinfo
from statistics import median
from zoneinfo import ZoneInfo

from advisor.recommendation import Advice, Greylisting
from advisor.reports.visible import cut

NO_EVIDENCE = "no evidence"
"""What stands where the log does not hold what a check looks at."""
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# Not %b: that is the locale's.


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


def day(name: str) -> str:
    """2026-11-16 as people read it: 16 Nov."""
    try:
        found = datetime.fromisoformat(name)
    except ValueError:
        return cut(name)
    return f"{found.day} {_MONTHS[found.month - 1]}"


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


def tiles(advice: Advice) -> list[tuple[str, str]]:
    """The two shares to see first: what is let in, and how much of that is unwanted."""
    flow = advice.traffic
    return [
        (share(flow.accepted, flow.outside), "attempts from outside were accepted"),
        (share(flow.unwanted, flow.accepted), f"of those are unwanted; {count(flow.undecided)} are undecided"),
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


STATUS = {
    "named": "with a name",
    "no_reverse": "without a reverse name",
    "no_forward": "whose name is not in the DNS",
    "other_address": "whose name leads elsewhere",
    "forward_temporary": "whose name failed for the moment",
    "not logged": "not logged",
}
"""What the log tells of a client's name, in words."""


def statuses(found: Mapping[str, int]) -> str:
    """What the log tells of the names of clients, by attempt."""
    return tallies({STATUS.get(name, name): number for name, number in found.items()}, "attempt")


def tallies(found: Mapping[str, int], noun: str = "result") -> str:
    """Results and how often, the most frequent first, with their sum in front."""
    if not found:
        return f"no {noun} in this log"
    order = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return _sum(several(sum(found.values()), noun), [(number, cut(name)) for name, number in order])


def unread(advice: Advice) -> str:
    """How many lines of Postfix's were not understood."""
    found = covered(advice)
    return share(found["unrecognised"], found["lines"], "lines") if found["lines"] else "no line to read"
