"""opendkim: which messages carried a signature, whether it held, and what was signed."""

from advisor.family import IP, QUEUE_ID, Fields, family

PROGRAMS = ("opendkim",)
POSTFIX = False


def _result(fields: Fields) -> None:
    text = fields["text"]
    fields["result"] = {
        "DKIM verification successful": "pass",
        "bad signature data": "fail",
        "no signature data": "none",
    }.get(text)


FAMILIES = (
    family(
        "dkim_client",
        "4ECE0AB: mail.good.example [203.0.113.10] not internal",
        rf"{QUEUE_ID}: (?P<client_name>\S+) \[(?P<client_address>{IP})\] not internal",
    ),
    family(
        "dkim",
        "5C2C61BD: DKIM verification successful",
        rf"{QUEUE_ID}: (?P<text>DKIM verification successful|bad signature data|no signature data)",
        _result,
    ),
    family(
        "dkim_signature",
        '5C2C61BD: signature=hGNXoFfO domain=dmrej.example selector=lab result="no signature error"',
        rf"{QUEUE_ID}: signature=\S+ domain=(?P<domain>\S+) selector=\S+ result=\"(?P<result>[^\"]*)\"",
    ),
    family(
        "dkim_signature",
        "743F11BE: s=lab d=dmrej.example a=rsa-sha256 SSL ",
        rf"{QUEUE_ID}: s=\S+ d=(?P<domain>\S+) a=\S+ SSL ?(?P<reason>.*)",
    ),
    family(
        "dkim_signed",
        "A33F925F: DKIM-Signature field added (s=lab, d=ourdom.test)",
        rf"{QUEUE_ID}: DKIM-Signature field added \(s=[^,]+, d=(?P<domain>[^)]+)\)",
    ),
    family(
        "dkim_note",
        "4ECE0AB: external host h2.senders.example attempted to send as ourdom.test",
        rf"{QUEUE_ID}: (?P<text>(?:not (?:POP )?authenticated|no (?:signing|MTA name|macros|reputation|signature)|"
        r"external host |can't |key |syntax error|failed to |error |signature processing failed: |ignoring |skipping |"
        r"signing table |domain '|allowed by |(?:\S+ )?blocked by |rate limit for |reputation query |cannot find |SSL |"
        r"internal error|resource unavailable|RFC5322 header requirement error: |BodyLengthDB matched |unable to |"
        r"smfi_|dkimf?_|\S+ header (?:add|remove) failed|\S+: (?:malloc|access|open|fopen|read|stat)\(\)).*)",
    ),
    family(
        "notice",
        "OpenDKIM Filter v2.11.0 starting (args: -f -x /etc/opendkim.conf)",
        r"(?P<text>(?:OpenDKIM Filter|configuration reloaded|unable to |key |cache: |ignoring |can't |error |smfi_|"
        r"mlfi_negotiate\(\)|no such (?:user|group) |terminated with signal |exited with status |maximum restart |"
        r"message requeueing |too much header data|WARNING: |\[(?:parent|child)\] |dkimf?_|statistics recording failed|"
        r"/\S+: (?:configuration error|settings found|open|stat|read)).*)",
    ),
)
