"""A session: what one client says to the server, step by step."""

from dataclasses import dataclass, field

from tests.lab.world import OWN_DOMAIN

TLS = "STARTTLS"
QUIT = "QUIT"


@dataclass(frozen=True)
class Content:
    """What follows a successful DATA: the headers, and whether our own signer signs it for a domain."""

    author: str = "news@sender-ok.example"
    signed_by: str = ""
    broken: bool = False
    more: tuple[str, ...] = ()


@dataclass(frozen=True)
class Chunk:
    """Lines sent at once, whatever the server has said so far; `early`: even before its greeting."""

    lines: tuple[str, ...]
    early: bool = False


Step = str | Content | Chunk
"""A command whose reply is awaited, a message, or a chunk."""


@dataclass(frozen=True)
class Session:
    """A client's visit. `again`: it comes once more after a pause, as a retry or with its next message.

    `unsteady` says why real Postfix does not always answer the same.
    """

    name: str
    client: str
    steps: tuple[Step, ...]
    again: bool = False
    unsteady: str = ""

    @property
    def recipients(self) -> tuple[str, ...]:
        """Whom it names in RCPT TO, in order."""
        return tuple(recipient for step in self.steps for line in lines(step) if (recipient := addressee(line)))


def lines(step: Step) -> tuple[str, ...]:
    """The commands of a step."""
    if isinstance(step, Content):
        return ()
    return step.lines if isinstance(step, Chunk) else (step,)


def addressee(line: str) -> str:
    """The recipient that a command names; '' if it is no RCPT TO."""
    return line[9:].partition(">")[0] if line.upper().startswith("RCPT TO:<") else ""


@dataclass
class Script:
    """Makes sessions, each with a recipient of its own, so that an attempt in a log tells its session.

    Recipients whose names begin with p exist, those with n do not.
    """

    made: list[Session] = field(default_factory=list)

    def fresh(self, known: bool = True, domain: str = OWN_DOMAIN) -> str:
        """A recipient that no other session has."""
        self._count = getattr(self, "_count", 0) + 1
        return f"{'p' if known else 'n'}{self._count:03}@{domain}"

    def add(self, client: str, *steps: Step, again: bool = False, unsteady: str = "") -> None:
        """Add a session of just these steps."""
        self.made.append(Session(f"s{len(self.made) + 1:03}", client, steps, again=again, unsteady=unsteady))

    def mail(
        self,
        client: str = "203.0.113.10",
        hello: str | tuple[Step, ...] = "EHLO helo-ok.example",
        sender: str = "news@sender-ok.example",
        to: str | tuple[str, ...] = "",
        content: Content | None = None,
        **how: bool | str,
    ) -> None:
        """Add a session that sends one message."""
        first = (hello,) if isinstance(hello, str) else hello
        self.add(client, *first, *self.message(sender, to, content), QUIT, **how)  # type: ignore[arg-type] # as add()

    def message(self, sender: str, to: str | tuple[str, ...] = "", content: Content | None = None) -> tuple[Step, ...]:
        """The steps of one message."""
        names = (to,) if isinstance(to, str) else to
        recipients = [f"RCPT TO:<{name or self.fresh()}>" for name in names]
        return (f"MAIL FROM:<{sender}>", *recipients, "DATA", content or Content(sender or "mailer@sender-ok.example"))
