"""A substitute: what stands in for a column where its value makes no difference to what is told of it.

Few rows differ in it, so `tell` is asked about few. Most logs hold no value out of the ordinary, and then it can be
made of fewer columns: to find that out takes a look at the distinct values, not at every row.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_

import narwhals as nw
import pyarrow as pa

from advisor.hostname import LABEL
from advisor.response import Responses


@dataclass(frozen=True)
class Substitute:
    """`exact` stands in for every value; `plain` is the same where no row is `odd`, a test of the columns `of`."""

    exact: nw.Expr
    plain: nw.Expr
    odd: nw.Expr
    of: tuple[str, ...]

    def made(self, values: Iterable[pa.Table]) -> nw.Expr:
        """The plain one where a table of all distinct values shows that no row is odd, else the exact one."""
        for table in values:
            if {*self.of} <= {*table.column_names}:
                odd = nw.from_native(table, eager_only=True).select(self.odd.fill_null(value=True).alias("odd"))["odd"]
                return self.exact if odd.any() else self.plain
        return self.exact


Instead = Callable[[str, Responses], Mapping[str, Substitute | None]]
"""instead(argument, dns): what stands in for a column where its value makes no difference, None for nothing at all.

Only `tell` is asked about the substitute, and only about one row of each kind. It must answer as for the value itself.
"""

_NAMES = ("fqdn", "single", "fqdn.", "single.", "address", "literal")
"""Forms of a HELO that have no empty label and none that is too long."""


def _odd(name: nw.Expr) -> nw.Expr:
    return name.str.contains("..", literal=True) | name.str.starts_with(".") | (name.str.len_chars() >= LABEL)


def _if_any(value: nw.Expr, plain: str) -> nw.Expr:
    return nw.when(~value.is_null()).then(nw.lit(plain))


def _client() -> Substitute:
    own = nw.col("client_address")
    loopback = own.str.starts_with("127.") | own.str.starts_with("::")
    exact = nw.when(loopback).then(own).otherwise(_if_any(own, "192.0.2.1"))
    return Substitute(exact, nw.lit("192.0.2.1"), loopback, ("client_address",))


def _helo() -> Substitute:
    own, syntax = nw.col("helo_name"), nw.col("helo_syntax")
    fits = reduce(or_, (syntax == name for name in _NAMES))
    plain = nw.when(fits).then(nw.lit("plain.example"))
    odd = ~own.is_null() & ~fits.fill_null(value=False)
    return Substitute(plain.otherwise(own), plain, odd, ("helo_name", "helo_syntax"))


def _sender() -> Substitute:
    own, kind = nw.col("sender_domain"), nw.col("sender_kind")
    null = (kind == "null").fill_null(value=False)
    of_domain = nw.when(_odd(own)).then(nw.concat_str([nw.lit("a@"), own])).otherwise(_if_any(own, "a@x"))
    exact, plain = (nw.when(null).then(nw.lit("")).otherwise(other) for other in (of_domain, _if_any(kind, "a@x")))
    odd = ~null & ((own.is_null() != kind.is_null()) | _odd(own).fill_null(value=False))
    return Substitute(exact, plain, odd, ("sender_domain", "sender_kind"))


def _anyone() -> Substitute:
    exact = nw.col("sender").str.replace_all("^[^@]*@", "a@")
    return Substitute(exact, exact, nw.col("sender").is_null(), ("sender",))


CLIENT, HELO, SENDER = _client(), _helo(), _sender()
"""What SPF without any record goes by; see policyd-spf."""
ANYONE = _anyone()
"""Somebody of the sender's domain."""
