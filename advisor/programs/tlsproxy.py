"""tlsproxy(8): TLS on behalf of postscreen."""

from advisor.family import ADDRESS, CIPHER, LIBRARY, TLS, family, tls_detail

PROGRAMS = ("tlsproxy",)
POSTFIX = True

FAMILIES = (
    family(
        "tls",
        "CONNECT from [203.0.113.10]:50949",
        rf"(?:CONNECT (?:from|to)|DISCONNECT) [^\s\[\]]*{ADDRESS}",
    ),
    family(
        "tls",
        "Anonymous TLS connection established from [203.0.113.10]:50949: TLSv1.3 with cipher X (256/256 bits)",
        rf"{TLS} (?:from|to) [^\s\[\]]*{ADDRESS}(?: to \S+)?: {CIPHER}",
    ),
    family(
        "tls_failed",
        "TLS handshake failed for service=smtpd peer=[203.0.113.10]:50949",
        rf"TLS handshake failed for service=\S+ peer=[^\s\[\]]*{ADDRESS}",
    ),
    family(
        "tls_failed",
        "SSL_accept error from [203.0.113.10]:50949: lost connection",
        rf"SSL_(?:accept error from|connect error to) [^\s\[\]]*{ADDRESS}: (?P<reason>.+)",
    ),
    tls_detail(rf"[^\s\[\]]*{ADDRESS}"),
    family(
        "tls",
        "setting up TLS connection from [203.0.113.10]:50949",
        rf"setting up TLS connection (?:from|to) [^\s\[\]]*{ADDRESS}",
    ),
    family(
        "tls_failed",
        "certificate verification failed for mx.partner.example[198.51.100.7]:25: untrusted issuer /CN=Nobody",
        rf"(?:(?:server|client) )?certificate verification failed for [^\s\[\]]*{ADDRESS}: (?P<reason>.+)",
    ),
    LIBRARY,
)
