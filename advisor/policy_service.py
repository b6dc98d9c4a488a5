"""The policy services of the tips 5 and 6: postgrey and policyd-spf, installed, wired, and asked where it is harmless.

Source: postgrey(8) and its packages' defaults, policyd-spf(1), SMTPD_POLICY_README, spawn(8).
"""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from advisor.checkup import FIX, NOTE, OK, Checkup, Machine
from advisor.endpoint import asked_at, spelled
from advisor.entry import OWN, Entry, bare, before_guard, end_of, guarded
from advisor.master import Service
from advisor.postconf import Postconf
from advisor.problem import RECIPIENT, RELAY
from advisor.release import DEBIAN, RHEL, assignments
from advisor.spf_policy import read_settings

_POSTGREY = ("etc/default/postgrey", "etc/sysconfig/postgrey", "etc/postgrey", "usr/sbin/postgrey")
_SPF = ("etc/postfix-policyd-spf-python/policyd-spf.conf", "etc/python-policyd-spf/policyd-spf.conf")
_DEBIAN_POSTGREY, _RHEL_POSTGREY = "port 10023", "/var/spool/postfix/postgrey/socket"
_RISK = "an answer of OK from it would open a relay: nothing before it refuses other destinations"


@dataclass(frozen=True)
class Asked:
    """A check_policy_service of main.cf: in which list, its place there, and where Postfix looks for it."""

    parameter: str
    at: int
    entry: Entry
    place: str


def asked(machine: Machine, config: Postconf) -> list[Asked]:
    """Give all policy services that smtpd asks, those behind the end of a list left out."""
    return [
        Asked(parameter, at, entry, asked_at(bare(entry.argument), machine.queue))
        for parameter, entries in config.lists().items()
        for at, entry in enumerate(entries[: end_of(entries)])
        if entry.name == "check_policy_service"
    ]


def checkups(machine: Machine) -> Iterator[Checkup]:
    """Look at postgrey and policyd-spf; raises AdvisorError where main.cf's lists cannot be read."""
    services = asked(machine, machine.config) if machine.config else []
    yield from _postgrey(machine, services)
    yield from _spf(machine, services)


def listens_at(machine: Machine) -> str:
    """Say where postgrey listens: as its options say, else as its package has it."""
    for path in _POSTGREY[:2]:
        every = [each.value for each in assignments(machine.tree.text(path) or "") if each.name.startswith("POSTGREY_")]
        for word in " ".join(every).split():
            option, _, value = word.partition("=")
            if option in ("--unix", "-u") and value:
                return asked_at(f"unix:{value}", machine.queue)
            if option in ("--inet", "-i") and value:
                return asked_at(f"inet:{value}", machine.queue)
    return _DEBIAN_POSTGREY if machine.release.family == DEBIAN else _RHEL_POSTGREY


def _postgrey(machine: Machine, services: list[Asked]) -> Iterator[Checkup]:
    place = listens_at(machine)
    argument = spelled(place, machine.queue)
    wired = [each for each in services if each.place == place]
    lost = [each for each in services if each not in wired and "postgrey" in each.place]
    if not any(map(machine.tree.has, _POSTGREY)):
        if wired or lost:
            what = f"main.cf asks {(wired or lost)[0].entry.argument}, but postgrey is not installed"
            why = "a policy service that does not answer makes smtpd defer all mail with 451"
            yield Checkup(FIX, 5, "postgrey", what, why, machine.release.install("postgrey"))
        else:
            why = "greylisting defers what is seen for the first time; ask the log first what it would delay"
            todo = ("advisor simulate postgrey", *machine.release.install("postgrey"))
            yield Checkup(NOTE, 5, "postgrey", "postgrey is not installed", why, todo)
    elif wired:
        yield from _placed(machine, wired[0], Checkup(OK, 5, "postgrey", f"postgrey is asked at {argument}"))
    elif lost:
        what = f"main.cf asks {lost[0].entry.argument}, but postgrey listens at {argument}"
        why = "a policy service that does not answer makes smtpd defer all mail with 451"
        todo = (f"# in {lost[0].parameter}:", f"check_policy_service {argument}", "postfix reload")
        yield Checkup(FIX, 5, "postgrey", what, why, todo)
    else:
        why = "installed, it does nothing yet; ask the log first what it would delay"
        todo = (
            "advisor simulate postgrey",
            f"# in {RECIPIENT}, behind reject_unauth_destination:",
            f"#   check_policy_service {argument}",
            "systemctl enable --now postgrey && postfix reload",
        )
        yield Checkup(NOTE, 5, "postgrey", "postgrey is installed, and no list asks it", why, todo)


def _placed(machine: Machine, service: Asked, well: Checkup) -> Iterator[Checkup]:
    """Whether a service is asked where its OK opens nothing, and whether its answer counts."""
    config = machine.config
    if config is None:
        return
    entries = config.entries(service.parameter)
    where = service.parameter
    risky = where in (RECIPIENT, RELAY) and service.at < len(before_guard(entries))
    if risky and (where == RELAY or not guarded(config.entries(RELAY))):
        todo = _guard(config)
        yield Checkup(FIX, well.tip, well.name, f"{well.what} in {where}, before relay control", _RISK, todo)
    elif service.entry.warn:
        why = "warn_if_reject stands before it: what it would refuse is only logged"
        yield Checkup(NOTE, well.tip, well.name, f"{well.what} in {where}, as a trial", why)
    else:
        yield Checkup(OK, well.tip, well.name, f"{well.what} in {where}, behind relay control")


def _guard(config: Postconf) -> tuple[str, ...]:
    """Say how relay control comes first; a list of the administrator's own is not overwritten."""
    if config.entries(RELAY):
        return (f"# in {RELAY}:", "#   defer_unauth_destination before whatever may answer OK", "postfix reload")
    first, second = OWN
    return (f'postconf -e {RELAY}="{first} \\', f'  {second} defer_unauth_destination"', "postfix reload")


def _spf(machine: Machine, services: list[Asked]) -> Iterator[Checkup]:
    here = machine.config.master.services if machine.config and machine.config.master else ()
    spawned = (each for each in here if each.command == "spawn")
    own = next((each for each in spawned if "policyd-spf" in " ".join(each.arguments)), None)
    conf = next((path for path in _SPF if machine.tree.has(path)), None)
    name = own.name if own else "policyd-spf"
    wired = next((each for each in services if each.place == f"{machine.queue}/private/{name}"), None)
    if own is None:
        yield _without_service(machine, conf, wired)
        return
    if conf is None and machine.release.family == DEBIAN and not machine.tree.has("usr/bin/policyd-spf"):
        why = "spawn cannot start it, and smtpd defers all mail that is asked about with 451"
        what = "master.cf starts policyd-spf, which is not installed"
        yield Checkup(FIX, 6, "policyd-spf", what, why, machine.release.install("policyd-spf"))
    yield from _service(machine, own)
    if wired is None:
        todo = (
            f"# in {RECIPIENT}, before postgrey:",
            f"#   check_policy_service unix:private/{name}",
            "postfix reload",
        )
        what = f"master.cf has {own}, and no list asks it"
        yield Checkup(NOTE, 6, "policyd-spf", what, "so SPF decides nothing", todo)
        return
    yield from _placed(machine, wired, Checkup(OK, 6, "policyd-spf", f"policyd-spf is asked at unix:private/{name}"))
    yield from _order(machine, services, wired)
    if conf and read_settings(machine.tree.text(conf) or "").TestOnly == 0:
        what = f"/{conf} has TestOnly = 0"
        yield Checkup(NOTE, 6, "policyd-spf.testonly", what, "it only logs; with 1 it refuses, the name misleads")


def _without_service(machine: Machine, conf: str | None, wired: Asked | None) -> Checkup:
    lines = _service_lines(machine)
    if wired:
        what = f"main.cf asks {wired.entry.argument}, but master.cf has no such service"
        return Checkup(FIX, 6, "policyd-spf", what, "smtpd defers all mail that comes so far with 451", lines)
    if conf:
        what = "policyd-spf is installed, but master.cf has no service for it"
        return Checkup(NOTE, 6, "policyd-spf", what, "half installed it does nothing", lines)
    why = "SPF tells who may send for a domain; ask the log first what it would refuse"
    todo = ("advisor simulate policyd-spf", *machine.release.install("policyd-spf"), *lines)
    return Checkup(NOTE, 6, "policyd-spf", "policyd-spf is not installed", why, todo)


def _service_lines(machine: Machine) -> tuple[str, ...]:
    debian = machine.release.family == DEBIAN
    user = "policyd-spf" if debian else "nobody"
    program = "/usr/bin/policyd-spf" if debian else "/usr/libexec/postfix/policyd-spf"
    known = debian or (machine.release.family == RHEL and machine.release.major == 7)
    return (
        *(() if known else ("# first see where the package puts policyd-spf",)),
        "# in /etc/postfix/master.cf:",
        "policyd-spf unix - n n - 0 spawn",
        f"    user={user} argv={program}",
        "postconf -e policyd-spf_time_limit=3600s",
        f"# in {RECIPIENT}, between",
        "# reject_unauth_destination and postgrey:",
        "#   check_policy_service unix:private/policyd-spf",
        "postfix reload",
    )


def _service(machine: Machine, own: Service) -> Iterator[Checkup]:
    words = [word for argument in own.arguments for word in argument.split()]
    if not any(word.startswith("user=") for word in words):
        why = "spawn(8) does not start a command without user="
        todo = ("# in /etc/postfix/master.cf, after spawn: user=... argv=...",)
        yield Checkup(FIX, 6, "policyd-spf.user", f"master.cf has {own} without user=", why, todo)
    limit = f"{own.name}_time_limit"
    if machine.config and not machine.config.is_set(limit):
        why = "after 1000 s spawn ends it amid a session, and smtpd then logs a warning and starts it anew"
        todo = (f"postconf -e {shlex.quote(limit)}=3600s && postfix reload",)
        yield Checkup(FIX, 6, "policyd-spf.time_limit", f"{limit} is not set", why, todo)


def _order(machine: Machine, services: list[Asked], spf: Asked) -> Iterator[Checkup]:
    place = listens_at(machine)
    before = [each for each in services if each.place == place and each.parameter == spf.parameter and each.at < spf.at]
    if before:
        why = "what SPF refuses for good is first deferred, and then asked about again"
        todo = (f"# in {spf.parameter}:", "#   policyd-spf first, then postgrey")
        yield Checkup(NOTE, 6, "policyd-spf.order", "postgrey is asked before policyd-spf", why, todo)
