"""A simulation: what a restriction list, spelled as in main.cf, would have answered to past attempts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Any

import narwhals as nw
import pyarrow as pa

from advisor import access
from advisor.census import census, own_answers
from advisor.dictionary import PLAIN, Dictionary, read
from advisor.entry import ALIASES, KNOWN, LISTS, Entry, parse_list, suggest
from advisor.errors import AdvisorError
from advisor.fold import ANSWER, LATE, TURNED_AWAY, UNLISTED, fold
from advisor.hearing import Age
from advisor.postconf import Postconf
from advisor.response import Responses
from advisor.restriction import MAP_WORDS, REFUSES, Asked, Restriction, ask, one_of, unlogged
from advisor.restrictions import CATALOGUE
from advisor.testimony import Testimony, distinct, hear, in_order, numbered

__all__ = ["ANSWER", "TURNED_AWAY", "Simulation", "answers", "asked_for", "fold", "named", "simulate"]

POLICIES = ("postgrey", "policyd-spf", "opendmarc")
"""Third-party checks by their short names."""

PARAMETERS: frozenset[str] = frozenset(
    {name for found in CATALOGUE.values() for name in (found.code_parameter, found.tempfail_parameter) if name}
    | {*access.PARAMETERS, "soft_bounce"}
)
"""The settings of main.cf that change an answer."""


def _logged_only(name: str) -> Restriction:
    """A check that we do not simulate: it answers where Postfix logged its refusal, and nothing else."""
    fields: dict[str, Any] = {"parameter": "smtpd_recipient_restrictions", "needs": (), "since": ""}
    if not name.startswith("permit"):
        # A table or a policy service may say anything, permit included; any other check may only refuse.
        tells = MAP_WORDS if name.startswith("check_") or name not in (*KNOWN, *POLICIES) else tuple(sorted(REFUSES))
        fields |= {"says": name, "reply": "550 5.7.1", "tells": tells}
    return Restriction(unlogged, named=name, **fields)


def asked_for(
    entries: Sequence[Entry],
    codes: Mapping[str, str] | None = None,
    tables: Mapping[str, Dictionary] | None = None,
) -> tuple[Asked, ...]:
    """The restrictions that list entries stand for; `tables` are access tables by how they are spelled.

    Raises AdvisorError for a name that Postfix does not know; a check that Postfix knows and we do not simulate answers
    only where the log shows its own refusals.
    """
    found = []
    for entry in entries:
        if entry.name in access.KEYS:
            found.append(_asked_map(entry, codes or {}, tables or {}))
        elif service := _service(entry):
            found.append(replace(asked_for([service], codes)[0], spelled=str(entry)))
        elif entry.name in CATALOGUE:
            found.append(ask(CATALOGUE[entry.name], codes or {}, entry.argument, warn=entry.warn))
        elif entry.name in KNOWN or entry.name in POLICIES:
            found.append(Asked(_logged_only(entry.name), entry.argument, entry.warn, simulated=False))
        else:
            near = suggest(entry.name, [*KNOWN, *POLICIES, *CATALOGUE])
            near = ALIASES.get(near, near) if near else None
            todo = f"did you mean {near}?" if near else "see 'advisor explain' for the names"
            raise AdvisorError("simulate", f"unknown restriction '{entry.name}'", todo)
    return tuple(found)


# check_policy_service unix:private/policyd-spf  unix:postgrey/socket  inet:127.0.0.1:10023
_SERVICES = (("policyd-spf", "policyd-spf"), ("postgrey", "postgrey"), ("127.0.0.1:10023", "postgrey"))


def _service(entry: Entry) -> Entry | None:
    """The check that a policy service is, by the names that its packages give it; None of one that we do not know."""
    if entry.name == "check_policy_service":
        for part, name in _SERVICES:
            if part in entry.argument:
                return replace(entry, name=name, argument="")
    return None


def _asked_map(entry: Entry, codes: Mapping[str, str], tables: Mapping[str, Dictionary]) -> Asked:
    """check_..._access with its table, if we have it; what needs no file we have."""
    kind, _, name = entry.argument.partition(":")
    table = read(kind, name) if kind in PLAIN else tables.get(entry.argument)
    found = CATALOGUE[entry.name]
    if table is not None:
        found = replace(found, tell=access.telling(entry.name, table, access.Settings.of(codes)))
    return replace(ask(found, codes, entry.argument, warn=entry.warn), simulated=table is not None)


def answers(attempts: Any, asked: Sequence[Asked], dns: Responses | None = None) -> Any:  # noqa: ANN401 - any engine
    """Add to attempts (a frame of DuckDB, pandas, Spark or another engine of Narwhals) what each restriction answers.

    For the restriction number N three columns: `answer_N`, its own answer as if it stood alone (a word of
    advisor.restriction.WORDS, or null), `basis_N` and `reply_N`. Then ANSWER, the list's own, and TURNED_AWAY. `dns` is
    what the DNS said; without it only the log speaks.
    """
    return ask_all(tuple(asked), attempts, dns).rows().to_native()


def _answered(frame: Any, asked: Sequence[Asked], heard: Testimony) -> Any:  # noqa: ANN401 - any engine
    """The frame with the columns of each restriction by itself; its rows may come out in another order."""
    frame, each = own_answers(heard.joined(frame), asked, heard), list(enumerate(asked))
    told = [str(number) if number in heard.ages else "" for number, _ in each]
    frame = frame.with_columns(
        *(one.basis(told[n]).alias(f"basis_{n}") for n, one in each),
        *(_reply(one.reply(told[n]), n).alias(f"reply_{n}") for n, one in each),
    )
    spent = [f"{name}_{n}" for n in heard.ages for name in ("told", "told_reply", "told_basis")]
    return frame.drop(*spent) if spent else frame


def _reply(code: nw.Expr, number: int) -> nw.Expr:
    return nw.when(one_of(f"answer_{number}", "reject", "defer", "defer_if_permit")).then(code)


def named(frame: Any, asked: Sequence[Asked]) -> Any:  # noqa: ANN401 - a frame of any engine
    """The frame of `answers` with the columns named as the restrictions were asked: `NAME`, `NAME:basis`, `NAME:reply`.

    Last of all, since a restriction's argument may hold dots, which Spark reads as a path into the column.
    """
    frame = nw.from_native(frame)
    keep: dict[str, str] = {}
    drop: list[str] = []
    for number, one in enumerate(asked):
        name = one.column
        own = {f"answer_{number}": name, f"basis_{number}": f"{name}:basis", f"reply_{number}": f"{name}:reply"}
        if name in keep.values():
            drop.extend(own)
        else:
            keep |= own
    return frame.drop(*drop).rename(keep).to_native() if drop else frame.rename(keep).to_native()


@dataclass(frozen=True)
class Simulation:
    """The answers of lists to some attempts.

    `source` are the attempts as given, `heard` is what was told of them; `notes` say what could not be read, such as a
    table. `kept` is what has to live as long as `source`.
    """

    asked: tuple[Asked, ...]
    source: Any
    heard: Testimony
    notes: tuple[str, ...] = ()
    kept: Any = field(default=None, repr=False)

    @property
    def frame(self) -> Any:  # noqa: ANN401 - a frame of the engine that was asked
        """A row an attempt, in any order, with `answer_N`, `basis_N` and `reply_N` of restriction N."""
        return _answered(nw.from_native(self.source), self.asked, self.heard).to_native()

    @property
    def ages(self) -> Mapping[int, Age | None]:
        """When the oldest and the newest answer of the DNS that restriction N used was given."""
        return self.heard.ages

    def rows(self) -> Any:  # noqa: ANN401 - a Narwhals frame
        """The attempts in the order given, with the columns of `frame`, and then ANSWER and TURNED_AWAY."""
        ordered = _answered(numbered(nw.from_native(self.source)), self.asked, self.heard)
        return in_order(fold(ordered, self.asked, nw.from_native(self.counted(), eager_only=True)))

    def counted(self) -> pa.Table:
        """How often which answers stood together (advisor.census)."""
        return census(nw.from_native(self.source), self.asked, self.heard)

    @property
    def attempts(self) -> Any:  # noqa: ANN401 - a frame of the engine that was asked
        """The attempts of `rows`, each column named as its restriction was asked."""
        return named(self.rows().to_native(), self.asked)

    @property
    def not_simulated(self) -> tuple[str, ...]:
        """The entries that answer only where the log shows their own refusals."""
        return tuple(dict.fromkeys(one.column for one in self.asked if not one.simulated))

    def __repr__(self) -> str:
        return f"Simulation of {len(self.asked)}: {', '.join(one.column for one in self.asked)}"

    def _repr_html_(self) -> str:
        """What a notebook shows; a renderer lies to the right of us, and is asked for only here."""
        shown: str = import_module("advisor.reports.notebook").simulation(self)
        return shown


def simulate(
    restrictions: str,
    attempts: Any,  # noqa: ANN401 - a frame of any engine
    codes: Mapping[str, str] | None = None,
    dns: Responses | None = None,
    tables: Mapping[str, Dictionary] | None = None,
) -> Simulation:
    """Ask a list, spelled as in main.cf, of past attempts (a frame of any engine).

    `codes` are settings of the site by parameter (those of PARAMETERS): {"unknown_client_reject_code": "550"}. `dns` is
    what the DNS said, `tables` are its access tables. Raises AdvisorError where the list cannot be read.
    """
    return ask_all(asked_for(parse_list(restrictions), codes, tables), attempts, dns)


def whole(config: Postconf, tables: Mapping[str, Dictionary] | None = None) -> tuple[Asked, ...]:
    """All restriction lists of a configuration, in the order in which smtpd asks them.

    smtpd_helo_required comes first, the check that a recipient exists after all lists at RCPT TO. With
    smtpd_delay_reject = no a list that is asked before the command that a restriction needs does not hear it.
    """
    codes = {name: config.value(name) for name in PARAMETERS if config.is_set(name)}
    early = config.value("smtpd_delay_reject") == "no"
    found: list[Asked] = []
    for parameter in _order(config):
        entries = config.entries(parameter)
        named = [entry for entry in entries if entry.name in KNOWN or entry.name in CATALOGUE]
        asked = dict(zip(named, asked_for(named, codes, tables), strict=True))
        for entry in entries:
            one = asked.get(entry) or Asked(_logged_only(entry.name), entry.argument, entry.warn, simulated=False)
            blind = early and _too_early(one.restriction, parameter)
            found.append(replace(one, listed=parameter, blind=blind))
    if config.value("smtpd_helo_required") == "yes":
        found.insert(0, replace(ask(CATALOGUE["smtpd_helo_required"], codes), listed="smtpd_helo_required"))
    if config.value("smtpd_reject_unlisted_recipient") != "no":
        unlisted = replace(ask(CATALOGUE["reject_unlisted_recipient"], codes), listed=UNLISTED)
        at = next((at for at, one in enumerate(found) if one.listed in LATE), len(found))
        found.insert(at, unlisted)
    return tuple(found)


def _order(config: Postconf) -> list[str]:
    """The lists in the order in which smtpd asks them: relay control was last at RCPT TO before Postfix 3.6."""
    names = list(LISTS)
    value = config.value("smtpd_relay_before_recipient_restrictions")
    if not value:
        value = config.expanded("${{$compatibility_level} <level {3.6} ? {no} : {yes}}")
    if value == "no":
        relay = names.index("smtpd_relay_restrictions")
        names[relay], names[relay + 1] = names[relay + 1], names[relay]
    return names


def _too_early(found: Restriction, parameter: str) -> bool:
    """Whether a list is asked before the command that a restriction needs, where smtpd_delay_reject is off."""
    needed = {column.partition("_")[0] for column in (*found.needs, *found.of)}
    heard = {
        "smtpd_client_restrictions": {"helo", "authenticated", "sender", "recipient"},
        "smtpd_helo_restrictions": {"authenticated", "sender", "recipient"},
        "smtpd_sender_restrictions": {"recipient"},
    }
    return bool(needed & heard.get(parameter, set()))


def ask_all(
    asked: tuple[Asked, ...],
    attempts: Any,  # noqa: ANN401 - a frame of any engine
    dns: Responses | None = None,
) -> Simulation:
    """Ask restrictions, those of `whole` or `asked_for`, of past attempts."""
    asked = _shifted(nw.from_native(attempts), asked)
    return Simulation(asked, attempts, hear(nw.from_native(attempts), asked, dns or Responses()))


def _shifted(frame: Any, asked: tuple[Asked, ...]) -> tuple[Asked, ...]:  # noqa: ANN401 - a Narwhals frame
    """Mark the restrictions whose code in the log is another than the one asked for, throughout."""
    if not any((one.code or one.soft) and one.restriction.says for one in asked):
        return asked
    seen: dict[str, set[str]] = {}
    for row in distinct(frame.select("restriction", "reply", "dsn", "warned")).to_pylist():
        said = [f"{row['restriction']} {row['reply']} {row['dsn']}"] if row["reply"] else []
        for words in (*said, *filter(None, (row["warned"] or "").split(";"))):
            name, _, codes = words.partition(" ")
            seen.setdefault(name, set()).add(codes)
    found = []
    for one in asked:
        # What has its own code whatever is set does not tell what is set.
        logged = {codes[:3] for codes in seen.get(one.restriction.name, set()) - one.restriction.fixed_replies}
        other = bool((one.code or one.soft) and logged and one.own_code not in logged)
        found.append(replace(one, shifted=other))
    return tuple(found)
