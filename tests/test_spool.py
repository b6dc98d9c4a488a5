from pathlib import Path

import pytest

from advisor import spool
from advisor.errors import AdvisorError


def test_what_is_kept_can_be_read_as_often_as_needed_until_it_is_dropped() -> None:
    path = spool.keep(iter([b"Nov 22 ", b"", b"12:00:09"]), "-")
    assert [path.read_bytes() for _ in range(2)] == [b"Nov 22 12:00:09"] * 2
    assert (spool.name(path), spool.name(Path("maillog"))) == ("-", None)
    spool.drop(path)
    assert spool.name(path) is None
    assert not path.exists()


def test_a_folder_that_takes_nothing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nothing"))
    with pytest.raises(AdvisorError, match=r"journal: cannot be kept in .*nothing: No such file.*TMPDIR"):
        spool.keep([b"x"], "journal")
