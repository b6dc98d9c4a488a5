"""A DKIM signature (RFC 6376), made with openssl; simple canonicalization, for opendkim to verify."""

import base64
import hashlib
import shutil
import subprocess
from pathlib import Path

from tests.conftest import real

KEYS, KEY, SELECTOR = "/etc/dkimkeys", "lab.private", "lab"
"""Where opendkim finds the key, and the name under which it is published."""


class Signer:
    """One key, which every domain of the world publishes that signs."""

    def __init__(self, folder: Path) -> None:
        """Make the key; 1024 bits, so that its record is one string."""
        self._key = folder / KEY
        folder.mkdir(mode=0o700)
        _openssl("genrsa", "-out", str(self._key), "1024")
        for path in (folder, self._key):
            shutil.chown(path, "opendkim", "opendkim")
        public = _openssl("rsa", "-in", str(self._key), "-pubout", "-outform", "DER")
        self._record = base64.b64encode(public).decode()

    def record(self, domain: str) -> str:
        """The line of the zone that publishes the key."""
        return f'{SELECTOR}._domainkey.{domain}. TXT "v=DKIM1; k=rsa; p={self._record}"'

    def sign(self, domain: str, headers: list[str], body: str) -> str:
        """The DKIM-Signature header for a message whose lines end in CRLF."""
        names = ":".join(header.partition(":")[0] for header in headers)
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        header = (
            f"DKIM-Signature: v=1; a=rsa-sha256; c=simple/simple; d={domain}; s={SELECTOR}; h={names}; bh={digest}; b="
        )
        text = "".join(f"{line}\r\n" for line in headers) + header
        return (
            header + base64.b64encode(_openssl("dgst", "-sha256", "-sign", str(self._key), data=text.encode())).decode()
        )


def certificate(folder: Path) -> None:
    """Make the certificate that the server shows after STARTTLS."""
    subject = ["-subj", "/CN=mx1.ourdom.test", "-days", "2"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    _openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", *subject, *files)


def _openssl(*arguments: str, data: bytes = b"") -> bytes:
    return subprocess.run([real("openssl"), *arguments], input=data, capture_output=True, check=True).stdout
