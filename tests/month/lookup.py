"""A lookup: what `advisor lookup`, run each night, would have recorded of the clients that came that day."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from advisor import blocklist
from advisor.response import FOUND, NO_DATA, NO_SUCH_NAME, Response, Responses
from tests.month.client import FQDN, SINGLE, Client
from tests.month.listing import DOMAINS, ZONES
from tests.month.sender import Sender

START = datetime(2026, 10, 1, tzinfo=UTC)
AGAIN = 7
"""After so many days a question is asked anew, if there is still somebody whom it is about."""

Visit = tuple[int, Client, Sender]
"""The day, who came, and whose mail it brought."""
Answer = tuple[str, str, tuple[str, ...] | None]
"""Name, type and records: none of that type (), None for no such name."""


def responses(visits: Iterable[Visit]) -> Responses:
    """The answers, each dated the night after the visit that made them worth a question; visits by day."""
    asked: dict[tuple[object, ...], int] = {}
    found: list[Response] = []
    for day, client, sender in visits:
        at = START + timedelta(days=day, hours=23, minutes=50)
        for key, answers in (
            (("test",), _tests),
            (("client", client.address), lambda who=client, on=day: _client(who, on)),
            (("sender", sender.domain), lambda what=sender: _sender(what)),
        ):
            if day - asked.get(key, -AGAIN) >= AGAIN:
                asked[key] = day
                found += [_response(answer, at) for answer in answers()]
    return Responses(found)


def _response(answer: Answer, at: datetime) -> Response:
    name, kind, values = answer
    status = NO_SUCH_NAME if values is None else FOUND if values else NO_DATA
    return Response(name.lower(), kind, status, values or (), at)


def _client(client: Client, day: int) -> Iterator[Answer]:
    """Its PTR record and where that leads, its HELO name, and what the lists say."""
    pointer = ".".join(reversed(client.address.split("."))) + ".in-addr.arpa"
    yield pointer, "PTR", (client.name,) if client.name else None
    if client.name:
        yield client.name, "A", (client.address,) if client.forward else ("192.0.2.77",)
    helo = client.helo
    if helo.form in (FQDN, SINGLE) and helo.name != client.name:
        records = ("127.0.0.1",) if helo.name == "localhost" else (client.address,)
        yield helo.name, "A", records if helo.found else None
        if not helo.found:
            yield helo.name, "AAAA", None
            yield helo.name, "MX", None
    elif helo.name == client.name and not client.forward:
        yield helo.name, "MX", ()
    for zone in ZONES:
        listed = client.listed(zone.name, day)
        yield blocklist.question(zone.name, client.address), "A", ("127.0.0.2",) if listed else None


def _sender(sender: Sender) -> Iterator[Answer]:
    """Its exchangers and addresses, its DMARC record, and what the list of domains says."""
    yield sender.domain, "MX", (f"10 mx.{sender.domain}",) if sender.found else None
    yield sender.domain, "A", () if sender.found else None
    yield sender.domain, "AAAA", () if sender.found else None
    yield f"_dmarc.{sender.domain}", "TXT", (f"v=DMARC1; p={sender.policy}",) if sender.policy else None
    yield f"{sender.domain}.{DOMAINS}", "A", ("127.0.0.2",) if sender.listed else None


def _tests() -> Iterator[Answer]:
    """The test points of RFC 5782: the first list of addresses and the first of domains answer as they should."""
    for zone, names in (*((zone.name, blocklist.ADDRESSES) for zone in ZONES), (DOMAINS, blocklist.DOMAINS)):
        for test in blocklist.tests(zone):
            yield test.name, "A", ("127.0.0.2",) if test.wanted and test.names == names else None
