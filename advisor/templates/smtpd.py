"""smtpd(8): connections, refusals, and messages begun."""

from advisor.programs.smtpd import STAGES, helo_in_force
from advisor.refusal import CODE, CODES, refine
from advisor.template import Template, template

# 2001:db8::1 has colons, and so has a port behind a bracket; the latter is rare enough to be left to the pattern.
_CLIENT = "{client_name}[{client_address}]"
_TAIL = "; from=<{sender}> to=<{recipient}> proto=%s helo=<{helo_name%s}>"


def _refusal(begin: str, stage: str, proto: str, helo: str) -> Template:
    """A recipient refused: with or without a queue id, and with a HELO that is a name or an address literal."""
    known = {} if stage.startswith("{") else {"stage": stage}
    return template(
        "verdict",
        f"{begin}: reject: {stage} from {_CLIENT}: {{code: }} {{text:*}}{_TAIL % (proto, helo)}",
        constants={"action": "reject", "helo_sent": True, "proto": proto, **known},
        where={"stage": STAGES, "code": CODE},
        follow=CODES,
        refine=refine,
    )


TEMPLATES = (
    template("connect", f"connect from {_CLIENT}"),
    *(
        template(
            "disconnect",
            f"disconnect from {_CLIENT} {{commands{':' if spaces else ''}{spaces}}}",
            where={"commands": r"[a-z]+=\d+(?:/\d+)?(?: [a-z]+=\d+(?:/\d+)?)*"},
            follow={"helo_sent": ("commands", helo_in_force)},
        )
        for spaces in (" " * count for count in range(1, 12))
    ),
    _refusal("NOQUEUE", "RCPT", "ESMTP", ""),
    _refusal("NOQUEUE", "RCPT", "SMTP", ""),
    _refusal("NOQUEUE", "RCPT", "ESMTP", ":[]"),
    _refusal("{queue_id}", "{stage}", "ESMTP", ""),
    template("client", f"{{queue_id}}: client={_CLIENT}"),
    template(
        "client",
        f"{{queue_id}}: client={_CLIENT}, sasl_method={{method}}, sasl_username={{sasl_username}}",
        where={"method": "[^,]+", "sasl_username": "[^,]+"},
    ),
    template(
        "hostname_warning",
        "warning: hostname {reverse_client_name} does not resolve to address {client_address}: {reason:    }",
        where={"reason": r"\D.*", "reverse_client_name": ".+"},
    ),
    template(
        "hostname_warning",
        "warning: hostname {reverse_client_name} does not resolve to address {client_address}",
        where={"reverse_client_name": ".+"},
    ),
    template(
        "lost_connection",
        f"lost connection after {{stage}} from {_CLIENT}",
        constants={"action": "lost connection"},
        where={"stage": r"[\w-]+"},
    ),
    template(
        "tls",
        f"{{result}} TLS connection established from {_CLIENT}: {{text:     }}",
        where={"result": "Anonymous|Untrusted|Trusted|Verified", "text": r"\S+ with cipher \S+ \(\d+/\d+ bits\)"},
    ),
)
