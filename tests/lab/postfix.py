"""A Postfix of our own: configuration, queue and data in a folder, started for one run and stopped."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import real
from tests.lab import world
from tests.lab.configuration import RELAY_CONTROL
from tests.lab.namespace import mounted

_MAIN = {
    "compatibility_level": "3.6",
    "myhostname": world.HOSTNAME,
    "mydomain": world.OWN_DOMAIN,
    "mydestination": f"{world.HOSTNAME}, localhost",
    "mynetworks": ", ".join(world.NETWORKS),
    "inet_protocols": "all",
    "inet_interfaces": f"127.0.0.1, {world.SERVER}, [{world.SERVER6}]",
    "mail_owner": "postfix",
    "setgid_group": "postdrop",
    "command_directory": "/usr/sbin",
    "daemon_directory": "/usr/lib/postfix/sbin",
    "alias_maps": "",
    "local_recipient_maps": "",
    "virtual_mailbox_domains": world.OWN_DOMAIN,
    "virtual_uid_maps": "static:5000",
    "virtual_gid_maps": "static:5000",
    "virtual_minimum_uid": "100",
    "smtpd_relay_restrictions": RELAY_CONTROL,
    "smtpd_error_sleep_time": "0",
    "smtpd_soft_error_limit": "1000",
    "smtpd_hard_error_limit": "1000",
    "smtpd_client_connection_count_limit": "0",
    "smtpd_tls_security_level": "may",
    "smtp_connect_timeout": "1s",
    "policy_time_limit": "3600s",
    "smtpd_banner": "$myhostname ESMTP",
}
_SMTPD = "smtp inet n - n - - smtpd\n"
_POSTSCREEN = "smtp inet n - n - 1 postscreen\n"
_MASTER = """
smtpd pass - - n - - smtpd
dnsblog unix - - n - 0 dnsblog
tlsproxy unix - - n - 0 tlsproxy
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
local unix - n n - - local
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
policyd-spf unix - n n - 0 spawn user=nobody argv={policyd_spf} {folder}/policyd-spf.conf
"""
_CONFIG, _QUEUE, _DATA = "/etc/postfix", "/var/spool/postfix", "/var/lib/postfix"
_QUEUES = ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved", "trace")


class Postfix:
    """One instance, in `folder`."""

    def __init__(self, folder: Path, main: Mapping[str, str], *, postscreen: bool = False) -> None:
        """Write its configuration; `main` are the settings that it has beside those of every run."""
        self.folder, self.config, self.queue = folder, folder / "etc", folder / "spool"
        self.config.mkdir(parents=True)
        self._queues()
        (folder / "mail").mkdir()
        shutil.chown(folder / "mail", 5000, 5000)
        (self.config / "recipients").write_text("/^(p[0-9]+|root)@/ box/\n")
        settings = {
            **_MAIN,
            "queue_directory": _QUEUE,
            "data_directory": _DATA,
            "virtual_mailbox_base": str(folder / "mail"),
            "virtual_mailbox_maps": f"regexp:{_CONFIG}/recipients",
            "smtpd_tls_cert_file": str(folder / "cert.pem"),
            "smtpd_tls_key_file": str(folder / "key.pem"),
            **main,
        }
        (self.config / "main.cf").write_text("".join(f"{name} = {value}\n" for name, value in settings.items()))
        services = (_POSTSCREEN if postscreen else _SMTPD) + _MASTER.format(
            policyd_spf=real("policyd-spf"), folder=folder
        )
        (self.config / "master.cf").write_text(services)

    def _queues(self) -> None:
        self.queue.mkdir()
        (self.queue / "pid").mkdir()
        for name in (*_QUEUES, "maildrop", "public"):
            (self.queue / name).mkdir()
            shutil.chown(self.queue / name, "postfix")
        for name, mode in (("maildrop", 0o730), ("public", 0o710)):
            shutil.chown(self.queue / name, group="postdrop")
            (self.queue / name).chmod(mode)
        (self.folder / "data").mkdir()
        shutil.chown(self.folder / "data", "postfix")

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run it as long as the block lasts, and until it has delivered what it accepted."""
        with mounted({self.config: _CONFIG, self.queue: _QUEUE, self.folder / "data": _DATA}):
            master = subprocess.Popen(["/usr/lib/postfix/sbin/master"], env={**os.environ, "MAIL_CONFIG": _CONFIG})
            try:
                _await(master, self.queue / "private" / "policyd-spf")
                yield
                self._delivered()
            finally:
                if master.poll() is None:
                    master.send_signal(signal.SIGTERM)
                master.wait(timeout=30)

    def send(self, recipient: str) -> None:
        """Send a message from this machine, as a nightly job does."""
        command = [real("sendmail"), "-f", f"root@{world.OWN_DOMAIN}", recipient]
        subprocess.run(command, input=b"Subject: nightly\n\nAll is well.\n", check=True)

    def _delivered(self) -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if not any(
                path.is_file() for name in ("incoming", "active", "maildrop") for path in (self.queue / name).rglob("*")
            ):
                return
            time.sleep(0.1)


def _await(master: subprocess.Popen[bytes], last: Path) -> None:
    """Wait until the last service of master.cf has its socket: then all listen."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and master.poll() is None:
        if last.exists():
            return
        time.sleep(0.02)
    raise RuntimeError("Postfix does not start")
