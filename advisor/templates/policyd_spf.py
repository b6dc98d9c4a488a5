"""policyd-spf: what SPF said."""

from advisor.template import template

TEMPLATES = tuple(
    template(
        "spf",
        ": prepend Received-SPF: {said} ({text:%s}) identity={reason}; client-ip={client_address}; helo={helo_name}; "
        "envelope-from={sender}; receiver={domain}%s" % (" " * spaces, end),
        where={"said": r"\w+", "reason": r"\w+", "text": "[^()]*", "domain": "[^;]*"},
        without={"helo_name": ";", "sender": ";"},
        follow={"result": ("said", str.lower)},
    )
    for spaces in (0, 1, 2, 4)
    for end in (" ", "")
)
