"""A census: how often which answers stood together.

Attempts are counted by what their answers are read from, which few rows differ in (advisor.reduction), and by the
numbers of what was told of them; only then is anything answered, once for each that was counted.
"""

from collections.abc import Sequence
from typing import Any

import narwhals as nw
import pyarrow as pa

from advisor.reduction import reads, reduced
from advisor.restriction import Asked
from advisor.testimony import Testimony

COUNT = "attempts"
"""The column with the number of attempts."""
_BY = ("origin", "action")


def own_answers(frame: Any, asked: Sequence[Asked], heard: Testimony) -> Any:  # noqa: ANN401 - a Narwhals frame
    """Add `answer_N` for each restriction to a frame that has the columns of what was told."""
    told = [str(number) if number in heard.ages else "" for number in range(len(asked))]
    return frame.with_columns(
        *(one.answer(told[n]).alias(name) for n, (one, name) in enumerate(zip(asked, names(asked), strict=True)))
    )


def names(asked: Sequence[Asked]) -> list[str]:
    """The columns with the answers of each restriction."""
    return [f"answer_{number}" for number in range(len(asked))]


def census(frame: Any, asked: Sequence[Asked], heard: Testimony) -> pa.Table:  # noqa: ANN401 - a Narwhals frame
    """Count attempts by `origin`, `action` and the columns `answer_N`, in the column COUNT."""
    early = [group for group in heard.groups if not group.few and not group.same]
    late = [group for group in heard.groups if group.few or group.same]
    shown = {name for group in heard.groups if not group.few for name in group.plain}
    wanted = {*_BY, *reads(asked)} - shown
    wanted |= {name for group in heard.groups for name in group.flags}
    exprs: dict[str, nw.Expr] = {name: reduced(name, asked) for name in sorted(wanted)}
    exprs |= {name: expr for group in heard.groups if not group.same for name, expr in group.keys.items()}
    # Nothing else is carried along: a relation of DuckDB is bound anew at each step.
    coded = frame.select(**exprs)
    for group in early:
        coded = group.coded(coded, frame)
    counted = _grouped(coded, nw.len())
    counted = counted.append_column("not_logged", pa.nulls(counted.num_rows, pa.bool_()))
    few = source = nw.from_native(counted, eager_only=True)
    for group in late:
        few = group.coded(few, source)
    for group in heard.groups:
        few = group.told(few, source, plain=True)
    return _grouped(own_answers(few, asked, heard).select(*_BY, COUNT, *names(asked)), nw.col(COUNT).sum())


def _grouped(frame: Any, count: nw.Expr) -> pa.Table:  # noqa: ANN401 - a Narwhals frame
    """The frame's distinct rows, but for COUNT, with a count of each."""
    own = [name for name in frame.collect_schema().names() if name != COUNT]
    found = frame.group_by(own).agg(count.alias(COUNT))
    table: pa.Table = (found.collect("pyarrow") if isinstance(found, nw.LazyFrame) else found).to_arrow()
    return table.set_column(table.schema.get_field_index(COUNT), COUNT, table[COUNT].cast(pa.int64()))
