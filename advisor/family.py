"""A line family: the shape that one log call of one program gives its lines, and the event it stands for."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Fields = dict[str, Any]
"""The columns of an event that a line fills, by name."""

# mail.good.example[203.0.113.10]:52941   unknown[2001:db8::1]   unknown[unknown]
CLIENT = r"(?P<client_name>[^\s\[\]]*)\[(?P<client_address>[0-9A-Fa-f:.]+(?:%\w+)?|unknown)\](?::(?P<client_port>\d+))?"
# [203.0.113.10]:50949, as postscreen and tlsproxy write it
ADDRESS = r"\[(?P<client_address>[0-9A-Fa-f:.]+(?:%\w+)?)\](?::(?P<client_port>\d+))?"
# 4F1D61C0, or 52 letters and digits with enable_long_queue_ids
QUEUE_ID = r"(?P<queue_id>[0-9A-Za-z]{5,25})"

_WHOLE = frozenset({"client_port", "size", "nrcpt"})


@dataclass(frozen=True)
class Family:
    """One family: its kind, the pattern of the whole text (groups are columns), a line of it, and what follows from it.

    `complete` may add or change fields where a group alone does not say it.
    """

    kind: str
    pattern: re.Pattern[str]
    sample: str
    complete: Callable[[Fields], None] | None = None

    def read(self, text: str) -> Fields | None:
        """The fields of a text of this family; None where it is of another."""
        found = self.pattern.match(text)
        if found is None:
            return None
        fields: Fields = {name: value for name, value in found.groupdict().items() if value is not None}
        fields["kind"] = self.kind
        for name in _WHOLE & fields.keys():
            fields[name] = int(fields[name])
        if fields.get("client_address") == "unknown":
            del fields["client_address"]
        if self.complete is not None:
            self.complete(fields)
        return fields


def family(kind: str, sample: str, pattern: str, complete: Callable[[Fields], None] | None = None) -> Family:
    r"""Make a family; the pattern is anchored at both ends here, so that none can forget it.

    `\Z` and not `$`: a line may end in a line break that a program logged.
    """
    return Family(kind, re.compile(rf"(?:{pattern})\Z", re.DOTALL), sample, complete)


# warning: TLS library problem: error:0A00018E:SSL routines::ca md too weak
LEVEL = family(
    "message",
    "warning: hash:/etc/postfix/access is unavailable. open database /etc/postfix/access.db: No such file or directory",
    r"(?P<action>warning|error|fatal|panic): (?P<text>.*)",
)
"""What every Postfix program may say through msg_warn() and its like (src/util/msg.c); the words are free."""
