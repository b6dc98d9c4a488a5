"""Print what is made of tests/programs/NAME.log, one event a line: python -m tests.programs.golden NAME.

Read it before you save it as NAME.events: it must be what the lines say, not merely what the code makes of them.
"""

import json
import sys
from datetime import UTC
from pathlib import Path
from typing import Any

from advisor import programs
from advisor.family import IGNORED
from advisor.line import Clock

HERE = Path(__file__).parent
_ACCOUNT = ("source", "offset", "repeated")


def read(path: Path) -> list[dict[str, Any]]:
    """The events of a log, each with the fields that are not null; what is ignored is none."""
    lines = list(enumerate(path.read_bytes().splitlines()))
    events = programs.parse(lines, Clock(2026, UTC), "golden").events.to_pylist()
    rows = [row for row in events if row["kind"] != IGNORED]
    for row in rows:
        row["time"] = row["time"] and row["time"].isoformat()
    return [{name: value for name, value in row.items() if value is not None and name not in _ACCOUNT} for row in rows]


if __name__ == "__main__":
    for event in read(HERE / f"{sys.argv[1]}.log"):
        sys.stdout.write(json.dumps(event, ensure_ascii=False) + "\n")
