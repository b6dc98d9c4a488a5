"""An answer: what each restriction says to each attempt, kept beside the attempts as a small number for a word.

A long history has far more attempts than words. As text the answers of all restrictions take several times the memory
of the attempts themselves; as numbers they take two bytes for each restriction.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from advisor.connection import connected
from advisor.response import Responses
from advisor.restriction import WORDS, Asked
from advisor.simulation import ask_all
from advisor.testimony import ROW

BASES = ("logged", "derived", "looked_up", "inferred")
"""Where an answer comes from (advisor.restriction.Asked.basis)."""
_WORDS = {"answer": pa.array(WORDS, pa.string()), "basis": pa.array(BASES, pa.string())}
_NONE = -1
_BATCH = 1 << 16

Numbers = npt.NDArray[np.int8]


def answered(attempts: pa.Table, asked: Sequence[Asked], dns: Responses | None = None) -> pa.Table:
    """Add to attempts (columns of advisor.attempt.SCHEMA) the columns `answer_N` and `basis_N` of each restriction.

    They are those of advisor.simulation.answers, dictionary-encoded, and asked of DuckDB, in whatever order it gives
    them; each goes to its row.
    """
    found = {name: np.full(attempts.num_rows, _NONE, np.int8) for name in _names(len(asked))}
    for batch in _batches(attempts, asked, dns):
        rows = batch.column(ROW).to_numpy()
        for name, numbers in found.items():
            numbers[rows] = _numbers(batch.column(name), _WORDS[name.partition("_")[0]])
    for name, numbers in found.items():
        indices = pa.array(numbers, mask=numbers == _NONE)
        words = pa.DictionaryArray.from_arrays(indices, _WORDS[name.partition("_")[0]])
        attempts = attempts.append_column(name, words)
    return attempts


def _names(count: int) -> list[str]:
    return [f"{kind}_{number}" for number in range(count) for kind in _WORDS]


def _batches(attempts: pa.Table, asked: Sequence[Asked], dns: Responses | None) -> Iterator[pa.RecordBatch]:
    """The answers, some rows at a time, with the number of each row."""
    placed = attempts.append_column(ROW, pa.array(np.arange(attempts.num_rows)))
    with connected() as engine:
        engine.register("attempts_in_order", placed)
        frame = ask_all(tuple(asked), engine.table("attempts_in_order"), dns).frame
        yield from frame.select(ROW, *_names(len(asked))).to_arrow_reader(_BATCH)


def _numbers(column: pa.Array, words: pa.Array) -> Numbers:
    """Where each word stands; a word that is not among them is a fault of ours, and would be counted as no evidence."""
    found = pc.index_in(column, value_set=words)
    assert found.null_count == column.null_count, f"an answer that nobody knows: {pc.unique(column)}"
    numbers: Numbers = pc.fill_null(found, _NONE).to_numpy().astype(np.int8)
    return numbers
