"""postscreen: clients that postscreen lets through untested (postscreen_access_list, cidr_table(5))."""

from advisor.admission import clients
from advisor.exemption import Map, valued

MAP = Map(
    name="postscreen",
    path="/etc/postfix/postscreen_access.cidr",
    asked=("postscreen_dnsbl_action", "postscreen_greet_action"),
    exempts=("postscreen_dnsbl_action", "postscreen_greet_action"),
    head=(
        "postscreen_access_list = permit_mynetworks, cidr:/etc/postfix/postscreen_access.cidr; then: postfix reload",
        "The first line that holds an address counts. postscreen knows no client names.",
    ),
    keys=lambda history: clients(history, names=False, networks=True),
    written=valued("permit"),
    existing="client cidr",
)
