"""qmgr(8): which message is in the queue, from whom, for how many, and when it is gone."""

from advisor.family import LIBRARY, NUMBER, QUEUE_ID, family
from advisor.programs.delivery import DELIVERY

PROGRAMS = ("qmgr", "oqmgr", "nqmgr")
POSTFIX = True

FAMILIES = (
    family(
        "queued",
        "4F1D61C0: from=<news@sender-ok.example>, size=400, nrcpt=1 (queue active)",
        rf"{QUEUE_ID}: from=<(?P<sender>.*)>, size=(?P<size>{NUMBER}), nrcpt=(?P<nrcpt>{NUMBER}) "
        r"\(queue (?P<status>\w+)\)",
    ),
    family("removed", "4F1D61C0: removed", rf"{QUEUE_ID}: removed"),
    family(
        "expired",
        "4F1D61C0: from=<news@sender-ok.example>, status=expired, returned to sender",
        rf"{QUEUE_ID}: from=<(?P<sender>.*)>, status=(?P<status>expired|force-expired), (?P<text>returned to sender)",
    ),
    # Postponed or refused without asking a delivery agent.
    DELIVERY,
    family(
        "notice",
        "4F1D61C0: skipped, still being delivered",
        rf"{QUEUE_ID}: (?P<text>skipped, still being delivered)",
    ),
    LIBRARY,
)
