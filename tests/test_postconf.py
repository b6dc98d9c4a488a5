"""postconf.py against tables, against itself (hypothesis) and against a real postconf(1)."""

import ipaddress
import os
import re
import shlex
import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.amendment import commands, insert, undo, with_entries
from advisor.entry import ALIASES, KNOWN, LISTS, Entry, bare, parse_list, suggest
from advisor.errors import AdvisorError
from advisor.postconf import DEFAULTS, Postconf, from_text, read, running

MYNETWORKS = Entry("permit_mynetworks")
SASL = Entry("permit_sasl_authenticated")
GUARD = Entry("reject_unauth_destination")
ZEN = Entry("reject_rbl_client", "zen.spamhaus.org")
PTR = Entry("reject_unknown_reverse_client_hostname")
ALLOW = Entry("check_client_access", "hash:/etc/postfix/client_access")
POSTGREY = Entry("check_policy_service", "unix:postgrey/socket")

# What the well-known article tells its readers to put into main.cf (TIPS.md), with its values at column 0
ARTICLE = """\
smtpd_sender_restrictions =
permit_mynetworks
reject_unknown_reverse_client_hostname,
reject_rbl_client zen.spamhaus.org=127.0.0.[2..11]
smtpd_helo_required = yes
"""


def config(text: str) -> Postconf:
    return from_text(text, "main.cf")


# --- restriction lists


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ("", ()),
        (" ,, ", ()),
        ("permit_mynetworks,reject", (MYNETWORKS, Entry("reject"))),
        ("permit_mynetworks\treject\n permit", (MYNETWORKS, Entry("reject"), Entry("permit"))),
        ("Permit_MyNetworks, REJECT_RBL_CLIENT zen.spamhaus.org", (MYNETWORKS, ZEN)),
        ("reject_rbl_client, zen.spamhaus.org", (ZEN,)),
        (
            "reject_rbl_client zen.spamhaus.org=127.0.0.[2..11]",
            (Entry("reject_rbl_client", "zen.spamhaus.org=127.0.0.[2..11]"),),
        ),
        ("check_helo_access { inline:{a=b, c=d} }", (Entry("check_helo_access", "{ inline:{a=b, c=d} }"),)),
        (
            "check_client_access static:{INFO x}, reject",
            (Entry("check_client_access", "static:{INFO x}"), Entry("reject")),
        ),
        (
            "check_policy_service { unix:private/x, timeout=10s } permit",
            (Entry("check_policy_service", "{ unix:private/x, timeout=10s }"), Entry("permit")),
        ),
        (
            "warn_if_reject policyd-spf { HELO_reject = False; x = 1 }, reject",
            (Entry("policyd-spf", "{ HELO_reject = False; x = 1 }", warn=True), Entry("reject")),
        ),
        (
            "postscreen_dnsbl_action { zen.spamhaus.org*3, threshold=3 } policyd-spf permit",
            (
                Entry("postscreen_dnsbl_action", "{ zen.spamhaus.org*3, threshold=3 }"),
                Entry("policyd-spf"),
                Entry("permit"),
            ),
        ),
        ("sleep 5, reject_unauth_pipelining", (Entry("sleep", "5"), Entry("reject_unauth_pipelining"))),
        ("reject_maps_rbl reject", (Entry("reject_maps_rbl"), Entry("reject"))),
        (
            "warn_if_reject reject_rbl_client zen.spamhaus.org reject",
            (Entry("reject_rbl_client", "zen.spamhaus.org", warn=True), Entry("reject")),
        ),
        ("reject warn_if_reject", (Entry("reject"),)),
        ("warn_if_reject warn_if_reject reject permit", (Entry("reject", warn=True), Entry("permit"))),
        ("My_Class, reject", (Entry("My_Class"), Entry("reject"))),
        ("hash:/etc/postfix/x reject", (Entry("check_access", "hash:/etc/postfix/x"), Entry("reject"))),
        ("$common ${more?{a:b c}} reject", (Entry("$common"), Entry("${more?{a:b c}}"), Entry("reject"))),
        ("check_client_access $table", (Entry("check_client_access", "$table"),)),
    ],
)
def test_parse_list_reads_what_smtpd_reads(text: str, entries: tuple[Entry, ...]) -> None:
    assert parse_list(text) == entries


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("reject_unknown_client", "reject_unknown_client_hostname"),
        ("reject_invalid_hostname", "reject_invalid_helo_hostname"),
        ("reject_non_fqdn_hostname", "reject_non_fqdn_helo_hostname"),
        ("reject_unknown_hostname", "reject_unknown_helo_hostname"),
        ("reject_unknown_address", "reject_unknown_sender_domain"),
        ("check_recipient_maps", "reject_unlisted_recipient"),
        ("check_relay_domains", "check_relay_domains"),
        ("permit_naked_ip_address", "permit_naked_ip_address"),
    ],
)
def test_parse_list_gives_obsolete_names_todays_name(old: str, new: str) -> None:
    assert parse_list(old) == (Entry(new),)


@pytest.mark.parametrize(
    ("argument", "found"),
    [
        ("{ inet:127.0.0.1:10023, timeout=10s }", "inet:127.0.0.1:10023"),
        ("{unix:private/x}", "unix:private/x"),
        ("zen.spamhaus.org=127.0.0.[2..11]", "zen.spamhaus.org"),
        ("unix:private/x", "unix:private/x"),
        ("{}", ""),
        ("", ""),
    ],
)
def test_the_service_or_list_that_an_argument_names(argument: str, found: str) -> None:
    assert bare(argument) == found


def test_a_service_in_braces_is_found_by_its_name() -> None:
    here = config("smtpd_recipient_restrictions = check_policy_service { unix:postgrey/socket, timeout=10s }\n")
    assert here.state("check_policy_service", "unix:postgrey/socket").word == "enforced"
    assert here.state("check_policy_service", "unix:private/x").word == "off"


def test_parse_list_knows_reject_rbl_as_an_alias_with_an_argument() -> None:
    assert parse_list("reject_rbl zen.spamhaus.org") == (ZEN,)


@pytest.mark.parametrize(
    ("parameter", "name"),
    [
        ("smtpd_client_restrictions", "check_client_access"),
        ("smtpd_helo_restrictions", "check_helo_access"),
        ("smtpd_sender_restrictions", "check_sender_access"),
        ("smtpd_relay_restrictions", "check_recipient_access"),
        ("smtpd_recipient_restrictions", "check_recipient_access"),
        ("smtpd_data_restrictions", "check_access"),
        (None, "check_access"),
    ],
)
def test_a_bare_table_is_the_lists_own_access_check(parameter: str | None, name: str) -> None:
    assert parse_list("warn_if_reject hash:/x, reject", parameter=parameter) == (
        Entry(name, "hash:/x", warn=True),
        Entry("reject"),
    )


@pytest.mark.parametrize(
    ("text", "name", "wanted"),
    [
        ("reject_rbl_client", "reject_rbl_client", "domain"),
        ("reject_rhsbl_helo reject_unknown_sender_domain", "reject_rhsbl_helo", "domain"),
        ("permit_dnswl_client, permit", "permit_dnswl_client", "domain"),
        ("check_helo_access", "check_helo_access", "table"),
        ("check_helo_access /etc/postfix/helo", "check_helo_access", "table"),
        ("check_policy_service postgrey", "check_policy_service", "service"),
        ("sleep long", "sleep", "seconds"),
        ("reject_rbl", "reject_rbl_client", "domain"),
    ],
)
def test_a_missing_argument_names_the_entry_and_what_to_write(text: str, name: str, wanted: str) -> None:
    with pytest.raises(AdvisorError) as caught:
        parse_list(text, where="main.cf, smtpd_x")
    assert caught.value.where == "main.cf, smtpd_x"
    assert caught.value.what.startswith(f"{name} has no argument")
    assert name in caught.value.todo
    assert wanted in caught.value.todo


def test_an_open_brace_is_an_error_and_a_lone_closing_one_is_text() -> None:
    with pytest.raises(AdvisorError, match="brace"):
        parse_list("check_helo_access { inline:{a=b}")
    assert parse_list("reject}") == (Entry("reject}"),)


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        (ZEN, "reject_rbl_client zen.spamhaus.org"),
        (Entry("reject", warn=True), "reject"),
        (Entry("check_access", "hash:/x"), "hash:/x"),
    ],
)
def test_an_entry_is_written_as_in_main_cf_without_warn_if_reject(entry: Entry, text: str) -> None:
    assert str(entry) == text


def _entries() -> st.SearchStrategy[list[Entry]]:
    word = st.from_regex(r"[a-z0-9][a-z0-9.\-=\[\]]{0,20}", fullmatch=True).filter(lambda text: text not in KNOWN)
    braced = st.builds(lambda words: "{ inline:{" + ", ".join(words) + "} }", st.lists(word, max_size=3))
    table = st.one_of(word.map(lambda text: f"hash:/etc/{text}"), braced)
    maps = sorted(name for name in KNOWN if name.endswith("_access"))
    lists = ["reject_rbl_client", "reject_rhsbl_sender", "permit_dnswl_client"]
    plain = sorted(
        name
        for name in KNOWN - ALIASES.keys() - {"warn_if_reject", "sleep", "check_policy_service"}
        if not re.search(r"_access$|rbl_client$|rhsbl|_(dnswl|rhswl)_", name)
    )
    warn = st.booleans()
    return st.lists(
        st.one_of(
            st.builds(Entry, st.sampled_from(plain), warn=warn),
            st.builds(Entry, st.sampled_from(maps), table, warn),
            st.builds(Entry, st.sampled_from(lists), word, warn),
            st.builds(Entry, st.just("check_policy_service"), word.map("unix:private/{}".format), warn),
            st.builds(Entry, st.just("sleep"), st.integers(0, 999).map(str), warn),
            st.builds(Entry, st.just("check_access"), table, warn),
            st.builds(Entry, word.map("class_{}".format), warn=warn),
        )
    )


@given(_entries())
def test_entries_written_are_entries_read(entries: list[Entry]) -> None:
    lines = with_entries(None, "smtpd_client_restrictions", entries)
    command = shlex.split(commands("smtpd_client_restrictions", entries))
    for text in (lines, command[2]):
        written = config(text)
        assert written.faults == ()
        assert parse_list(written.parameters["smtpd_client_restrictions"]) == tuple(entries)


@given(st.text())
def test_no_text_breaks_the_readers(text: str) -> None:
    read_back = config(text)
    try:
        assert isinstance(parse_list(text), tuple)
        read_back.problems()
        read_back.networks()
        read_back.local_domains()
    except AdvisorError:
        pass


@given(st.sampled_from(["reject_rbl_client", "check_access"]), st.text())
def test_no_argument_smuggles_in_a_restriction(name: str, argument: str) -> None:
    try:
        line = commands("p", [Entry(name, argument), GUARD])
    except AdvisorError:
        return
    words = shlex.split(line)
    assert len(words) == 3
    assert re.sub(r"^p = ", "", words[2]) == f"{Entry(name, argument)}, {GUARD}"
    assert len(re.split(r"[\n\r\x00-\x08\x7f]", line)) == 1


@pytest.mark.parametrize(
    "argument",
    [
        "zen.example, permit",
        "zen.example permit",
        "zen.example\npermit",
        "a\x1b[31m",
        "{",
        "a\u202eb",
        "a\ufffdb",
        "$(touch x)",
        "a${",
        "$(x-y)",
    ],
)
def test_what_would_be_read_back_otherwise_is_not_written(argument: str) -> None:
    for write in (commands, lambda parameter, entries: with_entries(None, parameter, entries)):
        with pytest.raises(AdvisorError, match=r"cannot stand in main\.cf|not closed|cannot expand"):
            write("smtpd_client_restrictions", [Entry("reject_rbl_client", argument)])


def test_a_comment_sign_is_not_written_for_main_cf_would_skip_the_line() -> None:
    with pytest.raises(AdvisorError):
        with_entries(None, "smtpd_client_restrictions", [Entry("check_access", "#hash:/x")])


@pytest.mark.parametrize(
    ("name", "candidate"),
    [
        ("reject_unknwon_sender_domain", "reject_unknown_sender_domain"),
        ("Permit_mynetwork", "permit_mynetworks"),
        ("xyzzy", None),
    ],
)
def test_suggest_finds_the_nearest_name(name: str, candidate: str | None) -> None:
    assert suggest(name, KNOWN) == candidate


# --- lines


def test_from_text_joins_continuations_and_the_last_setting_wins() -> None:
    found = config(
        "# comment\n\na = 1\nb=2\nlist =\n  one,\n# between\n\n\ttwo   three\r\n  # indented comment\n"
        "a =  last  \nempty =\n"
    )
    assert found.parameters == {"a": "last", "b": "2", "list": "one, two   three", "empty": ""}
    assert found.faults == ()
    assert found.is_set("empty")
    assert not found.is_set("c")
    assert not found.is_set("A")
    assert found.value("empty") == ""


def test_the_articles_lines_that_are_not_indented_are_faults_with_their_number() -> None:
    found = config(ARTICLE)
    rule = "is not indented: in main.cf a continuation line must begin with white space"
    assert found.parameters == {"smtpd_sender_restrictions": "", "smtpd_helo_required": "yes"}
    assert [fault.partition(" is not")[0] for fault in found.faults] == [
        "line 2: permit_mynetworks",
        "line 3: reject_unknown_reverse_client_hostname,",
        "line 4: reject_rbl_client zen.spamhaus.org=127.0.0.[2..11]",
    ]
    assert all(rule in fault and "smtpd_sender_restrictions" in fault for fault in found.faults)
    assert found.problems()[:3] == found.faults


def test_an_indented_first_line_continues_nothing() -> None:
    found = config("  stray = 1\n  more\na = 2\n")
    assert found.parameters == {"a": "2"}
    assert found.faults == ("line 1: stray = 1 more continues nothing, so Postfix ignores it.",)


def test_a_fault_shows_no_control_characters() -> None:
    assert "\x1b" not in config("\x1b[31mbad\n").faults[0]


def test_warnings_saved_with_the_output_of_postconf_are_skipped() -> None:
    found = config("/usr/sbin/postconf: warning: /etc/postfix/main.cf: unused parameter: x=y\na = 1\n")
    assert (found.parameters, found.faults) == ({"a": "1"}, ())


def test_read_takes_a_file_or_a_folder(tmp_path: Path) -> None:
    file = tmp_path / "main.cf"
    file.write_text("a = 1\n# M\u00fcller\n", encoding="latin-1")
    assert read(file).parameters == read(tmp_path).parameters == {"a": "1"}
    assert read(tmp_path).origin == str(file)


def test_read_keeps_the_text_and_the_services_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "main.cf").write_text("# ours\na = 1\n")
    assert read(tmp_path).master is None
    (tmp_path / "master.cf").write_text("smtp inet n - y - - smtpd -o a=2\nbroken\n")
    (tmp_path / "saved").write_text("a = 1\n")
    for path in (tmp_path, tmp_path / "main.cf"):
        found = read(path)
        assert found.text == "# ours\na = 1\n"
        assert found.master is not None
        assert found.seen_by(found.master.services[0]).value("a") == "2"
        assert found.problems()[0].startswith(f"{tmp_path}/master.cf, line 2: broken is no service")
    assert (read(tmp_path / "saved").text, read(tmp_path / "saved").master) == ("", None)


def test_read_says_which_file_is_missing(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "main.cf"):
        with pytest.raises(AdvisorError, match=r"main\.cf: cannot be read \(No such file or directory\)"):
            read(path)


# --- values


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("$foo", "bar"),
        ("${foo}x$(foo)", "barxbar"),
        ("$foo.x", "bar.x"),
        ("$twice", "bar bar"),
        ("$$foo", "$foo"),
        ("$nothing", ""),
        ("${foo?yes}${empty?no}", "yes"),
        ("${foo:no}${empty:yes}", "yes"),
        ("${foo?{a b}:{c}}", "a b"),
        ("${empty?{a}:{$foo}}", "bar"),
        ("${ foo }", "bar"),
        ("${foo ? {a} : {b}}", "a"),
        ("${foo?{a}:b}", "a"),
        ("${foo?a:{b}}", "a:{b}"),
        ("${empty:{${foo?{x}}}}", "x"),
        ("${{$foo} == {bar} ? {t} : {f}}", "t"),
        ("${{$foo} != {bar}}", ""),
        ("${{10} < {9} ? {t} : {f}}", "f"),
        ("${{b} > {a} ? {t} : {f}}", "t"),
        ("${{3.10} >=level {3.9} ? {t} : {f}}", "t"),
        ("${{3} ==level {3.0} ? {t} : {f}}", "t"),
        # ? asks for the text that is set, not for what it expands to
        ("${hollow?{set}:{unset}}", "set"),
        ("${smtpd_helo_required?{set}:{unset}}", "set"),
    ],
)
def test_value_expands_as_postfix_does(expression: str, value: str) -> None:
    text = f"foo = bar\ntwice = $foo $foo\nempty =\nhollow = $empty\nasked = {expression}\n"
    assert config(text).value("asked") == value


@pytest.mark.parametrize(
    "text", ["a = $a\n", "a = $b\nb = x${c}\nc = ${x:{$a}}\n", "myhostname = mx.$mydomain\na = $mydomain"]
)
def test_a_name_that_refers_to_itself_is_an_error(text: str) -> None:
    with pytest.raises(AdvisorError, match="refers to itself") as caught:
        config(text).value("a")
    assert caught.value.where == "main.cf"


@pytest.mark.parametrize(
    "text",
    ["$", "${", "${a", "${}", "${a-b}", "${{a} = {b}}", "${{a} == b}", "${{a} <level {b}}", "${a?{b}c}"],
)
def test_what_postfix_cannot_expand_is_an_error(text: str) -> None:
    with pytest.raises(AdvisorError):
        config(f"a = {text}").value("a")


def test_value_falls_back_to_the_defaults() -> None:
    assert config("").value("smtpd_helo_required") == "no"
    assert config("").value("no_such_parameter") == ""
    assert config("").value("smtpd_relay_restrictions") == ""
    level_1 = config("compatibility_level = 1")
    assert level_1.value("smtpd_relay_restrictions").endswith("defer_unauth_destination")


def test_what_is_set_wins_over_what_this_machine_says_and_that_over_the_defaults() -> None:
    known = {"smtpd_helo_required": "yes", "soft_bounce": "yes", "mydomain": "known.example"}
    here = Postconf({"soft_bounce": "no", "myhostname": "mx.example.org"}, "x", known)
    assert here.value("smtpd_helo_required") == "yes"
    assert here.value("soft_bounce") == "no"
    assert here.value("mydomain") == "known.example"


@pytest.mark.parametrize(
    ("myhostname", "mydomain"), [("mx.example.org", "example.org"), ("mx", "localdomain"), ("", "")]
)
def test_mydomain_follows_from_myhostname(myhostname: str, mydomain: str) -> None:
    assert config(f"myhostname = {myhostname}").value("mydomain") == mydomain
    assert config(f"myhostname = {myhostname}\nmydomain = set.example").value("mydomain") == "set.example"


def test_database_type_is_hash_unless_said_otherwise() -> None:
    assert config("").database_type() == "hash"
    assert config("default_database_type = lmdb").database_type() == "lmdb"


# --- lists and state

CLASSES = """\
compatibility_level = 3.6
smtpd_restriction_classes = greylist, Outer
greylist = check_policy_service unix:postgrey/socket
Outer = reject_unknown_client, greylist
  hash:/etc/postfix/x
smtpd_client_restrictions = permit_mynetworks, warn_if_reject Outer, reject_rbl_client $list
smtpd_sender_restrictions = outer
list = zen.spamhaus.org
"""


def test_lists_puts_classes_in_place_of_their_names() -> None:
    lists = config(CLASSES).lists()
    assert list(lists) == [
        "smtpd_client_restrictions",
        "smtpd_helo_restrictions",
        "smtpd_sender_restrictions",
        "smtpd_relay_restrictions",
        "smtpd_recipient_restrictions",
        "smtpd_data_restrictions",
        "smtpd_end_of_data_restrictions",
    ]
    assert lists["smtpd_client_restrictions"] == (
        MYNETWORKS,
        Entry("reject_unknown_client_hostname", warn=True),
        Entry("check_policy_service", "unix:postgrey/socket", warn=True),
        Entry("check_client_access", "hash:/etc/postfix/x", warn=True),
        ZEN,
    )
    assert lists["smtpd_sender_restrictions"] == (Entry("outer"),)  # smtpd finds classes by exact name
    assert lists["smtpd_relay_restrictions"] == (MYNETWORKS, SASL, Entry("defer_unauth_destination"))


def test_a_class_that_contains_itself_is_an_error() -> None:
    with pytest.raises(AdvisorError, match="contains itself"):
        config("smtpd_restriction_classes = a b\na = b\nb = a\nsmtpd_helo_restrictions = a").lists()


def test_a_class_used_twice_is_no_cycle() -> None:
    found = config("smtpd_restriction_classes = a b\na = reject\nb = a a\nsmtpd_helo_restrictions = a, b")
    assert found.entries("smtpd_helo_restrictions") == (Entry("reject"),) * 3


@pytest.mark.parametrize(
    ("name", "argument", "state"),
    [
        ("reject_rbl_client", "", "enforced in smtpd_client_restrictions, smtpd_recipient_restrictions"),
        ("reject_rbl_client", "zen.spamhaus.org", "enforced in smtpd_client_restrictions"),
        ("REJECT_RBL_CLIENT", "ZEN.spamhaus.org=127.0.0.2", "enforced in smtpd_client_restrictions"),
        ("reject_rbl_client", "zen.spamhaus.org=127.0.0.3", "off"),
        ("reject_rbl_client", "b.example", "enforced in smtpd_recipient_restrictions"),
        ("reject_rhsbl_sender", "", "warn in smtpd_client_restrictions, smtpd_sender_restrictions"),
        ("reject_unknown_client", "", "enforced in smtpd_sender_restrictions"),
        ("reject_unknown_helo_hostname", "", "off"),
        ("reject", "", "enforced in smtpd_client_restrictions"),
        ("reject_unknown_sender_domain", "", "off"),
    ],
)
def test_state(name: str, argument: str, state: str) -> None:
    found = config(
        "smtpd_client_restrictions = permit_mynetworks reject_rbl_client zen.spamhaus.org=127.0.0.2\n"
        "  warn_if_reject reject_rhsbl_sender d.example warn_if_reject reject_unknown_client_hostname\n"
        "  reject reject_unknown_sender_domain\n"
        "smtpd_sender_restrictions = warn_if_reject reject_rhsbl_sender d.example, reject_unknown_client\n"
        "smtpd_recipient_restrictions = reject_rbl_client b.example\n"
    )
    assert str(found.state(name, argument)) == state


def test_state_counts_positions_from_one() -> None:
    state = config("smtpd_helo_restrictions = permit_mynetworks, reject_invalid_hostname").state(
        "reject_invalid_helo_hostname"
    )
    assert (state.word, state.parameters, state.positions) == ("enforced", ("smtpd_helo_restrictions",), (2,))


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("warn_if_reject reject, reject_unauth_pipelining", "enforced"),
        ("warn_if_reject permit, reject_unauth_pipelining", "off"),
        ("check_relay_domains, reject_unauth_pipelining", "off"),
        ("defer_if_permit, reject_unauth_pipelining", "enforced"),
    ],
)
def test_what_stands_after_an_unconditional_answer_is_off(text: str, state: str) -> None:
    assert config(f"smtpd_helo_restrictions = {text}").state("reject_unauth_pipelining").word == state


# --- networks and domains


def _names(networks: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> str:
    return " ".join(map(str, networks))


@pytest.mark.parametrize(
    ("mynetworks", "inside", "excluded", "unread"),
    [
        ("127.0.0.0/8, [::1]/128 192.0.2.0/28", "127.0.0.0/8 ::1/128 192.0.2.0/28", "", ""),
        ("192.0.2.7 [2001:db8::1]", "192.0.2.7/32 2001:db8::1/128", "", ""),
        ("!192.0.2.5 192.0.2.0/24", "192.0.2.0/24", "192.0.2.5/32", ""),
        ("!!192.0.2.5", "192.0.2.5/32", "", ""),
        ("192.0.2.0/24 !192.0.2.5", "192.0.2.0/24", "", ""),
        ("192.0.2.0/25 !192.0.2.0/24", "192.0.2.0/25", "192.0.2.128/25", ""),
        ("[::1] !192.0.2.0/24", "::1/128", "192.0.2.0/24", ""),
        ("/etc/postfix/nets cidr:/etc/nets !hash:/x", "", "", "/etc/postfix/nets cidr:/etc/nets !hash:/x"),
        (
            "2001:db8::/32 host.example 192.0.2.1/24 999.1.1.1",
            "",
            "",
            "2001:db8::/32 host.example 192.0.2.1/24 999.1.1.1",
        ),
        ("inline:{192.0.2.1=x, y=z}", "", "", "inline:{192.0.2.1=x, y=z}"),
        ("$other", "198.51.100.0/24", "", ""),
        ("", "", "", ""),
    ],
)
def test_networks(mynetworks: str, inside: str, excluded: str, unread: str) -> None:
    found = config(f"other = 198.51.100.0/24\nmynetworks = {mynetworks}\n").networks()
    assert (_names(found.inside), _names(found.excluded), " ".join(found.unread)) == (
        inside,
        excluded,
        unread,
    )
    assert found.stated


def test_without_mynetworks_only_loopback_is_ours() -> None:
    found = config("mynetworks_style = subnet\n").networks()
    assert _names(found.inside) == "127.0.0.0/8 ::1/128"
    assert not found.stated


def test_local_domains() -> None:
    found = config(
        "myhostname = MX.Example.org\n"
        "mydestination = $myhostname, localhost.$mydomain localhost, [192.0.2.1], /etc/names\n"
        "virtual_alias_domains = a.example hash:/etc/postfix/virtual !b.example\n"
        "virtual_mailbox_domains = B.example proxy:mysql:/etc/x\nrelay_domains = c.example .d.example\n"
    )
    names = {"mx.example.org", "localhost.example.org", "localhost", "a.example", "c.example"}
    assert found.local_domains() == names
    assert found.relayed_domains() == {"c.example"}


def test_local_domains_of_an_empty_configuration() -> None:
    assert config("").local_domains() == {"localhost"}


# --- problems

SAFE = "compatibility_level = 3.6\n"
OPENS = "has {} with no reject_unauth_destination before it"


def _problems(text: str) -> list[str]:
    found = list(config(text).problems())
    assert all(problem.endswith((".", "?")) for problem in found), found
    return found


@pytest.mark.parametrize("parameter", ["smtpd_client_restrictions", "smtpd_sender_restrictions"])
@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("reject_unknown_client", "permit_mynetworks and permit_sasl_authenticated"),
        (
            "reject_unknown_reverse_client_hostname, permit_mynetworks",
            "permit_mynetworks and permit_sasl_authenticated",
        ),
        ("permit_mynetworks, reject_unknown_client_hostname", "permit_sasl_authenticated"),
        ("permit_sasl_authenticated, reject_unknown_client_hostname", "permit_mynetworks"),
        ("permit_mynetworks, permit_sasl_authenticated, reject_unknown_client_hostname", None),
        ("warn_if_reject reject_unknown_client_hostname", None),
        ("reject, reject_unknown_client_hostname", None),
        ("reject_unknown_sender_domain", None),
    ],
)
def test_own_users_without_a_name(parameter: str, text: str, missing: str | None) -> None:
    found = _problems(f"{SAFE}{parameter} = {text}\n")
    if missing is None:
        assert found == []
    else:
        assert len(found) == 1
        assert found[0].startswith(f"{parameter} has reject_unknown_")
        assert f" without {missing} before it" in found[0]


@pytest.mark.parametrize(
    ("relay", "recipient", "opens"),
    [
        ("", f"{POSTGREY}, reject_unauth_destination", str(POSTGREY)),
        ("", f"permit_mynetworks, {ALLOW} reject", str(ALLOW)),
        ("", "hash:/x reject_unauth_destination", "check_recipient_access hash:/x"),
        ("", f"{POSTGREY}", str(POSTGREY)),
        ("permit_mynetworks", f"{POSTGREY}", str(POSTGREY)),
        ("permit, reject_unauth_destination", f"{POSTGREY}", str(POSTGREY)),
        ("warn_if_reject reject_unauth_destination", f"{POSTGREY}", str(POSTGREY)),
        ("", f"warn_if_reject reject_unauth_destination {POSTGREY}", str(POSTGREY)),
        ("", f"reject_unauth_destination, {POSTGREY}", None),
        ("", f"defer_unauth_destination, {POSTGREY}", None),
        ("", f"reject_rbl_client x.example, reject, {POSTGREY}", None),
        ("", "check_sender_mx_access hash:/x reject_unauth_destination", None),
        ("", "check_reverse_client_hostname_access hash:/x reject_unauth_destination", None),
        ("permit_mynetworks, reject_unauth_destination", f"{POSTGREY}", None),
        ("permit_mynetworks, reject", f"{POSTGREY}", None),
    ],
)
def test_an_ok_that_opens_a_relay(relay: str, recipient: str, opens: str | None) -> None:
    found = _problems(f"smtpd_relay_restrictions = {relay}\nsmtpd_recipient_restrictions = {recipient}\n")
    if opens is None:
        assert found == []
    else:
        assert len(found) == 1
        assert OPENS.format(opens) in found[0]


def test_relay_control_that_is_not_set_depends_on_the_compatibility_level() -> None:
    text = f"smtpd_recipient_restrictions = {POSTGREY}\n"
    assert _problems("compatibility_level = 1\n" + text) == []
    (problem,) = _problems(text)
    assert "smtpd_relay_restrictions is not set, which Postfix 3 takes for empty" in problem
    old = Postconf({"smtpd_recipient_restrictions": str(POSTGREY)}, "2.11", {"smtpd_relay_restrictions": str(GUARD)})
    assert old.problems() == ()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "smtpd_helo_restrictions = reject_unknwon_helo_hostname",
            "smtpd_helo_restrictions has reject_unknwon_helo_hostname, which Postfix does not know;"
            " did you mean reject_unknown_helo_hostname?",
        ),
        (
            "smtpd_helo_restrictions = xyzzy xyzzy",
            "smtpd_helo_restrictions has xyzzy, which Postfix does not know.",
        ),
        (
            "smtpd_helo_restrictions = mine\nmine = reject",
            "smtpd_helo_restrictions has mine, which is defined but not named in smtpd_restriction_classes.",
        ),
        (
            "smtpd_helo_restrictions = mine\nsmtpd_restriction_classes = mine",
            "smtpd_helo_restrictions has mine, which smtpd_restriction_classes names but nothing defines.",
        ),
        (
            "smtpd_data_restrictions = hash:/x",
            "smtpd_data_restrictions has a table without a check_..._access before it.",
        ),
        (
            "smtpd_helo_restrictions = reject_rbl_client",
            "smtpd_helo_restrictions cannot be read: reject_rbl_client has no argument;"
            " write reject_rbl_client and then a domain, such as zen.spamhaus.org.",
        ),
        (
            "smtpd_helo_restrictions = $smtpd_helo_restrictions",
            "smtpd_helo_restrictions cannot be read: smtpd_helo_restrictions refers to itself:"
            " smtpd_helo_restrictions -> smtpd_helo_restrictions; mend one of these.",
        ),
    ],
)
def test_names_and_arguments_that_postfix_cannot_use(text: str, problem: str) -> None:
    assert _problems(SAFE + text) == [problem]


def test_a_good_configuration_has_no_problems() -> None:
    assert _problems(
        CLASSES.replace("outer", "Outer").replace("permit_mynetworks,", "permit_mynetworks, permit_sasl_authenticated")
    ) == [
        "smtpd_sender_restrictions has reject_unknown_client_hostname without permit_mynetworks and"
        " permit_sasl_authenticated before it: your own users on lines without a proper name are refused."
    ]
    assert _problems("smtpd_restriction_classes = a\na = reject\nsmtpd_helo_restrictions = a\n") == []


# --- writing


def test_with_entries_writes_one_restriction_a_line() -> None:
    entries = [MYNETWORKS, Entry("reject_rbl_client", "zen.spamhaus.org", warn=True)]
    assert with_entries(None, "smtpd_client_restrictions", entries) == (
        "smtpd_client_restrictions =\n    permit_mynetworks\n    warn_if_reject reject_rbl_client zen.spamhaus.org\n"
    )
    assert with_entries(None, "smtpd_client_restrictions", []) == "smtpd_client_restrictions =\n"


def test_with_entries_writes_no_name_that_postfix_does_not_know() -> None:
    here = config("smtpd_restriction_classes = mine\nmine = reject")
    assert "    mine\n    $x\n" in with_entries(here, "p", [Entry("mine"), Entry("$x")])
    with pytest.raises(AdvisorError, match="no restriction permit_mynetwork; did you mean permit_mynetworks"):
        with_entries(here, "p", [Entry("permit_mynetwork")])


CLIENT = "smtpd_client_restrictions"
WARN_PTR = Entry(PTR.name, warn=True)


@pytest.mark.parametrize(
    ("present", "entry", "before", "expected"),
    [
        ("", PTR, (), (MYNETWORKS, SASL, PTR)),
        ("", PTR, (ALLOW,), (MYNETWORKS, SASL, ALLOW, PTR)),
        ("permit_mynetworks", PTR, (), (MYNETWORKS, SASL, PTR)),
        ("permit_sasl_authenticated", PTR, (), (MYNETWORKS, SASL, PTR)),
        (f"permit_mynetworks {ZEN} permit_sasl_authenticated", PTR, (), (MYNETWORKS, ZEN, SASL, PTR)),
        (f"{ZEN}", PTR, (), (MYNETWORKS, SASL, ZEN, PTR)),
        # an unconditional answer stays last
        (
            "permit_mynetworks permit_sasl_authenticated permit",
            PTR,
            (ALLOW,),
            (MYNETWORKS, SASL, ALLOW, PTR, Entry("permit")),
        ),
        (
            f"permit_mynetworks permit_sasl_authenticated reject {PTR}",
            PTR,
            (),
            (MYNETWORKS, SASL, PTR, Entry("reject"), PTR),
        ),
        # there already: nothing twice, and what is enforced is not relaxed by accident
        (f"permit_mynetworks permit_sasl_authenticated {PTR} {ZEN}", PTR, (), (MYNETWORKS, SASL, PTR, ZEN)),
        (
            f"permit_mynetworks permit_sasl_authenticated {PTR} {ZEN}",
            WARN_PTR,
            (),
            (MYNETWORKS, SASL, PTR, ZEN),
        ),
        (
            f"permit_mynetworks permit_sasl_authenticated {PTR} {ZEN}",
            PTR,
            (ALLOW,),
            (MYNETWORKS, SASL, ALLOW, PTR, ZEN),
        ),
        (
            f"permit_mynetworks permit_sasl_authenticated {ALLOW} {ZEN}",
            PTR,
            (ALLOW,),
            (MYNETWORKS, SASL, ALLOW, ZEN, PTR),
        ),
        # a trial becomes the real thing where it stands
        (
            f"permit_mynetworks permit_sasl_authenticated warn_if_reject {PTR} {ZEN}",
            PTR,
            (),
            (MYNETWORKS, SASL, PTR, ZEN),
        ),
        (
            f"permit_mynetworks permit_sasl_authenticated warn_if_reject {PTR} {ZEN}",
            WARN_PTR,
            (),
            (MYNETWORKS, SASL, WARN_PTR, ZEN),
        ),
        # permits and allowlists that stand too late are moved before it
        (
            f"warn_if_reject {PTR} permit_mynetworks permit_sasl_authenticated {ALLOW}",
            PTR,
            (ALLOW,),
            (MYNETWORKS, SASL, ALLOW, PTR),
        ),
        # classes and $names stay as they were written
        (
            "permit_mynetworks permit_sasl_authenticated $mine hash:/x",
            PTR,
            (),
            (MYNETWORKS, SASL, Entry("$mine"), Entry("check_client_access", "hash:/x"), PTR),
        ),
    ],
)
def test_insert(present: str, entry: Entry, before: tuple[Entry, ...], expected: tuple[Entry, ...]) -> None:
    here = config(f"{SAFE}mine = reject_unauth_pipelining\n{CLIENT} = {present}\n")
    assert insert(here, CLIENT, entry, before) == expected


def test_insert_is_done_once() -> None:
    here = config(f"{SAFE}{CLIENT} = reject_unknown_sender_domain, warn_if_reject {PTR}, permit\n")
    once = insert(here, CLIENT, PTR, (ALLOW,))
    again = config(SAFE + with_entries(here, CLIENT, once))
    assert insert(again, CLIENT, PTR, (ALLOW,)) == once


def test_insert_without_a_configuration() -> None:
    assert insert(None, CLIENT, PTR) == (MYNETWORKS, SASL, PTR)


TLS = Entry("permit_tls_clientcerts")


@pytest.mark.parametrize(
    ("present", "entry", "before", "expected"),
    [
        # nothing refuses other destinations yet
        ("", POSTGREY, (), (MYNETWORKS, SASL, GUARD, POSTGREY)),
        ("", ZEN, (ALLOW,), (MYNETWORKS, SASL, GUARD, ALLOW, ZEN)),
        (
            "permit_mynetworks permit_sasl_authenticated reject",
            POSTGREY,
            (),
            (MYNETWORKS, SASL, GUARD, POSTGREY, Entry("reject")),
        ),
        # it does, but later in the list
        (
            f"permit_mynetworks permit_sasl_authenticated {ZEN} {TLS} {GUARD}",
            ZEN,
            (ALLOW,),
            (MYNETWORKS, SASL, TLS, GUARD, ALLOW, ZEN),
        ),
        (
            f"permit_mynetworks permit_sasl_authenticated {GUARD} {ZEN}",
            ZEN,
            (ALLOW,),
            (MYNETWORKS, SASL, GUARD, ALLOW, ZEN),
        ),
        (
            f"permit_mynetworks permit_sasl_authenticated {GUARD} permit",
            POSTGREY,
            (),
            (MYNETWORKS, SASL, GUARD, POSTGREY, Entry("permit")),
        ),
        (
            f"permit_mynetworks permit_sasl_authenticated {POSTGREY} {GUARD} {ZEN}",
            POSTGREY,
            (),
            (MYNETWORKS, SASL, GUARD, POSTGREY, ZEN),
        ),
        # what can only refuse may stand anywhere
        (
            f"permit_mynetworks permit_sasl_authenticated warn_if_reject {ZEN} {GUARD}",
            ZEN,
            (),
            (MYNETWORKS, SASL, ZEN, GUARD),
        ),
        ("", ZEN, (), (MYNETWORKS, SASL, ZEN)),
    ],
)
def test_insert_never_opens_a_relay(
    present: str, entry: Entry, before: tuple[Entry, ...], expected: tuple[Entry, ...]
) -> None:
    parameter = "smtpd_recipient_restrictions"
    here = config(f"smtpd_relay_restrictions =\n{parameter} = {present}\n")
    assert insert(here, parameter, entry, before) == expected
    after = f"smtpd_relay_restrictions =\n{with_entries(here, parameter, expected)}"
    assert not [problem for problem in _problems(after) if "opens a relay" in problem]
    # with relay control in its own list the recipient list is free
    safe = config(f"{SAFE}{parameter} = \n")
    assert insert(safe, parameter, POSTGREY, (ALLOW,)) == (MYNETWORKS, SASL, ALLOW, POSTGREY)


def test_commands_is_one_line_that_a_shell_reads_back() -> None:
    entries = [MYNETWORKS, Entry("check_policy_service", "{ unix:private/x, default_action='DUNNO `id`' }")]
    line = commands("smtpd_recipient_restrictions", entries)
    assert "\n" not in line
    assert shlex.split(line) == [
        "postconf",
        "-e",
        "smtpd_recipient_restrictions = permit_mynetworks,"
        " check_policy_service { unix:private/x, default_action='DUNNO `id`' }",
    ]


def test_undo() -> None:
    here = config("a = one,\n  two  'three' \"\\four\"\nb =\nc = \x07\nd = \ufffd\n")
    assert shlex.split(undo(here, "a")) == ["postconf", "-e", "a = one, two 'three' \"\\four\""]
    assert undo(here, "b") == "postconf -e 'b ='"
    assert undo(here, "x") == undo(None, "x") == "postconf -X x"
    for unclean in ("c", "d"):
        with pytest.raises(AdvisorError, match="not clean text"):
            undo(here, unclean)


# --- running: a postconf that is not there, or not well


def _fake(tmp_path: Path, script: str) -> str:
    file = tmp_path / "fake postconf"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return shlex.quote(str(file))


def test_running_is_none_without_postfix(tmp_path: Path) -> None:
    assert running(str(tmp_path / "no-postconf")) is None
    plain = tmp_path / "plain"
    plain.write_text("")
    assert running(str(plain)) is None


def test_running_is_none_without_a_main_cf(tmp_path: Path) -> None:
    missing = tmp_path / "main.cf"
    script = f"echo 'postconf: fatal: open {missing}: No such file or directory' >&2; exit 1"
    assert running(_fake(tmp_path, script)) is None


def test_running_asks_for_what_is_not_set(tmp_path: Path) -> None:
    script = 'if [ "$1" = -n ]; then echo a = 1; else for name; do echo "$name = asked"; done; fi'
    here = running(_fake(tmp_path, script))
    assert here is not None
    assert here.parameters == {"a": "1"}
    assert {here.value(name) for name in (*DEFAULTS, "mydomain", "myhostname", "mynetworks")} == {"asked"}


def test_running_says_what_postconf_says(tmp_path: Path) -> None:
    with pytest.raises(AdvisorError, match="gone wrong"):
        running(_fake(tmp_path, "echo 'postconf: fatal: gone wrong' >&2; exit 1"))


# --- against the real thing

CASES = {
    "empty": "",
    "debian": """\
# See /usr/share/postfix/main.cf.dist
smtpd_banner = $myhostname ESMTP (Debian/GNU)
compatibility_level = 3.6
smtpd_relay_restrictions = permit_mynetworks permit_sasl_authenticated defer_unauth_destination
myhostname = mx.example.org
mydestination = $myhostname, example.org, localhost.example.org, , localhost
mynetworks = 127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128
recipient_delimiter = +
""",
    "continued": """\
smtpd_recipient_restrictions =
   permit_mynetworks,
# a comment between
\tpermit_sasl_authenticated,   reject_unauth_destination

   check_policy_service { unix:private/x, timeout=10s }
smtpd_helo_required=no
smtpd_helo_required = yes
smtpd_client_restrictions =
  check_client_access static:{INFO x  y}
""",
    "classes": CLASSES,
    "expanded": """\
compatibility_level = 2
myhostname = mx.example.org
empty =
hollow = $empty
smtpd_sender_restrictions = ${hollow?{reject_unknown_sender_domain}:{reject}} ${nope:permit}
  $$x $(smtpd_helo_required)
smtpd_helo_restrictions = ${{$compatibility_level} >=level {3.6} ? {reject} : {permit_mynetworks}}
smtpd_client_restrictions = ${smtpd_milters?{a}:b} ${{10}<{9}?yes:no} ${ myhostname }
unknown_client_reject_code = 550
""",
}


def _write(folder: Path, text: str) -> Path:
    (folder / "main.cf").write_text(text)
    (folder / "master.cf").write_text("smtp inet n - y - - smtpd\n")
    os.utime(folder / "main.cf", (1, 1))
    return folder


def _postconf(folder: Path, *arguments: str) -> str:
    # postconf waits until main.cf is two seconds old, lest it read half of an edit
    os.utime(folder / "main.cf", (1, 1))
    return subprocess.run(
        ["postconf", "-c", str(folder), *arguments], capture_output=True, check=True, text=True
    ).stdout


def _one_line(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.integration
@pytest.mark.parametrize("case", CASES)
def test_values_are_those_of_postconf(case: str, tmp_path: Path) -> None:
    _write(tmp_path, CASES[case])
    here = read(tmp_path)
    for name in sorted({*DEFAULTS, *here.parameters} - {"config_directory"}):
        # main.cf alone does not say what the machine is called
        if name not in KNOWN and (here.is_set("myhostname") or "$my" not in DEFAULTS.get(name, "")):
            expected = _postconf(tmp_path, "-x", "-h", name).strip()
            if expected or name in DEFAULTS:
                assert _one_line(here.value(name)) == expected, name


@pytest.mark.integration
@pytest.mark.parametrize("case", CASES)
def test_what_is_set_is_what_postconf_shows(case: str, tmp_path: Path) -> None:
    _write(tmp_path, CASES[case])
    here = read(tmp_path)
    shown = dict(from_text(_postconf(tmp_path, "-n"), "postconf -n").parameters)
    assert shown.pop("config_directory") == str(tmp_path)
    # postconf -n leaves out what nothing uses
    used = {name for name in here.parameters if name in {*DEFAULTS, *LISTS}}
    assert used <= set(shown) <= set(here.parameters)
    assert {name: _one_line(here.parameters[name]) for name in shown} == shown


@pytest.mark.integration
def test_running_reads_what_is_set_and_asks_for_the_rest(tmp_path: Path) -> None:
    _write(tmp_path, "smtpd_helo_required = yes\nmynetworks_style = host\n")
    here = running(f"postconf -c {tmp_path}")
    assert here is not None
    assert here.is_set("smtpd_helo_required")
    assert not here.is_set("mynetworks")
    assert here.value("mynetworks") == _postconf(tmp_path, "-h", "mynetworks").strip() != ""
    assert here.value("mydestination") == _postconf(tmp_path, "-xh", "mydestination").strip()
    assert here.networks().stated
    assert here.text == (tmp_path / "main.cf").read_text()
    assert here.master is not None
    assert [str(each) for each in here.master.mail_servers()] == ["smtp/inet"]


@pytest.mark.integration
def test_running_finds_postconf_outside_the_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _write(tmp_path, "smtpd_helo_required = yes\n")
    monkeypatch.setenv("PATH", "/nonexistent")
    here = running(f"postconf -c {tmp_path}")
    assert here is not None
    assert here.is_set("smtpd_helo_required")


@pytest.mark.integration
def test_running_names_the_line_for_which_postconf_refuses_the_file(tmp_path: Path) -> None:
    _write(tmp_path, ARTICLE)
    here = running(f"postconf -c {tmp_path}")
    assert here is not None
    assert here.problems()[0].startswith("line 2: permit_mynetworks is not indented")


@pytest.mark.integration
def test_the_defaults_are_those_of_postfix(tmp_path: Path) -> None:
    _write(tmp_path, "")
    real = from_text(_postconf(tmp_path, "-d", *DEFAULTS), "postconf -d").parameters
    built = {"default_database_type", "config_directory"}  # a matter of the package
    assert {name: real[name] for name in DEFAULTS if name not in built} == {
        name: DEFAULTS[name] for name in DEFAULTS if name not in built
    }


# Names inside smtpd that look like restrictions: functions of smtpd_check.c in its debug messages,
# parameters, log words, and check_address_map, which is for local_header_rewrite_clients only
NOT_RESTRICTIONS = """
check_access check_addr_access check_address_map check_domain_access check_mail_access check_namadr_access
check_server_access check_table_result permit_dnswl_addr permit_dnswl_domain permit_mx_backup_networks
permit_mx_primary reject_invalid_hostaddr reject_non_fqdn_address reject_rbl_addr reject_rbl_domain
reject_unknown_mailhost reject_unknown_reverse_name reject_unverified_address reject_warning
""".split()  # noqa: SIM905  # twenty names as text


@pytest.mark.integration
def test_known_is_what_smtpd_knows(tmp_path: Path) -> None:
    _write(tmp_path, "")
    smtpd = Path(_postconf(tmp_path, "-xh", "daemon_directory").strip(), "smtpd").read_bytes()
    version = tuple(map(int, _postconf(tmp_path, "-dh", "mail_version").split(".")[:2]))
    gone = {"check_relay_domains", "permit_naked_ip_address", "reject_maps_rbl"} if version >= (3, 9) else set()
    # a string may be the tail of another: `permit` is kept as the end of `defer_if_permit`
    assert [name for name in sorted(KNOWN - gone) if name.encode() + b"\0" not in smtpd] == []
    found = re.findall(rb"(?<=\0)(?:(?:check|permit|reject)_[a-z_]+|defer|defer_(?:if|unauth)_[a-z]+)(?=\0)", smtpd)
    assert {name.decode() for name in found} - KNOWN - set(NOT_RESTRICTIONS) == set()


def _shell(folder: Path, line: str) -> None:
    script = f'postconf() {{ command postconf -c {shlex.quote(str(folder))} "$@"; }}\n{line}\n'
    subprocess.run(["sh", "-euc", script], check=True, capture_output=True)


ROUND_TRIPS = [
    (MYNETWORKS, Entry("reject_rbl_client", "zen.spamhaus.org=127.0.0.[2..11]", warn=True), Entry("reject")),
    (
        Entry("check_policy_service", "{ unix:private/x, default_action='DUNNO \"$$(touch pwned)\" `id`' }"),
        GUARD,
    ),
    (Entry("check_client_access", "inline:{ {192.0.2.1 = 550 it's \\ not}, b=c }"),),
    (),
]


@pytest.mark.integration
@pytest.mark.parametrize("entries", ROUND_TRIPS)
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("parameter", ["smtpd_client_restrictions", "smtpd_recipient_restrictions"])
def test_commands_and_undo_with_a_real_postconf(
    case: str, parameter: str, entries: tuple[Entry, ...], tmp_path: Path
) -> None:
    _write(tmp_path, CASES[case])
    before = _postconf(tmp_path, "-n")
    here = read(tmp_path)
    _shell(tmp_path, commands(parameter, entries))
    after = from_text(_postconf(tmp_path, "-n"), "postconf -n")
    assert parse_list(after.parameters[parameter]) == entries
    assert parse_list(read(tmp_path).parameters[parameter]) == entries
    # postconf -n leaves out what nothing uses any more
    others = {(name, text) for name, text in after.parameters.items() if name != parameter}
    assert others <= set(from_text(before, "postconf -n").parameters.items())
    _shell(tmp_path, undo(here, parameter))
    assert _postconf(tmp_path, "-n") == before
    assert not (tmp_path / "pwned").exists()


@pytest.mark.integration
def test_the_lines_to_paste_are_read_by_postconf(tmp_path: Path) -> None:
    entries = insert(None, "smtpd_recipient_restrictions", POSTGREY, (ALLOW,))
    _write(tmp_path, with_entries(None, "smtpd_recipient_restrictions", entries))
    assert parse_list(_postconf(tmp_path, "-h", "smtpd_recipient_restrictions")) == entries


def test_what_is_ours_has_holes() -> None:
    networks = from_text("mynetworks = !192.0.2.66, 192.0.2.64/30, 127.0.0.0/8\n", "main.cf").networks()

    assert {str(network) for network in networks.ours()} == {"127.0.0.0/8", "192.0.2.64/31", "192.0.2.67/32"}
