"""`advisor system`: the machine around Postfix, from small trees, real packages, and a real BIND for the outside."""

import hashlib
import json
import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from advisor import asking, bind, milter, outside, policy_service, resolv
from advisor.checkup import FIX, NOTE, OK, UNKNOWN, Checkup, Machine
from advisor.commands.system import system as command
from advisor.endpoint import asked_at, served_at, spelled
from advisor.errors import AdvisorError
from advisor.inspection import Inspection, as_json, inspected, machine_of, system, terminal
from advisor.release import DEBIAN, OTHER, RHEL, release
from advisor.reports.visible import visible
from advisor.resolver import Patience, Server
from advisor.response import FOUND, NO_SUCH_NAME, TEMPORARY, Response, Responses
from advisor.tree import Sketch, Tree
from tests.conftest import real
from tests.named import free_port, named

SYSTEMS = Path(__file__).parent / "systems"
QUICK = Patience(waits=(0.5, 0.5), pauses=())


def found(where: Inspection | list[Checkup]) -> dict[str, str]:
    """Name and severity of each checkup; the worst where a name stands twice."""
    worst: dict[str, str] = {}
    for each in where.checkups if isinstance(where, Inspection) else where:
        if worst.get(each.name) in (None, OK):
            worst[each.name] = each.severity
    return worst


def sketch(texts: Mapping[str, str]) -> Machine:
    return machine_of(Sketch(texts))


def changed(name: str, path: str, change: Callable[[str], str]) -> Machine:
    """One of the trees with one file changed; a file that was not there begins empty."""
    root = SYSTEMS / name
    texts = {str(file.relative_to(root)): file.read_text() for file in root.rglob("*") if file.is_file()}
    return sketch({**texts, path: change(texts.get(path, ""))})


def test_the_article_to_the_letter() -> None:
    assert found(system(SYSTEMS / "rhel7")) == {
        "postgrey": FIX,
        "policyd-spf": FIX,
        "policyd-spf.time_limit": FIX,
        "policyd-spf.order": NOTE,
        "opendmarc.TrustedAuthservIDs": FIX,
        "opendmarc.IgnoreAuthenticatedClients": FIX,
        "opendmarc.RejectFailures": OK,
        "opendmarc.RequiredHeaders": FIX,
        "opendkim.milter": OK,
        "opendmarc.milter": OK,
        "milter.order": FIX,
        "resolver": FIX,
        "bind.forwarders": FIX,
        "resolver.default": NOTE,
        "bind.options": FIX,
    }


def test_nothing_to_do_where_all_is_well() -> None:
    inspection = system(SYSTEMS / "rhel9")
    assert set(found(inspection).values()) == {OK}
    assert {each.tip for each in inspection.checkups} == {5, 6, 7, 8, 9, 10}
    assert not any(each.todo for each in inspection.checkups)


def test_a_chrooted_postfix_on_debian() -> None:
    inspection = system(SYSTEMS / "debian12")
    severities = found(inspection)
    assert severities["postgrey"] == severities["opendkim.milter"] == severities["resolver.chroot"] == FIX
    assert severities["resolver"] == FIX
    typed = [line for each in inspection.checkups for line in each.todo]
    assert "apt install bind9" in typed
    assert "Socket local:/var/spool/postfix/opendkim/opendkim.sock" in typed
    assert "check_policy_service inet:127.0.0.1:10023" in typed


@pytest.mark.parametrize(
    ("text", "family", "major", "lines"),
    [
        ('ID="rhel"\nVERSION_ID="7.9"', RHEL, 7, "yum install bind"),
        ('ID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="8.10"', RHEL, 8, "dnf install bind"),
        ('ID="almalinux"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.4"', RHEL, 9, "dnf install bind"),
        ("ID=rhel\nVERSION_ID=10.0", RHEL, 10, "dnf install bind"),
        ("ID=debian\nVERSION_ID='12'", DEBIAN, 12, "apt install bind9"),
        ("ID=ubuntu\nID_LIKE=debian\nVERSION_ID=24.04", DEBIAN, 24, "apt install bind9"),
        ("ID=arch", OTHER, 0, "# look for bind among the packages of your system"),
        ("", OTHER, 0, "# look for bind among the packages of your system"),
    ],
)
def test_releases_are_told_apart(text: str, family: str, major: int, lines: str) -> None:
    one = release(Sketch({"usr/lib/os-release": text}))
    assert (one.family, one.major) == (family, major)
    assert one.install("bind") == (lines,)


def test_a_package_that_we_have_not_seen_is_looked_for() -> None:
    ten = release(Sketch({"etc/os-release": "ID=rhel\nVERSION_ID=10.0"}))
    seven = release(Sketch({"etc/os-release": "ID=centos\nVERSION_ID=7"}))
    assert ten.install("postgrey")[-1].startswith("dnf search postgrey ")
    assert seven.install("policyd-spf")[-1] == "yum install pypolicyd-spf"


def test_the_default_resolver_is_set_where_the_release_keeps_it() -> None:
    lines = {name: " ".join(resolv.default_lines(machine_of(Tree(SYSTEMS / name)))) for name in ("rhel7", "rhel10")}
    assert "ifcfg-NAME" in lines["rhel7"]
    assert "nmcli" in lines["rhel10"]
    assert "ifcfg" not in lines["rhel10"]
    assert "resolved.conf" in " ".join(resolv.default_lines(machine_of(Tree(SYSTEMS / "debian12"))))


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        ("nameserver 127.0.0.1\n", NOTE),
        ("nameserver ::1\n", NOTE),
        ("", NOTE),
        ("nameserver 127.0.0.1\nnameserver 8.8.8.8\n", FIX),
        ("nameserver 2606:4700:4700::1111\n", FIX),
        ("nameserver 192.0.2.1\n", NOTE),
        ("nameserver dns.example\n", FIX),
        ("nameserver 127.0.0.53\n", UNKNOWN),
        ("nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\nnameserver 8.8.8.8\n", NOTE),
    ],
)
def test_resolvers(text: str, severity: str) -> None:
    assert next(iter(resolv.checkups(sketch({"etc/resolv.conf": text})))).severity == severity


def test_a_local_resolver_is_well_where_one_is_configured() -> None:
    texts = {"etc/resolv.conf": "nameserver 127.0.0.1\n", "etc/unbound/unbound.conf": "server:\n"}
    assert next(iter(resolv.checkups(sketch(texts)))).severity == OK


def test_a_resolv_conf_outside_the_copy_is_not_known(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/resolv.conf").symlink_to("../run/systemd/resolve/stub-resolv.conf")
    inspection = system(tmp_path)
    assert found(inspection)["resolver"] == UNKNOWN
    assert "stub-resolv.conf" in terminal(inspection, visible)


_ROUTE = f"{'0' * 32} 00 {'0' * 32} 00 fe80{'0' * 27}1 00000400 00000001 00000000 {{}} {{:>8}}\n"
_SOME, _NONE = _ROUTE.format("00000003", "eth0"), _ROUTE.format("00200200", "lo")
_UNREACHABLE = _ROUTE.format("00200200", "eth0")


@pytest.mark.parametrize(
    ("options", "routes", "severity"),
    [
        ('OPTIONS="-4"', _NONE, OK),
        ('OPTIONS="-u named -4"', "", OK),
        ('OPTIONS="-u named"', _NONE, FIX),
        ("", _NONE, FIX),
        ("", _UNREACHABLE, FIX),
        ('OPTIONS="-4"', _SOME, NOTE),
        ('OPTIONS="-u named"', _SOME, OK),
        ('OPTIONS="-u named"', None, UNKNOWN),
        ('OPTIONS="-4"', None, OK),
        ('OPTIONS= "-4"', _NONE, FIX),
        ('# OPTIONS="-4"', _NONE, FIX),
    ],
)
def test_bind_over_ipv4(options: str, routes: str | None, severity: str) -> None:
    texts = {"etc/named.conf": "", "etc/sysconfig/named": options + "\n"}
    if routes is not None:
        texts["proc/net/ipv6_route"] = routes
    (one,) = bind.checkups(sketch(texts))
    assert one.severity == severity
    if severity == FIX:
        # what is advised is well
        wanted = next(line for line in one.todo if line.startswith("OPTIONS="))
        (again,) = bind.checkups(sketch({**texts, "etc/sysconfig/named": wanted}))
        assert again.severity == OK
        assert ("-u named" in wanted) == ("-u named" in options)


def test_without_bind_nothing_is_said_of_it() -> None:
    assert not list(bind.checkups(sketch({"etc/sysconfig/named": 'OPTIONS="-4"'})))


@pytest.mark.parametrize(
    ("asked", "served", "chroot"),
    [
        ("inet:127.0.0.1:8891", "inet:8891@localhost", False),
        ("inet:localhost:8891", "inet:8891", True),
        ("inet:[::1]:8891", "inet6:8891@::1", False),
        ("unix:/var/run/opendkim/opendkim.sock", "local:/run/opendkim/opendkim.sock", False),
        ("unix:opendkim/opendkim.sock", "local:/var/spool/postfix/opendkim/opendkim.sock", False),
        ("unix:/opendkim/opendkim.sock", "local:/var/spool/postfix/opendkim/opendkim.sock", True),
        ("inet:192.0.2.1:8891", "inet:8891@192.0.2.1", False),
    ],
)
def test_endpoints_agree(asked: str, served: str, chroot: bool) -> None:
    place = served_at(served)
    assert asked_at(asked, "/var/spool/postfix", chroot=chroot) == place
    assert asked_at(spelled(place, "/var/spool/postfix", chroot=chroot), "/var/spool/postfix", chroot=chroot) == place


def test_a_chroot_hides_what_lies_outside() -> None:
    assert asked_at("unix:/run/x", "/var/spool/postfix", chroot=True) == "/var/spool/postfix/run/x"
    assert not spelled("/run/x", "/var/spool/postfix", chroot=True)


@pytest.mark.parametrize(
    ("path", "before", "after", "name", "severity"),
    [
        ("etc/postfix/main.cf", "policyd-spf_time_limit = 3600s\n", "", "policyd-spf.time_limit", FIX),
        ("etc/postfix/main.cf", "reject_unauth_destination,", "smtpd_relay_restrictions,", "postgrey", OK),
        ("etc/postfix/main.cf", "unix:postgrey/socket", "inet:127.0.0.1:10023", "postgrey", NOTE),
        ("etc/postfix/main.cf", "unix:postgrey/socket", "unix:private/postgrey", "postgrey", FIX),
        ("etc/postfix/main.cf", "check_policy_service unix:private/policyd-spf,", "", "policyd-spf", NOTE),
        ("etc/postfix/main.cf", "check_policy_service unix:po", "warn_if_reject &", "postgrey", NOTE),
        ("etc/postfix/main.cf", "check_policy_service unix:po", "permit, &", "postgrey", NOTE),
        ("etc/postfix/main.cf", "inet:localhost:8891, inet:localhost:8893", "", "opendkim.milter", NOTE),
        ("etc/postfix/master.cf", "policyd-spf", "policyd-x", "policyd-spf", FIX),
        ("etc/postfix/master.cf", "user=nobody", "", "policyd-spf.user", FIX),
        ("etc/python-policyd-spf/policyd-spf.conf", "TestOnly = 1", "TestOnly = 0", "policyd-spf.testonly", NOTE),
        ("etc/opendmarc.conf", "RejectFailures true", "", "opendmarc.RejectFailures", NOTE),
        ("etc/opendmarc.conf", "IgnoreAuthenticatedClients true", "", "opendmarc.IgnoreAuthenticatedClients", FIX),
        ("etc/opendmarc.conf", "mail.example.org", "OTHER", "opendmarc.TrustedAuthservIDs", FIX),
        ("etc/opendmarc.conf", "mail.example.org", "HOSTNAME", "opendmarc.TrustedAuthservIDs", OK),
        ("etc/opendmarc.conf", "Socket inet:8893@localhost", "", "opendmarc.milter", UNKNOWN),
        ("etc/postfix/main.cf", "myhostname = mail.example.org", "", "opendmarc.TrustedAuthservIDs", UNKNOWN),
    ],
)
def test_each_thing_that_can_be_wrong(path: str, before: str, after: str, name: str, severity: str) -> None:
    whole = (SYSTEMS / "rhel9" / path).read_text()
    assert before in whole
    machine = changed("rhel9", path, lambda text: text.replace(before, after.replace("&", before)))
    looked = [*policy_service.checkups(machine), *milter.checkups(machine)]
    assert found(looked).get(name) == severity


def test_the_lines_that_close_a_relay_do_so() -> None:
    main = "etc/postfix/main.cf"
    before = changed("rhel7", main, lambda text: text)
    (todo,) = {each.todo for each in policy_service.checkups(before) if each.name == "postgrey"}
    # what a shell makes of them is what main.cf then says
    said = subprocess.run(
        ["sh", "-c", "\n".join(('postconf() { echo "$2"; }', "postfix() { :; }", *todo))],
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    after = changed("rhel7", main, lambda text: text.replace("smtpd_relay_restrictions =", said))
    assert found(list(policy_service.checkups(after)))["postgrey"] == OK


def test_a_service_that_is_not_installed_defers_all_mail() -> None:
    main = "smtpd_recipient_restrictions = reject_unauth_destination, check_policy_service unix:postgrey/socket\n"
    texts = {"etc/os-release": "ID=centos\nVERSION_ID=8", "etc/postfix/main.cf": main}
    assert found(list(policy_service.checkups(sketch(texts))))["postgrey"] == FIX


def test_what_cannot_be_read_is_said_and_the_rest_goes_on() -> None:
    broken = "smtpd_recipient_restrictions = check_policy_service\nsmtpd_milters = {\n"
    texts = {"etc/postfix/main.cf": broken, "etc/opendkim.conf": "Socket inet:1@localhost\n", "etc/resolv.conf": ""}
    severities = [(each.name, each.severity) for each in inspected(sketch(texts))]
    assert severities.count(("unreadable", UNKNOWN)) == 2
    assert ("resolver", NOTE) in severities


def test_what_may_not_be_read_is_not_taken_for_missing() -> None:
    tree = Sketch({"etc/resolv.conf": ""})
    tree.unreadable |= {"etc/opendkim.conf", "etc/postfix/main.cf"}
    looked = list(inspected(machine_of(tree)))
    said = {each.name: (each.severity, each.what) for each in looked}
    assert said["unreadable"] == (UNKNOWN, "/etc/opendkim.conf may not be read")
    assert said["main.cf"] == (UNKNOWN, "/etc/postfix/main.cf may not be read")
    assert "opendkim" not in said


def test_nothing_is_written_and_links_stay_within_the_root(tmp_path: Path) -> None:
    root, other = tmp_path / "root", tmp_path / "other"
    (root / "etc").mkdir(parents=True)
    other.mkdir()
    (other / "os-release").write_text('PRETTY_NAME="outside"\n')
    (root / "etc/os-release").symlink_to(other / "os-release")
    (root / "etc/resolv.conf").symlink_to("resolv.conf")
    os.mkfifo(root / "etc/opendkim.conf")
    (root / "etc/named.conf").symlink_to("../../../../../../../../../../../../other/os-release")
    before = _digest(tmp_path)
    text = terminal(system(root), visible)
    assert "outside" not in text
    assert _digest(tmp_path) == before


def _digest(folder: Path) -> str:
    names = sorted(str(path) + str(path.lstat().st_mtime_ns) for path in folder.rglob("*"))
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


_PATHS = (
    *("etc/os-release", "etc/resolv.conf", "etc/named.conf", "etc/sysconfig/named", "proc/net/ipv6_route"),
    *("etc/postfix/main.cf", "etc/postfix/master.cf", "etc/default/postgrey", "etc/sysconfig/postgrey"),
    *("etc/opendkim.conf", "etc/opendmarc.conf"),
)
_TEXTS = [file.read_text() for file in sorted(SYSTEMS.rglob("etc/**/*")) if file.is_file()]


@given(st.dictionaries(st.sampled_from(_PATHS), st.text(max_size=200) | st.sampled_from(_TEXTS)))
def test_any_files_end_in_printable_text(texts: dict[str, str]) -> None:
    machine = sketch(texts)
    text = terminal(Inspection("/", machine.release, tuple(inspected(machine))), visible)
    assert all(letter.isprintable() for letter in text.replace("\n", ""))


@pytest.mark.parametrize("name", ["rhel7", "rhel9", "rhel10", "debian12"])
def test_the_terminal_keeps_to_its_width_wherever_the_files_lie(name: str) -> None:
    found = system(SYSTEMS / name)
    for root in ("/", found.root, f"/{'a-folder' * 9}", "/" + "x" * 300):
        text = terminal(replace(found, root=root), visible)
        assert max(map(len, text.splitlines())) <= 80, text
        assert "\x1b" not in text
    assert "\x1b[31;1m[FIX] \x1b[0m" in terminal(system(SYSTEMS / "rhel7"), visible, color=True)


def test_the_command(tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(command)
    text = CliRunner().invoke(app, ["--root", str(SYSTEMS / "rhel9")])
    assert (text.exit_code, "0 to fix, 0 to consider" in text.output) == (0, True)
    said = CliRunner().invoke(app, ["--root", str(tmp_path), "--format", "json"])
    assert json.loads(said.output)["counts"]["unknown"] == 2
    assert isinstance(CliRunner().invoke(app, ["--format", "html"]).exception, AdvisorError)


def test_json_is_for_programs() -> None:
    said = json.loads(as_json(system(SYSTEMS / "rhel7")))
    assert said["schema"] == 1
    assert said["resolver"] is None
    assert sum(said["counts"].values()) == len(said["checkups"])
    assert set(said["checkups"][0]) == {"severity", "tip", "name", "what", "why", "todo"}


@pytest.mark.parametrize(
    ("options", "where"),
    [
        ({"root": Path("/nonexistent")}, "--root"),
        ({"root": SYSTEMS / "rhel9", "resolver": "127.0.0.1"}, "--resolver"),
        ({"root": SYSTEMS / "rhel9", "ask": "localhost"}, "--ask"),
        ({"root": SYSTEMS / "rhel9", "ask": "a b.example"}, "--ask"),
    ],
)
def test_wrong_options_are_errors(options: dict[str, object], where: str) -> None:
    with pytest.raises(AdvisorError) as error:
        system(**options)  # type: ignore[arg-type]  # a row of the table above
    assert error.value.where == where


# The view from outside, from answers that are given.

ME = outside.Identity("mail.example.org", "example.org", (), (("mail", "example.org"),))
NOW = datetime(2026, 11, 22, tzinfo=UTC)
GOOD = {
    ("mail.example.org", "A"): ("192.0.2.25",),
    ("25.2.0.192.in-addr.arpa", "PTR"): ("mail.example.org",),
    ("example.org", "MX"): ("10 mail.example.org",),
    ("example.org", "TXT"): ("v=spf1 ip4:192.0.2.25 -all",),
    ("mail._domainkey.example.org", "TXT"): ("v=DKIM1; k=rsa; p=MIGf",),
    ("_dmarc.example.org", "TXT"): ("v=DMARC1; p=reject",),
}


def answered(records: Mapping[tuple[str, str], tuple[str, ...]], lost: tuple[tuple[str, str], ...] = ()) -> Responses:
    """Answer whatever is asked, from records; what is lost gets no answer."""
    dns = Responses()
    for _ in range(20):
        wanted = outside.missing(ME, dns)
        if not wanted:
            return dns
        for name, kind in wanted:
            values = records.get((name, kind), ())
            status = TEMPORARY if (name, kind) in lost else FOUND if values else NO_SUCH_NAME
            dns.add(Response(name, kind, status, values if status == FOUND else (), NOW))
    raise AssertionError(wanted)


def test_a_server_that_passes_elsewhere() -> None:
    names = ("own.helo", "own.ptr", "own.mx", "own.spf", "own.dkim", "own.dmarc")
    assert found(list(outside.checkups(ME, answered(GOOD)))) == dict.fromkeys(names, OK)


@pytest.mark.parametrize(
    ("question", "values", "name", "severity"),
    [
        (("25.2.0.192.in-addr.arpa", "PTR"), (), "own.ptr", FIX),
        (("25.2.0.192.in-addr.arpa", "PTR"), ("other.example.org",), "own.ptr", FIX),
        (("example.org", "TXT"), (), "own.spf", FIX),
        (("example.org", "TXT"), ("v=spf1 -all",), "own.spf", FIX),
        (("example.org", "MX"), (), "own.mx", FIX),
        (("mail._domainkey.example.org", "TXT"), (), "own.dkim", FIX),
        (("mail._domainkey.example.org", "TXT"), ("v=DKIM1; p=",), "own.dkim", FIX),
        (("_dmarc.example.org", "TXT"), (), "own.dmarc", NOTE),
        (("_dmarc.example.org", "TXT"), ("v=DMARC1; p=nonsense",), "own.dmarc", FIX),
        (("mail.example.org", "A"), (), "own.helo", FIX),
    ],
)
def test_what_others_would_object_to(
    question: tuple[str, str], values: tuple[str, ...], name: str, severity: str
) -> None:
    assert found(list(outside.checkups(ME, answered({**GOOD, question: values}))))[name] == severity


@pytest.mark.parametrize("question", sorted(GOOD))
def test_an_answer_that_did_not_come_is_never_an_objection(question: tuple[str, str]) -> None:
    severities = found(list(outside.checkups(ME, answered(GOOD, lost=(question,)))))
    assert FIX not in severities.values()
    assert UNKNOWN in severities.values()


def test_the_identity_is_read() -> None:
    table = "mail._domainkey.example.org example.org:mail:/etc/opendkim/keys/mail.private\n# x y:z:/\n"
    texts = {
        "etc/postfix/main.cf": (
            "myhostname = mx.example.org\nsmtp_helo_name = mail.$mydomain\nproxy_interfaces = 192.0.2.25\n"
        ),
        "etc/opendkim.conf": "KeyTable refile:/etc/opendkim/KeyTable\n",
        "etc/opendkim/KeyTable": table,
    }
    who = outside.identity(sketch(texts), "example.org")
    assert who == outside.Identity("mail.example.org", "example.org", ("192.0.2.25",), (("mail", "example.org"),))
    assert outside.identity(sketch({"etc/hostname": "mx.example.org\n"}), "example.org").helo == "mx.example.org"


# The same with a real BIND, and real packages.

_LISTS = "2.0.0.127 A 127.0.0.2\n"


@pytest.mark.integration
def test_a_real_resolver_is_asked(tmp_path: Path) -> None:
    own = (
        '@ MX 10 mail\nmail A 192.0.2.25\n@ TXT "v=spf1 mx -all"\n_dmarc TXT "v=DMARC1; p=reject"\n'
        'mail._domainkey TXT "v=DKIM1; p=MIGf"\n'
    )
    zones = {"example.org": own, "2.0.192.in-addr.arpa": "25 PTR mail.example.org.\n", "zen.spamhaus.org": _LISTS}
    with named(tmp_path / "named", zones) as server:
        inspection = system(SYSTEMS / "rhel9", ask="example.org", resolver=str(server), patience=QUICK)
    severities = found(inspection)
    assert set(severities.values()) == {OK}, severities
    assert {"own.ptr", "own.spf", "resolver.answers", "resolver.blocklists"} <= set(severities)
    assert inspection.resolver == str(server)


@pytest.mark.integration
def test_a_list_that_refuses_the_resolver(tmp_path: Path) -> None:
    zones = {"zen.spamhaus.org": "* A 127.255.255.254\n", "example.org": "mail A 192.0.2.25\n"}
    with named(tmp_path / "named", zones) as server:
        inspection = system(SYSTEMS / "rhel9", ask="example.org", resolver=str(server), patience=QUICK)
    severities = found(inspection)
    assert severities["resolver.blocklists"] == FIX
    assert severities["own.spf"] == FIX
    # nobody answers for the reverse zone, which is no objection
    assert severities["own.ptr"] == UNKNOWN


def test_a_resolver_that_does_not_answer() -> None:
    silent = Server("127.0.0.1", free_port())
    inspection = system(SYSTEMS / "rhel9", ask="example.org", resolver=str(silent), patience=QUICK)
    assert found(inspection)["resolver.answers"] == FIX
    assert found(inspection)["own"] == UNKNOWN


def test_speed_is_told() -> None:
    slow = asking.Asked("192.0.2.53", answered(GOOD), (0.1, 2.0, 3.0))
    assert found(list(asking.checkups(slow))) == {"resolver.answers": NOTE}


@pytest.mark.integration
def test_debians_own_files_are_understood() -> None:
    for program in ("postgrey", "opendkim", "opendmarc"):
        real(program)
    files = ("os-release", "default/postgrey", "opendkim.conf", "opendmarc.conf")
    texts = {f"etc/{name}": Path("/etc", name).read_text() for name in files if Path("/etc", name).exists()}
    assert len(texts) == len(files)
    texts["etc/postfix/main.cf"] = (
        "compatibility_level = 3.6\nmyhostname = mail.example.org\n"
        "smtpd_recipient_restrictions = reject_unauth_destination, check_policy_service inet:127.0.0.1:10023\n"
        "smtpd_milters = unix:/run/opendkim/opendkim.sock, unix:/run/opendmarc/opendmarc.sock\n"
    )
    texts["etc/postfix/master.cf"] = "smtp inet n - n - - smtpd\n"
    machine = sketch(texts)
    severities = found([*policy_service.checkups(machine), *milter.checkups(machine)])
    assert machine.release.family == DEBIAN
    assert severities["postgrey"] == severities["opendkim.milter"] == severities["opendmarc.milter"] == OK
    assert severities["opendmarc.TrustedAuthservIDs"] == OK
    assert severities["opendmarc.RejectFailures"] == NOTE
