"""opendmarc: what DMARC and SPF said."""

from advisor.template import template

TEMPLATES = (
    template("dmarc", "{queue_id}: {domain} {result}", where={"domain": ".+", "result": "pass|fail|none"}),
    template(
        "dmarc_spf",
        "{queue_id}: SPF({reason}): {domain} {result}",
        where={"reason": r"\w+", "domain": ".+", "result": r"\w+"},
    ),
)
