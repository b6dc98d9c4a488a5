import gzip
import io
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor import journal, programs, spool
from advisor.errors import AdvisorError
from advisor.journal import LARGEST, Entry, collect, entries, identity, lines
from advisor.line import Clock, read
from advisor.log import Log
from advisor.source import expand
from tests.conftest import lab_log, real, write

BEGIN = 1_795_348_809_123_456  # 2026-11-22 12:00:09.123456 UTC
MACHINE = b"0123456789abcdef0123456789abcdef"


def export(fields: dict[bytes, bytes]) -> bytes:
    """An entry as journalctl writes it: in the binary form where the other cannot say it."""
    text = b""
    for name, value in fields.items():
        if any(byte < 32 and byte != 9 for byte in value):
            text += name + b"\n" + len(value).to_bytes(8, "little") + value + b"\n"
        else:
            text += name + b"=" + value + b"\n"
    return text + b"\n"


def fields(number: int, **more: bytes) -> dict[bytes, bytes]:
    return {
        b"__CURSOR": b"s=0;i=%x" % number,
        b"__REALTIME_TIMESTAMP": b"%d" % (BEGIN + number),
        b"__MONOTONIC_TIMESTAMP": b"%d" % number,
        b"_BOOT_ID": b"b" * 32,
        b"_MACHINE_ID": MACHINE,
        b"_HOSTNAME": b"mx1",
        b"SYSLOG_FACILITY": b"2",
        b"SYSLOG_IDENTIFIER": b"postfix/smtpd",
        b"_COMM": b"smtpd",
        b"SYSLOG_PID": b"695",
        b"_PID": b"696",
        b"MESSAGE": b"connect from a%d.example[192.0.2.1]" % number,
    } | {name.encode(): value for name, value in more.items()}


def line(number: int, text: bytes | None = None) -> bytes:
    text = b"connect from a%d.example[192.0.2.1]" % number if text is None else text
    return b"2026-11-22T12:00:09.%06d+00:00 mx1 postfix/smtpd[695]: %s\n" % (123456 + number, text)


def convert(data: bytes, size: int = 1 << 18) -> bytes:
    return b"".join(lines(data[at : at + size] for at in range(0, len(data), size)))


def without(*names: bytes) -> dict[bytes, bytes]:
    return {name: value for name, value in fields(0).items() if name not in names}


# The format


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (fields(0), line(0)),
        (fields(0, MESSAGE=b"a=b\tc\nd\0\x7f"), line(0, b"a=b#011c#012d#000#177")),
        (fields(0, MESSAGE=b"\n\n__CURSOR=x\nMESSAGE=y\n\n"), line(0, b"#012#012__CURSOR=x#012MESSAGE=y#012#012")),
        (fields(0, MESSAGE="ä \udcff".encode("utf-8", "surrogateescape")), line(0, b"\xc3\xa4 \xff")),
        (fields(0, MESSAGE=b""), line(0, b"")),
        # The length of this one begins with a newline.
        (fields(0, MESSAGE=b"\1" * 10), line(0, b"#001" * 10)),
        (without(b"MESSAGE"), line(0, b"")),
        (without(b"SYSLOG_PID"), line(0).replace(b"695", b"696")),
        (without(b"SYSLOG_PID", b"_PID"), line(0).replace(b"[695]", b"")),
        (without(b"SYSLOG_IDENTIFIER"), line(0).replace(b"postfix/", b"")),
        (without(b"SYSLOG_IDENTIFIER", b"_COMM"), line(0).replace(b"postfix/smtpd", b"unknown")),
        (without(b"_HOSTNAME"), line(0).replace(b"mx1", b"-")),
        (fields(0, __REALTIME_TIMESTAMP=b"1795348809000000"), line(0).replace(b"123456", b"000000")),
    ],
)
def test_an_entry_is_a_line(entry: dict[bytes, bytes], expected: bytes) -> None:
    data = export(entry) + export(fields(1))
    for size in (1, 7, 1 << 18):
        assert convert(data, size) == expected + line(1)


@pytest.mark.parametrize("time", [b"", b"noon", b"9" * 30, b"-1" + b"0" * 30])
def test_an_entry_whose_time_nobody_can_read_is_kept(time: bytes) -> None:
    found = convert(export(fields(0, __REALTIME_TIMESTAMP=time)) + export(fields(1)))
    assert found.startswith(b"damaged journal entry: __CURSOR=")
    assert found.endswith(b"\n" + line(1))
    assert found.count(b"\n") == 2


VALUES = st.binary(max_size=20) | st.sampled_from([b"\n", b"\n\n", b"\n\n__CURSOR=1\n\n", b"A=b", b"\1" * 10])
NAMES = st.from_regex(rb"[A-Z][A-Z0-9_]{0,6}", fullmatch=True)


@given(st.lists(st.dictionaries(NAMES, VALUES, min_size=1, max_size=4), max_size=6), st.integers(1, 60))
def test_entries_come_out_as_they_went_in(written: list[dict[bytes, bytes]], size: int) -> None:
    data = b"".join(map(export, written))
    found = entries(data[at : at + size] for at in range(0, len(data), size))
    assert list(found) == [Entry(each) for each in written]


TEXT = b"".join(export(fields(number, MESSAGE=b"a\nb%d" % number)) for number in range(4))


@given(st.integers(0, len(TEXT)), st.integers(1, 500))
def test_a_cut_off_entry_is_a_line_without_end(at: int, size: int) -> None:
    found = convert(TEXT[:at], size).split(b"\n")
    *whole, half = found
    assert len(whole) == TEXT[:at].count(b"\n\n")
    assert bool(half) == bool(TEXT[:at].rpartition(b"\n\n")[2].strip())
    assert [text + b"\n" for text in whole] == convert(TEXT).splitlines(keepends=True)[: len(whole)]


@given(st.integers(0, len(TEXT) - 1), st.binary(max_size=30), st.integers(0, 30), st.integers(1, 500))
def test_damage_raises_nothing_and_costs_its_entry_alone(at: int, noise: bytes, cut: int, size: int) -> None:
    whole = b"".join(export(fields(number)) for number in range(5, 9))
    found = convert(TEXT[:at] + noise + TEXT[at + cut :] + b"\n\n" + whole, size)
    # The entry that is hit, and what the noise says it holds.
    before = TEXT[:at].count(b"\n\n")
    assert found.startswith(b"".join(convert(TEXT).splitlines(keepends=True)[: max(before - 1, 0)]))
    assert found.endswith(line(8))


@pytest.mark.parametrize(
    "damage",
    [
        b"no field\n",
        b"lower\n" + (3).to_bytes(8, "little") + b"abc\n",
        b"MESSAGE\n" + (4).to_bytes(8, "little") + b"abc\n",
        b"MESSAGE\n" + (2).to_bytes(8, "little") + b"abc\n",
        b"MESSAGE\n" + (LARGEST + 1).to_bytes(8, "little") + b"abc\n",
        b"MESSAGE\n" + b"\xff" * 8 + b"abc\n",
        b"MESSAGE\n" + (5000).to_bytes(8, "little") + b"abc\n",
    ],
)
def test_what_is_damaged_is_one_line_that_counts_as_unrecognised(damage: bytes) -> None:
    data = export(fields(0)) + export(fields(1))[:-1] + damage + b"\n" + export(fields(2)) + export(fields(3))
    found = convert(data).split(b"\n")
    assert [found[0] + b"\n", found[-3] + b"\n", found[-2] + b"\n"] == [line(0), line(2), line(3)]
    assert len(found) == 5
    assert found[1].startswith(b"damaged journal entry: __CURSOR=s=0;i=1#012")
    coverage = programs.parse(list(enumerate(found[:-1])), Clock(2026, UTC), "").coverage
    assert (coverage.lines, coverage.unrecognised) == (4, 1)


def test_two_entries_that_became_one_are_not_taken_for_one() -> None:
    found = convert(export(fields(0))[:-1] + export(fields(1)) + export(fields(2)))
    assert found.startswith(b"damaged journal entry: __CURSOR=s=0;i=0#012")
    assert b"__CURSOR=s=0;i=1#012" in found
    assert found.endswith(b"\n" + line(2))


def test_an_entry_that_never_ends_is_given_up() -> None:
    # Past what is waited for, none of it is kept.
    data = export(fields(0)) + b"__CURSOR=x\nMESSAGE=" + b"x" * (2 * LARGEST) + b"\n\n" + export(fields(1))
    found = convert(data)
    assert found.startswith(line(0) + b"damaged journal entry: __CURSOR=x#012MESSAGE=xxx")
    assert found.endswith(line(1))
    assert len(found) < 20_000


def test_memory_is_that_of_an_entry(tmp_path: Path) -> None:
    large = export(fields(1, MESSAGE=b"x\n" * (1 << 20)))
    path = write(tmp_path / "export", b"".join(export(fields(number)) for number in range(40_000)) + large)
    tracemalloc.start()
    with Log(path) as log:
        assert sum(block.data.count(b"\n") for block in log.blocks(size=1 << 16)) == 40_001
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # What the large entry's newlines become is five times as long.
    assert peak < 10 * len(large)


# A log


def test_an_export_is_a_log(tmp_path: Path) -> None:
    data = b"".join(export(fields(number)) for number in range(9))
    text = b"".join(line(number) for number in range(9))
    for number, packed in enumerate((data, gzip.compress(data))):
        with Log(write(tmp_path / f"maillog{number}", packed)) as log:
            assert b"".join(block.data for block in log.blocks(size=100)) == text
            assert b"".join(log.pieces(len(line(0)), 3 * len(line(0)))) == line(1) + line(2)
            assert log.first_line() == (line(0)[:-1], True)
            assert log.first_year(None, date(2030, 1, 1)) == 2026
            plain = log.survey([(0, len(line(0)))])
        assert (plain.length, plain.pending) == (len(text), False)
        with Log(write(tmp_path / "plain", text)) as log:
            assert log.survey([(0, len(line(0)))]) == plain


def test_half_an_entry_is_pending(tmp_path: Path) -> None:
    with Log(write(tmp_path / "export", export(fields(0)) + export(fields(1))[:-20])) as log:
        assert log.survey([]) == (len(line(0)), True, {})
        assert [block.terminated for block in log.blocks()] == [True, False]


def test_of_a_cut_off_gz_the_half_entry_is_dropped(tmp_path: Path) -> None:
    data = b"".join(export(fields(number)) for number in range(2000))
    with Log(write(tmp_path / "export.gz", gzip.compress(data)[:20_000])) as log:
        found = b"".join(block.data for block in log.blocks())
        assert "cut off" in str(log.fault)
    assert 100 < found.count(b"\n") < 2000
    assert b"".join(line(number) for number in range(2000)).startswith(found)
    assert found.endswith(b"\n")


def test_an_export_on_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(export(fields(0)))))
    [path] = expand(["-"])
    with Log(path) as log:
        assert (log.name, log.first_line()) == ("-", (line(0)[:-1], True))


# journalctl


def stand_in(folder: Path, data: bytes, status: int = 0) -> tuple[str, ...]:
    """A command that shows an export from the entry on that `--cursor=` names, and all of it where that is gone."""
    write(folder / "export", data)
    program = (
        "import sys; data = open(sys.argv[1], 'rb').read()\n"
        "[after] = [word[9:].encode() for word in sys.argv if word.startswith('--cursor=')] or [b'']\n"
        "sys.stdout.buffer.write(data[max(data.find(b'__CURSOR=' + after), 0) :])\n"
        f"sys.stderr.write('first\\nlast words\\n' * {status}); sys.exit({status})"
    )
    return (sys.executable, "-c", program, str(folder / "export"))


def test_what_is_new_is_collected(tmp_path: Path) -> None:
    first = collect(None, stand_in(tmp_path, export(fields(0)) + export(fields(1))))
    assert first.path.read_bytes() == line(0) + line(1)
    assert (first.cursor, len(first.identity), int(first.identity, 16) > 0) == ("s=0;i=1", 16, True)
    data = b"".join(export(fields(number)) for number in range(4))
    second = collect(first.cursor, stand_in(tmp_path, data))
    assert (second.path.read_bytes(), second.cursor) == (line(2) + line(3), "s=0;i=3")
    third = collect(second.cursor, stand_in(tmp_path, data))
    assert (third.path.read_bytes(), third.cursor) == (b"", "s=0;i=3")
    # Older ones are gone, among them the one that we know.
    fourth = collect(first.cursor, stand_in(tmp_path, export(fields(3))))
    assert (fourth.path.read_bytes(), fourth.cursor) == (line(3), "s=0;i=3")
    assert {each.identity for each in (first, second, third, fourth)} == {identity(stand_in(tmp_path, data))}
    assert MACHINE[:16].decode() != first.identity
    for each in (first, second, third, fourth):
        assert spool.name(each.path) == "journal"
        each.close()
        assert not each.path.exists()


def test_another_machine_has_another_identity(tmp_path: Path) -> None:
    other = stand_in(tmp_path, export(fields(0, _MACHINE_ID=b"f" * 32)))
    assert collect(None, other).identity == identity(other) != identity(stand_in(tmp_path, export(fields(0))))


def test_a_journal_that_cannot_be_had(tmp_path: Path) -> None:
    with pytest.raises(AdvisorError, match=r"journal: nothing cannot be run: No such file.*name a log"):
        collect(None, ("nothing",))
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(AdvisorError, match="failed: last words; be root or in the group systemd-journal"):
        collect(None, stand_in(tmp_path, export(fields(0)), status=1))
    with pytest.raises(AdvisorError, match="shows no line of a mail system"):
        collect(None, stand_in(tmp_path, b""))
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_full_disk_ends_journalctl_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    endless = (sys.executable, "-c", "while True: print('__CURSOR=x\\n')")

    def full(pieces: Iterator[bytes], name: str) -> Path:
        next(pieces)
        raise AdvisorError(name, "cannot be kept", "set TMPDIR")

    monkeypatch.setattr(spool, "keep", full)
    with pytest.raises(AdvisorError, match="TMPDIR"):
        collect(None, endless)


def test_the_journal_is_a_source_unless_a_file_is_called_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(journal, "collect", partial(collect, None, stand_in(tmp_path, export(fields(0)))))
    [path] = expand(["journal"])
    with Log(path) as log:
        assert (log.name, log.first_line()) == ("journal", (line(0)[:-1], True))
    (tmp_path / "journal").write_bytes(line(5))
    assert expand(["journal"]) == [Path("journal")]


# The real ones


def journal_remote() -> str:
    for path in ("/usr/lib/systemd/systemd-journal-remote", "/lib/systemd/systemd-journal-remote"):
        if Path(path).exists():
            return path
    return real("systemd-journal-remote")


def exported(data: bytes, machine: bytes = MACHINE) -> list[bytes]:
    """The entries that journald would have made of a log's lines, a microsecond apart."""
    clock = Clock(2026, UTC)
    found = [read(text.decode(), clock) for text in data.splitlines()]
    return [
        export(
            {
                b"__REALTIME_TIMESTAMP": b"%d" % (each.time + number),
                b"__MONOTONIC_TIMESTAMP": b"%d" % (each.time - BEGIN + 10**9 + number),
                b"_BOOT_ID": b"b" * 32,
                b"_MACHINE_ID": machine,
                b"_HOSTNAME": each.host.encode(),
                b"SYSLOG_FACILITY": b"2",
                b"SYSLOG_IDENTIFIER": "/".join(filter(None, (each.syslog_name, each.program))).encode(),
                b"MESSAGE": each.text.encode(),
            }
            | ({} if each.pid is None else {b"SYSLOG_PID": b"%d" % each.pid})
        )
        for number, each in enumerate(found)
        if each is not None
    ]


def record(path: Path, data: list[bytes]) -> None:
    """Add entries to a journal's file."""
    subprocess.run([journal_remote(), "-o", path, "-"], input=b"".join(data), capture_output=True, check=True)


def journalctl(*options: str) -> tuple[str, ...]:
    return (real("journalctl"), *options)


def events(data: bytes) -> pa.Table:
    pairs = [(0, text) for text in data.splitlines()]
    return programs.parse(pairs, Clock(2026, UTC), "").events.drop_columns(["time"])


def headers(data: bytes) -> list[object]:
    clock = Clock(2026, UTC)
    found = (read(text.decode(), clock) for text in data.splitlines())
    return [each and (each.time // 1_000_000, *each[1:]) for each in found]


@pytest.mark.integration
def test_a_journal_says_what_the_log_says(tmp_path: Path) -> None:
    log = lab_log("all")
    record(tmp_path / "a.journal", exported(log))
    found = collect(None, journalctl(f"--file={tmp_path}/a.journal")).path.read_bytes()
    # What no syslog has: a space at the end of a message.
    assert headers(found) == headers(log)
    assert events(found) == events(log)
    whole = subprocess.run(
        journalctl(f"--file={tmp_path}/a.journal", "--output=export"), stdout=subprocess.PIPE, check=True
    )
    assert convert(whole.stdout) == found


@pytest.mark.integration
def test_a_journal_that_grows_and_is_vacuumed(tmp_path: Path) -> None:
    data = exported(lab_log("spf"))
    command = journalctl(f"--directory={tmp_path}")
    record(tmp_path / "old.journal", data[:100])
    first = collect(None, command)
    record(tmp_path / "old.journal", data[100:150])
    second = collect(first.cursor, command)
    record(tmp_path / "new.journal", data[150:])
    third = collect(second.cursor, command)
    whole = convert(b"".join(data))
    assert b"".join(each.path.read_bytes() for each in (first, second, third)) == whole
    assert collect(third.cursor, command).path.read_bytes() == b""
    # The entry that `first` ended with goes, and with it some that nobody has read.
    (tmp_path / "old.journal").unlink()
    last = collect(first.cursor, command)
    assert last.path.read_bytes() == third.path.read_bytes()
    assert last.identity == first.identity


@pytest.mark.integration
def test_other_facilities_are_left_to_others_but_not_postfix(tmp_path: Path) -> None:
    kinds: list[dict[str, bytes]] = [
        {"MESSAGE": b"mail\nin two lines"},
        {"SYSLOG_FACILITY": b"3", "MESSAGE": b"daemon"},
        {"SYSLOG_FACILITY": b"16", "_SYSTEMD_UNIT": b"postfix@-.service", "MESSAGE": b"local0"},
        {"SYSLOG_FACILITY": b"3", "_SYSTEMD_UNIT": b"cron.service", "MESSAGE": b"cron"},
    ]
    data = [export(fields(number, **kind)) for number, kind in enumerate(kinds)]
    # Cursors are the journal's own to give.
    record(tmp_path / "a.journal", [each.partition(b"\n")[2] for each in data])
    found = collect(None, journalctl(f"--file={tmp_path}/a.journal"))
    texts = [text.rpartition(b": ")[2] for text in found.path.read_bytes().splitlines()]
    assert texts == [b"mail#012in two lines", b"local0"]


@pytest.mark.integration
def test_a_cursor_that_is_none_is_named(tmp_path: Path) -> None:
    record(tmp_path / "a.journal", exported(lab_log("spf"))[:3])
    with pytest.raises(AdvisorError, match="journalctl failed: Failed to seek to cursor"):
        collect("nonsense", journalctl(f"--file={tmp_path}/a.journal"))


def test_the_time_of_the_examples() -> None:
    assert datetime.fromtimestamp(BEGIN // 10**6, UTC).isoformat() == "2026-11-22T12:00:09+00:00"
