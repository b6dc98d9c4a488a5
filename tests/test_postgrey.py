"""postgrey's options: what is read, and what the real one refuses, too."""

import subprocess

import pytest

from advisor.errors import AdvisorError
from advisor.postgrey import CLIENT_FILES, RECIPIENT_FILES, Options, parse_options, whitelists
from tests.conftest import real


def test_none_are_the_defaults() -> None:
    assert parse_options("") == Options()
    assert Options() == Options(300, 35 * 86_400, 2 * 86_400, 5, lookup_by_host=False, ipv4cidr=24, ipv6cidr=64)
    assert (Options().client_files, Options().recipient_files) == (CLIENT_FILES, RECIPIENT_FILES)


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("--delay=60", "delay", 60),
        ("-delay 60", "delay", 60),
        ("--delay=0", "delay", 300),  # to Perl 0 is nothing
        ("--delay 60 --delay 70", "delay", 70),
        ("--max-age=7", "max_age", 7 * 86_400),
        ("--retry-window=6h", "retry_window", 6 * 3600),
        ("--retry-window=6H", "retry_window", 6 * 3600),
        ("--retry-window=3", "retry_window", 3 * 86_400),
        ("--retry-window=0", "retry_window", 0),
        ("--auto-whitelist-clients", "auto_whitelist", 5),
        ("--auto-whitelist-clients=", "auto_whitelist", 5),
        ("--auto-whitelist-clients=0", "auto_whitelist", 0),
        ("--auto-whitelist-clients=00", "auto_whitelist", 1),
        ("--auto-whitelist-clients 7", "auto_whitelist", 7),
        ("--auto-whitelist-clients --delay=60", "delay", 60),
        ("--lookup-by-host", "lookup_by_host", True),
        ("--lookup-by-subnet", "lookup_by_host", False),
        ("--lookup-by-host --lookup-by-subnet", "lookup_by_host", True),
        ("--ipv4cidr=20", "ipv4cidr", 20),
        ("--ipv4cidr=0", "ipv4cidr", 24),
        ("--ipv6cidr=48", "ipv6cidr", 48),
        ("--whitelist-clients=/a --whitelist-clients /b", "client_files", ("/a", "/b")),
        ("--whitelist-recipients='/a b'", "recipient_files", ("/a b",)),
        ("--greylist-text='4.7.1 Later'", "reply", "450 4.7.1"),
        ("--greylist-text='Later'", "reply", "450 4.2.0"),
        ("--greylist-text='9 lives'", "reply", "450 4.7.1"),
        ("--greylist-action=451", "reply", "451 4.2.0"),
        ("--greylist-action=451", "answer", "defer"),
        ("--greylist-action=550", "answer", "reject"),
        ("", "answer", "defer_if_permit"),
        ("/usr/sbin/postgrey --delay=60", "delay", 60),
    ],
)
def test_one_option(text: str, field: str, value: object) -> None:
    assert getattr(parse_options(text), field) == value


def test_debians_own_are_accepted_and_named() -> None:
    found = parse_options("--inet=10023 -d --pidfile=/run/postgrey.pid --privacy --exim -u /run/x --hostname=mx")
    assert [words.partition(":")[0] for words in found.indifferent] == [
        *("--inet", "--d", "--pidfile", "--privacy", "--exim", "--u", "--hostname")
    ]
    assert found.indifferent[3].startswith("--privacy: in which form")


WRONG = (
    *(
        "--dleay=60",
        "--delay",
        "--delay=",
        "--delay=x",
        "--delay=6.5",
        "--retry-window=6d",
        "--retry-window=",
        "--Delay=60",
    ),
    *("--lookup-by-host=1", "--del=60", "--no-privacy", "--max-age=x", "--noaction"),
)


@pytest.mark.parametrize(
    "text", [*WRONG, "--help", "stray", "--", "'", "--ipv4cidr=33", "--ipv6cidr=-1", "--greylist-action=HOLD"]
)
def test_what_postgrey_does_not_run_with_is_refused(text: str) -> None:
    with pytest.raises(AdvisorError, match="postgrey's options: "):
        parse_options(text)


@pytest.mark.integration
@pytest.mark.parametrize("text", WRONG)
def test_the_real_one_refuses_them_too(text: str) -> None:
    # A port that nobody may listen on: what it does not refuse by then, it has taken.
    command = [real("postgrey"), "--inet=127.0.0.1:1", "--dbdir=/nonexistent", "--user=nobody", "--group=nogroup", text]
    found = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert found.returncode != 0
    assert "starting!" not in found.stderr


def test_files_that_are_missing_are_named() -> None:
    found = whitelists(Options(), {CLIENT_FILES[0]: b"listed.example\ntwo words"}.get)
    assert found.missing == (RECIPIENT_FILES[0],)
    assert found.ignored == (f"{CLIENT_FILES[0]} line 2",)
    assert found.clients.has_name("mx.listed.example")
