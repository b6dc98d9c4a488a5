"""maillog advisor: which Postfix restrictions to switch on, from the server's own maillog.

The flow, left to right and down; each module imports only from those before it, which a test checks:

    files ──▶ lines ──▶ events
        errors ▸ stamp ▸ layer ▸ line ▸ hostname ▸ column ▸ event ▸ family ▸ verdict ▸ programs
        marks ▸ template ▸ scan ▸ refusal ▸ templates ▸ value ▸ heading ▸ sheet ▸ parser
    events ──▶ Parquet
        spool ▸ journal ▸ compression ▸ rotation ▸ log ▸ duplicate ▸ source ▸ part ▸ draft ▸ range
        store ▸ temporary ▸ lock ▸ worker ▸ recognition ▸ ingestion ▸ history ▸ follower ▸ service
    events ──▶ attempts
        record ▸ message ▸ session ▸ bcc ▸ screening ▸ spf ▸ queue ▸ retry ▸ habit ▸ correlation
        network ▸ recipient ▸ attempt
    attempts ──▶ answers
        response ▸ blocklist ▸ dnsbl ▸ dmarc ▸ spf_check ▸ spf_query ▸ spf_policy ▸ existence ▸ restriction
        listing ▸ restrictions ▸ entry ▸ expression ▸ postconf ▸ pattern ▸ dictionary ▸ access ▸ shelf
        whitelist ▸ postgrey ▸ triplet ▸ greylist ▸ comeback ▸ prospect ▸ forecast
        testimony ▸ fold ▸ simulation ▸ outcome
    answers ──▶ Advice
        evidence ▸ recommendation ▸ traffic ▸ interval ▸ harm ▸ finding ▸ shape ▸ allowlist ▸ amendment
        change ▸ advice
    Advice ──▶ terminal, html, mail, json
        reports
    attempts ──▶ questions ──▶ responses; nothing else asks the network
        period ▸ packet ▸ resolver ▸ archive ▸ inquiry ▸ quota ▸ plan ▸ mention ▸ survey ▸ statement
    which logs, which period, whose configuration; one command for each function below
        table ▸ progress ▸ absence ▸ intake ▸ question ▸ watch ▸ option ▸ invocation ▸ commands ▸ cli

Two pure halves. Parsing: lines in, events out; no state but the year and the zone of the header. Analysis: frames in,
frames out; no clock, no network, no environment.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from advisor.errors import AdvisorError

if TYPE_CHECKING:
    from advisor.intake import follow, ingest
    from advisor.question import advise, attempts, events, explain, lookup, report, simulate

__version__ = "0.1.0"
__all__ = [
    "AdvisorError",
    "advise",
    "attempts",
    "events",
    "explain",
    "follow",
    "ingest",
    "lookup",
    "report",
    "simulate",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    """Import the functions when they are first asked for: `advisor --help` needs none of the engines."""
    if name in __all__:
        where = "advisor.intake" if name in ("follow", "ingest") else "advisor.question"
        return getattr(import_module(where), name)
    raise AttributeError(name)
