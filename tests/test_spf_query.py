"""The ways kept of pyspf say what pyspf itself says: of random records, clients, limits and answers that fail."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor import spf_query
from advisor.response import FOUND, INVALID, NO_DATA, NO_SUCH_NAME, TEMPORARY, Response, Responses
from advisor.spf_check import Ask, Check, Memory, Recorded
from advisor.spf_policy import judge, read_settings

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
NAMES = [f"{letter}.example" for letter in "abcde"]
CLIENTS = ["192.0.2.1", "192.0.2.2", "192.0.3.1", "203.0.113.7", "::ffff:192.0.2.1", "2001:db8::1", "2001:db8:1::1"]
ADDRESSES = ["192.0.2.1", "192.0.2.2", "192.0.3.1", "203.0.113.7", "192.0.2.300", "192.0.2"]
ADDRESSES6 = ["2001:db8::1", "2001:db8::2", "2001:db8:1::", "::1", "fe80::x"]
MACROS = ["%{i}", "%{ir}.%{v}", "%{l}", "%{s}", "%{h}", "%{p}", "%{d2}", "%{o}", "%{D}", "%%", "%{x}", "%{t}", "%"]

_names = st.sampled_from(NAMES)
_lengths = st.sampled_from(["", "", "/24", "/31", "/0", "/33", "//64", "/16//48", "//129"])
_terms = st.one_of(
    st.builds("ip4:{}{}".format, st.sampled_from(ADDRESSES), _lengths),
    st.builds("ip4:{}{}".format, st.sampled_from(ADDRESSES[:4]), st.sampled_from(["", "/24", "/28"])),
    st.builds("ip6:{}{}".format, st.sampled_from(ADDRESSES6), st.sampled_from(["", "/64", "/128", "/129"])),
    st.builds("{}:{}{}".format, st.sampled_from(["a", "mx"]), _names, _lengths),
    st.builds("{}{}".format, st.sampled_from(["a", "mx", "ptr"]), _lengths),
    st.builds("include:{}".format, _names),
    st.builds("include:{}".format, _names),
    st.builds("{}:{}.{}".format, st.sampled_from(["exists", "include", "a"]), st.sampled_from(MACROS), _names),
    st.builds("exists:{}.{}".format, st.sampled_from(MACROS), _names),
    st.builds("ptr:{}".format, _names),
    st.builds("{}={}".format, st.sampled_from(["redirect", "exp", "moo"]), _names),
    st.builds("exp={}.{}".format, st.sampled_from(MACROS), _names),
    st.sampled_from(["all", "moo", "a:localhost", "ip4", ""]),
)
_records = st.builds(
    "v=spf1 {} {}".format,
    st.lists(st.builds("{}{}".format, st.sampled_from(["", "", "-", "~", "?", "="]), _terms), max_size=7).map(" ".join),
    st.sampled_from(["-all", "~all", "?all", "", "redirect=a.example"]),
)
_texts = _records | _records | _records | st.sampled_from(["%{i} is not of %{o}: %{p}", "%{s} %{h}", "v=spf1"])
_values = {
    "TXT": st.lists(_texts, min_size=1, max_size=1) | st.lists(_texts, max_size=2),
    "A": st.lists(st.sampled_from([*ADDRESSES[:4], "rubbish"]), max_size=3),
    "AAAA": st.lists(st.sampled_from(ADDRESSES6[:4]), max_size=3),
    "MX": st.lists(_names.map("10 {}".format), max_size=12),
}
_states = st.sampled_from([FOUND] * 12 + [NO_DATA, NO_SUCH_NAME, TEMPORARY, INVALID, None])
_world = st.fixed_dictionaries(
    {(name, kind): st.tuples(_states, values) for kind, values in _values.items() for name in NAMES}
)
World = dict[tuple[str, str], tuple[str | None, list[str]]]
_requests = st.lists(
    st.tuples(
        *(st.sampled_from(CLIENTS), st.sampled_from(["", "b.example", "h.example", None])),
        st.builds("{}@{}".format, st.sampled_from(["x", "yz", ""]), st.sampled_from(NAMES[:2])),
    ),
    min_size=2,
    max_size=12,
)


def asker(world: World) -> Ask:
    """The DNS of a drawn world; of what is not in it some was never asked, and some is no name."""

    def ask(name: str, kind: str) -> Response | None:
        # Names that macros made: whoever they stand for, some are there.
        made = (
            (FOUND, ["192.0.2.1"]) if len(name) % 2 and kind == "A" else (NO_SUCH_NAME if len(name) % 7 else None, [])
        )
        state, values = world.get((name, kind), made)
        if state is None:
            return None
        held = tuple(values) if state == FOUND else ()
        status = NO_DATA if state == FOUND and not held else state
        return Response(name, kind, status, held, NOW - timedelta(days=len(name) * 5 + ord(name[0]) + len(kind)))

    return ask


@settings(max_examples=400, deadline=None)
@given(_world, _requests, st.sampled_from([0, 2, 5]), st.booleans())
def test_a_kept_way_says_what_pyspf_says(
    world: World, requests: list[tuple[str, str | None, str]], void_limit: int, lenient: bool
) -> None:
    ask = asker(world)
    memory = Memory(ask)
    for client, helo, sender in requests:
        plain, kept = Recorded(ask, lenient=lenient), Recorded(memory, lenient=lenient)
        wanted = spf_query.check(client, sender, helo, plain, void_limit)
        found = spf_query.check(client, sender, helo, kept, void_limit)

        assert found == wanted, (client, helo, sender)
        assert (kept.oldest, kept.missing, kept.failed) == (plain.oldest, plain.missing, plain.failed)


@settings(max_examples=150, deadline=None)
@given(_world, _requests)
def test_the_policy_says_the_same_by_either(world: World, requests: list[tuple[str, str | None, str]]) -> None:
    ask = asker(world)
    memory = Memory(ask)
    strict = read_settings("PermError_reject = True\nTempError_Defer = True\nMail_From_reject = Softfail")
    for client, helo, sender in requests:
        assert judge(client, helo, sender, memory, strict) == judge(client, helo, sender, ask, strict)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The clients that pyspf itself is asked about."""
    found: list[str] = []
    real: Callable[..., tuple[Check, object]] = spf_query._asked  # what the ways are to spare

    def note(client: str, *rest: object) -> tuple[Check, object]:
        found.append(client)
        return real(client, *rest)

    monkeypatch.setattr(spf_query, "_asked", note)
    return found


@pytest.mark.parametrize(
    ("record", "times"),
    [
        ("v=spf1 ip4:192.0.2.0/24 ip4:203.0.113.0/24 -all", 3),
        ("v=spf1 include:b.example a mx -all exp=why.example", 3),
        ("v=spf1 exists:%{i}.b.example ip4:192.0.2.0/24 -all", 60),
        ("v=spf1 ip4:192.0.2.0/24 ptr -all", 41),
    ],
)
def test_pyspf_is_asked_once_a_way(record: str, times: int, asked: list[str]) -> None:
    held = {
        ("a.example", "TXT"): record,
        ("b.example", "TXT"): "v=spf1 ip4:192.0.2.0/24 ~all",
        ("a.example", "A"): "203.0.113.1",
        ("a.example", "MX"): "10 a.example",
        ("why.example", "TXT"): "%{i} is not of %{o}, %{s}",
    }
    at = [Response(name, kind, FOUND, (value,), NOW) for (name, kind), value in held.items()]
    dns = Responses(at)
    memory = Memory(lambda name, kind: dns.find(name, kind) or Response(name, kind, NO_SUCH_NAME, (), NOW))

    for number in range(20):
        for client in (f"192.0.2.{number}", f"203.0.113.{number}", f"198.51.100.{number}"):
            spf_query.check(client, f"user{number}@a.example", "helo.example", Recorded(memory))

    assert len(asked) == times


@pytest.mark.parametrize(
    ("record", "there"),
    [
        ("v=spf1 exists:%{l}.b.example -all", "x.b.example"),
        ("v=spf1 exists:%{s}.b.example -all", "x@a.example.b.example"),
        ("v=spf1 exists:%{h}.b.example -all", "one.example.b.example"),
        ("v=spf1 exists:%{i}.b.example -all", "192.0.2.1.b.example"),
        ("v=spf1 exists:%{L}.%{d}.b.example -all", "x.a.example.b.example"),
        # Of two addresses one is none.
        ("v=spf1 a:rubbish.example -all", "rubbish.example"),
    ],
)
def test_what_goes_by_more_than_networks_is_not_kept(record: str, there: str) -> None:
    def ask(name: str, kind: str) -> Response:
        values = {("a.example", "TXT"): (record,), (there, "A"): ("192.0.2.1", "rubbish")[: 1 + ("rubbish" in there)]}
        found = values.get((name, kind), ())
        return Response(name, kind, FOUND if found else NO_SUCH_NAME, found, NOW)

    memory = Memory(ask)
    requests = [
        (client, helo, sender)
        for client in ("192.0.2.1", "192.0.2.9")
        for helo in ("one.example", "two.example")
        for sender in ("x@a.example", "y@a.example")
    ]
    results = set()
    for request in [*requests, *reversed(requests)]:
        client, helo, sender = request
        found = spf_query.check(client, sender, helo, Recorded(memory))
        assert found == spf_query.check(client, sender, helo, Recorded(ask)), request
        results.add(found.result)
    assert len(results) > 1 or "rubbish" in there
