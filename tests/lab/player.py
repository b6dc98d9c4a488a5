"""The player: plays sessions to the server, many at a time, and takes down what becomes of each recipient."""

import asyncio
import ssl
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tests.lab import world
from tests.lab.session import TLS, Chunk, Content, Session, Step, addressee
from tests.lab.signature import Signer

PATIENCE = 60.0
"""Seconds that a client waits for a reply."""


@dataclass
class Fate:
    """What became of a recipient: the last reply that was about it, and the command it was an answer to."""

    session: str
    recipient: str
    stage: str = ""
    reply: str = ""

    @property
    def accepted(self) -> bool:
        """Whether the server took the message for it."""
        return self.reply.startswith("2")


class HangUp(Exception):  # noqa: N818 - what happened, and no error: a refused client leaves
    """The session is over before its last step."""


class Visit:
    """A session under way."""

    def __init__(
        self, session: Session, signer: Signer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """A visit that begins; nobody's fate is known."""
        self.fates = {name: Fate(session.name, name) for name in session.recipients}
        self._session, self._signer, self._reader, self._writer = session, signer, reader, writer
        self._stage, self._mail, self._wanted = "CONNECT", "", False
        self._named: list[Fate] = []
        self._begun = False
        self._messages = 0

    async def run(self) -> None:
        """Play all steps, or until the server or the client has enough."""
        steps = iter(self._session.steps)
        first = self._session.steps[0]
        early = isinstance(first, Chunk) and first.early
        if early:
            await self._send(*self._lines(next(steps)))
        await self._hear("CONNECT")
        if early:
            await self._hear_all(self._lines(first))
        for step in steps:
            await self._step(step)

    def end(self, why: str) -> None:
        """Whoever was not refused before the end was not served either."""
        for fate in self.fates.values():
            if not fate.stage or (fate in self._named and fate.accepted and fate.stage == "RCPT"):
                fate.stage, fate.reply = self._stage, why

    async def _step(self, step: Step) -> None:
        if isinstance(step, Content):
            if self._wanted:
                await self._send(*self._message(step), ".")
                await self._hear("END-OF-MESSAGE")
        elif isinstance(step, Chunk):
            await self._send(*step.lines)
            await self._hear_all(step.lines)
        elif not self._pointless(step):
            if step[:4].upper() == "MAIL" and self._begun:
                await self._send("RSET")
                await self._hear("RSET")
            await self._send(step)
            await self._hear(step)

    def _lines(self, step: Step) -> tuple[str, ...]:
        return step.lines if isinstance(step, Chunk) else ()

    def _pointless(self, line: str) -> bool:
        """Whether no client would go on with this command: its sender or all its recipients were refused."""
        verb = line[:4].upper()
        if verb == "RCPT" and not self._mail.startswith("2"):
            self._take(self.fates[addressee(line)], "MAIL", self._mail)
            return True
        return verb == "DATA" and not any(fate.accepted for fate in self._named)

    async def _hear_all(self, lines: Iterable[str]) -> None:
        """Hear the replies to lines that were sent at once; those of a message get one together."""
        rest = iter(lines)
        for line in rest:
            await self._hear(line)
            if line == "DATA" and "." in (remaining := list(rest)):
                if not self._wanted:
                    raise HangUp
                await self._hear("END-OF-MESSAGE")
                await self._hear_all(remaining[remaining.index(".") + 1 :])
                return

    async def _hear(self, line: str) -> None:
        """Hear a reply, and take down what it means for the recipients."""
        reply = await self._reply()
        verb = line[:4].upper()
        self._stage = {"CONN": "CONNECT", "MAIL": "MAIL", "RCPT": "RCPT", "END-": line}.get(verb, verb)
        if not reply:
            raise HangUp
        if (verb == "CONN" or (verb in ("EHLO", "HELO") and line[5:])) and not reply.startswith("2"):
            # Refused before it could name a sender: a client that is no probe leaves.
            self.end(reply)
            raise HangUp
        if verb == "MAIL":
            self._mail, self._named, self._begun = reply, [], reply.startswith("2")
        elif verb == "RCPT":
            fate = self.fates[addressee(line)]
            self._take(
                fate,
                "RCPT" if self._mail.startswith("2") else "MAIL",
                reply if self._mail.startswith("2") else self._mail,
            )
            self._named.append(fate)
        elif verb in ("DATA", "END-"):
            self._wanted = verb == "DATA" and reply.startswith("354")
            self._begun = self._begun and verb == "DATA"
            for fate in self._named:
                if not self._wanted and fate.accepted:
                    self._take(fate, self._stage, reply)
        elif verb == "RSET":
            self._begun = False
        elif line == TLS and reply.startswith("2"):
            await self._writer.start_tls(_TRUSTING)

    def _take(self, fate: Fate, stage: str, reply: str) -> None:
        fate.stage, fate.reply = stage, reply

    def _message(self, content: Content) -> Iterator[str]:
        """The lines of a message, signed where it says so."""
        self._messages += 1
        headers = [f"From: {content.author}"] if content.author else []
        headers += [
            f"Subject: lab {self._session.name}",
            f"Message-ID: <{self._session.name}.{self._messages}@lab.example>",
        ]
        headers += ["Date: Sun, 22 Nov 2026 12:00:00 +0000", *content.more]
        body = f"A message of {self._session.name}."
        if content.signed_by:
            signed = body + (" Changed." if content.broken else "") + "\r\n"
            yield self._signer.sign(content.signed_by, headers, signed)
        yield from (*headers, "", body)

    async def _reply(self) -> str:
        """Await a reply: all its lines in one; '' when the server hangs up."""
        lines: list[str] = []
        while raw := await asyncio.wait_for(self._reader.readline(), PATIENCE):
            lines.append(raw.decode("latin-1").rstrip("\r\n"))
            if raw[3:4] != b"-":
                return " ".join([lines[0], *(line[4:] for line in lines[1:])])
        return ""

    async def _send(self, *lines: str) -> None:
        self._writer.write("".join(f"{line}\r\n" for line in lines).encode("latin-1"))
        await self._writer.drain()


def _trusting() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


_TRUSTING = _trusting()


async def play(sessions: Sequence[Session], signer: Signer, at_once: int) -> list[Fate]:
    """Play sessions, in order but for those that run at the same time; the fates in the order of the sessions."""
    places = asyncio.Semaphore(at_once)

    async def one(session: Session) -> list[Fate]:
        async with places:
            return await _visit(session, signer)

    return [fate for fates in await asyncio.gather(*map(one, sessions)) for fate in fates]


async def _visit(session: Session, signer: Signer) -> list[Fate]:
    server = world.SERVER6 if ":" in session.client else world.SERVER
    reader, writer = await asyncio.open_connection(server, 25, local_addr=(session.client, 0))
    visit = Visit(session, signer, reader, writer)
    try:
        await visit.run()
    except HangUp:
        visit.end("the server hung up")
    except (ConnectionError, TimeoutError) as error:
        visit.end(f"no reply: {error!r}")
    finally:
        writer.close()
    return list(visit.fates.values())
