"""The milters of tip 7: OpenDKIM and OpenDMARC, their settings, and how Postfix asks them.

Source: opendkim.conf(5), opendmarc.conf(5), MILTER_README; the packages' own files. A chrooted smtpd (column 5 of
master.cf) finds a socket only below the queue directory.
"""

from collections.abc import Iterator, Mapping

from advisor.checkup import FIX, NOTE, OK, UNKNOWN, Checkup, Machine
from advisor.endpoint import asked_at, served_at, spelled
from advisor.entry import tokens
from advisor.postconf import Postconf
from advisor.setting import logical_lines

DKIM, DMARC = "etc/opendkim.conf", "etc/opendmarc.conf"
_TRUE, _FALSE = ("true", "yes", "1"), ("false", "no", "0")
_CHROOT = 4


def settings(text: str) -> dict[str, str]:
    """Read `Name value` lines by the name in lower case, as both programs do; the last one counts."""
    found = {}
    for line in text.splitlines():
        name, _, value = line.partition("#")[0].strip().replace("\t", " ").partition(" ")
        if name:
            found[name.lower()] = value.strip()
    return found


def checkups(machine: Machine) -> Iterator[Checkup]:
    """Look at both programs' settings, and at smtpd_milters."""
    dkim, dmarc = machine.tree.text(DKIM), machine.tree.text(DMARC)
    wanted = {}
    unread = [path for path in (DKIM, DMARC) if path in machine.tree.unreadable]
    if unread:
        what = f"/{' and /'.join(unread)} may not be read"
        yield Checkup(UNKNOWN, 7, "unreadable", what, "what is set there is not known", ("sudo advisor system",))
        return
    if dkim is None:
        why = "OpenDMARC needs its verdicts, and others want your mail signed"
        todo = machine.release.install("opendkim")
        yield Checkup(FIX if dmarc else NOTE, 7, "opendkim", "OpenDKIM is not installed", why, todo)
    else:
        wanted["opendkim"] = settings(dkim)
    if dmarc is None:
        why = "mail that forges a domain with p=reject is then not refused for it; ask the log first what it would stop"
        todo = ("advisor simulate opendmarc", *machine.release.install("opendmarc"))
        yield Checkup(NOTE, 7, "opendmarc", "OpenDMARC is not installed", why, todo)
    else:
        wanted["opendmarc"] = settings(dmarc)
        yield from _dmarc(machine, wanted["opendmarc"], wanted.get("opendkim"))
    if machine.config and wanted:
        yield from _wired(machine, machine.config, wanted)


def _dmarc(machine: Machine, here: Mapping[str, str], dkim: Mapping[str, str] | None) -> Iterator[Checkup]:
    yield from _names(machine, here, dkim)
    rejects = here.get("rejectfailures", "false").lower() in _TRUE
    own = FIX if rejects else NOTE
    why = "mail of your own users comes unsigned, fails, and is refused"
    yield _switch(here, "IgnoreAuthenticatedClients", own, why if rejects else f"once RejectFailures is true, {why}")
    why = "what fails is only marked; ask the log first what would be refused: advisor simulate opendmarc"
    yield _switch(here, "RejectFailures", NOTE, why)
    why = "messages whose headers break RFC 5322 pass, such as those with two From lines"
    yield _switch(here, "RequiredHeaders", NOTE, why)


def _switch(here: Mapping[str, str], name: str, severity: str, why: str) -> Checkup:
    value = here.get(name.lower())
    label = f"opendmarc.{name}"
    if value is not None and value.lower() in _TRUE:
        return Checkup(OK, 7, label, f"{name} {value}")
    todo = (f"# in /{DMARC}:", f"{name} true", "systemctl restart opendmarc")
    if value is not None and value.lower() not in _FALSE:
        return Checkup(FIX, 7, label, f"{name} is '{value}', neither true nor false", why, todo)
    said = f"{name} {value}" if value is not None else f"{name} is not set, which is false"
    return Checkup(severity, 7, label, said, why, todo)


def _names(machine: Machine, here: Mapping[str, str], dkim: Mapping[str, str] | None) -> Iterator[Checkup]:
    """Whether opendmarc trusts the verdicts that opendkim writes: their names have to agree, in any case."""
    host = machine.config.value("myhostname") if machine.config else ""
    own = _name(here.get("authservid", ""), host)
    trusted = [_name(each.strip(), host) for each in here.get("trustedauthservids", "").split(",") if each.strip()]
    if dkim is None:
        return
    signer = _name(dkim.get("authservid", ""), host)
    if not signer or not all(trusted or [own]):
        what = "AuthservID is this host's name by default, and main.cf does not set myhostname"
        why = "opendmarc counts only verdicts under a name it trusts; whether they agree cannot be told here"
        yield Checkup(UNKNOWN, 7, "opendmarc.TrustedAuthservIDs", what, why, ("postconf myhostname",))
    elif signer.lower() in [each.lower() for each in trusted or [own]]:
        yield Checkup(OK, 7, "opendmarc.TrustedAuthservIDs", f"OpenDMARC trusts OpenDKIM's verdicts, under {signer}")
    else:
        what = f"OpenDKIM writes its verdicts as {signer}, OpenDMARC trusts {', '.join(trusted or [own])}"
        why = "then no DKIM signature counts, and signed mail fails DMARC wherever SPF does not pass"
        todo = (f"# in /{DMARC}:", f"TrustedAuthservIDs {signer}", "systemctl restart opendmarc")
        yield Checkup(FIX, 7, "opendmarc.TrustedAuthservIDs", what, why, todo)


def _name(text: str, host: str) -> str:
    return host if text in ("", "HOSTNAME") else text


def chrooted(config: Postconf, text: str) -> bool:
    """Whether the smtpd at port 25 runs chrooted; `-` is no since Postfix 3.0, with compatibility_level 1 or more."""
    columns = [line.text.split() for line in logical_lines(text)]
    found = [each[_CHROOT] for each in columns if len(each) > 7 and each[1] in ("inet", "pass") and each[7] == "smtpd"]
    old = config.value("compatibility_level").partition(".")[0] in ("", "0")
    return bool(found) and (found[0] == "y" or (found[0] == "-" and old))


def _wired(machine: Machine, main: Postconf, wanted: Mapping[str, Mapping[str, str]]) -> Iterator[Checkup]:
    servers = main.master.mail_servers() if main.master else ()
    config = main.seen_by(servers[0]) if servers else main
    chroot = chrooted(main, machine.tree.text("etc/postfix/master.cf") or "")
    milters = [each for each in tokens(config.value("smtpd_milters"), "smtpd_milters") if each]
    first = [each.strip("{} ").split(",")[0].split()[0] for each in milters if each.strip("{} ,")]
    places = [asked_at(each, machine.queue, chroot=chroot) for each in first]
    at = {}
    for name, here in wanted.items():
        socket = here.get("socket", "")
        place = served_at(socket) if socket else ""
        if place and place in places:
            at[name] = places.index(place)
            yield Checkup(OK, 7, f"{name}.milter", f"Postfix asks {name} at {first[at[name]]}")
        else:
            yield _unreached(machine, name, socket, chroot=chroot, asked=", ".join(first))
    if len(at) == len(("opendkim", "opendmarc")) and at["opendmarc"] < at["opendkim"]:
        why = "OpenDMARC then judges before OpenDKIM has: no signature counts"
        todo = ("# in smtpd_milters: opendkim first, then opendmarc", "postfix reload")
        yield Checkup(FIX, 7, "milter.order", "smtpd_milters asks opendmarc before opendkim", why, todo)


def _unreached(machine: Machine, name: str, socket: str, *, chroot: bool, asked: str) -> Checkup:
    label, queue = f"{name}.milter", machine.queue
    if not socket:
        todo = (f"grep -i socket /etc/default/{name} /etc/sysconfig/{name}",)
        return Checkup(UNKNOWN, 7, label, f"/etc/{name}.conf sets no Socket", "where it listens is set elsewhere", todo)
    says = f"smtpd_milters has {asked}" if asked else "smtpd_milters is empty"
    what = f"{name} listens at {socket}, but {says}"
    # another milter may do its work; one of its own name at another place is a mistake
    severity = FIX if name in asked else NOTE
    why = "Postfix does not ask it there" if asked else f"so {name} never sees a mail"
    argument = spelled(served_at(socket), queue, chroot=chroot)
    if argument:
        lists = "smtpd_milters and non_smtpd_milters" if name == "opendkim" else "smtpd_milters"
        return Checkup(severity, 7, label, what, why, (f"# in {lists}: {argument}", "postfix reload"))
    moved = (
        f"# in /etc/{name}.conf:",
        f"Socket local:{queue}/{name}/{name}.sock",
        f"install -d -o {name} -g postfix -m 2750 {queue}/{name}",
        f"# in smtpd_milters: unix:{name}/{name}.sock",
        f"systemctl restart {name} && postfix reload",
    )
    why = f"{why}; smtpd is chrooted to {queue}, and that socket lies outside"
    return Checkup(severity, 7, label, what, why, moved)
