"""bounce(8): notifications."""

from advisor.template import template

TEMPLATES = (
    template(
        "notification",
        "{queue_id}: {text:  }: {relay}",
        where={"text": "(?:sender|postmaster) (?:non-delivery|delay) notification", "relay": r"\w+"},
    ),
)
