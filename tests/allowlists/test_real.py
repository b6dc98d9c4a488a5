"""Each map in the program that reads it: what it is made for is let through, its neighbours are not."""

import socket
import struct
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from advisor.allowlists import MAPS
from tests.allowlists.made import attempt, entries, frame, pool
from tests.conftest import real
from tests.test_allowlist import HOSTILE, roaming
from tests.test_greylist import START, Event, postgrey
from tests.test_spf_policy import WRAPPERS

pytestmark = pytest.mark.integration

PTR = "reject_unknown_reverse_client_hostname"
NOBODY = ("192.0.2.78", "192.0.20.77", "2001:db8::6", "198.51.100.7")
NASTY = [
    attempt(f"203.0.113.{number}", client_name=text, helo_name=text, sender=text) for number, text in enumerate(HOSTILE)
]


def file(
    kind: str, path: Path, rows: Sequence[dict[str, Any]], asked: str = "reject_non_fqdn_helo_hostname"
) -> list[str]:
    """Write the map as the command does, and give its keys."""
    chosen = MAPS[kind]
    found = entries(kind, *rows, asked=asked)
    path.write_text("\n".join((*(f"# {text}" for text in chosen.head), *chosen.written(found))) + "\n")
    return [entry.key for entry in found]


def postmap(table: str, *keys: str) -> list[str]:
    """What Postfix finds for each key; '' for nothing."""
    folder = Path(table.partition(":")[2]).parent
    (folder / "main.cf").touch()
    found = []
    for key in keys:
        command = [real("postmap"), "-c", str(folder), "-q", key, table]
        done = subprocess.run(command, capture_output=True, check=False, timeout=60)
        assert not done.stderr, done.stderr
        found.append(done.stdout.decode().strip())
    return found


@pytest.mark.parametrize("kind", ["client_access", "helo_access", "sender_access"])
def test_postfix_reads_the_indexed_tables(tmp_path: Path, kind: str) -> None:
    rows = [
        attempt(),
        attempt("2001:db8::5"),
        attempt("192.0.2.5", client_name="mail.other.example"),
        *roaming(3),
        *NASTY,
    ]
    path = tmp_path / "map"
    keys = file(kind, path, rows)
    (tmp_path / "main.cf").touch()
    done = subprocess.run(
        [real("postmap"), "-c", str(tmp_path), f"hash:{path}"], capture_output=True, check=True, timeout=60
    )
    assert not done.stderr, done.stderr

    assert keys
    assert postmap(f"hash:{path}", *keys) == ["OK"] * len(keys)
    assert set(
        postmap(f"hash:{path}", "unknown", "192", "192.0", "192.0.2", "example", "partner.example", "#", "x@")
    ) == {""}
    listed = subprocess.run(
        [real("postmap"), "-c", str(tmp_path), "-s", f"hash:{path}"], capture_output=True, check=True, timeout=60
    )
    assert {line.partition("\t")[0] for line in listed.stdout.decode().splitlines()} == set(keys)


@pytest.mark.parametrize(("kind", "value"), [("client_cidr", "OK"), ("postscreen", "permit")])
def test_postfix_reads_the_networks(tmp_path: Path, kind: str, value: str) -> None:
    rows = [attempt(), attempt("2001:db8::5"), *pool(4, "198.51.100"), *NASTY]
    keys = file(kind, tmp_path / "map", rows)

    assert "198.51.100.8/30" in keys
    inside = ["192.0.2.77", "2001:db8::5", *(f"198.51.100.{last}" for last in range(8, 12))]
    assert postmap(f"cidr:{tmp_path}/map", *inside) == [value] * 6
    assert postmap(f"cidr:{tmp_path}/map", *NOBODY, "198.51.100.12", "unknown", "OK") == [""] * 7


def test_postgrey_reads_its_clients(tmp_path: Path) -> None:
    rows = [attempt(), attempt("2001:db8::5"), attempt("192.0.2.5", client_name="mail.other.example")]
    keys = file("postgrey", tmp_path / "clients", [*rows, *pool(4, "198.51.100"), *NASTY], "postgrey")
    assert {"mail.other.example", "192.0.2.77", "198.51.100.8/30"} <= set(keys)
    clients = [("192.0.2.77", "unknown"), ("2001:db8::5", "unknown"), ("198.51.100.11", "x.example")]
    clients += [("192.0.2.99", "mail.other.example"), *((address, "unknown") for address in NOBODY)]
    clients += [("192.0.2.98", "other.example"), ("192.0.2.97", "xmail.other.example"), ("198.51.100.12", "x.example")]
    events = [
        Event(START, address, name, "a@b.example", f"x{n}@ourdom.test") for n, (address, name) in enumerate(clients)
    ]

    with postgrey([f"--whitelist-clients={tmp_path}/clients", f"--whitelist-recipients={tmp_path}/none"]) as one:
        one.ask(events)
        answers = one.answers()
        log = one.log.read_text()

    assert [reason for _, reason, _ in answers] == ["client whitelist"] * 4 + ["new"] * (len(events) - 4)
    assert "doesn't look like" not in log


def test_postgrey_reads_its_recipients(tmp_path: Path) -> None:
    assert file("postgrey_recipients", tmp_path / "to", roaming(3), "postgrey") == ["bob@ourdom.test"]
    to = ["bob@ourdom.test", "BOB+x@ourdom.test", "alice@ourdom.test", "bob@other.test", "xbob@ourdom.test"]
    events = [Event(START, "192.0.2.1", "unknown", "a@b.example", recipient) for recipient in to]

    with postgrey([f"--whitelist-recipients={tmp_path}/to", f"--whitelist-clients={tmp_path}/none"]) as one:
        one.ask(events)
        answers = one.answers()

    assert [reason for _, reason, _ in answers] == ["recipient whitelist"] * 2 + ["new"] * 3


def test_policyd_spf_reads_its_whitelist(tmp_path: Path) -> None:
    rows = [attempt(), attempt("2001:db8::5"), *pool(4, "198.51.100"), *NASTY]
    assert file("policyd-spf", tmp_path / "conf", rows, "policyd-spf")
    clients = ["192.0.2.77", "2001:db8::5", "198.51.100.11", *NOBODY, "198.51.100.12"]
    text = "".join(
        f"request=smtpd_access_policy\nprotocol_state=RCPT\nhelo_name=\nsender=\nrecipient=a@ourdom.test\n"
        f"client_address={client}\ninstance=1.{number}\n\n"
        for number, client in enumerate(clients)
    )
    real("policyd-spf")
    run = WRAPPERS["dnspython"] + '\nsys.argv = ["x", sys.argv[2]]\nfrom spf_engine.policyd_spf import main\nmain()\n'
    # Debian's own Python: it has Debian's spf_engine. Port 9 answers nothing, and nothing is to be asked.
    command = ["/usr/bin/python3", "-c", run, "9", str(tmp_path / "conf")]
    done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=120, check=True)
    actions = [line for line in done.stdout.decode().split("\n") if line.startswith("action=")]

    passed = ["SPF skipped for whitelisted relay" in action for action in actions]
    assert passed == [True] * 3 + [False] * 5


@contextmanager
def opendmarc(folder: Path, hosts: Path) -> Iterator[Path]:
    """OpenDMARC on a socket of its own, which ignores these hosts."""
    path = folder / "socket"
    conf = folder / "opendmarc.conf"
    conf.write_text(f"Socket local:{path}\nIgnoreHosts {hosts}\nAuthservID mx.ourdom.test\nUMask 000\n")
    process = subprocess.Popen([real("opendmarc"), "-f", "-c", str(conf)], stderr=subprocess.PIPE)
    try:
        for _ in range(200):
            if path.exists():
                break
            try:
                process.wait(0.05)  # until it listens; nothing depends on how long that takes
            except subprocess.TimeoutExpired:
                continue
            raise AssertionError(process.stderr.read() if process.stderr else "")
        yield path
    finally:
        process.terminate()
        process.wait(20)
        if process.stderr:
            process.stderr.close()


def ignored(path: Path, name: str, address: str) -> bool:
    """Whether the milter accepts a client as soon as it is told of it (libmilter's protocol: mfdef.h)."""

    def reply(milter: socket.socket, packet: bytes) -> bytes:
        milter.sendall(struct.pack("!I", len(packet)) + packet)
        length = struct.unpack("!I", milter.recv(4, socket.MSG_WAITALL))[0]
        return milter.recv(length, socket.MSG_WAITALL)

    with socket.socket(socket.AF_UNIX) as milter:
        milter.settimeout(20)
        milter.connect(str(path))
        # SMFIC_OPTNEG: version 6, all actions, no step left out
        assert reply(milter, b"O" + struct.pack("!III", 6, 0x1FF, 0))[:1] == b"O"
        # SMFIC_CONNECT: the name, the family, the port, the address
        family = b"6" if ":" in address else b"4"
        text = f"IPv6:{address}" if family == b"6" else address
        answer = reply(milter, b"C" + name.encode() + b"\0" + family + struct.pack("!H", 25) + text.encode() + b"\0")
    assert answer in (b"a", b"c")  # SMFIR_ACCEPT, SMFIR_CONTINUE
    return answer == b"a"


def test_opendmarc_reads_its_hosts(tmp_path: Path) -> None:
    rows = [attempt(), attempt("2001:db8::5"), *pool(4, "198.51.100"), *NASTY]
    assert file("opendmarc", tmp_path / "hosts", rows, "opendmarc")

    with opendmarc(tmp_path, tmp_path / "hosts") as path:
        for address in ("127.0.0.1", "192.0.2.77", "2001:db8::5", "198.51.100.8", "198.51.100.11"):
            assert ignored(path, f"[{address}]", address), address
        for address in (*NOBODY, "198.51.100.12"):
            for name in (f"[{address}]", "unknown", "mail.partner.example"):
                assert not ignored(path, name, address), (name, address)
    assert frame(*rows).num_rows == len(rows)
