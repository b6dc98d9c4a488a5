"""The generated month: it is understood to the last line, always the same, and never says what is true of it."""

from datetime import UTC, date
from pathlib import Path

from advisor import attempt
from advisor.history import parse_files
from tests.month import DAYS, seen, write
from tests.month.log import OURS


def test_every_line_is_understood(tmp_path: Path) -> None:
    month = write(3, 60)
    log = tmp_path / "maillog"
    log.write_text(month.text(0, DAYS), encoding="utf-8")

    history = parse_files([log], year=2026, zone=UTC, today=date(2026, 11, 1))

    coverage = history.coverage.as_dict()
    assert coverage["unrecognised"] == 0
    assert coverage["lines"] == coverage["events"] == len(month.lines)
    attempts = attempt.attempts(history.events, domains=[OURS]).to_pylist()
    outside = [row for row in attempts if row["origin"] == "outside"]
    # One accepted attempt a visit, but for half of the dictionary attacks; the HELO is known from policyd-spf's line.
    assert {row["client_address"] for row in outside} == seen(month, 0, DAYS).keys()
    for row in outside:
        client = month.clients[row["client_address"]]
        assert row["client_name"] == (client.name or "unknown")
        assert row["helo_name"] == client.helo


def test_the_same_seed_gives_the_same_month() -> None:
    assert write(5, 40) == write(5, 40)
    assert write(5, 40).lines != write(6, 40).lines


def test_the_log_does_not_tell_the_truth() -> None:
    month = write(1, 40)
    text = month.text(0, DAYS)

    assert {client.wanted for client in month.clients.values()} == {True, False}
    assert "wanted" not in text
    assert len({client.kind for client in month.clients.values()}) == 12
