"""The syntax of a host name as Postfix judges it (src/util/valid_hostname.c, src/smtpd/smtpd_check.c).

Each value is judged once in plain Python, and the engines see only the word: no regular expression runs in an engine.
"""

import re
from functools import lru_cache

LABEL = 63
"""Characters of a label at most (VALID_LABEL_LEN)."""
LENGTH = 255
"""Characters of a name at most (VALID_HOSTNAME_LEN)."""

# mail.good.example  bad_name  xn--bcher-kva.example
_LABEL = rf"[A-Za-z0-9_](?:[A-Za-z0-9_-]{{0,{LABEL - 2}}}[A-Za-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\Z")
# 2001  db8  nothing between the colons of ::
_GROUP = re.compile(r"[0-9A-Fa-f]{0,4}\Z")


def valid_hostname(name: str) -> bool:
    """Whether valid_hostname() lets a name pass: letters, digits, underscores and inner hyphens, not digits alone."""
    if not name or len(name) > LENGTH or name.replace(".", "").isdigit():
        return False
    return _NAME.match(name) is not None


def valid_ipv4(text: str) -> bool:
    """Whether valid_ipv4_hostaddr() lets an address pass: four octets; leading zeros allowed, 0.1.2.3 not."""
    octets = text.split(".")
    if len(octets) != 4 or not all(octet.isascii() and octet.isdigit() and int(octet) <= 255 for octet in octets):
        return False
    return int(octets[0]) != 0 or not text.strip("0.")


def valid_ipv6(text: str) -> bool:
    """Whether valid_ipv6_hostaddr() lets an address pass: without a zone, `::` once, at most seven colons.

    It counts no groups: 1:2:3 passes, and 1:2:3:4:5:6:7:: with its eight colons does not.
    """
    *groups, last = text.split(":")
    # The last group may be an IPv4 address; its first octet is read as a group, too.
    octet, dot, _ = last.partition(".")
    if not 2 <= len(groups) <= (6 if dot else 7) or text.count("::") > 1 or ":::" in text:
        return False
    if (not groups[0] and groups[1]) or (not last and groups[-1]) or (dot and not valid_ipv4(last)):
        return False
    return all(_GROUP.match(group) for group in (*groups, octet))


@lru_cache(maxsize=100_000)
def helo_syntax(name: str) -> str:
    """What kind of HELO name it is, in the cases that the three HELO restrictions tell apart.

    `literal` and `bad_literal`: in brackets, a valid address or not. `address`: an address without brackets, which
    reject_invalid_helo_hostname lets pass for compatibility. `fqdn` and `single`: a valid name with or without a dot
    in it; `fqdn.` and `single.`: with one dot behind, which no look-up survives. `invalid`: anything else.
    """
    if name.startswith("["):
        inner = name[1:-1] if len(name) > 2 and name.endswith("]") else name
        valid = valid_ipv6(inner[5:]) if inner[:5].lower() == "ipv6:" else valid_ipv4(inner)
        return "literal" if valid else "bad_literal"
    # dup_if_truncate(): a name ending in a dot, but not in two, is judged without it.
    dotted = name.endswith(".") and not name.endswith("..")
    tested = name[:-1] if dotted else name
    if valid_hostname(tested):
        return ("fqdn" if "." in tested else "single") + ("." if dotted else "")
    if valid_ipv6(tested) if ":" in tested else valid_ipv4(tested):
        return "address"
    return "invalid"


@lru_cache(maxsize=100_000)
def sender_domain(sender: str) -> str:
    """The domain of an address in lower case; '' for the null sender and for an address without one."""
    return sender.rpartition("@")[2].lower().rstrip(".") if "@" in sender else ""


@lru_cache(maxsize=100_000)
def full_address(address: str) -> bool:
    """Whether reject_non_fqdn_address() lets an address pass: a full host name behind the @, or something in brackets.

    A domain beyond ASCII passes where the client asked for SMTPUTF8, which the log does not show; it passes here.
    """
    domain = address.rpartition("@")[2] if "@" in address else ""
    if domain.startswith("[") and domain.endswith("]"):
        return True
    tested = domain[:-1] if len(domain) > 1 and domain.endswith(".") and not domain.endswith("..") else domain
    return "." in tested and (not tested.isascii() or valid_hostname(tested))
