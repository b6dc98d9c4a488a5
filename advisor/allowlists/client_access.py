"""client_access: clients by verified name or by address (access(5), an indexed table)."""

from advisor.admission import clients
from advisor.exemption import FILE, Map, valued

TIPS = (
    "reject_unknown_reverse_client_hostname",
    "reject_invalid_helo_hostname",
    "reject_non_fqdn_helo_hostname",
    "reject_unknown_helo_hostname",
    "reject_unknown_client_hostname",
    "reject_unknown_sender_domain",
)
"""The tips that a map of clients excuses from; smtpd_helo_required asks no map."""

MAP = Map(
    name="client_access",
    path=FILE,
    asked=TIPS,
    exempts=(),
    head=(
        f"check_client_access {{type}}:{FILE}, before what it excuses from; then: postmap {{type}}:{FILE}",
        "In smtpd_recipient_restrictions only behind reject_unauth_destination: OK there lets a client relay.",
    ),
    keys=lambda history: clients(history, names=True, networks=False),
    written=valued("OK"),
    existing="client",
)
