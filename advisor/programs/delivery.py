"""The delivery agents: one format for all of them, written by log_adhoc() (src/global/log_adhoc.c)."""

from advisor.family import ANY, CIPHER, LIBRARY, MAILBOX, QUEUE_ID, SECONDS, TLS, family, tls_detail

PROGRAMS = ("smtp", "lmtp", "local", "virtual", "pipe", "error", "retry", "relay", "discard")
POSTFIX = True

# relay: mail.good.example[203.0.113.10]:25
_PEER = r"(?P<relay>[^\s\[\]]+\[[^\]]*\](?::\d+)?)"

DELIVERY = family(
    "delivery",
    "765C2B0: to=<p001@ourdom.test>, orig_to=<p1@ourdom.test>, relay=127.0.0.1[127.0.0.1]:10024, conn_use=2, "
    "delay=0.55, delays=0.01/0.01/0.01/0.53, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 017C6C9)",
    rf"{QUEUE_ID}: to=<(?P<recipient>{MAILBOX}|{ANY})>, (?:orig_to=<(?P<orig_recipient>{MAILBOX}|{ANY})>, )?"
    # Postfix 2.3 to 2.5 wrote no comma behind conn_use.
    rf"relay=(?P<relay>[^,]+), (?:conn_use=\d+,? )?delay=(?P<delay>{SECONDS}), (?:delays=[\d.e/-]+, )?"
    # Postfix 3.11: tls=dane, tls=(disabled:dane)/requiretls
    r"(?:tls=[^,]*, )?(?:dsn=(?P<dsn>[245]\.\d{1,3}\.\d{1,3}), )?status=(?P<status>[\w-]+) \((?P<text>.*)\)",
)
"""Written for every recipient, by whichever program was the last to have the message."""

FAMILIES = (
    DELIVERY,
    family(
        "connect_failed",
        "connect to mx.partner.example[198.51.100.7]:25: Connection refused",
        rf"connect to {_PEER}: (?P<reason>.+)",
    ),
    family(
        "peer_said",
        "4F1D61C0: host mx.partner.example[198.51.100.7] said: 450 4.2.0 greylisted (in reply to RCPT TO command)",
        rf"{QUEUE_ID}: host {_PEER} (?:said(?=.*\(in reply to [^()]+\)\Z)|refused to talk to me): (?P<text>.*)",
    ),
    family(
        "peer_said",
        "4F1D61C0: lost connection with mx.partner.example[198.51.100.7] while sending RCPT TO",
        rf"{QUEUE_ID}: (?:lost connection|conversation) with {_PEER} (?P<text>(?:timed out )?while .+)",
    ),
    family(
        "tls",
        "Trusted TLS connection established to mx.partner.example[198.51.100.7]:25: TLSv1.3 with cipher "
        "TLS_AES_256_GCM_SHA384 (256/256 bits)",
        rf"{TLS} to {_PEER}: {CIPHER}",
    ),
    family(
        "tls",
        "setting up TLS connection to mx.partner.example[198.51.100.7]:25",
        rf"setting up TLS connection to {_PEER}",
    ),
    family(
        "tls_failed",
        "SSL_connect error to mx.partner.example[198.51.100.7]:25: -1",
        rf"(?:SSL_connect error to|(?:server )?certificate verification failed for) {_PEER}: (?P<reason>.+)",
    ),
    tls_detail(_PEER),
    family(
        # What smtp_trouble.c says of a server when there is another one to try; smtp_connect.c has no queue id.
        "notice",
        "4F1D61C0: TLS is required, but was not offered by host mx.partner.example[198.51.100.7]",
        rf"(?:{QUEUE_ID}: )?(?P<text>(?:Cannot start TLS: |Server certificate not |TLS is required, |"
        r"SMTPUTF8 is required, |Sender requires verified TLS, |SASL (?:\[CACHED\] )?authentication failed|"
        r"local data error while talking to |mail for \S+ loops back to myself|message size \d+ exceeds size limit |"
        r"unexpected server message|client TLS configuration problem|network address conversion failed: |"
        r"unable to (?:look up host|find primary relay for) |[Ss]erver (?:configuration error|unavailable )).*)",
    ),
    family(
        "notice",
        "4F1D61C0: enabling PIX workarounds: disable_esmtp for mx.partner.example[198.51.100.7]:25",
        rf"{QUEUE_ID}: (?P<text>(?:enabling PIX |breaking line |passing |"
        # smtp_header_checks and their like
        r"(?:replace|prepend|strip|info|warning): (?:header|mime-header|nested-header|body) ).*)|"
        r"(?P<reason>Host offered STARTTLS: \[.*\]|(?:discarding EHLO keywords: |SMTPS wrappermode \(TCP port 465\) |"
        r"TLSRPT: status=|host \S+ offers SMTPUTF8 support|\S+: replacing server reply ).*)",
    ),
    LIBRARY,
)
