"""A checkup: one thing of a machine that was looked at, for the tips 5 to 10, and what to do about it."""

from dataclasses import dataclass

from advisor.postconf import Postconf
from advisor.release import Release
from advisor.tree import Tree

FIX, NOTE, UNKNOWN, OK = "fix", "note", "unknown", "ok"
SEVERITIES = (FIX, NOTE, UNKNOWN, OK)
"""Works wrongly now; could do more; could not be told from what we see; as it should be."""

SEEN_FROM_OUTSIDE = 0
"""The number in place of a tip's for how others see this server."""


@dataclass(frozen=True)
class Checkup:
    """What was found: `name` is stable, `what` says what is there, `why` why it matters, `todo` the lines to type."""

    severity: str
    tip: int
    name: str
    what: str
    why: str = ""
    todo: tuple[str, ...] = ()


@dataclass(frozen=True)
class Machine:
    """A machine to look at: its files, its release, and its Postfix (None: no main.cf)."""

    tree: Tree
    release: Release
    config: Postconf | None

    @property
    def queue(self) -> str:
        """Postfix's queue directory, where relative sockets are."""
        return (self.config.value("queue_directory") if self.config else "") or "/var/spool/postfix"
