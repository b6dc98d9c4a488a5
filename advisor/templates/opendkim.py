"""opendkim: whose message it is, and whether its signature held."""

from advisor.template import template

_RESULTS = {"DKIM verification successful": "pass", "bad signature data": "fail", "no signature data": "none"}

TEMPLATES = (
    *(
        template(
            "dkim_client",
            f"{{queue_id}}: {{client_name{literal}}} [{{client_address}}] not internal",
            where={"client_name": ".+"},
        )
        for literal in ("", ":[]")
    ),
    template(
        "dkim",
        "{queue_id}: {text:  }",
        where={"text": "|".join(_RESULTS)},
        follow={"result": ("text", _RESULTS.__getitem__)},
    ),
    template("dkim_note", "{queue_id}: {text: }", where={"text": "not authenticated"}),
    template("dkim_note", "{queue_id}: {text:*}", where={"text": r"no signing (?:sub)?domain match for .*"}),
    template(
        "dkim_signed",
        "{queue_id}: DKIM-Signature field added (s={selector}, d={domain})",
        where={"selector": "[^,]+", "domain": "[^)]+"},
    ),
)
