"""postgrey_recipients: recipients whose mail postgrey never greylists (postgrey(8), whitelist_recipients.local)."""

from advisor.admission import recipients
from advisor.exemption import Map, valued

MAP = Map(
    name="postgrey_recipients",
    path="/etc/postgrey/whitelist_recipients.local",
    asked=("postgrey",),
    exempts=("postgrey",),
    head=(
        "/etc/postgrey/whitelist_recipients.local; on RHEL /etc/postfix/postgrey_whitelist_recipients.local",
        "Then: systemctl reload postgrey",
        "Here stand only recipients whose wanted mail comes from several networks, and to whom nothing unwanted came.",
    ),
    keys=recipients,
    written=valued(""),
    existing="postgrey recipients",
)
