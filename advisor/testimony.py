"""Testimony: what functions say of the distinct values in attempts, joined back to the rows that have them.

What no column expression can tell (a list, a name in the DNS, an access map) depends on few values of a row. So each
tuple of values is asked about once in plain Python, and of values that are told alike one for all (advisor.likeness).
All rows that are told the same get the same number, by a join that all engines can do: its keys are never null.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

import narwhals as nw
import numpy as np
import pyarrow as pa

from advisor.hearing import FLAGS, Age, Hearing
from advisor.reduction import reads, reduced
from advisor.response import Responses
from advisor.restriction import Asked
from advisor.substitute import Substitute

ROW = "row_number"
"""The column with a row's number in the frame that was given, where a join may have moved it."""
_DAY = "day_number"

_FAMILIES = (
    ("client_address", "client_name", "reverse_client_name"),
    ("helo_name", "helo_syntax", "helo_sent"),
    ("sender_domain", "sender_kind"),
    ("recipient",),
)
"""Columns that go together: an address has few names, so one join serves whatever is told of either."""
_FEW = 2_000


@dataclass(frozen=True)
class _Group:
    """What was told of some columns: `keys` find the number of a row in `codes`, else it is the `common` one."""

    name: str
    values: int
    keys: Mapping[str, nw.Expr]
    codes: pa.Table
    common: int
    flags: tuple[str, ...]
    verdicts: pa.Table
    plain: tuple[str, ...]

    @property
    def few(self) -> bool:
        """Whether so few rows differ in the keys that counting by them is cheaper than looking each row up."""
        return self.values < _FEW

    @property
    def same(self) -> bool:
        """Whether all rows have the same number, so that no key is needed."""
        return not self.codes.num_rows

    def coded(self, frame: Any, source: Any) -> Any:  # noqa: ANN401 - a Narwhals frame, and the same back
        """Put the column `name` with the number of each row in the place of the keys; `source` is as for beside()."""
        if self.same:
            return frame.with_columns(nw.lit(self.common).cast(nw.Int64).alias(self.name))
        frame = frame.join(beside(source, self.codes), on=list(self.keys), how="left")
        return frame.with_columns(nw.col(self.name).fill_null(self.common)).drop(*self.keys)

    def told(self, frame: Any, source: Any, *, plain: bool) -> Any:  # noqa: ANN401 - a Narwhals frame, and the same back
        """Put what was told in the place of the number, and with `plain` the columns that it stands for."""
        place = nw.col(self.name)
        for name in self.flags:
            flag = nw.col(name)
            second, third = (flag == value for value in FLAGS[name][1:])
            place = place * 3 + nw.when(third).then(nw.lit(2)).otherwise(nw.when(second).then(nw.lit(1))).fill_null(0)
        key = f"{self.name}_place"
        table = self.verdicts.rename_columns([key, *self.verdicts.column_names[1:]])
        table = table if plain else table.drop_columns(list(self.plain))
        found = frame.with_columns(place.cast(nw.Int64).alias(key))
        return found.join(beside(source, table), on=key, how="left").drop(key, self.name)


@dataclass(frozen=True)
class Testimony:
    """What was told of the restrictions in `ages`, and when the DNS answers that it rests on were given."""

    __test__ = False  # for pytest, which takes it for one of its own

    ages: dict[int, Age | None]
    groups: tuple[_Group, ...]

    def joined(self, frame: Any) -> Any:  # noqa: ANN401 - a Narwhals frame, and the same back
        """The frame with columns `told_N`, `told_reply_N` and `told_basis_N`, in any order of its rows."""
        source = frame
        for group in self.groups:
            keyed = frame if group.same else frame.with_columns(**group.keys)
            frame = group.told(group.coded(keyed, source), source, plain=False)
        return frame


def hear(frame: Any, asked: Sequence[Asked], dns: Responses) -> Testimony:  # noqa: ANN401 - a Narwhals frame
    """Ask every restriction that has a `tell` about the distinct values of its columns."""
    by_columns: dict[tuple[str, ...], dict[int, Mapping[str, Substitute | None]]] = {}
    for number, one in enumerate(asked):
        if one.restriction.tell is not None and not one.blind:
            instead = one.restriction.instead(one.argument, dns) if one.restriction.instead is not None else {}
            by_columns.setdefault(_family(one, instead), {})[number] = instead
    days = _Days(dns)
    # The families come first: their distinct values tell of what the substitutes can be made.
    order = sorted(by_columns, key=lambda family: family not in _FAMILIES)
    seen: list[pa.Table] = []
    found = [_group(frame, asked, by_columns[family], (days, dns, seen), plain=family in _FAMILIES) for family in order]
    ages = {number: age for _, group_ages in found for number, age in group_ages.items()}
    return Testimony(ages, tuple(group for group, group_ages in found if group_ages))


def _family(one: Asked, instead: Mapping[str, Substitute | None]) -> tuple[str, ...]:
    """The columns of those that are asked together; what has something instead of a column is asked by itself."""
    wanted = tuple(name for name in one.restriction.of if name not in FLAGS and instead.get(name, name) is not None)
    if any(stand_in is not None for stand_in in instead.values()):
        return (one.column, *wanted)
    return next((family for family in _FAMILIES if {*wanted} <= {*family}), wanted)


def _group(
    frame: Any,  # noqa: ANN401 - a Narwhals frame
    asked: Sequence[Asked],
    members: Mapping[int, Mapping[str, Substitute | None]],
    said: tuple["_Days", Responses, list[pa.Table]],
    *,
    plain: bool,
) -> tuple[_Group, dict[int, Age | None]]:
    """Ask the members about the distinct rows of the columns that they need; those of a family are added to `seen`."""
    days, dns, seen = said
    exprs: dict[str, nw.Expr] = {}
    for number, instead in members.items():
        for name in asked[number].restriction.of:
            if name not in FLAGS and instead.get(name, name) is not None:
                stand_in = instead.get(name)
                exprs[name] = nw.col(name) if stand_in is None else stand_in.made(seen)
    columns = tuple(exprs)
    day = days.number()
    if day is not None:
        exprs[_DAY] = day.cast(nw.Int64)
    values = distinct(frame.select(**exprs))
    if plain:
        seen.append(values)
    hearing = Hearing(values, days.moments, _DAY if day is not None else "", dns)
    for number in members:
        hearing.ask(number, asked[number])
    wanted = reads(asked)
    shown = {name: _plain(values, name, asked) for name in columns if plain and name in wanted}
    codes, verdicts = hearing.codes(shown)
    name = f"of_{min(members)}"
    common = int(np.bincount(codes).argmax()) if len(codes) else 0
    telling, each = hearing.telling(list(exprs), codes)
    rare = each[codes[each] != common]
    keys = _keys(values, {key: exprs[key] for key in telling}, f"{name}_key_")
    held = {key: column.take(pa.array(rare)) for key, (_, column) in keys.items()}
    table = pa.table({**held, name: pa.array(codes[rare])})
    on = {key: expr for key, (expr, _) in keys.items()}
    group = _Group(name, values.num_rows, on, table, common, hearing.flags, verdicts, tuple(shown))
    return group, hearing.ages


def _plain(values: pa.Table, name: str, asked: Sequence[Asked]) -> pa.ChunkedArray:
    return nw.from_native(values, eager_only=True).select(reduced(name, asked).alias(name)).to_native()[name]


def _keys(values: pa.Table, exprs: Mapping[str, nw.Expr], prefix: str) -> dict[str, tuple[nw.Expr, pa.ChunkedArray]]:
    """The columns as keys that are never null: a value, and where that is not enough whether there is one."""
    keys: dict[str, tuple[nw.Expr, pa.ChunkedArray]] = {}
    table = nw.from_native(values, eager_only=True)
    for name, expr in exprs.items():
        key, own = f"{prefix}{name}", nw.col(name)
        made = {key: (expr, own)}
        if pa.types.is_boolean(values.schema.field(name).type):
            made = {key: (_number(expr), _number(own))}
        elif values[name].null_count:
            made = {key: (expr.fill_null(""), own.fill_null(""))}
            if table.filter(own == "").shape[0]:
                made[f"{key}_null"] = expr.is_null(), own.is_null()
        for each, (wide, narrow) in made.items():
            keys[each] = wide, table.select(narrow.alias(each)).to_native()[each]
    return keys


def _number(flag: nw.Expr) -> nw.Expr:
    chosen = nw.when(flag).then(nw.lit(2)).otherwise(nw.when(~flag).then(nw.lit(1)))
    return chosen.fill_null(0).cast(nw.Int64)


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
        days = sorted({at.astimezone(UTC).date() for at in {response.asked_at for response in dns}})
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

    @property
    def moments(self) -> Sequence[datetime | None]:
        """What `tell` is given as the day, by the number of the day."""
        return self.noons if self._turns else (None,)


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
    """A table as a frame of the engine that another frame is of, and of its connection or session.

    DuckDB binds that other frame once more: the shorter its story the better.
    """
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
