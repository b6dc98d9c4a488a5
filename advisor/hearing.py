"""A hearing: functions asked about the distinct values of some columns, and which rows are told the same."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain, product
from typing import Any

import numpy as np
import pyarrow as pa

from advisor.response import Responses
from advisor.restriction import Asked, Told

Value = str | bool | None
FLAGS: Mapping[str, tuple[Value, Value, Value]] = {
    **dict.fromkeys(("recipient_ours", "in_mynetworks", "dnsbl_hit"), (None, False, True)),
    "sender_basis": (None, "derived", "logged"),
}
"""Columns that go with no value of another, and all that they may hold: `tell` is asked about each of the three."""
_SUBJECTS = ("client_address", "client_name", "reverse_client_name", "helo_name", "sender_domain", "recipient")

Age = tuple[datetime, datetime]
"""When the oldest and the newest answer of the DNS that was used was given."""
_Numbers = np.ndarray[Any, np.dtype[np.int64]]


def _numbered(values: _Numbers) -> _Numbers:
    """Numbers from 0 in the order in which each value first appears; a sort, as in numpy.unique(), takes far longer."""
    numbers: _Numbers = pa.array(values).dictionary_encode().indices.to_numpy().astype(np.int64)
    return numbers


def _firsts(numbers: _Numbers) -> _Numbers:
    """Where each number first appears; they go from 0 upward without a gap."""
    firsts = np.zeros(int(numbers.max(initial=-1)) + 1, np.int64)
    firsts[numbers[::-1]] = np.arange(len(numbers) - 1, -1, -1)
    return firsts


class Hearing:
    """What restrictions are told of a table of distinct values; `days` holds the day of each row, where it matters."""

    def __init__(self, values: pa.Table, days: Sequence[datetime | None], day: str, dns: Responses) -> None:
        """`day` is the column with the numbers that `days` gives the moments of; '' where there is one day only."""
        self._values, self._days, self._day, self._dns = values, days, day, dns
        self._labels: dict[str, tuple[_Numbers, int]] = {}
        self._said: list[Told | None] = [None]
        self._numbers: dict[tuple[int, str, str, str], int] = {}
        self._answers: dict[int, tuple[tuple[str, ...], dict[tuple[Value, ...], _Numbers]]] = {}
        self._times: list[datetime] = []
        self.ages: dict[int, Age | None] = {}

    def ask(self, number: int, one: Asked) -> None:
        """Ask a restriction about every row."""
        of = one.restriction.of
        own = [name for name in (*of, self._day) if name in self._values.column_names]
        flags = tuple(name for name in of if name in FLAGS)
        subject = next((name for name in _SUBJECTS if name in own), "")
        alike = self._alike(one, subject)
        others = [name for name in own if name != subject]
        kinds = [self._kinds(own, np.flatnonzero(~alike)), self._kinds(others, np.flatnonzero(alike))]
        self._times = []
        combinations = list(product(*(FLAGS[name] for name in flags)))
        answers = {held: np.zeros(self._values.num_rows, np.int64) for held in combinations}
        for rows, firsts, inverse in kinds:
            # Row by row: what a flag makes no difference to is told again from memory.
            told = self._told(
                (number, one), own, firsts, [dict(zip(flags, held, strict=True)) for held in combinations]
            )
            for place, held in enumerate(combinations):
                answers[held][rows] = np.array(told[place :: len(combinations)], np.int64)[inverse]
        if any(found.any() for found in answers.values()):
            self._answers[number] = flags, answers
            self.ages[number] = (min(self._times), max(self._times)) if self._times else None

    def _alike(self, one: Asked, subject: str) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which rows have a subject that is told what others are told."""
        alike = one.restriction.alike
        if alike is None or not subject:
            return np.zeros(self._values.num_rows, np.bool_)
        found = alike(one.argument, self._dns, self._values[subject])
        return np.asarray(found, np.bool_)

    def _labelled(self, name: str) -> tuple[_Numbers, int]:
        """A number for each value of a column, and how many there are; null has one, too."""
        if name not in self._labels:
            encoded = self._values[name].combine_chunks().dictionary_encode(null_encoding="encode")
            labels = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
            self._labels[name] = labels, len(encoded.dictionary)
        return self._labels[name]

    def _kinds(self, columns: Sequence[str], rows: _Numbers) -> tuple[_Numbers, _Numbers, _Numbers]:
        """The rows, the first of each kind, and the kind of each row: rows of a kind hold the same in these columns."""
        kinds = np.zeros(len(rows), np.int64)
        for name in columns if len(rows) else ():
            labels, size = self._labelled(name)
            kinds = _numbered(kinds * size + labels[rows])
        return rows, rows[_firsts(kinds)], kinds

    def _told(
        self, asked: tuple[int, Asked], own: Sequence[str], rows: _Numbers, flags: Sequence[dict[str, Value]]
    ) -> list[int]:
        """Ask about some rows, each with all flags in turn; what is told gets a number, 0 where nothing is."""
        number, one = asked
        of, tell = one.restriction.of, one.restriction.tell
        if tell is None or not len(rows):
            return [0] * len(rows) * len(flags)
        table = self._values.select(list(own)).take(pa.array(rows))
        columns = {name: table[name].to_pylist() for name in own}
        nothing: list[None] = [None] * len(rows)
        turns = [
            zip(*([held[name]] * len(rows) if name in held else columns.get(name, nothing) for name in of), strict=True)
            for held in flags
        ]
        days = (self._days[day] for day in columns.get(self._day, [0] * len(rows)) for _ in flags)
        argument, dns, numbers, found = one.argument, self._dns, self._numbers, []
        for day, values in zip(days, chain.from_iterable(zip(*turns, strict=True)), strict=True):
            said = tell(argument, dns, day, *values)
            if said is None:
                found.append(0)
                continue
            if said.asked_at is not None:
                self._times.append(said.asked_at)
            word = (number, said.word, said.reply, said.basis)
            if word not in numbers:
                numbers[word] = len(self._said)
                self._said.append(one.heard(said))
            found.append(numbers[word])
        return found

    def telling(self, columns: Sequence[str], codes: _Numbers) -> tuple[list[str], _Numbers]:
        """Those of the columns that a row's code follows from, and a row for each combination of what they hold."""
        rows = np.arange(self._values.num_rows)
        needed, found = list(columns), rows
        for name in reversed(columns):
            others = [other for other in needed if other != name]
            _, firsts, kinds = self._kinds(others, rows)
            if others and np.array_equal(codes, codes[firsts][kinds]):
                needed, found = others, firsts
        return needed, found

    @property
    def flags(self) -> tuple[str, ...]:
        """The flags that an answer depends on."""
        return tuple(dict.fromkeys(name for flags, _ in self._answers.values() for name in flags))

    def codes(self, plain: dict[str, pa.ChunkedArray]) -> tuple[_Numbers, pa.Table]:
        """A number for each row, the same for those that are told the same and have the same in `plain`.

        And a table of what they are told: by `place`, which is that number times 3 for each flag plus the flags' own
        numbers, for restriction N the columns `told_N`, `told_reply_N` and `told_basis_N`; and the columns of `plain`.
        """
        codes = np.zeros(self._values.num_rows, np.int64)
        for found in self._told_apart(plain):
            size = int(found.max(initial=0)) + 1
            # What is the same for all rows tells none of them apart.
            codes = _numbered(codes * size + found) if size > 1 else codes
        firsts = _firsts(codes)
        combinations = list(product(*(FLAGS[name] for name in self.flags)))
        columns = {"place": pa.array(np.arange(len(firsts) * len(combinations)))}
        for number, (flags, answers) in self._answers.items():
            chosen = [tuple(held[self.flags.index(name)] for name in flags) for held in combinations]
            places = np.stack([answers[held][firsts] for held in chosen], axis=1).reshape(-1)
            for name, own in (("told", "word"), ("told_reply", "reply"), ("told_basis", "basis")):
                words = [None if said is None else getattr(said, own) or None for said in self._said]
                columns[f"{name}_{number}"] = pa.array(words, pa.string()).take(pa.array(places))
        for name, array in plain.items():
            columns[name] = array.combine_chunks().take(pa.array(np.repeat(firsts, len(combinations))))
        return codes, pa.table(columns)

    def _told_apart(self, plain: dict[str, pa.ChunkedArray]) -> Iterator[_Numbers]:
        for _, answers in self._answers.values():
            yield from answers.values()
        for array in plain.values():
            encoded = array.combine_chunks().dictionary_encode(null_encoding="encode")
            yield encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
