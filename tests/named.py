"""A real BIND on a port of its own on the loopback, and a wire to it that loses and forges packets."""

import asyncio
import random
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import dns.message
import dns.name
import dns.query
import dns.rrset

from advisor.resolver import Server
from tests.conftest import real

_HEAD = "$TTL 60\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n"
_CONF = """
options {{
  directory "{folder}"; pid-file none; session-keyfile none; listen-on port {port} {{ 127.0.0.1; }};
  listen-on-v6 {{ none; }}; recursion no; allow-query {{ any; }}; dnssec-validation no; minimal-responses yes;
  masterfile-format text; check-names master ignore; empty-zones-enable no;
}};
controls {{ }};
logging {{ category default {{ null; }}; category queries {{ {queries} }};
  channel asked {{ file "{folder}/asked"; }}; }};
"""


def free_port() -> int:
    """A port of the loopback that nobody uses for UDP or TCP at the moment."""
    while True:
        with socket.socket(type=socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            udp.bind(("127.0.0.1", 0))
            with suppress(OSError):
                tcp.bind(udp.getsockname())
                port: int = udp.getsockname()[1]
                return port


@contextmanager
def named(folder: Path, zones: Mapping[str, str | None], *, log: bool = False) -> Iterator[Server]:
    """Serve zones (name: records after SOA and NS; None: a zone that cannot be loaded, which is SERVFAIL)."""
    program, port = real("named"), free_port()
    folder.mkdir(parents=True, exist_ok=True)
    queries = "asked;" if log else "null;"
    lines = [_CONF.format(folder=folder, port=port, queries=queries)]
    for number, (zone, records) in enumerate(zones.items()):
        file = folder / f"zone{number}"
        if records is not None:
            file.write_text(_HEAD + records)
        lines.append(f'zone "{zone}" {{ type master; file "{file}"; }};\n')
    (folder / "named.conf").write_text("".join(lines))
    error = (folder / "stderr").open("w+")
    arguments = [program, "-f", "-n", "1", "-c", str(folder / "named.conf")]
    process = subprocess.Popen(arguments, stdout=error, stderr=error)
    try:
        _wait(port, process, folder)
        yield Server("127.0.0.1", port)
    finally:
        process.terminate()
        process.wait(20)
        error.close()


def _wait(port: int, process: "subprocess.Popen[bytes]", folder: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert process.poll() is None, (folder / "stderr").read_text()
        with suppress(Exception):
            # Any answer at all: it listens once its zones are loaded.
            dns.query.udp(dns.message.make_query("version.bind.", "TXT", "CH"), "127.0.0.1", timeout=0.2, port=port)
            return
    raise AssertionError((folder / "stderr").read_text())


def asked(folder: Path, start: int = 0) -> tuple[list[str], int]:
    """The names and types that a server with a log was asked for, and where its log ends: 'mail.good.example A'."""
    log = folder / "asked"
    data = log.read_bytes()[start:] if log.exists() else b""
    whole = data[: data.rfind(b"\n") + 1]
    words = [line.split(" query: ")[1].split() for line in whole.decode().splitlines() if " query: " in line]
    return [f"{name.lower()} {kind}" for name, _, kind, *_ in words], start + len(whole)


class Wire(asyncio.DatagramProtocol):
    """Carries packets to a server and back, and does to them what a bad line or a bad neighbour does.

    `loss` is the share of packets lost in each direction; with `forged`, each reply comes after three that are not
    true: one with another id, one to another question, and noise.
    """

    def __init__(self, server: Server, loss: float, *, forged: bool) -> None:
        self.server, self.loss, self.forged = server, loss, forged
        self.random = random.Random(7)
        self.lost = self.carried = 0
        self.transport: Any = None  # asyncio's is no DatagramTransport before Python 3.12

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def drops(self) -> bool:
        self.carried += 1
        dropped = self.random.random() < self.loss
        self.lost += dropped
        return dropped

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        if not self.drops():
            asyncio.get_running_loop().create_task(self.carry(data, address))

    async def carry(self, data: bytes, address: tuple[str, int]) -> None:
        loop = asyncio.get_running_loop()
        reply: asyncio.Future[bytes] = loop.create_future()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Reply(reply), remote_addr=(self.server.address, self.server.port)
        )
        transport.sendto(data)
        with suppress(TimeoutError):
            answer = await asyncio.wait_for(reply, 5)
            if not self.drops():
                for packet in (*self.forgeries(answer), answer):
                    self.transport.sendto(packet, address)
        transport.close()

    def forgeries(self, answer: bytes) -> list[bytes]:
        if not self.forged:
            return []
        true = dns.message.from_wire(answer, question_only=True)
        lies = []
        for name, identity in (
            (true.question[0].name, true.id ^ 0x5555),
            (dns.name.from_text("bank.example."), true.id),
        ):
            lie = dns.message.make_response(dns.message.make_query(name, true.question[0].rdtype, id=identity))
            lie.answer.append(dns.rrset.from_text(name, 60, "IN", "A", "6.6.6.6"))
            lies.append(lie.to_wire())
        return [*lies, answer[:2] + b"\xff" * 30, b"", answer[:2]]


class _Reply(asyncio.DatagramProtocol):
    def __init__(self, reply: asyncio.Future[bytes]) -> None:
        self.reply = reply

    def datagram_received(self, data: bytes, _: object) -> None:
        if not self.reply.done():
            self.reply.set_result(data)


@asynccontextmanager
async def wire(server: Server, loss: float = 0.0, *, forged: bool = False) -> AsyncIterator[tuple[Server, Wire]]:
    """Put a wire in front of a server; TCP goes through it untouched."""
    loop = asyncio.get_running_loop()
    port = free_port()
    transport, protocol = await loop.create_datagram_endpoint(
        lambda: Wire(server, loss, forged=forged), local_addr=("127.0.0.1", port)
    )

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream = await asyncio.open_connection(server.address, server.port)
        ways = (_pump(reader, upstream), _pump(upstream_reader, writer))
        await asyncio.gather(*ways, return_exceptions=True)

    tcp = await asyncio.start_server(connected, "127.0.0.1", port)
    try:
        yield Server("127.0.0.1", port), protocol
    finally:
        tcp.close()
        transport.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.close()


def installed() -> bool:
    """Whether there is a BIND."""
    return shutil.which("named", path="/usr/sbin:/usr/local/sbin:/usr/bin") is not None
