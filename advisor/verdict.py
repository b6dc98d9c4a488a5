"""A verdict: what Postfix says when a restriction, a milter or a header check speaks, and which one that was.

log_whatsup() in src/smtpd/smtpd_check.c writes it: the wording, not the restriction's name. SAYS leads back.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice

from advisor.family import ANY, MAILBOX, Fields

OTHER = "other"
"""The restriction of a wording that stands for none we know, or for several: never guessed."""

# 554 5.7.1 Service unavailable; Client host [203.0.113.150] blocked using zen.dnsbl.test; https://...
# The words before the semicolon are the administrator's (default_rbl_reply).
BLOCKED = re.compile(
    r"(?:[^;\[]*; )?(?P<what>Unverified Client host|Client host|Helo command|Sender address|"
    r"Recipient address|client) \[(?P<subject>.*?)\] blocked using (?P<list>[^\s;]+)",
    re.ASCII,
)
_BLOCKED = {
    "Unverified Client host": "reject_rhsbl_reverse_client",
    "Helo command": "reject_rhsbl_helo",
    "Sender address": "reject_rhsbl_sender",
    "Recipient address": "reject_rhsbl_recipient",
    "client": "postscreen_dnsbl_action",
}

SAYS: tuple[tuple[str, str], ...] = (
    ("Client host rejected: cannot find your reverse hostname", "reject_unknown_reverse_client_hostname"),
    ("Client host rejected: cannot find your hostname", "reject_unknown_client_hostname"),
    ("Helo command rejected: Invalid name", "reject_invalid_helo_hostname"),
    ("Helo command rejected: invalid ip address", "reject_invalid_helo_hostname"),
    ("Helo command rejected: need fully-qualified hostname", "reject_non_fqdn_helo_hostname"),
    ("Helo command rejected: Host not found", "reject_unknown_helo_hostname"),
    ("Helo command rejected: Malformed DNS server reply", "reject_unknown_helo_hostname"),
    ("Sender address rejected: Domain not found", "reject_unknown_sender_domain"),
    ("Sender address rejected: Malformed DNS server reply", "reject_unknown_sender_domain"),
    ("Sender address rejected: need fully-qualified address", "reject_non_fqdn_sender"),
    ("Sender address rejected: not owned by user", "reject_sender_login_mismatch"),
    ("Sender address rejected: not logged in", "reject_sender_login_mismatch"),
    ("Sender address rejected: undeliverable address", "reject_unverified_sender"),
    ("Sender address rejected: unverified address", "reject_unverified_sender"),
    ("Sender address rejected: address verification problem", "reject_unverified_sender"),
    ("Sender address rejected: User unknown", "reject_unlisted_sender"),
    ("Recipient address rejected: User unknown", "reject_unlisted_recipient"),
    ("Recipient address rejected: Domain not found", "reject_unknown_recipient_domain"),
    ("Recipient address rejected: Malformed DNS server reply", "reject_unknown_recipient_domain"),
    ("Recipient address rejected: need fully-qualified address", "reject_non_fqdn_recipient"),
    ("Recipient address rejected: undeliverable address", "reject_unverified_recipient"),
    ("Recipient address rejected: unverified address", "reject_unverified_recipient"),
    ("Recipient address rejected: address verification problem", "reject_unverified_recipient"),
    ("Relay access denied", "reject_unauth_destination"),
    ("Session encryption is required", "reject_plaintext_session"),
    ("bare <LF> received", "smtpd_forbid_bare_newline"),
    ("rejected by DMARC policy for ", "opendmarc"),
    ("Greylisting in action, please come back ", "milter-greylist"),
    ("Protocol error", "postscreen"),
    ("Service currently unavailable", "postscreen"),
)
"""What a reject's text begins with, after code and subject, and the restriction that says it; the first that fits."""

ANYWHERE: tuple[tuple[str, str], ...] = (
    ("Greylisted", "postgrey"),
    ("Message rejected due to: SPF", "policyd-spf"),
    ("Message deferred due to: SPF", "policyd-spf"),
    # postfix-policyd-spf-perl
    ("Please see http://www.openspf.", "policyd-spf"),
    ("Improper use of SMTP command pipelining", "reject_unauth_pipelining"),
    ("Multi-recipient bounce", "reject_multi_recipient_bounce"),
    ("defer_if_permit requested", "defer_if_permit"),
    ("defer_if_reject requested", "defer_if_reject"),
    # all_auth_mx_addr() and i_am_mx() in smtpd_check.c, which nothing else asks
    ("Unable to look up host ", "permit_mx_backup"),
    ("Unable to verify host ", "permit_mx_backup"),
    ("Unable to look up mail exchanger ", "permit_mx_backup"),
)
"""What follows CLASS in the words of what may stand in any list of restrictions, such as a policy service."""

# Recipient address rejected: Greylisted, see http://postgrey.schweikert.ch/help/ourdom.test.html
CLASS = re.compile(r"(?:Client host|Helo command|Sender address|Recipient address|Data command|End-of-data) rejected: ")

# Sender address rejected: Domain nullmx.example does not accept mail (nullMX)
NULL_MX = re.compile(r"(?P<what>Sender|Recipient) address rejected: Domain \S* does not accept mail \(nullMX\)")

_BY_WORD: dict[str, list[tuple[str, str]]] = {}
for _says, _name in SAYS:
    _BY_WORD.setdefault(_says.split(" ", 1)[0], []).append((_says, _name))


def name_restriction(fields: Fields) -> None:
    """Add `restriction` (and `list` for a DNS list) to the fields of a verdict, from its `text`."""
    text = fields["text"]
    if "blocked using" in text and (blocked := BLOCKED.match(text)):
        fields["list"] = blocked["list"]
        by_address = blocked["subject"].replace(".", "").isdigit() or ":" in blocked["subject"]
        client = "reject_rbl_client" if by_address else "reject_rhsbl_client"
        fields["restriction"] = _BLOCKED.get(blocked["what"], client)
    else:
        fields["restriction"] = _who_says(text)


def _who_says(text: str) -> str:
    for says, name in _BY_WORD.get(text.split(" ", 1)[0], ()):
        if text.startswith(says):
            return name
    if null := NULL_MX.match(text):
        return f"reject_unknown_{null['what'].lower()}_domain"
    if begins := CLASS.match(text):
        for says, name in ANYWHERE:
            if text.startswith(says, begins.end()):
                return name
    return OTHER


# A HELO name holds none of ` <>()\";@` in smtpd's lines: neuter() in smtpd.c makes them `?`.
_HELO = r"[^<>]*"
# sasl_username=<alice>: milters and proxies since Postfix 3.7 (smtpd_whatsup() in smtpd.c); restrictions since 3.10,
# sasl_method=PLAIN sasl_username=alice sasl_sender=a@b.example, and a login may hold spaces. Room for what comes later.
_OTHER = r"(?: (?!from=|to=|proto=|helo=|sasl_username=)[a-z_]+=(?:<[^<>]*>|[^\s<>]+))*+"
_MORE = rf"{_OTHER}(?: sasl_username=<?(?P<sasl_username>[^<>]{{0,256}}?)>?{_OTHER})?"


def attributes(sender: str = MAILBOX, recipient: str = MAILBOX, helo: str = _HELO, needed: str = "") -> str:
    """The pattern of what log_whatsup() writes behind the semicolon: each attribute that there is, in this order.

    from=<a@b.example> to=<c@d.example> proto=ESMTP helo=<mail.b.example>

    One of them may be `needed`; proto= is then, too: only mail from this machine goes without.
    """

    def may(name: str) -> str:
        return "" if name == needed else "?"

    proto = rf"(?: proto=(?P<proto>E?SMTP)(?: helo=<(?P<helo_name>{helo})>){may('helo')}{_MORE})"
    return (
        rf"(?= from=<| to=<| proto=)(?: from=<(?P<sender>{sender})>){may('sender')}"
        rf"(?: to=<(?P<recipient>{recipient})>){may('recipient')}{proto}{'' if needed else '?'}"
    )


@lru_cache(maxsize=16)
def _tail(sender: str = MAILBOX, recipient: str = MAILBOX, helo: str = _HELO, needed: str = "") -> re.Pattern[str]:
    return re.compile(rf";{attributes(sender, recipient, helo, needed)}\Z", re.DOTALL | re.ASCII)


TAIL = _tail()
"""The end of a verdict, as Postfix 3.5 and later write it."""
_LOOSE = (_tail(ANY, ANY, needed="proto"), _tail(ANY, ANY, ANY, needed="proto"))
TAIL_BEGINS = re.compile(r";(?= from=<| to=<| proto=E?SMTP)")
# 504 5.5.2 <localhost>: Helo command rejected: need fully-qualified hostname
REPLY = re.compile(r"(?:(?P<reply>[2-5]\d\d) )?(?:(?P<dsn>[245]\.\d{1,3}\.\d{1,3}) )?", re.ASCII)
_SUBJECT_ENDS = re.compile(r">: ")
_QUOTED = re.compile(r'"(?P<local>(?:[^"\\]|\\.)*)"', re.DOTALL)

LONGEST = 4_096
"""Characters of an ambiguous verdict at most: many addresses that fit into each other take their time."""
_MOST = 4
"""Readings of an ambiguous verdict that are tried; who builds more of them into an address is not worth the time."""


def read_verdict(text: str) -> Fields | None:
    """The fields of a verdict's words: code, dsn, text and, from its end, sender, recipient, proto, HELO and login.

    None where there is no end: a line that was cut off is no evidence.
    """
    first = TAIL_BEGINS.search(text)
    if first is None:
        return None
    found = REPLY.match(text)
    start = found.end() if found else 0
    tail = TAIL.match(text, first.start())
    if tail is None or _within_subject(text, start, tail):
        tail = _read_ambiguous(text, start)
        if tail is None:
            return None
    fields: Fields = {name: value for name, value in tail.groupdict().items() if value is not None}
    if found:
        fields.update((name, value) for name, value in found.groupdict().items() if value is not None)
    fields["text"] = text[start + _subject(text[start : tail.start()], fields) : tail.start()].rstrip()
    return fields


def _within_subject(text: str, start: int, tail: re.Match[str]) -> bool:
    """Whether what looks like the end begins before `<subject>: ` is over, with which the words begin."""
    return text.startswith("<", start) and text.find(">: ", start, tail.start()) < 0


def _subject(words: str, fields: Fields) -> int:
    """Where `<subject>: ` ends, with which the words of most restrictions begin; 0 where there is none."""
    if not words.startswith("<"):
        return 0
    for subject in sorted(_named(fields), key=len, reverse=True):
        if words.startswith(f"{subject}>: ", 1):
            return len(subject) + 4
    # The subject may also be the client or the command: <unknown[203.0.113.20]>, <DATA>.
    return words.find(">: ") + 3 if ">: " in words else 0


def _named(fields: Fields) -> list[str]:
    """What a subject may be: the recipient, sender or HELO; it is never quoted, whatever the attributes are."""
    values = [fields[name] for name in ("recipient", "sender", "helo_name") if name in fields]
    return values + [_unquoted(value) for value in values if value.startswith('"')]


def _unquoted(mailbox: str) -> str:
    """The address as a subject shows it: `"a> to=<b"@c.example` without the quotes."""
    quoted = _QUOTED.match(mailbox)
    return re.sub(r"\\(.)", r"\1", quoted["local"]) + mailbox[quoted.end() :] if quoted else mailbox


def _read_ambiguous(text: str, start: int) -> re.Match[str] | None:
    """The end of a verdict in whose words or addresses a stranger wrote what looks like one.

    The first that fits of: well-formed addresses, and the subject is among them; the subject is the recipient, the
    sender, the HELO; well-formed addresses; the shortest sender, then the shortest recipient, then any HELO. So before
    Postfix 3.5, or with `info_log_address_format = internal`, a sender `"a> to=<b"@c.example` may be misread.
    """
    if len(text) > LONGEST:
        return None
    begins = [found.start() for found in TAIL_BEGINS.finditer(text, start)]
    found = [tail for begin in begins if (tail := TAIL.match(text, begin))]
    formed = [tail for tail in found if not _within_subject(text, start, tail)]
    named = text.startswith("<", start)
    for tail in formed:
        if not named or any(text.startswith(f"{name}>: ", start + 1) for name in _named(tail.groupdict(""))):
            return tail
    ends = [found.end() for found in islice(_SUBJECT_ENDS.finditer(text, start), _MOST)] if named else []
    for end in ends:
        patterns = _patterns(text[start + 1 : end - len(">: ")], text[end:])
        if tail := _first(text, patterns, [begin for begin in begins if begin >= end]):
            return tail
    if formed:
        return formed[0]
    return _first(text, _LOOSE, [begin for begin in begins if not ends or begin >= ends[0]])


def _patterns(subject: str, after: str) -> Iterator[re.Pattern[str]]:
    """The end of a verdict on a recipient, a sender or a HELO, as far as it names that at all.

    To compile a pattern takes longer than to read a thousand lines: a damaged line must not have that done in vain.
    """
    known = re.escape(subject)
    if f" to=<{subject}>" in after:
        yield _tail(ANY, known, needed="recipient")
    if f" from=<{subject}>" in after:
        yield _tail(known, ANY, needed="sender")
    if f" helo=<{subject}>" in after:
        yield _tail(ANY, ANY, known, needed="helo")


def _first(text: str, patterns: Iterable[re.Pattern[str]], begins: list[int]) -> re.Match[str] | None:
    for pattern in patterns:
        for begin in begins[:_MOST]:
            if tail := pattern.match(text, begin):
                return tail
    return None
