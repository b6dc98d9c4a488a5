import gzip
import io
import random
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from advisor import ingestion
from advisor.errors import AdvisorError
from advisor.event import SCHEMA, Coverage
from advisor.history import History, Source, open_store, overlaps, parse_files, sources
from tests.conftest import TODAY, write


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingestion, "PART", 1000)


def line(number: int, day: str = "Nov 20", host: str = "mx1") -> bytes:
    clock = f"12:{number // 60:02}:{number % 60:02}"
    return f"{day} {clock} {host} postfix/smtpd[{number}]: connect from mail.good.example[203.0.113.10]\n".encode()


def lines(count: int, start: int = 0, day: str = "Nov 20", host: str = "mx1") -> bytes:
    return b"".join(line(number, day, host) for number in range(start, start + count))


def parse(*paths: Path, year: int | None = None) -> History:
    return parse_files(list(paths), year=year, zone=UTC, today=TODAY)


def days(history: History) -> list[int]:
    found: list[int] = [time.day for time in history.events["time"].to_pylist()]
    return found


def test_files_and_store_say_the_same(tmp_path: Path) -> None:
    logs = [
        write(tmp_path / "maillog", lines(40, day="Nov 21")),
        write(tmp_path / "maillog.1.gz", gzip.compress(lines(40))),
        write(tmp_path / "docker", b"Attaching to postfix\n" + lines(20, 7, "Nov 19")),
        write(tmp_path / "docker.2", b"Attaching to postfix\n" + lines(20, 9, "Nov 18", "mx2")),
        write(tmp_path / "docker.old", b"Attaching to postfix\n" + lines(9, 7, "Nov 19")),
        write(tmp_path / "dovecot", b"Nov 17 12:00:00 mx1 dovecot: login\n\n"),
        write(tmp_path / "maillog.copy", lines(40)[:-7]),
    ]
    parsed = parse(*logs)
    ingestion.ingest(logs, tmp_path / "store", zone=UTC, today=TODAY)
    stored = open_store(tmp_path / "store")
    assert parsed.events.schema == stored.events.schema == SCHEMA
    assert parsed.events.equals(stored.events)
    assert parsed.coverage == stored.coverage
    assert parsed.coverage == Coverage(124, 120, 4, 0, parsed.coverage.ignored_by_program)
    assert days(History(parsed.events.filter(parsed.events["time"].is_valid()), parsed.coverage)) == [
        *[18] * 20,
        *[19] * 20,
        *[20] * 40,
        *[21] * 40,
    ]
    assert len(set(parsed.events["source"].to_pylist())) == 4


def test_the_last_line_counts_without_its_newline(tmp_path: Path) -> None:
    history = parse(write(tmp_path / "maillog", lines(3)[:-1]))
    assert history.coverage.events == history.events.num_rows == 3
    assert parse(write(tmp_path / "maillog", line(0)[:-1])).coverage.lines == 1


def test_log_order_is_not_that_of_the_arguments(tmp_path: Path) -> None:
    january = write(tmp_path / "maillog", lines(3, day="Jan  2"), modified=date(2026, 1, 2))
    december = write(tmp_path / "maillog.1", lines(3, day="Dec 30"), modified=date(2026, 1, 1))
    times = parse(january, december).events["time"].to_pylist()
    assert [time.year for time in times] == [2025] * 3 + [2026] * 3
    assert times == sorted(times)


def test_the_zone_and_the_year_are_those_asked_for(tmp_path: Path) -> None:
    log = write(tmp_path / "maillog", lines(1))
    history = parse_files([log], year=2019, zone=ZoneInfo("Europe/Berlin"), today=TODAY)
    assert history.events["time"][0].as_py() == datetime(2019, 11, 20, 11, tzinfo=UTC)


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(gzip.compress(lines(3)))))
    history = parse_files(["-"], zone=UTC, today=TODAY)
    assert history.events.num_rows == 3
    assert (history.notes, history.bad) == ((), ())


def test_what_is_said_about_files(tmp_path: Path) -> None:
    noise = random.Random(1)
    packed = gzip.compress(b"".join(line(noise.randrange(3600), "Nov 01") for _ in range(20_000)))
    cut = write(tmp_path / "cut.gz", packed[: len(packed) // 2])
    empty = write(tmp_path / "empty", b"")
    other = write(tmp_path / "other", b"Nov 22 12:00:00 mx1 dovecot: login\n" * 1200)
    image = write(tmp_path / "image", b"\x89PNG\0\0")
    good = write(tmp_path / "good", lines(3))
    copy = write(tmp_path / "good.1", lines(2))
    history = parse(cut, empty, other, image, good, copy)
    assert sorted(str(error).split(":")[0] for error in history.bad) == [str(cut), str(image)]
    assert sorted(history.notes) == [
        f"{empty}: empty, just rotated?",
        f"{copy}: left out, {good} holds the same lines",
        f"{other}: no Postfix line among 1,200",
    ]
    assert 5000 < history.events.num_rows - 3 == history.coverage.lines - 1203


def test_only_bad_files_are_still_a_history(tmp_path: Path) -> None:
    history = parse(write(tmp_path / "image", b"\x89PNG\0\0"))
    assert history.events.schema == SCHEMA
    assert (history.coverage, len(history.bad)) == (Coverage(), 1)


def test_no_store(tmp_path: Path) -> None:
    with pytest.raises(AdvisorError, match="advisor ingest FILE"):
        open_store(tmp_path / "nothing")


def test_the_sources_of_a_store(tmp_path: Path) -> None:
    log = write(tmp_path / "maillog", lines(40) + lines(1, 50, host="mx2"))
    ingestion.ingest([log, write(tmp_path / "x", b"no header\n")], tmp_path / "store", zone=UTC, today=TODAY)
    mails, headless = sources(tmp_path / "store")
    assert mails == Source(
        mails.source,
        "maillog",
        ("mx1", "mx2"),
        datetime(2026, 11, 20, 12, tzinfo=UTC),
        datetime(2026, 11, 20, 12, 0, 50, tzinfo=UTC),
        41,
    )
    assert headless == Source(headless.source, "x", (), None, None, 1)


def source(name: str, first: int, last: int, *hosts: str) -> Source:
    midnight = datetime(2026, 11, 22, tzinfo=UTC)
    return Source(
        name, name, hosts or ("mx1",), midnight + timedelta(seconds=first), midnight + timedelta(seconds=last), 9
    )


@pytest.mark.parametrize(
    ("found", "pairs"),
    [
        ([source("a", 0, 1000), source("b", 1000, 2000)], []),
        # Lines come a little out of order; no more than that.
        ([source("a", 0, 1000), source("b", 950, 2000)], []),
        ([source("a", 0, 1000), source("b", 900, 2000)], ["ab"]),
        ([source("b", 900, 2000), source("a", 0, 1000)], ["ab"]),
        ([source("a", 0, 1000), source("b", 900, 2000, "mx2")], []),
        ([source("a", 0, 1000, "mx1", "mx2"), source("b", 900, 2000, "mx2", "mx3")], ["ab"]),
        # A filtered copy of a short log.
        ([source("a", 0, 30), source("b", 10, 20)], ["ab"]),
        ([source("a", 0, 30), source("b", 0, 30)], ["ab"]),
        # A log just rotated: its one line shares a second with the last one.
        ([source("a", 0, 30), source("b", 30, 30)], []),
        # A concatenation of three.
        (
            [source("a", 0, 3000), source("b", 0, 1000), source("c", 1000, 2000), source("d", 2000, 3000)],
            ["ab", "ac", "ad"],
        ),
        ([source("a", 0, 1000)._replace(first=None, last=None), source("b", 900, 2000)], []),
        ([], []),
    ],
)
def test_overlaps(found: list[Source], pairs: list[str]) -> None:
    sentences = overlaps(found)
    assert [sentence.split()[0] + sentence.split()[3] for sentence in sentences] == pairs


def test_a_filtered_copy_is_found(tmp_path: Path) -> None:
    whole = write(tmp_path / "mail.log", lines(60))
    copy = write(tmp_path / "mail.err", lines(60)[len(line(0)) :])
    [note] = parse(whole, copy).notes
    assert note.startswith("mail.log (")
    assert "both hold lines of mx1 from 2026-11-20 12:00:01 to 2026-11-20 12:00:59 UTC" in note
    ingestion.ingest([whole, copy], tmp_path / "store", zone=UTC, today=TODAY)
    assert open_store(tmp_path / "store").notes == (note,)


def test_a_store_that_grows_while_it_is_read(tmp_path: Path) -> None:
    def add(count: int) -> None:
        log = write(tmp_path / "maillog", lines(count))
        ingestion.ingest([log], tmp_path / "store", zone=UTC, today=TODAY)

    add(20)
    history = open_store(tmp_path / "store")
    add(60)
    assert history.events.num_rows == history.coverage.events
    assert history.hosts == {"mx1"}
    assert open_store(tmp_path / "store").events.num_rows > history.events.num_rows
