"""client_cidr: clients by address, pools by their network (access(5), cidr_table(5))."""

from advisor.admission import clients
from advisor.allowlists.client_access import TIPS
from advisor.exemption import Map, valued

MAP = Map(
    name="client_cidr",
    path="/etc/postfix/client_access.cidr",
    asked=TIPS,
    exempts=(),
    head=(
        "check_client_access cidr:/etc/postfix/client_access.cidr, before what it excuses from; then: postfix reload",
        "In smtpd_recipient_restrictions only behind reject_unauth_destination: OK there lets a client relay.",
    ),
    keys=lambda history: clients(history, names=False, networks=True),
    written=valued("OK"),
    existing="client cidr",
)
