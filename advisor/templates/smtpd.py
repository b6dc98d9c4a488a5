"""smtpd(8): connections, refusals, and messages begun."""

from advisor.programs.smtpd import STAGES, helo_in_force
from advisor.refusal import CODE, CODES, refine
from advisor.template import Template, template

# 2001:db8::1 has colons, and so has a port behind a bracket; the latter is rare enough to be left to the pattern.
_CLIENT = "{client_name}[{client_address}]"
# TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519 server-signature ECDSA (prime256v1)
_CIPHER = r"\S+ with cipher \S+ \(\d+/\d+ bits\).*"
_TAIL = "; from=<{sender}> to=<{recipient}> proto=%s helo=<{helo_name%s}>"


def _refusal(begin: str, stage: str, proto: str, literal: str, action: str = "reject") -> Template:
    """A recipient refused: with or without a queue id, and with a HELO that is a name or an address literal."""
    known = {} if stage.startswith("{") else {"stage": stage}
    return template(
        "verdict",
        f"{begin}: {action}: {stage} from {_CLIENT}: {{code: }} {{text:*}}{_TAIL % (proto, literal)}",
        constants={"action": action, "helo_sent": True, "proto": proto, **known},
        where={"stage": STAGES, "code": CODE},
        follow=CODES,
        refine=refine,
    )


def _permit(literal: str) -> Template:
    """A recipient let in, as smtpd_log_access_permit_actions has it."""
    return template(
        "verdict",
        f"NOQUEUE: permit: RCPT from {_CLIENT}: {{text:   }} ; from=<{{sender}}> to=<{{recipient}}> proto=ESMTP "
        f"helo=<{{helo_name{literal}}}>",
        constants={"action": "permit", "stage": "RCPT", "helo_sent": True, "proto": "ESMTP"},
        where={"text": "action=permit for .*[^ ]"},
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
        for spaces in (" " * count for count in range(12))
    ),
    *(
        _refusal("NOQUEUE", "RCPT", proto, literal, action)
        for action in ("reject", "reject_warning")
        for proto in ("ESMTP", "SMTP")
        for literal in ("", ":[]")
    ),
    _refusal("{queue_id}", "{stage}", "ESMTP", ""),
    *map(_permit, ("", ":[]")),
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
        f"{{result}} TLS connection established from {_CLIENT}: {{text:*}}",
        where={"result": "Anonymous|Untrusted|Trusted|Verified", "text": _CIPHER},
    ),
    template(
        "login_failed",
        "warning: SASL authentication failure: {reason:*}",
        where={"reason": ".+"},
    ),
    template(
        "login_failed",
        f"warning: {_CLIENT}: SASL {{action}} authentication failed: {{reason:*}}, sasl_username={{sasl_username}}",
        where={"action": r"\S+", "reason": "[^,]+"},
    ),
)
