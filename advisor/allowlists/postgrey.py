"""postgrey: clients that postgrey never greylists (postgrey(8), whitelist_clients.local)."""

from advisor.admission import clients
from advisor.exemption import Map, valued

MAP = Map(
    name="postgrey",
    path="/etc/postgrey/whitelist_clients.local",
    asked=("postgrey",),
    exempts=("postgrey",),
    head=(
        "/etc/postgrey/whitelist_clients.local; on RHEL /etc/postfix/postgrey_whitelist_clients.local",
        "Then: systemctl reload postgrey",
    ),
    keys=lambda history: clients(history, names=True, networks=True),
    written=valued(""),
    existing="postgrey",
)
