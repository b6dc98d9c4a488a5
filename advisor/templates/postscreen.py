"""postscreen(8): who came, and what became of it."""

from advisor.refusal import CODE, CODES, refine
from advisor.template import template

_ADDRESS = "[{client_address}]:{client_port}"

TEMPLATES = (
    template(
        "screen_connect",
        f"CONNECT from {_ADDRESS} to {{peer:[]}}",
        where={"peer": r"\[[^\]]+\]:\d+"},
        follow={"relay": ("peer", lambda peer: peer[1 : peer.index("]")])},
    ),
    *(
        template("screen_pass", f"{passed} {_ADDRESS}", constants={"action": passed})
        for passed in ("PASS OLD", "PASS NEW")
    ),
    template("screen_disconnect", f"DISCONNECT {_ADDRESS}"),
    *(
        template(
            "verdict",
            f"NOQUEUE: reject: RCPT from {_ADDRESS}: {{code: }} {{text:*}}; from=<{{sender}}>, to=<{{recipient}}>, "
            f"proto={proto}, helo=<{{helo_name{literal}}}>",
            constants={"action": "reject", "stage": "RCPT", "helo_sent": True, "proto": proto},
            where={"text": "[^<].*", "code": CODE, "helo_name": ".+"},
            follow=CODES,
            refine=refine,
        )
        for proto in ("ESMTP", "SMTP")
        for literal in ("", ":[]")
    ),
    template("screen_rank", f"DNSBL rank {{result}} for {_ADDRESS}", where={"result": r"\d+"}),
    template(
        "pregreet", f"PREGREET {{size}} after {{reason}} from {_ADDRESS}: {{text:*}}", where={"reason": r"[\d.]+"}
    ),
    template(
        "screen_hangup",
        f"HANGUP after {{reason}} from {_ADDRESS} in {{text:   }}",
        where={"reason": r"[\d.]+", "text": "tests (?:before|after) SMTP handshake"},
    ),
)
