"""Run the lab, as root: `python -m tests.lab`; `--help` says what else it can do."""

import argparse
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.lab.campaign import play, sample
from tests.lab.configurations import SAMPLES, configurations
from tests.lab.report import Report


def main() -> int:
    """Play, compare, print; 1 where the advisor contradicts Postfix or a logging knob changed something."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.lab", description="What the advisor says, beside what Postfix does."
    )
    parser.add_argument("--short", action="store_true", help="only the runs of `make test`")
    parser.add_argument("--only", action="append", metavar="NAME", help="only these runs, beside the baseline")
    parser.add_argument(
        "--keep", type=Path, metavar="DIR", help="keep logs and replies there; runs that are there are not played again"
    )
    parser.add_argument("--table", type=Path, metavar="FILE", help="write the table there, too")
    parser.add_argument("--samples", type=Path, metavar="DIR", help="play the sample logs only, and write them there")
    options = parser.parse_args()
    if os.geteuid() != 0:
        parser.error("the lab makes namespaces, for which it must be root")
    wanted = [each.name for each in configurations() if not (options.short and each.long)]
    if options.samples:
        wanted = [*SAMPLES]
    if options.only:
        wanted = [name for name in wanted if name in options.only or name == "baseline"]
    with TemporaryDirectory(prefix="lab-") as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
        print(play(folder, wanted), end="")  # noqa: T201 - a command
        if options.samples:
            sample(folder, wanted, options.samples)
            return 0
        report = Report(folder, wanted)
        wrong = [*report.contradictions(), *report.meddling()]
        table = report.table()
        print("", *wrong, table, report.notes(), sep="\n")  # noqa: T201 - a command
        if options.table:
            options.table.write_text(table)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
