"""policyd-spf: its answers beside those of the real one, over the same DNS; and what is not recorded is no evidence."""

import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import dns.exception
import dns.rdatatype
import dns.resolver
import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.errors import AdvisorError
from advisor.response import FOUND, INVALID, NO_DATA, NO_SUCH_NAME, TEMPORARY, Response, Responses
from advisor.restrictions.policyd_spf import tell
from advisor.spf_policy import DEFAULT, RECORDING, Judgement, judge, read_settings
from tests.conftest import real
from tests.named import named

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)

SPF = {
    "pass.example": "v=spf1 ip4:203.0.113.10 -all",
    "subnet.example": "v=spf1 ip4:203.0.113.0/28 ~all",
    "softfail.example": "v=spf1 ip4:192.0.2.1 ~all",
    "neutral.example": "v=spf1 ?all",
    "nothing.example": "v=spf1",
    "all.example": "v=spf1 +all",
    "never.example": "v=spf1 -all",
    "upper.example": "V=SPF1 IP4:203.0.113.10 -ALL",
    "a.example": "v=spf1 a -all",
    "a24.example": "v=spf1 a:host.a.example/24//64 -all",
    "mx.example": "v=spf1 mx -all",
    "manymx.example": "v=spf1 mx -all",
    "nullmx.example": "v=spf1 mx -all",
    "ptr.example": "v=spf1 ptr -all",
    "ip6.example": "v=spf1 ip6:2001:db8::/64 -all",
    "include.example": "v=spf1 include:pass.example include:softfail.example -all",
    "includenone.example": "v=spf1 include:plain.example -all",
    "includenx.example": "v=spf1 include:nosuch.example -all",
    "includeself.example": "v=spf1 include:includeself.example -all",
    "includetemp.example": "v=spf1 include:x.servfail.test -all",
    "includeperm.example": "v=spf1 include:syntax.example -all",
    "loop.example": "v=spf1 include:loop2.example -all",
    "loop2.example": "v=spf1 include:loop.example -all",
    "redirect.example": "v=spf1 redirect=pass.example",
    "redirectall.example": "v=spf1 ~all redirect=pass.example",
    "redirectnone.example": "v=spf1 redirect=plain.example",
    "redirectloop.example": "v=spf1 redirect=redirectloop2.example",
    "redirectloop2.example": "v=spf1 redirect=redirectloop.example",
    "void2.example": "v=spf1 a:n1.example a:n2.example -all",
    "void3.example": "v=spf1 a:n1.example a:n2.example a:n3.example -all",
    "voidexists.example": "v=spf1 exists:%{i}.e1.example exists:%{i}.e2.example exists:%{i}.e3.example ~all",
    "ten.example": "v=spf1 " + " ".join(f"a:host{n}.many.example" for n in range(10)) + " -all",
    "eleven.example": "v=spf1 " + " ".join(f"a:host{n}.many.example" for n in range(11)) + " -all",
    "includes11.example": "v=spf1 " + "include:neutral.example " * 11 + "-all",
    "exists.example": "v=spf1 exists:%{ir}.allowed.example -all",
    "helo.macro.example": "v=spf1 exists:%{h}.helos.example -all",
    "local.macro.example": "v=spf1 exists:%{l}.%{o}.users.example -all",
    "sender.macro.example": "v=spf1 exists:%{s}.users.example ?exists:%{d2}.users.example -all",
    "p.macro.example": "v=spf1 exists:%{p}.users.example -all",
    "v.macro.example": "v=spf1 exists:%{v}.%{ir}.users.example -all",
    "upper.macro.example": "v=spf1 exists:%{S}.users.example -all",
    "time.macro.example": "v=spf1 exists:%{t}.users.example -all",
    "bad.macro.example": "v=spf1 exists:%{x}.users.example -all",
    "syntax.example": "v=spf1 ipv4:203.0.113.10 -all",
    "unknown.example": "v=spf1 mechanism:x -all",
    "badip.example": "v=spf1 ip4:203.0.113.999 -all",
    "badcidr.example": "v=spf1 ip4:203.0.113.10/33 -all",
    "comma.example": "v=spf1 ip4:203.0.113.10, -all",
    "modifier.example": "v=spf1 moo=cow ip4:203.0.113.10 -all",
    "explained.example": "v=spf1 exp=why.explained.example -all",
    "explained2.example": "v=spf1 exp=nosuch.explained.example exp=why.explained.example -all",
    "explainedvoid.example": "v=spf1 exp=n1.explained.example a:n2.example a:n3.example -all",
    "explainedtemp.example": "v=spf1 exp=x.servfail.test -all",
    "mxtemp.example": "v=spf1 mx -all",
    "ptrtemp.example": "v=spf1 exists:x.servfail.test ptr -all",
    "longlabel.example": f"v=spf1 a:{'l' * 64}.example -all",
    "toplabel.example": "v=spf1 a:localhost -all",
    "trailing.example": "v=spf1 a:host.a.example. -all ",
    "spaces.example": "v=spf1   ip4:203.0.113.10    -all",
    "almost.example": "v=spf10 -all",
}
RECORDS = (
    # A string of a TXT record has 255 characters at most.
    "".join(f'{name} TXT "{text[:200]}" "{text[200:]}"\n' for name, text in SPF.items())
    + "".join(f"host{n}.many.example A 192.0.2.{n}\nmanymx.example MX {n} host{n}.many.example.\n" for n in range(11))
    + """
pass.example TXT "some other text"
two.example TXT "v=spf1 -all"
two.example TXT "v=spf1 +all"
plain.example TXT "no record of SPF"
long.example TXT "v=spf1 ip4:203.0.113.10" " ip4:203.0.113.11 " "-all"
foreign.example TXT "v=spf1 ip4:203.0.113.10 \\195\\164 -all"
alias.example CNAME pass.example.
aliases.example CNAME alias.example.
dangling.example CNAME nosuch.example.
a.example A 203.0.113.10
a.example AAAA 2001:db8::10
host.a.example A 203.0.113.77
host.a.example AAAA 2001:db8::77
mx.example MX 10 host.a.example.
mx.example MX 20 a.example.
nullmx.example MX 0 .
mxtemp.example MX 10 x.servfail.test.
why.explained.example TXT "%{i} is not one of %{o}'s; %{h}"
10.113.0.203.allowed.example A 127.0.0.2
helo.pass.example.helos.example A 127.0.0.2
x.local.macro.example.users.example A 127.0.0.2
mail.pass.example.users.example A 127.0.0.2
in-addr.10.113.0.203.users.example A 127.0.0.2
helo.pass.example A 203.0.113.10
mail.pass.example A 203.0.113.10
ptr.example A 203.0.113.10
10.113.0.203.in-addr.arpa PTR mail.pass.example.
11.113.0.203.in-addr.arpa PTR host.ptr.example.
host.ptr.example A 203.0.113.11
"""
)
DOMAINS = [
    *SPF,
    *("two.example", "plain.example", "long.example", "foreign.example", "alias.example", "aliases.example"),
    *("dangling.example", "nosuch.example", "x.servfail.test", "empty..example"),
]
CLIENTS = ["203.0.113.10", "203.0.113.11", "2001:db8::10", "::ffff:203.0.113.10", "127.0.0.1"]
HELOS = ["", "helo.pass.example", "never.example", "localhost", "[203.0.113.10]", "x.servfail.test", "syntax.example"]
SENDERS = [f"x@{name}" for name in DOMAINS] + ["", "nodomain", "pass.example", "@pass.example", "X@NEVER.example"]
SENDERS += ["a@b@never.example", '"a b"@never.example', "x+y@local.macro.example"]

Request = tuple[str, str, str]
REQUESTS: list[Request] = [
    *product(CLIENTS[:2], ["", "helo.pass.example"], SENDERS),
    *product(CLIENTS[2:], ["helo.pass.example"], SENDERS),
    *product(CLIENTS[:1], HELOS[2:], [*SENDERS[::5], "", "x@never.example", "x@helo.macro.example"]),
    *product(CLIENTS[:3], DOMAINS, ["", "x@pass.example"]),
]

CONFIGURATIONS = {
    "default": "",
    "strict": "HELO_reject = SPF_Not_Pass\nMail_From_reject = Softfail\n"
    "PermError_reject = True\nTempError_Defer = True\n",
    "silent": "HELO_reject = False\nMail_From_reject = False\nPermError_reject = True\n",
    "classic": "HELO_reject = Null\nMail_From_reject = SPF_Not_Pass\nSPF_Enhanced_Status_Codes = No\n"
    "TempError_Defer = True # and a comment\nPermError_reject = True",
    "unchecked": "HELO_reject = No_Check\nVoid_Limit = 5",
    "unchecked sender": "Mail_From_reject = No_Check\nTempError_Defer = True",
    "no mail": "No_Mail = True\nHELO_reject = Softfail",
    "test only": "TestOnly = 0",
    "networks": "Whitelist = 203.0.113.11/32,2001:db8::/64,rubbish,203.0.113.10/32\nskip_addresses = 192.0.2.1/24",
    "names": "HELO_Whitelist = nosuch.example,helo.pass.example,x.servfail.test",
    "domains": "Domain_Whitelist = nosuch.example,x.servfail.test,subnet.example",
    "reverse": "Domain_Whitelist_PTR = .ptr.example,.other.example",
    "named": "Reject_Not_Pass_Domains = softfail.example,x.neutral.example\nHELO_reject = False",
}

WRAPPERS = {
    "dnspython": """
import sys, warnings
warnings.simplefilter("ignore")
import dns.resolver
resolver = dns.resolver.Resolver(configure=False)
resolver.nameservers, resolver.port = ["127.0.0.1"], int(sys.argv[1])
dns.resolver.default_resolver = resolver
""",
    "py3dns": """
import sys
sys.modules["dns"] = None
import DNS, spf
DNS.defaults["server"], DNS.defaults["port"] = ["127.0.0.1"], int(sys.argv[1])
""",
}
"""pyspf asks through whichever of the two is there."""
_RUN = """
sys.argv = ["policyd-spf", sys.argv[2]]
from spf_engine.policyd_spf import main
main()
"""


def asker(port: int) -> Callable[[str, str], Response]:
    """Asks the DNS, as a lookup would."""
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = ["127.0.0.1"], port

    def ask(name: str, kind: str) -> Response:
        values: Sequence[str] = ()
        try:
            answer = resolver.resolve(name, kind, search=False, lifetime=5)
            values, status = [_text(record) for record in answer], FOUND
        except dns.resolver.NXDOMAIN:
            status = NO_SUCH_NAME
        except dns.resolver.NoAnswer:
            status = NO_DATA
        except (dns.resolver.NoNameservers, dns.exception.Timeout):
            status = TEMPORARY
        except dns.exception.DNSException:
            status = INVALID
        return Response(name, kind, status, tuple(values), NOW)

    return ask


def _text(record: Any) -> str:
    if record.rdtype == dns.rdatatype.TXT:
        return b"".join(record.strings).decode(errors="surrogateescape")
    if record.rdtype == dns.rdatatype.MX:
        return f"{record.preference} {record.exchange.to_text(omit_final_dot=record.exchange != dns.name.root)}"
    text: str = record.to_text()
    return text.removesuffix(".")


def answers_of_the_real(
    port: int, configuration: Path, requests: Sequence[Request], library: str = "dnspython"
) -> list[tuple[str, str]]:
    """The word and the code that policyd-spf answers to each request."""
    real("policyd-spf")
    text = "".join(
        f"request=smtpd_access_policy\nprotocol_state=RCPT\nprotocol_name=ESMTP\nhelo_name={helo}\nqueue_id=\n"
        f"sender={sender}\nrecipient=alice@ourdom.test\nclient_address={client}\ninstance=1.{number}\n\n"
        for number, (client, helo, sender) in enumerate(requests)
    )
    # Debian's own Python: it has Debian's spf_engine and pyspf.
    arguments = ["/usr/bin/python3", "-c", WRAPPERS[library] + _RUN, str(port), str(configuration)]
    run = subprocess.run(arguments, input=text.encode(), capture_output=True, timeout=300, check=False)
    actions = [line.removeprefix("action=") for line in run.stdout.decode().split("\n") if line.startswith("action=")]
    assert len(actions) == len(requests), run.stderr.decode()[-2000:]
    return [_read(action) for action in actions]


def _read(action: str) -> tuple[str, str]:
    words = action.split()
    enhanced = words[1] if len(words) > 1 and words[1][:2] in ("4.", "5.") else ""
    if words[0] == "550":
        return "reject", f"550 {enhanced or '5.7.1'}"
    if words[0] == "defer_if_permit":
        return "defer_if_permit", f"450 {enhanced or '4.7.1'}"
    assert words[0] in ("prepend", "dunno", "None"), action
    return "dunno", ""


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with named(tmp_path_factory.mktemp("named"), {".": RECORDS, "servfail.test": None}) as server:
        yield server.port


def record(port: int, requests: Sequence[Request], text: str) -> Responses:
    """What a lookup records: with settings that raise every question, then with the site's own."""
    dns_says = Responses()
    live = asker(port)

    def ask(name: str, kind: str) -> Response:
        found = dns_says.find(name, kind)
        if found is None:
            found = live(name, kind)
            dns_says.add(found)
        return found

    for settings in (RECORDING, read_settings(text)):
        for client, helo, sender in requests:
            judge(client, helo, sender, ask, settings)
    return dns_says


def compare(requests: Sequence[Request], wanted: Sequence[tuple[str, str]], found: Sequence[Judgement]) -> None:
    """No answer differs; there is none only where the DNS failed, and the two libraries take that differently."""
    triples = list(zip(requests, wanted, found, strict=True))
    differ = [(request, said, ours) for request, said, ours in triples if ours.word not in (said[0], None)]
    assert not differ, (len(differ), differ[:10])
    codes = [(request, said, ours) for request, said, ours in triples if ours.word and ours.reply != said[1]]
    assert not codes, (len(codes), codes[:10])
    none = [(request, ours) for request, _, ours in triples if ours.word is None]
    assert all("temperror" in (ours.helo, ours.sender) for _, ours in none), none[:10]
    assert len(none) < len(found) / 10


@pytest.mark.integration
@pytest.mark.parametrize(
    ("name", "library"),
    [*((name, "dnspython") for name in CONFIGURATIONS), ("default", "py3dns"), ("strict", "py3dns")],
)
def test_as_the_real_one_answers(name: str, library: str, port: int, tmp_path: Path) -> None:
    text = CONFIGURATIONS[name]
    configuration = tmp_path / "policyd-spf.conf"
    configuration.write_text(text)
    # With No_Mail the real one dies at a sender without one @.
    requests = [one for one in REQUESTS if name != "no mail" or one[2].count("@") == bool(one[2])]
    wanted = answers_of_the_real(port, configuration, requests, library)
    recorded = record(port, requests, text)

    settings = read_settings(text)
    found = [judge(client, helo, sender, recorded.find, settings) for client, helo, sender in requests]

    if library == "dnspython":
        compare(requests, wanted, found)
    else:
        differ = [one for one in zip(requests, wanted, found, strict=True) if one[2].word not in (one[1][0], None)]
        assert not differ, (len(differ), differ[:10])
    words = Counter(word for word, _ in wanted)
    assert words["dunno"] > 100
    assert name in ("silent", "test only") or words["reject"] > 20


# The same world without a server, for what needs no other program.
_WORLD: dict[tuple[str, str], tuple[str, ...]] = {
    **{(name, "TXT"): (text,) for name, text in SPF.items()},
    ("a.example", "A"): ("203.0.113.10",),
    ("host.a.example", "A"): ("203.0.113.77",),
    ("mx.example", "MX"): ("10 host.a.example", "20 a.example"),
    ("nullmx.example", "MX"): ("0 .",),
    ("10.113.0.203.allowed.example", "A"): ("127.0.0.2",),
    ("helo.pass.example.helos.example", "A"): ("127.0.0.2",),
    ("10.113.0.203.in-addr.arpa", "PTR"): ("mail.ptr.example",),
    ("mail.ptr.example", "A"): ("203.0.113.10",),
    **{(f"host{n}.many.example", "A"): (f"192.0.2.{n}",) for n in range(11)},
}


def world(name: str, kind: str) -> Response:
    if name.endswith("servfail.test"):
        return Response(name, kind, TEMPORARY, (), NOW)
    values = _WORLD.get((name, kind), ())
    return Response(name, kind, FOUND if values else NO_SUCH_NAME, values, NOW)


@pytest.mark.parametrize(
    ("client", "helo", "sender", "wanted"),
    [
        ("203.0.113.10", "helo.pass.example", "x@pass.example", ("dunno", "", "none", "pass")),
        ("203.0.113.11", "helo.pass.example", "x@pass.example", ("reject", "550 5.7.23", "none", "fail")),
        ("203.0.113.11", "helo.pass.example", "X@PASS.example", ("reject", "550 5.7.23", "none", "fail")),
        ("203.0.113.11", "never.example", "", ("reject", "550 5.7.23", "fail", "none")),
        ("203.0.113.11", "never.example", "x@all.example", ("reject", "550 5.7.23", "fail", "pass")),
        # No HELO: the sender's domain in its place.
        ("203.0.113.11", "", "x@never.example", ("reject", "550 5.7.23", "fail", "fail")),
        ("203.0.113.11", "", "", ("dunno", "", None, None)),
        # A HELO that is not known: the sender's failure alone decides, and nothing else can.
        ("203.0.113.11", None, "x@pass.example", ("reject", "550 5.7.23", None, "fail")),
        ("203.0.113.10", None, "x@pass.example", (None, "", None, "pass")),
        ("203.0.113.10", None, "", (None, "", None, "none")),
        ("203.0.113.10", None, "x@helo.macro.example", (None, "", None, None)),
        ("203.0.113.10", "helo.pass.example", "x@helo.macro.example", ("dunno", "", "none", "pass")),
        # Debian's libraries differ there: refused by one, let through by the other.
        ("203.0.113.10", "helo.pass.example", "x@ptrtemp.example", (None, "", "none", "temperror")),
        ("203.0.113.10", "helo.pass.example", "x@servfail.test", ("dunno", "", "none", "temperror")),
        ("127.0.0.1", "never.example", "x@never.example", ("dunno", "", None, None)),
        ("no address", "never.example", "x@never.example", (None, "", None, None)),
    ],
)
def test_a_request(client: str, helo: str | None, sender: str, wanted: tuple[str | None, ...]) -> None:
    found = judge(client, helo, sender, world)

    assert (found.word, found.reply, found.helo, found.sender) == wanted


def test_what_was_never_asked_is_no_evidence_and_is_named() -> None:
    nothing = judge("203.0.113.10", "helo.pass.example", "x@pass.example", lambda *_: None)

    assert nothing.word is None
    assert set(nothing.missing) == {("helo.pass.example", "TXT"), ("pass.example", "TXT")}


def test_the_oldest_answer_counts() -> None:
    def ask(name: str, kind: str) -> Response:
        year = 2020 if name == "softfail.example" else 2025
        return Response(name, kind, FOUND, world(name, kind).values, NOW.replace(year=year))

    found = judge("192.0.2.9", "all.example", "x@include.example", ask)

    assert found.asked_at == NOW.replace(year=2020)


@given(
    st.sampled_from(CLIENTS),
    st.sampled_from([*HELOS, None]),
    st.sampled_from(SENDERS),
    st.sampled_from(sorted(CONFIGURATIONS)),
    st.randoms(use_true_random=False),
)
def test_missing_evidence_never_decides(client: str, helo: str | None, sender: str, name: str, random: Any) -> None:
    settings = read_settings(CONFIGURATIONS[name])
    asked: list[tuple[str, str]] = []

    def remember(name: str, kind: str) -> Response:
        asked.append((name, kind))
        return world(name, kind)

    whole = judge(client, helo, sender, remember, settings)
    gone = {one for one in asked if random.random() < 0.4}
    part = judge(client, helo, sender, lambda *one: None if one in gone else world(*one), settings)

    assert part.word in (whole.word, None)
    assert whole.word is None or part == whole or part.missing


@given(st.text(max_size=60).map("v=spf1 {}".format) | st.text(max_size=40), st.sampled_from(["x@d.example", ""]))
def test_no_record_raises(text: str, sender: str) -> None:
    def ask(name: str, kind: str) -> Response:
        return Response(name, kind, FOUND if kind == "TXT" else NO_DATA, (text,) if kind == "TXT" else (), NOW)

    assert judge("203.0.113.10", "d.example", sender, ask).word in ("dunno", "reject")


def test_the_settings() -> None:
    text = (
        "# a comment\nHELO_reject = Null # and why\n\nTestOnly=0\nBogus = 1\n"
        "HELO_reject\ndebugLevel = 4\nVoid_Limit = 3"
    )
    found = read_settings(text)

    assert (found.HELO_reject, found.TestOnly, found.Void_Limit) == ("Null", 0, 3)
    assert found.ignored == ("Bogus = 1", "HELO_reject")
    assert found.Mail_From_reject == DEFAULT.Mail_From_reject
    assert read_settings("Per_User = /etc/users").unknowable == ("Per_User",)
    assert judge("203.0.113.11", "", "x@never.example", world, read_settings("Per_User = /etc/users")).word is None
    with pytest.raises(AdvisorError, match="Void_Limit"):
        read_settings("Void_Limit = two")


def test_a_name_that_cannot_be_asked_for_lets_the_mail_pass() -> None:
    def ask(name: str, kind: str) -> Response:
        return Response(name, kind, INVALID, (), NOW)

    assert judge("203.0.113.10", "helo.example", "x@pass.example", ask).word == "dunno"


def test_the_restriction_goes_by_the_log_first() -> None:
    dns = Responses(world(name, kind) for name, kind in [*_WORLD, ("helo.example", "TXT"), ("plain.example", "TXT")])

    def said(*values: str | bool | None, conf: str = "") -> tuple[str, str, str] | None:
        told = tell(conf, dns, None, *values)
        return None if told is None else (told.word, told.reply, told.basis)

    client = ("203.0.113.11", True, "helo.example")
    never = (*client, "x@never.example", "logged", "domain")
    assert said(*never, None) == ("reject", "550 5.7.23", "looked_up")
    assert said(*never, "fail") == ("reject", "550 5.7.23", "derived")
    # It passed when it came; and its HELO does not fail.
    assert said(*never, "pass") == ("dunno", "", "looked_up")
    # No HELO was sent: then the domain of the sender stood for it, and its failure may be hidden.
    assert said("203.0.113.11", False, None, *never[3:], "softfail") == ("reject", "550 5.7.23", "looked_up")
    assert said(*client, "", "logged", "null", "none") == ("dunno", "", "derived")
    # Other settings are not those under which the log came about.
    assert said(*never, "fail", conf="{ HELO_reject = False; Mail_From_reject = False }") == ("dunno", "", "looked_up")
    assert said(*client, "x@softfail.example", "logged", "domain", None, conf="Mail_From_reject = Softfail") == (
        *("reject", "550 5.7.23", "looked_up"),
    )
    assert said(*client, "SRS0=a=b=c@ourdom.test", "derived", "rewritten", None) is None
    assert said(*client, None, None, None, None) is None
