"""A change: the lines to type for one recommendation, its trial and its undoing. Nothing is changed by us."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from advisor import allowlist
from advisor.amendment import commands, insert, undo, with_entries
from advisor.entry import Entry
from advisor.postconf import Postconf
from advisor.recommendation import RELAX, WARN, Host, Recommendation
from advisor.restriction import Restriction

RELOAD = "postfix check && postfix reload"


@dataclass(frozen=True)
class Typed:
    """What to type, in order; `config` is the configuration as it stands afterwards."""

    lines: tuple[str, ...]
    trial: tuple[str, ...]
    undo: tuple[str, ...]
    config: Postconf


def plan(recommendation: Recommendation, config: Postconf | None) -> Typed:
    """Write the lines for a recommendation, given what stands in the configuration."""
    config = config or Postconf({}, "not known")
    if recommendation.parameter == recommendation.name:
        return _setting(recommendation.name, config)
    return _list(recommendation, config)


def _setting(name: str, config: Postconf) -> Typed:
    before = config.parameters.get(name)
    back = f"postconf -e '{name} = {before}'" if before in ("yes", "no") else f"postconf -X {name}"
    command = f"postconf -e '{name} = yes'"
    lines = ("# /etc/postfix/main.cf:", f"{name} = yes", "# or, instead of the editor:", command, "# then:", RELOAD)
    after = replace(config, parameters={**config.parameters, name: "yes"})
    return Typed(lines, (), (back, "postfix reload"), after)


def _list(recommendation: Recommendation, config: Postconf) -> Typed:
    """The lines for an entry of a restriction list, the hosts to allow first."""
    hosts = wanted_hosts(recommendation.hosts)
    table = f"{config.database_type()}:{allowlist.FILE}"
    warns = recommendation.recommendation == WARN
    # On trial nobody is refused, so nobody needs to be let through yet.
    before = (Entry("check_client_access", table),) if hosts and not warns else ()
    parameter = recommendation.parameter
    if recommendation.recommendation == RELAX:
        parameter = next(iter(config.state(recommendation.name).parameters), parameter)
    entries = insert(config, parameter, Entry(recommendation.name, warn=warns), before)
    lines: list[str] = []
    if hosts and not warns:
        # The table first: a list that names a table which is not there makes smtpd refuse all mail for the moment.
        lines += [f"# {allowlist.FILE}, add:", *allowlist.lines(hosts), "# then:", f"postmap {table}"]
    lines += ["# /etc/postfix/main.cf:", *with_entries(config, parameter, entries).rstrip("\n").split("\n")]
    lines += ["# or, instead of the editor:", commands(parameter, entries), "# then:", RELOAD]
    trial: tuple[str, ...] = ()
    if recommendation.recommendation not in (WARN, RELAX):
        trial = (commands(parameter, insert(config, parameter, Entry(recommendation.name, warn=True))), RELOAD)
    value = ", ".join(f"warn_if_reject {entry}" if entry.warn else str(entry) for entry in entries)
    after = replace(config, parameters={**config.parameters, parameter: value})
    return Typed(tuple(lines), trial, (undo(config, parameter), "postfix reload"), after)


def wanted_hosts(hosts: Iterable[Host]) -> list[Host]:
    """The hosts that an allowlist is for."""
    return allowlist.wanted(hosts)


def allowlist_lines(hosts: Sequence[Host]) -> tuple[str, ...]:
    """The allowlist map for all changes together."""
    return allowlist.lines(hosts)


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
