"""A log line taken apart: time, host, program and pid, before the program's own words; in every form that we know.

A text that begins as another header is a line within a line: containers and relays make such. Nobody forges one through
Postfix, which begins no text with what a client sent; who can have one logged by another program can write to syslog.
"""

import re
from typing import NamedTuple

from advisor.layer import MORE, PREFIX, REPEATED, TAG, innermost, times
from advisor.stamp import ISO8601, RFC3164, ROTATION, Clock, find

__all__ = ["ISO8601", "LONG", "MORE", "REPEATED", "RFC3164", "ROTATION", "Clock", "Line", "decode", "is_marker", "read"]

LONG = 65_536
"""Bytes. No syslog daemon passes on a line this long; what is longer is kept, not understood."""

# [ID 197553 mail.info] connect from ..., as the syslogd of Solaris writes it
_ID = re.compile(r"\[ID \d{1,10} [a-z0-9]{1,10}\.[a-z]{1,10}\] ", re.ASCII)
# message repeated 3 times: [ connect from mail.good.example[203.0.113.10]], as rsyslog writes it
_REPEATED = re.compile(r"message repeated (?P<times>\d{1,9}) times: \[ ?(?P<text>.*)\]\Z", re.ASCII | re.DOTALL)
# -- Journal begins at Sun 2026-11-01 00:00:00 CET, ends at Sun 2026-11-22 12:00:09 CET. --   -- Boot 5c3f... --
# Nov 22 12:00:09 mx1 -- MARK --   Attaching to mail-1, clamav-1   mail-1 exited with code 0   ==> mail.log <== (tail)
_MARKER = re.compile(
    r"-- (?:(?:Logs begin|Journal begins|Journal file|Boot|cursor:) .{1,512}|Reboot --|No entries --)\Z"
    r"|(?:[!-~]+ )?-- MARK --\Z|Attaching to [!-~].{0,512}\Z|[\w.@-]+ exited with code \d+\Z|==> .{1,4096} <==\Z",
    re.ASCII,
)


class Line(NamedTuple):
    """One log line taken apart; its text not yet understood. `time` is in microseconds since 1970, UTC.

    It stands for as many lines as `repeated` says: rsyslog writes the text once, and how often it came. The program
    REPEATED says that of the line before it; there is no text then.
    """

    time: int
    host: str
    syslog_name: str | None
    program: str
    pid: int | None
    text: str
    repeated: int = 1


def decode(raw: bytes) -> str | None:
    """Give a line's text; None where it is damaged (NUL bytes of a crash, no end).

    What remains of a damaged line could be half of one and half of another, so not even its date is believed. A crash
    may leave NULs before the first line after it, too; that one is whole. A byte that is not UTF-8 becomes U+FFFD: a
    client can send latin-1 in a HELO or a header, and its line is as good as any other.
    """
    if b"\0" in raw:
        raw = raw.lstrip(b"\0")
        if b"\0" in raw:
            return None
    if len(raw) > LONG:
        return None
    return raw.decode("utf-8", "replace").rstrip("\r")


def read(text: str, clock: Clock) -> Line | None:
    """Take a line apart; None where there is no header that we know.

    Of headers within one another the innermost counts, and moves the clock. The tag is read from the right, so that
    `postfix/submission/smtpd` and `postfix-in/smtpd` are smtpd (Postfix 2.9 put the service name into it).
    """
    stamp = RFC3164.match(text) or ISO8601.match(text)
    found = TAG.match(text, stamp.end()) if stamp else None
    if stamp is None or found is None:
        return _read_layers(text, clock)
    host, tag, pid, more = found.groups()
    if more is not None:
        return _read_layers(text, clock)
    time = clock.complete(stamp)
    if time is None:
        return None
    syslog_name, slash, program = tag.rpartition("/")
    return Line(time, host, syslog_name if slash else None, program, int(pid) if pid else None, text[found.end() :])


def _read_layers(text: str, clock: Clock) -> Line | None:
    """Take a line apart that is not of the usual form."""
    layer = innermost(text)
    if layer is None or layer.stamp is None or layer.tag is None:
        # No header, but the date that it begins with is as good as another's: "Nov 22 12:00:09 mx1 -- MARK --".
        clock.stamp(text)
        return None
    time = clock.complete(layer.stamp)
    if time is None:
        return None
    said, repeated = _ID.sub("", layer.text, count=1), layer.repeated
    if again := _REPEATED.match(said):
        said, repeated = again["text"], times(again["times"])
    syslog_name, slash, program = layer.tag.rpartition("/")
    return Line(time, layer.host or "", syslog_name if slash else None, program, layer.pid, said, repeated)


def is_marker(text: str) -> bool:
    """Tell whether a line without a header is a remark of syslogd, journalctl, Docker or tail, not a log line."""
    prefix = PREFIX.match(text)
    start = prefix.end() if prefix else 0
    stamp = find(text, start)
    return _MARKER.match(text, stamp.end() if stamp else start) is not None
