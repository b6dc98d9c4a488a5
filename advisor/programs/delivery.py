"""The delivery agents: one format for all of them, written by log_adhoc() (src/global/log_adhoc.c)."""

from advisor.family import QUEUE_ID, Fields, family

PROGRAMS = ("smtp", "lmtp", "local", "virtual", "pipe", "error", "retry", "relay", "discard")
POSTFIX = True


def _seconds(fields: Fields) -> None:
    fields["delay"] = float(fields["delay"])


# relay: mail.good.example[203.0.113.10]:25
_PEER = r"(?P<relay>[^\s\[\]]+\[[^\]]*\](?::\d+)?)"

FAMILIES = (
    family(
        "delivery",
        "765C2B0: to=<p001@ourdom.test>, orig_to=<p1@ourdom.test>, relay=127.0.0.1[127.0.0.1]:10024, conn_use=2, "
        "delay=0.55, delays=0.01/0.01/0.01/0.53, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 017C6C9)",
        rf"{QUEUE_ID}: to=<(?P<recipient>.*?)>, (?:orig_to=<(?P<orig_recipient>.*?)>, )?relay=(?P<relay>[^,]+), "
        # Postfix 2.3 to 2.5 wrote no comma behind conn_use.
        r"(?:conn_use=\d+,? )?delay=(?P<delay>\d[\d.e-]*), (?:delays=[\d.e/-]+, )?(?:dsn=(?P<dsn>[245][\d.]+), )?"
        r"(?:tls=[^,]*, )?status=(?P<status>[\w-]+) \((?P<text>.*)\)",
        _seconds,
    ),
    family(
        "connect_failed",
        "connect to mx.partner.example[198.51.100.7]:25: Connection refused",
        rf"connect to {_PEER}: (?P<reason>.+)",
    ),
    family(
        "peer_said",
        "4F1D61C0: host mx.partner.example[198.51.100.7] said: 450 4.2.0 greylisted (in reply to RCPT TO command)",
        rf"{QUEUE_ID}: host {_PEER} (?:said|refused to talk to me): (?P<text>.*)",
    ),
    family(
        "peer_said",
        "4F1D61C0: lost connection with mx.partner.example[198.51.100.7] while sending RCPT TO",
        rf"{QUEUE_ID}: (?:lost connection with|conversation with) {_PEER} (?P<text>.*)",
    ),
    family(
        "tls",
        "Trusted TLS connection established to mx.partner.example[198.51.100.7]:25: TLSv1.3 with cipher X (256/256 bits)",
        rf"(?P<result>Anonymous|Untrusted|Trusted|Verified) TLS connection (?:established|reused) to {_PEER}: (?P<text>.+)",
    ),
    family(
        "tls_failed",
        "SSL_connect error to mx.partner.example[198.51.100.7]:25: -1",
        rf"(?:SSL_connect error to|certificate verification failed for|server certificate verification failed for) {_PEER}: "
        r"(?P<reason>.+)",
    ),
    family(
        "notice",
        "4F1D61C0: enabling PIX workarounds: disable_esmtp for mx.partner.example[198.51.100.7]:25",
        rf"{QUEUE_ID}: (?P<text>(?:enabling PIX workarounds|Cannot start TLS|Host offered STARTTLS|breaking line|"
        r"passing |replace: header|SASL authentication failed).*)|(?P<reason>table \S+ has changed.*|setting up TLS.*)",
    ),
)
