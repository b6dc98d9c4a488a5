"""A change: the lines to type for one recommendation, its trial and its undoing. Nothing is changed by us."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from advisor import exemption, revision
from advisor.amendment import commands, insert, undo, with_entries
from advisor.effect import servers
from advisor.entry import LISTS, Entry, words
from advisor.errors import AdvisorError
from advisor.existing import opened
from advisor.mapfile import BUILT, TEXTS, MapFile
from advisor.postconf import Postconf
from advisor.recommendation import RELAX, WARN, Host, Recommendation
from advisor.restriction import Restriction
from advisor.review import holds

RELOAD = "postfix check && postfix reload"
MAIN_CF = "/etc/postfix/main.cf"
_NOT_KNOWN = "not known"


@dataclass(frozen=True)
class Typed:
    """What to type, in order; `config` is the configuration as it stands afterwards.

    `allowed` are the clients that the map lets through by then.
    `diff` is the same as a unified diff of main.cf, or of `postconf -n` where the file itself was not read; () where no
    configuration is known. `patch -R` with it gives back the file byte by byte, `undo` what it says.
    """

    lines: tuple[str, ...]
    trial: tuple[str, ...]
    undo: tuple[str, ...]
    config: Postconf
    diff: tuple[str, ...] = ()
    allowed: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Course:
    """Several changes, each on top of the one before: all of them as one diff, and all undone, the last first."""

    steps: tuple[Typed, ...]
    diff: tuple[str, ...]
    undo: tuple[str, ...]
    config: Postconf


def plan(recommendation: Recommendation, config: Postconf | None, allowed: frozenset[str] = frozenset()) -> Typed:
    """Write the lines for a recommendation, given what stands in the configuration.

    `allowed` are the clients that the map lets through already: postmap warns of a key that comes twice.
    """
    config = config or Postconf({}, _NOT_KNOWN)
    if recommendation.parameter == recommendation.name:
        return replace(set_to(config, recommendation.name, "yes"), allowed=allowed)
    return _list(recommendation, config, allowed)


def plan_of(
    recommendations: Iterable[Recommendation], config: Postconf | None, held: frozenset[str] = frozenset()
) -> Course:
    """Write the lines for several recommendations in their order; `held` are the clients of held()."""
    before = now = config or Postconf({}, _NOT_KNOWN)
    steps: list[Typed] = []
    for recommendation in recommendations:
        steps.append(plan(recommendation, now, steps[-1].allowed if steps else held))
        now = steps[-1].config
    back = [line for step in reversed(steps) for line in step.undo if line not in _RELOADS]
    return Course(tuple(steps), _diff(before, now), (*back, _RELOADS[0]) if back else (), now)


def held(hosts: Iterable[Host], config: Postconf | None, files: Mapping[str, MapFile]) -> frozenset[str]:
    """The hosts that the map of allowed clients lets through as it lies on the disk: nobody needs to add them."""
    if config is None or (file := files.get(_table(config))) is None:
        return frozenset()
    kind = file.table.partition(":")[0]
    try:
        there = opened(file.table, file.text, "client", kind if kind in TEXTS else "")
    except AdvisorError:
        # A table with conditions is not read here; an entry that stands there twice does no harm in it.
        return frozenset()
    rows = {host.client_address: {"client_name": host.client_name or "unknown"} for host in hosts}
    return frozenset(address for address, names in rows.items() if holds(there, {"client_address": address, **names}))


_RELOADS = ("postfix reload", RELOAD)


def set_to(config: Postconf, name: str, value: str) -> Typed:
    """Write the lines that give a setting a value of ours."""
    command = "postconf -e " + shlex.quote(f"{name} = {value}")
    lines = [f"# {MAIN_CF}:", f"{name} = {value}", "# or, instead of the editor:", command, "# then:", RELOAD]
    # Without the text of main.cf there is none afterwards either: `_text` then makes one of the settings.
    text = revision.with_value(config.text, name, value) if config.text else ""
    after = replace(config, parameters={**config.parameters, name: value}, text=text)
    return Typed(
        (*_displaced(config, name), *lines), (), (undo(config, name), _RELOADS[0]), after, _diff(config, after)
    )


def _list(recommendation: Recommendation, config: Postconf, allowed: frozenset[str]) -> Typed:
    """The lines for an entry of a restriction list, the hosts to allow first."""
    hosts = wanted_hosts(recommendation.hosts)
    warns = recommendation.recommendation == WARN
    table = _table(config)
    # On trial nobody is refused, so nobody needs to be let through yet.
    before = (Entry("check_client_access", table),) if hosts and not warns else ()
    parameter = recommendation.parameter
    if recommendation.recommendation == RELAX:
        zone = recommendation.argument.partition("=")[0]
        parameter = next(iter(config.state(recommendation.name, zone).parameters), parameter)
    wanted = Entry(recommendation.name, recommendation.argument, warns)
    entries = insert(config, parameter, wanted, before)
    lines = list(_displaced(config, parameter))
    if before:
        # The table first: a list that names a table which is not there makes smtpd refuse all mail for the moment.
        lines += _map(table, [host for host in hosts if host.client_address not in allowed])
        allowed |= {host.client_address for host in hosts}
    lines += [f"# {MAIN_CF}:", *with_entries(config, parameter, entries).rstrip("\n").split("\n")]
    lines += ["# or, instead of the editor:", commands(parameter, entries), "# then:", RELOAD]
    trial: tuple[str, ...] = ()
    if recommendation.recommendation not in (WARN, RELAX):
        trial = (commands(parameter, insert(config, parameter, replace(wanted, warn=True))), RELOAD)
    spelled = [f"warn_if_reject {entry}" if entry.warn else str(entry) for entry in entries]
    text = revision.with_list(config.text, parameter, spelled) if config.text else ""
    after = replace(config, parameters={**config.parameters, parameter: ", ".join(spelled)}, text=text)
    back = (undo(config, parameter), _RELOADS[0])
    return Typed(tuple(lines), trial, back, after, _diff(config, after), allowed)


def _table(config: Postconf) -> str:
    """The map of allowed clients: as main.cf spells it already, else of the type that this Postfix writes.

    A pcre or regexp table holds patterns, in which an address would match more than itself: then it is one beside it.
    """
    name = exemption.FILE
    for parameter in LISTS:
        for entry in config.entries(parameter):
            kind, _, path = entry.argument.partition(":")
            if entry.name == "check_client_access" and path == exemption.FILE:
                if kind in (*BUILT, "texthash", "cidr"):
                    return entry.argument
                name = f"{exemption.FILE}_allow"
    return f"{config.database_type()}:{name}"


def _map(table: str, hosts: Sequence[Host]) -> list[str]:
    """The lines to add to the map, if any, and postmap where its type needs that."""
    if not hosts:
        return []
    kind, _, name = table.partition(":")
    made = [f"postmap {table}"] if kind not in TEXTS else []
    return [f"# {name}, add:", *exemption.lines(hosts), *(["# then:", *made] if made else [])]


def _displaced(config: Postconf, parameter: str) -> tuple[str, ...]:
    """A word of warning, where a service of master.cf has a value of its own: what main.cf says has no effect there."""
    return tuple(
        f"# {service} in master.cf has its own {parameter}, so this has no effect there until that is taken out: "
        f"postconf -PX {service}/{parameter}"
        for service in servers(config)
        if service is not None and parameter in service.overrides
    )


def _text(config: Postconf) -> str:
    """The text of main.cf; where only its settings are known, as `postconf -n` prints them."""
    return config.text or "".join(f"{name} = {' '.join(words(value))}\n" for name, value in config.parameters.items())


def _diff(before: Postconf, after: Postconf) -> tuple[str, ...]:
    if before.origin == _NOT_KNOWN:
        return ()
    return revision.difference(_text(before), _text(after), MAIN_CF if before.text else "postconf -n")


def wanted_hosts(hosts: Iterable[Host]) -> list[Host]:
    """The hosts that an allowlist is for."""
    return exemption.wanted(hosts)


def allowlist_lines(hosts: Sequence[Host], held: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """What all changes together add to the map of allowed clients."""
    return exemption.lines([host for host in hosts if host.client_address not in held])


def knob(restriction: Restriction) -> str:
    """The change to the logging that supplies what a restriction needs to see."""
    if restriction.parameter == "smtpd_helo_restrictions":
        return (
            "smtpd_log_access_permit_actions = static:all shows the HELO of accepted mail (Postfix 2.10 and later, "
            "where the recipient list ends in permit)."
        )
    if restriction.name == "smtpd_helo_required":
        return "Postfix 3.0 and later count the commands of each session."
    return f"warn_if_reject {restriction.name} logs what it would refuse, and stops nothing."
