"""A table written to a file or to standard output: Parquet, CSV or JSON, by the file's ending."""

import json
import re
import sys
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa

from advisor.errors import AdvisorError
from advisor.output import replacing
from advisor.reports.visible import visible

FORMATS = ("parquet", "csv", "json")
# =1+1  a;=1+1: where the comma is for decimals, a spreadsheet parts cells at ';', in quotes or not
_FORMULA = re.compile(r"(\A|[;\t])(?=[=+\-@\t\r\uff1d\uff0b\uff0d\uff20])")


def write(table: pa.Table, output: Path | None, form: str | None = None) -> None:
    """Write a table to `output`, in the format of its ending or of `form`; to standard output as CSV or JSON.

    Raises AdvisorError for an ending that is none of FORMATS and for a file that cannot be written.
    """
    form = form or (output.suffix.lstrip(".").lower() if output is not None else "csv")
    if form not in FORMATS:
        raise AdvisorError(str(output or "--format"), f"'{form}' is no format of tables", "write parquet, csv or json")
    if output is None:
        if form == "parquet":
            raise AdvisorError("-o", "Parquet is not for a terminal", "name a file: -o X.parquet")
        _write_text(table, sys.stdout, form)
        return
    with replacing(output) as path:
        if form == "parquet":
            import pyarrow.parquet as pq  # noqa: PLC0415 - the other formats need not wait for it

            pq.write_table(table, path, compression="zstd")
        else:
            with path.open("w", encoding="utf-8", newline="") as file:
                _write_text(table, file, form)


def _write_text(table: pa.Table, file: TextIO, form: str) -> None:
    if form == "csv":
        _write_csv(table, file)
        return
    file.write("[")
    for number, row in enumerate(_rows(table)):
        file.write(",\n " if number else "\n ")
        json.dump(row, file)
    file.write("\n]\n")


def _rows(table: pa.Table) -> Any:  # noqa: ANN401 - an iterator of plain rows
    for batch in table.to_batches(max_chunksize=16_384):
        for row in batch.to_pylist():
            yield {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}


def _write_csv(table: pa.Table, file: TextIO) -> None:
    """CSV after RFC 4180, but that the empty string is quoted and a missing value is not, so that they differ.

    A text that a spreadsheet would take for a formula gets an apostrophe before it: what stands in a log was chosen
    by strangers. A terminal gets what it would obey spelled out.
    """
    obeys = file.isatty()
    file.write(",".join(_quoted(name) for name in table.column_names) + "\r\n")
    for row in _rows(table):
        line = ",".join(_cell(value) for value in row.values())
        file.write((visible(line) if obeys else line) + "\r\n")


def _cell(value: Any) -> str:  # noqa: ANN401 - whatever a column holds
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return _quoted(_FORMULA.sub(r"\1'", str(value)))


def _quoted(text: str) -> str:
    if text and not any(letter in text for letter in ',"\r\n'):
        return text
    return '"' + text.replace('"', '""') + '"'
