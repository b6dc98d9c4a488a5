"""A packet: a question to a name server as bytes, and what a reply says (RFC 1035, section 4)."""

import struct

import dns.exception
import dns.message
import dns.name
from dns.rdata import Rdata
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.ANY.PTR import PTR
from dns.rdtypes.ANY.TXT import TXT

PAYLOAD = 1232
"""Bytes of a UDP reply at most, so that none is fragmented (the DNS flag day of 2020); larger ones come by TCP."""

# The OPT record of RFC 6891, section 6.1.2: the root, its type, the payload, no flags, no data.
_OPT = struct.pack(">BHHIH", 0, 41, PAYLOAD, 0, 0)
_HEADER = 12


def wire(query: dns.message.Message, *, edns: bool) -> bytes:
    """A query as it is sent: to_wire() of the message takes ten times as long for the same bytes."""
    (question,) = query.question
    header = struct.pack(">HHHHHH", query.id, int(query.flags), 1, 0, 0, int(edns))
    name = question.name.to_wire()
    # Only with a file to write to does it give none.
    assert name is not None
    return header + name + struct.pack(">HH", question.rdtype, question.rdclass) + _OPT * edns


def parsed(data: bytes) -> dns.message.Message | None:
    """The message in a packet; of a truncated one the beginning. None where it is none.

    What comes after the answers is left out, where it tells nothing more: it is most of a denial, and takes as long.
    """
    if len(data) < _HEADER:
        return None
    cut, failed, answers = data[2] & 0x02, data[3] & 0x0F, any(data[6:8])
    short = data[:8] + bytes(4) + data[_HEADER:] if failed or answers else data
    try:
        return dns.message.from_wire(short, question_only=bool(cut), ignore_trailing=True)
    except (dns.exception.DNSException, ValueError):
        # Some rdata that breaks its own rules is refused with a ValueError.
        return None


def values(reply: dns.message.Message) -> tuple[str, ...]:
    """The records that answer a question, aliases followed; none where they end nowhere or run in a circle.

    Postfix calls a circle "not found" (dns_lookup.c: Name server loop).
    """
    if not isinstance(reply, dns.message.QueryMessage) or not reply.answer:
        return ()
    try:
        answer = reply.resolve_chaining().answer
    except dns.exception.DNSException:
        return ()
    return tuple(_text(record) for record in answer) if answer is not None else ()


def _text(record: Rdata) -> str:
    """One record as Response.values has it."""
    if isinstance(record, TXT):
        return b"".join(record.strings).decode("utf-8", "backslashreplace")
    if isinstance(record, MX):
        return f"{record.preference} {_name(record.exchange)}"
    if isinstance(record, PTR):
        return _name(record.target)
    return record.to_text()


def _name(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True) if len(name) > 1 else "."
