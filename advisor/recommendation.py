"""A recommendation: one change, what it would have done to past mail, whom it would have hurt, and what to type."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any

from advisor.board import Board
from advisor.errors import AdvisorError

if TYPE_CHECKING:  # they count with numpy, which a report in a terminal need not wait for
    from advisor.overlap import Overlap
    from advisor.visitor import Visitor

ENFORCE, WARN, LEAVE, RELAX = "enforce", "warn", "leave", "relax"
"""Switch on; switch on with warn_if_reject to gather evidence; leave as it is; switch off or soften."""


@dataclass(frozen=True)
class Tally:
    """The same thing counted three ways: one message may be many attempts, one client many messages."""

    attempts: int = 0
    messages: int = 0
    clients: int = 0


@dataclass(frozen=True)
class Delivery:
    """A message to one recipient: when it came, from whom and to whom, as logged; None for what was not."""

    time: datetime
    sender: str | None
    recipient: str | None


@dataclass(frozen=True)
class Host:
    """A client that a change would turn away, and what is known of it.

    `wanted` is True where evidence independent of the change says so, False for unwanted, None for neither.
    `senders` are up to three of its sender addresses, as logged; `evidence` is a sentence. `last` are its last
    deliveries that the change would turn away, the newest first, three at most.
    """

    client_address: str
    client_name: str | None
    reverse_client_name: str | None
    helo_name: str | None
    wanted: bool | None
    evidence: str
    attempts: int
    messages: int
    first_seen: datetime
    last_seen: datetime
    senders: tuple[str, ...] = ()
    last: tuple[Delivery, ...] = ()

    @staticmethod
    def newest(rows: Iterable[Mapping[str, Any]]) -> tuple[Delivery, ...]:
        """Read `last` from attempts (time, sender, recipient)."""
        dated = sorted((row for row in rows if row["time"] is not None), key=lambda row: row["time"], reverse=True)
        return tuple(Delivery(row["time"], row["sender"], row["recipient"]) for row in dated[:3])


@dataclass(frozen=True)
class Terms:
    """How much harm is allowed, as a share of the wanted clients of a week, and how sure one wants to be.

    `decided` wanted clients must have been judged before anything is enforced: none hurt of 300 still allows 1 %.
    """

    max_harm: float = 0.01
    confidence: float = 0.95
    decided: int = 300

    @classmethod
    def of(cls, max_harm: str, confidence: str) -> "Terms":
        """Read the two as typed: 1%, 0.01; AdvisorError for what is no share."""
        return cls(_share(max_harm, "--max-harm", "1%"), _share(confidence, "--confidence", "95%"))


def _share(text: str, option: str, such_as: str) -> float:
    number = text.strip().removesuffix("%")
    try:
        share = float(number) / (100 if "%" in text else 1)
    except ValueError:
        share = -1
    if not 0 < share < 1:
        raise AdvisorError(option, f"'{text}' is no share between 0 and 100 %", f"write one such as {such_as}")
    return share


@dataclass(frozen=True)
class Estimate:
    """The share of wanted clients that would be turned away in a week, and of wanted messages beside it.

    `hurt` of `wanted` clients are counted; `doubtful_turned` and `doubtful_passed` are those of which nothing, or
    contradictory things, are known. `interval` is of the share of clients (exact binomial, widened by counting the
    doubtful once as all wanted and once as none); None where nobody was judged. `next_week` is between which shares
    the clients of one week will lie, which a report can be held against. `at_most` is what the share does not exceed
    with the confidence asked for, the doubtful counted as wanted; all doubt is on that side, so it may lie below the
    interval's upper end. `messages` are hurt and judged messages.
    """

    hurt: int
    wanted: int
    doubtful_turned: int
    doubtful_passed: int
    messages: tuple[int, int]
    interval: tuple[float, float] | None
    next_week: tuple[float, float] | None = None
    at_most: float | None = None

    @property
    def share(self) -> float | None:
        """The counted share; None where nobody was judged."""
        return self.hurt / self.wanted if self.wanted else None


@dataclass(frozen=True)
class Step:
    """What to do with one change in one week of the plan; `step` is log, warn, allow, enforce or relax."""

    week: int
    name: str
    step: str


@dataclass(frozen=True)
class Recommendation:
    """What to do about one restriction (or one setting such as smtpd_helo_required).

    All counts are of mail from outside that was accepted, so of what the change adds to what is on. `accepted` is the
    denominator of `no_evidence`; `wanted`, `unwanted` and `undecided_all` are those of `hurt`, `stopped` and
    `undecided`: accepted attempts by independent evidence, whether or not this restriction could judge them;
    `wanted_judged` and `unwanted_judged` are those of them that it could judge.
    `marginal` is what it stops of unwanted mail that nothing recommended before it would stop. `harm_interval` is the
    95 % interval (exact binomial) of hurt.clients / wanted_judged.clients; None where it could judge none. `refused` is
    what it refused in this log already, where it is on. `diff` is `lines_to_type` as a unified diff of main.cf; ()
    where no configuration is known. `before` is the harm of the change alone, `after` with the hosts allowed first that
    were known a week before; the verdict is about `after`. `argument` is a list's domain, with its filter; `cheaper`
    a sentence where another part of Postfix does the same with less. `stood` is when the time before ended, where its
    log advised the same already (advisor.repetition); None where it did not, or nobody looked.
    """

    name: str
    tip: int
    claim: str
    parameter: str
    state: str
    recommendation: str
    rank: int | None
    stopped: Tally
    hurt: Tally
    undecided: Tally
    no_evidence: Tally
    marginal: Tally
    accepted: Tally
    wanted: Tally
    unwanted: Tally
    undecided_all: Tally
    refused: Tally
    wanted_judged: Tally
    unwanted_judged: Tally
    harm_interval: tuple[float, float] | None
    basis: dict[str, int]
    hosts: tuple[Host, ...]
    hosts_more: int
    reasons: tuple[str, ...]
    not_known: tuple[str, ...]
    lines_to_type: tuple[str, ...]
    try_first: tuple[str, ...]
    undo: tuple[str, ...]
    diff: tuple[str, ...] = ()
    before: Estimate | None = None
    after: Estimate | None = None
    argument: str = ""
    cheaper: str = ""
    stood: datetime | None = None

    @property
    def spelled(self) -> str:
        """As it stands in main.cf, with its argument."""
        return f"{self.name} {self.argument}" if self.argument else self.name


@dataclass(frozen=True)
class Finding:
    """Something that is wrong now, or that limits what can be said. `severity` is 'fix' or 'note'."""

    severity: str
    text: str


@dataclass(frozen=True)
class Greylisting:
    """What postgrey did, as logged. `delays` are the seconds that triplets waited until they first passed, sorted."""

    greylisted: int
    triplets: int
    passed: int
    never_returned: int
    still_open: int
    allowlisted: int
    delays: tuple[float, ...]


@dataclass(frozen=True)
class Listing:
    """Hits of one DNS list, as logged: refusals by smtpd or postscreen, and dnsblog's answers."""

    name: str
    refused: int
    answered: int
    clients: int


@dataclass(frozen=True)
class Day:
    """Attempts from outside on one day (in the report's zone)."""

    day: str
    accepted: int
    rejected: int
    deferred: int


@dataclass(frozen=True)
class Traffic:
    """What the log shows, before any advice.

    `attempts` are all; `outside` those from neither our networks nor users; `accepted`, `rejected` and `deferred` are
    those of the outside ones, and add up to it. `wanted`, `unwanted` and `undecided` are those of the accepted ones by
    all evidence, and add up to `accepted`.
    """

    attempts: int
    outside: int
    accepted: int
    rejected: int
    deferred: int
    authenticated: int
    own_network: int
    local_messages: int
    wanted: int
    unwanted: int
    undecided: int
    refused_by: tuple[tuple[str, int], ...]
    client_status: dict[str, int]
    days: tuple[Day, ...]
    greylisting: Greylisting | None
    lists: tuple[Listing, ...]
    spf: dict[str, int]
    dmarc: dict[str, int]
    helo_known: int = 0


@dataclass(frozen=True)
class Contrast:
    """A period against the one of the same length before it, which was from `start` to `end`.

    `counts` are (what, in the period, before it), `news` sentences on what is new or gone, the most important first.
    """

    start: datetime
    end: datetime
    counts: tuple[tuple[str, int, int], ...]
    news: tuple[str, ...] = ()


@dataclass(frozen=True)
class Advice:
    """The recommendations for a period, and how much of the log was understood.

    `recommendations` are in the order to make the changes; those with a `rank` (1 to 3) are for now.
    `coverage` is as in advisor.event.Coverage.as_dict(). `samples` are (shape, count, an example) of lines that were
    not understood. `cannot_show` says what this log cannot tell, and what would. `evidence` counts the accepted
    attempts from outside that each reason (advisor.evidence.REASONS) speaks of. `board` says what any set of the
    restrictions would have done, `sequels` what became of changes that the log itself shows, sentences all. `plan` is
    all changes by weeks, a name as Recommendation.spelled has it; `terms` are those under which it was decided.
    `contrast` is None where the time before the period is not known, `overlap` where no DNS list named a client.
    `visitors` are the clients to look at first.
    """

    start: datetime | None
    end: datetime | None
    timezone: str
    hosts: tuple[str, ...]
    postfix_version: str | None
    configuration: str
    coverage: dict[str, object]
    traffic: Traffic
    recommendations: tuple[Recommendation, ...]
    allowlist: tuple[str, ...]
    findings: tuple[Finding, ...]
    samples: tuple[tuple[str, int, str], ...]
    cannot_show: tuple[str, ...]
    evidence: dict[str, int] = field(default_factory=dict)
    board: Board | None = None
    sequels: tuple[str, ...] = ()
    terms: Terms = Terms()
    plan: tuple[Step, ...] = ()
    contrast: Contrast | None = None
    overlap: "Overlap | None" = None
    visitors: "tuple[Visitor, ...]" = ()

    def __repr__(self) -> str:
        # All of it would be megabytes in a notebook's file.
        named = ", ".join(f"{one.recommendation} {one.spelled}" for one in self.recommendations)
        return f"Advice from {self.start} to {self.end}: {named}"

    def _repr_html_(self) -> str:
        """What a notebook shows; a renderer lies to the right of us, and is asked for only here."""
        shown: str = import_module("advisor.reports.notebook").advice(self)
        return shown
