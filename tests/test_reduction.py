"""What is left out before answers are counted is what no answer looks at."""

from typing import Any

import duckdb
import narwhals as nw
import pyarrow as pa
import pytest

from advisor.entry import parse_list
from advisor.outcome import outcome
from advisor.question import Question
from advisor.restriction import ask, restriction
from advisor.simulation import ask_all, asked_for
from tests.conftest import MONTH


@restriction(parameter="smtpd_client_restrictions", needs=("reverse_client_name",), since="", reply="450 4.7.1")
def reject_dialup_name() -> nw.Expr:
    """A check that nobody but its author knows: it looks at more of a name than whether there is one."""
    return nw.col("reverse_client_name").str.contains(".dyn.", literal=True)


@pytest.fixture(scope="module")
def month() -> pa.Table:
    return Question((MONTH,)).attempts


@pytest.mark.parametrize("engine", [duckdb.from_arrow, lambda table: table.to_pandas(types_mapper=_arrow)])
def test_a_restriction_of_ones_own_is_counted_as_it_answers(month: pa.Table, engine: Any) -> None:
    asked = (*asked_for(parse_list("permit_mynetworks, reject_unknown_client_hostname")), ask(reject_dialup_name, {}))
    found = ask_all(asked, engine(month))
    dialup = [bool(name and ".dyn." in name) for name in month["reverse_client_name"].to_pylist()]
    accepted = [
        origin == "outside" and action == "accept"
        for origin, action in zip(month["origin"].to_pylist(), month["action"].to_pylist(), strict=True)
    ]

    counts = outcome(found)["list"][2]["answers"]["accepted"]
    own = nw.from_native(found.attempts).lazy().collect("pyarrow").to_arrow()["reject_dialup_name"].to_pylist()

    wanted = sum(hit for hit, was in zip(dialup, accepted, strict=True) if was)
    assert 0 < wanted == counts["defer"]
    assert [word == "defer" for word in own] == dialup


def _arrow(kind: pa.DataType) -> Any:
    import pandas as pd

    return pd.ArrowDtype(kind)
