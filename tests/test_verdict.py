"""What a verdict says: whose words they are, and whom it is about, however hostile the addresses."""

import re
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from advisor.verdict import ANYWHERE, OTHER, SAYS, name_restriction, read_verdict

END = "; from=<news@sender-ok.example> to=<p003@ourdom.test> proto=ESMTP helo=<mail.a.example>"


def restriction(words: str) -> tuple[str, str | None]:
    """The restriction that a verdict's words stand for, and the list."""
    fields = read_verdict(words + END)
    assert fields is not None
    name_restriction(fields)
    return fields["restriction"], fields.get("list")


# As smtpd_check.c and postscreen write them; the bracketed and the angular parts differ from line to line.
LINES = {
    "reject_unknown_reverse_client_hostname": [
        "450 4.7.1 Client host rejected: cannot find your reverse hostname, [203.0.113.20]",
        "550 5.7.25 Client host rejected: cannot find your reverse hostname, [2001:db8:1::20]",
    ],
    "reject_unknown_client_hostname": [
        "450 4.7.25 Client host rejected: cannot find your hostname, [203.0.113.25]",
        "450 4.7.1 Client host rejected: cannot find your hostname, [203.0.113.25]",  # older Postfix
        "554 Client host rejected: cannot find your hostname, [203.0.113.25]",
    ],
    "reject_invalid_helo_hostname": [
        "501 5.5.2 <mail..example>: Helo command rejected: Invalid name",
        "501 5.5.2 <[999.1.1.1]>: Helo command rejected: invalid ip address",
    ],
    "reject_non_fqdn_helo_hostname": [
        "504 5.5.2 <localhost>: Helo command rejected: need fully-qualified hostname",
        "450 4.0.0 <localhost>: Helo command rejected: need fully-qualified hostname",  # a site's own code
    ],
    "reject_unknown_helo_hostname": [
        "450 4.7.1 <localhost>: Helo command rejected: Host not found",
        "450 4.7.1 <a.example>: Helo command rejected: Malformed DNS server reply",
    ],
    "reject_unknown_sender_domain": [
        "450 4.1.8 <x@nosuch.example>: Sender address rejected: Domain not found",
        "450 4.1.8 <x@nosuch.example>: Sender address rejected: Malformed DNS server reply",
        "550 5.7.27 <x@nullmx.example>: Sender address rejected: Domain nullmx.example does not accept mail (nullMX)",
    ],
    "reject_unknown_recipient_domain": [
        "450 4.1.2 <x@nosuch.example>: Recipient address rejected: Domain not found",
        "450 4.1.2 <x@nosuch.example>: Recipient address rejected: Malformed DNS server reply",
        "556 5.1.10 <x@n.example>: Recipient address rejected: Domain n.example does not accept mail (nullMX)",
    ],
    "reject_non_fqdn_sender": ["504 5.5.2 <x@local>: Sender address rejected: need fully-qualified address"],
    "reject_non_fqdn_recipient": ["504 5.5.2 <x>: Recipient address rejected: need fully-qualified address"],
    "reject_sender_login_mismatch": [
        "553 5.7.1 <bob@ourdom.test>: Sender address rejected: not owned by user alice@ourdom.test",
        "553 5.7.1 <bob@ourdom.test>: Sender address rejected: not logged in",
    ],
    "reject_unverified_sender": [
        "450 4.1.7 <x@y.example>: Sender address rejected: unverified address: host mx[192.0.2.1] said: 450 later",
        "550 5.1.7 <x@y.example>: Sender address rejected: undeliverable address: unknown user",
        "450 4.1.7 <x@y.example>: Sender address rejected: address verification problem",
    ],
    "reject_unverified_recipient": [
        "450 4.1.1 <x@y.example>: Recipient address rejected: unverified address: Address verification in progress",
        "550 5.1.1 <x@y.example>: Recipient address rejected: undeliverable address: unknown user",
        "450 4.1.1 <x@y.example>: Recipient address rejected: address verification problem",
    ],
    "reject_unlisted_sender": [
        "550 5.1.0 <x@ourdom.test>: Sender address rejected: User unknown in local recipient table"
    ],
    "reject_unlisted_recipient": [
        "550 5.1.1 <x@ourdom.test>: Recipient address rejected: User unknown in virtual mailbox table",
        "450 4.1.1 <x@ourdom.test>: Recipient address rejected: User unknown",
    ],
    "reject_unauth_destination": [
        "554 5.7.1 <x@y.example>: Relay access denied",
        "454 4.7.1 <x@y.example>: Relay access denied",
    ],
    "reject_unauth_pipelining": [
        "503 5.5.0 <DATA>: Data command rejected: Improper use of SMTP command pipelining",
        "503 5.5.0 <mail.a.example>: Helo command rejected: Improper use of SMTP command pipelining",
    ],
    "reject_multi_recipient_bounce": [
        "550 5.5.3 <DATA>: Data command rejected: Multi-recipient bounce",
        "550 5.5.3 <END-OF-MESSAGE>: End-of-data rejected: Multi-recipient bounce",
    ],
    "reject_plaintext_session": ["450 4.7.1 Session encryption is required"],
    "smtpd_forbid_bare_newline": ["bare <LF> received"],
    "defer_if_permit": ["450 4.7.0 <x@y.example>: Recipient address rejected: defer_if_permit requested"],
    "defer_if_reject": ["450 4.7.0 <mail.a.example>: Client host rejected: defer_if_reject requested"],
    "permit_mx_backup": [
        "450 4.4.4 <x@y.example>: Recipient address rejected: Unable to look up host mx.y.example as mail exchanger: x",
        "450 4.4.4 <x@y.example>: Recipient address rejected: Unable to verify host mx.y.example as mail exchanger",
        "450 4.4.4 <x@y.example>: Recipient address rejected: Unable to look up mail exchanger information: x",
    ],
    "milter-greylist": ["451 4.7.1 Greylisting in action, please come back in 00:05:00"],
    "postgrey": [
        "450 4.2.0 <p001@ourdom.test>: Recipient address rejected: Greylisted, see http://postgrey.schweikert.ch/help/x",
        "450 4.2.0 <unknown[203.0.113.20]>: Client host rejected: Greylisted, see http://postgrey.schweikert.ch/help/x",
    ],
    "policyd-spf": [
        "550 5.7.23 <p080@ourdom.test>: Recipient address rejected: Message rejected due to: SPF fail - not authorized",
        "450 4.7.24 <p080@ourdom.test>: Recipient address rejected: Message deferred due to: SPF Temporary Error: DNS",
        "550 5.7.23 <x@txtonly.example>: Sender address rejected: Message rejected due to: SPF fail - not authorized.",
        # postfix-policyd-spf-perl
        "550 5.7.1 <p080@ourdom.test>: Recipient address rejected: Please see http://www.openspf.net/Why?s=mfrom;id=x",
    ],
    "opendmarc": [
        "5.7.1 rejected by DMARC policy for ourdom.test",
        "550 5.7.1 rejected by DMARC policy for dmrej.example",
    ],
    "postscreen": ["550 5.5.1 Protocol error", "450 4.3.2 Service currently unavailable"],
}


@pytest.mark.parametrize(("name", "words"), [(name, words) for name, lines in LINES.items() for words in lines])
def test_words_of_a_restriction(name: str, words: str) -> None:
    assert restriction(words) == (name, None)


def test_every_wording_has_a_line() -> None:
    words = [line for lines in LINES.values() for line in lines]
    for says, name in (*SAYS, *ANYWHERE):
        assert any(says in line for line in LINES[name]), says
    assert all(any(says in line for says, _ in (*SAYS, *ANYWHERE)) or "(nullMX)" in line for line in words)


@pytest.mark.parametrize(
    ("words", "name", "dnsbl"),
    [
        (
            "Service unavailable; Client host [203.0.113.150] blocked using zen.dnsbl.test",
            "reject_rbl_client",
            "zen.dnsbl.test",
        ),
        (
            "Service unavailable; Client host [2001:db8::1] blocked using zen.dnsbl.test; see https://x.test/?ip=1",
            "reject_rbl_client",
            "zen.dnsbl.test",
        ),
        (
            "Service unavailable; Client host [mail.bad.example] blocked using rhs.dnsbl.test",
            "reject_rhsbl_client",
            "rhs.dnsbl.test",
        ),
        (
            "Service unavailable; Unverified Client host [mail.bad.example] blocked using rhs.dnsbl.test",
            "reject_rhsbl_reverse_client",
            "rhs.dnsbl.test",
        ),
        ("Service unavailable; Helo command [bad.example] blocked using x.test; y", "reject_rhsbl_helo", "x.test"),
        ("Service unavailable; Sender address [a@bad.example] blocked using x.test", "reject_rhsbl_sender", "x.test"),
        ("Service unavailable; Sender address [a@[1.2.3.4]] blocked using x.test", "reject_rhsbl_sender", "x.test"),
        ("Service unavailable; Recipient address [a@b.test] blocked using x.test", "reject_rhsbl_recipient", "x.test"),
        ("Service unavailable; client [203.0.113.150] blocked using x.test", "postscreen_dnsbl_action", "x.test"),
        ("Go away; Client host [203.0.113.150] blocked using x.test", "reject_rbl_client", "x.test"),
        ("Client host [203.0.113.150] blocked using x.test; why", "reject_rbl_client", "x.test"),
    ],
)
@pytest.mark.parametrize("code", ["554 5.7.1 ", "550 5.7.1 ", "521 ", ""])
def test_lists(code: str, words: str, name: str, dnsbl: str) -> None:
    assert restriction(code + words) == (name, dnsbl)


@pytest.mark.parametrize(
    "words",
    [
        "554 5.7.1 <unknown[203.0.113.20]>: Client host rejected: Access denied",
        "554 5.7.1 <x@y.example>: Sender address rejected: Access denied",
        "451 4.3.5 <x@y.example>: Recipient address rejected: Server configuration error",
        "451 4.3.0 <x@y.example>: Temporary lookup failure",
        "452 4.3.1 Insufficient system storage",
        "550 5.7.1 we say: Relay access denied",
        # Whoever says REJECT in a table, or `reject` or `defer` in a list; and any policy service may say the same.
        "450 4.3.2 <x@y.example>: Recipient address rejected: Try again later",
        "450 4.7.1 <x@y.example>: Recipient address rejected: Service unavailable",
        "552 5.2.2 <x@y.example>: Recipient address rejected: over quota",
        "450 4.7.1 <x@y.example>: Sender address rejected: You are sending too many emails, contact helpdesk",
        "550 5.7.1 <DATA>: Data command rejected: not like this",
        # rspamd's words for greylisting are anybody's.
        "4.7.1 Try again later",
        "5.7.1 Spam message rejected",
        "551 5.7.1 <message rejected due to: spf fail@x.example>: Sender address rejected: no",
        "550 5.7.1 you are blocked using our patience",
        "550 5.7.1 <x@y.example>: Recipient address rejected: not Greylisted, see above",
        "554 5.7.1 Client host: cannot find your hostname",
        "451 4.7.1 Service unavailable - try again later",
        "550 5.7.1 Sender address rejected: Domain x y does not accept mail (nullMX)",
        "",
    ],
)
def test_what_nobody_we_know_says_is_other(words: str) -> None:
    assert restriction(words) == (OTHER, None)


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("Greylisted; proto=SMTP", {"text": "Greylisted", "proto": "SMTP"}),
        ("x; to=<x> proto=SMTP", {"recipient": "x", "text": "x", "proto": "SMTP"}),
        (
            "450 x; from=<> proto=ESMTP helo=<a>",
            {"reply": "450", "sender": "", "proto": "ESMTP", "helo_name": "a", "text": "x"},
        ),
        (
            "4.7.1 x; from=<a> to=<b> proto=ESMTP helo=<[192.0.2.1]> sasl_username=<bob b>",
            {"dsn": "4.7.1", "sender": "a", "recipient": "b", "proto": "ESMTP", "helo_name": "[192.0.2.1]", "text": "x"}
            | {"sasl_username": "bob b"},
        ),
        (
            # Restrictions, since Postfix 3.10
            "450 x; from=<a> to=<b> proto=ESMTP helo=<c> sasl_method=PLAIN sasl_username=bob b sasl_sender=a@b",
            {"reply": "450", "sender": "a", "recipient": "b", "proto": "ESMTP", "helo_name": "c", "text": "x"}
            | {"sasl_username": "bob b"},
        ),
        (
            "x; from=<a> to=<b> proto=ESMTP helo=<c> later=<x y> more=1",
            {"sender": "a", "recipient": "b", "proto": "ESMTP", "helo_name": "c", "text": "x"},
        ),
        (
            "x ; from=<@r.example:a@b.example> to=<x@[IPv6:2001:db8::1]> proto=SMTP",
            {"sender": "@r.example:a@b.example", "recipient": "x@[IPv6:2001:db8::1]", "proto": "SMTP", "text": "x"},
        ),
    ],
)
def test_the_end_of_a_verdict(text: str, fields: dict[str, Any]) -> None:
    assert read_verdict(text) == fields


@pytest.mark.parametrize(
    "text", ["", "x", "x; from=a", "x; helo=<a>", "x; from=<a> to=<b> proto=ESM", "x; from=<a> to=<b"]
)
def test_no_end_no_verdict(text: str) -> None:
    assert read_verdict(text) is None


# What Postfix lets through: any printable characters in a quoted local part; in a HELO, those that neuter() in smtpd.c
# leaves. The fragments are what a line itself is made of.
FRAGMENTS = [
    "; from=<",
    "> to=<",
    "> proto=SMTP helo=<",
    "> sasl_username=<",
    "> sasl_username=",
    ">: ",
    "<",
    ">",
    '"',
    "\\",
    " ",
    "a",
    "@",
    "1",
]
LOCAL = st.lists(st.sampled_from(FRAGMENTS), max_size=7).map("".join)
DOMAIN = st.sampled_from(["b.example", "evil", "[192.0.2.1]"])
ADDRESS = st.builds("{}@{}".format, LOCAL, DOMAIN) | st.just("")
NEUTERED = re.compile(r"[ <>()\\\";@]")
HELO = LOCAL.map(lambda name: NEUTERED.sub("?", name) or "a")
# What stands in words that are not Postfix's own: a policy service's, a content filter's. They may quote the sender.
WORDS = st.sampled_from(["Relay access denied", "Sender address rejected: Domain not found", "no", "id={}; see above"])


def quoted(address: str) -> str:
    """An address as Postfix 3.5 logs it (quote_822_local()): the local part in quotes where it is no dot-atom."""
    local, at, domain = address.rpartition("@")
    if not at or re.fullmatch(r"[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*", local, re.ASCII):
        return address
    escaped = re.sub(r'(["\\])', r"\\\1", local)
    return f'"{escaped}"@{domain}'


def line(subject: str, words: str, sender: str, recipient: str, helo: str) -> str:
    """What log_whatsup() in smtpd_check.c writes."""
    about = f"<{subject}>: " if subject else ""
    return f"554 5.7.1 {about}{words}; from=<{sender}> to=<{recipient}> proto=ESMTP helo=<{helo}>"


@settings(max_examples=1_000, deadline=None)
@given(
    ADDRESS, ADDRESS, HELO, WORDS, st.sampled_from(["sender", "recipient", "helo", "DATA", "unknown[192.0.2.1]:25", ""])
)
def test_quoted_addresses_are_read_exactly(sender: str, recipient: str, helo: str, words: str, about: str) -> None:
    """Since Postfix 3.5 addresses are quoted (the subject is not), so no address can pass for another."""
    subject = {"sender": sender, "recipient": recipient, "helo": helo}.get(about, about)
    words = words.format(sender)
    found = read_verdict(line(subject, words, quoted(sender), quoted(recipient), helo))

    assert found is not None
    assert (found["sender"], found["recipient"], found["helo_name"]) == (quoted(sender), quoted(recipient), helo)
    assert (found["reply"], found["dsn"], "sasl_username" in found) == ("554", "5.7.1", False)
    if about not in ("DATA", "") and subject:
        assert found["text"] == words


@settings(max_examples=600, deadline=None)
@given(ADDRESS, st.sampled_from(["p001@ourdom.test", "nobody@other.example"]), HELO)
def test_bare_addresses_about_the_recipient(sender: str, recipient: str, helo: str) -> None:
    """Before Postfix 3.5, and with info_log_address_format = internal, nothing is quoted.

    Where the words are about the recipient, as most are, it is known where the sender ends. Not where it begins:
    `; from=<` in it may as well be the end of the words, and the reading with the tamer sender counts.
    """
    assume(f"> to=<{recipient}>" not in sender and "; from=<" not in sender)
    found = read_verdict(line(recipient, "Relay access denied", sender, recipient, helo))

    assert found is not None
    assert (found["sender"], found["recipient"], found["helo_name"]) == (sender, recipient, helo)
    assert found["text"] == "Relay access denied"


@settings(max_examples=600, deadline=None)
@given(ADDRESS, HELO)
def test_bare_addresses_about_the_sender(sender: str, helo: str) -> None:
    # A sender that holds `>: ` as well as `; from=<` can be two senders: ambiguous, and the shorter subject counts.
    assume(">: " not in sender)
    found = read_verdict(line(sender, "Sender address rejected: x", sender, "p001@ourdom.test", helo))

    assert found is not None
    assert (found["sender"], found["recipient"], found["helo_name"]) == (sender, "p001@ourdom.test", helo)


@pytest.mark.parametrize(
    ("text", "sender", "recipient", "helo"),
    [
        # Nothing is quoted and the words name nobody: the sender is the shortest, then the recipient.
        ("no; from=<a> to=<b> to=<c> proto=SMTP helo=<d>", "a", "b> to=<c", "d"),
        (
            "no; from=<a> to=<b@c> proto=SMTP helo=<x> to=<d> proto=SMTP helo=<e>",
            "a",
            "b@c> proto=SMTP helo=<x> to=<d",
            "e",
        ),
        # A forged end is well-formed and the true one is not: the forged one counts.
        ("no; from=<a> to=<; from=<x> to=<y@c> proto=SMTP helo=<d>", "x", "y@c", "d"),
        # smtpd writes no such HELO, but it is HELO all the same.
        ("no; from=<a> to=<b> proto=SMTP helo=<c>d>", "a", "b", "c>d"),
        ("<c>d>: no; from=<a> to=<b> proto=SMTP helo=<c>d>", "a", "b", "c>d"),
    ],
)
def test_what_is_ambiguous_is_read_as_documented(text: str, sender: str, recipient: str, helo: str) -> None:
    found = read_verdict(text)

    assert found is not None
    assert (found["sender"], found["recipient"], found["helo_name"]) == (sender, recipient, helo)


def test_a_login_cannot_be_made_up_by_a_helo_that_postfix_has_neutered() -> None:
    text = "no; from=<a> to=<b> proto=SMTP helo=<x??sasl_username=?admin>"

    assert "sasl_username" not in (read_verdict(text) or {"sasl_username": "none"})


LOGIN = st.from_regex(re.compile(r"[\w.@+-]{1,12}( [\w.@+-]{1,12})?", re.ASCII), fullmatch=True)
LOGGED = st.sampled_from([" sasl_username=<{}>", " sasl_method=PLAIN sasl_username={} sasl_sender=a@b"])


@settings(max_examples=300, deadline=None)
@given(ADDRESS, HELO, LOGIN, LOGGED)
def test_a_login_is_read_as_a_milter_and_as_smtpd_write_it(sender: str, helo: str, login: str, form: str) -> None:
    words = line("p001@ourdom.test", "no", quoted(sender), "p001@ourdom.test", helo)
    found = read_verdict(words + form.format(login))

    assert found is not None
    assert (found["sasl_username"], found["sender"], found["helo_name"]) == (login, quoted(sender), helo)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from([*FRAGMENTS, "554 ", "5.7.1 ", "<", "; to=<", " proto=ESMTP"]), max_size=30).map("".join)
)
def test_any_words_are_read_or_refused(text: str) -> None:
    found = read_verdict(text)

    assert found is None or {"text"} <= found.keys()
