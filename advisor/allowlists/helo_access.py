"""helo_access: HELO names (access(5)), which anybody may say: only where no client_access would do."""

from advisor.admission import helos
from advisor.exemption import Map, valued

MAP = Map(
    name="helo_access",
    path="/etc/postfix/helo_access",
    asked=("reject_invalid_helo_hostname", "reject_non_fqdn_helo_hostname", "reject_unknown_helo_hostname"),
    exempts=(),
    head=(
        "check_helo_access {type}:/etc/postfix/helo_access in smtpd_helo_restrictions, before the rejects; then: "
        "postmap {type}:/etc/postfix/helo_access",
        "A HELO name is what a client says of itself: client_access excuses from the same checks and cannot be "
        "forged. Here stand only names that clients of several networks use.",
    ),
    keys=helos,
    written=valued("OK"),
    existing="helo",
)
