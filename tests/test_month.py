"""The generated month: it is understood to the last line, always the same, and never says what is true of it."""

from datetime import UTC, date, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from advisor import attempt
from advisor.history import History, parse_files
from advisor.restriction import REFUSES
from advisor.simulation import answers
from benchmarks.decision import TURNS_AWAY, asked
from tests.month import DAYS, LEARNT, Month, seen, write
from tests.month.log import OURS
from tests.month.lookup import START


def parsed(month: Month, folder: Path, last: int = DAYS) -> History:
    log = folder / "maillog"
    log.write_text(month.text(0, last), encoding="utf-8")
    return parse_files([log], year=2026, zone=UTC, today=date(2026, 11, 1))


def test_every_line_is_understood(tmp_path: Path) -> None:
    month = write(3, 60)

    history = parsed(month, tmp_path)

    coverage = history.coverage.as_dict()
    assert coverage["unrecognised"] == 0
    assert coverage["lines"] == coverage["events"] == len(month.lines)
    attempts = attempt.attempts(history.events, domains=[OURS]).to_pylist()
    outside = [row for row in attempts if row["origin"] == "outside"]
    assert {row["client_address"] for row in outside} == seen(month, 0, DAYS).keys()
    # One accepted attempt for each message; the HELO is known from policyd-spf's line.
    assert sum(row["action"] == "accept" for row in outside) == len(month.some(0, DAYS))
    for row in outside:
        client = month.clients[row["client_address"]]
        assert row["client_name"] == client.resolved
        assert row["reverse_client_name"] == (client.name or "unknown")
        assert row["helo_name"] == client.helo.name


def test_what_is_true_is_what_restrictions_would_answer(tmp_path: Path) -> None:
    """The truth of the benchmark, held against the restrictions themselves; where they know, they agree."""
    month = write(4, 120)
    found = attempt.attempts(parsed(month, tmp_path, LEARNT).events, domains=[OURS])
    accepted = found.filter((pc.field("origin") == "outside") & (pc.field("action") == "accept"))
    with duckdb.connect() as engine:
        engine.register("accepted", accepted)
        frame: pa.Table = answers(engine.table("accepted"), asked(), month.responses).to_arrow_table()
    visits = {(visit.day, visit.address): visit for visit in month.some(0, LEARNT)}
    judged = dict.fromkeys(TURNS_AWAY, 0)
    wrong = dict.fromkeys(TURNS_AWAY, 0)
    for row in frame.to_pylist():
        visit = visits.get(((row["time"] - START) // timedelta(days=1), row["client_address"]))
        for number, (name, turns) in enumerate(TURNS_AWAY.items()):
            if visit is not None and row[f"answer_{number}"] is not None:
                judged[name] += 1
                wrong[name] += (row[f"answer_{number}"] in REFUSES) != turns(month.clients[visit.address], visit)

    assert all(count >= 0.99 * frame.num_rows for count in judged.values()), judged
    # A list is asked once a week, and names some for days only.
    shortly = wrong.pop("reject_rbl_client bl.spamcop.net")
    assert shortly <= 0.03 * frame.num_rows
    assert not any(wrong.values()), wrong


def test_nothing_is_looked_up_after_the_days_to_learn_from() -> None:
    month = write(2, 60)
    late = seen(month, LEARNT, DAYS).keys() - seen(month, 0, LEARNT).keys()

    asked_at = [response.asked_at for response in month.responses]
    pointers = {
        ".".join(reversed(name.removesuffix(".in-addr.arpa").split("."))) for name in month.responses.asked("PTR")
    }

    assert late
    assert max(asked_at) < START + timedelta(days=LEARNT)
    assert not pointers & late
    assert pointers == seen(month, 0, LEARNT).keys()


def test_the_same_seed_gives_the_same_month() -> None:
    assert write(5, 40) == write(5, 40)
    assert write(5, 40).responses.table() == write(5, 40).responses.table()
    assert write(5, 40).lines != write(6, 40).lines


def test_the_log_does_not_tell_the_truth() -> None:
    month = write(1, 40)
    text = month.text(0, DAYS)

    assert {client.wanted for client in month.clients.values()} == {True, False}
    assert "wanted" not in text
    assert len({client.kind for client in month.clients.values()}) == 12
