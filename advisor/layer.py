"""The layers of a log line: headers and wrappers, which daemons, containers and the journal put around one another."""

import json
import re
from typing import Any, NamedTuple

from advisor.stamp import ISO8601, MONTH_NAMES, find

LAYERS = 8
"""How deep headers are looked for, one within the other: more than any chain of daemons makes."""

REPEATED = "last message repeated"
"""The program of syslog's own line that says how often the line before it came again."""

_MOST = 1_000_000
"""Repetitions that are believed; a syslog daemon tells of them at least every few minutes."""

_MONTH = rf"(?:{'|'.join(MONTH_NAMES)})"
_LEVEL = r"(?:emerg|panic|alert|crit|error|err|warning|warn|notice|info|debug)"
_SEVERITY = r"(?:EMERG|ALERT|CRIT|ERR|WARNING|NOTICE|INFO|DEBUG)"
_FACILITY = r"(?:kern|user|mail|daemon|auth|authpriv|security|syslog|lpr|news|uucp|cron|ftp|local[0-7])"
# A header is ASCII (RFC 5424, PRINTUSASCII): one with a byte that is not is damaged.
# A host does not end in a colon: "postfix/smtpd[695]: warning: ..." without a host is not the program "warning".
_HOST = r"(?P<host>[!-~]*[!-9;-~])"
# postfix/submission/smtpd   postfix/127.0.0.1:10027/smtpd
_WORD = r"[!-9;-Z\\^-~]+"
_TAG = rf"(?P<tag>{_WORD}(?::\d{{1,5}}/{_WORD})?)"
_PID = r"\[(?P<pid>\d{1,10})\]"

# How a text begins in which there may be more of a header than its tag said:
# Nov 22 12:00:09 mx1 ...   2026-11-22T12:00:09 mx1 ...   2026 Nov 22 ...   <22>Nov 22 ...   postfix/smtpd[695]: ...
# [ID 197553 mail.info] connect from ...   message repeated 3 times: [ connect from ...]   last message repeated ...
_MORE = (
    rf"{_MONTH} [ 0-3]?\d |(?:19|20)\d\d(?:-\d\d-\d\d[T ]| {_MONTH} )|<\d{{1,3}}>"
    rf"|postfix{_WORD}\[\d|\[ID \d|(?:last )?message repeated \d"
)
MORE = re.compile(_MORE, re.ASCII)
# mx1 postfix/submission/smtpd[695]: connect from ...
# Two things look like a host and are none: a level (see PRIORITY), and the header behind what `docker logs -t` adds.
_NO_HEADER = r"(?!<\d|(?:19|20)\d\d-\d\d-\d\d[T ])"
TAG = re.compile(
    rf"(?!mail\.{_LEVEL} |{_SEVERITY} ){_NO_HEADER}"
    rf"{_HOST} {_TAG}(?:{_PID})?: ?(?P<more>(?={_MORE}))?",
    re.ASCII,
)
# mx1 mail.info postfix/smtpd[695]: ... (BusyBox)   mail.info postfix/smtpd[695]: ... (OpenWrt)
# INFO    postfix/smtpd[695]: connect from ... (rsyslog in some Postfix containers)
PRIORITY = re.compile(
    rf"(?:(?:{_HOST} )?{_FACILITY}\.{_LEVEL}|{_SEVERITY}) +{_TAG}(?:{_PID})?: ?(?P<more>(?={_MORE}))?",
    re.ASCII,
)
# postfix/smtpd[695]: connect from ...
NO_HOST = re.compile(rf"{_TAG}{_PID}: ?(?P<more>(?={_MORE}))?", re.ASCII)
# mx1 postfix/smtpd 695 - [exampleSDID@32473 iut="3" eventID="1\]1"] connect from ...
# rsyslog puts in another space: the one that stood before the text in RFC 3164.
_SD_NAME = r"[!#-<>-Z\\^-~]{1,64}+"
RFC5424 = re.compile(
    rf"{_NO_HEADER}(?P<host>[!-~]{{1,255}}+) (?P<tag>[!-Z\\^-~]{{1,128}}+) (?:(?P<pid>\d{{1,10}})|-) [!-~]{{1,64}}+ "
    rf'(?:-|(?:\[{_SD_NAME}(?: {_SD_NAME}="(?:[^"\\]|\\.)*+")*+\])++)(?:\Z| (?:\ufeff)? ?(?P<more>(?={_MORE}))?)',
    re.ASCII | re.DOTALL,
)
# mx1 last message repeated 2 times   mx1 syslogd: last message repeated 2 times (FreeBSD)
# mx1 --- last message repeated 1 time --- (macOS)
REPETITION = re.compile(
    rf"{_HOST} (?:syslogd(?:\[\d{{1,10}}\])?: |--- )?{REPEATED} (?P<times>\d{{1,9}}) times?(?: ---)?\Z", re.ASCII
)
# stdout F Nov 22 12:00:09 mx1 ..., behind the time stamp of a Kubernetes node (CRI) or podman
CRI = re.compile(r"(?:stdout|stderr) [FP] ", re.ASCII)
# <mail.info> mx1 postfix/smtpd[695]: ..., as FreeBSD's `syslogd -vv` writes it; with one v it is <2.6>
BRACKETED = re.compile(r"<[a-z0-9]{1,10}\.[a-z0-9]{1,10}> ", re.ASCII)
# mail-1  | Nov 22 12:00:09 mx1 ... (docker compose, coloured or not)
# <22>Nov 22 12:00:09 mx1 ...   <22>1 2026-11-22T12:00:09Z mx1 ... (RFC 5424)
_COLOUR = r"\x1b\[[\d;]{0,16}m"
PREFIX = re.compile(
    rf"\ufeff?(?:{_COLOUR})*+(?:[\w.@-]{{1,255}}+ *+\|(?: |{_COLOUR})*+)?(?:<\d{{1,3}}>)?(?:1 (?=(?:19|20)\d\d-))?",
    re.ASCII,
)
_SURROGATE = re.compile("[\ud800-\udfff]")


class Layer(NamedTuple):
    """What one header or wrapper says, None where it does not say it, and the text behind it."""

    stamp: re.Match[str] | None
    host: str | None
    tag: str | None
    pid: int | None
    text: str
    more: bool = True
    repeated: int = 1


def innermost(text: str) -> Layer | None:
    """Find the header that counts: of all the one nearest to the text.

    Where that is but a tag, it was logged when and where the one around it says.
    """
    counts, stamp, host = None, None, ""
    for _ in range(LAYERS):
        layer = outermost(text)
        if layer is None:
            break
        stamp, host, text = layer.stamp or stamp, layer.host or host, layer.text
        if layer.tag:
            counts = layer._replace(stamp=stamp, host=host)
            if not layer.more:
                break
    return counts


def outermost(text: str) -> Layer | None:
    """Take off the first layer of a text; None where it has none."""
    if text.startswith("{"):
        return _entry(text)
    if stamp := find(text):
        return _header(stamp)
    prefix = PREFIX.match(text)
    if prefix and prefix.end():
        return Layer(None, None, None, None, text[prefix.end() :])
    found = NO_HOST.match(text)
    return _tagged(None, found) if found and "/" in found["tag"] else None


def _header(stamp: re.Match[str]) -> Layer:
    """The header that a time stamp begins, or only that stamp."""
    text, start = stamp.string, stamp.end()
    if found := CRI.match(text, start):
        return _contained(stamp, text[found.end() :])
    if found := BRACKETED.match(text, start):
        start = found.end()
    if found := REPETITION.match(text, start):
        return Layer(stamp, found["host"], REPEATED, None, "", repeated=times(found["times"]))
    if found := TAG.match(text, start) or PRIORITY.match(text, start):
        return _tagged(stamp, found)
    if (found := NO_HOST.match(text, start)) and "/" in found["tag"]:
        return _tagged(stamp, found)
    if stamp.re is ISO8601 and (found := RFC5424.match(text, start)):
        return _tagged(stamp, found)
    return Layer(stamp, None, None, None, text[start:])


def _tagged(stamp: re.Match[str] | None, found: re.Match[str]) -> Layer:
    fields = found.groupdict()
    # "-" is how RFC 5424 says that it does not know the host.
    host = None if fields.get("host") == "-" else fields.get("host")
    pid = int(fields["pid"]) if fields["pid"] else None
    return Layer(stamp, host, fields["tag"], pid, found.string[found.end() :], fields["more"] is not None)


def _contained(stamp: re.Match[str] | None, text: str) -> Layer:
    """What a container wrote: a line with a header of its own, or a tag, or anything."""
    found = NO_HOST.match(text)
    return _tagged(stamp, found) if found else Layer(stamp, None, None, None, text)


def _entry(text: str) -> Layer | None:
    """A line of Docker's json-file or of `journalctl -o json`."""
    try:
        entry = json.loads(text)
    except (ValueError, RecursionError):
        return None
    message = _field(entry, "log")
    if message is not None:
        return _contained(find(f"{_field(entry, 'time')} "), message.rstrip("\r\n"))
    time = _field(entry, "__REALTIME_TIMESTAMP") or ""
    stamp = find(f"{time[:-6]}.{time[-6:]} ")
    if stamp is None:
        return None
    pid = _field(entry, "SYSLOG_PID", "_PID") or ""
    # A message that is too long for journalctl is null: logged, but we do not know what.
    message = _field(entry, "MESSAGE") or ""
    return Layer(
        stamp,
        _field(entry, "_HOSTNAME"),
        _field(entry, "SYSLOG_IDENTIFIER", "_COMM"),
        int(pid) if pid.isdecimal() and len(pid) <= 10 else None,
        message,
        MORE.match(message) is not None,
    )


def _field(entry: dict[str, Any], *names: str) -> str | None:
    """The first of these fields that is a text without NUL, or the bytes of one; if it is repeated, its first value."""
    for name in names:
        value = entry.get(name)
        if isinstance(value, list) and value and not isinstance(value[0], int):
            value = value[0]
        if isinstance(value, list) and all(isinstance(byte, int) and 0 <= byte < 256 for byte in value):
            value = bytes(value).decode("utf-8", "replace")
        if isinstance(value, str) and "\0" not in value:
            return _SURROGATE.sub("\ufffd", value)
    return None


def times(digits: str) -> int:
    """How often, within reason: a line that was logged stands for itself at least."""
    return min(max(int(digits), 1), _MOST)
