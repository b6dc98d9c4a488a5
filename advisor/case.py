"""A case: all that reasons are found in, which is the attempts, the events, our domains, the DNS and the labels."""

from collections.abc import Callable, Collection, Iterable
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from advisor.hostname import sender_domain
from advisor.label import Labels
from advisor.response import Responses
from advisor.triplet import codes

Mask = npt.NDArray[np.bool_]
"""One truth for each attempt."""

Found = TypeVar("Found")


class Case:
    """The attempts of a whole log and what else is known; columns are read once, when a reason first asks for them."""

    def __init__(
        self,
        attempts: pa.Table,
        events: pa.Table,
        domains: Iterable[str] = (),
        *,
        dns: Responses | None = None,
        labels: Labels | None = None,
    ) -> None:
        """Take in what there is; `domains` are those that the configuration names ours."""
        self.attempts = attempts
        self.events = events
        # Everybody may be called localhost; only a name of ours is a claim to be us.
        names = {domain.lower() for domain in domains}
        self.domains = frozenset(name for name in names if "." in name and not name.startswith("localhost"))
        self.dns = dns
        self.labels = labels
        # What several reasons are found by, made by the first of them.
        self._kept: dict[Callable[[Case], Any], Any] = {}
        self._columns: dict[str, list[Any]] = {}

    def once(self, find: Callable[["Case"], Found]) -> Found:
        """What a function finds in this case; it is asked once."""
        if find not in self._kept:
            self._kept[find] = find(self)
        found: Found = self._kept[find]
        return found

    def column(self, name: str) -> list[Any]:
        """The values of a column, one for each attempt; the same text is one object however often it occurs."""
        if name not in self._columns:
            text = pa.types.is_string(self.attempts.schema.field(name).type)
            self._columns[name] = self._each(name, str) if text else self.attempts[name].to_pylist()
        return self._columns[name]

    def _each(self, name: str, made: Callable[[str], Found]) -> list[Found | None]:
        """What is made of each text of a column; of the same text it is made once."""
        numbers, texts = codes(self.attempts, name)
        values = [*map(made, texts), None]
        return [values[number] for number in numbers.tolist()]

    def where(self, column: str, values: Collection[str]) -> Mask:
        """The attempts whose column holds one of some values."""
        return mask(pc.is_in(self.attempts[column], pa.array(sorted(values), pa.string())))

    def matching(self, column: str, holds: Callable[[str], bool]) -> Mask:
        """The attempts of whose value something holds; each value is asked once."""
        values = pc.unique(self.attempts[column]).to_pylist()
        return self.where(column, [value for value in values if value is not None and holds(value)])

    def clients(self, kind: str) -> set[str]:
        """The clients of which there is an event of this kind."""
        found = self.events.filter(pc.field("kind") == kind)["client_address"].to_pylist()
        return {address for address in found if address}

    def rows(self, numbers: Iterable[int]) -> Mask:
        """The attempts of these numbers."""
        found = np.zeros(self.attempts.num_rows, dtype=np.bool_)
        found[list(numbers)] = True
        return found

    @cached_property
    def outside(self) -> Mask:
        """The attempts of others than ourselves."""
        return self.where("origin", ["outside"])

    @cached_property
    def accepted(self) -> Mask:
        """The attempts that Postfix accepted."""
        return self.where("action", ["accept"])

    @cached_property
    def senders(self) -> list[str | None]:
        """The senders in lower case."""
        return self._each("sender", str.lower)

    @cached_property
    def sender_domains(self) -> list[str]:
        """Their domains; '' for none."""
        return [domain or "" for domain in self._each("sender", sender_domain)]

    @cached_property
    def recipients(self) -> list[str | None]:
        """The recipients in lower case."""
        return self._each("recipient", str.lower)

    @cached_property
    def local(self) -> frozenset[str]:
        """Our domains, by the configuration, and by what relay control let the world write to."""
        accepted = self.attempts.filter(pa.array(self.outside & self.accepted))
        found = pc.unique(accepted["recipient"]).to_pylist()
        return self.domains | {sender_domain(address) for address in found if address}

    @cached_property
    def days(self) -> list[int | None]:
        """The day of each attempt, counted from 1970 by UTC."""
        found: list[int | None] = pc.cast(pc.cast(self.attempts["time"], pa.date32()), pa.int32()).to_pylist()
        return found


def mask(found: pa.ChunkedArray | pa.Array) -> Mask:
    """The truths of pyarrow as numpy's; null is false."""
    filled: Mask = np.asarray(pc.fill_null(found, fill_value=False).to_numpy(zero_copy_only=False), dtype=np.bool_)
    return filled
