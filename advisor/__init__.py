"""maillog advisor: which Postfix restrictions to switch on, from the server's own maillog.

The flow, left to right and down; each module imports only from those before it, which a test checks:

    files ──▶ lines ──▶ events
        errors ▸ stamp ▸ layer ▸ line ▸ hostname ▸ column ▸ event ▸ family ▸ verdict ▸ programs
        marks ▸ template ▸ scan ▸ refusal ▸ templates ▸ value ▸ heading ▸ sheet ▸ parser
    events ──▶ Parquet
        spool ▸ journal ▸ compression ▸ rotation ▸ log ▸ duplicate ▸ source ▸ depot ▸ part ▸ draft ▸ range
        store ▸ temporary ▸ lock ▸ lease ▸ worker ▸ absence ▸ cluster ▸ recognition ▸ ingestion ▸ split
        shipment ▸ history ▸ follower ▸ service
    events ──▶ attempts
        record ▸ message ▸ session ▸ bcc ▸ screening ▸ spf ▸ queue ▸ retry ▸ habit ▸ correlation
        network ▸ recipient ▸ row ▸ pile ▸ register ▸ attempt ▸ muster
    attempts ──▶ answers
        response ▸ blocklist ▸ dnsbl ▸ dmarc ▸ spf_check ▸ spf_query ▸ spf_policy ▸ existence ▸ likeness ▸ substitute
        restriction ▸ listing ▸ restrictions ▸ entry ▸ expression ▸ parameter ▸ setting ▸ state ▸ problem ▸ master
        postconf ▸ mapfile ▸ effect ▸ pattern ▸ dictionary ▸ access ▸ shelf ▸ whitelist ▸ postgrey ▸ triplet ▸ greylist
        comeback ▸ prospect ▸ forecast ▸ connection ▸ deposit ▸ reduction ▸ hearing ▸ testimony ▸ census ▸ fold
        simulation ▸ answer ▸ outcome ▸ levy
    answers ──▶ Advice
        label ▸ case ▸ handover ▸ correspondence ▸ score ▸ content_filter ▸ listed ▸ reason ▸ reasons ▸ evidence
        board ▸ poll ▸ overlap ▸ visitor ▸ recommendation ▸ traffic ▸ contrast ▸ interval ▸ selection ▸ standing
        decision ▸ harm ▸ candidate ▸ deviation ▸ finding ▸ shape ▸ amendment ▸ footprint ▸ key ▸ exemption ▸ pool
        admission ▸ allowlists ▸ existing ▸ review ▸ outlook ▸ switch ▸ revision ▸ change ▸ sequel ▸ aftermath ▸ advice
    Advice ──▶ terminal, html, mail, json
        pseudonym ▸ disguise ▸ reports ▸ plot ▸ sendmail ▸ chapter ▸ story
    attempts ──▶ questions ──▶ responses; this and `system --ask` alone ask the network
        period ▸ packet ▸ resolver ▸ archive ▸ pruning ▸ inquiry ▸ quota ▸ plan ▸ mention ▸ survey ▸ statement
    the machine around Postfix, or a copy of its files
        tree ▸ release ▸ checkup ▸ bind ▸ resolv ▸ endpoint ▸ policy_service ▸ milter ▸ outside ▸ asking ▸ inspection
    which logs, which period, whose configuration; one command for each function below
        output ▸ table ▸ progress ▸ examination ▸ intake ▸ excerpt ▸ question ▸ repetition ▸ clearance ▸ watch
        option ▸ invocation ▸ commands ▸ cli

Two pure halves. Parsing: lines in, events out; no state but the year and the zone of the header. Analysis: frames in,
frames out; no clock, no network, no environment.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from advisor.errors import AdvisorError

if TYPE_CHECKING:
    from advisor.clearance import allowlist
    from advisor.inspection import system
    from advisor.intake import doctor, follow, ingest, prune
    from advisor.question import advise, attempts, events, explain, lookup, report, simulate, trace

__version__ = "0.1.0"
__all__ = [
    "AdvisorError",
    "advise",
    "allowlist",
    "attempts",
    "doctor",
    "events",
    "explain",
    "follow",
    "ingest",
    "lookup",
    "prune",
    "report",
    "simulate",
    "system",
    "trace",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    """Import the functions when they are first asked for: `advisor --help` needs none of the engines."""
    if name in __all__:
        where = "advisor.intake" if name in ("doctor", "follow", "ingest", "prune") else "advisor.question"
        where = {"allowlist": "advisor.clearance", "system": "advisor.inspection"}.get(name, where)
        return getattr(import_module(where), name)
    raise AttributeError(name)
