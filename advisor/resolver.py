"""A resolver: whom the DNS is asked through, and how often a question is repeated before it counts as unanswered.

The messages are dnspython's. A reply counts only where its id and its question are those of a question that waits,
and it comes from the server that was asked; all others are ignored, for anybody may send a packet.
"""

import asyncio
import re
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Self

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode

from advisor.errors import AdvisorError
from advisor.packet import parsed, values, wire
from advisor.response import FOUND, INVALID, NO_DATA, NO_SUCH_NAME, TEMPORARY, Response, canonical

PORT = 53
SOCKETS = 16
"""Sockets for each server: a forged reply must hit the port too."""

# [2001:db8::1]:5353  [2001:db8::1]
_BRACKETED = re.compile(r"\[([0-9A-Fa-f:.%\w]+)\](?::([0-9]{1,5}))?\Z", re.ASCII)
# 192.0.2.1:5353
_PLAIN = re.compile(r"([0-9.]+):([0-9]{1,5})\Z", re.ASCII)

_PUBLIC = {
    "Google Public DNS": "8.8.8.8 8.8.4.4 2001:4860:4860::8888 2001:4860:4860::8844",
    "Cloudflare": "1.1.1.1 1.0.0.1 1.1.1.2 1.0.0.2 1.1.1.3 1.0.0.3 2606:4700:4700::1111 2606:4700:4700::1001",
    "Quad9": "9.9.9.9 9.9.9.10 9.9.9.11 149.112.112.112 149.112.112.10 149.112.112.11 2620:fe::fe 2620:fe::9",
    "OpenDNS": "208.67.222.222 208.67.220.220 2620:119:35::35 2620:119:53::53",
    "Level 3": "4.2.2.1 4.2.2.2 4.2.2.3 4.2.2.4 4.2.2.5 4.2.2.6",
    "AdGuard": "94.140.14.14 94.140.15.15 2a10:50c0::ad1:ff 2a10:50c0::ad2:ff",
    "Yandex": "77.88.8.8 77.88.8.1",
    "CleanBrowsing": "185.228.168.9 185.228.169.9",
    "Control D": "76.76.2.0 76.76.10.0",
    "Verisign": "64.6.64.6 64.6.65.6",
}
_OPERATORS = {ip_address(each): operator for operator, addresses in _PUBLIC.items() for each in addresses.split()}


@dataclass(frozen=True)
class Patience:
    """How long a reply is waited for.

    `waits` are the seconds before each repetition and before the end, `pauses` those before a question is asked again
    that the server failed to answer (SERVFAIL).
    """

    waits: tuple[float, ...] = (1.0, 1.0, 2.0, 2.0, 4.0, 5.0)
    pauses: tuple[float, ...] = (0.5, 2.0)


@dataclass(frozen=True)
class Server:
    """A name server's address and port."""

    address: str
    port: int = PORT

    @classmethod
    def named(cls, text: str) -> "Server":
        """Read 192.0.2.1, 192.0.2.1:5353, 2001:db8::1 or [2001:db8::1]:5353; AdvisorError for anything else."""
        found = _BRACKETED.match(text) or _PLAIN.match(text)
        host, port = found.groups() if found else (text, None)
        try:
            ip_address(host.partition("%")[0])
        except ValueError:
            host = ""
        if not host or not 0 < int(port or PORT) < 65_536:
            todo = "write an address and, if you like, a port: 127.0.0.1:5353"
            raise AdvisorError("--resolver", f"'{text}' is no name server", todo)
        return cls(host, int(port or PORT))

    @property
    def operator(self) -> str:
        """Who offers it to everybody; '' where it is no such server that we know."""
        return _OPERATORS.get(ip_address(self.address.partition("%")[0]), "")

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address and self.port != PORT else self.address
        return host if self.port == PORT else f"{host}:{self.port}"


def configured(path: Path = Path("/etc/resolv.conf")) -> tuple[Server, ...]:
    """The servers that this machine asks, as resolv.conf(5) says: without any, the one on the machine itself."""
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    words = [line.split() for line in lines]
    found = [line[1] for line in words if len(line) > 1 and line[0] == "nameserver"]
    return tuple(Server.named(each) for each in found[:3]) or (Server("127.0.0.1"),)


class _Channel(asyncio.DatagramProtocol):
    """One socket to one server, and the questions that wait for a reply on it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.waiting: dict[int, tuple[dns.message.Message, asyncio.Future[tuple[dns.message.Message, Server]]]] = {}
        self.ignored = 0

    def datagram_received(self, data: bytes, _: object) -> None:
        query, future = self.waiting.get(int.from_bytes(data[:2]), (None, None))
        reply = parsed(data) if query else None
        if query is None or future is None or reply is None or not query.is_response(reply):
            self.ignored += 1
        elif not future.done():
            future.set_result((reply, self.server))

    def error_received(self, _: Exception) -> None:
        """Nobody listens there, says the kernel: as good as no answer, and a restart may be under way."""


class Resolver:
    """Asks name servers, many questions at once; use it as an async context."""

    def __init__(
        self,
        servers: Sequence[Server],
        patience: Patience = Patience(),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Ask these, the first one first; the next one when a reply does not come in time."""
        self.servers = tuple(servers)
        self.unheard = 0
        self._patience = patience
        self._clock = clock
        self._channels: dict[Server, dict[_Channel, asyncio.DatagramTransport]] = {}

    async def __aenter__(self) -> Self:
        """Open the sockets."""
        loop = asyncio.get_running_loop()
        for server in self.servers:
            opened = self._channels[server] = {}
            for _ in range(SOCKETS):
                try:
                    transport, channel = await loop.create_datagram_endpoint(
                        partial(_Channel, server), remote_addr=(server.address, server.port)
                    )
                except OSError as error:
                    what = f"cannot be asked: {error.strerror or error}"
                    raise AdvisorError(str(server), what, "name another one with --resolver") from None
                opened[channel] = transport
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close them."""
        for opened in self._channels.values():
            for transport in opened.values():
                transport.close()

    @property
    def ignored(self) -> int:
        """Packets that were no reply to any question of ours."""
        return sum(channel.ignored for opened in self._channels.values() for channel in opened)

    async def check(self) -> None:
        """Make sure that anybody answers at all, whatever it is; AdvisorError where nobody does."""
        await self.ask("localhost", "A")
        if self.unheard:
            names = ", ".join(map(str, self.servers))
            raise AdvisorError(names, "does not answer", "name another name server with --resolver IP[:PORT]")

    async def ask(self, name: str, kind: str) -> Response:
        """Ask one question; what the server fails at is asked again, and at last is TEMPORARY."""
        asked_at = self._clock()

        def response(status: str, said: tuple[str, ...] = (), server: Server = self.servers[0]) -> Response:
            return Response(canonical(name), kind, status, said, asked_at, str(server))

        try:
            question = dns.name.Name([*(part.encode("ascii") for part in canonical(name).split(".")), b""])
        except (dns.exception.DNSException, ValueError):
            return response(INVALID)
        edns, pauses, server = True, iter(self._patience.pauses), self.servers[0]
        while True:
            query = dns.message.make_query(question, kind)
            found = await self._exchange(query, wire(query, edns=edns))
            if found is not None:
                reply, server = found
                if reply.rcode() == dns.rcode.NOERROR:
                    said = values(reply)
                    return response(FOUND if said else NO_DATA, said, server)
                if reply.rcode() == dns.rcode.NXDOMAIN:
                    return response(NO_SUCH_NAME, (), server)
                if edns and reply.rcode() in (dns.rcode.FORMERR, dns.rcode.NOTIMP, dns.rcode.BADVERS):
                    edns = False
                    continue
            pause = next(pauses, None)
            if found is None or pause is None or reply.rcode() != dns.rcode.SERVFAIL:
                return response(TEMPORARY, (), server)
            await asyncio.sleep(pause)

    async def _exchange(self, query: dns.message.Message, wire: bytes) -> tuple[dns.message.Message, Server] | None:
        """Send a query until there is a reply; None where none comes, whatever is tried."""
        future: asyncio.Future[tuple[dns.message.Message, Server]] = asyncio.get_running_loop().create_future()
        used: dict[_Channel, asyncio.DatagramTransport] = {}
        try:
            for number, wait in enumerate(self._patience.waits):
                server = self.servers[number % len(self.servers)]
                channel = self._channel(server, query.id, used)
                used[channel] = self._channels[server][channel]
                channel.waiting[query.id] = query, future
                used[channel].sendto(wire)
                done, _ = await asyncio.wait((future,), timeout=wait)
                if done:
                    break
        finally:
            for channel in used:
                del channel.waiting[query.id]
        if not future.done():
            self.unheard += 1
            return None
        self.unheard = 0
        reply, server = future.result()
        if reply.flags & dns.flags.TC:
            return await self._by_tcp(query, server)
        return reply, server

    def _channel(self, server: Server, identity: int, used: Iterable[_Channel]) -> _Channel:
        """A socket to a server: the one used already, or one on which no other question has this id."""
        opened = self._channels[server]
        again = [channel for channel in used if channel in opened]
        return secrets.choice(again or [channel for channel in opened if identity not in channel.waiting])

    async def _by_tcp(self, query: dns.message.Message, server: Server) -> tuple[dns.message.Message, Server] | None:
        """Fetch what is too large for UDP."""
        for wait in self._patience.waits[-2:]:
            try:
                found = await dns.asyncquery.tcp(query, server.address, timeout=max(wait, 1), port=server.port)
            except (OSError, EOFError, ValueError, dns.exception.DNSException):
                # A broken connection or reply is one that did not come.
                continue
            return found, server
        return None
