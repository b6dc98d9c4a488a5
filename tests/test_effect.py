"""effect.py and mapfile.py: what stands in main.cf, and whether any of it is asked."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from advisor.effect import state
from advisor.entry import Entry
from advisor.mapfile import MapFile, look, tables_of
from advisor.postconf import Postconf, from_text, read
from tests.lab.states import CASES, SHORT
from tests.lab.trial import entered

PTR = "reject_unknown_reverse_client_hostname"
CLIENT = "smtpd_client_restrictions"
RECIPIENT = "smtpd_recipient_restrictions"
OWN = "permit_mynetworks, permit_sasl_authenticated"
SAFE = "compatibility_level = 3.6\n"
TABLE = "hash:/etc/postfix/client_access"
ALLOW = f"check_client_access {TABLE}"


def configured(tmp_path: Path, main: str, master: str | None = None) -> Postconf:
    (tmp_path / "main.cf").write_text(SAFE + main)
    if master is not None:
        (tmp_path / "master.cf").write_text(master)
    return read(tmp_path)


@pytest.mark.parametrize(
    ("main", "word", "says"),
    [
        ("", "off", ""),
        (f"{CLIENT} = {OWN}, {PTR}", "enforced", ""),
        (f"{CLIENT} = {OWN}, warn_if_reject {PTR}", "warn", ""),
        (f"{CLIENT} = {OWN}, permit, {PTR}", "no effect", "behind permit, which lets everything pass: move it"),
        (f"{CLIENT} = {OWN}, reject, {PTR}", "no effect", "behind reject, which refuses whatever comes that far"),
        (f"{CLIENT} = check_client_access static:OK, {PTR}", "no effect", "behind check_client_access static:OK"),
        (f"{CLIENT} = {OWN}, {PTR}\nmynetworks = 0.0.0.0/0", "no effect", "mynetworks is the whole world"),
        (f"{CLIENT} = permit, {PTR}\nsmtpd_helo_restrictions = {OWN}, {PTR}", "enforced", "behind permit"),
        (f"{CLIENT} = {PTR}\nsmtpd_peername_lookup = no", "risky", "refuses all of them"),
        (f"{CLIENT} = check_client_access, {PTR}", "no effect", "cannot be read, so smtpd answers 451 to all mail"),
    ],
)
def test_the_state_of_a_tip(main: str, word: str, says: str) -> None:
    found = state(from_text(SAFE + main, "main.cf"), PTR)

    assert found.word == word
    assert says in " ".join(found.says)
    assert bool(found.says) == bool(says)
    assert all(each.endswith(".") for each in found.says)
    assert bool(found.parameters) == (word != "off")


@pytest.mark.parametrize(
    ("parameter", "name", "word"),
    [
        (CLIENT, "reject_unknown_sender_domain", "no effect"),
        (CLIENT, "reject_invalid_helo_hostname", "no effect"),
        (CLIENT, PTR, "enforced"),
        ("smtpd_helo_restrictions", "reject_invalid_helo_hostname", "enforced"),
        ("smtpd_sender_restrictions", "reject_unauth_destination", "no effect"),
        (RECIPIENT, "reject_unknown_sender_domain", "enforced"),
    ],
)
def test_a_list_that_is_asked_too_early(parameter: str, name: str, word: str) -> None:
    text = f"{SAFE}{parameter} = {name}\n"

    assert state(from_text(text, "main.cf"), name).word == "enforced"
    found = state(from_text(text + "smtpd_delay_reject = no\n", "main.cf"), name)
    assert found.word == word
    assert ("set smtpd_delay_reject = yes" in " ".join(found.says)) == (word == "no effect")


@pytest.mark.parametrize(
    ("master", "word", "says"),
    [
        ("smtp inet n - y - - smtpd\n", "enforced", ""),
        (f"smtp inet n - y - - smtpd\n  -o {CLIENT}=\n", "no effect", f"postconf -PX smtp/inet/{CLIENT}"),
        (f"smtp inet n - y - - smtpd\n  -o {{ {CLIENT} = permit_mynetworks, reject }}\n", "no effect", "in place of"),
        (f"smtp inet n - y - - smtpd\n  -o {CLIENT}={PTR}\n", "enforced", ""),
        (f"smtp inet n - y - - smtpd\nsubmission inet n - y - - smtpd -o {CLIENT}=\n", "enforced", ""),
        (f"smtp inet n - y - - smtpd\n127.0.0.1:25 inet n - y - - smtpd -o {CLIENT}=\n", "enforced", ""),
        (f"192.0.2.1:25 inet n - y - - smtpd\n192.0.2.2:25 inet n - y - - smtpd -o {CLIENT}=\n", "enforced", "2.2:25"),
        (f"smtp inet n - y - 1 postscreen\nsmtpd pass - - y - - smtpd -o {CLIENT}=\n", "no effect", "smtpd/pass in"),
        ("submission inet n - y - - smtpd\n#smtp inet n - y - - smtpd\n", "no effect", "no smtpd at port 25"),
    ],
)
def test_what_master_cf_makes_of_it(tmp_path: Path, master: str, word: str, says: str) -> None:
    found = state(configured(tmp_path, f"{CLIENT} = {OWN}, {PTR}\n", master), PTR)

    assert found.word == word
    assert says in " ".join(found.says)
    assert bool(found.says) == bool(says)
    assert found.parameters == (CLIENT,)


def test_a_class_in_an_override_is_followed(tmp_path: Path) -> None:
    main = f"mua_restrictions = {OWN}, {PTR}\nsmtpd_restriction_classes = strict\nstrict = {PTR}\n"
    for value in ("$mua_restrictions", "strict"):
        config = configured(tmp_path, main, f"smtp inet n - y - - smtpd\n  -o {CLIENT}={value}\n")
        assert state(config, PTR).word == "enforced"


@pytest.mark.parametrize(
    ("main", "master", "word"),
    [
        ("", None, "off"),
        ("smtpd_helo_required = yes\n", None, "enforced"),
        ("smtpd_helo_required = yes\n", "smtp inet n - y - - smtpd -o smtpd_helo_required=no\n", "no effect"),
        ("", "smtp inet n - y - - smtpd -o smtpd_helo_required=yes\n", "enforced"),
        ("smtpd_helo_required = yes\n", "submission inet n - y - - smtpd\n", "no effect"),
    ],
)
def test_a_setting(tmp_path: Path, main: str, master: str | None, word: str) -> None:
    assert state(configured(tmp_path, main, master), "smtpd_helo_required").word == word


@pytest.mark.parametrize(
    ("main", "master", "word"),
    [
        ("", None, "off"),
        ("postscreen_dnsbl_action = enforce\n", None, "no effect"),
        ("postscreen_dnsbl_action = enforce\npostscreen_dnsbl_sites = zen.example\n", None, "enforced"),
        (
            "postscreen_dnsbl_action = enforce\npostscreen_dnsbl_sites = zen.example\n",
            "smtp inet n - y - - smtpd\n",
            "no effect",
        ),
        (
            "postscreen_dnsbl_action = drop\npostscreen_dnsbl_sites = zen.example\n",
            "smtp inet n - y - 1 postscreen\nsmtpd pass - - y - - smtpd\n",
            "enforced",
        ),
    ],
)
def test_postscreen(tmp_path: Path, main: str, master: str | None, word: str) -> None:
    assert state(configured(tmp_path, main, master), "postscreen_dnsbl_action").word == word


@pytest.mark.parametrize(
    ("relay", "recipient", "word"),
    [
        ("", f"{ALLOW}, reject_unauth_destination", "risky"),
        ("", f"reject_unauth_destination, {ALLOW}", "enforced"),
        (f"{OWN}, reject_unauth_destination", f"{ALLOW}", "enforced"),
        (f"{ALLOW}, reject_unauth_destination", "permit_mynetworks", "risky"),
        (f"{ALLOW}, reject_unauth_destination", "reject_unauth_destination", "enforced"),
    ],
)
def test_an_ok_before_relay_control(relay: str, recipient: str, word: str) -> None:
    text = f"smtpd_relay_restrictions = {relay}\n{RECIPIENT} = {recipient}\n"

    found = state(from_text(text, "main.cf"), "check_client_access")
    assert found.word == word
    assert bool(found.says) == (word == "risky")


def test_a_policy_service_that_master_cf_does_not_run(tmp_path: Path) -> None:
    asked = f"{RECIPIENT} = reject_unauth_destination, check_policy_service {{ unix:private/spf, timeout=10s }}\n"
    smtp, spf = "smtp inet n - y - - smtpd\n", "spf unix - n n - 0 spawn user=nobody argv=/bin/spf\n"

    assert state(configured(tmp_path, asked, smtp), "check_policy_service", "unix:private/spf").word == "risky"
    assert state(configured(tmp_path, asked, smtp + spf), "check_policy_service", "unix:private/spf").word == "enforced"
    other = f"{RECIPIENT} = reject_unauth_destination, check_policy_service unix:postgrey/socket\n"
    assert state(configured(tmp_path, other, smtp), "check_policy_service").word == "enforced"


@pytest.mark.parametrize(
    ("file", "word", "says"),
    [
        (None, "enforced", ""),
        (MapFile(TABLE, needs_postmap=True, source=1, built=2), "enforced", ""),
        (MapFile(TABLE, needs_postmap=True, source=None, built=2), "enforced", ""),
        (MapFile(TABLE, needs_postmap=True, source=3, built=2), "no effect", f"run: postmap {TABLE}."),
        (
            MapFile(TABLE, needs_postmap=True, source=3, built=None),
            "no effect",
            f"451 to all who are .*postmap {TABLE}",
        ),
        (MapFile(TABLE, needs_postmap=True, source=None, built=None), "no effect", "write its source and run: postmap"),
        (MapFile(TABLE, needs_postmap=False, source=None, built=None), "no effect", "write it."),
        (MapFile(TABLE, needs_postmap=True, source=1, built=2, only_ok=True), "no effect", "move it before that"),
    ],
)
def test_a_table_as_it_lies_there(file: MapFile | None, word: str, says: str) -> None:
    config = from_text(f"{SAFE}{CLIENT} = {OWN}, {PTR}, {ALLOW}\n", "main.cf")

    found = state(config, "check_client_access", files={TABLE: file} if file else {})
    assert found.word == word
    assert re.search(says, " ".join(found.says))
    assert state(config, PTR, files={TABLE: file} if file else {}).word == "enforced"


def test_an_allowlist_before_what_it_excuses_from_has_its_effect() -> None:
    config = from_text(f"{SAFE}{CLIENT} = {OWN}, reject_unauth_pipelining, {ALLOW}, {PTR}\n", "main.cf")
    file = MapFile(TABLE, needs_postmap=True, source=1, built=2, only_ok=True)

    assert state(config, "check_client_access", TABLE, {TABLE: file}).word == "enforced"


def test_look(tmp_path: Path) -> None:
    for name, text, when in (
        ("fresh", "192.0.2.1 OK\n", 1),
        ("fresh.db", "", 2),
        ("stale", "# why\n192.0.2.1 OK\n192.0.2.2\n  REJECT\n", 3),
        ("stale.lmdb", "", 2),
        ("even", "", 2),
        ("even.cdb", "", 2),
        ("nets", "192.0.2.0/24 1\n", 1),
    ):
        (tmp_path / name).write_text(text)
        os.utime(tmp_path / name, (when, when))
    tables = ["hash:fresh", "proxy:lmdb:stale", "cidr:nets", "btree:none", "texthash:none", "cdb:/etc/postfix/even"]
    tables = [each.replace(":fresh", ":/etc/postfix/fresh") for each in tables]
    tables = [each.replace("lmdb:", "lmdb:/etc/postfix/").replace("cidr:", "cidr:/etc/postfix/") for each in tables]
    tables = [each.replace(":none", ":/etc/postfix/none") for each in tables]
    others = ["hash:/etc/mail/access", "mysql:/etc/postfix/x.cf", "unix:private/x", "static:OK", "hash:relative"]
    entries = [Entry("check_client_access", each) for each in (*tables, *others)]

    found = look([*entries, Entry("reject_rbl_client", "hash:/etc/postfix/fresh")], tmp_path)

    assert list(found) == tables
    assert [each.missing for each in found.values()] == [False, False, False, True, True, False]
    assert [each.stale for each in found.values()] == [False, True, False, False, False, False]
    assert [each.only_ok for each in found.values()] == [True, False, True, False, False, False]


def test_the_tables_of_a_folder(tmp_path: Path) -> None:
    main = (
        f"{CLIENT} = {ALLOW}, check_client_access hash:/etc/postfix/gone\nsmtpd_helo_restrictions = check_helo_access\n"
    )
    (tmp_path / "client_access").write_text("192.0.2.1 OK\n")
    config = configured(tmp_path, main)

    # a copy of main.cf and one map: what else it lacks may be there on the other machine
    assert list(tables_of(config, tmp_path)) == [TABLE]
    config = configured(tmp_path, main, "smtp inet n - y - - smtpd\n")
    found = tables_of(config, tmp_path)
    assert list(found) == [TABLE, "hash:/etc/postfix/gone"]
    assert all(file.missing for file in found.values())
    assert state(config, "check_client_access", "hash:/etc/postfix/gone", found).word == "no effect"


def tried(names: Iterable[str]) -> None:
    names = list(names)
    found = entered("states", *names)
    assert list(found) == names
    for name, seen in found.items():
        case = CASES[name]
        expected = {"word": case.word, "good": case.good, "unwanted": case.unwanted}
        assert {"word": seen["word"], "good": seen["good"][:1], "unwanted": seen["unwanted"][:1]} == expected, (
            name,
            seen,
        )
        # What refuses everybody for the moment says so.
        assert ("451" in seen["says"]) == seen["good"].startswith("451"), (name, seen)


@pytest.mark.integration
def test_a_state_is_what_a_real_postfix_does() -> None:
    tried(SHORT)


@pytest.mark.integration
@pytest.mark.long
def test_every_state_is_what_a_real_postfix_does() -> None:
    tried(CASES)
