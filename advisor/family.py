"""A line family: the shape that one log call of one program gives its lines, and the event it stands for."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

Fields = dict[str, Any]
"""The columns of an event that a line fills, by name."""

# 203.0.113.10   2001:db8::   fe80::1%eth0.1
IP = r"(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*(?:[0-9A-Fa-f]|::))(?:%[\w.-]+)?"
# :52941, or :unknown where smtpd never learned it (smtpd_client_port_logging)
_PORT = r"(?::(?:(?P<client_port>\d{1,5})|unknown))?"
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
# Without the first word: nobody had a certificate to look at (Postfix 2.5 and older).
TLS = r"(?:(?P<result>Anonymous|Untrusted|Trusted|Verified) )?TLS connection (?:established|reused)"
CIPHER = r"(?P<text>\S+ with cipher \S+ \(\d+/\d+ bits\).*)"

_NUMBERS: dict[str, Callable[[str], float]] = {"client_port": int, "size": int, "nrcpt": int, "delay": float}


@dataclass(frozen=True)
class Family:
    """One family: its kind, a line of it, the pattern of the whole text (groups are columns), and what follows from it.

    `complete` may add or change fields where a group alone does not say it; where it answers False, the text is of
    another family after all.
    """

    kind: str
    sample: str
    expression: str
    complete: Callable[[Fields], bool | None] | None = None

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        r"""The expression, compiled when the first line asks: a log has lines of few of the programs.

        It is anchored at both ends here, so that none can forget it; `\Z` and not `$`, for a line may end in a line
        break that a program logged. ASCII: what else Unicode calls a digit is none to int().
        """
        return re.compile(rf"(?:{self.expression})\Z", re.DOTALL | re.ASCII)

    @cached_property
    def numbers(self) -> tuple[str, ...]:
        """The columns among the groups that are numbers."""
        return tuple(name for name in _NUMBERS if name in self.pattern.groupindex)

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
    """A family of lines."""
    return Family(kind, sample, pattern, complete)


# From the files tls_*.c, at smtp(d)_tls_loglevel 2 and some at 1; `Trusted: ` and those about "peer" before 2.6.
_TLS_DETAIL = (
    r"(?P<text>(?:(?:(?:Unt|T)rusted|(?:Unv|V)erified): )?subject_CN=.*|(?:"
    r"matched peername: |re-using session with untrusted |SNI hostname: |TLS cipher list |Reusing old session|"
    r"raw public key fingerprint=|Matched (?:trust anchor|fingerprint: |DANE )|(?:depth=\d+ )?verify=\d|"
    r"(?:looking (?:up|for)|reloaded|save|remove) session |(?:Issuing|Decrypting) session ticket, |"
    r"initializing the (?:server|client)-side TLS engine|TLS SNI |SSL_(?:accept|connect):|SSL3 alert |"
    r"SSL_set_fd error |(?:subject|issuer)=|verify error:num=|cert has expired|Peer verification: |"
    r"(?:Peer|Server) certificate could not be verified|certificate peer name verification failed for |"
    r"cannot (?:load Certificat(?:e|ion) Authority data|set default OpenSSL certificate verification paths)).*)"
)


def tls_detail(peer: str) -> Family:
    """What the TLS library says of a certificate or a session; `peer` is the pattern of whom it is about."""
    return family(
        "tls",
        "mail.good.example[203.0.113.10]:25: subject_CN=mail.good.example, issuer_CN=R3, fingerprint=AB:CD, "
        "pkey_fingerprint=EF:01",
        rf"(?:{peer}: )?{_TLS_DETAIL}",
    )


LIBRARY = family(
    "notice",
    "table hash:/etc/postfix/access(0,lock|fold_fix) has changed -- restarting",
    r"(?P<text>table \S+ has changed -+ (?:restarting|finishing in the background)|"
    r"cache \S+ (?:full|partial) cleanup: retained=\d+ dropped=\d+ entries|"
    # master_ent.c puts the line of master.cf before it.
    r"(?:/\S+: line \d+: )?using backwards-compatible default setting .+|"
    r"skipping (?:address family \d+ for (?:host )?|SRV lookup for )\S+|ignoring DNS RR: .+|"
    r"database lmdb:\S+: (?:using size limit \d+ |pausing after MDB_READERS_FULL).*|"
    r"close database \S+: .+ \(possible Berkeley DB bug\)|sane_(?:link|rename)\(.+: worked around spurious NFS error|"
    # With -v, or for a client in debug_peer_list: the SMTP dialogue, attributes of the internal protocols, and what the
    # functions say under their names, as smtpd_check_addr: addr=bob@ourdom.test
    r"[<>] \S+\[[^\[\]\s]*\](?::\w+)?: .*|>>> (?:START|END|CHECKING) .+ <<<|(?:send|input) attr(?:ibute)? .+|"
    r"\S+(?: socket)?: wanted attribute: .+|[a-z]+(?:_[a-z0-9]+)+: .*)|"
    # bounce(8) did not take it (bounce.c, abounce.c); the message stays in the queue.
    rf"{QUEUE_ID}: (?P<reason>status=deferred \((?:bounce|delay warning|verp|trace|whatever) failed\))",
)
"""What the library of Postfix may say in any of its programs."""

# warning: TLS library problem: error:0A00018E:SSL routines::ca md too weak
LEVEL = family(
    "message",
    "warning: hash:/etc/postfix/access is unavailable. open database /etc/postfix/access.db: No such file or directory",
    r"(?P<action>warning|error|fatal|panic): (?P<text>.*)",
)
"""What every Postfix program may say through msg_warn() and its like (src/util/msg.c); the words are free."""

IGNORED = "ignored"
"""The kind of a line that we understand and have no use for."""

# imap(alice@ourdom.test): Logged out in=86 out=892
REST = family(IGNORED, "imap-login: Login: user=<alice@ourdom.test>, method=PLAIN, rip=203.0.113.60", r".*")
"""The last family of a program of which we need but a few lines."""
