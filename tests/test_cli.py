"""The commands as a person types them: what they print, where, and the exit code."""

import csv
import gzip
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq
import pytest

from advisor import __main__, __version__
from advisor.event import VERSION
from advisor.reasons import BY_NAME as REASONS
from advisor.restrictions import CATALOGUE, TIPS
from tests.conftest import LAB, MONTH, ROOT, lab_log

NAMES = sorted(path.name.partition(".")[0] for path in LAB.glob("*.gz"))
MAIN_CF = ROOT / "sample_logs" / "main.cf"


class Ran(NamedTuple):
    code: int
    out: str
    err: str


class Advisor:
    """Runs a command in this process: as `main()` does, with what it writes caught."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
        self.monkeypatch, self.capture = monkeypatch, capfdbinary

    def __call__(self, *arguments: str | Path) -> Ran:
        self.monkeypatch.setattr(sys, "argv", ["advisor", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            __main__.main()
        sys.stdout.flush()
        out, err = self.capture.readouterr()
        assert isinstance(ended.value.code, int)
        return Ran(ended.value.code, out.decode(), err.decode())


@pytest.fixture
def advisor(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Advisor:
    monkeypatch.setenv("TZ", "UTC")
    return Advisor(monkeypatch, capfdbinary)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "ok.maillog-20261122"
    path.write_bytes(b"".join(lab_log("spf").splitlines(keepends=True)[:600]))
    return path


def one_line(ran: Ran) -> str:
    """The one line on stderr of an error."""
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("advisor: ")
    assert ran.err.count("\n") == 1
    return ran.err


@pytest.mark.parametrize("name", NAMES)
def test_a_report_accounts_for_every_line(advisor: Advisor, name: str) -> None:
    path = LAB / f"{name}.maillog-20261122.gz"
    lines = lab_log(name).count(b"\n")
    coverage = json.loads(advisor("report", "--format", "json", path).out)["coverage"]

    assert coverage["lines"] == lines
    assert lines == coverage["events"] + coverage["ignored"] + coverage["unrecognised"]
    assert coverage["unrecognised"] == 0

    said = advisor("report", path).out
    assert f"{lines:,} lines = {coverage['events']:,} events + {coverage['ignored']:,} ignored + 0 unrecognised" in said


@pytest.mark.parametrize("name", NAMES)
def test_ingest_twice_is_ingest_once(advisor: Advisor, name: str, tmp_path: Path) -> None:
    store = tmp_path / "store"
    plain = tmp_path / "maillog.1"
    plain.write_bytes(lab_log(name))
    path = LAB / f"{name}.maillog-20261122.gz"

    assert advisor("ingest", path, "--store", store).code == 0
    before = {part.name: part.read_bytes() for part in store.glob("*.parquet")}
    again = advisor("ingest", path, plain, "--store", store)

    assert again.out.startswith("0 lines added ")
    assert {part.name: part.read_bytes() for part in store.glob("*.parquet")} == before
    stored = json.loads(advisor("report", "--format", "json", "--store", store).out)
    read = json.loads(advisor("report", "--format", "json", path).out)
    assert stored == read


def test_the_first_report_has_hosts_and_lines_to_type(advisor: Advisor) -> None:
    ran = advisor("report", ROOT / "sample_logs", "--config", MAIN_CF)

    assert (ran.code, ran.err) == (0, "")
    for name in TIPS:
        assert name in ran.out
    assert "203.0.113.10 OK\n" in ran.out
    assert "\n    warn_if_reject reject_unknown_reverse_client_hostname\n" in ran.out
    assert "\npostfix check && postfix reload\n" in ran.out
    assert max(map(len, ran.out.splitlines())) < 250
    assert "\x1b" not in ran.out


def test_json_has_what_other_programs_build_on(advisor: Advisor) -> None:
    found = json.loads(advisor("report", "--format", "json", MONTH, "--config", MAIN_CF).out)

    assert found["schema"] == 1
    assert found["period"] == {"start": "2026-10-01T00:26:09+00:00", "end": "2026-10-31T22:43:57+00:00"}
    assert set(found["coverage"]) == {"lines", "events", "ignored", "unrecognised", "ignored_by_program"}
    assert sum(found["coverage"]["ignored_by_program"].values()) == found["coverage"]["ignored"]
    attempts = found["attempts"]
    assert attempts["outside"] == attempts["accepted"] + attempts["rejected"] + attempts["deferred"]
    assert attempts["total"] == attempts["outside"] + attempts["authenticated"] + attempts["own_network"]
    assert [one["name"] for one in found["restrictions"] if one["rank"]] == [
        one["name"] for one in sorted(found["restrictions"], key=lambda one: one["rank"] or 9) if one["rank"]
    ]
    assert {one["name"] for one in found["restrictions"]} == set(TIPS)
    for one in found["restrictions"]:
        assert {"state", "recommendation", "stopped", "hurt", "undecided", "no_evidence", "marginal"} < set(one)
        assert set(one["stopped"]) == {"attempts", "messages", "clients"}
        judged = one["accepted"]["attempts"] - one["no_evidence"]["attempts"]
        assert sum(one[key]["attempts"] for key in ("stopped", "hurt", "undecided")) <= judged


@pytest.mark.parametrize(("form", "begins"), [("html", "<!doctype html>"), ("mail", "From: "), ("json", "{")])
def test_a_report_goes_into_a_file(advisor: Advisor, log: Path, tmp_path: Path, form: str, begins: str) -> None:
    target = tmp_path / "report.out"
    ran = advisor("report", log, "--format", form, "-o", target)

    assert (ran.code, ran.out) == (0, "")
    assert target.read_text().lower().startswith(begins.lower())
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_the_ending_tells_the_format(advisor: Advisor, log: Path, tmp_path: Path) -> None:
    advisor("report", log, "-o", tmp_path / "week.html")

    assert "<html" in (tmp_path / "week.html").read_text()


def test_advise_says_only_what_to_change(advisor: Advisor) -> None:
    ran = advisor("advise", MONTH, "--config", MAIN_CF)

    assert ran.code == 0
    assert "reject_unknown_reverse_client_hostname" in ran.out
    assert advisor("advise", MONTH, "--config", MAIN_CF, "--check").code == 1


def test_check_finds_nothing_in_an_empty_log(advisor: Advisor, tmp_path: Path) -> None:
    (tmp_path / "maillog").touch()

    assert advisor("advise", tmp_path / "maillog", "--check").code == 0


@pytest.mark.parametrize("form", ["csv", "json", "parquet"])
def test_simulate_writes_a_row_an_attempt(advisor: Advisor, tmp_path: Path, form: str) -> None:
    target = tmp_path / f"attempts.{form}"
    spelled = "permit_mynetworks, reject_unknown_client_hostname, reject_rbl_client zen.dnsbl.test"
    ran = advisor("simulate", spelled, LAB / "knob_permit_log.maillog-20261122.gz", "--attempts", "-o", target)

    assert ran == (0, "", "")
    if form == "csv":
        rows = list(csv.DictReader(io.StringIO(target.read_text())))
    elif form == "json":
        rows = json.loads(target.read_text())
    else:
        rows = pq.read_table(target).to_pylist()
    assert len(rows) == 355
    answers = [row["reject_unknown_client_hostname"] for row in rows]
    assert (answers.count("defer"), answers.count("dunno")) == (78, 277)
    assert {row["reject_rbl_client zen.dnsbl.test"] or None for row in rows} == {None}
    assert {row["reject_unknown_client_hostname:basis"] for row in rows} == {"derived"}
    assert {row["answer"] or None for row in rows} == {"defer", None}


def test_simulate_counts(advisor: Advisor) -> None:
    spelled = "permit_mynetworks, reject_unknown_client_hostname"
    found = json.loads(
        advisor("simulate", spelled, LAB / "knob_permit_log.maillog-20261122.gz", "--format", "json").out
    )

    assert found["turned_away"]["accepted"] == {"yes": 57, "no": 250, "no_evidence": 0}
    assert found["list"][1]["answers"]["accepted"]["defer"] == 57
    said = advisor("simulate", spelled, LAB / "knob_permit_log.maillog-20261122.gz").out
    assert "turns away 57 of 307 that were accepted" in said
    log = LAB / "knob_permit_log.maillog-20261122.gz"
    said = advisor("simulate", "reject_rbl_client nobody.asked.example", log).out
    assert "Nothing is known of what the list does to the 307 that were accepted." in said
    assert "turns away 0 of 307" not in said


def test_events_and_attempts_come_in_log_order(advisor: Advisor, log: Path, tmp_path: Path) -> None:
    for command in ("events", "attempts"):
        target = tmp_path / f"{command}.parquet"
        assert advisor(command, log, "-o", target) == (0, "", "")
        offsets = pq.read_table(target)["offset"].to_pylist()
        assert offsets == sorted(offsets)
        assert offsets


def test_a_spreadsheet_gets_no_formula(advisor: Advisor, tmp_path: Path) -> None:
    line = (
        "Nov 22 12:00:00 mx1 postfix/smtpd[1]: NOQUEUE: reject: RCPT from unknown[192.0.2.1]: 554 5.7.1 <x@y.example>: "
        "Relay access denied; from=<=cmd()@z.example> to=<+x@y.example> proto=ESMTP helo=<@SUM(A1)>\n"
    )
    (tmp_path / "maillog").write_text(line)
    rows = list(csv.DictReader(io.StringIO(advisor("events", tmp_path / "maillog").out)))

    assert (rows[0]["sender"], rows[0]["recipient"], rows[0]["helo_name"]) == (
        "'=cmd()@z.example",
        "'+x@y.example",
        "'@SUM(A1)",
    )


def test_what_was_not_understood_is_grouped(advisor: Advisor, tmp_path: Path) -> None:
    lines = [f"Nov 22 12:00:0{n} mx1 postfix/smtpd[{n}]: something new {n} from host\x1b[{n}]\n" for n in range(1, 4)]
    (tmp_path / "maillog").write_text("".join(lines))
    said = advisor("events", "--unrecognised", tmp_path / "maillog").out

    assert said.startswith("3 lines were not understood")
    assert said.count("something new") == 2
    assert "\x1b" not in said


def test_explain(advisor: Advisor) -> None:
    assert advisor("explain").out.count("\n") == len(CATALOGUE) + len(REASONS)
    page = advisor("explain", "reject_unknown_client").out
    assert page.startswith("reject_unknown_client_hostname\n")
    assert "Who it hurts" in page
    assert advisor("explain", "--all").out.count("Who it hurts") == len(CATALOGUE)
    assert "there is no page on 'nonsense'" in one_line(advisor("explain", "nonsense"))


@pytest.mark.parametrize("content", ["", "Nov 22 12:00:00 mx1 sshd[1]: hello\n"])
def test_a_log_with_no_mail_is_no_error(advisor: Advisor, tmp_path: Path, content: str) -> None:
    (tmp_path / "maillog").write_text(content)
    for form in ("terminal", "json", "html", "mail"):
        ran = advisor("report", tmp_path / "maillog", "--format", form)
        assert ran.code == 0
        assert ran.err.startswith(f"advisor: {tmp_path}/maillog: ")
        assert ran.err.count("\n") == 1


def bad_file(kind: str, folder: Path) -> Path:
    path = folder / f"mail-{kind}"
    if kind == "folder":
        path.mkdir()
        (path / "maillog").mkdir()
    elif kind == "binary":
        path.write_bytes(bytes(range(256)) * 40)
    elif kind == "truncated":
        path.write_bytes(gzip.compress(lab_log("dmarc"))[:9000])
    return path


@pytest.mark.parametrize("kind", ["binary", "truncated"])
@pytest.mark.parametrize("command", ["report", "ingest"])
def test_one_bad_file_among_many(advisor: Advisor, log: Path, tmp_path: Path, kind: str, command: str) -> None:
    bad = bad_file(kind, tmp_path)
    store = ["--store", str(tmp_path / "store")] if command == "ingest" else []
    ran = advisor(command, bad, log, *store)

    assert ran.code == 2
    assert ran.err.startswith(f"advisor: {bad}: ")
    assert ran.err.count("\n") == 1
    assert "600 lines" in ran.out or kind == "truncated"
    assert "lines" in ran.out


def test_a_copy_that_is_cut_off_is_named_too(advisor: Advisor, log: Path, tmp_path: Path) -> None:
    (tmp_path / "maillog.1.gz").write_bytes(gzip.compress(log.read_bytes())[:3000])
    ran = advisor("report", tmp_path / "maillog.1.gz", log)

    assert ran.code == 2
    assert "600 lines = 600 events" in ran.out
    assert f"{tmp_path}/maillog.1.gz" in ran.err


def test_damaged_lines_are_kept_and_counted(advisor: Advisor, log: Path) -> None:
    good = log.read_bytes()
    damaged = [
        b"Nov 22 11:56:00 mx1 postfix/smtpd[1]: connect from a\0b[192.0.2.1]\n",
        b"Nov 22 11:56:00 mx1 postfix/smtpd[1]: connect fr\n",
        b"Nov 22 11:56:00 mx1 postfix/smt\xff\xfe[1]: connect from a[192.0.2.1]\n",
        b"Nov 22 11:56:00 mx1 postfix/smtpd[1]: connect from " + b"x" * 1_000_000 + b"[192.0.2.1]\n",
        b"\0\0\0\0\n",
    ]
    log.write_bytes(b"".join(damaged) + good)
    ran = advisor("report", log, "--format", "json")

    assert ran.code == 0
    assert json.loads(ran.out)["coverage"]["lines"] == 605
    assert json.loads(ran.out)["coverage"]["unrecognised"] == 5


def test_an_unterminated_line(advisor: Advisor, log: Path, tmp_path: Path) -> None:
    whole = log.read_bytes()
    log.write_bytes(whole[:-1])
    assert json.loads(advisor("report", log, "--format", "json").out)["coverage"]["lines"] == 600

    ran = advisor("ingest", log, "--store", tmp_path / "store")
    assert ran.out.startswith("599 lines added ")
    assert ran.err == f"advisor: {log}: the last line has no end yet; it is left for the next run\n"

    log.write_bytes(whole)
    assert advisor("ingest", log, "--store", tmp_path / "store").out.startswith("1 lines added ")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["report", "/nosuch/maillog"], "/nosuch/maillog: cannot be read: "),
        (["report", "/nosuch/*.log"], "/nosuch/*.log: matches no file"),
        (["report", "LOG", "--config", "/nosuch"], "/nosuch: cannot be read"),
        (["report", "LOG", "--since", "soon"], "--since: 'soon' is no time"),
        (["report", "LOG", "--timezone", "Mars"], "--timezone: 'Mars' is no time zone"),
        (["report", "LOG", "--format", "xml"], "--format: unknown format 'xml'"),
        (["report", "LOG", "--store", "/tmp"], "--store: was given together with log files"),
        (["report", "--store", "/nosuch/store"], "/nosuch/store: there is no store"),
        (["report", "LOG", "-o", "/nosuch/x.html"], "/nosuch/x.html: cannot be written"),
        (["report", "--nonsense"], "No such option: --nonsense"),
        (["report", "LOG", "--format", "mail", "--to", "a@b\nBcc: c@d"], "is no mail address"),
        (["events", "LOG", "-o", "x.xls"], "x.xls: 'xls' is no format of tables"),
        (["nonsense"], "No such command 'nonsense'"),
        (["simulate", "reject_unknown_clint_hostname", "LOG"], "did you mean reject_unknown_client_hostname?"),
        (["simulate", "reject_rbl_client", "LOG"], "reject_rbl_client has no argument"),
        (["ingest", "LOG", "--store", "/proc/nosuch"], "/proc/nosuch: cannot be written"),
        (["ingest", "LOG", "--store", "LOG"], "choose another --store"),
    ],
)
def test_an_error_is_one_line(advisor: Advisor, log: Path, arguments: list[str], says: str) -> None:
    assert says in one_line(advisor(*(str(log) if word == "LOG" else word for word in arguments)))


def test_a_store_of_a_newer_version_is_refused(advisor: Advisor, log: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    advisor("ingest", log, "--store", store)
    part = next(store.glob("*.parquet"))
    table = pq.read_table(part)
    newer = {
        key: str(VERSION + 1).encode() if key == b"advisor.schema" else value
        for key, value in table.schema.metadata.items()
    }
    assert newer != table.schema.metadata
    pq.write_table(table.replace_schema_metadata(newer), part)

    for arguments in (["report", "--store", str(store)], ["ingest", str(log), "--store", str(store)]):
        line = one_line(advisor(*arguments))
        assert "newer" in line
        assert "update advisor" in line


def test_help_and_version(advisor: Advisor) -> None:
    assert "advisor report /var/log/maillog*" in advisor().out
    assert advisor("--version").out == f"advisor {__version__}\n"
    for command in ("report", "advise", "simulate", "attempts", "events", "ingest", "explain"):
        ran = advisor(command, "--help")
        assert ran.code == 0
        assert ran.out.startswith(f"Usage: advisor {command} ")


def test_plain_is_without_colour(advisor: Advisor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    advisor("--plain", "explain")
    assert os.environ.pop("NO_COLOR") == "1"


def test_a_reader_that_has_had_enough_is_no_error() -> None:
    command = f"{sys.executable} -m advisor events {MONTH} | head -n 1"
    ran = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], cwd=ROOT, capture_output=True, timeout=60, check=False
    )

    assert (ran.returncode, ran.stderr) == (0, b"")


def test_standard_input(log: Path) -> None:
    command = [sys.executable, "-m", "advisor", "report", "--format", "json", "-"]
    environment = {**os.environ, "TZ": "UTC"}
    ran = subprocess.run(
        command, cwd=ROOT, input=log.read_bytes(), capture_output=True, timeout=60, check=True, env=environment
    )

    assert json.loads(ran.stdout)["coverage"]["lines"] == 600


def test_the_period_is_what_was_asked(advisor: Advisor) -> None:
    found = json.loads(
        advisor("report", "--format", "json", MONTH, "--since", "2026-10-20", "--until", "2026-10-22").out
    )

    assert found["period"]["start"].startswith("2026-10-20")
    assert found["period"]["end"].startswith("2026-10-21")
    assert [day["day"] for day in found["days"]] == ["2026-10-20", "2026-10-21"]


def test_help_imports_no_engine() -> None:
    code = (
        "import sys; sys.argv = ['advisor', '--help']\n"
        "from advisor.__main__ import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "heavy = {'pyarrow', 'pandas', 'duckdb', 'narwhals', 'matplotlib', 'rich', 'jinja2', 'numpy'}\n"
        "heavy &= set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, timeout=60)
