"""A release: which system a machine runs, and how software is installed and named there.

Source: os-release(5); Debian 12's own packages; for RHEL what is published of EPEL's packages for that release. A name
that we have not seen for a release is not claimed: then the line to type searches for it.
"""

import re
from dataclasses import dataclass

from advisor.tree import Tree

RHEL, DEBIAN, OTHER = "rhel", "debian", "other"

# OPTIONS="-4"  OPTIONS= "-4"  export SOCKET=local:/run/x
_ASSIGNMENT = re.compile(r"(?:export\s+)?([A-Za-z_]\w*)=(\s*)(.*)", re.ASCII)

_DEBIAN_NAMES = {
    "postgrey": "postgrey",
    "policyd-spf": "postfix-policyd-spf-python",
    "opendkim": "opendkim opendkim-tools",
    "opendmarc": "opendmarc",
    "bind": "bind9",
}
_RHEL_NAMES = {
    7: {"postgrey": "postgrey", "policyd-spf": "pypolicyd-spf", "opendkim": "opendkim", "opendmarc": "opendmarc"},
    8: {"postgrey": "postgrey", "opendkim": "opendkim opendkim-tools", "opendmarc": "opendmarc"},
    9: {"opendkim": "opendkim"},
    10: {"opendkim": "opendkim"},
}
_SOUGHT = {"policyd-spf": "policyd-spf"}


@dataclass(frozen=True)
class Assignment:
    """One line of a file that a shell or systemd reads: `blank` tells of white space after the equals sign."""

    name: str
    value: str
    blank: bool = False


def assignments(text: str) -> list[Assignment]:
    """Read NAME=VALUE lines, quotes taken off; comments and whatever else stands there are left out."""
    found = []
    for line in text.splitlines():
        match = _ASSIGNMENT.fullmatch(line.strip())
        if match:
            found.append(Assignment(match[1], _bare(match[3]), bool(match[2]) and bool(match[3])))
    return found


def _bare(value: str) -> str:
    value = value.strip()
    for quote in "\"'":
        if value.startswith(quote):
            return value[1:].partition(quote)[0]
    return re.split(r"\s#", value, maxsplit=1)[0].strip()


@dataclass(frozen=True)
class Release:
    """A system: its family (rhel, debian, other), its major version (0: not known), and what it calls itself."""

    family: str
    major: int
    name: str

    def install(self, program: str) -> tuple[str, ...]:
        """Say what to type to install postgrey, policyd-spf, opendkim, opendmarc or bind."""
        if self.family == DEBIAN:
            return (f"apt install {_DEBIAN_NAMES[program]}",)
        if self.family != RHEL:
            return (f"# look for {_SOUGHT.get(program, program)} among the packages of your system",)
        tool = "yum" if 0 < self.major < 8 else "dnf"
        if program == "bind":
            return (f"{tool} install bind",)
        epel = f"{tool} install epel-release   # on RHEL itself: see EPEL's own page"
        package = _RHEL_NAMES.get(self.major, {}).get(program)
        if package:
            return (epel, f"{tool} install {package}")
        return (epel, f"{tool} search {_SOUGHT.get(program, program)}   # not every EPEL has it")

    @property
    def named_options(self) -> str:
        """The file with the options of BIND's named."""
        return "/etc/default/named" if self.family == DEBIAN else "/etc/sysconfig/named"


def release(tree: Tree) -> Release:
    """Read etc/os-release, else usr/lib/os-release."""
    text = tree.text("etc/os-release") or tree.text("usr/lib/os-release") or ""
    found = {each.name: each.value for each in assignments(text)}
    kin = {found.get("ID", ""), *found.get("ID_LIKE", "").split()}
    family = RHEL if kin & {"rhel", "centos", "fedora"} else DEBIAN if kin & {"debian", "ubuntu"} else OTHER
    if found.get("ID") == "fedora":
        # its versions are not RHEL's
        return Release(RHEL, 0, found.get("PRETTY_NAME", "Fedora"))
    major = re.match(r"\d{1,4}", found.get("VERSION_ID", ""), re.ASCII)
    name = found.get("PRETTY_NAME") or found.get("NAME") or "a system without os-release"
    return Release(family, int(major[0]) if major else 0, name)
