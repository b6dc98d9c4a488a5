"""maillog advisor: which Postfix restrictions to switch on, from the server's own maillog.

The flow, left to right; each module imports only from those left of it:

    errors ▸ line ▸ event ▸ family ▸ verdict ▸ programs/ ▸ source ▸ store, history
        files ──▶ lines ──▶ events ──▶ Parquet
    ▸ session ▸ correlation ▸ attempt ▸ restriction ▸ restrictions/ ▸ postconf ▸ simulation ▸ evidence ▸ advice
    ▸ reports/
        events ──▶ attempts ──▶ answers ──▶ Advice ──▶ terminal, html, mail, json
    ▸ question ▸ cli
        which logs, which period, whose configuration; one command for each function below

Two pure halves. Parsing: lines in, events out; no state but the year and the zone of the header. Analysis: frames in,
frames out; no clock, no network, no environment.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from advisor.errors import AdvisorError

if TYPE_CHECKING:
    from advisor.question import advise, attempts, events, explain, ingest, report, simulate

__version__ = "0.1.0"
__all__ = ["AdvisorError", "advise", "attempts", "events", "explain", "ingest", "report", "simulate"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    """Import the functions when they are first asked for: `advisor --help` needs none of the engines."""
    if name in __all__:
        return getattr(import_module("advisor.question"), name)
    raise AttributeError(name)
