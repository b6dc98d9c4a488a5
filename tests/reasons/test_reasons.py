"""Each reason on a log that says in its comments what is to be found; and what a forger gets out of it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from advisor.attempt import attempts
from advisor.evidence import verdict, weigh
from advisor.reason import AUTHENTICITY, SCORED
from advisor.reasons import BY_NAME, REASONS
from advisor.response import FOUND, Response, Responses
from advisor.restrictions import CATALOGUE
from tests.test_attempt import INSIDE, parse
from tests.test_evidence import OURS, PARTNER, Log

HERE = Path(__file__).parent
LOGS = sorted(HERE.glob("*.log"))


def reasons(log: str, **known: Any) -> list[str]:
    """The reasons for each attempt from outside; '-' for none."""
    events = parse(log.encode())
    rows = weigh(attempts(events, networks=INSIDE, domains=OURS), events, OURS, **known).to_pylist()
    return [row["reasons"] or "-" for row in rows if row["origin"] == "outside"]


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
def test_the_log_of_a_reason(path: Path) -> None:
    log = path.read_text()
    first = log.partition("\n")[0]

    assert reasons(log) == first.removeprefix("# Expected: ").split()
    assert path.stem in BY_NAME


def test_every_reason_has_its_page_and_is_silent_on_restrictions_that_there_are() -> None:
    for one in REASONS:
        assert one.page.partition("\n")[0].endswith("."), one.name
        assert "What it rests on" in one.page, one.name
        assert "What may deceive it" in one.page, one.name
        assert ("On what it is silent" in one.page) == bool(one.silent_on) or one.name in _OBVIOUS, one.name
        assert one.silent_on <= set(CATALOGUE), one.name
        assert not (one.decisive and one.silent_on)
    assert len({one.says for one in REASONS}) == len(REASONS)


_OBVIOUS = {"unknown_recipients", "early_talker", "blocklisted_twice"}
"""Reasons that are a restriction's own fact: no page need say so."""


@pytest.mark.parametrize("restriction", sorted(SCORED))
def test_a_filter_speaks_on_what_it_scores_only_by_its_content(restriction: str) -> None:
    assert verdict(";filter_spam;", restriction) is None
    assert verdict(";junk;", restriction) is None
    assert verdict(";content_spam;filter_spam;", restriction) is False
    assert verdict(";content_clean;filter_clean;", restriction) is True


@pytest.mark.parametrize("restriction", sorted(AUTHENTICITY))
def test_who_was_bound_by_spf_says_nothing_on_spf(restriction: str) -> None:
    assert verdict(";correspondent;", restriction) is None
    assert verdict(";correspondent_domain;", restriction) is None
    assert verdict(";correspondent_network;", restriction) is True


def test_a_reason_that_is_the_restriction_does_not_count() -> None:
    assert verdict(";unknown_recipients;", "reject_unlisted_recipient") is None
    assert verdict(";early_talker;", "postscreen_greet_action") is None
    assert verdict(";early_talker;", "reject_unauth_pipelining") is None
    assert verdict(";dmarc_reject;", "opendmarc") is None
    assert verdict(";dnswl;", "postscreen_dnsbl_action") is None


def test_a_label_outranks_all() -> None:
    assert verdict(";labelled_wanted;virus;blocklisted;") is True
    assert verdict(";labelled_unwanted;correspondent;", "opendmarc") is False


# --- correspondents ----------------------------------------------------------------------------------------------


def test_another_address_of_a_firm_our_users_write_to() -> None:
    log = Log().writes(PARTNER).mail("203.0.113.10", "new@partner.example", spf="Pass")
    log.mail("198.51.100.7", "forged@partner.example").mail("198.51.100.7", "forged@partner.example", spf="Fail")
    assert reasons(str(log)) == [";correspondent_domain;", "-", "-"]


def test_nor_does_it_help_to_forge_it_every_day() -> None:
    log = Log().writes(PARTNER)
    for _ in range(5):
        log.mail("198.51.100.7", "forged@partner.example").days(1)
    assert reasons(str(log)) == ["-"] * 5


@pytest.mark.parametrize(("domain", "strangers"), [("gmail.com", 2), ("large.example", 11)])
def test_strangers_of_a_free_mail_provider_are_no_correspondents(domain: str, strangers: int) -> None:
    log = Log().writes(f"friend@{domain}")
    for number in range(strangers):
        log.mail("203.0.113.10", f"user{number}@{domain}", spf="Pass")
    log.mail("203.0.113.10", f"friend@{domain}", spf="Pass")
    assert reasons(str(log)) == ["-"] * strangers + [";correspondent;"]


def test_a_large_firm_our_users_know_well() -> None:
    log = Log()
    for number in range(5):
        log.writes(f"user{number}@firm.example")
    for number in range(12):
        log.mail("203.0.113.10", f"user{number}@firm.example", spf="Pass")
    assert reasons(str(log)) == [";correspondent;"] * 5 + [";correspondent_domain;"] * 7


def test_a_robbed_account_makes_no_correspondents() -> None:
    log = Log()
    for number in range(101):
        log.writes(f"victim{number}@many{number}.example")
    log.mail("203.0.113.10", "victim7@many7.example", spf="Pass")
    assert reasons(str(log)) == ["-"]


def test_who_imitates_a_correspondent_whose_network_is_known() -> None:
    log = Log().writes().mail("203.0.113.10", PARTNER, spf="Pass")
    log.mail("198.51.100.7", PARTNER).days(1).mail("198.51.100.8", PARTNER).mail("203.0.113.11", PARTNER)
    # The imitator uses one network on two days; the real one's network, by SPF, counts without SPF, too.
    log.days(1).mail("203.0.113.10", PARTNER)
    assert reasons(str(log)) == [";correspondent;", "-", "-", ";correspondent;", ";correspondent;"]


def test_of_two_networks_on_two_days_nobody_knows_who_is_who() -> None:
    log = Log().writes()
    for _ in range(2):
        log.mail("203.0.113.10", PARTNER).mail("198.51.100.7", PARTNER).days(1)
    assert reasons(str(log)) == ["-"] * 4


def dmarc(log: Log, domain: str, result: str = "pass") -> Log:
    """The last message gets a result of opendmarc."""
    return helper(log, "opendmarc", f"{domain} {result}")


def helper(log: Log, program: str, text: str) -> Log:
    """The last message gets a milter's line."""
    at = max(number for number, line in enumerate(log.lines) if ": client=" in line) + 1
    head = log.lines[at - 1].partition(" postfix/")[0]
    log.lines.insert(at, f"{head} {program}[701]: {log.number:08X}: {text}\n")
    return log


def test_dmarc_of_another_domain_binds_nobody() -> None:
    assert reasons(str(dmarc(Log().writes().mail("203.0.113.10", PARTNER), "partner.example"))) == [
        ";correspondent;correspondent_signed;"
    ]
    # The envelope names the partner; From, for which DMARC passed, names the spammer.
    assert reasons(str(dmarc(Log().writes().mail("198.51.100.7", PARTNER), "spammer.example"))) == ["-"]


@pytest.mark.parametrize(
    ("domain", "result", "expected"),
    [
        ("partner.example", "DKIM verification successful", ";correspondent;correspondent_signed;"),
        ("mail.partner.example", "DKIM verification successful", ";correspondent;correspondent_signed;"),
        ("partner.example", "bad signature data", "-"),
        ("spammer.example", "DKIM verification successful", "-"),
        ("example", "DKIM verification successful", "-"),
    ],
)
def test_a_signature_binds_to_its_own_domain(domain: str, result: str, expected: str) -> None:
    log = helper(Log().writes().mail("203.0.113.10", PARTNER), "opendkim", result)
    helper(log, "opendkim", f'signature=hGNXoFfO domain={domain} selector=lab result="no signature error"')
    assert reasons(str(log)) == [expected]


def test_a_forwarder_is_not_bound_to_whose_mail_it_forwards() -> None:
    log = dmarc(Log().writes().mail("198.51.100.7", PARTNER, spf="Fail"), "partner.example")
    log.mail("198.51.100.7", PARTNER, spf="Fail").mail("198.51.100.7", PARTNER)
    assert reasons(str(log)) == [";correspondent;correspondent_signed;", "-", "-"]
    assert verdict(";correspondent;correspondent_signed;", "policyd-spf") is True, "SPF would hurt it, and that shows"


def test_the_network_that_takes_the_partners_mail() -> None:
    log = Log().writes().mail("203.0.113.10", PARTNER, spf="Fail").mail("198.51.100.7", PARTNER)
    taken = str(log).replace("relay=r[192.0.2.9]", "relay=mx.partner.example[203.0.113.25]", 1)
    assert reasons(taken) == [";correspondent_network;", "-"]
    # A relay that takes mail for many domains is a smarthost, or a provider with other customers.
    for number in range(3):
        log.writes(f"x@other{number}.example")
    assert reasons(str(log).replace("relay=r[192.0.2.9]", "relay=smart[203.0.113.25]")) == ["-", "-"]


# --- regular mail ------------------------------------------------------------------------------------------------

WEEKS = ("a@ourdom.test", "b@ourdom.test", "c@ourdom.test")


def weeks(count: int = 5, to: tuple[str, ...] = WEEKS, spf: str = "", apart: int = 4) -> Log:
    log = Log()
    for number in range(count):
        log.mail("203.0.113.10", "info@shop.example", [to[number % len(to)]], spf).days(apart)
    return log


def test_regular_mail() -> None:
    assert reasons(str(weeks())) == [";regular;"] * 5


@pytest.mark.parametrize(
    "log", [weeks(4), weeks(apart=3), weeks(to=WEEKS[:2]), weeks(spf="Softfail")], ids=["few", "short", "two", "spf"]
)
def test_what_is_not_regular_enough(log: Log) -> None:
    assert set(reasons(str(log))) == {"-"}


def test_nor_a_network_that_was_refused() -> None:
    log = weeks().refuse("203.0.113.99", "554 5.7.1 <a@b.example>: Relay access denied")
    assert set(reasons(str(log))) == {"-"}


def test_nor_bulk_mail() -> None:
    log = Log()
    for _ in range(5):
        for number in range(21):
            log.mail("203.0.113.10", "news@shop.example", [WEEKS[number % 3]])
        log.days(4)
    assert set(reasons(str(log))) == {"-"}


def test_our_name_where_it_was_said_and_nowhere_else() -> None:
    log = Log()
    for _ in range(2):
        log.refuse("198.51.100.7", "554 5.7.1 <a@b.example>: Relay access denied")
    log.mail("198.51.100.7", "x@y.example")
    assert reasons(str(log).replace("h.example", "ourdom.test")) == [";our_name;", ";our_name;", "-"]


def test_junk_is_one_recipients() -> None:
    log = Log().mail("203.0.113.10", "x@y.example", ["bob@ourdom.test", "carol@ourdom.test"])
    at = next(number for number, line in enumerate(log.lines) if ": client=" in line) + 1
    log.lines.insert(at, log.lines[at - 1][:15] + " mx1 postfix/cleanup[201]: 00000001: message-id=<1@y>\n")
    stored = "sieve: msgid=<1@y>: stored mail into mailbox 'Junk'"
    log.line("dovecot", f"lmtp(carol@ourdom.test)<30301><z5FOLrRhDVpddgAABvoInA>: {stored}")
    assert reasons(str(log)) == ["-", ";junk;"]


# --- DNS ---------------------------------------------------------------------------------------------------------

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def dns(zone: str, value: str, at: datetime = NOON) -> Responses:
    """A list that passed its test and names 198.51.100.7."""
    asked = {
        f"2.0.0.127.{zone}": ("127.0.0.2",),
        f"1.0.0.127.{zone}": (),
        f"7.100.51.198.{zone}": (value,),
    }
    return Responses(
        Response(name, "A", FOUND if values else "no_such_name", values, at) for name, values in asked.items()
    )


@pytest.mark.parametrize(
    ("value", "days", "expected"),
    [("127.0.0.2", 0, ";blocklisted;"), ("127.0.0.2", 8, "-"), ("127.255.255.254", 0, "-")],
)
def test_a_recorded_listing(value: str, days: int, expected: str) -> None:
    known = dns("zen.spamhaus.org", value, NOON + timedelta(days=days))
    log = str(Log().mail("198.51.100.7", "x@y.example").mail("203.0.113.10", "x@y.example"))
    assert reasons(log, dns=known) == [expected, "-"]
    assert reasons(log) == ["-", "-"]


@pytest.mark.parametrize(
    ("zones", "expected"),
    [
        (("one.example",), "-"),
        (("one.example", "other.test"), ";blocklisted_twice;"),
        # two lists of one operator, and a list of good hosts
        (("a.one.example", "b.one.example"), "-"),
        (("one.example", "list.dnswl.org"), ";dnswl;"),
        (("zen.spamhaus.org", "one.example"), ";blocklisted;blocklisted_twice;"),
    ],
)
def test_two_lists_agree(zones: tuple[str, ...], expected: str) -> None:
    known = Responses([one for zone in zones for one in dns(zone, "127.0.0.2")])
    log = str(Log().mail("198.51.100.7", "x@y.example").mail("203.0.113.10", "x@y.example"))

    assert reasons(log, dns=known) == [expected, "-"]
    assert reasons(log) == ["-", "-"]


def test_two_lists_must_have_said_so_then() -> None:
    known = Responses([*dns("one.example", "127.0.0.2"), *dns("other.test", "127.0.0.2", NOON + timedelta(days=8))])

    assert reasons(str(Log().mail("198.51.100.7", "x@y.example")), dns=known) == ["-"]


@pytest.mark.parametrize(("value", "expected"), [("127.0.5.1", ";dnswl;"), ("127.0.5.0", "-"), ("127.0.0.255", "-")])
def test_a_recorded_allowlist(value: str, expected: str) -> None:
    log = str(Log().mail("198.51.100.7", "x@y.example"))
    assert reasons(log, dns=dns("list.dnswl.org", value)) == [expected]


@pytest.mark.parametrize(
    ("record", "expected"),
    [("v=DMARC1; p=reject", ";dmarc_reject;"), ("v=DMARC1; p=reject; pct=50", "-"), ("v=DMARC1; p=none", "-")],
)
def test_dmarc_needs_the_policy(record: str, expected: str) -> None:
    log = str(dmarc(Log().mail("198.51.100.7", "x@y.example"), "bank.example", "fail"))
    known = Responses([Response("_dmarc.bank.example", "TXT", FOUND, (record,), NOON)])
    assert reasons(log, dns=known) == [expected]
    assert reasons(log) == ["-"]
