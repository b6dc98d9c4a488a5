"""An SPF query: pyspf, the library that policyd-spf asks, over answers that were recorded.

RFC 7208 as pyspf 2.0.14 reads it, in the mode that policyd-spf uses (strict, no guesses). The one thing that is ours is
who answers its questions. It loads a DNS library, which most commands need not wait for.
"""

from ipaddress import ip_address
from typing import Any

import dns.exception
import dns.name
import spf  # type: ignore[import-untyped]  # it ships no type information

from advisor.response import FOUND, INVALID, TEMPORARY, canonical
from advisor.spf_check import BROKE_OFF, VOID_LIMIT, Check, Recorded


class _NotRecordedError(Exception):
    """A question that nobody has asked."""


class _BrokenError(Exception):
    """A name that dnspython would not ask for."""


_RAISED = (
    *(_BrokenError, dns.exception.DNSException),
    *(AssertionError, AttributeError, LookupError, TypeError, ValueError),
)
"""What pyspf may let through; spf_engine's _spfcheck() catches it, logs `Ouch, caught exc` and has no objection."""


class _Unknown:
    """A HELO that nobody knows: a macro that asks for it cannot be expanded."""

    def __bool__(self) -> bool:
        raise _NotRecordedError("HELO")


class _Query(spf.query):  # type: ignore[misc]  # a class of a library without types
    """pyspf's own query, with other people's answers."""

    def __init__(self, client: str, sender: str, helo: Any, recorded: Recorded, void_limit: int) -> None:  # noqa: ANN401 - a name or _Unknown
        # No time limit: it would be that of our machine, now.
        super().__init__(i=client, s=sender, h=helo, querytime=0)
        self._recorded = recorded
        self._void_limit = void_limit

    def dns(self, name: Any, qtype: str, cnames: object = None, ignore_void: bool = False) -> list[Any]:  # noqa: ANN401, ARG002, FBT001, FBT002 - pyspf's own signature
        """As query.dns() of pyspf with dnspython below it, which follows CNAMEs by itself."""
        name = canonical(str(name))
        if not all(0 < len(label) < 64 for label in name.split(".")):
            return []
        found: list[Any] = self.cache.get((name, qtype), [])
        if not found:
            found = self.cache[name, qtype] = self._look_up(name, qtype)
        if not found and not ignore_void:
            self.void_lookups += 1
            if self.void_lookups > self._void_limit:
                raise spf.PermError(f"Void lookup limit of {self._void_limit} exceeded")
        return found

    def _look_up(self, name: str, qtype: str) -> list[Any]:
        response = self._recorded.find(name, qtype)
        if response is None:
            raise _NotRecordedError(name)
        if response.status == INVALID:
            raise _BrokenError(name)
        if response.status == TEMPORARY and not self._recorded.lenient:
            raise spf.TempError(f"DNS {name} {qtype}")
        return [_value(qtype, text) for text in response.values] if response.status == FOUND else []


def _value(kind: str, text: str) -> Any:  # noqa: ANN401 - what pyspf wants for each type
    """A record as DNSLookup_dnspython() of pyspf gives it."""
    if kind == "TXT":
        return (text.encode(errors="surrogateescape"),)
    if kind == "MX":
        preference, _, exchange = text.partition(" ")
        return (int(preference), dns.name.from_text(exchange))
    return text


def check(client: str, sender: str, helo: str | None, recorded: Recorded, void_limit: int = VOID_LIMIT) -> Check:
    """Ask SPF whether a client may send in the name of a sender (an address, or a domain).

    `helo` is None where nobody knows it; then there is a result only if no macro asks for it. Deterministic: the same
    answers give the same result.
    """
    result: str | None
    try:
        ip_address(client)
        query = _Query(client, sender, _Unknown() if helo is None else helo, recorded, void_limit)
        result = query.check()[0]
    except _NotRecordedError:
        result = None
    except _RAISED:
        result = BROKE_OFF
    # The name that policyd-spf would find the record under, which pyspf has asked first.
    own = recorded.ask(canonical(sender.partition("@")[2] or sender), "TXT") if result else None
    return Check(result, own.values if own else ())
