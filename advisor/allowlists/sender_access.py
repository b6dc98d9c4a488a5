"""sender_access: whole sender addresses (access(5)), which anybody may write: only where no client_access would do."""

from advisor.admission import senders
from advisor.exemption import Map, valued

MAP = Map(
    name="sender_access",
    path="/etc/postfix/sender_access",
    asked=("reject_unknown_sender_domain",),
    exempts=(),
    head=(
        "check_sender_access {type}:/etc/postfix/sender_access in smtpd_sender_restrictions, before the rejects; then: "
        "postmap {type}:/etc/postfix/sender_access",
        "A sender is what a client says: client_access excuses from the same checks and cannot be forged. Here stand "
        "only senders whose mail comes from several networks.",
    ),
    keys=senders,
    written=valued("OK"),
    existing="sender",
)
