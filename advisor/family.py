"""A line family: the shape that one log call of one program gives its lines, and the event it stands for."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Fields = dict[str, Any]
"""The columns of an event that a line fills, by name."""

# 203.0.113.10   2001:db8::   fe80::1%eth0.1
IP = r"(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*(?:[0-9A-Fa-f]|::))(?:%[\w.-]+)?"
_PORT = r"(?::(?P<client_port>\d{1,5}))?"
# mail.good.example[203.0.113.10]:52941   unknown[2001:db8::1]   unknown[unknown]
CLIENT = rf"(?P<client_name>[^\s\[\]]*)\[(?:(?P<client_address>{IP})|unknown)\]{_PORT}"
# [203.0.113.10]:50949, as postscreen and tlsproxy write it
ADDRESS = rf"\[(?P<client_address>{IP})\]{_PORT}"
# 4F1D61C0, or 52 letters and digits with enable_long_queue_ids
QUEUE_ID = r"(?P<queue_id>[0-9A-Za-z]{5,25})"
# news@sender-ok.example   "a> to=<b"@evil.example: what RFC 5321 quotes is quoted in the log since Postfix 3.5
# (info_log_address_format); before, `<>` or `"` may stand bare in an address.
MAILBOX = r'(?:"(?:[^"\\]|\\.)*"[^<>"]*|[^<>"]*)'
# <>@x.example, as Postfix before 3.5 writes `"<>"@x.example`. RFC 5321 allows 256 characters; without any bound a line
# made for it would take minutes.
ANY = r".{0,512}?"
# 0.55   86400   8.6e-05
SECONDS = r"\d{1,12}(?:\.\d{1,12})?(?:e-?\d{1,2})?"
# What still fits into the columns of the schema.
NUMBER = r"\d{1,18}"
# Anonymous TLS connection established from mail.good.example[203.0.113.10]: TLSv1.3 with cipher X (256/256 bits)
TLS = r"(?P<result>Anonymous|Untrusted|Trusted|Verified) TLS connection (?:established|reused)"
CIPHER = r"(?P<text>\S+ with cipher \S+ \(\d+/\d+ bits\).*)"

_NUMBERS: dict[str, Callable[[str], float]] = {"client_port": int, "size": int, "nrcpt": int, "delay": float}


@dataclass(frozen=True)
class Family:
    """One family: its kind, the pattern of the whole text (groups are columns), a line of it, and what follows from it.

    `complete` may add or change fields where a group alone does not say it; where it answers False, the text is of
    another family after all.
    """

    kind: str
    pattern: re.Pattern[str]
    sample: str
    complete: Callable[[Fields], bool | None] | None = None
    numbers: tuple[str, ...] = ()

    def read(self, text: str) -> Fields | None:
        """The fields of a text of this family; None where it is of another."""
        found = self.pattern.match(text)
        return None if found is None else self.fields(found)

    def fields(self, found: re.Match[str]) -> Fields | None:
        """The fields of a match of this family's pattern; None where `complete` refuses it."""
        fields: Fields = {name: value for name, value in found.groupdict().items() if value is not None}
        fields["kind"] = self.kind
        for name in self.numbers:
            if name in fields:
                fields[name] = _NUMBERS[name](fields[name])
        if self.complete is not None and self.complete(fields) is False:
            return None
        return fields


def family(kind: str, sample: str, pattern: str, complete: Callable[[Fields], bool | None] | None = None) -> Family:
    r"""Make a family; the pattern is anchored at both ends here, so that none can forget it.

    `\Z` and not `$`: a line may end in a line break that a program logged. ASCII: what else Unicode calls a digit is
    none to int().
    """
    compiled = re.compile(rf"(?:{pattern})\Z", re.DOTALL | re.ASCII)
    return Family(kind, compiled, sample, complete, tuple(name for name in _NUMBERS if name in compiled.groupindex))


# warning: TLS library problem: error:0A00018E:SSL routines::ca md too weak
LEVEL = family(
    "message",
    "warning: hash:/etc/postfix/access is unavailable. open database /etc/postfix/access.db: No such file or directory",
    r"(?P<action>warning|error|fatal|panic): (?P<text>.*)",
)
"""What every Postfix program may say through msg_warn() and its like (src/util/msg.c); the words are free."""
