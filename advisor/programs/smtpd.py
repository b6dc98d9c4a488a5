"""smtpd(8): who connects, what is refused and why, and which message was begun."""

import re
from functools import lru_cache

from advisor.family import CIPHER, CLIENT, IP, LIBRARY, NUMBER, QUEUE_ID, TLS, Fields, family, tls_detail
from advisor.verdict import name_restriction, read_verdict

PROGRAMS = ("smtpd",)
POSTFIX = True

# ehlo=1 starttls=1 mail=1 rcpt=0/1 quit=1 commands=4/5: successful, or successful/all
COUNT = re.compile(r"(?P<command>[a-z]+)=(?P<good>\d+)(?:/(?P<all>\d+))?")


def read_counts(commands: str) -> dict[str, tuple[int, int]]:
    """The command counts of a disconnect line: command → (successful, all) (smtpd.c, since Postfix 3.0)."""
    return {
        found["command"]: (int(found["good"]), int(found["all"] or found["good"])) for found in COUNT.finditer(commands)
    }


@lru_cache(maxsize=10_000)
def helo_in_force(commands: str) -> bool | None:
    """Whether a HELO was in force at the session's end.

    STARTTLS forgets the HELO (smtpd.c: helo_reset()), so it was in force if and only if there were more successful
    HELO and EHLO commands than STARTTLS. As many of each: the HELO may have come before or after; no evidence.
    """
    counts = read_counts(commands)
    helos = counts.get("ehlo", (0, 0))[0] + counts.get("helo", (0, 0))[0]
    starttls = counts.get("starttls", (0, 0))[0]
    if helos > starttls:
        return True
    return None if starttls else False


def _count(fields: Fields) -> None:
    if "commands" in fields:
        fields["helo_sent"] = helo_in_force(fields["commands"])


_REFUSALS = frozenset({"reject", "reject_warning", "milter-reject", "proxy-reject"})
# CONNECT comes before any HELO, and in VRFY or ETRN nobody asks for one.
_AFTER_HELO = frozenset({"MAIL", "RCPT", "DATA", "BDAT", "END-OF-MESSAGE"})


def complete_verdict(fields: Fields) -> bool:
    """Take the words of a verdict apart and name its restriction; False where they have no end."""
    verdict = read_verdict(fields["text"])
    if verdict is None:
        return False
    fields.update(verdict)
    if fields["action"] in _REFUSALS:
        name_restriction(fields)
    if "helo_name" in fields:
        fields["helo_sent"] = True
    elif "proto" in fields and fields["stage"] in _AFTER_HELO:
        # smtpd_check.c writes helo= whenever there is one, so its absence says that none was in force.
        fields["helo_sent"] = False
    return True


def _complete(fields: Fields) -> bool:
    # log_whatsup() always writes proto=, so a line without was cut off.
    return complete_verdict(fields) and "proto" in fields


ACTIONS = (
    "reject|reject_warning|permit|info|warn|discard|hold|redirect|filter|bcc|delay|prepend|hangup|"
    "milter-reject|milter-discard|milter-hold|milter-redirect|milter-quarantine"
)
STAGES = (
    "CONNECT|HELO|EHLO|MAIL|RCPT|DATA|BDAT|END-OF-MESSAGE|ETRN|VRFY|AUTH|STARTTLS|XCLIENT|XFORWARD|UNKNOWN|RSET|"
    "NOOP|QUIT|HELP|DATA content|BDAT content"
)

FAMILIES = (
    family(
        "connect",
        "connect from mail.good.example[203.0.113.10]:52941",
        rf"connect from {CLIENT}",
    ),
    family(
        "disconnect",
        "disconnect from h38.senders.example[203.0.113.138] ehlo=1 mail=0/1 rset=1 quit=1 commands=3/4",
        rf"disconnect from {CLIENT}(?: (?P<commands>[a-z]+=\d+(?:/\d+)?(?: [a-z]+=\d+(?:/\d+)?)*))?",
        _count,
    ),
    family(
        "verdict",
        "NOQUEUE: reject: RCPT from unknown[203.0.113.20]: 450 4.7.1 Client host rejected: cannot find your reverse "
        "hostname, [203.0.113.20]; from=<a@b.example> to=<c@d.example> proto=ESMTP helo=<helo-ok.example>",
        rf"(?:NOQUEUE|{QUEUE_ID}): (?P<action>{ACTIONS}): (?P<stage>{STAGES}) from {CLIENT}: (?P<text>.*)",
        _complete,
    ),
    family(
        "verdict",
        "NOQUEUE: reject: RCPT from unknown[203.0.113.20]: 421 4.3.0 mx1.ourdom.test Server local data error",
        rf"(?:NOQUEUE|{QUEUE_ID}): (?P<action>reject): (?P<stage>{STAGES}) from {CLIENT}: "
        r"(?P<reply>421) (?P<dsn>4\.3\.0) \S+ (?P<text>Server local (?:data )?error)",
        name_restriction,
    ),
    family(
        # smtpd_proxy_filter: neither client nor queue id stand in it, so it is told apart from a verdict.
        "proxied",
        "proxy-reject: END-OF-MESSAGE: 554 5.7.0 Reject, id=00406-02 - spam; from=<a@b.example> to=<c@d.example> "
        "proto=ESMTP helo=<mail.b.example>",
        rf"(?:(?:NOQUEUE|{QUEUE_ID}): )?(?P<action>proxy-accept|proxy-reject): (?P<stage>{STAGES}): (?P<text>.*)",
        _complete,
    ),
    family(
        "client",
        "4F1D61C0: client=unknown[198.51.100.60], sasl_method=PLAIN, sasl_username=alice@ourdom.test",
        rf"(?:NOQUEUE|{QUEUE_ID}): client={CLIENT}(?:, sasl_method=[^,]+)?(?:, sasl_username=(?P<sasl_username>[^,]+))?"
        r"(?:, \w+=[^,]*)*",
    ),
    family(
        "tls",
        "Anonymous TLS connection established from mail.good.example[203.0.113.10]: TLSv1.3 with cipher "
        "TLS_AES_256_GCM_SHA384 (256/256 bits)",
        # Behind `to`, since Postfix 3.4: the name that the client asked for (SNI), where we have a certificate for it.
        rf"{TLS} from {CLIENT}(?: to \S+)?: {CIPHER}",
    ),
    family(
        "hostname_warning",
        "warning: hostname nofwd.nosuch.example does not resolve to address 203.0.113.25: Name or service not known",
        r"warning: hostname (?P<reverse_client_name>\S+) does not resolve to address "
        rf"(?P<client_address>{IP})(?:: (?P<reason>\D.*))?",
    ),
    family(
        "hostname_warning",
        "warning: 203.0.113.25: hostname nofwd.example verification failed: Name or service not known",
        # With the function's name before Postfix 2.9.
        rf"warning: (?:smtpd_peer_init: )?(?P<client_address>{IP}): hostname (?P<reverse_client_name>\S+) "
        r"verification failed: (?P<reason>.+)",
    ),
    family(
        "hostname_warning",
        "warning: 203.0.113.28: address not listed for hostname other.hosts.example",
        rf"warning: (?:smtpd_peer_init: )?(?P<client_address>{IP}): address not listed for hostname "
        r"(?P<reverse_client_name>\S+)",
    ),
    family(
        "numeric_hostname",
        "warning: numeric hostname: 203.0.113.35",
        r"warning: (?:valid_hostname: )?numeric hostname: (?P<text>\S+)",
    ),
    family(
        "lost_connection",
        "lost connection after DATA (1024 bytes) from h2.senders.example[203.0.113.102]",
        # With the queue id, or NOQUEUE, since Postfix 3.10.
        rf"(?:(?:NOQUEUE|{QUEUE_ID}): )?(?P<action>lost connection|timeout|too many errors) after "
        rf"(?P<stage>[\w-]+(?: content)?)(?: \((?P<size>{NUMBER}) bytes\))? from {CLIENT}",
    ),
    family(
        "pipelining",
        r"improper command pipelining after CONNECT from mis0.example[198.51.100.220]: EHLO mis0.bad\r\nQUIT\r\n",
        rf"improper command pipelining after (?P<stage>[\w-]+) from {CLIENT}(?::(?: (?P<text>.*))?)?",
    ),
    family(
        "login_failed",
        "warning: unknown[198.51.100.9]: SASL PLAIN authentication failed: authentication failure, sasl_username=admin",
        rf"warning: {CLIENT}: SASL (?P<action>\S+) authentication (?:failed|aborted)(?:: (?P<reason>.*?))??"
        r"(?:, sasl_username=(?P<sasl_username>.*))?",
    ),
    family(
        "login_failed",
        "warning: SASL authentication failure: Password verification failed",
        r"warning: SASL (?:authentication )?(?:failure|problem): (?P<reason>.+)",
    ),
    family(
        "bad_command",
        "warning: non-SMTP command from mis8.senders.example[198.51.100.228]: GET / HTTP/1.1",
        rf"warning: non-SMTP command from {CLIENT}: (?P<text>.*)",
    ),
    family(
        "bad_command",
        "warning: Illegal address syntax from unknown[198.51.100.9] in RCPT command: <a@b@c>",
        rf"warning: Illegal address syntax from {CLIENT} in (?P<stage>\w+) command: (?P<text>.*)",
    ),
    family(
        "limit_exceeded",
        "warning: Connection rate limit exceeded: 61 from unknown[198.51.100.9] for service smtp",
        rf"warning: (?P<reason>[A-Z][\w /-]+ limit exceeded): \d+ from {CLIENT} for service (?P<text>\S+)",
    ),
    family(
        "list_error",
        "warning: 10.113.0.203.dead.dnsbl.test: RBL lookup error: Host or domain name not found. Name service error",
        r"warning: (?P<domain>\S+): RBL lookup error: (?P<reason>.+)",
    ),
    family(
        "tls_failed",
        "SSL_accept error from unknown[198.51.100.9]: lost connection",
        rf"SSL_accept error from {CLIENT}: (?P<reason>.+)",
    ),
    family(
        "tls_failed",
        "certificate verification failed for mail.good.example[203.0.113.10]: untrusted issuer /CN=Nobody",
        rf"(?:client )?certificate verification failed for {CLIENT}: (?P<reason>.+)",
    ),
    family(
        "tls_failed",
        "NOQUEUE: abort: TLS from unknown[198.51.100.9]: insufficient TLS encryption",
        rf"(?:NOQUEUE: )?abort: TLS from {CLIENT}: (?P<reason>.+)",
    ),
    family(
        "tls",
        "setting up TLS connection from mail.good.example[203.0.113.10]",
        rf"setting up TLS connection from {CLIENT}",
    ),
    tls_detail(CLIENT),
    family(
        "notice",
        "discarding EHLO keywords: CHUNKING",
        r"(?P<text>(?:discarding EHLO keywords: |mapping DSN status |master_notify: |"
        # The Cyrus SASL library and its plugins.
        r"SASL authentication info: |sql (?:auxprop )?plugin[ :]|auxpropfunc error |(?:begin|commit) transaction\Z|"
        r"looking for plugins in |unable to (?:open Berkeley db|dlopen) |OTP unavailable because |"
        rf"connection established).*)|{CLIENT}: (?P<reason>replacing command .*)",
    ),
    LIBRARY,
)
