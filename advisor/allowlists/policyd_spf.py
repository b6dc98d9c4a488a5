"""policyd-spf: clients that it does not check (policyd-spf.conf(5), Whitelist).

Whitelist, not skip_addresses, whose defaults it would replace; nor HELO_Whitelist, which asks the DNS for each mail.
policyd-spf 2.9.4 lets everybody pass where it cannot read a network in the list (_spfbypass), so only addresses and
networks without a bit behind the mask stand there.
"""

from collections.abc import Sequence

from advisor.admission import clients
from advisor.exemption import Exemption, Map


def written(entries: Sequence[Exemption]) -> tuple[str, ...]:
    """All keys in one line without blanks, what is said of them above it."""
    if not entries:
        return ()
    comments = tuple(line for entry in entries for line in (f"# {entry.key}", *entry.comments))
    return (*comments, f"Whitelist = {','.join(entry.key for entry in entries)}")


MAP = Map(
    name="policyd-spf",
    path="/etc/postfix-policyd-spf-python/policyd-spf.conf",
    asked=("policyd-spf",),
    exempts=("policyd-spf",),
    head=(
        "/etc/postfix-policyd-spf-python/policyd-spf.conf; on RHEL /etc/python-policyd-spf/policyd-spf.conf",
        "Of two lines with Whitelist the last counts: where there is one, add the addresses to it.",
    ),
    keys=lambda history: clients(history, names=False, networks=True),
    written=written,
    existing="policyd-spf",
)
