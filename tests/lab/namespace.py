"""Namespaces of our own: mounts, network, processes, host name; nothing that runs in them is seen or left outside.

The documentation ranges are local routes on the loopback, so a client binds whatever address it plays.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.conftest import ROOT, real
from tests.lab import world

RANGES = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")
RANGE6 = "2001:db8::/32"
_FILES = {
    "resolv.conf": "nameserver 127.0.0.1\noptions timeout:1 attempts:2\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nservices: files\nprotocols: files\nhosts: files dns\n",
    "hosts": f"127.0.0.1 localhost\n::1 localhost\n{world.SERVER} {world.HOSTNAME} mx1\n",
}
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")


def require(*programs: str) -> None:
    """Skip the test where one of these real parts is missing, or no namespaces can be made."""
    for program in ("unshare", *programs):
        real(program)
    if os.geteuid() != 0:
        pytest.skip("the lab makes namespaces, for which it must be root")
    refused = subprocess.run(["unshare", "-mnpu", "--fork", "true"], capture_output=True, text=True, check=False)
    if refused.returncode:
        pytest.skip(f"no namespaces may be made here: {refused.stderr.strip()}")


def enter(
    folder: Path, arguments: Sequence[str], timeout: float, module: str = "tests.lab.run"
) -> subprocess.CompletedProcess[str]:
    """Run a module with a folder and arguments in new namespaces; all that it leaves running is killed."""
    # Whatever ends us ends them: setpriv takes care of unshare, and unshare of all that is inside.
    command = [
        real("setpriv"),
        "--pdeathsig",
        "KILL",
        real("unshare"),
        "-mnpu",
        "--fork",
        "--mount-proc",
        "--kill-child",
        "--propagation",
        "private",
    ]
    command += [sys.executable, "-m", module, str(folder), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "LC_ALL": "C", "TZ": "UTC"}
    return subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        timeout=timeout,
        check=False,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def furnish(folder: Path) -> None:
    """Set up the namespace that we are in: routes, host name, resolver, and a /dev of its own for /dev/log."""
    for words in (
        "ip link set lo up",
        *(f"ip route add local {network} dev lo" for network in RANGES),
        f"ip address add {world.SERVER}/32 dev lo",
        f"ip -6 route add local {RANGE6} dev lo",
        f"ip -6 address add {world.SERVER6}/128 dev lo",
    ):
        subprocess.run([real("ip"), *words.split()[1:]], check=True)
    # Without its domain, in which the resolver would look for a name that failed, too, and find that it does not exist.
    Path("/proc/sys/kernel/hostname").write_text(world.HOSTNAME.partition(".")[0])
    Path("/proc/sys/net/ipv6/ip_nonlocal_bind").write_text("1")
    etc = folder / "etc"
    etc.mkdir(parents=True)
    for name, text in _FILES.items():
        (etc / name).write_text(text)
        mount("--bind", etc / name, Path("/etc") / name)
    _own_dev(folder / "dev")


@contextmanager
def mounted(places: Mapping[Path, str]) -> Iterator[None]:
    """Show folders of ours where such things usually are, as long as the block lasts: logs then say the usual paths."""
    with ExitStack() as stack:
        for folder, place in places.items():
            mount("--bind", folder, Path(place))
            stack.callback(subprocess.run, [real("umount"), "--lazy", place], check=True)
        yield


def mount(how: str, source: Path, target: Path) -> None:
    """Mount a file or folder over another, here only."""
    subprocess.run([real("mount"), how, str(source), str(target)], check=True)


def _own_dev(dev: Path) -> None:
    dev.mkdir()
    subprocess.run([real("mount"), "-t", "tmpfs", "tmpfs", str(dev)], check=True)
    for name in _DEVICES:
        (dev / name).touch()
        mount("--bind", Path("/dev") / name, dev / name)
    (dev / "shm").mkdir(mode=0o777)
    (dev / "fd").symlink_to("/proc/self/fd")
    mount("--rbind", dev, Path("/dev"))
