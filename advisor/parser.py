"""A parser: reads a log block by block, and knows between two blocks what the next one needs of the one before."""

from advisor import programs
from advisor.event import Parsed
from advisor.line import Clock


class Parser:
    """Turns blocks of one log, in their order, into events.

    What one block leaves for the next are the clock (which year it is) and `previous`, the last line that was not
    itself a `last message repeated n times`. The events do not depend on where the blocks were cut.
    """

    def __init__(self, clock: Clock, source: str, previous: str = "") -> None:
        """Begin where the clock stands, after a line."""
        self.clock = clock
        self.source = source
        self.previous = previous

    def read(self, data: bytes, offset: int = 0) -> Parsed:
        """Read whole lines, of which the last may lack its newline; `offset` is where they start in the log."""
        lines = data.split(b"\n")
        if not lines[-1]:
            lines.pop()
        return programs.parse(_numbered(lines, offset), self.clock, self.source)


def _numbered(lines: list[bytes], offset: int):  # type: ignore[no-untyped-def]  # a stub, for now
    for line in lines:
        yield offset, line
        offset += len(line) + 1
