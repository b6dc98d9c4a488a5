"""tlsproxy(8): TLS on behalf of postscreen."""

from advisor.family import ADDRESS, family

PROGRAMS = ("tlsproxy",)
POSTFIX = True

FAMILIES = (
    family(
        "tls",
        "CONNECT from [203.0.113.10]:50949",
        rf"(?:CONNECT from|DISCONNECT) {ADDRESS}",
    ),
    family(
        "tls",
        "Anonymous TLS connection established from [203.0.113.10]:50949: TLSv1.3 with cipher X (256/256 bits)",
        rf"(?P<result>Anonymous|Untrusted|Trusted|Verified) TLS connection (?:established|reused) (?:from|to) (?:\S*?){ADDRESS}: "
        r"(?P<text>.+)",
    ),
    family(
        "tls_failed",
        "TLS handshake failed for service=smtpd peer=[203.0.113.10]:50949",
        rf"TLS handshake failed for service=\S+ peer={ADDRESS}|SSL_accept error from .*",
    ),
)
