"""The effect of a setting: whether what main.cf says is ever asked of mail from outside, and what to do if not.

A restriction is looked for in every list as each smtpd at port 25 sees it, with master.cf's -o options in force.
Source: smtpd_check.c (generic_checks(), smtpd_check_rcpt()), postscreen(8), master(5).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from advisor.entry import ALIASES, LISTS, Entry, bare, before_guard, end_of, fits, guarded, may_permit
from advisor.errors import AdvisorError
from advisor.mapfile import MapFile
from advisor.master import Service
from advisor.postconf import Postconf
from advisor.problem import RECIPIENT, RELAY
from advisor.state import State, Word

SCREENS = ("postscreen_dnsbl_action", "postscreen_greet_action")
OPENS = "an OK from it opens a relay; put reject_unauth_destination before it."
_OTHER = {RELAY: RECIPIENT, RECIPIENT: RELAY}
_HEARD = {
    "smtpd_client_restrictions": ("helo", "sender", "recipient", "unauth_destination"),
    "smtpd_helo_restrictions": ("sender", "recipient", "unauth_destination"),
    "smtpd_sender_restrictions": ("recipient", "unauth_destination"),
}
"""What the client has not said yet when the list is asked, where smtpd_delay_reject = no."""
_NEEDS_NAME = ("reject_unknown_client_hostname", "reject_unknown_reverse_client_hostname")
_DISPLACED = "{service} in master.cf has -o {parameter}={value} in place of main.cf's"


@dataclass
class _Sightings:
    """Where a restriction stands and is asked, where it stands for nothing, and what there is to say of either."""

    asked: list[tuple[str, int, bool]] = field(default_factory=list)
    idle: list[tuple[str, int]] = field(default_factory=list)
    why: list[str] = field(default_factory=list)
    risks: list[str] = field(default_factory=list)


def state(config: Postconf, name: str, argument: str = "", files: Mapping[str, MapFile] | None = None) -> State:
    """Say whether a restriction or setting is off, warns, is enforced, has no effect, or is risky; and why.

    `name` may also be smtpd_helo_required or one of postscreen's actions. `files` are the tables as they lie on the
    disk (advisor.mapfile.look); what is not among them is taken to be in order. A list that cannot be read counts as
    never asked, and says so.
    """
    name = ALIASES.get(name.lower(), name.lower())
    if name == "smtpd_helo_required":
        return _setting(config, name)
    if name in SCREENS:
        return _screen(config, name)
    wanted = Entry(name, argument)
    seen = _Sightings()
    for service in servers(config):
        _look(seen, config.seen_by(service) if service else config, wanted, files or {})
        if service:
            _displaced(seen, config, service, wanted)
    if not servers(config):
        seen.why.append("master.cf has no smtpd at port 25, so mail from other servers never comes to these lists.")
        seen.idle += [place for parameter in LISTS for place in _held(config, parameter, wanted)]
    return _summed_up(seen)


def servers(config: Postconf) -> tuple[Service | None, ...]:
    """Give the smtpd services that hear mail from outside; (None,) where master.cf is not known, () where none does."""
    if config.master is None:
        return (None,)
    return config.master.mail_servers(config.value("smtpd_service_name") or "smtpd")


def _is(entry: Entry, wanted: Entry) -> bool:
    return entry.name.lower() == wanted.name and fits(entry.argument, wanted.argument)


def _summed_up(seen: _Sightings) -> State:
    """Make a state of what was seen: enforced in one place is enforced, though it only warns in another."""
    says = tuple(dict.fromkeys([*seen.risks, *seen.why]))
    word: Word
    if not seen.asked:
        places = list(dict.fromkeys(seen.idle))
        word, says = ("no effect", says) if places else ("off", ())
    else:
        only_warns = all(warn for _, _, warn in seen.asked)
        asked = [(parameter, position) for parameter, position, warn in seen.asked if warn == only_warns]
        places = list(dict.fromkeys(asked))
        word = "risky" if seen.risks else "warn" if only_warns else "enforced"
    return State(word, tuple(parameter for parameter, _ in places), tuple(position for _, position in places), says)


def _look(seen: _Sightings, view: Postconf, wanted: Entry, files: Mapping[str, MapFile]) -> None:
    """Look for it in all lists as one smtpd sees them."""
    lists: dict[str, Sequence[Entry]] = {}
    for parameter in LISTS:
        try:
            lists[parameter] = view.entries(parameter)
        except AdvisorError as error:
            if wanted.name in view.value(parameter):
                seen.idle.append((parameter, 1))
                said = "cannot be read, so smtpd answers 451 to all mail that comes that far"
                seen.why.append(f"{parameter} {said}: {error.what}; {error.todo}.")
    for parameter, entries in lists.items():
        for at, entry in enumerate(entries):
            if not _is(entry, wanted):
                continue
            file = files.get(entry.argument)
            idle = _unheard(view, parameter, entries[:at], entry) or _unread(parameter, entries, at, file)
            if idle:
                seen.why.append(idle)
                seen.idle.append((parameter, at + 1))
                continue
            seen.asked.append((parameter, at + 1, entry.warn))
            seen.risks += _harm(view, parameter, entry)
            if at < len(before_guard(entries)):
                seen.risks += _opens(lists, parameter, entry)


def _unheard(view: Postconf, parameter: str, before: Sequence[Entry], entry: Entry) -> str:
    """Say why an entry is never asked of mail from outside; '' where it is."""
    end = end_of(before)
    if end < len(before):
        does = "lets everything pass" if before[end].name == "permit" else "refuses whatever comes that far"
        return f"{parameter} has {entry} behind {before[end]}, which {does}: move it before that."
    if any(earlier.name == "permit_mynetworks" for earlier in before) and any(
        network.prefixlen == 0 for network in view.networks().inside
    ):
        return f"{parameter} has {entry} behind permit_mynetworks, and mynetworks is the whole world: mend mynetworks."
    always = next((one for one in before if one.argument.lower() in ("static:ok", "static:permit")), None)
    if always:
        return f"{parameter} has {entry} behind {always}, which lets everything pass: move it before that."
    if view.value("smtpd_delay_reject") == "no" and any(word in entry.name for word in _HEARD.get(parameter, ())):
        return (
            f"{parameter} is asked before the client has said what {entry} looks at, for smtpd_delay_reject = no: "
            f"set smtpd_delay_reject = yes, or move it to {RECIPIENT}."
        )
    return ""


def _unread(parameter: str, entries: Sequence[Entry], at: int, file: MapFile | None) -> str:
    """Say why a table has no effect as it lies there, or where its entry stands; '' where it has."""
    entry = entries[at]
    if file is None:
        return ""
    if file.missing:
        todo = f"run: postmap {entry.argument}" if file.needs_postmap else "write it"
        if file.needs_postmap and file.source is None:
            todo = f"write its source and {todo}"
        said = "that table is not there: smtpd answers 451 to all who are looked up in it"
        return f"{parameter} has {entry}, and {said}; {todo}."
    if file.stale:
        said = "was written after postmap ran last: what was changed since has no effect"
        return f"{parameter} has {entry}, whose source {said}; run: postmap {entry.argument}."
    later = [other for other in entries[at + 1 :] if not other.name.startswith("permit")]
    before = [other for other in entries[:at] if not other.name.startswith(("permit", "check_"))]
    if file.only_ok and before and not later:
        said = "an OK that comes behind all that refuses lets nobody through"
        return f"{parameter} has {entry} behind {before[0]}: {said}; move it before that."
    return ""


def _displaced(seen: _Sightings, config: Postconf, service: Service, wanted: Entry) -> None:
    """Find the lists of main.cf that hold it and that a service of master.cf replaces by others that do not."""
    for parameter in LISTS:
        held = _held(config, parameter, wanted) if parameter in service.overrides else []
        if held and not _held(config.seen_by(service), parameter, wanted):
            seen.idle += held
            said = _DISPLACED.format(service=service, parameter=parameter, value=service.overrides[parameter])
            seen.why.append(f"{said}: take that out (postconf -PX {service}/{parameter}).")


def _held(config: Postconf, parameter: str, wanted: Entry) -> list[tuple[str, int]]:
    """Where a list holds it; nowhere if it cannot be read, which _look tells."""
    try:
        entries = config.entries(parameter)
    except AdvisorError:
        return []
    return [(parameter, position) for position, entry in enumerate(entries, 1) if _is(entry, wanted)]


def _opens(lists: Mapping[str, Sequence[Entry]], parameter: str, entry: Entry) -> Iterator[str]:
    """Whether its OK opens a relay: it stands before relay control, and the other list has none."""
    other = _OTHER.get(parameter)
    if other and may_permit(entry) and not guarded(lists.get(other, ())):
        yield (
            f"{parameter} has {entry} before reject_unauth_destination, and {other} refuses no other destinations: "
            + OPENS
        )


def _harm(view: Postconf, parameter: str, entry: Entry) -> Iterator[str]:
    """Say what makes it refuse mail that it is not for."""
    if entry.name in _NEEDS_NAME and view.value("smtpd_peername_lookup") == "no" and not entry.warn:
        yield (
            f"{parameter} has {entry} while smtpd_peername_lookup = no: no client has a name then, and it refuses all "
            "of them; set smtpd_peername_lookup = yes."
        )
    if entry.name == "check_policy_service" and view.master is not None:
        yield from _service_missing(view, parameter, entry)


def _service_missing(view: Postconf, parameter: str, entry: Entry) -> Iterator[str]:
    """Say so of a policy service that master.cf should run and does not."""
    kind, _, path = bare(entry.argument).partition(":")
    place, _, name = path.partition("/")
    if kind == "unix" and place in ("private", "public") and view.master and not view.master.has(name, "unix"):
        yield (
            f"{parameter} has {entry}, and master.cf has no service {name}: smtpd answers 451 to all mail that comes "
            f"that far; add the service to master.cf, or take the entry out."
        )


def _setting(config: Postconf, name: str) -> State:
    """Say whether smtpd_helo_required is on, for every smtpd at port 25."""
    views = servers(config)
    values = {str(each): (config.seen_by(each) if each else config).value(name) for each in views}
    on = [service for service, value in values.items() if value == "yes"]
    off = [service for service, value in values.items() if value != "yes"]
    if config.value(name) != "yes" and not on:
        return State("off")
    if not on:
        says = [_DISPLACED.format(service=each, parameter=name, value=values[each]) for each in off]
        said = "; ".join(says) if says else "master.cf has no smtpd at port 25"
        return State("no effect", (name,), (1,), (f"{name} = yes has no effect: {said}.",))
    says = [f"{each} in master.cf overrides {name} = yes: take out its -o {name}={values[each]}." for each in off]
    return State("enforced", (name,), (1,), tuple(says))


def _screen(config: Postconf, name: str) -> State:
    """Say whether one of postscreen's tests refuses anybody: it must stand at port 25, and have lists to ask."""
    if config.value(name) in ("ignore", ""):
        return State("off")
    found = State("enforced", (name,), (1,))
    screens = None
    if config.master is not None:
        screens = [each for each in config.master.at_port_25() if each.command == "postscreen"]
    if screens == []:
        said = f"{name} = {config.value(name)} has no effect: master.cf runs no postscreen at port 25."
        return State("no effect", (name,), (1,), (said,))
    if name == "postscreen_dnsbl_action" and not config.value("postscreen_dnsbl_sites"):
        said = f"{name} = {config.value(name)} has no effect: postscreen_dnsbl_sites is empty; name the lists there."
        return State("no effect", (name,), (1,), (said,))
    return found
