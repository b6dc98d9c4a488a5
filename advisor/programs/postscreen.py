"""postscreen(8): who was tested before smtpd, with what result, and who was let in."""

from advisor.family import ADDRESS, ANY, IP, LIBRARY, MAILBOX, NUMBER, Fields, family
from advisor.verdict import name_restriction

PROGRAMS = ("postscreen",)
POSTFIX = True


def _complete(fields: Fields) -> None:
    name_restriction(fields)
    if "helo_name" in fields:
        fields["helo_sent"] = fields["helo_name"] != ""
        if not fields["helo_sent"]:
            del fields["helo_name"]


def _at_connect(fields: Fields) -> None:
    fields["stage"] = "CONNECT"
    _complete(fields)


# COMMAND TIME LIMIT from [198.51.100.220]:44797 after CONNECT
_VIOLATION = (
    "(?P<action>COMMAND PIPELINING|BARE NEWLINE|NON-SMTP COMMAND|COMMAND COUNT LIMIT|COMMAND LENGTH LIMIT|"
    "COMMAND TIME LIMIT)"
)

FAMILIES = (
    family(
        "screen_connect",
        "CONNECT from [203.0.113.10]:50949 to [192.0.2.1]:25",
        rf"CONNECT from {ADDRESS} to \[(?P<relay>[^\]]+)\]:\d+",
    ),
    family(
        "screen_pass",
        "PASS NEW [203.0.113.10]:50949",
        rf"(?P<action>PASS NEW|PASS OLD|ALLOWLISTED|WHITELISTED) {ADDRESS}",
    ),
    family("screen_disconnect", "DISCONNECT [203.0.113.153]:39911", rf"DISCONNECT {ADDRESS}"),
    family(
        "verdict",
        "NOQUEUE: reject: RCPT from [203.0.113.150]:56033: 550 5.7.1 Service unavailable; client [203.0.113.150] "
        "blocked using zen.dnsbl.test; from=<a@b.example>, to=<c@d.example>, proto=ESMTP, helo=<bl.listed.example>",
        rf"NOQUEUE: (?P<action>reject): (?P<stage>RCPT) from {ADDRESS}: (?P<reply>[2-5]\d\d) "
        # Where `>, to=<` stands in an address that is not quoted, the sender is the shortest that fits.
        rf"(?:(?P<dsn>[245]\.\d{{1,3}}\.\d{{1,3}}) )?(?P<text>(?:(?!; from=<).)*); from=<(?P<sender>{MAILBOX}|{ANY})>, "
        rf"to=<(?P<recipient>{MAILBOX}|{ANY})>, proto=(?P<proto>E?SMTP), helo=<(?P<helo_name>.*)>",
        _complete,
    ),
    family(
        "verdict",
        "NOQUEUE: reject: CONNECT from [203.0.113.150]:56033: too many connections",
        rf"NOQUEUE: (?P<action>reject): (?P<stage>CONNECT) from {ADDRESS}: "
        r"(?P<text>too many connections|all (?:server|screening) ports busy)",
        _complete,
    ),
    family(
        "verdict",
        "reject: connect from [203.0.113.150]:56033: all screening ports busy",
        rf"(?P<action>reject): connect from {ADDRESS}: (?P<text>all screening ports busy)",
        _at_connect,
    ),
    family(
        "screen_rank",
        "DNSBL rank 2 for [203.0.113.150]:56033",
        rf"DNSBL rank (?P<result>\d+) for {ADDRESS}",
    ),
    family(
        "pregreet",
        r"PREGREET 79 after 0.02 from [198.51.100.220]:44797: EHLO mis0.bad\r\n",
        rf"PREGREET (?P<size>{NUMBER}) after (?P<reason>[\d.]+) from {ADDRESS}: (?P<text>.*)",
    ),
    family(
        "screen_hangup",
        "HANGUP after 0.51 from [198.51.100.224]:45255 in tests before SMTP handshake",
        rf"HANGUP after (?P<reason>[\d.]+) from {ADDRESS} in (?P<text>tests (?:before|after) SMTP handshake)",
    ),
    family("screen_denied", "DENYLISTED [198.51.100.230]:48975", rf"(?P<action>DENYLISTED|BLACKLISTED) {ADDRESS}"),
    family(
        "screen_violation",
        r"COMMAND PIPELINING from [198.51.100.220]:44797 after EHLO: MAIL FROM:<x@nosuch.example>\r\n",
        rf"{_VIOLATION} from {ADDRESS} after (?P<stage>[\w-]+)(?::? (?P<text>.*))?",
    ),
    family(
        # What the client sent was no command at all.
        "screen_violation",
        r"BARE NEWLINE from [198.51.100.231]:38479 after \000\000\000",
        rf"{_VIOLATION} from {ADDRESS} after (?P<text>(?![\w-]+(?::? |\Z)).*)",
    ),
    family(
        "screen_violation",
        "DATA without valid RCPT from [198.51.100.220]:44797",
        rf"(?P<action>(?:DATA|BDAT) without valid RCPT) from {ADDRESS}",
    ),
    family(
        "screen_veto",
        "ALLOWLIST VETO [203.0.113.150]:56033",
        rf"(?P<action>(?:ALLOW|WHITE)LIST VETO) {ADDRESS}",
    ),
    family(
        "notice",
        "entering STRESS mode with 40 connections",
        r"(?P<text>(?:entering|leaving) STRESS mode with \d+ connections|skip .+)|"
        # postscreen_smtpd.c writes [203.0.113.10]25: before the first of them.
        rf"\[(?P<client_address>{IP})\]:?(?P<client_port>\d{{1,5}}): "
        r"(?P<reason>(?:discarding EHLO keywords: |replacing command ).*)",
    ),
    LIBRARY,
)
