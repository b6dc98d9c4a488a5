"""qmgr(8): messages in the queue, and gone."""

from advisor.template import template

TEMPLATES = (
    template(
        "queued",
        "{queue_id}: from=<{sender}>, size={size}, nrcpt={nrcpt} (queue active)",
        constants={"status": "active"},
    ),
    template("removed", "{queue_id}: removed"),
)
