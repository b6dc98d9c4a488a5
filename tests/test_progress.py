"""The line that people see while they wait: what it says, where it is shown, and that it goes away."""

import fcntl
import io
import os
import pty
import select
import struct
import sys
import termios
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Self, TextIO

import pytest

from advisor import __main__, progress
from advisor.progress import Progress
from tests.conftest import LAB, lab_log

LOG = LAB / "spf.maillog-20261122.gz"


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Terminal:
    """A terminal of so many columns: what programs write to, and what its reader sees."""

    def __init__(self, columns: int = 80) -> None:
        self.reader, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.stream: TextIO = os.fdopen(slave, "w")
        self.seen = ""

    def see(self, text: str) -> None:
        """Wait until a text is there, or until 100 drawings are without it."""
        for _ in range(100):
            if text in self.seen or not select.select([self.reader], [], [], 30)[0]:
                break
            self.seen += os.read(self.reader, 4096).decode()
        assert text in self.seen

    def all(self) -> str:
        """What was written until now; a terminal hands it over when it likes, so a mark is sent behind it."""
        self.stream.write("MARK")
        self.stream.flush()
        self.see("MARK")
        return self.seen.removesuffix("MARK")

    def hang_up(self) -> None:
        if self.reader >= 0:
            os.close(self.reader)
            self.reader = -1

    def close(self) -> None:
        """End both ways; what cannot be flushed any more is nobody's loss."""
        self.hang_up()
        with suppress(OSError):
            self.stream.close()


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(progress, "PATIENCE", 0)
    found = Terminal()
    yield found
    found.close()


def test_the_line_counts_seconds_until_somebody_says_more() -> None:
    clock = Clock()
    shown = Progress("joining", io.StringIO(), clock)
    clock.now += 7
    assert shown.line() == "joining  7 s"
    clock.now += 593
    assert shown.line() == "joining  10 min"
    shown(0, 5_000_000)
    assert shown.line() == "joining  10 min"


@pytest.mark.parametrize(
    ("done", "total", "line"),
    [
        (50_000_000, 150_000_000, "reading  50 MB of 150 MB  33 %  25 MB/s  4 s left"),
        (500_000_000, 100_500_000_000, "reading  500 MB of 100.5 GB  0 %  250 MB/s  7 min left"),
        (50_000_000, None, "reading  50 MB  25 MB/s"),
        (150_000_000, 150_000_000, "reading  150 MB of 150 MB  100 %  75 MB/s  0 s left"),
        (160_000_000, 150_000_000, "reading  160 MB of 150 MB  100 %  80 MB/s  0 s left"),
    ],
)
def test_the_line_says_how_far_how_fast_and_how_long_still(done: int, total: int | None, line: str) -> None:
    clock = Clock()
    shown = Progress("reading", io.StringIO(), clock)
    clock.now += 2
    shown(done, total)
    assert shown.line() == line


def test_the_rate_forgets_what_was_known_already() -> None:
    clock = Clock()
    shown = Progress("reading", io.StringIO(), clock)
    clock.now += 1
    shown(10_000_000_000, 11_000_000_000)
    for number in range(1, 21):
        clock.now += 1
        shown(10_000_000_000 + number * 20_000_000, 11_000_000_000)
    assert shown.line() == "reading  10.4 GB of 11.0 GB  94 %  20 MB/s  30 s left"


def test_two_calls_at_one_moment_are_no_division_by_nought() -> None:
    shown = Progress("reading", io.StringIO(), Clock())
    shown(1_000_000, 2_000_000)
    assert shown.line().startswith("reading  1 MB of 2 MB  50 %")


def test_a_terminal_sees_the_line_and_then_nothing(terminal: Terminal) -> None:
    with Progress("reading", terminal.stream) as shown:
        terminal.see("\r\x1b[Kadvisor: reading  0 s")
        shown(3_000_000, 4_000_000)
        terminal.see("3 MB of 4 MB  75 %")
    assert terminal.all().endswith("left\r\x1b[K")
    assert "\n" not in terminal.seen


def test_the_line_goes_away_when_the_work_fails(terminal: Terminal) -> None:
    def fail() -> None:
        terminal.see("reading")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), Progress("reading", terminal.stream):
        fail()
    assert terminal.all().endswith("\r\x1b[K")


def test_short_work_is_not_shown(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 3600)
    with Progress("reading", terminal.stream) as shown:
        shown(3_000_000, 4_000_000)
    assert terminal.all() == ""


def test_a_narrow_terminal_gets_no_second_line(monkeypatch: pytest.MonkeyPatch, terminal: Terminal) -> None:
    narrow = Terminal(columns=20)
    with Progress("reading", narrow.stream) as shown:
        shown(3_000_000, 4_000_000)
        narrow.see("reading  3")
    assert max(map(len, narrow.all().split("\r\x1b[K"))) == 19
    narrow.close()


@pytest.mark.parametrize("kind", ["dumb", ""])
def test_a_terminal_that_cannot_erase_gets_nothing(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setenv("TERM", kind)
    if not kind:
        monkeypatch.delenv("TERM")
    with Progress("reading", terminal.stream) as shown:
        shown(3_000_000, 4_000_000)
        assert shown._thread.ident is None
    assert terminal.all() == ""


def test_a_pipe_gets_nothing(terminal: Terminal) -> None:
    pipe = io.StringIO()
    with Progress("reading", pipe) as shown:
        shown(3_000_000, 4_000_000)
        assert shown._thread.ident is None
    assert pipe.getvalue() == ""


@pytest.mark.filterwarnings("error")
def test_work_goes_on_when_the_terminal_is_closed(terminal: Terminal) -> None:
    with Progress("reading", terminal.stream) as shown:
        terminal.see("reading")
        terminal.hang_up()
        shown._thread.join(30)
        assert not shown._thread.is_alive()


class Recorded:
    """Stands for Progress: the phases of a command, and what each was told."""

    phases: dict[str, list[tuple[int, int | None]]]

    def __init__(self, what: str) -> None:
        self.calls = self.phases.setdefault(what, [])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def __call__(self, done: int, total: int | None = None) -> None:
        self.calls.append((done, total))


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> type[Recorded]:
    class Mine(Recorded):
        phases: dict[str, list[Any]] = {}  # noqa: RUF012 - one test's

    monkeypatch.setattr(progress, "Progress", Mine)
    monkeypatch.setenv("TZ", "UTC")
    return Mine


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> None:
    monkeypatch.setattr(sys, "argv", ["advisor", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        __main__.main()
    assert not ended.value.code


@pytest.mark.parametrize(
    ("command", "phases"),
    [
        (["report"], ["reading", "joining", "weighing"]),
        (["advise"], ["reading", "joining", "weighing"]),
        (["simulate", "reject_unknown_client_hostname"], ["reading", "joining"]),
        (["attempts"], ["reading", "joining"]),
        (["events"], ["reading"]),
    ],
)
def test_a_command_says_what_it_is_at(
    recorded: type[Recorded], monkeypatch: pytest.MonkeyPatch, command: list[str], phases: list[str]
) -> None:
    run(monkeypatch, *command, LOG)
    assert list(recorded.phases) == phases
    assert recorded.phases["reading"][-1] == (len(lab_log("spf")), None)


def test_an_ingest_is_told_all_bytes(recorded: type[Recorded], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    log, store = tmp_path / "maillog-20261122", tmp_path / "store"
    log.write_bytes(lab_log("spf"))
    for _ in range(2):
        run(monkeypatch, "ingest", log, "--store", store)
        assert recorded.phases["reading"].pop() == (log.stat().st_size, log.stat().st_size)
        recorded.phases.clear()

    run(monkeypatch, "report", "--store", store)
    assert recorded.phases == {"reading": [], "joining": [], "weighing": []}


def test_nothing_of_it_is_in_a_pipe(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 0)
    monkeypatch.setenv("TERM", "xterm")
    run(monkeypatch, "events", "--timezone", "UTC", LOG)
    out, err = capfd.readouterr()
    assert err == ""
    assert "\x1b" not in out
