"""Evidence: whom our users write to, what filters and lists say, and what may not be taken for it."""

from collections.abc import Iterable, Sequence

import pyarrow.compute as pc
import pytest

from advisor.attempt import attempts
from advisor.evidence import sentence, verdict, weigh
from advisor.reasons import REASONS
from advisor.reasons.unknown_recipients import UNKNOWN_RECIPIENTS
from advisor.restrictions import TIPS
from tests.conftest import lab_log
from tests.test_attempt import INSIDE, parse

OURS = ("ourdom.test", "mx1.ourdom.test", "localhost", "localhost.ourdom.test")
PARTNER = "info@partner.example"


def reasons(log: str, domains: Sequence[str] = OURS) -> list[str]:
    """The reasons for each attempt of a log, in log order."""
    events = parse(log.encode())
    weighed = weigh(attempts(events, networks=INSIDE, domains=domains), events, domains)
    found: list[str] = weighed.filter(pc.field("origin") == "outside")["reasons"].to_pylist()
    return found


class Log:
    """A log in the making: each line a second after the one before, unless a day passes."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.day, self.second, self.number = 1, 0, 0

    def __str__(self) -> str:
        return "".join(self.lines)

    def line(self, tag: str, text: str) -> "Log":
        self.second += 1
        clock = f"{self.second // 3600:02d}:{self.second // 60 % 60:02d}:{self.second % 60:02d}"
        self.lines.append(f"Nov {self.day:2d} {clock} mx1 {tag}: {text}\n")
        return self

    def days(self, count: int) -> "Log":
        self.day, self.second = self.day + count, 0
        return self

    def writes(self, recipient: str = PARTNER, status: str = "sent", sender: str = "alice@ourdom.test") -> "Log":
        """One of our users writes to somebody."""
        return self.mail("192.0.2.5", sender, [recipient], status=status)

    def mail(
        self, address: str, sender: str, to: Iterable[str] = ("bob@ourdom.test",), spf: str = "", status: str = "sent"
    ) -> "Log":
        """A message that is accepted."""
        self.number += 1
        client, queue_id = f"c.example[{address}]", f"{self.number:08X}"
        self.line("postfix/smtpd[101]", f"connect from {client}")
        if spf:
            who = f"client-ip={address}; helo=h.example; envelope-from={sender}; receiver=ourdom.test"
            self.line("policyd-spf[601]", f": prepend Received-SPF: {spf} (mailfrom) identity=mailfrom; {who}")
        self.line("postfix/smtpd[101]", f"{queue_id}: client={client}")
        self.line("postfix/qmgr[301]", f"{queue_id}: from=<{sender}>, size=4, nrcpt=1 (queue active)")
        for recipient in to:
            rest = f"relay=r[192.0.2.9]:25, delay=0, delays=0/0/0/0, dsn=2.0.0, status={status} (250 OK)"
            self.line("postfix/smtp[401]", f"{queue_id}: to=<{recipient}>, {rest}")
        self.line("postfix/qmgr[301]", f"{queue_id}: removed")
        return self.line("postfix/smtpd[101]", f"disconnect from {client}")

    def refuse(self, address: str, words: str, sender: str = "x@spam.example", to: str = "a@ourdom.test") -> "Log":
        """A recipient that is refused."""
        tail = f"from=<{sender}> to=<{to}> proto=ESMTP helo=<h.example>"
        self.line("postfix/smtpd[101]", f"connect from c.example[{address}]")
        self.line("postfix/smtpd[101]", f"NOQUEUE: reject: RCPT from c.example[{address}]: {words}; {tail}")
        return self.line("postfix/smtpd[101]", f"disconnect from c.example[{address}]")


def test_a_correspondent_with_spf() -> None:
    assert reasons(str(Log().writes().mail("203.0.113.10", PARTNER, spf="Pass"))) == [";correspondent;"]


@pytest.mark.parametrize(("days", "expected"), [(4, ""), (5, ";correspondent;")])
def test_a_correspondent_on_two_days_from_one_network(days: int, expected: str) -> None:
    log = Log().writes().mail("203.0.113.10", "INFO@partner.example").days(days).mail("203.0.113.11", PARTNER)
    assert reasons(str(log)) == [expected] * 2


@pytest.mark.parametrize("spf", ["", "None", "Neutral", "Softfail", "Fail"])
def test_who_forges_a_correspondent_is_none(spf: str) -> None:
    assert reasons(str(Log().writes().mail("198.51.100.7", PARTNER, spf=spf))) == [""]


@pytest.mark.parametrize("spf", ["Softfail", "Fail"])
def test_nor_on_two_days_against_spf(spf: str) -> None:
    log = Log().writes().mail("198.51.100.7", PARTNER, spf=spf).days(1).mail("198.51.100.7", PARTNER, spf=spf)
    assert reasons(str(log)) == ["", ""]


def test_nor_when_refused_for_spf_though_policyd_spf_names_no_client_then() -> None:
    words = "550 5.7.23 <a@ourdom.test>: Recipient address rejected: Message rejected due to: SPF fail - not authorized"
    log = Log().writes().refuse("198.51.100.7", words, PARTNER).days(1).refuse("198.51.100.7", words, PARTNER)
    assert reasons(str(log)) == ["", ""]


def test_nor_from_two_networks() -> None:
    log = Log().writes().mail("198.51.100.7", PARTNER).days(1).mail("203.0.113.7", PARTNER)
    assert reasons(str(log)) == ["", ""]


@pytest.mark.parametrize(
    "written",
    [
        Log().writes("other@partner2.example"),
        Log().writes(status="bounced"),
        Log().writes(status="deferred"),
        Log().writes(sender=""),  # a bounce, or an automatic answer
        Log().mail("203.0.113.99", "x@y.example", [PARTNER]),  # not one of ours
    ],
)
def test_to_whom_our_users_did_not_write(written: Log) -> None:
    assert reasons(str(written.mail("203.0.113.10", PARTNER, spf="Pass")))[-1] == ""


@pytest.mark.parametrize("domains", [OURS, ()])
def test_our_own_address_is_no_correspondent(domains: Sequence[str]) -> None:
    # Colleagues write to each other, so a forger of their addresses would be welcome everywhere.
    log = Log().mail("203.0.113.99", "x@y.example", ["carol@ourdom.test"]).writes("carol@ourdom.test")
    log.mail("198.51.100.7", "carol@ourdom.test").days(1).mail("198.51.100.7", "carol@ourdom.test")
    assert reasons(str(log), domains) == ["", "", ""]


def test_what_the_content_filter_says() -> None:
    found = []
    for result in ("Passed CLEAN", "Passed SPAM", "Passed SPAMMY", "Blocked INFECTED", "Passed BAD-HEADER-7"):
        log = Log().mail("203.0.113.10", "x@y.example")
        words = "{X}, [203.0.113.10]:1 <x@y.example> -> <bob@ourdom.test>, Queue-ID: 00000001, mail_id: x, 1 ms"
        found += reasons(str(log.line("amavis[501]", f"(1-1) {result} {words}")))
    assert found == [";filter_clean;", ";filter_spam;", ";filter_spam;", ";virus;", ""]


UNKNOWN = "550 5.1.1 <x>: Recipient address rejected: User unknown in virtual mailbox table"


def test_guessers_try_several_addresses() -> None:
    log = Log()
    for recipient in ("a@ourdom.test", "A@ourdom.test"):
        log.refuse("198.51.100.7", UNKNOWN, to=recipient)
    assert reasons(str(log)) == ["", ""], "a typing error, sent again"
    log.refuse("198.51.100.7", UNKNOWN, to="b@ourdom.test")
    log.mail("198.51.100.7", "x@y.example").mail("198.51.100.8", "x@y.example")
    assert UNKNOWN_RECIPIENTS == 2
    assert reasons(str(log)) == [";unknown_recipients;"] * 4 + [""]


def test_early_talkers() -> None:
    log = Log().mail("198.51.100.7", "x@y.example").mail("198.51.100.8", "x@y.example")
    log.line("postfix/postscreen[550]", r"PREGREET 14 after 0 from [198.51.100.7]:4711: EHLO x\r\n")
    log.line("postfix/postscreen[550]", "PASS NEW [198.51.100.7]:4711")
    early = "improper command pipelining after CONNECT from c.example[198.51.100.9]: EHLO a"
    log.line("postfix/smtpd[102]", early).mail("198.51.100.9", "x@y.example")
    assert reasons(str(log)) == [";early_talker;", "", ""]
    log = Log().line("postfix/smtpd[101]", "connect from c.example[198.51.100.9]")
    log.line("postfix/smtpd[101]", early).line("postfix/smtpd[101]", "0000000A: client=c.example[198.51.100.9]")
    log.mail("198.51.100.9", "x@y.example")
    assert reasons(str(log)) == [";early_talker;"] * 2


LISTED = "554 5.7.1 Service unavailable; Client host [198.51.100.7] blocked using zen.example"


@pytest.mark.parametrize(
    ("words", "listed"),
    [
        (LISTED, True),
        ("554 5.7.1 Service unavailable; Unverified Client host [c.example] blocked using dbl.example", True),
        (f"{LISTED}; https://www.spamhaus.org/query/ip/198.51.100.7", True),
        (f"{LISTED}; Error: open resolver; https://www.spamhaus.org/returnc/pub/192.0.2.1", False),
        (f"{LISTED}; 127.0.0.1 -> Query Refused. See http://uribl.com/refused.shtml", False),
        # Those name a domain. The client may be the relay of a large provider.
        ("554 5.7.1 Service unavailable; Sender address [x@spam.example] blocked using dbl.example", False),
        ("554 5.7.1 Service unavailable; Helo command [h.example] blocked using dbl.example", False),
    ],
)
def test_listed_by_a_refusal(words: str, listed: bool) -> None:
    found = reasons(str(Log().refuse("198.51.100.7", words).mail("198.51.100.7", "x@y.example")))
    assert found == [";blocklisted;" if listed else ""] * 2


@pytest.mark.parametrize(
    ("answer", "listed"),
    [
        ("zen.example as 127.0.0.2", True),
        ("zen.example as 127.255.255.254", False),  # an open resolver
        ("zen.example as 127.0.0.1", False),  # RFC 5782: never a listing
        ("dead.example as 198.51.100.1", False),  # a domain that was sold
        ("list.dnswl.org as 127.0.10.0", False),
        ("wl.mailspike.net as 127.0.0.20", False),
    ],
)
def test_listed_by_an_answer(answer: str, listed: bool) -> None:
    log = Log().line("postfix/dnsblog[702]", f"addr 198.51.100.7 listed by domain {answer}")
    assert reasons(str(log.mail("198.51.100.7", "x@y.example"))) == [";blocklisted;" if listed else ""]


def test_a_list_without_weight_enough() -> None:
    log = Log().line("postfix/dnsblog[702]", "addr 198.51.100.7 listed by domain minor.example as 127.0.0.2")
    log.line("postfix/postscreen[550]", "PASS NEW [198.51.100.7]:4711").mail("198.51.100.7", "x@y.example")
    assert reasons(str(log)) == [""]
    log.line("postfix/postscreen[550]", "DNSBL rank 2 for [198.51.100.7]:4712")  # goes on behind the log's end
    assert reasons(str(log)) == [";blocklisted;"]


@pytest.mark.parametrize(
    ("helo", "ours"),
    [
        ("ourdom.test", True),
        ("MX1.OurDom.test.", True),
        ("localhost", False),
        ("localhost.ourdom.test", False),
        ("other.ourdom.test", False),
        ("h.example", False),
    ],
)
def test_who_claims_to_be_us(helo: str, ours: bool) -> None:
    log = str(Log().refuse("198.51.100.7", "554 5.7.1 <a@b.example>: Relay access denied")).replace("h.example", helo)
    assert reasons(log) == [";our_name;" if ours else ""]


def test_only_mail_from_outside_is_weighed() -> None:
    events = parse(str(Log().writes().refuse("192.0.2.5", LISTED.replace("198.51.100.7", "192.0.2.5"))).encode())
    assert weigh(attempts(events, networks=INSIDE), events)["reasons"].to_pylist() == ["", ""]


def test_reasons_that_contradict_leave_it_undecided() -> None:
    assert verdict(";correspondent;") is True
    assert verdict(";correspondent;filter_clean;") is True
    assert verdict(";filter_spam;blocklisted;") is False
    assert verdict(";correspondent;filter_spam;") is None
    assert verdict("") is None


@pytest.mark.parametrize("restriction", [*TIPS, "reject_rbl_client", "postscreen_dnsbl_action"])
def test_a_filter_does_not_testify_on_what_it_scores_itself(restriction: str) -> None:
    assert verdict(";filter_clean;", restriction) is None
    assert verdict(";filter_spam;", restriction) is None
    assert verdict(";virus;", restriction) is False
    assert verdict(";correspondent;filter_spam;", restriction) is True, "silence contradicts nobody"


def test_who_is_silent_on_what() -> None:
    assert verdict(";blocklisted;", "reject_rbl_client") is None
    assert verdict(";blocklisted;", "reject_rhsbl_reverse_client") is None
    assert verdict(";blocklisted;", "reject_unknown_client_hostname") is False
    assert verdict(";our_name;", "reject_non_fqdn_helo_hostname") is None
    assert verdict(";our_name;", "reject_unknown_client_hostname") is False
    assert verdict(";correspondent;", "reject_unknown_client_hostname") is True


def test_reasons_in_words() -> None:
    assert sentence(";correspondent;virus;") == "our users write to this sender; the content filter found a virus"
    assert sentence("") == "nothing is known of it"
    assert len({reason.name for reason in REASONS}) == len({reason.says for reason in REASONS}) == len(REASONS)


def test_the_lab_knows_its_spammers() -> None:
    # Sessions whose subject was spam carried GTUBE, so amavis called them so; the lists named 198.51.100.138.
    spam = [found for found in reasons(lab_log("amavis").decode()) if "filter_spam" in found]
    assert len(spam) > 50
    listed = [found for found in reasons(lab_log("postscreen_deep").decode()) if "blocklisted" in found]
    assert len(listed) > 40
