"""qmgr(8): which message is in the queue, from whom, for how many, and when it is gone."""

from advisor.family import QUEUE_ID, family

PROGRAMS = ("qmgr", "oqmgr", "nqmgr")
POSTFIX = True

FAMILIES = (
    family(
        "queued",
        "4F1D61C0: from=<news@sender-ok.example>, size=400, nrcpt=1 (queue active)",
        rf"{QUEUE_ID}: from=<(?P<sender>.*)>, size=(?P<size>\d+), nrcpt=(?P<nrcpt>\d+) \(queue (?P<status>\w+)\)",
    ),
    family("removed", "4F1D61C0: removed", rf"{QUEUE_ID}: removed"),
    family(
        "expired",
        "4F1D61C0: from=<news@sender-ok.example>, status=expired, returned to sender",
        rf"{QUEUE_ID}: from=<(?P<sender>.*)>, status=(?P<status>expired|force-expired), (?P<text>.*)",
    ),
    family(
        "delivery",
        "4F1D61C0: to=<x@y.example>, relay=none, delay=5, delays=0.1/5/0/0, dsn=4.4.1, status=deferred (delivery "
        "temporarily suspended: connect to y.example[192.0.2.1]:25: Connection refused)",
        rf"{QUEUE_ID}: to=<(?P<recipient>.*?)>, (?:orig_to=<(?P<orig_recipient>.*?)>, )?relay=(?P<relay>[^,]+), "
        r"(?:conn_use=\d+,? )?delay=(?P<delay>[\d.e-]+), (?:delays=[\d.e/-]+, )?(?:dsn=(?P<dsn>[\d.]+), )?"
        r"status=(?P<status>[\w-]+) \((?P<text>.*)\)",
    ),
    family(
        "notice",
        "4F1D61C0: skipped, still being delivered",
        rf"{QUEUE_ID}: (?P<text>skipped, still being delivered|sender delay notification.*|removed by .*)",
    ),
)
