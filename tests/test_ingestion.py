"""The journal as a log: what is new in it since the entry that the store knows, once, though the old ones go."""

import contextlib
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from advisor import ingestion, part, store
from tests.test_store import add

MACHINE = b"0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingestion, "PART", 1000)
    monkeypatch.setattr("os.fsync", lambda _: None)


def entry(number: int) -> bytes:
    fields = {
        "__CURSOR": f"s=0;i={number:x};",
        "__REALTIME_TIMESTAMP": f"{1_795_348_809_000_000 + number * 1_000_000}",
        "_MACHINE_ID": MACHINE.decode(),
        "_HOSTNAME": "mx1",
        "SYSLOG_IDENTIFIER": "postfix/smtpd",
        "SYSLOG_PID": str(number),
        "MESSAGE": "connect from mail.good.example[203.0.113.10]",
    }
    return b"".join(f"{name}={value}\n".encode() for name, value in fields.items()) + b"\n"


class Journal:
    """A stand-in for journalctl, with the entries of a range of numbers."""

    def __init__(self, folder: Path) -> None:
        self.export = folder / "export"
        program = folder / "bin" / "journalctl"
        program.parent.mkdir(parents=True)
        program.write_text(
            f"#!{sys.executable}\n"
            "import sys\n"
            f"data = open({str(self.export)!r}, 'rb').read()\n"
            "[after] = [word[9:].encode() for word in sys.argv if word.startswith('--cursor=')] or [b'']\n"
            "sys.stdout.buffer.write(data[max(data.find(b'__CURSOR=' + after), 0) :])\n"
        )
        program.chmod(0o700)
        self.path = f"{program.parent}"
        self.store = folder / "store"

    def shows(self, first: int, last: int) -> None:
        self.export.write_bytes(b"".join(map(entry, range(first, last))))

    def holds(self) -> list[int]:
        found: list[int] = store.read(self.store, ["pid"])["pid"].to_pylist()
        return found


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Journal:
    made = Journal(tmp_path)
    monkeypatch.setenv("PATH", made.path, prepend=":")
    monkeypatch.chdir(tmp_path)
    return made


def test_what_is_new_in_the_journal(journal: Journal) -> None:
    journal.shows(0, 5)
    first = add(journal.store, Path("journal"))
    assert (first.coverage.lines, first.files, first.known, first.notes) == (5, 1, 0, ())
    again = add(journal.store, Path("journal"))
    assert (again.coverage.lines, again.known) == (0, 1)
    # The old ones are gone, then the one that we knew as well.
    for begin, end in ((4, 30), (28, 60), (80, 90)):
        journal.shows(begin, end)
        add(journal.store, Path("journal"))
    assert journal.holds() == [*range(60), *range(80, 90)]
    parts = store.parts(journal.store)
    assert {found.log for found in parts} == {"journal"}
    assert len({found.source for found in parts}) == 1
    assert [found.size >= 1000 for found in parts[:-1]] == [True] * (len(parts) - 1)
    assert parts[-1].cursor == "s=0;i=59;"
    offsets = store.read(journal.store, ["offset"])["offset"].to_pylist()
    assert offsets == sorted(set(offsets))


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_death_in_the_midst_costs_nothing(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, data: st.DataObject
) -> None:
    journal = Journal(tmp_path_factory.mktemp("journal"))
    end = 0
    with monkeypatch.context() as patch:
        patch.setenv("PATH", journal.path, prepend=":")
        for _ in range(3):
            end += data.draw(st.integers(1, 40))
            journal.shows(0, end)
            death = data.draw(st.integers(0, 6))
            deaths: list[int] = []

            def publish(temporary: Path, found: part.Part, death: int = death, deaths: list[int] = deaths) -> None:
                deaths.append(1)
                if len(deaths) == death:
                    raise KeyboardInterrupt
                temporary.rename(temporary.parent / found.name)

            with patch.context() as dying:
                dying.setattr(ingestion, "publish", publish)
                with contextlib.suppress(KeyboardInterrupt):
                    add(journal.store, Path("journal"))
            found = journal.holds()
            assert found == list(range(len(found)))
        add(journal.store, Path("journal"))
    assert journal.holds() == list(range(end))
    assert not list(journal.store.glob(".*.tmp"))
