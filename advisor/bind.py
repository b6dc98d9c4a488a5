"""BIND on the machine: whom it asks itself, and whether it tries IPv6 where there is none (tip 10).

Source: named(8), -4; BIND's ARM, forwarders; systemd's env-file.c, which skips a blank after `=`; a shell does not.
"""

import re
from collections.abc import Iterator

from advisor.checkup import FIX, NOTE, OK, UNKNOWN, Checkup, Machine
from advisor.errors import AdvisorError
from advisor.release import Assignment, assignments
from advisor.resolver import Server

CONFIGURATIONS = ("etc/named.conf", "etc/bind/named.conf.options", "etc/bind/named.conf")
_OPTIONS = ("etc/sysconfig/named", "etc/default/named", "etc/default/bind9")
_ROUTES = "proc/net/ipv6_route"

# /* ... */  // ...  # ...
_COMMENT = re.compile(r"/\*.*?\*/|(?://|#)[^\n]*", re.DOTALL)
# forwarders { 192.0.2.1; 192.0.2.2 port 5353; };
_FORWARDERS = re.compile(r"\bforwarders(?:\s+port\s+\d{1,5})?\s*\{([^}]*)\}", re.ASCII)
# 00000000000000000000000000000000 00 0000... 00 fe80...01 00000400 00000001 00000000 00000003 eth0
_DEFAULT_ROUTE = re.compile(r"0{32} 00 [0-9a-f]{32} [0-9a-f]{2} [0-9a-f]{32}(?: [0-9a-f]{8}){3} ([0-9a-f]{8}) +(\S+)")
_REJECTS = 0x0200
"""RTF_REJECT of route.h: a route that leads nowhere."""


def installed(machine: Machine) -> bool:
    """Whether BIND's configuration is there."""
    return any(machine.tree.has(path) for path in CONFIGURATIONS)


def checkups(machine: Machine) -> Iterator[Checkup]:
    """Look at BIND's forwarders and options; nothing where there is no BIND."""
    if installed(machine):
        yield from _forwarders(machine)
        yield from _options(machine)


def _forwarders(machine: Machine) -> Iterator[Checkup]:
    for path in CONFIGURATIONS:
        text = _COMMENT.sub("", machine.tree.text(path) or "")
        found = [each.split()[0] for group in _FORWARDERS.findall(text) for each in group.split(";") if each.split()]
        if not found:
            continue
        public = [f"{each} ({operator})" for each in found if (operator := _operator(each))]
        if public:
            todo = (f"# take the forwarders out of /{path}, then", "systemctl reload named")
            why = "blocklists see the forwarder, not you, and refuse public resolvers"
            yield Checkup(FIX, 8, "bind.forwarders", f"BIND passes questions on to {', '.join(public)}", why, todo)
        else:
            why = "blocklists see whoever asks at last; whether they answer it, only asking tells"
            yield Checkup(NOTE, 8, "bind.forwarders", f"BIND passes questions on to {', '.join(found)}", why)


def _operator(address: str) -> str:
    try:
        return Server.named(address).operator
    except AdvisorError:
        return ""


def has_ipv6(machine: Machine) -> bool | None:
    """Whether there is a default route for IPv6; None where the kernel's table is not among the files."""
    text = machine.tree.text(_ROUTES)
    if text is None:
        return None
    routes = map(_DEFAULT_ROUTE.fullmatch, (line.strip() for line in text.splitlines()))
    return any(found and found[2] != "lo" and not int(found[1], 16) & _REJECTS for found in routes)


def _options(machine: Machine) -> Iterator[Checkup]:
    path = next((each for each in _OPTIONS if machine.tree.has(each)), machine.release.named_options[1:])
    every = [each for each in assignments(machine.tree.text(path) or "") if each.name == "OPTIONS"]
    last = every[-1] if every else Assignment("OPTIONS", "")
    words = last.value.split()
    if last.blank:
        why = "a shell takes the setting for empty there; systemd skips the blank, so it depends on who reads the file"
        what = f"/{path} has a blank after OPTIONS="
        yield Checkup(FIX, 10, "bind.options", what, why, _typed(path, words))
        return
    only_ipv4, route = "-4" in words, has_ipv6(machine)
    said = f'/{path}: OPTIONS="{last.value}"' if every else f"/{path} sets no OPTIONS"
    if route is None:
        if only_ipv4:
            yield Checkup(OK, 10, "bind.ipv4", f"{said}: BIND asks over IPv4 only")
            return
        why = "without a route BIND tries IPv6 first and waits; a copy of /etc does not tell of routes"
        todo = ("ip -6 route show default   # without one, -4 belongs there",)
        yield Checkup(UNKNOWN, 10, "bind.ipv4", f"{said}: BIND also asks over IPv6", why, todo)
    elif route == only_ipv4:
        yield _mismatch(path, said, words, route=route)
    else:
        how = "IPv4 only, and there is no IPv6 route" if only_ipv4 else "IPv6 too, and there is a route"
        yield Checkup(OK, 10, "bind.ipv4", f"{said}: BIND asks over {how}")


def _mismatch(path: str, said: str, words: list[str], *, route: bool) -> Checkup:
    if route:
        why = "harmless, but some name servers are reached over IPv6 only"
        return Checkup(NOTE, 10, "bind.ipv4", f"{said}, though there is an IPv6 route", why)
    why = "BIND tries IPv6 addresses first, waits, and logs 'network unreachable resolving'"
    what = f"{said}, and there is no IPv6 route"
    return Checkup(FIX, 10, "bind.ipv4", what, why, _typed(path, words))


def _typed(path: str, words: list[str]) -> tuple[str, ...]:
    wanted = " ".join(dict.fromkeys((*words, "-4")))
    return (f"# in /{path}, without a blank:", f'OPTIONS="{wanted}"', "systemctl restart named")
