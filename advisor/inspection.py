"""An inspection: what is installed and set for the tips 5 to 10, and how others see this server.

It reads a machine's files, or a copy of them; the network is asked only where a mail domain is given for that.
"""

import json
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from advisor import asking, bind, milter, outside, policy_service, resolv
from advisor.asking import Asked
from advisor.checkup import FIX, NOTE, OK, SEVERITIES, UNKNOWN, Checkup, Machine
from advisor.entry import bare
from advisor.errors import AdvisorError
from advisor.hostname import valid_hostname
from advisor.master import from_text as services_of
from advisor.postconf import Postconf, from_text
from advisor.release import Release, release
from advisor.resolver import Patience, Server
from advisor.tree import Tree

SCHEMA = 1
"""The number of the JSON form; it grows when a key changes its meaning or goes."""
_MAIN, _MASTER = "etc/postfix/main.cf", "etc/postfix/master.cf"
_USUAL_LIST = "zen.spamhaus.org"
_PARTS = (
    (5, "policy services", policy_service.checkups),
    (7, "milters", milter.checkups),
    (8, "the resolver", resolv.checkups),
    (10, "BIND", bind.checkups),
)
_TITLES = {
    5: "GREYLISTING: postgrey",
    6: "SPF: policyd-spf",
    7: "DMARC: OpenDKIM and OpenDMARC",
    8: "THE RESOLVER",
    9: "THE DEFAULT RESOLVER",
    10: "BIND WITHOUT IPV6",
    0: "SEEN FROM OUTSIDE: would you pass elsewhere?",
}
_MARKS = {FIX: "[FIX] ", NOTE: "[note]", UNKNOWN: "[ ?  ]", OK: "[ ok ]"}
_COLORS = {FIX: "31;1", NOTE: "33", UNKNOWN: "36", OK: "32"}
_INDENT = " " * 9
_NARROWEST = 40


@dataclass(frozen=True)
class Inspection:
    """What was looked at: the folder, its release, all checkups in the order of the tips, and who was asked.

    `resolver` is '' where nobody was asked; `unreadable` are files that are there and may not be read.
    """

    root: str
    release: Release
    checkups: tuple[Checkup, ...]
    resolver: str = ""
    unreadable: tuple[str, ...] = ()

    def counted(self, severity: str) -> int:
        """How many checkups have this severity."""
        return sum(each.severity == severity for each in self.checkups)


def system(
    root: Path = Path("/"),
    *,
    ask: str | None = None,
    resolver: str | None = None,
    patience: Patience = asking.PATIENCE,
) -> Inspection:
    """Look at a machine's files below a folder; `ask` is its mail domain, and only with it the DNS is asked.

    Raises AdvisorError where there is no such folder, or the domain or the resolver is none.
    """
    if not root.is_dir():
        raise AdvisorError(
            "--root", f"{root} is no folder", "name one that holds etc/, such as a copy of /etc's parent"
        )
    if resolver and ask is None:
        raise AdvisorError("--resolver", "asks nobody by itself", "add --ask YOUR.DOMAIN")
    if ask is not None and not (valid_hostname(ask) and "." in ask):
        raise AdvisorError("--ask", f"'{ask}' is no domain", "write your mail domain: --ask example.org")
    machine = machine_of(Tree(root))
    asked = me = None
    if ask is not None:
        me = outside.identity(machine, ask)
        asked = asking.ask(me, lists(machine), _servers(machine, resolver), patience)
    found = tuple(inspected(machine, asked, me))
    named = asked.resolver if asked else ""
    return Inspection(str(root), machine.release, found, named, tuple(sorted(machine.tree.unreadable)))


def machine_of(tree: Tree) -> Machine:
    """Read the release and Postfix's configuration."""
    text = tree.text(_MAIN)
    config: Postconf | None = None
    if text is not None:
        master = tree.text(_MASTER)
        services = services_of(master, f"/{_MASTER}") if master is not None else None
        config = replace(from_text(text, f"/{_MAIN}"), text=text, master=services)
    return Machine(tree, release(tree), config)


def lists(machine: Machine) -> tuple[str, ...]:
    """The blocklists that main.cf asks, to be tested; Spamhaus where it asks none."""
    try:
        entries = [entry for found in machine.config.lists().values() for entry in found] if machine.config else []
    except AdvisorError:
        # said in its own checkup
        entries = []
    named = (bare(each.argument) for each in entries if each.name.startswith(("reject_rbl_", "reject_rhsbl_")))
    return tuple(dict.fromkeys(each for each in named if valid_hostname(each))) or (_USUAL_LIST,)


def _servers(machine: Machine, resolver: str | None) -> tuple[Server, ...]:
    if resolver:
        return (Server.named(resolver),)
    found = resolv.servers(machine.tree.text(resolv.FILE) or "") or ["127.0.0.1"]
    return tuple(Server.named(each) for each in found)


def inspected(machine: Machine, asked: Asked | None = None, me: outside.Identity | None = None) -> Iterator[Checkup]:
    """All checkups, in the order of the tips; the pure half of `system`: files and answers come in."""
    found = [each for tip, what, look in _PARTS for each in _looked(machine, tip, what, look)]
    if machine.config is None:
        why = "whether anything is asked by Postfix is not known without it"
        what = f"/{_MAIN} may not be read" if _MAIN in machine.tree.unreadable else f"there is no /{_MAIN}"
        found.insert(0, Checkup(UNKNOWN, 5, "main.cf", what, why))
    if asked is not None and me is not None:
        found += asking.checkups(asked, resolv.default_lines(machine))
        if asked.error:
            found.append(Checkup(UNKNOWN, 0, "own", "nothing is known of the view from outside", "nobody answered"))
        else:
            found += outside.checkups(me, asked.dns)
    yield from sorted(found, key=lambda each: (each.tip == 0, each.tip))


def _looked(machine: Machine, tip: int, what: str, look: Callable[[Machine], Iterator[Checkup]]) -> Iterator[Checkup]:
    """One part; what it could not read is said, and the others go on."""
    try:
        yield from look(machine)
    except AdvisorError as error:
        yield Checkup(UNKNOWN, tip, "unreadable", f"{what}: {error.where}: {error.what}", "", (f"# {error.todo}",))


def as_dict(found: Inspection) -> dict[str, Any]:
    """The inspection for programs."""
    return {
        "schema": SCHEMA,
        "root": found.root,
        "release": asdict(found.release),
        "resolver": found.resolver or None,
        "counts": {severity: found.counted(severity) for severity in SEVERITIES},
        "checkups": [{**asdict(each), "todo": list(each.todo)} for each in found.checkups],
        "unreadable": list(found.unreadable),
    }


def as_json(found: Inspection) -> str:
    """The same as text, in ASCII."""
    return json.dumps(as_dict(found), indent=1, ensure_ascii=True) + "\n"


def terminal(found: Inspection, shown: Callable[[str], str], width: int = 80, *, color: bool = False) -> str:
    """The inspection as lines of text, tip by tip; `shown` makes text harmless."""
    return "\n".join(_lines(found, shown, max(width, _NARROWEST), color=color)) + "\n"


def _lines(found: Inspection, shown: Callable[[str], str], width: int, *, color: bool) -> Iterator[str]:
    # a folder's name may be of any length
    yield from textwrap.wrap(
        f"{shown(found.release.name)}, files below {shown(found.root)}",
        width,
        break_on_hyphens=False,
    )
    counted = {FIX: "to fix", NOTE: "to consider", UNKNOWN: "not known", OK: "ok"}
    yield ", ".join(f"{found.counted(severity)} {word}" for severity, word in counted.items())
    if fixes := dict.fromkeys(each.name for each in found.checkups if each.severity == FIX):
        head = "Fix first: "
        yield from textwrap.wrap(head + ", ".join(fixes), width, subsequent_indent=" " * len(head))
    tip = None
    for each in found.checkups:
        if each.tip != tip:
            tip = each.tip
            yield ""
            yield f"{f'Tip {tip}  ' if tip else ''}{_TITLES[tip]}"
        yield from _of_one(each, shown, width, color=color)
    yield ""
    for path in found.unreadable:
        yield f"/{shown(path)} may not be read by you: run as root to know what it says"
    if not found.resolver:
        yield "Nobody was asked: --ask YOUR.DOMAIN tests the resolver, its blocklists,"
        yield "and how others see this server."
    else:
        yield f"Asked of the resolver {shown(found.resolver)}; nothing was written."


def _of_one(each: Checkup, shown: Callable[[str], str], width: int, *, color: bool) -> Iterator[str]:
    mark = _MARKS[each.severity]
    mark = f"\x1b[{_COLORS[each.severity]}m{mark}\x1b[0m" if color else mark
    wrap = textwrap.TextWrapper(width - len(_INDENT), break_long_words=False, break_on_hyphens=False)
    for number, line in enumerate(wrap.wrap(shown(each.what))):
        yield f"  {mark} {line}" if not number else _INDENT + line
    if each.why:
        yield from (_INDENT + line for line in wrap.wrap(shown(f"{each.why[0].upper()}{each.why[1:]}.")))
    # what is to be typed is never wrapped
    yield from (f"{_INDENT}  {shown(line)}" for line in each.todo)
