"""An endpoint: where a policy service or a milter listens, and where Postfix looks for it.

Source: postconf(5), check_policy_service and smtpd_milters; libmilter's smfi_setconn() for `inet:PORT@HOST`;
postgrey(8), --unix and --inet. Postfix takes a relative path from its queue directory; a chrooted smtpd takes every one
from there.
"""

import re

_LOCAL = ("localhost", "127.0.0.1", "::1", "")
# inet:127.0.0.1:10023  inet:[::1]:10023
_HOST_PORT = re.compile(r"(?:(.*):)?([^:@]+)", re.ASCII)
# inet:8891@localhost  inet6:8891@::1
_PORT_HOST = re.compile(r"([^:@]+)(?:@(.*))?", re.ASCII)


def asked_at(text: str, queue: str, *, chroot: bool = False) -> str:
    """Give the place that Postfix means by `unix:PATH`, `local:PATH` or `inet:HOST:PORT`, in one spelling."""
    kind, _, rest = text.strip().partition(":")
    if kind in ("unix", "local"):
        inside = chroot or not rest.startswith("/")
        return _path(f"{queue}/{rest.lstrip('/')}" if inside else rest)
    found = _HOST_PORT.fullmatch(rest)
    return _port(found[1] or "", found[2]) if kind == "inet" and found else text


def served_at(text: str) -> str:
    """Give the place that a milter serves by its `Socket` setting, in the same spelling."""
    kind, colon, rest = text.strip().partition(":")
    if not colon:
        return _path(text.strip())
    if kind in ("unix", "local"):
        return _path(rest)
    found = _PORT_HOST.fullmatch(rest)
    return _port(found[2] or "", found[1]) if kind in ("inet", "inet6") and found else text


def _port(host: str, port: str) -> str:
    bare = host.strip("[]").lower()
    return f"port {port}" if bare in _LOCAL else f"port {port} of {bare}"


def _path(path: str) -> str:
    clean = re.sub(r"/+", "/", path)
    return clean.replace("/var/run/", "/run/", 1) if clean.startswith("/var/run/") else clean


def spelled(place: str, queue: str, *, chroot: bool = False) -> str:
    """Write a place as main.cf wants it; '' where a chrooted smtpd cannot reach it."""
    if place.startswith("port "):
        port, _, host = place.removeprefix("port ").partition(" of ")
        return f"inet:{host or '127.0.0.1'}:{port}"
    if place.startswith(f"{queue}/"):
        return f"unix:{place.removeprefix(f'{queue}/')}"
    return "" if chroot else f"unix:{place}"
