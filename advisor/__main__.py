"""The command line: `advisor` and `python -m advisor`. The one place that catches, and that ends the process."""

import atexit
import gc
import os
import sys

import typer

from advisor.absence import Absence
from advisor.cli import app
from advisor.errors import AdvisorError

# Typer's own usage errors; where they live changed when it took click in, but what they are the base of did not.
UsageError: type[typer.BadParameter] = typer.BadParameter.__mro__[1]


def _hush() -> None:
    """Close stderr for good: DuckDB's binding complains of itself there while the interpreter is taken apart."""
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def main() -> None:
    """Run a command. Exit 0: done; 1: `--check` found something; 2: an error, one line on stderr."""
    # What is registered first is done last, when nobody else has anything to say.
    atexit.register(_hush)
    # Rows are many and hold no cycles: to look for those every 700 objects takes 3 to 6 % of a report.
    gc.set_threshold(100_000, 50, 100)
    try:
        with Absence("pandas"):
            status = app(prog_name="advisor", standalone_mode=False)
    except AdvisorError as error:
        sys.stderr.write(f"advisor: {error}\n")
        status = 2
    except UsageError as error:
        # Typer's own wording takes three lines; the promise is one.
        command = error.ctx.command_path if error.ctx is not None else "advisor"
        sys.stderr.write(f"advisor: {' '.join(error.format_message().split())}; see {command} --help\n")
        status = 2
    except typer.Exit as ended:
        status = ended.exit_code
    except (KeyboardInterrupt, typer.Abort):
        status = 130
    except (BrokenPipeError, SystemExit):
        # Whoever read us has had enough (`| head`), on which Typer exits. That is no error, and Python must not try to
        # flush what is left.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    sys.exit(status or 0)


if __name__ == "__main__":
    main()
