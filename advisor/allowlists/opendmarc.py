"""opendmarc: clients whose mail OpenDMARC does not look at (opendmarc.conf(5), IgnoreHosts)."""

from collections.abc import Sequence

from advisor.admission import clients
from advisor.exemption import Exemption, Map, valued


def written(entries: Sequence[Exemption]) -> tuple[str, ...]:
    """One key a line; 127.0.0.1, which OpenDMARC ignores by itself only as long as there is no file."""
    return ("127.0.0.1", *valued("")(entries))


MAP = Map(
    name="opendmarc",
    path="/etc/opendmarc/ignore.hosts",
    asked=("opendmarc",),
    exempts=("opendmarc",),
    head=("IgnoreHosts /etc/opendmarc/ignore.hosts in opendmarc.conf; then: systemctl restart opendmarc",),
    keys=lambda history: clients(history, names=False, networks=True),
    written=written,
    existing="opendmarc",
)
