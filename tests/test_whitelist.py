"""postgrey's whitelists: its syntax, and Perl's patterns and addresses against Perl itself."""

import random
import subprocess

import pytest

from advisor.errors import AdvisorError
from advisor.whitelist import Clients, clients, packed, recipients
from tests.conftest import real

PATTERNS = (
    *(rb"^mail\d+\.telekom\.de$", rb"^(?:smtp\w*|postfix)[0-9]+-g[0-9]+\.free\.fr$", rb"^.*?.server.arvato.de$"),
    *(
        rb"^p?smtp.*\.wxs\.nl$",
        rb"^s*mtp",
        rb"^s{0,2}m",
        rb"^s+m",
        rb"^s|^p",
        rb"^S[ce]x",
        rb"a{2,}b",
        rb"a{,2}",
        rb"{x}",
    ),
    *(
        rb"(a)(b)\2\1",
        rb"(?i:A)b",
        rb"(?-i:A)b",
        rb"[]a-c]x",
        rb"[^]a]x",
        rb"[\d_-]\W",
        rb"a\.b\$?$",
        rb"\bmx\b",
        rb"mx\B",
    ),
    *(
        rb"\x61\x5a",
        rb"(?=m)mx",
        rb"(?!m)x",
        rb"(?<=a)b",
        rb"(?<!a)b",
        rb"(?>a+)b",
        rb"a++b",
        rb"a|",
        rb"\Aa",
        rb"z\Z",
        rb"^$",
    ),
)
TEXTS = (
    *(
        b"",
        b"a",
        b"mx",
        b"amx",
        b"mx.a",
        b"MX.A",
        b"smtp1.wxs.nl",
        b"psmtp.x.wxs.nl",
        b"mail12.telekom.de",
        b"MAIL1.Telekom.DE",
    ),
    *(
        b"smtpx1-g22.free.fr",
        b"postfix1-g2.free.fr",
        b"abba",
        b"ab",
        b"Ab",
        b"aB",
        b"]x",
        b"bx",
        b"dx",
        b"aab",
        b"aaab",
    ),
    *(
        b"_-",
        b"5_",
        b"a.b",
        b"a.b$",
        b"aZ",
        b"az",
        b"ssm",
        b"m",
        b"sex",
        b"SCX",
        b"s",
        b"p",
        b"{x}",
        b"x",
        b"\xfc\xe4b",
    ),
)
REFUSED = (
    *(
        rb"[[:digit:]]+",
        rb"\h",
        rb"\p{L}",
        rb"(?<n>a)",
        rb"(?{die})",
        rb"(?|a|b)",
        rb"\Qa\E",
        rb"\10",
        rb"\x{61}",
    ),
    *(
        rb"a{,2}",
        rb"(",
        rb"a**",
        rb"[a",
        rb"[a--b]",
        rb"\z",
        rb"(?x:a)",
        rb"(*FAIL)",
        rb"(?R)",
        rb"\K",
        rb"\v",
        rb"(?i)a",
    ),
)

_MATCH = r"""
binmode STDIN; my ($patterns, $texts) = map { [split /\n/, $_, -1] } split /\n==\n/, do { local $/; <STDIN> };
for my $p (@$patterns) { my $q = qr{$p}i; print join("", map { $_ =~ $q ? 1 : 0 } @$texts), "\n" }
"""
_NETWORK = r"""
use NetAddr::IP;
while (<STDIN>) {
    chomp; my $ip;
    if (/^\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?:\/\d{1,2})?$/) { $ip = NetAddr::IP->new($_) }
    elsif (/^\d{1,3}\.\d{1,3}(?:\.\d{1,3})?$/) { $ip = NetAddr::IP->new($_, 24) }
    elsif (/^.*\:.*\:.*(?:\/\d{1,3})?$/) { $ip = NetAddr::IP->new($_) }
    else { print "name\n"; next }
    print defined $ip ? unpack("H*", $ip->{mask}) . " " . unpack("H*", $ip->{addr} & $ip->{mask}) : "none", "\n";
}
"""


def listed(text: bytes) -> Clients:
    return clients({"file": text})


@pytest.mark.integration
def test_perl_reads_the_patterns_alike() -> None:
    read = [pattern for pattern in PATTERNS if pattern not in REFUSED]
    both = b"\n".join(read) + b"\n==\n" + b"\n".join(TEXTS)
    perl = subprocess.run([real("perl"), "-e", _MATCH], input=both, capture_output=True, check=True)
    for pattern, theirs in zip(read, perl.stdout.decode().split(), strict=True):
        found = listed(b"/" + pattern + b"/").patterns
        assert "".join("01"[found.found(text)] for text in TEXTS) == theirs, pattern
    assert {"0", "1"} == set("".join(perl.stdout.decode().split()))


@pytest.mark.parametrize("pattern", REFUSED)
def test_a_pattern_that_may_mean_something_else_is_refused(pattern: bytes) -> None:
    for read in (clients, recipients):
        with pytest.raises(AdvisorError, match=r"file line 3: the pattern .* cannot be read"):
            read({"file": b"# a comment\n\n/" + pattern + b"/\n"})


def spellings(seed: int, count: int) -> list[str]:
    """Addresses and networks, right and wrong."""
    chance = random.Random(seed)
    parts = ("", "0", "1", "ab", "00ab", "fffff", "2001", "db8")
    lengths = ("", "/0", "/12", "/24", "/32", "/33", "/64", "/129", "/064", "/128", "/999")
    found = [
        "::012.0.0.1",
        "::1.002.3.4",
        "::1.2.3.0004",
        "::1.2.3.256",
        "1::1.2.3",
        "00001::",
        "::1.2.3.",
        "::000.0.0.0",
    ]
    for _ in range(count):
        number = ".".join(
            str(chance.randrange(300)).zfill(chance.randrange(1, 4)) for _ in range(chance.choice((4, 4, 3, 2)))
        )
        kinds = (
            ":".join(chance.choice(parts) for _ in range(chance.randrange(2, 10))),
            f"::{chance.choice(('', 'ffff:', '1:2:'))}{number}",
            number,
        )
        found.append(chance.choice(kinds) + chance.choice(lengths))
    return found


@pytest.mark.integration
def test_perl_reads_networks_alike() -> None:
    real("postgrey")  # its package brings NetAddr::IP
    lines = spellings(1, 4000)
    perl = subprocess.run(
        [real("perl"), "-e", _NETWORK], input="\n".join(lines), text=True, capture_output=True, check=True
    )
    networks = 0
    for line, theirs in zip(lines, perl.stdout.splitlines(), strict=True):
        try:
            found = listed(line.encode())
        except AdvisorError:
            continue
        if theirs == "name":
            assert found.domains == {line.encode()}
        elif theirs == "none":
            assert (found.networks, found.ignored) == (frozenset(), ("file line 1",)), line
        else:
            networks += 1
            assert [f"{mask:032x} {network:032x}" for mask, network in found.networks] == [theirs], line
    assert networks > 500


@pytest.mark.parametrize(
    ("line", "address", "inside"),
    [
        ("192.0", "192.0.0.9", True),
        ("192.0", "192.0.2.1", False),  # whatever the manual says
        ("192.0.2", "192.0.2.200", True),
        ("192.0.2.64/26", "192.0.2.127", True),
        ("192.0.2.64/26", "192.0.2.128", False),
        ("0.0.0.0/0", "192.0.2.1", True),
        ("0.0.0.0/0", "2001:db8::1", False),
        ("::/0", "192.0.2.1", True),
        ("2001:db8::/32", "2001:db8:ffff::1", True),
    ],
)
def test_addresses(line: str, address: str, inside: bool) -> None:
    found = packed(address)
    assert found is not None
    assert listed(line.encode()).has_address(found) is inside


def test_what_is_no_address() -> None:
    assert [packed(text) for text in ("unknown", "", "1.2.3", "192.0.2.1\0", "fe80::1%eth0", "::ffff:x")] == [None] * 6


def test_what_postgrey_passes_over_is_named() -> None:
    found = clients({"a": b"two words\nlisted.example # why\n999.1.1.1\n", "b": b"\r\n x:y:z \r\n"})
    assert found.ignored == ("a line 1", "a line 3", "b line 2")
    assert recipients({"a": b"postmaster@\ntwo words"}).ignored == ("a line 2",)


def test_a_network_that_cannot_be_read_is_named() -> None:
    with pytest.raises(AdvisorError, match=r"file line 2: '\[::1\]' cannot be read"):
        listed(b"listed.example\n[::1]")


def test_a_name_of_any_length_is_one() -> None:
    assert listed(b"listed.example").has_name("a." * 1000 + "listed.example") is False  # postgrey cuts it off
    assert listed(b"listed.example").has_name("a." * 100 + "LISTED.example") is True
    assert recipients({"file": b"postmaster@"}).has("postmaster+" + "+x" * 200 + "@x.example") is True
