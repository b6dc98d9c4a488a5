"""Testimony: what functions say of the distinct values in attempts, joined back to the rows that have them.

What no column expression can tell (a list, a name in the DNS, an access map) depends on few values of a row. So each
tuple of values is asked about once in plain Python, and the answers come back by a join that all engines can do: its
keys are never null, and it keeps the order of the rows.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

import narwhals as nw
import pyarrow as pa

from advisor.attempt import SCHEMA
from advisor.response import Responses
from advisor.restriction import Asked

ROW = "row_number"
"""The column with a row's number in the frame that was given, where a join may have moved it."""
_DAY = "day_number"

Age = tuple[datetime, datetime]
"""When the oldest and the newest answer of the DNS that was used was given."""


@dataclass(frozen=True)
class Testimony:
    """What was told of the restrictions in `ages`, and when the DNS answers that it rests on were given."""

    __test__ = False  # for pytest, which takes it for one of its own

    ages: dict[int, Age | None]
    _answers: tuple[tuple["_Answers", pa.Table], ...]

    def joined(self, frame: Any) -> Any:  # noqa: ANN401 - a Narwhals frame, and the same back
        """The frame with columns `told_N`, `told_reply_N` and `told_basis_N`, in any order of its rows."""
        for told, table in self._answers:
            frame = told.joined(frame, table)
        return frame


def hear(frame: Any, asked: Sequence[Asked], dns: Responses) -> Testimony:  # noqa: ANN401 - a Narwhals frame
    """Ask every restriction that has a `tell` about the distinct values of its columns."""
    by_columns: dict[tuple[str, ...], list[int]] = {}
    for number, one in enumerate(asked):
        if one.restriction.tell is not None and not one.blind:
            by_columns.setdefault(one.restriction.of, []).append(number)
    days = _Days(dns)
    ages: dict[int, Age | None] = {}
    answers = []
    for columns, numbers in by_columns.items():
        told = _Answers(columns, days, {number: asked[number] for number in numbers}, dns)
        if table := told.table(frame):
            answers.append((told, table))
            ages |= told.ages
    return Testimony(ages, tuple(answers))


def distinct(frame: Any) -> pa.Table:  # noqa: ANN401 - a Narwhals frame
    """The distinct rows of a frame; its unique() numbers all rows in a lazy engine, and takes 20 times as long."""
    names = frame.collect_schema().names()
    found = frame.group_by(names).agg(nw.len().alias(ROW)).select(names)
    table: pa.Table = (found.collect("pyarrow") if isinstance(found, nw.LazyFrame) else found).to_arrow()
    return table


def in_order(frame: Any) -> Any:  # noqa: ANN401 - a Narwhals frame, and the same back
    """Put the rows back into the order in which they were given."""
    return frame.sort(ROW).drop(ROW)


class _Days:
    """The days on which questions were asked; an attempt is judged by what was said on the day nearest to it."""

    def __init__(self, dns: Responses) -> None:
        days = sorted({response.asked_at.astimezone(UTC).date() for response in dns})
        self.noons = [datetime.combine(day, time(12), UTC) for day in days]
        pairs = zip(self.noons, self.noons[1:], strict=False)
        self._turns = [before + timedelta(seconds=(after - before).total_seconds() / 2) for before, after in pairs]

    def number(self) -> nw.Expr | None:
        """Which of the days is nearest to the time of a row; None where it makes no difference."""
        if not self._turns:
            return None
        # Comparisons only: the engines do not agree on dates, and some take them in the session's time zone.
        return nw.sum_horizontal(
            *(nw.when(nw.col("time") >= nw.lit(turn)).then(nw.lit(1)).otherwise(nw.lit(0)) for turn in self._turns)
        )

    def noon(self, number: int | None) -> datetime | None:
        """What `tell` is given as the day."""
        return None if number is None else self.noons[number]


class _Answers:
    """What restrictions that read the same columns were told."""

    def __init__(self, columns: tuple[str, ...], days: _Days, asked: dict[int, Asked], dns: Responses) -> None:
        self._columns, self._days, self._asked, self._dns = columns, days, asked, dns
        self._prefix = f"of_{min(asked)}_"
        self.ages: dict[int, Age | None] = {}

    def _keys(self) -> dict[str, nw.Expr]:
        """The columns as keys that are never null: a value, and whether there is one.

        Their types are known; to ask a frame for them has DuckDB complain at its end that somebody kept them.
        """
        keys: dict[str, nw.Expr] = {}
        for number, name in enumerate(self._columns):
            nothing: Any = False if pa.types.is_boolean(SCHEMA.field(name).type) else ""
            keys[f"{self._prefix}value_{number}"] = nw.col(name).fill_null(nothing)
            keys[f"{self._prefix}null_{number}"] = nw.col(name).is_null()
        day = self._days.number()
        if day is not None:
            keys[self._prefix + _DAY] = day.cast(nw.Int64)
        return keys

    def table(self, frame: Any) -> pa.Table | None:  # noqa: ANN401 - a Narwhals frame
        """The distinct keys of a frame with what was told of them; None where nothing was."""
        keys = self._keys()
        table = distinct(frame.select(**keys))
        days = table[self._prefix + _DAY].to_pylist() if self._prefix + _DAY in keys else [None] * table.num_rows
        values = [self._values(table, number) for number in range(len(self._columns))]
        rows = list(zip(days, *values, strict=True))
        for number, one in self._asked.items():
            columns = self._told(number, one, rows)
            if columns is not None:
                for name, column in columns.items():
                    table = table.append_column(f"{name}_{number}", column)
        return table if self.ages else None

    def _values(self, table: pa.Table, number: int) -> list[Any]:
        values = table[f"{self._prefix}value_{number}"].to_pylist()
        nulls = table[f"{self._prefix}null_{number}"].to_pylist()
        return [None if null else value for value, null in zip(values, nulls, strict=True)]

    def _told(self, number: int, one: Asked, rows: Iterable[tuple[Any, ...]]) -> dict[str, pa.Array] | None:
        """Ask about each row: word, code and basis; None where nothing was told of any."""
        tell = one.restriction.tell
        if tell is None:
            return None
        words: list[str | None] = []
        replies: list[str | None] = []
        bases: list[str | None] = []
        times = []
        for day, *values in rows:
            said = tell(one.argument, self._dns, self._days.noon(day), *values)
            told = None if said is None else one.heard(said)
            words.append(told.word if told else None)
            replies.append((told.reply or None) if told else None)
            bases.append(told.basis if told else None)
            if told and told.asked_at is not None:
                times.append(told.asked_at)
        if not any(words):
            return None
        self.ages[number] = (min(times), max(times)) if times else None
        columns = {"told": words, "told_reply": replies, "told_basis": bases}
        return {name: pa.array(column, pa.string()) for name, column in columns.items()}

    def joined(self, frame: Any, table: pa.Table) -> Any:  # noqa: ANN401 - a Narwhals frame, and the same back
        """The frame with the columns of `table` beside each row that has its keys."""
        keys = self._keys()
        return frame.with_columns(**keys).join(beside(frame, table), on=list(keys), how="left").drop(*keys)


def numbered(frame: Any) -> Any:  # noqa: ANN401 - a Narwhals frame, and the same back
    """Add ROW: what a lazy engine numbers by itself only in an order of columns, which the rows need not have."""
    native = nw.to_native(frame)
    if frame.implementation.is_duckdb():
        return nw.from_native(native.project(f"*, row_number() OVER () AS {ROW}"))
    if frame.implementation.is_pyspark():
        from pyspark.sql import functions  # noqa: PLC0415 - only who has Spark gets here

        return nw.from_native(native.withColumn(ROW, functions.monotonically_increasing_id()))
    return frame.with_row_index(ROW)


def beside(frame: Any, testified: pa.Table) -> Any:  # noqa: ANN401 - Narwhals frames of any engine
    """A table as a frame of the engine that another frame is of, and of its connection or session."""
    native = nw.to_native(frame)
    if frame.implementation.is_duckdb():
        # The name is looked up among the variables here: a relation of another connection cannot be joined.
        return nw.from_native(native.query("advisor_attempts", "SELECT * FROM testified"))
    if frame.implementation.is_pyspark():
        return nw.from_native(native.sparkSession.createDataFrame(testified))
    if frame.implementation.is_pandas():
        import pandas as pd  # noqa: PLC0415 - only who has pandas gets here

        return nw.from_native(testified.to_pandas(types_mapper=pd.ArrowDtype))
    return nw.from_arrow(testified, backend=frame.implementation)
