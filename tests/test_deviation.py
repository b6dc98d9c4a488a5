"""deviation.py: what the article's recipes and a hurried hand leave behind, each found in a main.cf that has it."""

import subprocess
from pathlib import Path

import pytest

from advisor.deviation import deviations
from advisor.mapfile import MapFile
from advisor.parameter import NAMES, misspelt
from advisor.postconf import from_text, read
from tests.conftest import ROOT

OWN = "permit_mynetworks, permit_sasl_authenticated"
GOOD = f"""\
compatibility_level = 3.6
mynetworks = 127.0.0.0/8, [::1]/128, 192.0.2.0/28
smtpd_helo_required = yes
smtpd_helo_restrictions = {OWN}, check_helo_access hash:/etc/postfix/helo_access, reject_invalid_helo_hostname
smtpd_sender_restrictions = {OWN}, reject_unknown_sender_domain, reject_unknown_reverse_client_hostname
smtpd_relay_restrictions = {OWN}, reject_unauth_destination
smtpd_recipient_restrictions = {OWN}, reject_unauth_destination,
  check_policy_service unix:private/policyd-spf, check_policy_service unix:postgrey/socket,
  reject_rhsbl_sender dbl.spamhaus.org=127.0.1.[2..99], reject_rbl_client zen.spamhaus.org=127.0.0.[2..11]
policyd-spf_time_limit = 3600s
"""
MASTER = "smtp inet n - y - - smtpd\npolicyd-spf unix - n n - 0 spawn user=nobody argv=/usr/bin/policyd-spf\n"


def found(tmp_path: Path, main: str, master: str = MASTER) -> list[tuple[int, str, str]]:
    (tmp_path / "main.cf").write_text(main)
    (tmp_path / "master.cf").write_text(master)
    said = deviations(read(tmp_path))
    assert all(each.text.endswith((".", "?")) for each in said), said
    return [(each.tip, each.severity, each.text) for each in said]


def test_what_follows_the_tips_deviates_in_nothing(tmp_path: Path) -> None:
    assert found(tmp_path, GOOD) == []
    assert deviations(read(ROOT / "sample_logs" / "main.cf")) == ()


@pytest.mark.parametrize(
    ("old", "new", "tip", "severity", "says"),
    [
        ("smtpd_helo_required = yes", "", 2, "fix", "smtpd_helo_required = no: a client that sends no HELO passes it"),
        (
            "check_helo_access hash:/etc/postfix/helo_access, reject_invalid_helo_hostname",
            "reject_invalid_helo_hostname, check_helo_access hash:/etc/postfix/helo_access",
            2,
            "note",
            "comes too late for it",
        ),
        (
            "reject_unknown_reverse_client_hostname",
            "reject_unknown_reverse_client_hostname, reject_unknown_client_hostname",
            3,
            "note",
            "which refuses all that reject_unknown_reverse_client_hostname refuses",
        ),
        ("=127.0.0.[2..11]", "", 6, "fix", "write reject_rbl_client zen.spamhaus.org=127.0.0.[2..11]."),
        ("=127.0.1.[2..99]", "", 6, "fix", "write reject_rhsbl_sender dbl.spamhaus.org=127.0.1.[2..99]."),
        (
            "=127.0.1.[2..99], reject_rbl_client zen.spamhaus.org=127.0.0.[2..11]",
            ", reject_rbl_client abc.zen.dq.spamhaus.net, reject_rbl_client other.example",
            6,
            "fix",
            "dbl.spamhaus.org=127.0.1.[2..99], reject_rbl_client abc.zen.dq.spamhaus.net=127.0.0.[2..11].",
        ),
        (
            f"recipient_restrictions = {OWN}, reject",
            "recipient_restrictions = permit_mynetworks, reject",
            6,
            "fix",
            "without permit_sasl_authenticated before it: your own users on dial-up lines",
        ),
        (
            "policyd-spf, check_policy_service unix:postgrey/socket",
            "x, check_policy_service inet:127.0.0.1:10023, check_policy_service unix:private/policyd-spf",
            5,
            "note",
            "put SPF before greylisting",
        ),
        ("policyd-spf_time_limit = 3600s", "", 6, "fix", "set policyd-spf_time_limit = 3600s"),
        ("unix:private/policyd-spf", "unix:private/spf", 6, "fix", "master.cf has no service spf"),
        (f"{OWN}, reject_unauth_destination,\n", f"{OWN},\n", 6, "note", "only smtpd_relay_restrictions keeps the"),
        (
            "reject_unknown_sender_domain",
            "permit, reject_unknown_sender_domain",
            4,
            "fix",
            "has reject_unknown_sender_domain behind permit",
        ),
        ("192.0.2.0/28", "192.0.0.0/6", 0, "fix", "mynetworks has 192.0.0.0/6"),
        ("compat", "soft_bounce = yes\ncompat", 0, "fix", "turns every 5xx into a 4xx"),
        ("compat", "smtpd_delay_reject = no\ncompat", 0, "note", "refuses before the recipient is known"),
        ("compat", "unknown_client_reject_code = 550\ncompat", 3, "note", "bounces at once"),
        ("compat", "smtpd_reject_unlisted_recipient = no\ncompat", 0, "fix", "bounces it to forged senders"),
        ("compat", "smtpd_helo_required = no\ncompat", 0, "fix", "smtpd_helo_required is set 2 times"),
        (
            "compat",
            "smtpd_reciepient_restrictions = reject\ncompat",
            0,
            "fix",
            "did you mean smtpd_recipient_restrictions?",
        ),
        ("compat", "postscreen_greet_action = enforce\ncompat", 0, "fix", "master.cf runs no postscreen at port 25"),
    ],
)
def test_each_deviation_is_found(tmp_path: Path, old: str, new: str, tip: int, severity: str, says: str) -> None:
    assert old in GOOD
    said = found(tmp_path, GOOD.replace(old, new, 1))

    assert [(one, other) for one, other, text in said if says in text] == [(tip, severity)], said


def test_no_relay_control_at_all(tmp_path: Path) -> None:
    main = f"smtpd_relay_restrictions =\nsmtpd_recipient_restrictions = {OWN}\n"

    assert "so smtpd does not start" in found(tmp_path, main)[0][2]
    # Postfix before 3.0 has relay control by default, and no compatibility_level.
    assert found(tmp_path, f"smtpd_recipient_restrictions = {OWN}\n") == []
    assert found(tmp_path, main + "smtpd_relay_restrictions = reject_unauth_destination\n")[0][2].endswith("leave one.")


def test_a_list_that_something_refers_to_is_no_slip(tmp_path: Path) -> None:
    for main, master in (
        ("smtpd_mua_client_restrictions = reject\nx = $smtpd_mua_client_restrictions\n", MASTER),
        ("smtpd_etrn_restrictions = reject\n", MASTER),
        (
            "smtpd_restriction_classes = smtpd_client_restrictions_2, smtpd_own_client_restrictions\n"
            "smtpd_own_client_restrictions = reject_unauth_pipelining\n",
            MASTER,
        ),
        (
            "smtpd_mua_client_restrictions = reject\n",
            MASTER + "587 inet n - y - - smtpd -o a=$smtpd_mua_client_restrictions\n",
        ),
    ):
        assert found(tmp_path, GOOD + main, master) == []


def test_a_service_that_does_not_ask_the_lists_is_told_once_for_all_tips(tmp_path: Path) -> None:
    said = found(tmp_path, GOOD, MASTER.replace("smtpd\n", "smtpd -o smtpd_sender_restrictions=\n"))

    (only,) = said
    assert only[:2] == (1, "fix")  # of tips 1 and 4
    assert "postconf -PX smtp/inet/smtpd_sender_restrictions" in only[2]


def test_a_table_that_is_not_there() -> None:
    table = "hash:/etc/postfix/helo_access"
    config = from_text(GOOD, "main.cf")
    (only,) = deviations(config, {table: MapFile(table, needs_postmap=True, source=1.0, built=None)})

    assert only.finding.severity == "fix"
    assert only.finding.text.startswith("Tip 2: smtpd_helo_restrictions has check_helo_access hash:")


def test_what_opens_a_relay_is_told_by_problems_alone() -> None:
    config = from_text("smtpd_recipient_restrictions = check_policy_service unix:postgrey/socket, reject\n", "main.cf")

    assert sum("opens a relay" in each for each in config.problems()) == 1
    assert not [each for each in deviations(config) if "opens a relay" in each.text]


def test_each_parameter_of_the_installed_postfix_is_known() -> None:
    told = subprocess.run(["postconf", "-d"], capture_output=True, text=True, check=True).stdout
    installed = [line.partition(" =")[0] for line in told.splitlines()]
    assert len(installed) > 900
    assert [*misspelt(installed)] == []
    assert not [name for name in installed if name not in NAMES and not name.endswith(("_limit", "_delay", "_slots"))
                and "_destination_" not in name and "_delivery_slot_" not in name]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (
            "smtpd_helo_require = yes",
            "Postfix has no smtpd_helo_require that we know of, and nothing here refers to it, so it does nothing",
        ),
        ("mynetwork = 192.0.2.0/24", "did you mean mynetworks?"),
        ("policyd-spf_time_limits = 1", ""),
        ("slow_destination_concurrency_limit = 1", ""),
        ("my_own_thing = yes", ""),
        ("mynetwork = 192.0.2.0/24\nrelay_domains = $mynetwork", ""),
        ("relay_domains = $my_domains, ${other?x}, $$dollar", "relay_domains has $my_domains, which is set nowhere"),
        ("relay_domains = $(mydomain), ${myhostname}, $virtual_alias_maps", ""),
    ],
)
def test_names_of_nothing(tmp_path: Path, line: str, says: str) -> None:
    said = [text for _, _, text in found(tmp_path, f"{GOOD}{line}\n")]
    assert len(said) == bool(says)
    assert says in "".join(said)
