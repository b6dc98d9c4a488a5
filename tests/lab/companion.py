"""A companion: what runs beside Postfix and is asked by it, with its settings and what Postfix is told of it."""

import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.conftest import real
from tests.lab import world
from tests.lab.signature import KEY, KEYS, SELECTOR

GREYLIST_DELAY = 2
"""Seconds; who comes again does so after more than these."""
WHITELISTED_CLIENTS, WHITELISTED_RECIPIENTS = b"forwarder.example\n", b"postmaster@\n"
"""postgrey's two files."""

SPF = "policyd-spf"
SPF_LENIENT = "policyd-spf-lenient"
POSTGREY = "postgrey"
OPENDKIM = "opendkim"
OPENDMARC = "opendmarc"
OPENDMARC_HEADERS = "opendmarc-headers"
OPENDMARC_LENIENT = "opendmarc-lenient"

_SPF_SETTINGS = """debugLevel = 1
TestOnly = 1
HELO_reject = {reject}
Mail_From_reject = {reject}
PermError_reject = False
TempError_Defer = False
skip_addresses = 127.0.0.0/8,::ffff:127.0.0.0/104,::1
"""
_OPENDKIM_SETTINGS = """Syslog yes
SyslogSuccess yes
Mode sv
Domain {domain}
Selector {selector}
KeyFile {key}
LogWhy yes
UserID opendkim
InternalHosts {inside}
Socket inet:8891@127.0.0.1
Nameservers 127.0.0.1
"""
_OPENDMARC_SETTINGS = """Syslog true
Socket inet:8893@127.0.0.1
UserID opendmarc
AuthservID {host}
TrustedAuthservIDs {host}
IgnoreAuthenticatedClients true
RejectFailures {failures}
SPFSelfValidate true
RequiredHeaders {headers}
PublicSuffixList /usr/share/publicsuffix/public_suffix_list.dat
"""
_DMARC_SOCKET = "inet:127.0.0.1:8893"
MILTERS = {
    OPENDKIM: "inet:127.0.0.1:8891",
    OPENDMARC: _DMARC_SOCKET,
    OPENDMARC_HEADERS: _DMARC_SOCKET,
    OPENDMARC_LENIENT: _DMARC_SOCKET,
}


def settings(names: Sequence[str]) -> dict[str, str]:
    """What main.cf says about the milters among them."""
    milters = [MILTERS[name] for name in names if name in MILTERS]
    return {"smtpd_milters": ", ".join(milters), "milter_default_action": "tempfail"} if milters else {}


@contextmanager
def running(names: Sequence[str], folder: Path) -> Iterator[None]:
    """Run them as long as the block lasts."""
    with ExitStack() as stack:
        for name in names:
            if name in (SPF, SPF_LENIENT):
                reject = "Fail" if name == SPF else "False"
                (folder / "policyd-spf.conf").write_text(_SPF_SETTINGS.format(reject=reject))
            elif name == POSTGREY:
                stack.enter_context(_postgrey(folder))
            elif name == OPENDKIM:
                text = _OPENDKIM_SETTINGS.format(
                    domain=world.OWN_DOMAIN, selector=SELECTOR, key=f"{KEYS}/{KEY}", inside=",".join(world.NETWORKS)
                )
                stack.enter_context(_milter(OPENDKIM, folder, text, 8891))
            else:
                failures, headers = str(name == OPENDMARC).lower(), str(name == OPENDMARC_HEADERS).lower()
                text = _OPENDMARC_SETTINGS.format(host=world.HOSTNAME, failures=failures, headers=headers)
                stack.enter_context(_milter(OPENDMARC, folder, text, 8893))
        yield


@contextmanager
def _milter(name: str, folder: Path, text: str, port: int) -> Iterator[None]:
    path = folder / f"{name}.conf"
    path.write_text(text)
    process = subprocess.Popen([real(name), "-f", "-c" if name == OPENDMARC else "-x", str(path)])
    try:
        _await(port)
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)


@contextmanager
def _postgrey(folder: Path) -> Iterator[None]:
    """It writes to syslog only as a daemon."""
    database, pid = folder / "postgrey", folder / "postgrey" / "pid"
    database.mkdir()
    shutil.chown(database, "postgrey", "postgrey")
    (folder / "whitelist_clients").write_bytes(WHITELISTED_CLIENTS)
    (folder / "whitelist_recipients").write_bytes(WHITELISTED_RECIPIENTS)
    command = [
        real("postgrey"),
        "--inet=127.0.0.1:10023",
        f"--dbdir={database}",
        f"--delay={GREYLIST_DELAY}",
        "--daemonize",
    ]
    command += [f"--pidfile={pid}", f"--whitelist-clients={folder}/whitelist_clients"]
    command += [f"--whitelist-recipients={folder}/whitelist_recipients"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    try:
        _await(10023)
        yield
    finally:
        if pid.exists():
            subprocess.run([real("kill"), pid.read_text().strip()], check=False)


# 127.0.0.1:10023 listens, as /proc/net/tcp writes it:   0: 0100007F:2727 00000000:0000 0A
_LISTENS = "0100007F:{port:04X} 00000000:0000 0A"


def _await(port: int) -> None:
    """Wait until it listens, without a connection that it would log."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if re.search(_LISTENS.format(port=port), Path("/proc/net/tcp").read_text()):
            return
        time.sleep(0.05)
    raise RuntimeError(f"nothing listens on port {port}")
