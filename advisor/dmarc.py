"""DMARC: what a domain wishes to become of mail that is not its own, as opendmarc reads it (RFC 7489).

opendmarc logs the result, never the policy: so the policy is that of the domain's recorded DMARC record, and where the
record stands is told by the result. opendmarc finds the organisational domain by a list of public suffixes; here each
parent domain is looked at: who got `fail` for a domain without a record has it from the one above it that has.

Source: libopendmarc 1.4.2, opendmarc_policy_parse_dmarc(), opendmarc_policy_query_dmarc() and dmarc_dns_get_record().
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from advisor.response import FOUND, TEMPORARY, Response, Responses, canonical

REJECT, QUARANTINE, NONE = "reject", "quarantine", "none"

_PARENTS = 5
"""Parents of a domain that are looked at: as many as RFC 7489's successor looks at, too."""
_LONGEST = 512
_LONGEST_ADDRESS = 256

# 100: strtoul(3) reads the digits in front, and takes what has none for 0
_NUMBER = re.compile(r"\+?(?P<digits>\d*)", re.ASCII)


@dataclass(frozen=True)
class Record:
    """A DMARC record: `p` for the domain, `sp` for those below it ('' where it has none), applied to `pct` percent."""

    p: str
    sp: str = ""
    pct: int = 100


@dataclass(frozen=True)
class Policy:
    """What is to become of mail that fails: reject, quarantine, none; of `pct` percent of it; by whose record."""

    word: str
    pct: int
    domain: str
    asked_at: datetime


def questions(domain: str) -> tuple[str, ...]:
    """The names to ask for a TXT record: `_dmarc.` before the domain and before each parent with a dot in it."""
    return tuple(f"_dmarc.{name}" for name in _lineage(domain))


def _lineage(domain: str) -> tuple[str, ...]:
    labels = canonical(domain).split(".")
    parents = [".".join(labels[at:]) for at in range(1, len(labels) - 1)]
    return (".".join(labels), *parents[-_PARENTS:])


def is_record(text: str) -> bool:
    """Whether opendmarc takes a TXT record for one of DMARC."""
    return "v=DMARC" in text


def parse(text: str) -> Record | None:
    """Read a DMARC record as opendmarc does, which is more generous than RFC 7489; None where it gives up.

    Blanks count nowhere, words may be cut short (`p=rej`), the order of tags is free, the last `p` counts.
    """
    found = {"p": "", "sp": "", "pct": "100"}
    seen: set[str] = set()
    for tag in text.split(";"):
        raw_name, equals, raw_value = tag.partition("=")
        name, value = _bare(raw_name).lower(), _bare(raw_value)
        if not equals or not name or not value or max(len(raw_name), len(raw_value)) > _LONGEST:
            continue
        reader = _READERS.get(name)
        if reader is None:
            continue
        read = reader(value)
        if read is None or (name in ("rua", "ruf") and name in seen):
            return None
        seen.add(name)
        found[name] = read
    return Record(found["p"], found["sp"], int(found["pct"])) if found["p"] else None


def _bare(text: str) -> str:
    return "".join(char for char in text if char not in " \t\n\v\f\r")


def _cut_short(*words: str) -> Callable[[str], str | None]:
    return lambda value: next((word for word in words if word.startswith(value.lower())), None)


def _percent(value: str) -> str | None:
    found = _NUMBER.match(value)
    digits = (found["digits"] if found else "") or "0"
    return digits if not value.startswith("-") and len(digits) < 10 and int(digits) <= 100 else None


def _each(separator: str, good: Callable[[str], bool]) -> Callable[[str], str | None]:
    def read(value: str) -> str | None:
        items = value.split(separator)
        # An empty one at the end is never looked at.
        return value if all(good(item) for item in (items if items[-1] else items[:-1])) else None

    return read


_POLICY = _cut_short(REJECT, NONE, QUARANTINE)
_MODE = _cut_short("strict", "relaxed")
_ADDRESSES = _each(",", lambda item: 0 < len(item) <= _LONGEST_ADDRESS)
_READERS: dict[str, Callable[[str], str | None]] = {
    "v": lambda value: value if value.lower() == "dmarc1" else None,
    "p": _POLICY,
    "sp": _POLICY,
    "adkim": _MODE,
    "aspf": _MODE,
    "pct": _percent,
    "ri": lambda value: value if re.fullmatch(r"\d{1,19}", value, re.ASCII) else None,
    "rf": _each(",", lambda item: bool(item) and _cut_short("afrf", "iodef")(item) is not None),
    "rua": _ADDRESSES,
    "ruf": _ADDRESSES,
    "fo": _each(":", lambda item: item[:1] in tuple("01dDsS")),
}


def policy(dns: Responses, domain: str, at: datetime | None = None) -> Policy | None:
    """The policy under which mail in a domain's name failed, from the record that is nearest above or at it.

    None where a question that matters was never asked, or was not answered; where there is no record any more, or
    one that opendmarc could not have failed anything by; and where there are several that differ: it takes one of them.
    """
    names = _lineage(domain)
    for name in names:
        response = dns.find(f"_dmarc.{name}", "TXT", at)
        if response is None or response.status == TEMPORARY:
            return None
        texts = [text for text in response.values if is_record(text)] if response.status == FOUND else []
        if texts:
            return _one({_read(text, name, names[0], response) for text in texts})
    return None


def _read(text: str, name: str, domain: str, response: Response) -> Policy | None:
    found = parse(text)
    if found is None:
        return None
    return Policy((found.sp if name != domain else "") or found.p, found.pct, name, response.asked_at)


def _one(found: set[Policy | None]) -> Policy | None:
    return found.pop() if len(found) == 1 else None
