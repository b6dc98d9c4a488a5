"""Asking a real BIND, over good wires and bad ones."""

import asyncio
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import dns.message
import dns.name
import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.errors import AdvisorError
from advisor.packet import PAYLOAD, parsed, values
from advisor.packet import wire as wire_of
from advisor.resolver import Patience, Resolver, Server, configured
from advisor.response import FOUND, INVALID, NO_DATA, NO_SUCH_NAME, TEMPORARY, Response
from tests.named import free_port, named, wire

HOSTS = 2_000
LONG = " ".join(f'"{letter * 200}"' for letter in "abcdefghijklmnopqrst")
RECORDS = f"""
mail A 192.0.2.1
mail A 192.0.2.2
mail AAAA 2001:db8::1
@ MX 10 mail
@ MX 20 mail.Other.Example.
null MX 0 .
alias CNAME mail
far CNAME alias
away CNAME nothing.elsewhere.
gone CNAME nowhere
loop1 CNAME loop2
loop2 CNAME loop1
long TXT {LONG}
spf TXT "v=spf1 " "-all"
odd TXT "\\255\\000\\"x"
ptr PTR mail.good.example.
ptr PTR Other.Good.Example.
ptr PTR .
""" + "".join(f"h{number} A 198.18.{number // 256}.{number % 256}\n" for number in range(HOSTS))

EXPECTED = {
    ("mail.t.example", "A"): (FOUND, ("192.0.2.1", "192.0.2.2")),
    ("Mail.T.Example.", "AAAA"): (FOUND, ("2001:db8::1",)),
    ("t.example", "MX"): (FOUND, ("10 mail.t.example", "20 mail.Other.Example")),
    ("null.t.example", "MX"): (FOUND, ("0 .",)),
    ("alias.t.example", "A"): (FOUND, ("192.0.2.1", "192.0.2.2")),
    ("far.t.example", "A"): (FOUND, ("192.0.2.1", "192.0.2.2")),
    ("away.t.example", "A"): (NO_DATA, ()),
    ("gone.t.example", "A"): (NO_SUCH_NAME, ()),
    ("mail.t.example", "MX"): (NO_DATA, ()),
    ("nothing.t.example", "A"): (NO_SUCH_NAME, ()),
    ("spf.t.example", "TXT"): (FOUND, ("v=spf1 -all",)),
    ("long.t.example", "TXT"): (FOUND, ("".join(letter * 200 for letter in "abcdefghijklmnopqrst"),)),
    ("odd.t.example", "TXT"): (FOUND, ('\\xff\x00"x',)),
    ("ptr.t.example", "PTR"): (FOUND, (".", "Other.Good.Example", "mail.good.example")),
    # A zone that BIND cannot load is SERVFAIL, and one that it does not have is REFUSED.
    ("x.broken.example", "A"): (TEMPORARY, ()),
    ("x.elsewhere.example", "A"): (TEMPORARY, ()),
    ("a..b", "A"): (INVALID, ()),
    ("", "A"): (INVALID, ()),
    ("x" * 64 + ".example", "A"): (INVALID, ()),
    (".".join(["x" * 60] * 5), "A"): (INVALID, ()),
    ("bücher.example", "A"): (INVALID, ()),
    ("a\\.b.t.example", "A"): (NO_SUCH_NAME, ()),
}
HASTY = Patience((0.1, 0.2, 0.2, 0.4, 0.4, 0.8, 0.8, 1.6), (0.05, 0.1))
SOON = Patience((0.05, 0.05), (0.01,))

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def bind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with named(tmp_path_factory.mktemp("named"), {"t.example": RECORDS, "broken.example": None}) as server:
        yield server


Answers = dict[tuple[str, str], tuple[str, tuple[str, ...]]]


async def answers(resolver: Resolver, questions: list[tuple[str, str]]) -> Answers:
    found: Answers = {}
    left = iter(questions)

    async def work() -> None:
        for name, kind in left:
            response = await resolver.ask(name, kind)
            assert response.asked_at.tzinfo is not None
            found[name, kind] = response.status, tuple(sorted(response.values))

    await asyncio.gather(*(work() for _ in range(100)))
    return found


def test_what_bind_says(bind: Server) -> None:
    async def ask() -> Answers:
        async with Resolver([bind], HASTY) as resolver:
            return await answers(resolver, list(EXPECTED))

    assert asyncio.run(ask()) == EXPECTED


def test_a_circle_of_aliases_ends(bind: Server) -> None:
    async def ask() -> Response:
        async with Resolver([bind], HASTY) as resolver:
            return await resolver.ask("loop1.t.example", "A")

    # BIND 9.18 gives the circle up with SERVFAIL, older ones hand it out.
    assert (found := asyncio.run(ask())).status in (TEMPORARY, NO_DATA)
    assert found.values == ()


def test_a_fifth_of_the_packets_lost_and_the_rest_forged(bind: Server) -> None:
    questions = [(f"h{number}.t.example", "A") for number in range(HOSTS)]
    wanted = {name: (FOUND, (f"198.18.{n // 256}.{n % 256}",)) for n, name in enumerate(questions)}

    async def ask() -> None:
        async with wire(bind, 0.2, forged=True) as (server, line), Resolver([server], HASTY) as resolver:
            found = await answers(resolver, [*questions, *EXPECTED])
            assert line.lost > 0.15 * line.carried
            assert resolver.ignored > HOSTS
        # Never a wrong answer; after eight tries a few in ten thousand may have none.
        wrong = {question: said for question, said in found.items() if said != (wanted | EXPECTED)[question]}
        assert set(wrong.values()) <= {(TEMPORARY, ())}
        assert len(wrong) <= HOSTS // 200

    asyncio.run(ask())


@contextmanager
def server(reply: Callable[[bytes], list[bytes]]) -> Iterator[Server]:
    """A name server that answers each packet with these; TCP is closed."""
    with socket.socket(type=socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.settimeout(0.05)
        over = False

        def serve() -> None:
            while not over:
                try:
                    data, address = udp.recvfrom(4_096)
                except TimeoutError:
                    continue
                for packet in reply(data):
                    udp.sendto(packet, address)

        thread = Thread(target=serve)
        thread.start()
        try:
            yield Server("127.0.0.1", udp.getsockname()[1])
        finally:
            over = True
            thread.join()


def asked(of: Server, name: str = "mail.t.example", patience: Patience = SOON, *more: Server) -> Response:
    async def ask() -> Response:
        async with Resolver([of, *more], patience) as resolver:
            return await resolver.ask(name, "A")

    return asyncio.run(ask())


def reply(query: bytes, flags: int, answers: bytes = b"", count: int = 0) -> bytes:
    """The header and question of a query, with other flags, and some records."""
    end = query.index(b"\0", 12) + 5
    return query[:2] + struct.pack(">HHHHH", flags, 1, count, 0, 0) + query[12:end] + answers


def a_record(address: str) -> bytes:
    return b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton(address)


def test_a_circle_that_is_handed_out() -> None:
    # mail.t.example CNAME t.example, t.example CNAME mail.t.example
    circle = b"\xc0\x0c\0\5\0\1\0\0\0\x3c\0\2\xc0\x11" + b"\xc0\x11\0\5\0\1\0\0\0\x3c\0\2\xc0\x0c"
    with server(lambda query: [reply(query, 0x8180, circle, 2)]) as bad:
        assert asked(bad).status == NO_DATA


@pytest.mark.parametrize("flags", [0x8182, 0x8185, 0x8181, 0x8184])
def test_a_failure_is_not_a_no(flags: int) -> None:
    # SERVFAIL, REFUSED, FORMERR, NOTIMP
    with server(lambda query: [reply(query, flags)]) as failing:
        assert asked(failing).status == TEMPORARY


def test_a_failure_may_pass() -> None:
    seen: list[bytes] = []

    def second(query: bytes) -> list[bytes]:
        seen.append(query)
        return [reply(query, 0x8182) if len(seen) == 1 else reply(query, 0x8180, a_record("192.0.2.1"), 1)]

    with server(second) as failing:
        assert asked(failing).values == ("192.0.2.1",)
    assert seen[0][:2] != seen[1][:2]


def test_a_server_that_knows_no_edns() -> None:
    def old(query: bytes) -> list[bytes]:
        edns = query[10:12] != b"\0\0"
        return [reply(query, 0x8181) if edns else reply(query, 0x8180, a_record("192.0.2.1"), 1)]

    with server(old) as ancient:
        assert asked(ancient).values == ("192.0.2.1",)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: [],
        lambda query: [query],
        lambda query: [bytes([query[0] ^ 1]) + reply(query, 0x8180, a_record("6.6.6.6"), 1)[1:]],
        lambda query: [reply(query, 0x8180, a_record("6.6.6.6"), 1).replace(b"mail", b"bank")],
        lambda query: [reply(query, 0x8180, a_record("6.6.6.6")[:-1], 1)],
        lambda query: [reply(query, 0x8180, b"\xc0", 1), b"", b"x", query[:2]],
        # Truncated, and nobody listens on TCP.
        lambda query: [reply(query, 0x8380)],
    ],
    ids=["silence", "echo", "other id", "other name", "cut", "noise", "no tcp"],
)
def test_what_is_no_reply_is_no_answer(spoil: Callable[[bytes], list[bytes]]) -> None:
    with server(spoil) as bad:
        found = asked(bad)
    assert (found.status, found.values) == (TEMPORARY, ())


def test_nobody_there(bind: Server) -> None:
    nobody = Server("127.0.0.1", free_port())

    async def check() -> None:
        async with Resolver([nobody], SOON) as resolver:
            await resolver.check()

    with pytest.raises(AdvisorError, match="does not answer"):
        asyncio.run(check())
    # The next one is asked, as resolv.conf(5) says.
    found = asked(nobody, "mail.t.example", HASTY, bind)
    assert (found.status, found.resolver) == (FOUND, str(bind))


def test_a_repeated_question_is_the_same_one() -> None:
    """So a late reply to the first one counts."""
    seen: list[bytes] = []

    def late(query: bytes) -> list[bytes]:
        seen.append(query)
        return [reply(seen[0], 0x8180, a_record("192.0.2.1"), 1)] if len(seen) > 1 else []

    with server(late) as slow:
        assert asked(slow, patience=Patience((0.1, 2.0), ())).status == FOUND


label = st.binary(min_size=1, max_size=20)


@given(st.lists(label, min_size=1, max_size=8), st.sampled_from(["A", "AAAA", "MX", "TXT", "PTR"]), st.booleans())
def test_a_query_is_what_dnspython_would_send(labels: list[bytes], kind: str, edns: bool) -> None:
    query = dns.message.make_query(dns.name.Name([*labels, b""]), kind)
    other = dns.message.make_query(dns.name.Name([*labels, b""]), kind, use_edns=edns and 0, payload=PAYLOAD)
    other.id = query.id
    assert wire_of(query, edns=edns) == other.to_wire()


@given(st.binary(max_size=200), st.booleans())
def test_noise_never_raises(data: bytes, header: bool) -> None:
    found = parsed(struct.pack(">HHHHHH", 1, 0x8180, 1, 1, 0, 0) + data if header else data)
    assert found is None or values(found) is not None


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("192.0.2.1", Server("192.0.2.1")),
        ("192.0.2.1:5353", Server("192.0.2.1", 5353)),
        ("2001:db8::1", Server("2001:db8::1")),
        ("[2001:db8::1]", Server("2001:db8::1")),
        ("[2001:db8::1]:5353", Server("2001:db8::1", 5353)),
        ("fe80::1%eth0", Server("fe80::1%eth0")),
    ],
)
def test_a_server_is_spelled(text: str, server: Server) -> None:
    assert Server.named(text) == server
    assert Server.named(str(server)) == server


@pytest.mark.parametrize("text", ["", "dns.example", "192.0.2", "192.0.2.1:0", "192.0.2.1:65536", "1::2::3", "[::1]x"])
def test_no_server(text: str) -> None:
    with pytest.raises(AdvisorError, match="is no name server"):
        Server.named(text)


def test_public_resolvers_are_known() -> None:
    for address in ("8.8.8.8", "1.1.1.1", "9.9.9.9", "2001:4860:4860:0::8888", "208.67.222.222"):
        assert Server(address).operator
    assert not Server("127.0.0.1").operator


def test_resolv_conf(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    assert configured(path) == (Server("127.0.0.1"),)
    path.write_text("# x\nnameserver 192.0.2.1\nsearch example\nnameserver fe80::1%eth0\nnameserver\n;nameserver 1\n")
    assert configured(path) == (Server("192.0.2.1"), Server("fe80::1%eth0"))
    path.write_text("search example\n")
    assert configured(path) == (Server("127.0.0.1"),)
