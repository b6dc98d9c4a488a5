"""The resolver that a machine is told to ask: its own, or one that many share (tips 8 and 9).

Source: resolv.conf(5), systemd-resolved(8), NetworkManager.conf(5), postfix's chroot copy below the queue directory.
"""

from collections.abc import Iterator
from ipaddress import ip_address

from advisor import bind
from advisor.checkup import FIX, NOTE, OK, UNKNOWN, Checkup, Machine
from advisor.errors import AdvisorError
from advisor.network import LOOPBACK
from advisor.release import DEBIAN, RHEL
from advisor.resolver import Server

FILE = "etc/resolv.conf"
_STUBS = ("127.0.0.53", "127.0.0.54")
_UPSTREAM = "run/systemd/resolve/resolv.conf"
_UNBOUND = "etc/unbound/unbound.conf"
_WHY_PUBLIC = "most blocklists refuse public resolvers, or answer them with errors that look like listings"
_SHOWN = 3
"""Name servers that libc takes from resolv.conf (MAXNS)."""


def servers(text: str) -> list[str]:
    """Give the name servers that resolv.conf names, the first three, as libc does."""
    words = [line.split() for line in text.splitlines()]
    return [line[1] for line in words if len(line) > 1 and line[0] == "nameserver"][:_SHOWN]


def checkups(machine: Machine) -> Iterator[Checkup]:
    """Look at resolv.conf, at what stands behind systemd-resolved, and at the copy for a chrooted Postfix."""
    text = machine.tree.text(FILE)
    if text is None:
        points = machine.tree.target(FILE)
        what = f"/{FILE} points to {points}, which is not among these files" if points else f"there is no /{FILE}"
        why = "which resolver Postfix asks decides whether blocklists answer"
        yield Checkup(UNKNOWN, 8, "resolver", what, why, ("cat /etc/resolv.conf   # on the machine itself",))
        return
    found = servers(text) or ["127.0.0.1"]
    stub = [each for each in found if each in _STUBS]
    if stub:
        yield from _behind_stub(machine, stub[0])
    else:
        yield _judged(machine, found, f"/{FILE} names")
        yield from _kept(machine, text, found)
    yield from _chroot(machine, found)


def _server(text: str) -> Server | None:
    try:
        return Server.named(text)
    except AdvisorError:
        return None


def _local(text: str) -> bool:
    server = _server(text)
    return server is not None and any(ip_address(server.address.partition("%")[0]) in network for network in LOOPBACK)


def _judged(machine: Machine, found: list[str], says: str) -> Checkup:
    """Say what these servers are."""
    named = ", ".join(found)
    wrong = [each for each in found if _server(each) is None]
    if wrong:
        what = f"{says} {', '.join(wrong)}, which is no address"
        return Checkup(FIX, 8, "resolver", what, "libc ignores it", (f"# mend /{FILE}",))
    public = [f"{each} ({operator})" for each in found if (operator := getattr(_server(each), "operator", ""))]
    if public:
        mixed = "; it is asked when the one before it is slow" if _local(found[0]) else ""
        what = f"{says} {', '.join(public)}, a public resolver{mixed}"
        return Checkup(FIX, 8, "resolver", what, _WHY_PUBLIC, _remedy(machine))
    if all(map(_local, found)):
        if bind.installed(machine) or machine.tree.has(_UNBOUND):
            return Checkup(OK, 8, "resolver", f"{says} {named}, on this machine")
        what = f"{says} {named}, but neither BIND nor unbound has a configuration here"
        return Checkup(NOTE, 8, "resolver", what, "if nothing listens there, no name is found", _remedy(machine))
    what = f"{says} {named}, which is not on this machine"
    why = "others may ask through it too: then blocklists refuse it; whether they do, only asking tells"
    return Checkup(NOTE, 8, "resolver", what, why, ("advisor system --ask YOUR.DOMAIN", *_remedy(machine)))


def _behind_stub(machine: Machine, stub: str) -> Iterator[Checkup]:
    said = f"/{FILE} names {stub}, the stub of systemd-resolved"
    text = machine.tree.text(_UPSTREAM)
    if text is None:
        why = "it only passes questions on; to whom is not among these files"
        yield Checkup(UNKNOWN, 8, "resolver", said, why, ("resolvectl status   # Current DNS Server",))
        return
    yield _judged(machine, servers(text) or ["127.0.0.1"], f"{said}, which passes on to")


def _kept(machine: Machine, text: str, found: list[str]) -> Iterator[Checkup]:
    """Whether a local resolver stays in resolv.conf at the next lease."""
    writer = next((name for name in ("NetworkManager", "dhclient", "resolvconf") if _written_by(text, name)), "")
    if all(map(_local, found)):
        by = f", written by {writer}" if writer else ""
        yield Checkup(OK, 9, "resolver.default", f"the machine's own resolver is the default{by}")
    elif writer:
        why = f"{writer} puts its servers back: set the resolver there, not in the file"
        yield Checkup(NOTE, 9, "resolver.default", f"/{FILE} is written by {writer}", why, default_lines(machine))


def _written_by(text: str, name: str) -> bool:
    return any(name in line for line in text.splitlines() if line.startswith(("#", ";")))


def _remedy(machine: Machine) -> tuple[str, ...]:
    start = "systemctl enable --now named"
    first = () if bind.installed(machine) else (*machine.release.install("bind"), start)
    return (*first, *default_lines(machine))


def default_lines(machine: Machine) -> tuple[str, ...]:
    """Say what to type so that the machine's own resolver is its default (tip 9), on its release."""
    release = machine.release
    if release.family == RHEL:
        lines = (
            "nmcli connection modify NAME ipv4.dns 127.0.0.1 \\",
            "  ipv4.ignore-auto-dns yes ipv6.ignore-auto-dns yes",
            "nmcli connection up NAME",
        )
        if 0 < release.major < 9:
            file = "/etc/sysconfig/network-scripts/ifcfg-NAME"
            return (f"# in {file}:", "#   PEERDNS=no and DNS1=127.0.0.1; or", *lines)
        return ("# NAME: see `nmcli connection`", *lines)
    if release.family == DEBIAN and machine.tree.has("etc/systemd/resolved.conf"):
        return (
            "# in /etc/systemd/resolved.conf, [Resolve]:",
            "#   DNS=127.0.0.1 and Domains=~.",
            "systemctl restart systemd-resolved",
        )
    if release.family == DEBIAN and machine.tree.has("etc/dhcp/dhclient.conf"):
        return ("# in /etc/dhcp/dhclient.conf:", "supersede domain-name-servers 127.0.0.1;")
    return ("# in /etc/resolv.conf, and in whatever writes it:", "nameserver 127.0.0.1")


def _chroot(machine: Machine, found: list[str]) -> Iterator[Checkup]:
    copy = f"{machine.queue.strip('/')}/{FILE}"
    text = machine.tree.text(copy)
    if text is not None and (servers(text) or ["127.0.0.1"]) != found:
        what = f"/{copy} names {', '.join(servers(text)) or 'nobody'}, not what /{FILE} does"
        why = "a chrooted Postfix asks whom its own copy names"
        yield Checkup(FIX, 9, "resolver.chroot", what, why, ("systemctl restart postfix   # copies it anew",))
