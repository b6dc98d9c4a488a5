"""A disguised store: what was somebody's is nowhere in its files, and it still tells the same."""

import re
from collections import Counter
from datetime import UTC, date
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from advisor import __main__
from advisor.disguise import Disguised, disguise
from advisor.errors import AdvisorError
from advisor.ingestion import ingest
from advisor.question import Question
from advisor.store import parts
from tests.conftest import LAB, MONTH
from tests.test_pseudonym import identities

KEY = bytes(range(32))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The month and the lab in one store."""
    found = tmp_path_factory.mktemp("disguise") / "store"
    ingest([MONTH, LAB], found, year=2026, zone=UTC, today=date(2026, 11, 22))
    return found


@pytest.fixture(scope="module")
def made(store: Path) -> Path:
    into = store.parent / "copy"
    told = disguise(store, into, KEY)
    assert told == Disguised(len(parts(store)), Question(store=store, zone=UTC).events.num_rows)
    return into


def of_somebody(store: Path) -> set[str]:
    """Addresses, names and mailboxes of the logs, their queue ids, and the digests of the logs."""
    question = Question(store=store, zone=UTC)
    found = identities(question) | {*pc.unique(question.events["source"]).to_pylist()}
    found |= {value.lower() for value in pc.unique(question.events["queue_id"]).to_pylist() if value and len(value) > 7}
    # The lists that all the world asks are nobody's secret.
    found |= {value for value in pc.unique(question.events["list"]).to_pylist() if value and not value.endswith(".org")}
    return found | {each for part in parts(store) for each in (part.sha256, part.first_line)}


def words(text: str) -> set[str]:
    found = set(re.findall(r"[^\s<>()\[\]{},;\"'=/|\\\x00-\x1f]+", text.lower()))
    found |= {part for word in found for part in word.rpartition("@")[::2]}
    return found | {word.rstrip(".:") for word in found}


def decoded(path: Path) -> str:
    """All that a reader of the file sees: values, statistics and keys."""
    with pq.ParquetFile(path) as file:
        groups = [file.metadata.row_group(number) for number in range(file.num_row_groups)]
        told = [str(group.column(at).statistics) for group in groups for at in range(group.num_columns)]
        told += [f"{key.decode()} {value.decode()}" for key, value in (file.metadata.metadata or {}).items()]
        for name in file.schema_arrow.names:
            # `single.` is somebody's HELO; a helper's name and a count of commands are nobody's.
            told += [str(value) for value in pc.unique(file.read([name])[name]).to_pylist()]
    return "\n".join(told)


def test_nothing_is_left_in_the_files(store: Path, made: Path) -> None:
    mine = of_somebody(store)
    assert len(mine) > 1000
    before = set().union(*(words(decoded(path)) for path in store.glob("*.parquet")))
    assert len(mine & before) > 1000  # it would be noticed
    for path in made.iterdir():
        assert sorted(mine & words(path.read_bytes().decode("latin-1"))) == []
        assert path.suffix != ".parquet" or sorted(mine & words(decoded(path))) == []
    assert {path.name for path in made.iterdir()}.isdisjoint({path.name for path in store.glob("*.parquet")})


def test_it_tells_the_same(store: Path, made: Path) -> None:
    def counted(where: Path) -> Counter[tuple[str, ...]]:
        attempts = Question(store=where, zone=UTC).attempts
        columns = [attempts[name].to_pylist() for name in ("action", "restriction", "stage", "client_status")]
        return Counter(zip(*columns, strict=True))

    assert counted(made) == counted(store)
    assert Question(store=made, zone=UTC).history.coverage == Question(store=store, zone=UTC).history.coverage


def test_what_a_part_says_of_its_hosts_is_what_its_events_say(store: Path, made: Path) -> None:
    def hosts(where: Path) -> set[str]:
        return {host for part in parts(where) for host in part.hosts}

    assert hosts(made) == set(pc.unique(Question(store=made, zone=UTC).events["host"]).to_pylist())
    assert hosts(made).isdisjoint(hosts(store) - {"mail"})  # a word that tells of nobody


def test_it_is_private_and_replaces_nothing(store: Path, made: Path) -> None:
    assert made.stat().st_mode & 0o777 == 0o700
    with pytest.raises(AdvisorError, match="holds a store already"):
        disguise(store, made, KEY)
    with pytest.raises(AdvisorError, match="holds a store already"):
        disguise(store, store, KEY)
    with pytest.raises(AdvisorError, match="is not a store"):
        disguise(store.parent / "none", store.parent / "new", KEY)
    assert not (store.parent / "new").exists()


def test_the_command_writes_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log, one, other = next(LAB.glob("baseline*")), tmp_path / "one", tmp_path / "other"
    options = ["--store", str(one), "--timezone", "UTC", "--year", "2026", "--pseudonymised", str(other)]
    monkeypatch.setattr("sys.argv", ["advisor", "ingest", str(log), *options])
    with pytest.raises(SystemExit) as ended:
        __main__.main()
    assert ended.value.code == 0
    assert f"{other}: " in capsys.readouterr().err
    assert len(parts(one)) == len(parts(other)) == 1
