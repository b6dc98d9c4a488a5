"""policyd-spf: what SPF said."""

from advisor.template import template

TEMPLATES = tuple(
    template(
        "spf",
        f": prepend Received-SPF: {{said}} ({{text:{spaces}}}) identity={{reason}}; client-ip={{client_address}}; "
        f"helo={{helo_name{literal}}}; envelope-from={sender}; receiver={{domain}}{end}",
        where={"said": r"\w+", "reason": r"\w+", "text": "[^()]*", "domain": "[^;]*"},
        without={"helo_name": ";", "sender": ";"},
        follow={"result": ("said", str.lower)},
        constants={} if sender.startswith("{") else {"sender": ""},
    )
    for spaces in ("", " ", "  ", "    ")
    for literal in ("", ":[]")
    for sender in ("{sender}", "<>")
    for end in (" ", "")
)
