"""A deviation: what in this configuration is not as it should be by the well-known article and by Postfix, and why.

Beside what makes a configuration wrong in itself (advisor.problem). Source: postconf(5), smtpd_check.c, RFC 5782.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from advisor.effect import OPENS, SCREENS, state
from advisor.entry import ENDS, GUARDS, LISTS, OWN, Entry, bare, end_of, guarded, suggest
from advisor.errors import AdvisorError
from advisor.mapfile import MapFile
from advisor.parameter import NAMES, misspelt, references
from advisor.postconf import DEFAULTS, Postconf
from advisor.problem import RECIPIENT, RELAY
from advisor.recommendation import Finding
from advisor.restrictions import CATALOGUE
from advisor.setting import settings

_HELO = ("reject_invalid_helo_hostname", "reject_non_fqdn_helo_hostname", "reject_unknown_helo_hostname")
_PTR, _NAME = "reject_unknown_reverse_client_hostname", "reject_unknown_client_hostname"
_LISTED = ("reject_rbl_client", "reject_rhsbl_client", "reject_rhsbl_helo", "reject_rhsbl_reverse_client")
_ASKS = ("reject_rbl_client", "reject_rhsbl_")
# zen.spamhaus.org  dbl.spamhaus.org  KEY.zen.dq.spamhaus.net
_SPAMHAUS = re.compile(
    r"(?:\w+\.)?(zen|sbl|xbl|pbl|sbl-xbl|dbl)\.(?:dq\.)?spamhaus\.(?:org|net)", re.ASCII | re.IGNORECASE
)
_REQUIRED = (*GUARDS, "defer_if_permit")
"""Without a working one of these smtpd does not start (smtpd_check_init() in smtpd_check.c)."""
_TIPS = {"check_helo_access": 2, "check_policy_service": 6}
_PUBLIC = {4: 8, 6: 16}
"""A network of mynetworks with a shorter prefix than this is nobody's own."""

Lists = Mapping[str, Sequence[Entry]]


@dataclass(frozen=True)
class Deviation:
    """One thing that deviates, as a sentence that says why it matters and what to do; `tip` as numbered in TIPS.

    `tip` is 0 where it belongs to none. `severity` is 'fix' or 'note', as of a Finding.
    """

    tip: int
    severity: str
    text: str

    @property
    def finding(self) -> Finding:
        """The same as a finding of the report, its tip named."""
        return Finding(self.severity, f"Tip {self.tip}: {self.text}" if self.tip else self.text)


def deviations(config: Postconf, files: Mapping[str, MapFile] | None = None) -> tuple[Deviation, ...]:
    """Say what deviates, what to fix first; what Postconf.problems() says is not said again.

    `files` are the tables as they lie on the disk (advisor.mapfile.look).
    """
    lists: dict[str, Sequence[Entry]] = {}
    for parameter in LISTS:
        try:
            entries = config.entries(parameter)
        except AdvisorError:
            continue  # a problem, told as one
        lists[parameter] = entries[: end_of(entries) + 1]
    found = [each for look in _LOOKS for each in look(config, lists)]
    found += _effects(config, files or {})
    # One sentence may speak for several tips: it is told of the first.
    once = {each.text: each for each in sorted(found, key=lambda each: each.tip, reverse=True)}
    return tuple(sorted(once.values(), key=lambda each: (each.severity != "fix", each.tip, each.text)))


def _effects(config: Postconf, files: Mapping[str, MapFile]) -> Iterator[Deviation]:
    """Entries that are never asked, or that do harm beside what they are for (advisor.effect)."""
    entries: list[Entry] = []
    for parameter in LISTS:
        try:
            entries += config.entries(parameter)
        except AdvisorError:
            continue  # a problem, told as one
    names = [(entry.name, entry.argument) for entry in entries]
    for name, argument in dict.fromkeys([*names, ("smtpd_helo_required", ""), *((each, "") for each in SCREENS)]):
        if name in ENDS or name.startswith(("permit", "$")):
            continue
        found = state(config, name, argument, files)
        tip = (CATALOGUE[name].tip if name in CATALOGUE else 0) or _TIPS.get(name, 0)
        for says in found.says if found.word in ("no effect", "risky") else ():
            # Postconf.problems() has told what opens a relay in the recipient list.
            if not (says.startswith(RECIPIENT) and says.endswith(OPENS)):
                yield Deviation(tip, "fix", says)


def _file(config: Postconf, _: Lists) -> Iterator[Deviation]:
    """What main.cf as a text says twice, or under a name that is none."""
    counts = Counter(each.name for each in settings(config.text)[0])
    for name, count in counts.items():
        if count > 1:
            yield Deviation(0, "fix", f"{name} is set {count} times, and only the last counts: leave one.")
    for name in config.parameters:
        near = suggest(name, LISTS) if name.startswith("smtpd_") and name.endswith("_restrictions") else None
        if near and name not in LISTS and name not in {*_OTHER_LISTS, *config.classes()} and not _used(config, name):
            yield Deviation(0, "fix", f"Nothing reads {name}, so its list is never asked; did you mean {near}?")


def _names_of_nothing(config: Postconf, _: Lists) -> Iterator[Deviation]:
    """Names that are nearly a parameter's, and values that refer to a parameter that nobody sets."""
    own = [name for name in config.parameters if not (name.startswith("smtpd_") and name.endswith("_restrictions"))]
    for name, near in misspelt(own):
        if not _used(config, name):
            text = f"Postfix has no {name} that we know of, and nothing here refers to it"
            yield Deviation(0, "fix", f"{text}, so it does nothing; did you mean {near}?")
    for parameter in (*LISTS, *_OF_LISTS):
        for name in dict.fromkeys(references(config.parameters.get(parameter, ""))):
            if not (config.is_set(name) or name in config.known or name in NAMES or name in DEFAULTS):
                text = f"{parameter} has ${name}, which is set nowhere, so Postfix takes it for nothing"
                yield Deviation(0, "fix", f"{text}; set it, or take it out.")


_OF_LISTS = ("mynetworks", "mydestination", "relay_domains", "virtual_mailbox_domains", "smtpd_restriction_classes")
_OTHER_LISTS = ("smtpd_etrn_restrictions",)


def _used(config: Postconf, name: str) -> bool:
    """Whether another setting, or a service of master.cf, refers to it."""
    texts = [*config.parameters.values()]
    for service in config.master.services if config.master else ():
        texts += service.overrides.values()
    return any(f"${mark}" in text for text in texts for mark in (name, f"{{{name}", f"({name}"))


def _relay(config: Postconf, lists: Lists) -> Iterator[Deviation]:
    """Relay control that is missing altogether, and networks that are everybody's."""
    asked = [entry for name in (RELAY, RECIPIENT) for entry in lists.get(name, ())]
    # Where neither says which Postfix it is, one before 3.0 may have its own relay control by default.
    stated = RELAY in config.known or config.is_set(RELAY) or config.is_set("compatibility_level")
    both = RELAY in lists and RECIPIENT in lists
    if stated and both and not any(e.name in _REQUIRED and not e.warn for e in asked):
        text = f"neither {RELAY} nor {RECIPIENT} refuses other destinations, so smtpd does not start"
        yield Deviation(6, "fix", f"{text}: set {RELAY} = {', '.join(OWN)}, reject_unauth_destination.")
    wide = [str(each) for each in config.networks().inside if each.prefixlen < _PUBLIC[each.version]]
    if wide and config.is_set("mynetworks"):
        text = f"mynetworks has {', '.join(wide)}: all those may send through this server and pass every check"
        yield Deviation(0, "fix", f"{text}; name your own networks only.")


def _names(_: Postconf, lists: Lists) -> Iterator[Deviation]:
    """Tips 1 and 3: one contains the other."""
    on = {entry.name: parameter for parameter, entries in lists.items() for entry in entries if not entry.warn}
    if _PTR in on and _NAME in on:
        text = f"{on[_NAME]} has {_NAME}, which refuses all that {_PTR} refuses"
        yield Deviation(3, "note", f"{text}; the latter does no harm, and says in the log which of the two it was.")


def _hello(config: Postconf, lists: Lists) -> Iterator[Deviation]:
    """Tip 2: a HELO that need not be sent, and exceptions that come too late."""
    on = [(parameter, e) for parameter, entries in lists.items() for e in entries if e.name in _HELO and not e.warn]
    if on and config.value("smtpd_helo_required") != "yes":
        text = f"{on[0][0]} has {on[0][1]}, but smtpd_helo_required = no: a client that sends no HELO passes it"
        yield Deviation(2, "fix", f"{text}; set smtpd_helo_required = yes.")
    for parameter, entries in lists.items():
        for at, entry in enumerate(entries):
            first = next((e for e in entries[:at] if _excused_by(e, entry.name) and not e.warn), None)
            if first:
                tip = 2 if "helo" in entry.name else 1
                text = f"{parameter} has {entry} behind {first}: an OK in that table comes too late for it"
                yield Deviation(tip, "note", f"{text}; an allowlist stands before what it excuses from.")


def _excused_by(reject: Entry, table: str) -> bool:
    """Whether an access table is the kind that excuses from a restriction."""
    if table == "check_helo_access":
        return reject.name in _HELO
    return table == "check_client_access" and reject.name in (_PTR, _NAME, *_HELO, *_LISTED)


def _lists(_: Postconf, lists: Lists) -> Iterator[Deviation]:
    """Tip 6: DNS lists that take an error for a listing, or that own users are asked against."""
    for parameter, entries in lists.items():
        filters = [(e, _filter(e.argument)) for e in entries if e.name.startswith(_ASKS) and not e.warn]
        bare_ones = [(e, wanted) for e, wanted in filters if wanted]
        if bare_ones:
            text = f"{parameter} has {', '.join(str(e) for e, _ in bare_ones)} without a filter: its error answers"
            why = "(127.255.255.x, to a public resolver or above its quota) count as listings and refuse everybody"
            todo = ", ".join(f"{e}={wanted}" for e, wanted in bare_ones)
            yield Deviation(6, "fix", f"{text} {why}; write {todo}.")
        for at, entry in enumerate(entries):
            missing = [name for name in OWN if name not in {earlier.name for earlier in entries[:at]}]
            if entry.name in _LISTED and missing and not entry.warn:
                text = f"{parameter} has {entry} without {' and '.join(missing)} before it"
                yield Deviation(6, "fix", f"{text}: your own users on dial-up lines, which lists name, are refused.")
                break


def _filter(name: str) -> str:
    """Give the answers of a list that are listings, where it is known to answer errors as well; '' for others."""
    found = _SPAMHAUS.fullmatch(name)
    return "" if found is None else "127.0.1.[2..99]" if found[1].lower() == "dbl" else "127.0.0.[2..11]"


def _policies(config: Postconf, lists: Lists) -> Iterator[Deviation]:
    """Tips 5 and 6: policy services in the wrong order, or that are killed while they are asked."""
    for parameter, entries in lists.items():
        services = [bare(entry.argument) for entry in entries if entry.name == "check_policy_service"]
        spf = next((at for at, name in enumerate(services) if "spf" in name), None)
        grey = next((at for at, name in enumerate(services) if "postgrey" in name or name.endswith(":10023")), None)
        if spf is not None and grey is not None and grey < spf:
            text = f"{parameter} asks {services[grey]} before {services[spf]}: what SPF refuses is greylisted first"
            yield Deviation(5, "note", f"{text}, and comes once more; put SPF before greylisting.")
        for name in services:
            yield from _time_limit(config, name)


def _time_limit(config: Postconf, name: str) -> Iterator[Deviation]:
    """Spawn kills a policy service after command_time_limit (1000 s), in the middle of a session (spawn(8))."""
    service = name.rpartition("/")[2]
    spawned = config.master and any(s.name == service and s.command == "spawn" for s in config.master.services)
    if spawned and not config.is_set(f"{service}_time_limit"):
        text = f"{service}_time_limit is not set, so spawn ends {service} after 1000 seconds, whoever it is talking to"
        yield Deviation(6, "fix", f"{text}, and that client is deferred with 451; set {service}_time_limit = 3600s.")


def _softened(config: Postconf, lists: Lists) -> Iterator[Deviation]:
    """What makes refusals softer or harder than the tips take them for."""
    if config.value("soft_bounce") == "yes":
        text = "soft_bounce = yes turns every 5xx into a 4xx, so what is refused comes again for days"
        yield Deviation(0, "fix", f"{text}; set soft_bounce = no once the change has proved itself.")
    if config.value("smtpd_delay_reject") == "no":
        text = "smtpd_delay_reject = no refuses before the recipient is known: the log does not say whose mail it was"
        yield Deviation(0, "note", f"{text}, and restrictions on later commands are not asked; yes is the default.")
    for what, tip in (("client", 3), ("address", 4), ("hostname", 2)):
        name = f"unknown_{what}_reject_code"
        if config.value(name).startswith("5"):
            text = f"{name} = {config.value(name)} makes it final: mail of a host whose DNS is broken bounces at once"
            yield Deviation(tip, "note", f"{text}, where 450 lets it be mended; failed look-ups stay 450.")
    if config.value("smtpd_reject_unlisted_recipient") == "no" and not any(
        entry.name == "reject_unlisted_recipient" for entries in lists.values() for entry in entries
    ):
        text = (
            "smtpd_reject_unlisted_recipient = no takes mail for unknown recipients, and bounces it to forged senders"
        )
        yield Deviation(0, "fix", f"{text}; set it to yes.")


def _unguarded(_: Postconf, lists: Lists) -> Iterator[Deviation]:
    """Tip 6: the article's recipient list has no relay control of its own."""
    recipient = lists.get(RECIPIENT, ())
    services = [entry for entry in recipient if entry.name == "check_policy_service"]
    if services and not guarded(recipient) and guarded(lists.get(RELAY, ())):
        text = f"{RECIPIENT} has {services[0]} and no reject_unauth_destination: only {RELAY} keeps the relay closed"
        yield Deviation(6, "note", f"{text}, so keep that, or put reject_unauth_destination before the service.")


_LOOKS: tuple[Callable[[Postconf, Lists], Iterator[Deviation]], ...] = (
    _file, _names_of_nothing, _relay, _names, _hello, _lists, _policies, _softened, _unguarded,
)  # fmt: skip
